//! MESSAGE: one frame in a box.

use super::{CLIENT_NONCE, FLAGS, Fields, MESSAGE_DATA, SERVER_NONCE};
use crate::Error;
use crate::command::{Command, MESSAGE};
use crate::crypto::{MAC, Sequence, SharedKey};
use crate::frame::Flags;
use crate::mechanism::Seal;

/// Which end we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// The boxes of both directions.
pub(super) struct Boxes {
    sending: Sequence,
    receiving: Sequence,
    /// The counters used last; each only rises.
    sent: u64,
    received: u64,
}

impl Boxes {
    /// Goes on after the counters that the handshake used.
    pub(super) fn new(side: Side, key: &SharedKey, sent: u64, received: u64) -> Self {
        let (sending, receiving) = match side {
            Side::Client => (CLIENT_NONCE, SERVER_NONCE),
            Side::Server => (SERVER_NONCE, CLIENT_NONCE),
        };
        Self {
            sending: Sequence::new(key, sending),
            receiving: Sequence::new(key, receiving),
            sent,
            received,
        }
    }

    /// Holds the start of a frame against what it must be; its counter, and the rest.
    #[inline]
    fn check<'a>(&self, head: &'a [u8]) -> Result<(u64, &'a [u8]), Error> {
        let command = Command::parse(head)?;
        command.must_be(MESSAGE, "exchanging messages")?;
        if command.data.len() < MESSAGE_DATA {
            return Err(command.malformed("it has less than 33 bytes"));
        }
        let mut fields = Fields::of(command);
        let counter = fields.counter()?;
        if counter <= self.received {
            return Err(Error::InvalidSequence {
                nonce: counter,
                last: self.received,
            });
        }
        Ok((counter, fields.rest))
    }
}

impl Seal for Boxes {
    fn sealed_len(&self, len: u64) -> u64 {
        len.saturating_add((HEAD + FLAGS) as u64)
    }

    fn seal(&mut self, flags: Flags, parts: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Error> {
        let counter = self.sent.checked_add(1).ok_or(Error::NoncesUsedUp)?;
        self.sent = counter;
        let len: usize = parts.iter().map(|part| part.len()).sum();
        out.reserve(HEAD + FLAGS + len);
        out.extend_from_slice(COMMAND);
        out.extend_from_slice(&counter.to_be_bytes());
        let flags = u8::from(flags.more()) * MORE + u8::from(flags.command()) * INNER_COMMAND;
        self.sending.seal(counter, flags, parts, out);
        Ok(())
    }

    fn open(&mut self, sealed: &[u8], opened: &mut Vec<u8>) -> Result<(Flags, usize), Error> {
        let (counter, sealed) = self.check(sealed)?;
        let closed = Error::Cryptographic { name: "MESSAGE" };
        let Some((mac, data)) = sealed.split_first_chunk() else {
            return Err(closed);
        };
        opened.clear();
        opened.extend_from_slice(data);
        if !self.receiving.open(counter, mac, opened, &mut []) {
            return Err(closed);
        }
        self.received = counter;
        Ok((flags_of(opened[0]), FLAGS))
    }

    fn open_in_place(&mut self, head: &mut [u8], payload: &mut [u8]) -> Result<Flags, Error> {
        let (counter, rest) = self.check(head)?;
        let closed = Error::Cryptographic { name: "MESSAGE" };
        let (Some(mac), Some((flags, _))) = (rest.first_chunk().copied(), head.split_last_mut())
        else {
            return Err(closed);
        };
        let flags = std::slice::from_mut(flags);
        if !self.receiving.open(counter, &mac, flags, payload) {
            return Err(closed);
        }
        self.received = counter;
        Ok(flags_of(flags[0]))
    }
}

fn flags_of(bits: u8) -> Flags {
    Flags::new(bits & MORE != 0, bits & INNER_COMMAND != 0)
}

/// The start of each MESSAGE.
const COMMAND: &[u8; 8] = b"\x07MESSAGE";
/// Bytes before what is in the box: name, counter, code.
const HEAD: usize = COMMAND.len() + 8 + MAC;

/// Flags inside the box; those of the frame around it say nothing.
const MORE: u8 = 1;
const INNER_COMMAND: u8 = 2;
