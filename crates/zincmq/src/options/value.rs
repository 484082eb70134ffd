//! A value on its way to or from an option.

use std::fmt;

use bytes::Bytes;
use zmtp::SecretKey;

use super::{Kind, OptionError, Row};
use crate::transport::ListeningFd;

/// The value of an option, of the kind its [`Row`] tells. `Debug` leaves out bytes and
/// text, which may be a key or a password; `Display` shows them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionValue {
    /// C's `int`: numbers, switches (0 and 1), milliseconds, descriptors.
    Int(i32),
    /// `int64_t`: MAXMSGSIZE.
    I64(i64),
    /// `uint64_t`: AFFINITY.
    U64(u64),
    /// A switch; the same as `Int` 0 or 1.
    Bool(bool),
    /// Binary: routing ids, topics, messages.
    Bytes(Bytes),
    /// Text: names, endpoints, keys.
    Text(String),
    /// A descriptor with its ownership: USE_FD.
    Fd(ListeningFd),
}

impl OptionValue {
    /// Reads a value from text, such as `500` for SNDHWM or `on` for IPV6.
    ///
    /// # Errors
    ///
    /// [`OptionError::WrongType`] if `text` is no value of this kind. Whether
    /// it is in range shows when it is set.
    pub fn parse(row: &Row, text: &str) -> Result<Self, OptionError> {
        let wrong = || row.wrong_type(row.show(&Self::Text(text.to_owned())));
        match row.kind {
            Kind::Switch | Kind::Loose | Kind::Truth => match text {
                "true" | "on" | "yes" => Ok(Self::Int(1)),
                "false" | "off" | "no" => Ok(Self::Int(0)),
                number => number.parse().map(Self::Int).map_err(|_| wrong()),
            },
            Kind::Int { .. } | Kind::Fd => text.parse().map(Self::Int).map_err(|_| wrong()),
            Kind::Id if text.is_empty() => Ok(Self::Bytes(Bytes::new())),
            // Ids past i32::MAX keep their bits, as they do in C.
            Kind::Id => text
                .parse()
                .or_else(|_| text.parse::<u32>().map(u32::cast_signed))
                .map(Self::Int)
                .map_err(|_| wrong()),
            Kind::I64 { .. } => text.parse().map(Self::I64).map_err(|_| wrong()),
            Kind::U64 => text.parse().map(Self::U64).map_err(|_| wrong()),
            Kind::Bytes { .. } => Ok(Self::Bytes(Bytes::copy_from_slice(text.as_bytes()))),
            Kind::Key => key(row, text.as_bytes()),
            Kind::Text { .. } | Kind::Octets { .. } => Ok(Self::Text(text.to_owned())),
        }
    }

    /// Reads a value from what `zmq_setsockopt` is given: native-endian
    /// integers of exactly their size, anything else as it is.
    ///
    /// # Errors
    ///
    /// [`OptionError::WrongType`] if the size does not fit the kind, or text
    /// is not UTF-8.
    pub fn from_c_bytes(row: &Row, bytes: &[u8]) -> Result<Self, OptionError> {
        let wrong = || row.wrong_type(format!("{} bytes", bytes.len()));
        match row.kind {
            Kind::Id if bytes.is_empty() => Ok(Self::Bytes(Bytes::new())),
            Kind::Switch | Kind::Loose | Kind::Truth | Kind::Int { .. } | Kind::Fd | Kind::Id => {
                bytes
                    .try_into()
                    .map(|int| Self::Int(i32::from_ne_bytes(int)))
                    .map_err(|_| wrong())
            }
            Kind::I64 { .. } => bytes
                .try_into()
                .map(|int| Self::I64(i64::from_ne_bytes(int)))
                .map_err(|_| wrong()),
            Kind::U64 => bytes
                .try_into()
                .map(|int| Self::U64(u64::from_ne_bytes(int)))
                .map_err(|_| wrong()),
            Kind::Bytes { .. } => Ok(Self::Bytes(Bytes::copy_from_slice(bytes))),
            Kind::Key => match bytes {
                // Z85 comes with its terminating NUL or without.
                [text @ .., 0] if text.len() == 40 => key(row, text),
                other => key(row, other),
            },
            Kind::Octets { .. } => Ok(Self::octets(bytes)),
            Kind::Text { .. } => {
                // Callers may count the terminating NUL. Nothing but a NUL
                // stays one: empty text clears lists.
                let text = match bytes {
                    [text @ .., 0] if !text.is_empty() => text,
                    text => text,
                };
                std::str::from_utf8(text)
                    .map(|text| Self::Text(text.to_owned()))
                    .map_err(|_| wrong())
            }
        }
    }

    /// What `zmq_getsockopt` copies out: native-endian integers, binary as it
    /// is, text with a terminating NUL.
    #[must_use]
    pub fn to_c_bytes(&self) -> Vec<u8> {
        match self {
            Self::Int(value) => value.to_ne_bytes().to_vec(),
            Self::Bool(value) => i32::from(*value).to_ne_bytes().to_vec(),
            Self::I64(value) => value.to_ne_bytes().to_vec(),
            Self::U64(value) => value.to_ne_bytes().to_vec(),
            Self::Bytes(value) => value.to_vec(),
            Self::Text(value) => [value.as_bytes(), b"\0"].concat(),
            Self::Fd(value) => value.number().to_ne_bytes().to_vec(),
        }
    }

