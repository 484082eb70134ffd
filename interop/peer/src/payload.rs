//! What message number `seq` contains: a function both sides know.

/// The parts of message `seq`. The first has `size` bytes; the others, in turn, none, 300 (the long
/// frame format) and `size`.
pub fn message(seq: u64, size: usize, parts: usize) -> Vec<Vec<u8>> {
    (0..parts)
        .map(|index| part(seq, index, part_len(size, index)))
        .collect()
}

/// The number a message claims to have, if its first part is long enough to hold one.
pub fn sequence(parts: &[Vec<u8>]) -> Option<u64> {
    let head = parts.first()?.first_chunk()?;
    Some(u64::from_le_bytes(*head))
}

/// Says where `parts` first differs from message `seq`.
pub fn verify(parts: &[Vec<u8>], seq: u64, size: usize, count: usize) -> Result<(), String> {
    if parts.len() != count {
        return Err(format!(
            "message {seq}: {} parts, expected {count}",
            parts.len()
        ));
    }
    for (index, found) in parts.iter().enumerate() {
        let expected = part(seq, index, part_len(size, index));
        if found.len() != expected.len() {
            return Err(format!(
                "message {seq}, part {index}: {} bytes, expected {}",
                found.len(),
                expected.len()
            ));
        }
        if *found != expected {
            let at = found.iter().zip(&expected).position(|(a, b)| a != b);
            return Err(format!(
                "message {seq}, part {index}: wrong from byte {at:?} on; it claims to be message {:?}",
                sequence(parts)
            ));
        }
    }
    Ok(())
}

fn part_len(size: usize, index: usize) -> usize {
    match index % 3 {
        0 => size,
        1 => 0,
        _ => 300,
    }
}

/// The number, then noise derived from number and index; cut to `len`.
fn part(seq: u64, index: usize, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len + 8);
    bytes.extend_from_slice(&seq.to_le_bytes());
    let mut state = seq ^ ((index as u64 + 1) << 56);
    while bytes.len() < len {
        bytes.extend_from_slice(&noise(&mut state).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// SplitMix64.
fn noise(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_itself_and_no_other() {
        let found = message(7, 64, 4);
        assert_eq!(
            found.iter().map(Vec::len).collect::<Vec<_>>(),
            [64, 0, 300, 64]
        );
        assert_eq!(verify(&found, 7, 64, 4), Ok(()));
        assert_eq!(sequence(&found), Some(7));
        assert!(verify(&found, 8, 64, 4).is_err());
        assert!(verify(&found, 7, 65, 4).is_err());
        assert!(verify(&found, 7, 64, 3).is_err());
    }

    #[test]
    fn one_flipped_bit_or_two_swapped_parts_show() {
        let mut found = message(7, 64, 4);
        found[2][299] ^= 1;
        let error = verify(&found, 7, 64, 4).unwrap_err();
        assert!(error.contains("part 2") && error.contains("299"), "{error}");

        let mut found = message(7, 64, 4);
        found.swap(0, 3);
        assert!(verify(&found, 7, 64, 4).is_err());
    }
}
