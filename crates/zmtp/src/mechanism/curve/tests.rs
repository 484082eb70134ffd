//! Sizes, and boxes at the ends of their counters.

use super::seal::{Boxes, Side};
use super::*;
use crate::crypto::SharedKey;
use crate::frame::Flags;
use crate::mechanism::Seal;
use crate::{PublicKey, SecretKey};

/// Boxes of both ends, their counters as given.
fn ends(sent: u64, received: u64) -> (Boxes, Boxes) {
    let [ours, theirs] = [1, 2].map(|byte| SecretKey::from_bytes([byte; 32]));
    let key = |public: PublicKey, secret| SharedKey::agree(&public, secret).unwrap();
    (
        Boxes::new(
            Side::Client,
            &key(theirs.public_key(), &ours),
            sent,
            received,
        ),
        Boxes::new(
            Side::Server,
            &key(ours.public_key(), &theirs),
            received,
            sent,
        ),
    )
}

fn sealed(boxes: &mut Boxes, flags: Flags, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    boxes.seal(flags, &[payload], &mut out).unwrap();
    assert_eq!(out.len() as u64, boxes.sealed_len(payload.len() as u64));
    out
}

fn opened(boxes: &mut Boxes, bytes: &[u8]) -> Result<(Flags, Vec<u8>), Error> {
    let mut opened = b"left over from before".to_vec();
    let (flags, start) = boxes.open(bytes, &mut opened)?;
    Ok((flags, opened.split_off(start)))
}

#[test]
fn sizes_are_those_of_rfc_26() {
    let command = |name: &str, data: usize| 1 + name.len() + data;
    assert_eq!(command("HELLO", HELLO_DATA), 200);
    assert_eq!(command("WELCOME", WELCOME_DATA), 168);
    assert_eq!(command("INITIATE", INITIATE_DATA), 257);
    assert_eq!(command("READY", READY_DATA), 30);
    assert_eq!(command("MESSAGE", MESSAGE_DATA), 33);
    assert_eq!((COOKIE, VOUCH), (96, 96));
}

#[test]
fn flags_travel_inside() {
    let (mut client, mut server) = ends(2, 1);
    for (more, command) in [(false, false), (true, false), (false, true), (true, true)] {
        let flags = Flags::new(more, command);
        for payload in [&b""[..], b"x", &[7; 5000]] {
            let bytes = sealed(&mut client, flags, payload);
            assert_eq!(opened(&mut server, &bytes), Ok((flags, payload.to_vec())));
            let bytes = sealed(&mut server, flags, payload);
            assert_eq!(opened(&mut client, &bytes), Ok((flags, payload.to_vec())));
        }
    }
}

#[test]
fn parts_are_sealed_as_one() {
    let (mut client, mut server) = ends(2, 1);
    let mut out = b"before".to_vec();
    client
        .seal(Flags::COMMAND, &[b"\x04", b"", b"JOIN", b"group"], &mut out)
        .unwrap();
    assert_eq!(
        opened(&mut server, &out[6..]),
        Ok((Flags::COMMAND, b"\x04JOINgroup".to_vec()))
    );
}

#[test]
fn counters_must_rise_but_may_leap() {
    let (mut client, mut server) = ends(2, 1);
    let [first, second, third] = [1, 2, 3].map(|n| sealed(&mut client, Flags::NONE, &[n]));
    assert_eq!(first[8..16], 3u64.to_be_bytes());
    assert_eq!(opened(&mut server, &second), Ok((Flags::NONE, vec![2])));
    for (old, nonce) in [(&first, 3), (&second, 4)] {
        let last = 4;
        let error = opened(&mut server, old).unwrap_err();
        assert_eq!(error, Error::InvalidSequence { nonce, last });
        assert_eq!(error.code(), Some(0x1000_0002));
    }
    assert_eq!(opened(&mut server, &third), Ok((Flags::NONE, vec![3])));
}

#[test]
fn what_one_end_sealed_does_not_open_there() {
    let (mut client, _) = ends(2, 1);
    let bytes = sealed(&mut client, Flags::NONE, b"mirrored");
    assert_eq!(
        opened(&mut client, &bytes),
        Err(Error::Cryptographic { name: "MESSAGE" })
    );
}

#[test]
fn row_09_the_last_nonce_is_used_once() {
    let (mut client, mut server) = ends(u64::MAX - 1, 1);
    let bytes = sealed(&mut client, Flags::NONE, b"last");
    let mut out = Vec::new();
    for _ in 0..2 {
        assert_eq!(
            client.seal(Flags::NONE, &[b"one more"], &mut out),
            Err(Error::NoncesUsedUp)
        );
    }
    assert_eq!(
        opened(&mut server, &bytes),
        Ok((Flags::NONE, b"last".to_vec()))
    );
    // Whoever has sent that one can send nothing any more.
    assert!(matches!(
        opened(&mut server, &bytes),
        Err(Error::InvalidSequence { .. })
    ));
}

#[test]
fn every_length_that_cannot_be_is_refused() {
    let (mut client, _) = ends(2, 1);
    let whole = sealed(&mut client, Flags::NONE, &[7; 20]);
    for len in 0..whole.len() {
        let (_, mut server) = ends(2, 1);
        let error = opened(&mut server, &whole[..len]).unwrap_err();
        let code = match len {
            0..8 => 0x1000_0011,
            8..33 => 0x1000_0012,
            _ => 0x1100_0001,
        };
        assert_eq!(error.code(), Some(code), "{len}: {error}");
    }
    let mut renamed = whole.clone();
    renamed[7] = b'S';
    let (_, mut server) = ends(2, 1);
    let error = opened(&mut server, &renamed).unwrap_err();
    assert_eq!(error.code(), Some(0x1000_0001));
}

#[test]
fn a_frame_is_opened_where_it_lies() {
    let (mut client, mut server) = ends(2, 1);
    let flags = Flags::new(true, true);
    for len in [0, 1, 95, 96, 5000, 70_000] {
        let payload = vec![7; len];
        let mut bytes = sealed(&mut client, flags, &payload);
        let (head, data) = bytes.split_at_mut(server.sealed_len(0) as usize);
        assert_eq!(server.open_in_place(head, data), Ok(flags));
        assert_eq!(data, payload);
    }
    let mut bytes = sealed(&mut client, flags, &[7; 100]);
    bytes[60] ^= 1;
    let before = bytes.clone();
    let (head, data) = bytes.split_at_mut(33);
    let closed = Error::Cryptographic { name: "MESSAGE" };
    assert_eq!(server.open_in_place(head, data), Err(closed));
    assert_eq!(bytes, before);
    // What is wrong with its start shows as in any frame.
    for len in 0..33 {
        let mut head = before[..len].to_vec();
        let error = server.open_in_place(&mut head, &mut []).unwrap_err();
        assert!(error.code().is_some(), "{len}: {error}");
    }
}
