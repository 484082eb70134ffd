//! From the socket's items to bytes.

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
            let Some(item) = source.pop() else { break };
            self.output.prepare(taken > 0);
            taken += self.encode(item);
        }
        taken
    }

    /// How many messages that was.
    #[inline]
    fn encode(&mut self, item: Item) -> u64 {
        match (&mut self.framing, item) {
            (Framing::Zmtp(engine), Item::Data(message)) => {
                encode_message(engine, &mut self.output, message);
            }
            (Framing::Zmtp(engine), Item::Run(run)) => {
                encode_run(engine, &mut self.output, &run);
                return u64::from(run.len());
            }
            (Framing::Zmtp(engine), Item::Subscribe(topic)) => {
                engine.encode_subscribe(&topic, self.output.buffer());
            }
            (Framing::Zmtp(engine), Item::Cancel(topic)) => {
                engine.encode_cancel(&topic, self.output.buffer());
            }
            (Framing::Zmtp(engine), Item::Join(group)) => {
                engine.encode_join(&group, self.output.buffer());
            }
            (Framing::Zmtp(engine), Item::Leave(group)) => {
                engine.encode_leave(&group, self.output.buffer());
            }
            (Framing::Raw, Item::Data(message)) => {
                for part in message {
                    if Output::wants_in_place(part.len()) {
                        self.output.insert(part);
                    } else {
                        self.output.buffer().extend_from_slice(&part);
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
    pub(in crate::connection) fn greet(&mut self, hello: Message) {
        // The handshake's last word goes before it.
        self.transmit();
        if let Framing::Zmtp(engine) = &mut self.framing {
            encode_part(engine, &mut self.output, hello, false);
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

#[inline]
fn encode_message(engine: &mut Engine, output: &mut Output, message: Multipart) {
    match message.into_single() {
        Ok(part) => encode_part(engine, output, part, false),
        Err(message) => {
            let mut left = message.len();
            for part in message {
                left -= 1;
                encode_part(engine, output, part, left > 0);
            }
        }
    }
}

/// A run is encoded already, unless this peer speaks otherwise than most.
fn encode_run(engine: &mut Engine, output: &mut Output, run: &Run) {
    if engine.takes_frames() {
        output.append(run.frames(), run.ends());
        return;
    }
    for message in run.messages() {
        encode_message(engine, output, message);
        output.end_message();
    }
}

#[inline]
fn encode_part(engine: &mut Engine, output: &mut Output, part: Message, more: bool) {
    if !Output::wants_in_place(part.len()) {
        engine.encode_frame(&part, more, output.buffer());
    } else if engine.is_transparent() {
        engine.encode_header(part.len() as u64, more, output.buffer());
        output.insert(part);
    } else {
        // Sealed into a buffer that has held as much before.
        output.prepare(true);
        engine.encode_frame(&part, more, output.buffer());
    }
}
