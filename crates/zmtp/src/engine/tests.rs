//! The seam for mechanisms, seen through one that seals.

use std::time::{Duration, Instant};

use super::*;
use crate::mechanism::toy::Toy;
use crate::{Heartbeat, Login, SocketType};

fn sealing(mut config: Config, key: u8, now: Instant) -> Engine {
    config.routing_id = b"id".to_vec();
    Engine::with_mechanism(config, Box::new(Toy { key }), now)
}

/// Steps through all of `input`; the events other than progress, as text.
fn heard(engine: &mut Engine, mut input: &[u8], now: Instant) -> Result<Vec<String>, Error> {
    let mut heard = Vec::new();
    for _ in 0..1000 {
        let (used, event) = engine.step(input, now)?;
        match event {
            Event::NeedMore { .. } => {
                assert_eq!(input, b"", "left over");
                return Ok(heard);
            }
            Event::Progress => {}
            event => heard.push(format!("{event:?}")),
        }
        input = &input[used..];
    }
    panic!("goes on and on: {heard:?}");
}

fn transmitted(engine: &mut Engine) -> Vec<u8> {
    let mut out = Vec::new();
    engine.transmit(&mut out);
    out
}

/// Two engines that are through with their handshake.
fn connected(ours: Config, theirs: Config) -> (Engine, Engine, Instant) {
    let now = Instant::now();
    let mut a = sealing(ours, 0x5a, now);
    let mut b = sealing(theirs, 0x21, now);
    let mut events = Vec::new();
    for _ in 0..5 {
        let bytes = transmitted(&mut a);
        events.extend(heard(&mut b, &bytes, now).unwrap());
        let bytes = transmitted(&mut b);
        events.extend(heard(&mut a, &bytes, now).unwrap());
    }
    assert_eq!(events, ["Ready", "Ready"]);
    (a, b, now)
}

#[test]
fn the_handshake_goes_through_its_states() {
    let (a, b, _) = connected(
        Config::new(SocketType::Dealer),
        Config::new(SocketType::Router),
    );
    for engine in [&a, &b] {
        assert!(!engine.is_transparent());
        assert_eq!(engine.peer().unwrap().routing_id, b"id");
    }
}

#[test]
fn frames_are_sealed_flags_and_all() {
    let (mut a, mut b, now) = connected(
        Config::new(SocketType::Dealer),
        Config::new(SocketType::Router),
    );
    let mut bytes = Vec::new();
    a.encode_frame(b"secret", true, &mut bytes);
    a.encode_frame(b"", false, &mut bytes);
    assert_eq!(bytes.len(), 2 + 2 + 6 + 2 + 2);
    assert!(!bytes.windows(6).any(|window| window == b"secret"));
    assert_eq!((bytes[0], bytes[10]), (0, 0));
    assert_eq!(
        heard(&mut b, &bytes, now).unwrap(),
        [
            r#"Frame { more: true, payload: [115, 101, 99, 114, 101, 116] }"#,
            r#"Frame { more: false, payload: [] }"#
        ]
    );
}

#[test]
fn a_large_sealed_frame_comes_whole() {
    let mut config = Config::new(SocketType::Pull);
    config.direct_payload = usize::MAX;
    let (mut a, mut b, now) = connected(Config::new(SocketType::Push), config);
    let payload = vec![7; KEPT * 2];
    let mut bytes = Vec::new();
    a.encode_frame(&payload, false, &mut bytes);
    let part = bytes.len() - 5;
    let (used, event) = b.step(&bytes[..part], now).unwrap();
    assert_eq!((used, event), (0, Event::NeedMore { hint: 5 }));
    let (used, event) = b.step(&bytes, now).unwrap();
    assert_eq!(used, bytes.len());
    let payload = payload.as_slice();
    assert_eq!(
        event,
        Event::Frame {
            more: false,
            payload
        }
    );
    // Its buffer does not stay.
    bytes.clear();
    a.encode_frame(b"small", false, &mut bytes);
    heard(&mut b, &bytes, now).unwrap();
    assert!(b.opened.capacity() < KEPT);
}

const KEPT: usize = 256 * 1024;

#[test]
fn commands_are_sealed_in_the_order_of_the_wire() {
    let mut config = Config::new(SocketType::Sub);
    config.heartbeat = Some(Heartbeat {
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        ttl: Duration::ZERO,
    });
    let (mut a, mut b, now) = connected(config, Config::new(SocketType::Xpub));
    // The PING waits while the caller encodes, and goes out after it.
    a.handle_timeout(now + Duration::from_secs(1)).unwrap();
    let mut bytes = Vec::new();
    a.encode_subscribe(b"abc", &mut bytes);
    a.transmit(&mut bytes);
    a.encode_cancel(b"abc", &mut bytes);
    assert!(!bytes.windows(3).any(|window| window == b"abc"));
    assert_eq!(
        heard(&mut b, &bytes, now).unwrap(),
        ["Subscribe([97, 98, 99])", "Cancel([97, 98, 99])"]
    );
    // So does the PONG.
    bytes.clear();
    b.encode_frame(b"x", false, &mut bytes);
    b.transmit(&mut bytes);
    b.encode_frame(b"y", false, &mut bytes);
    assert_eq!(heard(&mut a, &bytes, now).unwrap().len(), 2);
    assert_eq!(a.handle_timeout(now + Duration::from_secs(3)), Ok(()));
}

