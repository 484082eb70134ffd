//! Z85 (RFC 32): five printable characters for four bytes.

use thiserror::Error;

/// Why bytes or text are not to be had in Z85.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Z85Error {
    /// Bytes to encode must come in fours.
    #[error("{len} bytes cannot be written in Z85: it takes a multiple of 4")]
    BytesLength {
        /// How many there are.
        len: usize,
    },
    /// Text to decode must come in fives.
    #[error("{len} characters are no Z85: it takes a multiple of 5")]
    TextLength {
        /// How many there are.
        len: usize,
    },
    /// The text has not the length that what it stands for must have.
    #[error("{len} characters of Z85 where {expected} are needed")]
    WrongLength {
        /// How many there are.
        len: usize,
        /// How many there must be.
        expected: usize,
    },
    /// The byte at that position is none of the 85 characters.
    #[error("the byte at position {position} is not in the alphabet of Z85")]
    BadCharacter {
        /// Counted from 0.
        position: usize,
    },
    /// The five characters from that position on stand for more than 32 bits.
    #[error("the five characters from position {position} on are over 32 bits")]
    Overflow {
        /// Counted from 0.
        position: usize,
    },
}

/// The Z85 text for `bytes`.
///
/// # Errors
/// [`Z85Error::BytesLength`] unless their number is a multiple of 4.
pub fn encode(bytes: &[u8]) -> Result<String, Z85Error> {
    let (fours, []) = bytes.as_chunks::<4>() else {
        return Err(Z85Error::BytesLength { len: bytes.len() });
    };
    let mut text = String::with_capacity(fours.len() * 5);
    for four in fours {
        let value = u32::from_be_bytes(*four);
        for power in [85 * 85 * 85 * 85, 85 * 85 * 85, 85 * 85, 85, 1] {
            text.push(char::from(ALPHABET[(value / power % 85) as usize]));
        }
    }
    Ok(text)
}

/// The bytes that the Z85 `text` stands for.
///
/// # Errors
/// [`Z85Error::TextLength`], [`Z85Error::BadCharacter`] or [`Z85Error::Overflow`].
pub fn decode(text: &[u8]) -> Result<Vec<u8>, Z85Error> {
    let mut bytes = vec![0; text.len() / 5 * 4];
    decode_into(text, &mut bytes)?;
    Ok(bytes)
}

/// Decodes into a buffer of the right length; what is secret leaves no other trace.
pub(crate) fn decode_into(text: &[u8], bytes: &mut [u8]) -> Result<(), Z85Error> {
    let (fives, []) = text.as_chunks::<5>() else {
        return Err(Z85Error::TextLength { len: text.len() });
    };
    if fives.len() * 4 != bytes.len() {
        return Err(Z85Error::WrongLength {
            len: text.len(),
            expected: bytes.len() / 4 * 5,
        });
    }
    for (index, (five, four)) in fives.iter().zip(bytes.chunks_exact_mut(4)).enumerate() {
        let start = index * 5;
        let mut value = 0u32;
        for (offset, character) in five.iter().enumerate() {
            let digit = digit(*character).ok_or(Z85Error::BadCharacter {
                position: start + offset,
            })?;
            value = value
                .checked_mul(85)
                .and_then(|value| value.checked_add(digit))
                .ok_or(Z85Error::Overflow { position: start })?;
        }
        four.copy_from_slice(&value.to_be_bytes());
    }
    Ok(())
}

const ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

fn digit(character: u8) -> Option<u32> {
    let index = ALPHABET.iter().position(|each| *each == character)?;
    Some(index as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_rfc_s_own_case() {
        let bytes = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
        assert_eq!(encode(&bytes).as_deref(), Ok("HelloWorld"));
        assert_eq!(decode(b"HelloWorld"), Ok(bytes.to_vec()));
        assert_eq!(encode(&[]).as_deref(), Ok(""));
        assert_eq!(decode(b""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_z85_is_told_apart() {
        assert_eq!(encode(&[0; 7]), Err(Z85Error::BytesLength { len: 7 }));
        assert_eq!(decode(b"0123"), Err(Z85Error::TextLength { len: 4 }));
        assert_eq!(
            decode(b"0000000 00"),
            Err(Z85Error::BadCharacter { position: 7 })
        );
        // The largest value there is, and the one after it.
        assert_eq!(decode(b"%nSc0"), Ok(vec![0xff; 4]));
        assert_eq!(
            decode(b"00000%nSc1"),
            Err(Z85Error::Overflow { position: 5 })
        );
        assert_eq!(decode(b"#####"), Err(Z85Error::Overflow { position: 0 }));
        assert_eq!(
            decode_into(b"0000000000", &mut [0; 4]),
            Err(Z85Error::WrongLength {
                len: 10,
                expected: 5
            })
        );
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(fours in proptest::collection::vec(any::<[u8; 4]>(), 0..20)) {
            let bytes = fours.concat();
            let text = encode(&bytes).unwrap();
            prop_assert_eq!(text.len(), fours.len() * 5);
            prop_assert_eq!(decode(text.as_bytes()), Ok(bytes));
        }

        #[test]
        fn what_decodes_is_the_only_text_for_it(text in "[ -~]{0,20}") {
            if let Ok(bytes) = decode(text.as_bytes()) {
                prop_assert_eq!(encode(&bytes), Ok(text));
            }
        }
    }
}
