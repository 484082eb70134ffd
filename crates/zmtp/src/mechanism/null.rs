//! NULL (RFC 37): both ends send READY with their metadata, neither waits.

use super::{Expect, ExpectVerdict, Link, Mechanism, Step};
use crate::command::{Command, READY};
use crate::{Credentials, Error};

/// No security.
pub(super) struct Null {
    /// Whether the peer is told of us only once it is let in.
    pub(super) authenticate: bool,
}

impl Mechanism for Null {
    fn name(&self) -> &'static str {
        "NULL"
    }

    fn admits_old_peers(&self) -> bool {
        !self.authenticate
    }

    fn start(self: Box<Self>, link: &mut Link<'_>) -> Result<Step, Error> {
        if self.authenticate {
            return Ok(Step::Ask(
                Credentials::Null.into(),
                Box::new(ExpectAdmission),
            ));
        }
        Box::new(ExpectAdmission).accepted(link)
    }
}

/// Nothing is out yet.
struct ExpectAdmission;

impl ExpectVerdict for ExpectAdmission {
    fn accepted(self: Box<Self>, link: &mut Link<'_>) -> Result<Step, Error> {
        let metadata = link.metadata();
        link.send(READY, metadata);
        Ok(Step::Next(Box::new(ExpectReady)))
    }
}

/// Our READY is out, the peer's is not in.
struct ExpectReady;

impl Expect for ExpectReady {
    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error> {
        command.must_be_or_refuse(READY, "waiting for READY")?;
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
        let null = Null {
            authenticate: false,
        };
        let Ok(Step::Next(state)) = Box::new(null).start(&mut link) else {
            panic!("NULL asked for a verdict");
        };
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
