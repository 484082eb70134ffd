//! Conversations of any content, cut anywhere, and bytes that are none.

use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;
use zmtp::{Config, Engine, Event, SocketType};

use crate::support::{End, Heard, command, greeting, ready};

/// What a peer may say after its handshake.
#[derive(Debug, Clone)]
enum Said {
    Frame(bool, Vec<u8>),
    Subscribe(Vec<u8>),
    Cancel(Vec<u8>),
    Ping(Vec<u8>),
    Unknown(Vec<u8>),
}

fn said() -> impl Strategy<Value = Said> {
    let bytes = || vec(any::<u8>(), 0..40);
    prop_oneof![
        (
            any::<bool>(),
            prop_oneof![bytes(), vec(any::<u8>(), 250..300)]
        )
            .prop_map(|(more, payload)| Said::Frame(more, payload)),
        bytes().prop_map(Said::Subscribe),
        bytes().prop_map(Said::Cancel),
        vec(any::<u8>(), 0..=16).prop_map(Said::Ping),
        bytes().prop_map(Said::Unknown),
    ]
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Unversioned,
    Revision0,
    V2_0,
    V3_0,
    V3_1,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Unversioned),
        Just(Kind::Revision0),
        Just(Kind::V2_0),
        Just(Kind::V3_0),
        Just(Kind::V3_1),
    ]
}

/// The handshake of a SUB of that kind.
fn opening(kind: Kind) -> Vec<u8> {
    match kind {
        Kind::Unversioned => b"\x03\x00id".to_vec(),
        Kind::Revision0 => b"\xff\0\0\0\0\0\0\0\x03\x7f\x00\x02\x03\x00id".to_vec(),
        Kind::V2_0 => b"\xff\0\0\0\0\0\0\0\x03\x7f\x01\x02\x00\x02id".to_vec(),
        Kind::V3_0 => [greeting(3, 0, "NULL"), ready("SUB")].concat(),
        Kind::V3_1 => [greeting(3, 1, "NULL"), ready("SUB")].concat(),
    }
}

fn publisher(direct_payload: usize, now: Instant) -> End {
    let mut config = Config::new(SocketType::Xpub);
    config.direct_payload = direct_payload;
    End::new(config, now)
}

