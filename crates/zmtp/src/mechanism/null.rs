//! NULL (RFC 37): both ends send READY with their metadata, neither waits.

use super::{Expect, Link, Mechanism, Step};
use crate::Error;
use crate::command::{Command, READY};

/// No security.
pub(super) struct Null;

impl Mechanism for Null {
    fn name(&self) -> &'static str {
        "NULL"
    }

    fn admits_old_peers(&self) -> bool {
        true
    }

    fn has_roles(&self) -> bool {
        false
    }

    fn start(self: Box<Self>, link: &mut Link<'_>) -> Box<dyn Expect> {
        let metadata = link.metadata();
        link.send(READY, metadata);
        Box::new(ExpectReady)
    }
}

/// Our READY is out, the peer's is not in.
struct ExpectReady;

impl Expect for ExpectReady {
    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error> {
        if command.name != READY {
            return Err(command.unexpected("waiting for READY"));
        }
        Ok(Step::Done {
            metadata: link.admit(command.data)?,
            seal: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SocketType;

    fn answer(name: &[u8], data: &[u8]) -> Result<Step, Error> {
        let mut out = Vec::new();
        let mut link = Link::new(SocketType::Req, b"", &mut out);
        let state = Box::new(Null).start(&mut link);
        let step = state.command(Command { name, data }, &mut link);
        assert_eq!(out, b"\x04\x06\x05READY");
        step
    }

    #[test]
    fn ready_ends_the_handshake() {
        let Ok(Step::Done { metadata, seal }) = answer(b"READY", b"\x0bSocket-Type\0\0\0\x03REP")
        else {
            panic!("READY was not taken");
        };
        assert_eq!(metadata.socket_type, Some(SocketType::Rep));
        assert!(seal.is_none());
    }

    #[test]
    fn anything_else_is_refused() {
        for name in [&b"HELLO"[..], b"ready", b"", b"PING"] {
            let error = answer(name, b"").err();
            assert!(
                matches!(error, Some(Error::UnexpectedCommand { .. })),
                "{error:?}"
            );
        }
        let error = answer(b"READY", b"\x0bSocket-Type\0\0\0\x03PUB").err();
        assert!(
            matches!(error, Some(Error::IncompatiblePeer { .. })),
            "{error:?}"
        );
    }
}
