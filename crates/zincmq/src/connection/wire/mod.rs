//! A stream and what gives its bytes meaning.

mod decoding;
mod encoding;

use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use zmtp::Engine;

use self::encoding::BATCH;
use super::Ending;
use super::buffer::{Input, Output};
use super::large::Large;
use super::stock::Stock;
use crate::message::{Multipart, Origins, PeerInfo};
use crate::monitor::Place;
use crate::reactor::{Interest, Membership};
use crate::transport::ByteStream;

pub(super) use self::decoding::Decoded;

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
    /// Where its memory comes from.
    stock: Arc<Stock>,
    /// Items put into the pipe to the socket so far.
    items: u64,
    /// What marks messages as the peer's.
    origins: Option<Origins>,
    /// Why nothing more can be written; what came before can still be read.
    broken: Option<io::Error>,
    pub(super) peer_address: String,
    pub(super) place: Place,
}

enum Framing {
    Zmtp(Box<Engine>),
    Raw,
}

/// What reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// There may be more.
    Some,
    /// All that there was.
    Rest,
    Nothing,
}

impl Wire {
    pub(super) fn new(
        stream: Box<dyn ByteStream>,
        engine: Option<Engine>,
        place: Place,
        peer_address: String,
        stock: Arc<Stock>,
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
            stock,
            items: 0,
            origins: None,
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

    /// Marks what comes from now on as from this peer.
    pub(super) fn know(&mut self, peer: Arc<PeerInfo>) {
        self.origins = Some(Origins::new(peer));
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
        let mut direct = false;
        let read = match &mut self.large {
            Some(large) if self.input.len() == 0 && large.wants_direct() => {
                direct = true;
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
            Ok(n) if !direct && n < self.in_batch && self.input.has_spare() => Ok(Filled::Rest),
            Ok(_) => Ok(Filled::Some),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Filled::Nothing),
            Err(error) => Err(self.broken.take().unwrap_or(error).into()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Item;
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
        let (place, stock) = (Place::default(), Stock::new());
        Wire::new(Box::new(Generous), None, place, String::new(), stock)
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
