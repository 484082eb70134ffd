//! MESSAGE: one frame in a box.

use super::{CLIENT_NONCE, FLAGS, Fields, MESSAGE_DATA, SERVER_NONCE};
use crate::Error;
use crate::command::{Command, MESSAGE};
use crate::crypto::{MAC, SharedKey, short_nonce};
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
    key: SharedKey,
    sending: &'static [u8; 16],
    receiving: &'static [u8; 16],
    /// The counters used last; each only rises.
    sent: u64,
    received: u64,
}

impl Boxes {
    /// Goes on after the counters that the handshake used.
    pub(super) fn new(side: Side, key: SharedKey, sent: u64, received: u64) -> Self {
        let (sending, receiving) = match side {
            Side::Client => (CLIENT_NONCE, SERVER_NONCE),
            Side::Server => (SERVER_NONCE, CLIENT_NONCE),
        };
        Self {
            key,
            sending,
            receiving,
            sent,
            received,
        }
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
        let start = out.len();
        out.extend_from_slice(COMMAND);
        out.extend_from_slice(&counter.to_be_bytes());
        out.extend_from_slice(&[0; MAC]);
        out.push(u8::from(flags.more()) * MORE + u8::from(flags.command()) * INNER_COMMAND);
        for part in parts {
            out.extend_from_slice(part);
        }
        let (head, data) = out[start..].split_at_mut(HEAD);
        let nonce = short_nonce(self.sending, counter);
        let mac = self.key.seal_in_place(&nonce, data);
        head[HEAD - MAC..].copy_from_slice(&mac);
        Ok(())
    }

    fn open(&mut self, sealed: &[u8], opened: &mut Vec<u8>) -> Result<(Flags, usize), Error> {
        let command = Command::parse(sealed)?;
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
        opened.resize(fields.rest.len() - MAC, 0);
        let nonce = short_nonce(self.receiving, counter);
        if !self.key.open_into(&nonce, fields.rest, opened) {
            return Err(Error::Cryptographic { name: "MESSAGE" });
        }
        self.received = counter;
        let bits = opened[0];
        let flags = Flags::new(bits & MORE != 0, bits & INNER_COMMAND != 0);
        Ok((flags, FLAGS))
    }
}

/// The start of each MESSAGE.
const COMMAND: &[u8; 8] = b"\x07MESSAGE";
/// Bytes before what is in the box: name, counter, code.
const HEAD: usize = COMMAND.len() + 8 + MAC;

/// Flags inside the box; those of the frame around it say nothing.
const MORE: u8 = 1;
const INNER_COMMAND: u8 = 2;
