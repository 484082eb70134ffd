//! Frame headers: the framing of ZMTP 1.0 (RFC 13) and that of 2.0 onwards.

use crate::Error;

/// How frames are laid out on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// ZMTP 1.0: size (counting the flags), then flags.
    V1,
    /// ZMTP 2.0 onwards: flags, then size.
    V2,
}

/// The flags of a frame; bits that mean nothing to us are dropped on reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const COMMAND: Self = Self(COMMAND);

    pub(crate) fn message(more: bool) -> Self {
        Self(u8::from(more) * MORE)
    }

    pub(crate) fn new(more: bool, command: bool) -> Self {
        Self(u8::from(more) * MORE + u8::from(command) * COMMAND)
    }

    /// The flags in `byte`, as far as 2.0 onwards knows them; the size bit is not kept.
    pub(crate) fn from_bits(byte: u8) -> Self {
        Self(byte & (MORE | COMMAND))
    }

    #[cfg(test)]
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    pub(crate) fn more(self) -> bool {
        self.0 & MORE != 0
    }

    pub(crate) fn command(self) -> bool {
        self.0 & COMMAND != 0
    }
}

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// The largest payload ever accepted. The protocol draws the line at 2^63; this
/// one lies where sizes still add up without overflow.
pub(crate) const MAX_FRAME: u64 = if usize::BITS >= 64 {
    (1 << 62) - 1
} else {
    (1 << 30) - 1
};

/// The start of a frame, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) flags: Flags,
    /// Bytes of the header itself.
    pub(crate) len: usize,
    /// Bytes of the payload that follow; at most [`MAX_FRAME`].
    pub(crate) payload: u64,
}

impl Header {
    /// Reads the header at the start of `input`; `Err` holds the number of bytes
    /// that are missing for it.
    pub(crate) fn parse(framing: Framing, input: &[u8]) -> Result<Result<Self, usize>, Error> {
        let header = match framing {
            Framing::V2 => match input {
                [flags, rest @ ..] if flags & LONG != 0 => match rest.first_chunk() {
                    Some(size) => Self {
                        flags: Flags::from_bits(*flags),
                        len: 9,
                        payload: u64::from_be_bytes(*size),
                    },
                    None => return Ok(Err(9 - input.len())),
                },
                [flags, size, ..] => Self {
                    flags: Flags::from_bits(*flags),
                    len: 2,
                    payload: u64::from(*size),
                },
                _ => return Ok(Err(2 - input.len())),
            },
            Framing::V1 => {
                let (size, len) = match input {
                    [0xff, rest @ ..] => match rest.first_chunk() {
                        Some(size) => (u64::from_be_bytes(*size), 10),
                        None => return Ok(Err(10 - input.len())),
                    },
                    [size, ..] => (u64::from(*size), 2),
                    [] => return Ok(Err(2)),
                };
                let Some(payload) = size.checked_sub(1) else {
                    return Err(Error::MalformedFrame {
                        reason: "its size does not even count the flags",
                    });
                };
                // Whoever claims that may keep its flags to itself.
                check(payload)?;
                let Some(flags) = input.get(len - 1) else {
                    return Ok(Err(len - input.len()));
                };
                Self {
                    flags: Flags(flags & MORE),
                    len,
                    payload,
                }
            }
        };
        check(header.payload)?;
        Ok(Ok(header))
    }
}

fn check(payload: u64) -> Result<(), Error> {
    if payload > MAX_FRAME {
        return Err(Error::FrameTooLarge {
            size: payload,
            limit: MAX_FRAME,
        });
    }
    Ok(())
}

/// Appends the header of a frame with `payload` bytes of payload. The 1.0 framing
/// knows no command flag; the caller keeps commands from such peers.
pub(crate) fn put_header(framing: Framing, flags: Flags, payload: u64, out: &mut Vec<u8>) {
    match framing {
        Framing::V2 => match u8::try_from(payload) {
            Ok(short) => out.extend_from_slice(&[flags.0, short]),
            Err(_) => {
                let mut header = [flags.0 | LONG; 9];
                header[1..].copy_from_slice(&payload.to_be_bytes());
                out.extend_from_slice(&header);
            }
        },
        Framing::V1 => {
            let size = payload.saturating_add(1);
            match u8::try_from(size) {
                Ok(short) if short != 0xff => out.extend_from_slice(&[short, flags.0 & MORE]),
                _ => {
                    out.push(0xff);
                    out.extend_from_slice(&size.to_be_bytes());
                    out.push(flags.0 & MORE);
                }
            }
        }
    }
}

/// Appends one frame of a message as it goes to a peer of ZMTP 2.0 onwards that
/// nothing is sealed for (`Engine::takes_frames` in this crate).
#[inline]
pub fn put_frame(payload: &[u8], more: bool, out: &mut Vec<u8>) {
    out.reserve(9 + payload.len());
    put_header(Framing::V2, Flags::message(more), payload.len() as u64, out);
    out.extend_from_slice(payload);
}