    /// The same value in the variant that `row` takes, if it is of its kind.
    pub(super) fn of_kind(self, row: &Row) -> Result<Self, OptionError> {
        let as_int = match &self {
            Self::Int(value) => Some(i64::from(*value)),
            Self::Bool(value) => Some(i64::from(*value)),
            Self::I64(value) => Some(*value),
            Self::U64(value) => i64::try_from(*value).ok(),
            _ => None,
        };
        let wrong = |value: Self| row.wrong_type(row.show(&value));
        match row.kind {
            Kind::Switch | Kind::Loose | Kind::Truth | Kind::Int { .. } => match as_int {
                Some(int) => match i32::try_from(int) {
                    Ok(int) => Ok(Self::Int(int)),
                    Err(_) => Err(row.out_of_range(&self)),
                },
                None => Err(wrong(self)),
            },
            Kind::I64 { .. } => as_int.map(Self::I64).ok_or_else(|| wrong(self)),
            Kind::U64 => match (&self, as_int) {
                (Self::U64(_), _) => Ok(self),
                (_, Some(int)) => match u64::try_from(int) {
                    Ok(int) => Ok(Self::U64(int)),
                    Err(_) => Err(row.out_of_range(&self)),
                },
                _ => Err(wrong(self)),
            },
            Kind::Bytes { .. } => match self {
                Self::Bytes(_) => Ok(self),
                Self::Text(text) => Ok(Self::Bytes(text.into())),
                other => Err(wrong(other)),
            },
            Kind::Text { .. } => match self {
                Self::Text(_) => Ok(self),
                Self::Bytes(bytes) => match String::from_utf8(bytes.to_vec()) {
                    Ok(text) => Ok(Self::Text(text)),
                    Err(_) => Err(wrong(Self::Bytes(bytes))),
                },
                other => Err(wrong(other)),
            },
            Kind::Octets { .. } => match self {
                Self::Text(_) => Ok(self),
                Self::Bytes(bytes) => Ok(Self::octets(&bytes)),
                other => Err(wrong(other)),
            },
            Kind::Key => match self {
                Self::Bytes(bytes) => key(row, &bytes),
                Self::Text(text) => key(row, text.as_bytes()),
                other => Err(wrong(other)),
            },
            // A number alone does not hand a descriptor over; -1 takes none.
            Kind::Fd => match self {
                Self::Fd(_) | Self::Int(-1) => Ok(self),
                other => Err(wrong(other)),
            },
            Kind::Id => match self {
                Self::Int(_) => Ok(self),
                Self::Bytes(bytes) if bytes.is_empty() => Ok(Self::Bytes(bytes)),
                Self::Text(text) if text.is_empty() => Ok(Self::Bytes(Bytes::new())),
                other => Err(wrong(other)),
            },
        }
    }

    /// Text if it is that.
    pub(super) fn octets(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes(Bytes::copy_from_slice(bytes)),
        }
    }

    /// Kind and value, for errors.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Bytes(bytes) if bytes.len() > 32 => format!("{} bytes", bytes.len()),
            other => other.to_string(),
        }
    }
}

/// The 32 bytes of a key, from themselves or from Z85.
fn key(row: &Row, bytes: &[u8]) -> Result<OptionValue, OptionError> {
    if bytes.len() == 32 {
        return Ok(OptionValue::Bytes(Bytes::copy_from_slice(bytes)));
    }
    let decoded = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse::<SecretKey>().ok());
    match decoded {
        Some(key) => Ok(OptionValue::Bytes(Bytes::copy_from_slice(key.as_bytes()))),
        None => Err(row.out_of_range(&OptionValue::Bytes(Bytes::copy_from_slice(bytes)))),
    }
}

impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            Self::I64(value) => write!(f, "{value}"),
            Self::U64(value) => write!(f, "{value}"),
            Self::Bool(value) => write!(f, "{}", i32::from(*value)),
            Self::Bytes(value) => write!(f, "\"{}\"", value.escape_ascii()),
            Self::Text(value) => write!(f, "`{value}`"),
            Self::Fd(value) => write!(f, "descriptor {}", value.number()),
        }
    }
}

impl fmt::Debug for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => f.debug_tuple("Int").field(value).finish(),
            Self::I64(value) => f.debug_tuple("I64").field(value).finish(),
            Self::U64(value) => f.debug_tuple("U64").field(value).finish(),
            Self::Bool(value) => f.debug_tuple("Bool").field(value).finish(),
            Self::Bytes(value) => write!(f, "Bytes({} bytes)", value.len()),
            Self::Text(value) => write!(f, "Text({} bytes)", value.len()),
            Self::Fd(value) => f.debug_tuple("Fd").field(value).finish(),
        }
    }
}

impl From<i32> for OptionValue {
    fn from(value: i32) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for OptionValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for OptionValue {
    fn from(value: i64) -> Self {
        Self::I64(value)
    }
}

impl From<u64> for OptionValue {
    fn from(value: u64) -> Self {
        Self::U64(value)
    }
}

impl From<Bytes> for OptionValue {
    fn from(value: Bytes) -> Self {
        Self::Bytes(value)
    }
}

impl From<&[u8]> for OptionValue {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Bytes::copy_from_slice(value))
    }
}

impl From<&str> for OptionValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for OptionValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<ListeningFd> for OptionValue {
    fn from(value: ListeningFd) -> Self {
        Self::Fd(value)
    }
}
