//! Commands: a name of up to 255 bytes, and what follows it.

use crate::Error;
use crate::error::printable;
use crate::frame::{Flags, Framing, put_header};

/// A command frame's payload, split into name and data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Command<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) data: &'a [u8],
}

impl<'a> Command<'a> {
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, Error> {
        let split = payload
            .split_first()
            .and_then(|(len, rest)| rest.split_at_checked(usize::from(*len)));
        match split {
            Some((name, data)) => Ok(Self { name, data }),
            None => Err(Error::MalformedCommand {
                name: String::new(),
                reason: "it ends within its name",
            }),
        }
    }

    /// The error for this command's content.
    pub(crate) fn malformed(&self, reason: &'static str) -> Error {
        Error::MalformedCommand {
            name: printable(self.name),
            reason,
        }
    }

    /// The error for this command at this time.
    pub(crate) fn unexpected(&self, state: &'static str) -> Error {
        Error::UnexpectedCommand {
            name: printable(self.name),
            state,
        }
    }

    /// Refuses any other command than that.
    pub(crate) fn must_be(&self, name: &[u8], state: &'static str) -> Result<(), Error> {
        match self.name == name {
            true => Ok(()),
            false => Err(self.unexpected(state)),
        }
    }

    /// Refuses any other command than that, and reads ERROR for what it says.
    pub(crate) fn must_be_or_refuse(&self, name: &[u8], state: &'static str) -> Result<(), Error> {
        match self.name {
            ERROR => Err(self.refusal()),
            _ => self.must_be(name, state),
        }
    }

    /// Reads an ERROR command as the error it tells of.
    pub(crate) fn refusal(&self) -> Error {
        let reason = self
            .data
            .split_first()
            .and_then(|(len, rest)| rest.get(..usize::from(*len)));
        match reason {
            Some(reason) => Error::PeerRefused {
                reason: printable(reason),
            },
            None => self.malformed("it ends within its reason"),
        }
    }
}