/// Takes the first frame that [`put_frame`] appended off `frames`: whether more
/// follow in its message, and its payload. `None` if there is no whole one.
#[must_use]
pub fn take_frame<'a>(frames: &mut &'a [u8]) -> Option<(bool, &'a [u8])> {
    let header = Header::parse(Framing::V2, frames).ok()?.ok()?;
    let end = header.len + header.payload as usize;
    let payload = frames.get(header.len..end)?;
    *frames = &frames[end..];
    Some((header.flags.more(), payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v2(input: &[u8]) -> Result<Result<Header, usize>, Error> {
        Header::parse(Framing::V2, input)
    }

    fn v1(input: &[u8]) -> Result<Result<Header, usize>, Error> {
        Header::parse(Framing::V1, input)
    }

    fn header(flags: u8, len: usize, payload: u64) -> Header {
        Header {
            flags: Flags(flags),
            len,
            payload,
        }
    }

    #[test]
    fn missing_header_bytes_are_counted() {
        assert_eq!(v2(b""), Ok(Err(2)));
        assert_eq!(v2(b"\x00"), Ok(Err(1)));
        assert_eq!(v2(b"\x02"), Ok(Err(8)));
        assert_eq!(v2(b"\x03\0\0\0\0\0\0\x01"), Ok(Err(1)));
        assert_eq!(v1(b""), Ok(Err(2)));
        assert_eq!(v1(b"\x05"), Ok(Err(1)));
        assert_eq!(v1(b"\xff"), Ok(Err(9)));
        assert_eq!(v1(b"\xff\0\0\0\0\0\0\x01\0"), Ok(Err(1)));
    }

    #[test]
    fn both_framings_are_read() {
        assert_eq!(v2(b"\x01\x05"), Ok(Ok(header(MORE, 2, 5))));
        assert_eq!(v2(b"\x04\x05"), Ok(Ok(header(COMMAND, 2, 5))));
        assert_eq!(v2(b"\x02\0\0\0\0\0\x01\0\0"), Ok(Ok(header(0, 9, 65536))));
        assert_eq!(v1(b"\x06\x01"), Ok(Ok(header(MORE, 2, 5))));
        // A long size may hold a small number.
        assert_eq!(v1(b"\xff\0\0\0\0\0\0\0\x01\0"), Ok(Ok(header(0, 10, 0))));
    }

    #[test]
    fn reserved_bits_are_not_looked_at() {
        assert_eq!(v2(b"\xf9\x05"), Ok(Ok(header(MORE, 2, 5))));
        assert_eq!(v1(b"\x06\x7e"), Ok(Ok(header(0, 2, 5))));
    }

    #[test]
    fn sizes_beyond_any_memory_are_refused() {
        for power in [62, 63] {
            for size in [1u64 << power, (1 << power) + 1, u64::MAX] {
                let mut input = vec![LONG];
                input.extend_from_slice(&size.to_be_bytes());
                let limit = MAX_FRAME;
                assert_eq!(v2(&input), Err(Error::FrameTooLarge { size, limit }));
                let mut input = vec![0xff];
                input.extend_from_slice(&size.to_be_bytes());
                let refused = v1(&input);
                if size == 1 << 62 {
                    // The size of 1.0 counts the flags byte.
                    assert_eq!(refused, Ok(Err(1)));
                    input.push(0);
                    assert_eq!(v1(&input), Ok(Ok(header(0, 10, MAX_FRAME))));
                } else {
                    let size = size - 1;
                    assert_eq!(refused, Err(Error::FrameTooLarge { size, limit }));
                }
            }
        }
    }

    #[test]
    fn frames_are_taken_as_they_were_put() {
        let payloads: Vec<Vec<u8>> = [0, 1, 255, 256, 70_000].map(|len| vec![7; len]).into();
        let mut out = Vec::new();
        for payload in &payloads {
            put_frame(payload, payload.len() > 1, &mut out);
        }
        let mut rest = &out[..];
        for payload in &payloads {
            let frame = take_frame(&mut rest);
            assert_eq!(frame, Some((payload.len() > 1, &payload[..])));
        }
        assert_eq!(take_frame(&mut rest), None);
        let mut cut = &out[..out.len() - 1];
        assert_eq!(std::iter::from_fn(|| take_frame(&mut cut)).count(), 4);
    }

    #[test]
    fn a_1_0_frame_without_flags_is_malformed() {
        assert!(matches!(v1(b"\0"), Err(Error::MalformedFrame { .. })));
        assert!(matches!(
            v1(b"\xff\0\0\0\0\0\0\0\0"),
            Err(Error::MalformedFrame { .. })
        ));
    }

    proptest! {
        #[test]
        fn headers_round_trip(
            v1 in any::<bool>(),
            more in any::<bool>(),
            payload in prop_oneof![0..600u64, 0..=MAX_FRAME],
        ) {
            let framing = if v1 { Framing::V1 } else { Framing::V2 };
            let mut out = Vec::new();
            put_header(framing, Flags::message(more), payload, &mut out);
            let read = Header::parse(framing, &out).unwrap().unwrap();
            prop_assert_eq!(read, header(u8::from(more), out.len(), payload));
            for cut in 0..out.len() {
                let missing = Header::parse(framing, &out[..cut]).unwrap().unwrap_err();
                prop_assert!(missing >= 1 && missing <= out.len() - cut);
            }
        }
    }
}
