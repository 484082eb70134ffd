//! From the socket's items to bytes.

use std::mem;

use pipe::Consumer;
use zmtp::Engine;

use super::{Framing, Wire};
use crate::connection::buffer::Output;
use crate::message::{Item, Message};

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
                self.encode(item);
            });
            if encoded.is_none() {
                break;
            }
            taken += 1;
        }
        taken
    }

    /// Large payloads are taken out of `item`.
    #[inline(always)]
    fn encode(&mut self, item: &mut Item) {
        match (&mut self.framing, item) {
            (Framing::Zmtp(engine), Item::Data(message)) => {
                let mut left = message.len();
                for part in message.parts_mut() {
                    left -= 1;
                    encode_part(engine, &mut self.output, part, left > 0);
                    // Often there is no other.
                    if left == 0 {
                        break;
                    }
                }
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
                Item::Subscribe(_) | Item::Cancel(_) | Item::Join(_) | Item::Leave(_),
            ) => return,
        }
        self.output.end_message();
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
