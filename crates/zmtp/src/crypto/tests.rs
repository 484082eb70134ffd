//! Our boxes against NaCl's own vectors, and against a second implementation.

use super::*;
use ::crypto_box::aead::Aead;
use ::crypto_box::{PublicKey as OtherPublic, SalsaBox, SecretKey as OtherSecret};
use proptest::prelude::*;

/// The keys of RFC 7748, section 6.1, which the tests of NaCl use too.
const ALICE_SECRET: &str = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
const ALICE_PUBLIC: &str = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
const BOB_SECRET: &str = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
const BOB_PUBLIC: &str = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";

/// From NaCl's tests/box.c: the key they share, and a box.
const SHARED: &str = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
const NONCE: &str = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
const PLAIN: &str = "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc\
    e5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31\
    0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde\
    048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864\
    5e0705";
const SEALED: &str = "f3ffc7703f9400e52a7dfb4b3d3305d9\
    8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a\
    c0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738\
    b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da\
    99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74\
    e355a5";

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap() as u8;
    hex.as_bytes()
        .chunks(2)
        .map(|pair| digit(&pair[0]) << 4 | digit(&pair[1]))
        .collect()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

fn public(hex: &str) -> PublicKey {
    PublicKey::from_bytes(array(hex))
}

fn secret(hex: &str) -> SecretKey {
    SecretKey::from_bytes(array(hex))
}

#[test]
fn the_keys_of_rfc_7748() {
    assert_eq!(secret(ALICE_SECRET).public_key(), public(ALICE_PUBLIC));
    assert_eq!(secret(BOB_SECRET).public_key(), public(BOB_PUBLIC));
}

#[test]
fn the_box_of_nacl() {
    let nonce = array(NONCE);
    let alice = SharedKey::agree(&public(BOB_PUBLIC), &secret(ALICE_SECRET)).unwrap();
    let bob = SharedKey::agree(&public(ALICE_PUBLIC), &secret(BOB_SECRET)).unwrap();
    assert_eq!(alice.0, array(SHARED));
    assert_eq!(bob.0, array(SHARED));

    let mut sealed = b"before".to_vec();
    alice.seal(&nonce, &bytes(PLAIN), &mut sealed);
    assert_eq!(sealed, [&b"before"[..], &bytes(SEALED)].concat());
    assert_eq!(**bob.open(&nonce, &sealed[6..]).unwrap(), bytes(PLAIN));

    let mut data = bytes(PLAIN);
    let mac = bob.seal_in_place(&nonce, &mut data);
    assert_eq!([&mac[..], &data].concat(), bytes(SEALED));
}

#[test]
fn a_key_that_any_two_would_share_is_none() {
    // The points of low order on the curve and its twist, as RFC 7748 warns of them.
    for point in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        assert!(SharedKey::agree(&public(point), &secret(ALICE_SECRET)).is_none());
    }
}

#[test]
fn what_is_too_short_or_does_not_fit_does_not_open() {
    let key = SharedKey([7; 32]);
    let nonce = array(NONCE);
    for len in 0..MAC {
        assert!(key.open(&nonce, &vec![0; len]).is_none());
    }
    let mut sealed = Vec::new();
    key.seal(&nonce, b"plain", &mut sealed);
    for len in [0, 4, 6] {
        let mut plain = vec![0xaa; len];
        assert!(!key.open_into(&nonce, &sealed, &mut plain));
        assert_eq!(plain, vec![0xaa; len]);
    }
}

