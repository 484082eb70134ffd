//! From the socket's items to bytes.

use std::mem;

use pipe::Consumer;
use zmtp::Engine;

use super::{Framing, Wire};
use crate::connection::buffer::Output;
use crate::message::{Item, Message, Multipart, Run};

/// How many encoded bytes make a write worth its system call, unless the user
/// says otherwise.
pub(super) const BATCH: usize = 128 * 1024;

impl Wire {
    /// Takes items from the socket until a write's worth is encoded; tells how
    /// many. With `awake` the socket is not told to say when more comes.
    pub(in crate::connection) fn encode_from(
        &mut self,
        source: &mut Consumer<Item>,
        awake: bool,
    ) -> u64 {
        let mut taken = 0;
        while self.output.len() < self.out_batch && !(awake && source.is_empty_hint()) {
            let encoded = source.pop_in_place(|item| {
                self.output.prepare(taken > 0);
                self.encode(item)
            });
            let Some(messages) = encoded else { break };
            taken += messages;
        }
        taken
    }

    /// Large payloads are taken out of `item`. Tells how many messages it was.
    #[inline(always)]
    fn encode(&mut self, item: &mut Item) -> u64 {
        match (&mut self.framing, item) {
            (Framing::Zmtp(engine), Item::Data(message)) => {
                encode_message(engine, &mut self.output, message);
            }
            (Framing::Zmtp(engine), Item::Run(run)) => {
                encode_run(engine, &mut self.output, run);
                return u64::from(run.len());
            }
            (Framing::Zmtp(engine), Item::Subscribe(topic)) => {
                engine.encode_subscribe(topic, self.output.buffer());
            }
            (Framing::Zmtp(engine), Item::Cancel(topic)) => {
                engine.encode_cancel(topic, self.output.buffer());
            }
            (Framing::Zmtp(engine), Item::Join(group)) => {
                engine.encode_join(group, self.output.buffer());
            }
            (Framing::Zmtp(engine), Item::Leave(group)) => {
                engine.encode_leave(group, self.output.buffer());
            }
            (Framing::Raw, Item::Data(message)) => {
                for part in message.parts_mut() {
                    if Output::wants_in_place(part.len()) {
                        self.output.insert(mem::take(part));
                    } else {
                        self.output.buffer().extend_from_slice(part);
                    }
                }
            }
            (
                Framing::Raw,
                Item::Run(_)
                | Item::Subscribe(_)
                | Item::Cancel(_)
                | Item::Join(_)
                | Item::Leave(_),
            ) => return 1,
        }
        self.output.end_message();
        1
    }

    /// Appends a message that is not the socket's, and not counted as such.
    /// Only once the handshake is over.
    pub(in crate::connection) fn greet(&mut self, mut hello: Message) {
        // The handshake's last word goes before it.
        self.transmit();
        if let Framing::Zmtp(engine) = &mut self.framing {
            encode_part(engine, &mut self.output, &mut hello, false);
        }
    }

    /// Appends what the protocol itself has to say. It waits while a peer that
    /// does not read has a write's worth to come: the engine bounds what waits.
    pub(in crate::connection) fn transmit(&mut self) {
        if let Framing::Zmtp(engine) = &mut self.framing
            && engine.has_output()
            && self.output.len() < BATCH
        {
            engine.transmit(self.output.buffer());
        }
    }
}

#[inline(always)]
fn encode_message(engine: &mut Engine, output: &mut Output, message: &mut Multipart) {
    let mut left = message.len();
    for part in message.parts_mut() {
        left -= 1;
        encode_part(engine, output, part, left > 0);
        // Often there is no other.
        if left == 0 {
            break;
        }
    }
}

/// A run is encoded already, unless this peer speaks otherwise than most.
#[inline(never)]
fn encode_run(engine: &mut Engine, output: &mut Output, run: &Run) {
    if engine.takes_frames() {
        output.append(run.frames(), run.ends());
        return;
    }
    for mut message in run.messages() {
        encode_message(engine, output, &mut message);
        output.end_message();
    }
}

#[inline(always)]
fn encode_part(engine: &mut Engine, output: &mut Output, part: &mut Message, more: bool) {
    if !Output::wants_in_place(part.len()) {
        engine.encode_frame(part, more, output.buffer());
    } else if engine.is_transparent() {
        engine.encode_header(part.len() as u64, more, output.buffer());
        output.insert(mem::take(part));
    } else {
        // Sealed into a buffer that has held as much before.
        output.prepare(true);
        engine.encode_frame(part, more, output.buffer());
    }
}