/// Everything a peer of that kind sends, and what is to be heard of it.
fn conversation(kind: Kind, said: &[Said], now: Instant) -> (Vec<u8>, Vec<Heard>) {
    // An engine that met one of the kind encodes for it, and so as it.
    let mut twin = publisher(usize::MAX, now);
    twin.receive(&opening(kind), now);
    let mut heard = std::mem::take(&mut twin.heard);
    let mut bytes = opening(kind);
    let has_commands = !matches!(kind, Kind::Unversioned | Kind::Revision0);
    let subscribes = matches!(kind, Kind::V3_1);
    for each in said {
        match each {
            Said::Frame(more, payload) => {
                twin.engine.encode_frame(payload, *more, &mut bytes);
                heard.push(Heard::Frame(*more, payload.clone()));
            }
            Said::Subscribe(topic) => {
                twin.engine.encode_subscribe(topic, &mut bytes);
                heard.push(match subscribes {
                    true => Heard::Subscribe(topic.clone()),
                    false => Heard::Frame(false, [&[1], topic.as_slice()].concat()),
                });
            }
            Said::Cancel(topic) => {
                twin.engine.encode_cancel(topic, &mut bytes);
                heard.push(match subscribes {
                    true => Heard::Cancel(topic.clone()),
                    false => Heard::Frame(false, [&[0], topic.as_slice()].concat()),
                });
            }
            Said::Ping(context) if has_commands => {
                let data = [&[0, 9], context.as_slice()].concat();
                bytes.extend(command("PING", &data));
            }
            Said::Unknown(data) if has_commands => bytes.extend(command("FUTURE", data)),
            Said::Ping(_) | Said::Unknown(_) => {}
        }
    }
    (bytes, heard)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_conversation_cut_at_any_byte_means_the_same(
        kind in kind(),
        said in vec(said(), 0..8),
        direct_payload in prop_oneof![Just(0), Just(1), 0..300usize, Just(usize::MAX)],
    ) {
        let now = Instant::now();
        let (bytes, heard) = conversation(kind, &said, now);
        let mut whole = publisher(direct_payload, now);
        whole.receive(&bytes, now);
        prop_assert_eq!(&whole.error, &None);
        prop_assert_eq!(&whole.heard, &heard);
        let sent = whole.transmit();
        for cut in 0..=bytes.len() {
            let mut end = publisher(direct_payload, now);
            end.receive(&bytes[..cut], now);
            end.receive(&bytes[cut..], now);
            prop_assert_eq!(&end.error, &None, "cut at {}", cut);
            prop_assert_eq!(&end.heard, &heard, "cut at {}", cut);
            prop_assert_eq!(end.transmit(), &sent[..], "cut at {}", cut);
        }
        let mut dripped = publisher(direct_payload, now);
        for byte in &bytes {
            dripped.receive(&[*byte], now);
        }
        prop_assert_eq!(&dripped.error, &None);
        prop_assert_eq!(&dripped.heard, &heard);
        prop_assert_eq!(dripped.transmit(), sent);
    }

    #[test]
    fn hints_ask_for_no_more_than_is_needed(kind in kind(), said in vec(said(), 0..8)) {
        let now = Instant::now();
        let (bytes, _) = conversation(kind, &said, now);
        let mut end = publisher(usize::MAX, now);
        let (mut from, mut to) = (0, 0);
        let mut steps = 0;
        while to <= bytes.len() {
            steps += 1;
            prop_assert!(steps < 1000, "goes on and on");
            match end.engine.step(&bytes[from..to], now).unwrap() {
                (used, Event::NeedMore { hint }) => {
                    prop_assert_eq!(used, 0);
                    // With one byte less than the hint there is still nothing.
                    let short = bytes.get(from..to + hint - 1).unwrap_or(&bytes[from..to]);
                    let (used, event) = end.engine.step(short, now).unwrap();
                    prop_assert_eq!(used, 0);
                    let waits = matches!(event, Event::NeedMore { .. });
                    prop_assert!(waits);
                    if from == bytes.len() {
                        break;
                    }
                    prop_assert!(to + hint <= bytes.len(), "{} + {}", to, hint);
                    to += hint;
                }
                (used, _) => from += used,
            }
        }
        prop_assert_eq!(from, bytes.len());
    }

    #[test]
    fn any_bytes_are_understood_or_refused(
        socket_type in 0..21u8,
        max_message_size in proptest::option::of(0..1000u64),
        direct_payload in 0..100usize,
        kind in proptest::option::of(kind()),
        bytes in vec(prop_oneof![Just(0), Just(1), Just(4), Just(0xff), any::<u8>()], 0..300),
        chunk in 1..50usize,
    ) {
        let now = Instant::now();
        let mut config = Config::new(SocketType::from_number(socket_type).unwrap());
        config.max_message_size = max_message_size;
        config.direct_payload = direct_payload;
        let mut engine = Engine::new(config, now);
        let script = [kind.map(opening).unwrap_or_default(), bytes].concat();
        let (mut from, mut to, mut idle) = (0, 0, 0);
        loop {
            match engine.step(&script[from..to], now) {
                Ok((_, Event::NeedMore { hint })) => {
                    prop_assert!(hint >= 1);
                    if to == script.len() {
                        break;
                    }
                    to = script.len().min(to + chunk);
                    idle = 0;
                }
                Ok((used, event)) => {
                    if let Event::LargeFrame { len, .. } = event {
                        let left = (script.len() - from - used) as u64;
                        from += len.min(left) as usize;
                    }
                    from += used;
                    to = to.max(from);
                    idle = if used == 0 { idle + 1 } else { 0 };
                    prop_assert!(idle < 3);
                }
                Err(error) => {
                    prop_assert_eq!(engine.step(b"", now), Err(error));
                    break;
                }
            }
        }
        let mut out = Vec::new();
        engine.transmit(&mut out);
        prop_assert!(out.len() >= 10);
    }
}