#[test]
fn limits_are_measured_inside_the_seal() {
    let mut config = Config::new(SocketType::Pull);
    config.max_message_size = Some(300);
    let (mut a, mut b, now) = connected(Config::new(SocketType::Push), config);
    let mut bytes = Vec::new();
    a.encode_frame(&[7; 300], false, &mut bytes);
    assert_eq!(heard(&mut b, &bytes, now).unwrap().len(), 1);
    bytes.clear();
    a.encode_frame(&[7; 301], false, &mut bytes);
    // Refused from the header alone.
    let error = b.step(&bytes[..9], now).unwrap_err();
    assert!(matches!(error, Error::FrameTooLarge { limit: 300, .. }));

    let mut config = Config::new(SocketType::Pull);
    config.max_message_size = Some(3);
    let (mut a, mut b, now) = connected(Config::new(SocketType::Push), config);
    bytes.clear();
    a.encode_frame(b"four", false, &mut bytes);
    let error = b.step(&bytes, now).unwrap_err();
    assert_eq!(error, Error::FrameTooLarge { size: 4, limit: 3 });
}

#[test]
fn a_frame_that_does_not_open_ends_the_connection() {
    let (mut a, mut b, now) =
        connected(Config::new(SocketType::Push), Config::new(SocketType::Pull));
    let mut bytes = Vec::new();
    a.encode_frame(b"once", false, &mut bytes);
    heard(&mut b, &bytes, now).unwrap();
    let error = heard(&mut b, &bytes, now).unwrap_err();
    assert_eq!(error.code(), Some(0x1000_0012));
    assert_eq!(b.step(&[], now), Err(error));
}

#[test]
fn a_secured_connection_takes_no_old_and_no_unsecured_peer() {
    let null = [&b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL"[..], &[0; 48]].concat();
    for script in [
        &b"\x01\x00"[..],
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x00\x03",
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x03",
        &null,
    ] {
        let now = Instant::now();
        let mut engine = sealing(Config::new(SocketType::Rep), 1, now);
        let error = heard(&mut engine, script, now).unwrap_err();
        assert!(
            matches!(
                error,
                Error::VersionTooOld { .. } | Error::MechanismMismatch { .. }
            ),
            "{error}"
        );
        let sent = transmitted(&mut engine);
        assert!(!sent.windows(5).any(|window| window == b"HELLO"));
    }
}

#[test]
fn the_role_is_told_where_there_are_roles() {
    let now = Instant::now();
    let login = Login::new("name", "password").unwrap();
    for (security, as_server) in [
        (Security::PlainClient(login), 0),
        (Security::PlainServer, 1),
    ] {
        let mut config = Config::new(SocketType::Rep);
        config.security = security;
        let mut engine = Engine::new(config, now);
        heard(&mut engine, b"\xff\0\0\0\0\0\0\0\x01\x7f\x03", now).unwrap();
        let sent = transmitted(&mut engine);
        assert_eq!(&sent[12..18], b"PLAIN\0");
        assert_eq!(sent[32], as_server);
    }
}

/// The payload of a frame that the caller gathers, opened.
fn open<'a>(engine: &'a mut Engine, bytes: &'a mut [u8], now: Instant) -> Result<Event<'a>, Error> {
    let (used, event) = engine.step(bytes, now)?;
    let Event::SealedFrame { head, len } = event else {
        panic!("{event:?}");
    };
    let (head, payload) = bytes[used..].split_at_mut(head);
    assert_eq!(payload.len() as u64, len);
    engine.open_frame(head, payload, now)
}

#[test]
fn long_sealed_payloads_are_opened_where_the_caller_has_them() {
    let mut publisher = Config::new(SocketType::Pub);
    publisher.direct_payload = 6;
    publisher.max_message_size = Some(300);
    let (mut a, mut b, now) = connected(Config::new(SocketType::Sub), publisher);
    let mut bytes = Vec::new();
    a.encode_frame(b"secret", true, &mut bytes);
    assert_eq!(
        open(&mut b, &mut bytes, now),
        Ok(Event::Frame {
            more: true,
            payload: b"secret"
        })
    );
    bytes.clear();
    a.encode_frame(b"short", false, &mut bytes);
    assert_eq!(heard(&mut b, &bytes, now).unwrap().len(), 1);
    bytes.clear();
    a.encode_subscribe(b"topic", &mut bytes);
    assert_eq!(
        open(&mut b, &mut bytes, now),
        Ok(Event::Subscribe(b"topic"))
    );
    // Two bytes are the seal's own; one more is too many.
    bytes.clear();
    a.encode_frame(&[7; 300], false, &mut bytes);
    assert!(matches!(
        open(&mut b, &mut bytes, now),
        Ok(Event::Frame { .. })
    ));
    bytes.clear();
    a.encode_frame(&[7; 301], false, &mut bytes);
    let error = b.step(&bytes, now).unwrap_err();
    assert!(
        matches!(error, Error::FrameTooLarge { limit: 300, .. }),
        "{error}"
    );
}

#[test]
fn a_sealed_payload_that_does_not_open_is_the_end() {
    let mut router = Config::new(SocketType::Router);
    router.direct_payload = 0;
    let (mut a, mut b, now) = connected(Config::new(SocketType::Dealer), router);
    let mut bytes = Vec::new();
    a.encode_frame(b"first", false, &mut bytes);
    let mut twice = bytes.clone();
    assert!(open(&mut b, &mut bytes, now).is_ok());
    let error = open(&mut b, &mut twice, now).unwrap_err();
    assert_eq!(b.step(b"", now), Err(error.clone()));
    assert_eq!(b.open_frame(&mut [], &mut [], now), Err(error));
}
