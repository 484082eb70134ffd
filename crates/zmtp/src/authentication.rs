//! What a peer says to be let in, and what is answered. The engine judges nobody: it
//! asks its caller, as ZAP (RFC 27) has it, and waits.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::PublicKey;

/// What a peer has to show for itself, by mechanism. [`Debug`] leaves the password out.
#[derive(Clone, Copy, Eq)]
#[non_exhaustive]
pub enum Credentials<'a> {
    /// NULL: nothing.
    Null,
    /// PLAIN: a name and a password, of up to 255 bytes each. Anyone on the way has
    /// seen them.
    Plain {
        /// The name.
        username: &'a [u8],
        /// The password.
        password: &'a [u8],
    },
    /// CURVE: the peer has proved to hold the secret key to this one.
    Curve {
        /// The peer's permanent public key.
        public_key: &'a PublicKey,
    },
}

impl Credentials<'_> {
    /// The mechanism's name, as ZAP has it.
    pub fn mechanism(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Plain { .. } => "PLAIN",
            Self::Curve { .. } => "CURVE",
        }
    }
}

/// In constant time, as far as the password goes.
impl PartialEq for Credentials<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (
                Self::Plain { username, password },
                Self::Plain {
                    username: other_username,
                    password: other_password,
                },
            ) => {
                let same_password: bool = password.ct_eq(other_password).into();
                same_password & (username == other_username)
            }
            (Self::Curve { public_key }, Self::Curve { public_key: other }) => public_key == other,
            _ => false,
        }
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Plain { username, .. } => f
                .debug_struct("Plain")
                .field("username", &username.escape_ascii().to_string())
                .finish_non_exhaustive(),
            Self::Curve { public_key } => f.debug_tuple("Curve").field(public_key).finish(),
        }
    }
}

/// [`Credentials`] kept until they are judged. The password is wiped from memory when
/// dropped.
#[derive(Clone)]
pub struct Claim(Kept);

#[derive(Clone)]
enum Kept {
    Null,
    Plain {
        username: Vec<u8>,
        password: Zeroizing<Vec<u8>>,
    },
    Curve(PublicKey),
}

impl Claim {
    /// What is claimed.
    pub fn credentials(&self) -> Credentials<'_> {
        match &self.0 {
            Kept::Null => Credentials::Null,
            Kept::Plain { username, password } => Credentials::Plain { username, password },
            Kept::Curve(public_key) => Credentials::Curve { public_key },
        }
    }
}

impl From<Credentials<'_>> for Claim {
    fn from(credentials: Credentials<'_>) -> Self {
        Self(match credentials {
            Credentials::Null => Kept::Null,
            Credentials::Plain { username, password } => Kept::Plain {
                username: username.to_vec(),
                password: Zeroizing::new(password.to_vec()),
            },
            Credentials::Curve { public_key } => Kept::Curve(*public_key),
        })
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.credentials().fmt(f)
    }
}

/// What becomes of a peer that asks to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may come in.
    Accept(Grant),
    /// It may not.
    Deny {
        /// Why, in a number; the peer hears of it, except of a temporary failure.
        status: Denial,
        /// Why, in words; the peer does not hear them.
        reason: String,
    },
    /// Nobody could be asked, or the answer made no sense. The peer hears nothing.
    Fail(VerdictFault),
}

impl Verdict {
    /// Lets the peer in, as that user.
    pub fn accept(user_id: impl Into<Vec<u8>>) -> Self {
        Self::Accept(Grant {
            user_id: user_id.into(),
            metadata: Vec::new(),
        })
    }

    /// Keeps the peer out.
    pub fn deny(status: Denial, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Deny { status, reason }
    }
}

/// What is known of a peer that was let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// Who it is; empty for nobody in particular.
    pub user_id: Vec<u8>,
    /// Further properties. Unlike those that the peer tells of itself, they can be
    /// relied on.
    pub metadata: Vec<(String, Vec<u8>)>,
}

/// The statuses of RFC 27 that keep a peer out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Denial {
    /// 300: not now. The connection is closed without a word, so that the peer tries
    /// again.
    Temporary,
    /// 400: not with these credentials.
    Refused,
    /// 500: whoever judges is at fault.
    Failure,
}

impl Denial {
    /// The number.
    pub fn code(self) -> u16 {
        match self {
            Self::Temporary => 300,
            Self::Refused => 400,
            Self::Failure => 500,
        }
    }

    /// The status with that number.
    pub fn from_code(code: u16) -> Option<Self> {
        match code {
            300 => Some(Self::Temporary),
            400 => Some(Self::Refused),
            500 => Some(Self::Failure),
            _ => None,
        }
    }
}

/// Why there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum VerdictFault {
    /// Nobody is there to judge.
    #[error("there is no authentication handler")]
    NoHandler,
    /// The handler went away before it answered.
    #[error("the authentication handler went away")]
    HandlerGone,
    /// The reply has not the frames that it must have.
    #[error("the authentication handler's reply is malformed")]
    MalformedReply,
    /// The reply is to another request.
    #[error("the authentication handler replied to another request")]
    BadRequestId,
    /// The reply is in another version of ZAP.
    #[error("the authentication handler's reply is not in ZAP 1.0")]
    BadVersion,
    /// The status is none of 200, 300, 400 and 500.
    #[error("the authentication handler's reply has an unknown status")]
    InvalidStatusCode,
    /// The properties in the reply break their grammar.
    #[error("the authentication handler's reply has malformed metadata")]
    InvalidMetadata,
}

impl VerdictFault {
    /// The number of libzmq's `ZMQ_PROTOCOL_ERROR_ZAP_…` that means the same.
    pub fn code(self) -> Option<u32> {
        match self {
            Self::NoHandler | Self::HandlerGone => None,
            Self::MalformedReply => Some(0x2000_0001),
            Self::BadRequestId => Some(0x2000_0002),
            Self::BadVersion => Some(0x2000_0003),
            Self::InvalidStatusCode => Some(0x2000_0004),
            Self::InvalidMetadata => Some(0x2000_0005),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_password() {
        let plain = Credentials::Plain {
            username: b"admin\x1b",
            password: b"hunter2",
        };
        assert_eq!(
            format!("{plain:?}"),
            r#"Plain { username: "admin\\x1b", .. }"#
        );
    }

    #[test]
    fn credentials_are_the_same_only_in_all_their_parts() {
        let plain = |username: &'static [u8], password: &'static [u8]| Credentials::Plain {
            username,
            password,
        };
        assert_eq!(plain(b"a", b"b"), plain(b"a", b"b"));
        assert_ne!(plain(b"a", b"b"), plain(b"a", b"c"));
        assert_ne!(plain(b"a", b"b"), plain(b"c", b"b"));
        assert_ne!(plain(b"a", b"b"), plain(b"a", b"bb"));
        assert_ne!(plain(b"", b""), Credentials::Null);
        let [one, two] = [1, 2].map(|byte| PublicKey::from_bytes([byte; 32]));
        let curve = |public_key| Credentials::Curve { public_key };
        assert_eq!(curve(&one), curve(&one));
        assert_ne!(curve(&one), curve(&two));
    }

    #[test]
    fn statuses_have_their_numbers() {
        for status in [Denial::Temporary, Denial::Refused, Denial::Failure] {
            assert_eq!(Denial::from_code(status.code()), Some(status));
        }
        for code in [0, 200, 301, 404] {
            assert_eq!(Denial::from_code(code), None);
        }
    }
}
