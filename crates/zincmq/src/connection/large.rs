//! A long payload on its way in, read straight into its own memory.

use std::io;
use std::sync::Weak;

use super::Ending;
use super::stock::Stock;
use crate::message::{Home, LONGEST_BLOCK, Message};
use crate::transport::ByteStream;

/// First allocation for a payload. It grows as bytes come, never by what the
/// peer merely claims.
const FIRST_CHUNK: usize = 1024 * 1024;
/// So many times what has come is allocated then. Memory that nothing was written
/// to costs addresses alone.
const GROWTH: usize = 16;
/// Sealed payloads are opened where they lie, and so gathered even if they are short. For
/// less than this another read would cost more than to copy it from one with what follows.
const WORTH_A_READ: usize = 32 * 1024;

pub(super) struct Large {
    kind: Kind,
    payload: Payload,
    /// Bytes of the payload that are there.
    filled: usize,
    len: usize,
    home: Weak<dyn Home>,
}

enum Kind {
    Plain { more: bool },
    Sealed { head: Head },
}

/// What comes before a sealed payload.
struct Head {
    bytes: [u8; 64],
    filled: usize,
    len: usize,
}

/// A frame that is there as a whole.
pub(super) enum Parts<'a> {
    Plain {
        more: bool,
    },
    /// Still to be opened.
    Sealed {
        head: &'a mut [u8],
        payload: &'a mut [u8],
    },
}

enum Payload {
    /// A short one.
    Block(Message),
    Growing(Vec<u8>),
    /// Of the whole length already.
    Reused(Vec<u8>),
}

impl Large {
    pub(super) fn new(len: u64, more: bool, stock: &Stock) -> Result<Self, Ending> {
        Self::with(Kind::Plain { more }, len, stock)
    }

    /// A sealed frame, of `head` bytes and a payload of `len`.
    pub(super) fn sealed(head: usize, len: u64, stock: &Stock) -> Result<Self, Ending> {
        let head = Head {
            bytes: [0; 64],
            filled: 0,
            len: head.min(64),
        };
        Self::with(Kind::Sealed { head }, len, stock)
    }

    fn with(kind: Kind, len: u64, stock: &Stock) -> Result<Self, Ending> {
        let whole = usize::try_from(len).map_err(|_| Ending::OutOfMemory(len))?;
        let payload = if whole <= LONGEST_BLOCK {
            Payload::Block(Message::with_len(whole).ok_or(Ending::OutOfMemory(len))?)
        } else {
            let reused = stock.take(whole).map(Payload::Reused);
            reused.unwrap_or(Payload::Growing(Vec::new()))
        };
        Ok(Self {
            kind,
            payload,
            filled: 0,
            len: whole,
            home: stock.home(),
        })
    }

    /// Whether the next bytes should be read into their place.
    pub(super) fn wants_direct(&self) -> bool {
        match &self.kind {
            Kind::Plain { .. } => true,
            Kind::Sealed { head } => head.is_whole() && self.len - self.filled >= WORTH_A_READ,
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        let has_head = match &self.kind {
            Kind::Plain { .. } => true,
            Kind::Sealed { head } => head.is_whole(),
        };
        has_head && self.filled == self.len
    }

    /// What is there.
    pub(super) fn parts(&mut self) -> Parts<'_> {
        match &mut self.kind {
            Kind::Plain { more } => Parts::Plain { more: *more },
            Kind::Sealed { head } => Parts::Sealed {
                head: &mut head.bytes[..head.filled],
                payload: self.payload.bytes(),
            },
        }
    }

    pub(super) fn into_message(self) -> Message {
        match self.payload {
            Payload::Block(message) => message,
            Payload::Growing(payload) | Payload::Reused(payload) => {
                Message::long(payload, self.home)
            }
        }
    }

    /// Copies from what was read already; tells how much.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, Ending> {
        let mut taken = 0;
        if let Kind::Sealed { head } = &mut self.kind {
            taken = bytes.len().min(head.len - head.filled);
            head.bytes[head.filled..head.filled + taken].copy_from_slice(&bytes[..taken]);
            head.filled += taken;
        }
        while taken < bytes.len() && self.filled < self.len {
            let n = self.payload.put(&bytes[taken..], self.filled, self.len)?;
            self.filled += n;
            taken += n;
        }
        Ok(taken)
    }

    /// Reads once.
    pub(super) fn fill(
        &mut self,
        stream: &mut dyn ByteStream,
    ) -> Result<io::Result<usize>, Ending> {
        let read = match &mut self.payload {
            Payload::Growing(payload) => {
                grow(payload, self.len)?;
                stream.read_onto(payload, self.len - self.filled)
            }
            whole => stream.read(&mut whole.bytes()[self.filled..]),
        };
        if let Ok(n) = read {
            self.filled += n;
        }
        Ok(read)
    }
}

impl Payload {
    /// Copies of `bytes` what there is room for, behind the `filled` bytes of
    /// `len` that are there.
    fn put(&mut self, bytes: &[u8], filled: usize, len: usize) -> Result<usize, Ending> {
        let left = bytes.len().min(len - filled);
        match self {
            Self::Growing(payload) => {
                let n = left.min(grow(payload, len)?);
                payload.extend_from_slice(&bytes[..n]);
                Ok(n)
            }
            whole => {
                whole.bytes()[filled..filled + left].copy_from_slice(&bytes[..left]);
                Ok(left)
            }
        }
    }

    fn bytes(&mut self) -> &mut [u8] {
        match self {
            Self::Block(message) => message
                .unique()
                .expect("nobody else has it before it is whole"),
            Self::Growing(payload) | Self::Reused(payload) => payload,
        }
    }
}

impl Head {
    fn is_whole(&self) -> bool {
        self.filled == self.len
    }
}

/// Makes room for more of the `len` bytes, and tells for how many there is some.
fn grow(payload: &mut Vec<u8>, len: usize) -> Result<usize, Ending> {
    let filled = payload.len();
    if filled == payload.capacity() {
        let target = filled.saturating_mul(GROWTH).max(FIRST_CHUNK).min(len);
        payload
            .try_reserve_exact(target - filled)
            .map_err(|_| Ending::OutOfMemory(len as u64))?;
    }
    Ok(payload.capacity() - filled)
}
