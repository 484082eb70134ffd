//! A stream and what gives its bytes meaning.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use pipe::{Consumer, Producer};
use zmtp::{Claim, Engine, Event};

use super::Ending;
use super::buffer::{Input, Output};
use super::large::{Large, Parts};
use crate::message::{Item, Message, Multipart, PeerInfo};
use crate::monitor::Place;
use crate::reactor::{Interest, Membership};
use crate::transport::ByteStream;

/// How many encoded bytes make a write worth its system call, unless the user
/// says otherwise.
const BATCH: usize = 128 * 1024;

/// So much is read ahead from a peer that waits to be let in, bytes.
const CROWD: usize = 4096;

pub(super) struct Wire {
    stream: Box<dyn ByteStream>,
    membership: Option<Membership>,
    interest: Interest,
    framing: Framing,
    input: Input,
    output: Output,
    /// The most to read into `input` at once, bytes.
    in_batch: usize,
    /// How many encoded bytes make a write.
    out_batch: usize,
    /// Bytes more that decoding can use at least.
    hint: usize,
    /// The message whose parts are still coming.
    partial: Option<Multipart>,
    /// The payload that is being read in place.
    large: Option<Large>,
    /// Items put into the pipe to the socket so far.
    items: u64,
    /// Why nothing more can be written; what came before can still be read.
    broken: Option<io::Error>,
    pub(super) peer_address: String,
    pub(super) place: Place,
}

enum Framing {
    Zmtp(Box<Engine>),
    Raw,
}

/// Why decoding stopped.
#[derive(Debug)]
pub(super) enum Decoded {
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

/// What reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    Some,
    Nothing,
}

impl Wire {
    pub(super) fn new(
        stream: Box<dyn ByteStream>,
        engine: Option<Engine>,
        place: Place,
        peer_address: String,
    ) -> Self {
        Self {
            stream,
            membership: None,
            interest: Interest::READ,
            framing: engine.map_or(Framing::Raw, |engine| Framing::Zmtp(Box::new(engine))),
            input: Input::default(),
            output: Output::default(),
            in_batch: usize::MAX,
            out_batch: BATCH,
            hint: 1,
            partial: None,
            large: None,
            items: 0,
            broken: None,
            peer_address,
            place,
        }
    }

    /// Limits how much is read and written at once, bytes.
    pub(super) fn set_batches(&mut self, input: Option<usize>, output: Option<usize>) {
        self.in_batch = input.unwrap_or(usize::MAX);
        self.out_batch = output.unwrap_or(BATCH);
    }

    pub(super) fn stream(&self) -> &dyn ByteStream {
        &*self.stream
    }

    pub(super) fn joined(&mut self, membership: Membership) {
        self.membership = Some(membership);
    }

    /// Whether user messages may travel.
    pub(super) fn is_ready(&self) -> bool {
        match &self.framing {
            Framing::Zmtp(engine) => engine.is_ready(),
            Framing::Raw => true,
        }
    }

