//! Why a connection must end.

use std::time::Duration;

use crate::{Denial, NoRandomness, SocketType, VerdictFault, Version};

/// Why a connection must end; the engine is of no further use after it, except
/// that [`Engine::transmit`](crate::Engine::transmit) may hold a last word for the peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer announced a frame above the limit; nothing of it was read.
    #[error("the peer announced a frame of {size} bytes; the limit is {limit}")]
    FrameTooLarge {
        /// Payload bytes announced.
        size: u64,
        /// Payload bytes allowed.
        limit: u64,
    },
    /// The peer sent a frame that cannot be one.
    #[error("the peer sent a malformed frame: {reason}")]
    MalformedFrame {
        /// What is wrong.
        reason: &'static str,
    },
    /// The two ends are set to different security mechanisms.
    #[error("our security mechanism is {ours}, the peer's is {theirs}")]
    MechanismMismatch {
        /// Our mechanism.
        ours: String,
        /// The peer's mechanism, made printable.
        theirs: String,
    },
    /// The peer speaks a version that our settings keep out.
    #[error("the peer speaks {version}; at least {minimum} is required here")]
    VersionTooOld {
        /// The peer's version.
        version: Version,
        /// The oldest version we accept.
        minimum: Version,
    },
    /// The peer's handshake is longer than we keep for a peer we do not know yet.
    #[error("the peer's handshake takes {size} bytes or more; the limit is {limit}")]
    HandshakeTooLarge {
        /// Bytes sent and announced.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A known command came when it was not its turn.
    #[error("the peer sent {name} while {state}")]
    UnexpectedCommand {
        /// The command, made printable.
        name: String,
        /// What we were doing.
        state: &'static str,
    },
    /// A command's content breaks its grammar.
    #[error("the peer sent a malformed {name} command: {reason}")]
    MalformedCommand {
        /// The command, made printable; empty if not even the name can be read.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The peer's metadata breaks its grammar.
    #[error("the peer sent malformed metadata, wrong at byte {offset}: {reason}")]
    MalformedMetadata {
        /// Where the bad property starts.
        offset: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// The peer's socket type does not talk to ours.
    #[error("a {ours} socket does not talk to a {theirs} peer")]
    IncompatiblePeer {
        /// Our type.
        ours: SocketType,
        /// The peer's type.
        theirs: SocketType,
    },
    /// The peer's socket type is none we know.
    #[error("a {ours} socket met a peer of the unknown type `{theirs}`")]
    UnknownSocketType {
        /// Our type.
        ours: SocketType,
        /// The name the peer gave, made printable.
        theirs: String,
    },
    /// The peer sent ERROR.
    #[error("the peer refused the connection: `{reason}`")]
    PeerRefused {
        /// The peer's reason, made printable; for an authentication failure the
        /// status code of RFC 27.
        reason: String,
    },
    /// A box does not open: it is not from the peer it should be from, not for us, or
    /// was changed on its way.
    #[error("the peer's {name} command does not open with the keys we have")]
    Cryptographic {
        /// The command.
        name: &'static str,
    },
    /// The peer vouches for other keys than those the handshake is about.
    #[error("the peer vouches for another {what}")]
    KeyExchange {
        /// Whose key it is that differs.
        what: &'static str,
    },
    /// The peer's nonces do not rise: a command was repeated or moved. One that was left
    /// out does not show, as with libzmq.
    #[error("the peer sent nonce {nonce} after {last}")]
    InvalidSequence {
        /// The nonce.
        nonce: u64,
        /// The one before it.
        last: u64,
    },
    /// The peer was not let in.
    #[error("the peer was denied with status {}: {reason}", status.code())]
    Denied {
        /// Why, in a number.
        status: Denial,
        /// Why, in words.
        reason: String,
    },
    /// Nobody could say whether to let the peer in, so it was not.
    #[error("the peer was not let in: {0}")]
    NotJudged(VerdictFault),
    /// The handshake took too long.
    #[error("the handshake did not finish within {limit:?}")]
    HandshakeTimeout {
        /// The time allowed.
        limit: Duration,
    },
    /// The peer fell silent.
    #[error("the peer sent nothing for {limit:?}")]
    HeartbeatTimeout {
        /// The time allowed: ours, or the one the peer asked for.
        limit: Duration,
    },
    /// Our own settings hold a property that cannot be sent.
    #[error("the property `{name}` cannot be sent: {reason}")]
    InvalidProperty {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Our own routing id cannot be sent.
    #[error("the routing id has {len} bytes; at most 255 can be sent")]
    RoutingIdTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The keys we are set to use cannot be used with anyone.
    #[error("the server's public key is one that any secret key goes with")]
    WeakServerKey,
    /// The system has no random bytes for keys.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// We have sent as many frames as there are nonces.
    #[error("all nonces of the connection are used up")]
    NoncesUsedUp,
}

impl Error {
    /// The number of libzmq's `ZMQ_PROTOCOL_ERROR_…` that means the same, as carried
    /// by `ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL` (zmq_socket_monitor(3)).
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::UnexpectedCommand { .. } => Some(0x1000_0001),
            Self::MalformedCommand { name, .. } => Some(match name.as_str() {
                "MESSAGE" => 0x1000_0012,
                "HELLO" => 0x1000_0013,
                "INITIATE" => 0x1000_0014,
                "ERROR" => 0x1000_0015,
                "READY" => 0x1000_0016,
                "WELCOME" => 0x1000_0017,
                _ => 0x1000_0011,
            }),
            Self::MalformedMetadata { .. } => Some(0x1000_0018),
            Self::MechanismMismatch { .. } => Some(0x1100_0002),
            Self::InvalidSequence { .. } => Some(0x1000_0002),
            Self::KeyExchange { .. } => Some(0x1000_0003),
            Self::Cryptographic { .. } => Some(0x1100_0001),
            Self::NotJudged(fault) => fault.code(),
            _ => None,
        }
    }

    /// The authentication status (300, 400 or 500; RFC 27) if that is why the peer
    /// refused us, or we the peer, as carried by `ZMQ_EVENT_HANDSHAKE_FAILED_AUTH`.
    pub fn auth_status(&self) -> Option<u16> {
        match self {
            Self::PeerRefused { reason } => match reason.as_str() {
                "300" => Some(300),
                "400" => Some(400),
                "500" => Some(500),
                _ => None,
            },
            Self::Denied { status, .. } => Some(status.code()),
            _ => None,
        }
    }

    /// Whether the error belongs to the handshake by its nature. What can go wrong
    /// both before and after (a malformed frame, say) is not counted;
    /// [`Engine::is_ready`](crate::Engine::is_ready) tells those apart.
    pub fn is_handshake(&self) -> bool {
        match self {
            Self::MechanismMismatch { .. }
            | Self::VersionTooOld { .. }
            | Self::HandshakeTooLarge { .. }
            | Self::UnexpectedCommand { .. }
            | Self::MalformedMetadata { .. }
            | Self::IncompatiblePeer { .. }
            | Self::UnknownSocketType { .. }
            | Self::PeerRefused { .. }
            | Self::HandshakeTimeout { .. }
            | Self::InvalidProperty { .. }
            | Self::RoutingIdTooLong { .. }
            | Self::WeakServerKey
            | Self::NoRandomness(_)
            | Self::KeyExchange { .. }
            | Self::Denied { .. }
            | Self::NotJudged(_) => true,
            Self::Cryptographic { name } => *name != "MESSAGE",
            Self::MalformedCommand { name, .. } => matches!(
                name.as_str(),
                "HELLO" | "WELCOME" | "INITIATE" | "READY" | "ERROR"
            ),
            Self::FrameTooLarge { .. }
            | Self::MalformedFrame { .. }
            | Self::InvalidSequence { .. }
            | Self::NoncesUsedUp
            | Self::HeartbeatTimeout { .. } => false,
        }
    }

    /// What to tell the peer in an ERROR command, if it should hear of this. ERROR is
    /// never sealed: unless `open`, it gives away nothing of what metadata says.
    pub(crate) fn reason_for_peer(&self, open: bool) -> Option<String> {
        match self {
            Self::IncompatiblePeer { .. } | Self::UnknownSocketType { .. } if open => {
                Some(self.to_string())
            }
            Self::Denied { status, .. } if *status != Denial::Temporary => {
                Some(status.code().to_string())
            }
            _ => None,
        }
    }
}

/// Bytes of a peer made fit for a message: at most 64 characters, none of them
/// able to steer a terminal.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(256)];
    String::from_utf8_lossy(head)
        .chars()
        .take(64)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malformed(name: &str) -> Error {
        Error::MalformedCommand {
            name: name.into(),
            reason: "too short",
        }
    }

    #[test]
    fn codes_are_those_of_the_c_header() {
        let unexpected = Error::UnexpectedCommand {
            name: "READY".into(),
            state: "exchanging messages",
        };
        assert_eq!(unexpected.code(), Some(0x1000_0001));
        assert_eq!(malformed("").code(), Some(0x1000_0011));
        assert_eq!(malformed("PING").code(), Some(0x1000_0011));
        assert_eq!(malformed("MESSAGE").code(), Some(0x1000_0012));
        assert_eq!(malformed("HELLO").code(), Some(0x1000_0013));
        assert_eq!(malformed("INITIATE").code(), Some(0x1000_0014));
        assert_eq!(malformed("ERROR").code(), Some(0x1000_0015));
        assert_eq!(malformed("READY").code(), Some(0x1000_0016));
        assert_eq!(malformed("WELCOME").code(), Some(0x1000_0017));
        let timeout = Error::HandshakeTimeout {
            limit: Duration::from_secs(1),
        };
        assert_eq!(timeout.code(), None);
        assert!(timeout.is_handshake());
        assert!(!malformed("PING").is_handshake());
        assert!(malformed("READY").is_handshake());
    }

    #[test]
    fn only_the_three_statuses_are_authentication() {
        let refused = |reason: &str| Error::PeerRefused {
            reason: reason.into(),
        };
        assert_eq!(refused("400").auth_status(), Some(400));
        assert_eq!(refused("404").auth_status(), None);
        assert_eq!(refused("4000").auth_status(), None);
    }

    #[test]
    fn printable_neither_steers_nor_grows() {
        assert_eq!(printable(b"a\x1b[2Jb\0"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(printable(&[b'x'; 5000]).len(), 64);
        assert_eq!(printable(b"\xff"), "\u{fffd}");
    }
}
