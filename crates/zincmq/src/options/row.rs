//! One row of the table: all that is known of an option.

use std::fmt;

use super::store::{Ask, Live, SocketOptions};
use super::{OptionError, OptionValue};
use crate::SocketType;
use crate::pattern::Setting;

/// One option.
#[derive(Debug)]
#[non_exhaustive]
pub struct Row {
    /// Its number in `zmq.h`; above 10000, of this library alone.
    pub number: i32,
    /// Its name without `ZMQ_`, such as `SNDHWM`.
    pub name: &'static str,
    /// Other names of the same number.
    pub aliases: &'static [&'static str],
    /// What values it takes.
    pub kind: Kind,
    /// What it counts, if that is time: `milliseconds` or `seconds`.
    pub unit: Option<&'static str>,
    /// Whether it can be set, read or both.
    pub access: Access,
    /// When a new value takes hold.
    pub when: When,
    /// The socket types it is for.
    pub types: Types,
    /// What it belongs to.
    pub group: Group,
    /// Whether it is stable, deprecated, a draft or of this library alone.
    pub status: Status,
    /// What it does, in a line.
    pub doc: &'static str,
    pub(super) default: Default,
    pub(super) place: Place,
}

/// The values an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// 0 or 1.
    Switch,
    /// A number from 0, where 0 is off.
    Loose,
    /// Any number, where 0 is off.
    Truth,
    /// An `int` of this range.
    Int {
        /// The least.
        min: i32,
        /// The greatest.
        max: i32,
    },
    /// An `int64_t` from this number on.
    I64 {
        /// The least.
        min: i64,
    },
    /// A `uint64_t`.
    U64,
    /// Binary of a length in this range.
    Bytes {
        /// The shortest.
        min: usize,
        /// The longest.
        max: usize,
    },
    /// Text of up to so many bytes.
    Text {
        /// The longest.
        max: usize,
    },
    /// Bytes of up to so many, which are mostly text and given as that then.
    Octets {
        /// The most.
        max: usize,
    },
    /// A key of 32 bytes; as text, 40 characters of Z85 (RFC 32).
    Key,
    /// A descriptor, or -1 for none.
    Fd,
    /// A user, group or process to add to a list; nothing empties the list.
    Id,
}

/// Whether an option can be set, read or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Both.
    SetGet,
    /// Set only.
    Set,
    /// Read only.
    Get,
}

/// When a new value takes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once, for connections that are there too.
    Live,
    /// For what is bound or connected afterwards.
    Next,
}

/// The socket types an option is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Types {
    /// Every type.
    All,
    /// These; other types refuse it.
    Only(&'static [SocketType]),
    /// These; other types take it and do nothing with it.
    Mainly(&'static [SocketType]),
}

/// What an option belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The socket and its queues.
    Socket,
    /// A socket type.
    Pattern,
    /// The protocol on a connection.
    Connection,
    /// tcp and ipc.
    Transport,
    /// Authentication and encryption.
    Security,
    /// PGM, EPGM, NORM and UDP.
    Multicast,
    /// VMCI, WebSocket.
    OtherTransport,
}

/// Whose an option is, and whether it will stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It will.
    Stable,
    /// Something else took its place.
    Deprecated,
    /// It may change.
    Draft,
    /// libzmq does not have it.
    Own,
}