#[test]
fn nonces_are_laid_out_as_in_rfc_26() {
    assert_eq!(
        &short_nonce(b"CurveZMQMESSAGEC", 0x0102_0304_0506_0708),
        b"CurveZMQMESSAGEC\x01\x02\x03\x04\x05\x06\x07\x08"
    );
    assert_eq!(
        &long_nonce(b"WELCOME-", b"0123456789abcdef"),
        b"WELCOME-0123456789abcdef"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Lengths around the blocks of the cipher and of what vector units take at once.
    #[test]
    fn another_implementation_agrees(
        ours in any::<[u8; 32]>(),
        theirs in any::<[u8; 32]>(),
        nonce in any::<[u8; 24]>(),
        fill in any::<u8>(),
        len in prop_oneof![0..130usize, 500..1100usize, 4000..4200usize, 65_500..65_600usize],
    ) {
        let (ours, theirs) = (SecretKey::from_bytes(ours), SecretKey::from_bytes(theirs));
        let other = SalsaBox::new(
            &OtherPublic::from(*theirs.public_key().as_bytes()),
            &OtherSecret::from(*ours.as_bytes()),
        );
        let key = SharedKey::agree(&theirs.public_key(), &ours).unwrap();
        let plain: Vec<u8> = (0..len).map(|index| (index as u8).wrapping_mul(fill)).collect();
        let mut sealed = Vec::new();
        key.seal(&nonce, &plain, &mut sealed);
        prop_assert_eq!(&other.encrypt(&nonce.into(), &plain[..]).unwrap(), &sealed);
        prop_assert_eq!(&**key.open(&nonce, &sealed).unwrap(), &plain);
    }

    #[test]
    fn a_changed_bit_anywhere_keeps_the_box_closed(
        plain in proptest::collection::vec(any::<u8>(), 0..200),
        nonce in any::<[u8; 24]>(),
        place in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let key = SharedKey([9; 32]);
        let mut sealed = Vec::new();
        key.seal(&nonce, &plain, &mut sealed);
        let index = place.index(sealed.len());
        sealed[index] ^= 1 << bit;
        let mut opened = vec![0xaa; plain.len()];
        prop_assert!(!key.open_into(&nonce, &sealed, &mut opened));
        // Not a byte of what did not prove to be right is handed out.
        prop_assert!(opened.iter().all(|byte| *byte == 0xaa));
    }
}

const PREFIX: &[u8; 16] = b"CurveZMQMESSAGEC";

/// The box that `SharedKey` makes of flags and payload.
fn sealed(key: &SharedKey, counter: u64, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let plain = [&[flags], payload].concat();
    key.seal(&short_nonce(PREFIX, counter), &plain, &mut out);
    out
}

/// `sealed`, opened in two pieces of which the first has `cut` bytes.
fn open_pieces(
    sequence: &mut Sequence,
    counter: u64,
    sealed: &[u8],
    cut: usize,
) -> Option<Vec<u8>> {
    let (mac, data) = sealed.split_first_chunk().unwrap();
    let mut data = data.to_vec();
    let (front, rest) = data.split_at_mut(cut);
    let is_right = sequence.open(counter, mac, front, rest);
    if !is_right {
        assert_eq!(data, sealed[MAC..], "changed, and not opened");
    }
    is_right.then_some(data)
}

/// What is left of a keystream that was used is zeros, and under a key of zeros the code of
/// anything is zero.
#[test]
fn a_counter_that_comes_again_is_not_judged_by_what_was_wiped() {
    let key = SharedKey([7; 32]);
    let mut sequence = Sequence::new(&key, PREFIX);
    let right = sealed(&key, 41, 0, b"right");
    let mut changed = right.clone();
    changed[0] ^= 1;
    let forged = [&[0; MAC][..], b"forged"].concat();
    for cut in [1, 6] {
        assert_eq!(open_pieces(&mut sequence, 41, &changed, cut), None);
        assert_eq!(open_pieces(&mut sequence, 41, &forged, cut), None);
        let opened = open_pieces(&mut sequence, 41, &right, cut);
        assert_eq!(opened.as_deref(), Some(&b"\0right"[..]));
    }
}

#[test]
fn a_sequence_makes_the_same_boxes_of_every_length() {
    let key = SharedKey([7; 32]);
    let (mut ours, mut theirs) = (Sequence::new(&key, PREFIX), Sequence::new(&key, PREFIX));
    let payload: Vec<u8> = (0..4096).map(|index| (index * 3) as u8).collect();
    for len in 0..=payload.len() {
        let (counter, payload) = (100 + len as u64, &payload[..len]);
        let expected = sealed(&key, counter, 1, payload);
        let mut out = b"before".to_vec();
        ours.seal(counter, 1, &[payload], &mut out);
        assert!(out[6..] == expected, "{len} bytes");
        let cut = [1, 1 + len][len % 2];
        let opened = open_pieces(&mut theirs, counter, &expected, cut).unwrap();
        assert!(opened == [&[1], payload].concat(), "{len} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the counters, and however the payload is cut.
    #[test]
    fn a_sequence_makes_the_same_boxes(
        key in any::<[u8; 32]>(),
        steps in proptest::collection::vec(
            (
                prop_oneof![4 => Just(1u64), 1 => 2..20u64, 1 => any::<u64>()],
                any::<u8>(),
                proptest::collection::vec(0..200usize, 0..4),
                prop_oneof![8 => Just(0usize), 1 => 8000..9000usize, 1 => 30_000..70_000usize],
            ),
            1..30,
        ),
    ) {
        let key = SharedKey(key);
        let (mut ours, mut theirs) = (Sequence::new(&key, PREFIX), Sequence::new(&key, PREFIX));
        let mut counter = 0u64;
        for (step, flags, mut lens, long) in steps {
            counter = counter.wrapping_add(step);
            lens.push(long);
            let payload: Vec<u8> = (0..lens.iter().sum::<usize>()).map(|n| n as u8).collect();
            let mut parts = Vec::new();
            let mut rest = &payload[..];
            for len in lens {
                let (part, more) = rest.split_at(len);
                parts.push(part);
                rest = more;
            }
            let expected = sealed(&key, counter, flags, &payload);
            let mut out = Vec::new();
            ours.seal(counter, flags, &parts, &mut out);
            prop_assert!(out == expected);
            let opened = open_pieces(&mut theirs, counter, &expected, 1).unwrap();
            prop_assert!(opened == [&[flags], &payload[..]].concat());
        }
    }

    #[test]
    fn a_sequence_opens_nothing_that_was_changed(
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        counter in any::<u64>(),
        place in any::<prop::sample::Index>(),
        bit in 0..8u8,
        whole in any::<bool>(),
    ) {
        let key = SharedKey([9; 32]);
        let mut sequence = Sequence::new(&key, PREFIX);
        let right = sealed(&key, counter, 0, &payload);
        let mut changed = right.clone();
        let index = place.index(changed.len());
        changed[index] ^= 1 << bit;
        let cut = if whole { changed.len() - MAC } else { 1 };
        prop_assert_eq!(open_pieces(&mut sequence, counter, &changed, cut), None);
        prop_assert_eq!(open_pieces(&mut sequence, counter.wrapping_add(1), &right, cut), None);
    }
}