    pub(super) fn engine(&mut self) -> Option<&mut Engine> {
        match &mut self.framing {
            Framing::Zmtp(engine) => Some(engine),
            Framing::Raw => None,
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        match &self.framing {
            Framing::Zmtp(engine) => engine.next_timeout(),
            Framing::Raw => None,
        }
    }

    /// Who the peer says it is, once the handshake is over.
    pub(super) fn peer_info(&self) -> Arc<PeerInfo> {
        let mut info = PeerInfo {
            address: self.peer_address.clone(),
            fd: Some(self.stream.fd().as_raw_fd()),
            local: self.place.local.clone(),
            remote: match self.place.bound {
                true => self.place.remote.clone(),
                false => self.place.endpoint.clone(),
            },
            ..PeerInfo::default()
        };
        if let Framing::Zmtp(engine) = &self.framing
            && let Some(peer) = engine.peer()
        {
            info.socket_type = peer.socket_type;
            info.routing_id = Bytes::copy_from_slice(&peer.routing_id);
            info.properties = peer
                .properties
                .iter()
                .map(|(name, value)| (name.clone(), Bytes::copy_from_slice(value)))
                .collect();
            if let Some(grant) = &peer.grant {
                info.user_id = Some(Bytes::copy_from_slice(&grant.user_id));
                info.granted = grant
                    .metadata
                    .iter()
                    .map(|(name, value)| (name.clone(), Bytes::copy_from_slice(value)))
                    .collect();
            }
        }
        Arc::new(info)
    }

    /// Items put into the pipe to the socket so far.
    pub(super) fn items(&self) -> u64 {
        self.items
    }

    /// Enough was read that is not decoded yet.
    pub(super) fn is_crowded(&self) -> bool {
        self.input.len() >= CROWD
    }

    /// Reads once.
    pub(super) fn fill(&mut self) -> Result<Filled, Ending> {
        let read = match &mut self.large {
            Some(large) if self.input.len() == 0 && large.wants_direct() => {
                large.fill(&mut *self.stream)?
            }
            _ => {
                let ready = match &self.framing {
                    Framing::Zmtp(engine) => engine.is_ready(),
                    Framing::Raw => true,
                };
                self.input
                    .fill(&mut *self.stream, self.hint, self.in_batch, ready)
            }
        };
        match read {
            Ok(0) => Err(self.take_break()),
            Ok(_) => Ok(Filled::Some),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Filled::Nothing),
            Err(error) => Err(self.broken.take().unwrap_or(error).into()),
        }
    }

    /// Turns what was read into items for the socket. Before the handshake is
    /// over there is no pipe to put them into.
    pub(super) fn decode(
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
                let part = large.into_message();
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
                let chunk = Message::copy_from_slice(self.input.bytes());
                self.input.consume(chunk.len());
                if let Some(sink) = sink.as_deref_mut() {
                    self.items += u64::from(assemble(&mut self.partial, chunk, false, sink));
                }
                continue;
            };
            let (consumed, event) = engine.step(self.input.bytes(), now)?;
            match event {
                Event::Frame { more, payload } => {
                    let message = Message::copy_from_slice(payload);
                    if let Some(sink) = sink.as_deref_mut() {
                        self.items += u64::from(assemble(&mut self.partial, message, more, sink));
                    }
                }
                Event::LargeFrame { more, len } => self.large = Some(Large::new(len, more)?),
                Event::SealedFrame { head, len } => self.large = Some(Large::sealed(head, len)?),
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

    /// Takes items from the socket until a write's worth is encoded; tells how
    /// many. With `awake` the socket is not told to say when more comes.
    pub(super) fn encode_from(&mut self, source: &mut Consumer<Item>, awake: bool) -> u64 {
        let mut taken = 0;
        while self.output.len() < self.out_batch && !(awake && source.is_empty_hint()) {
            let Some(item) = source.pop() else { break };
            self.output.prepare(taken > 0);
            self.encode(item);
            taken += 1;
        }
        taken
    }

    fn encode(&mut self, item: Item) {
        match (&mut self.framing, item) {
            (Framing::Zmtp(engine), Item::Data(message)) => match message.into_single() {
                Ok(part) => encode_part(engine, &mut self.output, part, false),
                Err(message) => {
                    let mut left = message.len();
                    for part in message {
                        left -= 1;
                        encode_part(engine, &mut self.output, part, left > 0);
                    }
                }
            },
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
                Item::Subscribe(_) | Item::Cancel(_) | Item::Join(_) | Item::Leave(_),
            ) => return,
        }
        self.output.end_message();
    }

    /// Appends a message that is not the socket's, and not counted as such.
    /// Only once the handshake is over.
    pub(super) fn greet(&mut self, hello: Message) {
        // The handshake's last word goes before it.
        self.transmit();
        if let Framing::Zmtp(engine) = &mut self.framing {
            encode_part(engine, &mut self.output, hello, false);
        }
    }