/// What a command says once the handshake is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traffic<'a> {
    Subscribe(&'a [u8]),
    Cancel(&'a [u8]),
    Join(&'a [u8]),
    Leave(&'a [u8]),
    /// `ttl` in tenths of a second, zero for none.
    Ping {
        ttl: u16,
        context: &'a [u8],
    },
    Pong,
    /// A name this version does not know; RFC 37 says to go on.
    Unknown,
}

impl<'a> Traffic<'a> {
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, Error> {
        let command = Command::parse(payload)?;
        Ok(match command.name {
            SUBSCRIBE => Self::Subscribe(command.data),
            CANCEL => Self::Cancel(command.data),
            JOIN => Self::Join(command.data),
            LEAVE => Self::Leave(command.data),
            PING => match command.data.split_first_chunk() {
                // What is too much is not echoed, as in libzmq.
                Some((ttl, context)) => Self::Ping {
                    ttl: u16::from_be_bytes(*ttl),
                    context: &context[..context.len().min(MAX_CONTEXT)],
                },
                None => return Err(command.malformed("it ends within its time to live")),
            },
            PONG if command.data.len() > MAX_CONTEXT => {
                return Err(command.malformed("its context is over 16 bytes"));
            }
            PONG => Self::Pong,
            ERROR => return Err(command.refusal()),
            READY => return Err(command.unexpected("exchanging messages")),
            _ => Self::Unknown,
        })
    }
}

pub(crate) const HELLO: &[u8] = b"HELLO";
pub(crate) const WELCOME: &[u8] = b"WELCOME";
pub(crate) const INITIATE: &[u8] = b"INITIATE";
pub(crate) const READY: &[u8] = b"READY";
pub(crate) const MESSAGE: &[u8] = b"MESSAGE";
pub(crate) const ERROR: &[u8] = b"ERROR";
pub(crate) const PING: &[u8] = b"PING";
pub(crate) const PONG: &[u8] = b"PONG";
pub(crate) const SUBSCRIBE: &[u8] = b"SUBSCRIBE";
pub(crate) const CANCEL: &[u8] = b"CANCEL";
pub(crate) const JOIN: &[u8] = b"JOIN";
pub(crate) const LEAVE: &[u8] = b"LEAVE";

/// The longest context of a PING (RFC 37).
pub(crate) const MAX_CONTEXT: usize = 16;

/// Appends a command frame, unsealed. `name` is one of ours, so it is short.
pub(crate) fn put_frame(name: &[u8], data: &[u8], out: &mut Vec<u8>) {
    let len = 1 + name.len() + data.len();
    put_header(Framing::V2, Flags::COMMAND, len as u64, out);
    out.push(name.len() as u8);
    out.extend_from_slice(name);
    out.extend_from_slice(data);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Header;
    use proptest::prelude::*;

    fn payload(name: &[u8], data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_frame(name, data, &mut out);
        let header = Header::parse(Framing::V2, &out).unwrap().unwrap();
        assert!(header.flags.command() && !header.flags.more());
        assert_eq!(header.len as u64 + header.payload, out.len() as u64);
        out.split_off(header.len)
    }

    #[test]
    fn a_name_may_not_run_over_the_end() {
        for bad in [&b""[..], b"\x05READ", b"\xff"] {
            let Err(Error::MalformedCommand { name, .. }) = Command::parse(bad) else {
                panic!("{bad:?} was taken");
            };
            assert_eq!(name, "");
        }
    }

    #[test]
    fn pings_are_measured() {
        let parse = |data: &[u8]| Traffic::parse(&payload(PING, data)).map(|_| ());
        for short in [&b""[..], b"\x01"] {
            let Err(Error::MalformedCommand { name, .. }) = parse(short) else {
                panic!("{short:?} was taken");
            };
            assert_eq!(name, "PING");
        }
        assert_eq!(parse(&[0; 2]), Ok(()));
        assert_eq!(parse(&[0; 18]), Ok(()));
        assert_eq!(
            Traffic::parse(&payload(PING, b"\0\x07sixteen bytes!!! and more")),
            Ok(Traffic::Ping {
                ttl: 7,
                context: b"sixteen bytes!!!"
            })
        );
        assert!(Traffic::parse(&payload(PONG, &[0; 16])).is_ok());
        assert!(Traffic::parse(&payload(PONG, &[0; 17])).is_err());
    }

    #[test]
    fn an_error_is_fatal_and_its_reason_printable() {
        let parse = |data: &[u8]| Traffic::parse(&payload(ERROR, data)).unwrap_err();
        assert_eq!(
            parse(b"\x04no\x07!trailing"),
            Error::PeerRefused {
                reason: "no\u{fffd}!".into()
            }
        );
        assert_eq!(parse(b"\x05no").code(), Some(0x1000_0015));
        assert_eq!(parse(b"").code(), Some(0x1000_0015));
    }

    #[test]
    fn ready_again_is_out_of_turn_and_the_unknown_is_passed_over() {
        let again = Traffic::parse(&payload(READY, b"")).unwrap_err();
        assert_eq!(again.code(), Some(0x1000_0001));
        assert_eq!(
            Traffic::parse(&payload(b"PINGS", b"")),
            Ok(Traffic::Unknown)
        );
        assert_eq!(
            Traffic::parse(&payload(b"subscribe", b"")),
            Ok(Traffic::Unknown)
        );
        assert_eq!(Traffic::parse(b"\0"), Ok(Traffic::Unknown));
    }

    proptest! {
        #[test]
        fn commands_round_trip(
            name in proptest::collection::vec(any::<u8>(), 0..=255),
            data in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            let payload = payload(&name, &data);
            let read = Command::parse(&payload).unwrap();
            prop_assert_eq!(read, Command { name: &name, data: &data });
        }

        #[test]
        fn topics_and_groups_round_trip(topic in proptest::collection::vec(any::<u8>(), 0..600)) {
            for (name, expected) in [
                (SUBSCRIBE, Traffic::Subscribe(&topic)),
                (CANCEL, Traffic::Cancel(&topic)),
                (JOIN, Traffic::Join(&topic)),
                (LEAVE, Traffic::Leave(&topic)),
            ] {
                let payload = payload(name, &topic);
                prop_assert_eq!(Traffic::parse(&payload), Ok(expected));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Traffic::parse(&bytes);
        }
    }
}
