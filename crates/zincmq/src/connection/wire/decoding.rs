//! From bytes to items for the socket.

use std::time::Instant;

use pipe::Producer;
use zmtp::{Claim, Event};

use super::{Framing, Wire};
use crate::connection::Ending;
use crate::connection::large::{Large, Parts};
use crate::message::{Item, Message, Multipart, Origins};

/// Why decoding stopped.
#[derive(Debug)]
pub(in crate::connection) enum Decoded {
    /// Everything whole was decoded.
    NeedsInput,
    /// The pipe to the socket is at its high-water mark.
    Full,
    /// The peer asks to be let in.
    Asks(Claim),
    /// It waits to be let in.
    Paused,
    /// The handshake has just ended.
    Ready,
}

impl Wire {
    /// Turns what was read into items for the socket. Before the handshake is
    /// over there is no pipe to put them into.
    pub(in crate::connection) fn decode(
        &mut self,
        mut sink: Option<&mut Producer<Item>>,
        now: Instant,
    ) -> Result<Decoded, Ending> {
        loop {
            if let Some(large) = &mut self.large {
                let n = large.take(self.input.bytes())?;
                self.input.consume(n);
                if let Framing::Zmtp(engine) = &mut self.framing {
                    engine.note_traffic(now);
                }
                if !large.is_whole() {
                    return Ok(Decoded::NeedsInput);
                }
                let Some(mut large) = self.large.take() else {
                    continue;
                };
                let more = match (large.parts(), &mut self.framing) {
                    (Parts::Plain { more }, _) => more,
                    (Parts::Sealed { head, payload }, Framing::Zmtp(engine)) => {
                        match engine.open_frame(head, payload, now)? {
                            Event::Frame { more, .. } => more,
                            event => {
                                if let Some(item) = order(event) {
                                    self.items += 1;
                                    control(sink.as_deref_mut(), item);
                                }
                                continue;
                            }
                        }
                    }
                    (Parts::Sealed { .. }, Framing::Raw) => continue,
                };
                let part = self.signed(large.into_message());
                if let Some(sink) = sink.as_deref_mut() {
                    self.items += u64::from(assemble(&mut self.partial, part, more, sink));
                }
                continue;
            }
            if self.partial.is_none()
                && let Some(sink) = sink.as_deref_mut()
                && !sink.has_room()
                // A closed socket reads on, to learn when its peer has all.
                && !sink.is_closed()
            {
                return Ok(Decoded::Full);
            }
            let Framing::Zmtp(engine) = &mut self.framing else {
                if self.input.len() == 0 {
                    return Ok(Decoded::NeedsInput);
                }
                let chunk = self.signed(Message::copy_from_slice(self.input.bytes()));
                self.input.consume(chunk.len());
                if let Some(sink) = sink.as_deref_mut() {
                    self.items += u64::from(assemble(&mut self.partial, chunk, false, sink));
                }
                continue;
            };
            let (consumed, event) = engine.step(self.input.bytes(), now)?;
            match event {
                Event::Frame { more, payload } => {
                    let origin = self.origins.as_mut().map(Origins::next);
                    let message = Message::copied_from(payload, origin);
                    if let Some(sink) = sink.as_deref_mut() {
                        self.items += u64::from(assemble(&mut self.partial, message, more, sink));
                    }
                }
                Event::LargeFrame { more, len } => {
                    self.large = Some(Large::new(len, more, &self.stock)?)
                }
                Event::SealedFrame { head, len } => {
                    self.large = Some(Large::sealed(head, len, &self.stock)?)
                }
                event @ (Event::Subscribe(_)
                | Event::Cancel(_)
                | Event::Join(_)
                | Event::Leave(_)) => {
                    if let Some(item) = order(event) {
                        self.items += 1;
                        control(sink.as_deref_mut(), item);
                    }
                }
                Event::Progress => {}
                Event::Ready => {
                    self.input.consume(consumed);
                    self.hint = 1;
                    return Ok(Decoded::Ready);
                }
                Event::Authenticate(credentials) => {
                    let claim = Claim::from(credentials);
                    self.input.consume(consumed);
                    self.input.shrink();
                    self.hint = 1;
                    return Ok(Decoded::Asks(claim));
                }
                Event::Paused => return Ok(Decoded::Paused),
                Event::NeedMore { hint } => {
                    self.input.consume(consumed);
                    self.hint = hint.max(1);
                    return Ok(Decoded::NeedsInput);
                }
            }
            self.input.consume(consumed);
        }
    }
}

impl Wire {
    /// As one of the peer's, once that is known.
    fn signed(&mut self, mut part: Message) -> Message {
        part.set_peer(self.origins.as_mut().map(Origins::next));
        part
    }
}

/// What a peer asks of the socket by command.
fn order(event: Event<'_>) -> Option<Item> {
    Some(match event {
        Event::Subscribe(topic) => Item::Subscribe(Message::copy_from_slice(topic)),
        Event::Cancel(topic) => Item::Cancel(Message::copy_from_slice(topic)),
        Event::Join(group) => Item::Join(Message::copy_from_slice(group)),
        Event::Leave(group) => Item::Leave(Message::copy_from_slice(group)),
        _ => return None,
    })
}

/// Adds one part; the whole message goes to the socket with its last. True if
/// it was.
#[inline]
fn assemble(
    partial: &mut Option<Multipart>,
    part: Message,
    more: bool,
    sink: &mut Producer<Item>,
) -> bool {
    let message = match partial.take() {
        None => Multipart::from(part),
        Some(mut begun) => {
            begun.push(part);
            begun
        }
    };
    if more {
        *partial = Some(message);
    } else {
        control(Some(sink), Item::Data(message));
    }
    !more
}

/// Puts `item` into the pipe. Room was seen before the message began, and
/// nobody else pushes; if the socket closed its end, the item goes with it.
#[inline]
fn control(sink: Option<&mut Producer<Item>>, item: Item) {
    if let Some(sink) = sink {
        let _ = sink.push_over(item);
    }
}