    /// Appends what the protocol itself has to say. It waits while a peer that
    /// does not read has a write's worth to come: the engine bounds what waits.
    pub(super) fn transmit(&mut self) {
        if let Framing::Zmtp(engine) = &mut self.framing
            && engine.has_output()
            && self.output.len() < BATCH
        {
            engine.transmit(self.output.buffer());
        }
    }

    /// Writes; true if everything went.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        self.output.flush(&mut *self.stream)
    }

    /// Nothing more can be written, because of `error`; what the peer sent
    /// before can still be read, up to its end.
    pub(super) fn break_off(&mut self, error: io::Error) {
        self.stream.shutdown();
        self.broken = Some(error);
    }

    /// How a connection ends that has come to the end of its input.
    pub(super) fn take_break(&mut self) -> Ending {
        self.broken.take().map_or(Ending::PeerClosed, Into::into)
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    pub(super) fn has_unwritten(&self) -> bool {
        !self.output.is_empty()
    }

    /// Messages taken from the socket and not wholly written.
    pub(super) fn unfinished(&self) -> u64 {
        self.output.unfinished()
    }

    /// Gives back the memory an idle connection does not need.
    pub(super) fn rest(&mut self) {
        self.input.rest();
        self.output.rest();
    }

    /// What the poller should tell of.
    pub(super) fn want(&mut self, interest: Interest) -> io::Result<()> {
        if interest != self.interest
            && let Some(membership) = &self.membership
        {
            membership.modify(self.stream.fd(), self.interest, interest)?;
            self.interest = interest;
        }
        Ok(())
    }

    pub(super) fn interest(&self) -> Interest {
        self.interest
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(membership) = self.membership.take()
            && membership.leave(self.stream.fd())
        {
            // A process forked meanwhile has the descriptor, too; closing ours
            // alone would leave the peer in the belief that we are here.
            self.stream.shutdown();
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::IoSlice;
    use std::os::fd::BorrowedFd;

    /// Fills whatever it is given, and takes whatever it gets.
    struct Generous;

    impl ByteStream for Generous {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(b'x');
            Ok(buffer.len())
        }

        fn read_onto(&mut self, payload: &mut Vec<u8>, most: usize) -> io::Result<usize> {
            payload.resize(payload.len() + most, b'x');
            Ok(most)
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            Ok(slices.iter().map(|slice| slice.len()).sum())
        }

        fn fd(&self) -> BorrowedFd<'_> {
            unreachable!("nobody polls it")
        }

        fn shutdown(&mut self) {}
    }

    fn raw() -> Wire {
        Wire::new(Box::new(Generous), None, Place::default(), String::new())
    }

    #[test]
    fn a_read_brings_a_batch_at_most() {
        let mut wire = raw();
        wire.set_batches(Some(100), None);
        let (mut sink, mut socket) = pipe::bounded(0);
        for _ in 0..3 {
            assert_eq!(wire.fill().unwrap(), Filled::Some);
            wire.decode(Some(&mut sink), Instant::now()).unwrap();
        }
        let _ = sink.publish();
        for _ in 0..3 {
            let Some(Item::Data(chunk)) = socket.pop() else {
                panic!("no chunk");
            };
            assert_eq!(chunk.size(), 100);
        }
    }

    #[test]
    fn a_write_takes_a_batch_and_the_message_it_ends_in() {
        let mut wire = raw();
        let (mut socket, mut source) = pipe::bounded(0);
        for _ in 0..5 {
            let message = Multipart::from(vec![0; 60]);
            socket.push(Item::Data(message)).unwrap();
        }
        let _ = socket.publish();
        wire.set_batches(None, Some(100));
        assert_eq!(wire.encode_from(&mut source, false), 2);
        assert!(wire.flush().unwrap());
        wire.set_batches(None, Some(1));
        assert_eq!(wire.encode_from(&mut source, false), 1);
        assert!(wire.flush().unwrap());
        wire.set_batches(None, None);
        assert_eq!(wire.encode_from(&mut source, false), 2);
    }
}
