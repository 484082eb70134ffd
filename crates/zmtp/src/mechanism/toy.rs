//! A mechanism for tests only: two states, then each frame XORed under a counter.
//! The counter shows that frames are sealed in the order of the wire.

use super::{Expect, Link, Mechanism, Seal, Step};
use crate::Error;
use crate::command::{Command, READY};
use crate::frame::Flags;

pub(crate) struct Toy {
    pub(crate) key: u8,
}

impl Mechanism for Toy {
    fn name(&self) -> &'static str {
        "TOY"
    }

    fn start(self: Box<Self>, link: &mut Link<'_>) -> Result<Step, Error> {
        link.send(b"HELLO", &[self.key]);
        Ok(Step::Next(Box::new(ExpectHello { ours: self.key })))
    }
}

struct ExpectHello {
    ours: u8,
}

impl Expect for ExpectHello {
    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error> {
        let theirs = match (command.name, command.data) {
            (b"HELLO", [key]) => *key,
            (b"HELLO", _) => return Err(command.malformed("it has not 1 byte")),
            _ => return Err(command.unexpected("waiting for HELLO")),
        };
        let metadata = link.metadata();
        link.send(READY, metadata);
        let key = self.ours ^ theirs;
        Ok(Step::Next(Box::new(ExpectReady { key })))
    }
}

struct ExpectReady {
    key: u8,
}

impl Expect for ExpectReady {
    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error> {
        command.must_be(READY, "waiting for READY")?;
        Ok(Step::Done {
            metadata: link.admit(command.data)?,
            seal: Some(Box::new(Xor {
                key: self.key,
                sent: 0,
                received: 0,
            })),
        })
    }
}

struct Xor {
    key: u8,
    sent: u8,
    received: u8,
}

impl Seal for Xor {
    fn sealed_len(&self, len: u64) -> u64 {
        len.saturating_add(2)
    }

    fn seal(&mut self, flags: Flags, parts: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Error> {
        self.sent = self.sent.wrapping_add(1);
        let pad = self.key ^ self.sent;
        out.extend([self.sent, flags.bits() ^ pad]);
        out.extend(parts.iter().copied().flatten().map(|byte| byte ^ pad));
        Ok(())
    }

    fn open_in_place(&mut self, head: &mut [u8], payload: &mut [u8]) -> Result<Flags, Error> {
        let (flags, _) = self.open(head, &mut Vec::new())?;
        let pad = self.key ^ self.received;
        payload.iter_mut().for_each(|byte| *byte ^= pad);
        Ok(flags)
    }

    fn open(&mut self, sealed: &[u8], opened: &mut Vec<u8>) -> Result<(Flags, usize), Error> {
        opened.clear();
        let malformed = |reason| Error::MalformedCommand {
            name: "MESSAGE".into(),
            reason,
        };
        let [count, flags, rest @ ..] = sealed else {
            return Err(malformed("it is too short"));
        };
        self.received = self.received.wrapping_add(1);
        if *count != self.received {
            return Err(malformed("its counter is out of order"));
        }
        let pad = self.key ^ count;
        opened.extend(rest.iter().map(|byte| byte ^ pad));
        Ok((Flags::from_bits(flags ^ pad), 0))
    }
}
