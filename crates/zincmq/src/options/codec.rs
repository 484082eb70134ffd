//! Between an option's value and what the engine wants to see of it: one
//! codec for each way that ZeroMQ writes something into an `int`.

use std::time::Duration;

use bytes::Bytes;

use super::OptionValue;
use crate::security::{Password, PublicKey, SecretKey};
use crate::transport::ListeningFd;

/// Writes a `Rust` as an [`OptionValue`] and reads it back.
pub(super) trait Codec {
    type Rust;

    /// `None` for a value of another kind.
    fn read(value: &OptionValue) -> Option<Self::Rust>;

    fn write(value: &Self::Rust) -> OptionValue;
}

fn int(value: &OptionValue) -> Option<i32> {
    match value {
        OptionValue::Int(value) => Some(*value),
        _ => None,
    }
}

/// What C's `int` cannot hold becomes the most it can.
fn saturated<T: TryInto<i32>>(value: T) -> OptionValue {
    OptionValue::Int(value.try_into().unwrap_or(i32::MAX))
}

/// 0 and 1.
pub(super) struct Switch;

impl Codec for Switch {
    type Rust = bool;

    fn read(value: &OptionValue) -> Option<bool> {
        int(value).map(|int| int != 0)
    }

    fn write(value: &bool) -> OptionValue {
        OptionValue::Int((*value).into())
    }
}

/// 1 and 0.
pub(super) struct Inverse;

impl Codec for Inverse {
    type Rust = bool;

    fn read(value: &OptionValue) -> Option<bool> {
        int(value).map(|int| int == 0)
    }

    fn write(value: &bool) -> OptionValue {
        OptionValue::Int((!*value).into())
    }
}

/// A number, none of which is negative.
pub(super) struct Count;

impl Codec for Count {
    type Rust = u32;

    fn read(value: &OptionValue) -> Option<u32> {
        int(value)?.try_into().ok()
    }

    fn write(value: &u32) -> OptionValue {
        saturated(*value)
    }
}

/// A number of messages or bytes.
pub(super) struct Size;

impl Codec for Size {
    type Rust = usize;

    fn read(value: &OptionValue) -> Option<usize> {
        int(value)?.try_into().ok()
    }

    fn write(value: &usize) -> OptionValue {
        saturated(*value)
    }
}

/// A number of bytes, or -1 for the system's choice.
pub(super) struct MaybeSize;

impl Codec for MaybeSize {
    type Rust = Option<usize>;

    fn read(value: &OptionValue) -> Option<Option<usize>> {
        int(value).map(|int| int.try_into().ok())
    }

    fn write(value: &Option<usize>) -> OptionValue {
        value.map_or(OptionValue::Int(-1), saturated)
    }
}

/// A number, or -1 for the system's choice.
pub(super) struct MaybeCount;

impl Codec for MaybeCount {
    type Rust = Option<u32>;

    fn read(value: &OptionValue) -> Option<Option<u32>> {
        int(value).map(|int| int.try_into().ok())
    }

    fn write(value: &Option<u32>) -> OptionValue {
        value.map_or(OptionValue::Int(-1), saturated)
    }
}

/// 0, 1, or -1 for the system's choice.
pub(super) struct MaybeSwitch;

impl Codec for MaybeSwitch {
    type Rust = Option<bool>;

    fn read(value: &OptionValue) -> Option<Option<bool>> {
        int(value).map(|int| (int >= 0).then_some(int != 0))
    }

    fn write(value: &Option<bool>) -> OptionValue {
        OptionValue::Int(value.map_or(-1, i32::from))
    }
}

/// A number of bytes of which libzmq's default means no limit of the user's.
pub(super) struct Batch;

impl Batch {
    const DEFAULT: usize = 8192;
}

impl Codec for Batch {
    type Rust = Option<usize>;

    fn read(value: &OptionValue) -> Option<Option<usize>> {
        Size::read(value).map(|size| Some(size).filter(|size| *size != Self::DEFAULT))
    }

    fn write(value: &Option<usize>) -> OptionValue {
        Size::write(&value.unwrap_or(Self::DEFAULT))
    }
}

/// Milliseconds; anything shorter than one counts as one, lest it be none.
fn millis(duration: Duration) -> OptionValue {
    saturated(duration.as_nanos().div_ceil(1_000_000))
}

fn duration(millis: i32) -> Option<Duration> {
    u64::try_from(millis).ok().map(Duration::from_millis)
}

/// Milliseconds, or -1 for no limit.
pub(super) struct MillisOrNone;

impl Codec for MillisOrNone {
    type Rust = Option<Duration>;

    fn read(value: &OptionValue) -> Option<Option<Duration>> {
        int(value).map(duration)
    }

    fn write(value: &Option<Duration>) -> OptionValue {
        value.map_or(OptionValue::Int(-1), millis)
    }
}

/// Milliseconds, or 0 for off.
pub(super) struct MillisOrOff;

impl Codec for MillisOrOff {
    type Rust = Option<Duration>;

    fn read(value: &OptionValue) -> Option<Option<Duration>> {
        int(value).map(|int| duration(int).filter(|duration| !duration.is_zero()))
    }

    fn write(value: &Option<Duration>) -> OptionValue {
        value.map_or(OptionValue::Int(0), millis)
    }
}

/// Milliseconds of which whole tenths of a second count, or 0 for off.
pub(super) struct TenthsOrOff;

