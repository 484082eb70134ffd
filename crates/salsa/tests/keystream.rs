//! The keystream against eSTREAM's vectors, and against a second implementation.

use proptest::prelude::*;
use salsa::{BLOCK, Key, LANES, Place, wipe};
use salsa20::Salsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};

/// ECRYPT's verified vectors for Salsa20/20 with 256 bits, set 1, vector 0: the first block.
const KEY: [u8; 32] = {
    let mut key = [0; 32];
    key[0] = 0x80;
    key
};
const FIRST: &str = "e3be8fdd8beca2e3ea8ef9475b29a6e7003951e1097a5c38d23b7a5fad9f6844\
    b22c97559e2723c7cbbd3fe4fc8d9a0744652a83e72a9c461876af4d7ef1a117";
/// The same set's block at byte 448.
const EIGHTH: &str = "696afcfd0cddcc83c7e77f11a649d79acdc3354e9635ff137e929933a0bd6f53\
    77efa105a3a4266b7c0d089d08f1e855cc32b15b93784a36e56a76cc64bc8477";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_vectors_of_ecrypt() {
    let mut data = vec![0; 512];
    Key::new(&KEY).apply([0; 8], 0, &mut data);
    assert_eq!(hex(&data[..64]), FIRST);
    assert_eq!(hex(&data[448..]), EIGHTH);
}

#[test]
fn what_is_wiped_is_zero() {
    let mut secret = [7; 100];
    wipe(&mut secret[1..99]);
    assert_eq!((secret[0], secret[99]), (7, 7));
    assert!(secret[1..99].iter().all(|byte| *byte == 0));
}

#[test]
fn every_length_is_encrypted_as_by_another() {
    let (key, nonce) = ([3; 32], [5; 8]);
    let plain: Vec<u8> = (0..4096).map(|index| index as u8).collect();
    let mut expected = plain.clone();
    Salsa20::new(&key.into(), &nonce.into()).apply_keystream(&mut expected);
    for len in 0..=plain.len() {
        let mut data = plain[..len].to_vec();
        Key::new(&key).apply(nonce, 0, &mut data);
        assert!(data == expected[..len], "{len} bytes");
    }
}

proptest! {
    #[test]
    fn another_implementation_agrees(
        key in any::<[u8; 32]>(),
        nonce in any::<[u8; 8]>(),
        // The other one's positions are in bytes, and it stops at 2^32 blocks of them.
        block in prop_oneof![0..100u64, (u64::from(u32::MAX) - 100)..u64::from(u32::MAX)],
        len in 0..4096usize,
    ) {
        let mut data = vec![0; len];
        Key::new(&key).apply(nonce, block, &mut data);
        let mut expected = vec![0; len];
        let mut other = Salsa20::new(&key.into(), &nonce.into());
        other.seek(block * BLOCK as u64);
        other.apply_keystream(&mut expected);
        prop_assert_eq!(data, expected);
    }

    /// Random cuts, each piece from where the last one ended.
    #[test]
    fn pieces_make_the_whole(
        key in any::<[u8; 32]>(),
        nonce in any::<[u8; 8]>(),
        blocks in proptest::collection::vec(0..40usize, 0..6),
        tail in 0..BLOCK,
    ) {
        let key = Key::new(&key);
        let len = blocks.iter().sum::<usize>() * BLOCK + tail;
        let mut whole = vec![0xaa; len];
        key.apply(nonce, 0, &mut whole);
        let mut pieces = vec![0xaa; len];
        let mut first = 0;
        for count in blocks {
            key.apply(nonce, first as u64, &mut pieces[first * BLOCK..(first + count) * BLOCK]);
            first += count;
        }
        key.apply(nonce, first as u64, &mut pieces[first * BLOCK..]);
        prop_assert_eq!(whole, pieces);
    }

    /// Blocks of sixteen nonces are those that each would have alone.
    #[test]
    fn lanes_do_not_mix(
        key in any::<[u8; 32]>(),
        places in any::<[([u8; 8], u64); LANES]>(),
    ) {
        let key = Key::new(&key);
        let mut blocks = [[0; BLOCK]; LANES];
        key.blocks(&places.map(|(nonce, block)| Place { nonce, block }), &mut blocks);
        for ((nonce, block), made) in places.into_iter().zip(blocks) {
            let mut alone = [0; BLOCK];
            key.apply(nonce, block, &mut alone);
            prop_assert_eq!(made, alone);
        }
    }
}
