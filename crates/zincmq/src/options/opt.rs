//! Options as types: `opt::SendHighWaterMark(500)` is a value that only fits
//! where it belongs, and reads back as a `usize`.
//!
//! Each tells its name and number, those of `zmq.h` up to 10000, and what
//! values C has for it, the default among them. Milliseconds and seconds are a
//! [`Duration`] here, and a number that stands for (none) is `None`.

use std::time::Duration;

use bytes::Bytes;

use super::codec::{self, Codec};
use super::{OptionValue, Row, option_table, row_by_number};
use crate::security::{Password, PublicKey, SecretKey};
use crate::transport::ListeningFd;

/// An option with its new value.
pub trait SocketOption: Sized {
    /// The value as Rust sees it.
    type Value;

    /// The option's row in the table.
    fn row() -> &'static Row;

    /// The value as the table sees it.
    fn into_value(self) -> OptionValue;
}

/// An option that can be read as well.
pub trait ReadableOption: SocketOption {
    /// The value as Rust sees it; `None` if it is of another kind.
    fn from_value(value: &OptionValue) -> Option<Self::Value>;
}

macro_rules! typed_options {
    ($($number:literal $name:ident [$($alias:ident),*], $kind:expr,
       Default::$variant:ident $(($($default:tt)+))?,
       $access:ident $when:ident $types:ident $group:ident $status:ident,
       $codec:ident in $place:ident($($args:tt)*),
       $(as $option:ident($rust:ty) $method:ident($argument:ty),)? $doc:literal;)*) => {
        $(typed_option!(
            $number $name [$(($($default)+))?] $access $codec $doc, $($option($rust))?
        );)*
    };
}

macro_rules! typed_option {
    ($number:literal $name:ident [$(($($default:tt)+))?] $access:ident $codec:ident $doc:literal,) => {};
    ($number:literal $name:ident [$(($($default:tt)+))?] $access:ident $codec:ident $doc:literal,
     $option:ident($rust:ty)) => {
        #[doc = $doc]
        #[doc = ""]
        #[doc = concat!(
            "`", stringify!($name), "`, number ", $number, ".",
            $(" The default is `", shown!($($default)+), "`.",)?
        )]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $option(pub $rust);

        impl SocketOption for $option {
            type Value = $rust;

            fn row() -> &'static Row {
                row_by_number($number).expect("the table that made this type has its row")
            }

            fn into_value(self) -> OptionValue {
                <codec::$codec as Codec>::write(&self.0)
            }
        }

        readable!($access $option $codec);
    };
}

/// A default as documented: `stringify` puts a space behind the minus.
macro_rules! shown {
    (-$number:literal) => {
        concat!("-", stringify!($number))
    };
    ($value:literal) => {
        stringify!($value)
    };
}

macro_rules! readable {
    (Set $option:ident $codec:ident) => {};
    (SetGet $option:ident $codec:ident) => {
        impl ReadableOption for $option {
            fn from_value(value: &OptionValue) -> Option<Self::Value> {
                <codec::$codec as Codec>::read(value)
            }
        }
    };
}

option_table!(typed_options);

/// What a builder's method takes, as what its option holds. Binary is taken
/// from all that has bytes, as `subscribe` of a socket does, and not only from
/// what lives for ever, as `Into<Bytes>` would.
pub(crate) trait Argument<Field> {
    fn into_field(self) -> Field;
}

impl<A: AsRef<[u8]>> Argument<Bytes> for A {
    fn into_field(self) -> Bytes {
        Bytes::copy_from_slice(self.as_ref())
    }
}

impl<A: AsRef<[u8]>> Argument<Option<Bytes>> for A {
    fn into_field(self) -> Option<Bytes> {
        Some(Bytes::copy_from_slice(self.as_ref()))
    }
}

macro_rules! arguments {
    ($($field:ty),* $(,)?) => {$(
        impl<A: Into<$field>> Argument<$field> for A {
            fn into_field(self) -> $field {
                self.into()
            }
        }
    )*};
}

arguments!(
    bool,
    u32,
    u64,
    usize,
    String,
    Option<bool>,
    Option<u32>,
    Option<u64>,
    Option<usize>,
    Option<String>,
    Option<Duration>,
    Option<ListeningFd>,
    Password,
    PublicKey,
    SecretKey,
);

/// A method for each typed option, for a builder with a method
/// `set(self, impl SocketOption) -> Self`. Used in its `impl` block as
/// `option_table!(builder_methods);`, with `opt`, `Duration` and
/// `ListeningFd` in scope.
macro_rules! builder_methods {
    ($($number:literal $name:ident [$($alias:ident),*], $kind:expr, $default:expr,
       $access:ident $when:ident $types:ident $group:ident $status:ident,
       $codec:ident in $place:ident($($args:tt)*),
       $(as $option:ident($rust:ty) $method:ident($argument:ty),)? $doc:literal;)*) => {
        $($(
            #[doc = $doc]
            #[doc = ""]
            #[doc = concat!("`", stringify!($name), "`, as [`opt::", stringify!($option), "`].")]
            pub fn $method(self, value: $argument) -> Self {
                self.set(opt::$option(opt::Argument::into_field(value)))
            }
        )?)*
    };
}

pub(crate) use builder_methods;