impl Codec for TenthsOrOff {
    type Rust = Option<Duration>;

    fn read(value: &OptionValue) -> Option<Option<Duration>> {
        MillisOrOff::read(&OptionValue::Int(int(value)? / 100 * 100))
    }

    fn write(value: &Option<Duration>) -> OptionValue {
        MillisOrOff::write(value)
    }
}

/// Seconds, or -1 for the system's choice.
pub(super) struct SecondsOrNone;

impl Codec for SecondsOrNone {
    type Rust = Option<Duration>;

    fn read(value: &OptionValue) -> Option<Option<Duration>> {
        int(value).map(|int| u64::try_from(int).ok().map(Duration::from_secs))
    }

    fn write(value: &Option<Duration>) -> OptionValue {
        value.map_or(OptionValue::Int(-1), |duration| {
            saturated(duration.as_nanos().div_ceil(1_000_000_000))
        })
    }
}

/// A bitmap of 64.
pub(super) struct Bitmap;

impl Codec for Bitmap {
    type Rust = u64;

    fn read(value: &OptionValue) -> Option<u64> {
        match value {
            OptionValue::U64(value) => Some(*value),
            _ => None,
        }
    }

    fn write(value: &u64) -> OptionValue {
        OptionValue::U64(*value)
    }
}

/// A number of bytes of 64 bits, or -1 for no limit.
pub(super) struct Limit;

impl Codec for Limit {
    type Rust = Option<u64>;

    fn read(value: &OptionValue) -> Option<Option<u64>> {
        match value {
            OptionValue::I64(value) => Some((*value).try_into().ok()),
            _ => None,
        }
    }

    fn write(value: &Option<u64>) -> OptionValue {
        OptionValue::I64(value.map_or(-1, |value| value.try_into().unwrap_or(i64::MAX)))
    }
}

/// Binary.
pub(super) struct Blob;

impl Codec for Blob {
    type Rust = Bytes;

    fn read(value: &OptionValue) -> Option<Bytes> {
        match value {
            OptionValue::Bytes(value) => Some(value.clone()),
            _ => None,
        }
    }

    fn write(value: &Bytes) -> OptionValue {
        OptionValue::Bytes(value.clone())
    }
}

/// Binary; of no bytes it is none.
pub(super) struct MaybeBlob;

impl Codec for MaybeBlob {
    type Rust = Option<Bytes>;

    fn read(value: &OptionValue) -> Option<Option<Bytes>> {
        Blob::read(value).map(|bytes| Some(bytes).filter(|bytes| !bytes.is_empty()))
    }

    fn write(value: &Option<Bytes>) -> OptionValue {
        OptionValue::Bytes(value.clone().unwrap_or_default())
    }
}

/// Text.
pub(super) struct Words;

impl Codec for Words {
    type Rust = String;

    fn read(value: &OptionValue) -> Option<String> {
        match value {
            OptionValue::Text(value) => Some(value.clone()),
            _ => None,
        }
    }

    fn write(value: &String) -> OptionValue {
        OptionValue::Text(value.clone())
    }
}

/// Text; if empty it is none.
pub(super) struct MaybeWords;

impl Codec for MaybeWords {
    type Rust = Option<String>;

    fn read(value: &OptionValue) -> Option<Option<String>> {
        Words::read(value).map(|text| Some(text).filter(|text| !text.is_empty()))
    }

    fn write(value: &Option<String>) -> OptionValue {
        OptionValue::Text(value.clone().unwrap_or_default())
    }
}

/// A descriptor, or -1 for none.
pub(super) struct Descriptor;

impl Codec for Descriptor {
    type Rust = Option<ListeningFd>;

    fn read(value: &OptionValue) -> Option<Option<ListeningFd>> {
        match value {
            OptionValue::Fd(fd) => Some(Some(fd.clone())),
            OptionValue::Int(-1) => Some(None),
            _ => None,
        }
    }

    fn write(value: &Option<ListeningFd>) -> OptionValue {
        value
            .as_ref()
            .map_or(OptionValue::Int(-1), |fd| OptionValue::Fd(fd.clone()))
    }
}

/// Text that nobody is to see.
pub(super) struct Secret;

impl Codec for Secret {
    type Rust = Password;

    fn read(value: &OptionValue) -> Option<Password> {
        Words::read(value).map(Password::from)
    }

    fn write(value: &Password) -> OptionValue {
        OptionValue::Text(value.reveal().to_owned())
    }
}

fn key(value: &OptionValue) -> Option<[u8; 32]> {
    match value {
        OptionValue::Bytes(value) => value[..].try_into().ok(),
        _ => None,
    }
}

/// A key that anybody may see.
pub(super) struct Public;

impl Codec for Public {
    type Rust = PublicKey;

    fn read(value: &OptionValue) -> Option<PublicKey> {
        key(value).map(PublicKey::from_bytes)
    }

    fn write(value: &PublicKey) -> OptionValue {
        OptionValue::Bytes(Bytes::copy_from_slice(value.as_bytes()))
    }
}

/// A key that nobody is to see.
pub(super) struct SecretHalf;

impl Codec for SecretHalf {
    type Rust = SecretKey;

    fn read(value: &OptionValue) -> Option<SecretKey> {
        key(value).map(SecretKey::from_bytes)
    }

    fn write(value: &SecretKey) -> OptionValue {
        OptionValue::Bytes(Bytes::copy_from_slice(value.as_bytes()))
    }
}