/// An option's value on a new socket.
#[derive(Debug, Clone, Copy)]
pub(super) enum Default {
    Int(i32),
    I64(i64),
    U64(u64),
    Bytes(&'static [u8]),
    Text(&'static str),
    /// There is none to speak of.
    Nothing,
}

/// Where an option's value lives.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// In the store.
    Field { set: SetField, get: GetField },
    /// In the store, and told to live pipes.
    LiveField {
        set: SetField,
        get: GetField,
        tell: fn(&SocketOptions) -> Live,
    },
    /// In the socket's pattern.
    Pattern(fn(&OptionValue) -> Option<Setting>),
    /// In the socket's pattern, with a copy in the store.
    PatternField {
        set: SetField,
        get: GetField,
        tell: fn(&OptionValue) -> Option<Setting>,
    },
    /// In the store, by rules of its own; cannot be read.
    Special(SetField),
    /// Only the socket knows.
    Ask(Ask),
    /// In the store; follows from other options, and cannot be set.
    Told(GetField),
    /// In something that is not built in.
    Missing(&'static str),
}

/// Parses a value of the right kind and range into its field; says what it
/// wants if the value has further rules.
pub(super) type SetField = fn(&mut SocketOptions, &OptionValue) -> Result<(), &'static str>;
pub(super) type GetField = fn(&SocketOptions) -> OptionValue;

impl Row {
    /// Its value on a new socket, if it has one.
    #[must_use]
    pub fn default_value(&self) -> Option<OptionValue> {
        match self.default {
            Default::Int(value) => Some(OptionValue::Int(value)),
            Default::I64(value) => Some(OptionValue::I64(value)),
            Default::U64(value) => Some(OptionValue::U64(value)),
            Default::Bytes(value) => Some(value.into()),
            Default::Text(value) => Some(value.into()),
            Default::Nothing => None,
        }
    }

    /// Whether a socket of `socket_type` takes it.
    #[must_use]
    pub fn is_for(&self, socket_type: SocketType) -> bool {
        match self.types {
            Types::All | Types::Mainly(_) => true,
            Types::Only(types) => types.contains(&socket_type),
        }
    }

    /// Whether it does something for a socket of `socket_type`.
    pub(super) fn heeded_by(&self, socket_type: SocketType) -> bool {
        match self.types {
            Types::All => true,
            Types::Only(types) | Types::Mainly(types) => types.contains(&socket_type),
        }
    }

    /// Whether this build has what it belongs to.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        !matches!(self.place, Place::Missing(_))
    }

    /// Refuses a value of the right kind that is out of range.
    pub(super) fn check_range(&self, value: &OptionValue) -> Result<(), OptionError> {
        let fits = match (self.kind, value) {
            (Kind::Switch, OptionValue::Int(value)) => matches!(value, 0 | 1),
            (Kind::Loose, OptionValue::Int(value)) => *value >= 0,
            (Kind::Int { min, max }, OptionValue::Int(value)) => (min..=max).contains(value),
            (Kind::I64 { min }, OptionValue::I64(value)) => min <= *value,
            (Kind::Bytes { min, max }, OptionValue::Bytes(value)) => {
                (min..=max).contains(&value.len())
            }
            (Kind::Text { max }, OptionValue::Text(value)) => value.len() <= max,
            (Kind::Octets { max }, OptionValue::Text(value)) => value.len() <= max,
            (Kind::Octets { max }, OptionValue::Bytes(value)) => value.len() <= max,
            (Kind::Key, OptionValue::Bytes(value)) => value.len() == 32,
            _ => true,
        };
        if fits {
            Ok(())
        } else {
            Err(self.out_of_range(value))
        }
    }

    pub(super) fn out_of_range(&self, value: &OptionValue) -> OptionError {
        OptionError::OutOfRange {
            option: self.name,
            value: self.show(value),
            range: self.takes(),
        }
    }

    /// A value in words, unless nobody is to see it.
    pub(crate) fn show(&self, value: &OptionValue) -> String {
        match self.name {
            "PLAIN_PASSWORD" | "SOCKS_PASSWORD" | "CURVE_SECRETKEY" => match value {
                OptionValue::Text(secret) => format!("{} bytes", secret.len()),
                OptionValue::Bytes(secret) => format!("{} bytes", secret.len()),
                other => other.describe(),
            },
            _ => value.describe(),
        }
    }

    /// The values it takes, in words, with their unit.
    fn takes(&self) -> String {
        let kind = self.kind.to_string();
        match self.unit {
            Some(unit) => kind.replacen("a number", &format!("a number of {unit}"), 1),
            None => kind,
        }
    }

    pub(crate) fn wrong_type(&self, given: String) -> OptionError {
        OptionError::WrongType {
            option: self.name,
            expected: self.takes(),
            given,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Switch => f.write_str("0 or 1"),
            Self::Loose => f.write_str("a number from 0, 0 for off"),
            Self::Truth => f.write_str("a number, 0 for off"),
            Self::Int { min, max: i32::MAX } => write!(f, "a number from {min}"),
            Self::Int { min, max } => write!(f, "a number from {min} to {max}"),
            Self::I64 { min: i64::MIN } | Self::U64 => f.write_str("a 64-bit number"),
            Self::I64 { min } => write!(f, "a 64-bit number from {min}"),
            Self::Bytes {
                max: usize::MAX, ..
            } => f.write_str("bytes"),
            Self::Bytes { min, max } => write!(f, "{min} to {max} bytes"),
            Self::Text { max: usize::MAX } => f.write_str("text"),
            Self::Text { max } => write!(f, "text of up to {max} bytes"),
            Self::Octets { max } => write!(f, "up to {max} bytes"),
            Self::Key => f.write_str("a key of 32 bytes or 40 characters of Z85"),
            Self::Fd => f.write_str("an owned descriptor or -1"),
            Self::Id => f.write_str("an id, or nothing to clear the list"),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { .. } => f.write_str("Field"),
            Self::LiveField { .. } => f.write_str("LiveField"),
            Self::Pattern(_) => f.write_str("Pattern"),
            Self::PatternField { .. } => f.write_str("PatternField"),
            Self::Special(_) => f.write_str("Special"),
            Self::Told(_) => f.write_str("Told"),
            Self::Ask(ask) => write!(f, "Ask({ask:?})"),
            Self::Missing(needs) => write!(f, "Missing({needs})"),
        }
    }
}
