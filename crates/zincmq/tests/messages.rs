//! Messages as values: what they are made from, turned into and compared with.

use std::collections::HashMap;

use bytes::Bytes;
use zincmq::{INLINE_CAPACITY, Message, Multipart};

/// One payload of each way a message is stored.
fn payloads() -> [Vec<u8>; 4] {
    [0, INLINE_CAPACITY, INLINE_CAPACITY + 1, 100_000].map(|length| vec![b'z'; length])
}

#[test]
fn a_map_by_routing_id_is_asked_with_bytes_or_messages() {
    let mut names = HashMap::new();
    for payload in payloads() {
        names.insert(Message::from(&payload), payload.len());
    }
    for payload in payloads() {
        // Stored in another way, and the same key.
        let copied = Message::copy_from_slice(&payload);
        assert_eq!(names.get(&copied), Some(&payload.len()));
        assert_eq!(names.get(&payload[..]), Some(&payload.len()));
    }
    assert_eq!(names.get(&b"zz"[..]), None);
}

#[test]
fn the_order_is_that_of_the_bytes() {
    let mut messages = ["b", "", "ab", "a"].map(Message::from);
    messages.sort();
    assert_eq!(messages, ["", "a", "ab", "b"].map(Message::from));
}

#[test]
fn a_message_turns_back_into_its_bytes() {
    for payload in payloads() {
        for message in [
            Message::from(payload.clone()),
            Message::copy_from_slice(&payload),
        ] {
            assert_eq!(Bytes::from(message.clone()), payload);
            assert_eq!(Vec::from(message), payload);
        }
    }
}

#[test]
fn text_is_had_strictly_or_not() {
    assert_eq!(Message::from("zinc").to_str(), Ok("zinc"));
    let broken = Message::from(b"zinc\xff");
    let error = broken.to_str().expect_err("0xff is no UTF-8");
    assert_eq!(error.valid_up_to(), 4);
    assert_eq!(broken.to_text(), "zinc\u{fffd}");
}

#[test]
fn parts_come_from_arrays_vectors_and_iterators() {
    let (text, bytes) = (String::from("one"), b"one".to_vec());
    for single in [Multipart::from(&text), Multipart::from(&bytes)] {
        assert_eq!(single, ["one"]);
    }
    let two = [text.clone(), text.clone()];
    for double in [
        Multipart::from([&text, &text]),
        Multipart::from([&bytes, &bytes]),
        Multipart::from(vec!["one", "one"]),
        Multipart::from(vec![&b"one"[..], b"one"]),
        Multipart::from(two.to_vec()),
        Multipart::from(vec![bytes.clone(), bytes.clone()]),
        two.iter().map(Message::from).collect(),
    ] {
        assert_eq!(double, ["one", "one"]);
        assert_ne!(double, ["one"]);
        assert_ne!(double, ["one", "two"]);
    }
    assert_eq!(Multipart::from(Vec::<String>::new()), [""]);
}

#[test]
fn parts_are_appended_and_gone_through() {
    let mut message = Multipart::from("a");
    message.extend(["b", "c"].map(Message::from));
    let mut seen = Vec::new();
    for part in &message {
        seen.push(part.to_text());
    }
    assert_eq!(seen, ["a", "b", "c"]);
    assert!(
        message
            .iter()
            .rev()
            .eq(["c", "b", "a"].map(Message::from).iter())
    );
}
