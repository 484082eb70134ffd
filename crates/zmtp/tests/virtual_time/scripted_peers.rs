//! Peers of each version, as bytes written by hand.

use std::time::{Duration, Instant};

use zmtp::{Config, Error, Heartbeat, SocketType, Version};

use crate::curve::served;
use crate::support::{End, Heard, command, greeting, plain, ready};

fn end(socket_type: SocketType) -> (End, Instant) {
    let now = Instant::now();
    (End::new(Config::new(socket_type), now), now)
}

/// An end whose handshake with a peer of that version is over.
fn met(mut config: Config, minor: u8) -> (End, Instant) {
    let now = Instant::now();
    config.routing_id = b"us".to_vec();
    let mut end = End::new(config, now);
    end.receive(&greeting(3, minor, "NULL"), now);
    end.receive(&command("READY", b""), now);
    assert_eq!(end.heard, [Heard::Ready]);
    end.heard.clear();
    end.transmit();
    (end, now)
}

fn frame(more: bool, payload: &[u8]) -> Heard {
    Heard::Frame(more, payload.to_vec())
}

/// Plays a script byte by byte; what the end sent after how many bytes.
fn play(end: &mut End, script: &[u8], now: Instant) -> Vec<(usize, Vec<u8>)> {
    let mut sent = vec![(0, end.transmit())];
    for (index, byte) in script.iter().enumerate() {
        end.receive(&[*byte], now);
        if end.engine.has_output() {
            sent.push((index + 1, end.transmit()));
        }
    }
    sent
}

const SIGNATURE_OF_US: &[u8] = b"\xff\0\0\0\0\0\0\0\x03\x7f";

#[test]
fn a_1_0_subscriber_gets_everything_as_it_cannot_ask() {
    let now = Instant::now();
    let mut config = Config::new(SocketType::Pub);
    config.routing_id = b"us".to_vec();
    let mut end = End::new(config, now);
    // Its routing id (empty), then a message of two frames.
    let sent = play(&mut end, b"\x01\x00\x02\x01A\x01\x00", now);
    // The payload of the routing-id frame that our signature is the header of.
    assert_eq!(sent, [(0, SIGNATURE_OF_US.to_vec()), (1, b"us".to_vec())]);
    assert_eq!(end.error, None);
    assert_eq!(
        end.heard,
        [
            Heard::Ready,
            Heard::Subscribe(Vec::new()),
            frame(true, b"A"),
            frame(false, b"")
        ]
    );
    let peer = end.engine.peer().unwrap();
    assert_eq!(peer.version, Version::V1_0);
    assert_eq!(peer.socket_type, None);
    assert_eq!(end.message(&[b"ab", b""]), b"\x03\x01ab\x01\x00");
    let mut out = Vec::new();
    end.engine.encode_subscribe(b"t", &mut out);
    end.engine.encode_cancel(b"t", &mut out);
    end.engine.encode_join(b"none of this", &mut out);
    assert_eq!(out, b"\x03\x00\x01t\x03\x00\x00t");
}

#[test]
fn only_publishers_make_up_a_subscription() {
    for socket_type in SocketType::ALL {
        let (mut end, now) = end(socket_type);
        end.receive(b"\x01\x00", now);
        let publisher = matches!(socket_type, SocketType::Pub | SocketType::Xpub);
        assert_eq!(end.heard.len(), 1 + usize::from(publisher));
    }
}

#[test]
fn a_1_0_routing_id_is_kept_and_may_be_long() {
    let id = [9; 250];
    for header in [&b"\xfb\x00"[..], b"\xff\0\0\0\0\0\0\0\xfb\x00"] {
        let (mut end, now) = end(SocketType::Router);
        let script = [header, &id, b"\x02\x00A"].concat();
        play(&mut end, &script, now);
        assert_eq!(end.error, None);
        assert_eq!(end.heard, [Heard::Ready, frame(false, b"A")]);
        assert_eq!(end.engine.peer().unwrap().routing_id, id);
    }
}

#[test]
fn a_revision_0_peer_is_met_in_1_0_framing() {
    let now = Instant::now();
    let mut config = Config::new(SocketType::Rep);
    config.routing_id = b"us".to_vec();
    let mut end = End::new(config, now);
    let script = b"\xff\0\0\0\0\0\0\0\x01\x7f\x00\x03\x03\x00id\x06\x00hello";
    let sent = play(&mut end, script, now);
    assert_eq!(
        sent,
        [
            (0, SIGNATURE_OF_US.to_vec()),
            (10, b"\x03".to_vec()),
            (11, b"\x04".to_vec()),
            (12, b"\x03\x00us".to_vec())
        ]
    );
    assert_eq!(end.heard, [Heard::Ready, frame(false, b"hello")]);
    let peer = end.engine.peer().unwrap();
    assert_eq!(peer.version, Version::V1_0);
    assert_eq!(peer.socket_type, Some(SocketType::Req));
    assert_eq!(peer.routing_id, b"id");
}

#[test]
fn a_2_0_peer_is_met_in_2_0_framing_and_its_type_not_checked() {
    let now = Instant::now();
    let mut config = Config::new(SocketType::Rep);
    config.routing_id = b"us".to_vec();
    config.heartbeat = Some(Heartbeat {
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        ttl: Duration::from_secs(1),
    });
    let mut end = End::new(config, now);
    // A PUB, of all things.
    let script = b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x01\x00\x02id\x01\x05hello\x00\x00";
    let sent = play(&mut end, script, now);
    assert_eq!(
        sent,
        [
            (0, SIGNATURE_OF_US.to_vec()),
            (10, b"\x03".to_vec()),
            (11, b"\x04".to_vec()),
            (12, b"\x00\x02us".to_vec())
        ]
    );
    assert_eq!(
        end.heard,
        [Heard::Ready, frame(true, b"hello"), frame(false, b"")]
    );
    let peer = end.engine.peer().unwrap();
    assert_eq!(peer.version, Version::V2_0);
    assert_eq!(peer.socket_type, Some(SocketType::Pub));
    assert_eq!(peer.routing_id, b"id");
    // No heartbeats, in either direction.
    assert_eq!(end.engine.next_timeout(), None);
    end.receive(&command("PING", b"\x00\x01"), now);
    assert_eq!(end.error, None);
    assert!(!end.engine.has_output());
    assert_eq!(end.engine.next_timeout(), None);
    let mut out = Vec::new();
    end.engine.encode_subscribe(b"t", &mut out);
    assert_eq!(out, b"\x00\x02\x01t");
}

#[test]
fn a_3_0_peer_is_sent_subscriptions_as_messages_and_may_send_either() {
    let (mut end, now) = met(Config::new(SocketType::Xsub), 0);
    assert_eq!(end.engine.peer().unwrap().version, Version::V3_0);
    let mut out = Vec::new();
    end.engine.encode_subscribe(b"topic", &mut out);
    end.engine.encode_cancel(b"topic", &mut out);
    assert_eq!(out, b"\x00\x06\x01topic\x00\x06\x00topic");
    end.receive(b"\x00\x02\x01t\x00\x02\x00t", now);
    end.receive(&command("SUBSCRIBE", b"t"), now);
    assert_eq!(
        end.heard,
        [
            frame(false, b"\x01t"),
            frame(false, b"\x00t"),
            Heard::Subscribe(b"t".to_vec())
        ]
    );
}

#[test]
fn a_3_0_peer_is_pinged() {
    let mut config = Config::new(SocketType::Rep);
    config.heartbeat = Some(Heartbeat {
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        ttl: Duration::from_millis(2500),
    });
    let (mut end, now) = met(config, 0);
    let due = end.engine.next_timeout().unwrap();
    assert_eq!(due, now + Duration::from_secs(1));
    assert_eq!(end.engine.handle_timeout(due), Ok(()));
    assert_eq!(end.transmit(), b"\x04\x07\x04PING\x00\x19");
}

#[test]
fn our_handshake_is_the_one_of_the_rfc() {
    let now = Instant::now();
    let mut end = End::new(Config::new(SocketType::Req), now);
    let sent = play(&mut end, &greeting(3, 1, "NULL"), now);
    let sizes: Vec<_> = sent.iter().map(|(at, bytes)| (*at, bytes.len())).collect();
    assert_eq!(sizes, [(0, 10), (10, 1), (11, 53), (64, 40)]);
    let all: Vec<u8> = sent.into_iter().flat_map(|(_, bytes)| bytes).collect();
    // NULL has no roles: its as-server byte is zero.
    let mut expected = greeting(3, 1, "NULL");
    expected
        .extend_from_slice(b"\x04\x26\x05READY\x0bSocket-Type\0\0\0\x03REQ\x08Identity\0\0\0\0");
    assert_eq!(all, expected);
}

#[test]
fn the_as_server_byte_is_not_looked_at() {
    let (mut end, now) = end(SocketType::Req);
    let mut theirs = greeting(3, 1, "NULL");
    theirs[32] = 1;
    end.receive(&theirs, now);
    end.receive(&ready("REP"), now);
    assert_eq!(end.heard, [Heard::Ready]);
}

#[test]
fn a_mechanism_mismatch_names_both() {
    for name in ["CURVE", "PLAIN", "NUL", "NULLS", "", "null"] {
        let (mut end, now) = end(SocketType::Req);
        end.receive(&greeting(3, 1, name), now);
        let error = end.error.unwrap();
        assert_eq!(
            error,
            Error::MechanismMismatch {
                ours: "NULL".into(),
                theirs: name.into()
            }
        );
        assert_eq!(error.code(), Some(0x1100_0002));
        assert!(error.is_handshake());
    }
}

#[test]
fn old_peers_are_kept_out_where_the_settings_say_so() {
    for (script, version) in [
        (&b"\x01\x00"[..], Version::V1_0),
        (b"\xff\0\0\0\0\0\0\0\x01\x7f\x00\x03", Version::V1_0),
        (b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x03", Version::V2_0),
    ] {
        let now = Instant::now();
        let mut config = Config::new(SocketType::Rep);
        config.minimum_version = Version::V3_0;
        let mut end = End::new(config, now);
        end.receive(script, now);
        let minimum = Version::V3_0;
        assert_eq!(end.error, Some(Error::VersionTooOld { version, minimum }));
    }
}

#[test]
fn commands_out_of_turn_are_told_apart() {
    let play = |script: &[u8]| {
        let (mut end, now) = end(SocketType::Req);
        end.receive(&greeting(3, 1, "NULL"), now);
        end.receive(script, now);
        (end.error, end.heard)
    };
    let (error, heard) = play(&command("HELLO", b""));
    assert!(matches!(&error, Some(Error::UnexpectedCommand { name, .. }) if name == "HELLO"));
    assert_eq!(heard, []);
    let (error, heard) = play(&[ready("REP"), ready("REP")].concat());
    assert!(matches!(&error, Some(Error::UnexpectedCommand { name, .. }) if name == "READY"));
    assert_eq!(heard, [Heard::Ready]);
    let (error, _) = play(&command("READY", b"\x0bSocket-Type\0\0\0\x09REP"));
    assert!(matches!(
        error,
        Some(Error::MalformedMetadata { offset: 0, .. })
    ));
    let (error, _) = play(b"\x04\x03\x05RE");
    assert!(matches!(error, Some(Error::MalformedCommand { .. })));
    let (error, _) = play(b"\x04\x00");
    assert!(matches!(error, Some(Error::MalformedCommand { .. })));
    let (error, _) = play(&ready("NEWTYPE"));
    assert!(matches!(&error, Some(Error::UnknownSocketType { theirs, .. }) if theirs == "NEWTYPE"));
    let (error, _) = play(&command("ERROR", b"\x03400"));
    assert_eq!(error.unwrap().auth_status(), Some(400));
    let (error, heard) = play(&[ready("REP"), command("ERROR", b"\x04gone")].concat());
    let reason = "gone".into();
    assert_eq!(error, Some(Error::PeerRefused { reason }));
    assert_eq!(heard, [Heard::Ready]);
}

#[test]
fn a_handshake_has_bounds_whatever_it_announces() {
    let limit = zmtp::Engine::MAX_HANDSHAKE;
    for size in [limit, limit * 2, 1 << 40, (1 << 62) - 1] {
        let (mut end, now) = end(SocketType::Req);
        end.receive(&greeting(3, 1, "NULL"), now);
        end.receive(b"\x06", now);
        end.receive(&u64::to_be_bytes(size), now);
        let size = size + 9 + 64;
        assert_eq!(end.error, Some(Error::HandshakeTooLarge { size, limit }));
    }
    // Old peers' routing ids are held to the same.
    let (mut end, now) = end(SocketType::Rep);
    end.receive(b"\xff\0\0\0\0\0\x01\0\0\x00", now);
    assert!(matches!(end.error, Some(Error::HandshakeTooLarge { .. })));
    // A message limit is not one for the handshake.
    let mut config = Config::new(SocketType::Req);
    config.max_message_size = Some(1);
    met(config, 1);
}

#[test]
fn row_14_a_ping_shorter_than_its_time_to_live_is_malformed() {
    for data in [&b""[..], b"\x00"] {
        let (mut end, now) = met(Config::new(SocketType::Rep), 1);
        end.receive(&command("PING", data), now);
        let Some(Error::MalformedCommand { name, .. }) = &end.error else {
            panic!("{:?}", end.error);
        };
        assert_eq!(name, "PING");
        assert!(!end.engine.has_output(), "nothing is echoed");
    }
}

#[test]
fn pings_are_echoed_with_their_context() {
    let (mut end, now) = met(Config::new(SocketType::Rep), 1);
    end.receive(&command("PING", b"\x00\x00"), now);
    end.receive(&command("PING", b"\x00\x00sixteen bytes!!!"), now);
    let pongs = [command("PONG", b""), command("PONG", b"sixteen bytes!!!")].concat();
    assert_eq!(end.transmit(), pongs);
    // What is too much is left out.
    end.receive(&command("PING", b"\x00\x00sixteen bytes!!! and more"), now);
    assert_eq!(end.transmit(), command("PONG", b"sixteen bytes!!!"));
    assert_eq!(end.error, None);
}

#[test]
fn unknown_commands_and_loose_flags_are_passed_over() {
    let (mut end, now) = met(Config::new(SocketType::Rep), 1);
    end.receive(&command("FUTURE", b"whatever"), now);
    end.receive(&command("PONG", b""), now);
    // COMMAND with MORE; reserved bits on a message.
    end.receive(b"\x05\x0a\x09SUBSCRIBE", now);
    end.receive(b"\xf8\x01a", now);
    assert_eq!(end.error, None);
    assert_eq!(
        end.heard,
        [Heard::Subscribe(Vec::new()), frame(false, b"a")]
    );
}

/// Byte by byte, at an instant that does not pass: the size is refused with its last byte,
/// and not one of the payload is asked for.
#[test]
fn row_01_a_size_beyond_any_memory_is_refused_with_its_last_byte() {
    type Begin = fn() -> End;
    // How a conversation with a peer begins, what its headers start with, and how many
    // bytes beside the payload the size counts.
    let peers: [(Begin, &[u8], u64); 8] = [
        (|| begun(b"\x01\x00"), b"\xff", 1),
        (
            || begun(b"\xff\0\0\0\0\0\0\0\x01\x7f\0\x08\x01\0"),
            b"\xff",
            1,
        ),
        (
            || begun(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08\0\0"),
            b"\x02\x03\x06",
            0,
        ),
        (
            || met(Config::new(SocketType::Pull), 0).0,
            b"\x02\x03\x06",
            0,
        ),
        (
            || met(Config::new(SocketType::Pull), 1).0,
            b"\x02\x03\x06",
            0,
        ),
        (
            || served(Config::new(SocketType::Pull), 1).0,
            b"\x02\x03\x06",
            0,
        ),
        // In the middle of a handshake.
        (|| begun(&greeting(3, 1, "NULL")), b"\x06", 0),
        (
            || {
                let (_, config) = plain(SocketType::Push, SocketType::Pull);
                let mut end = End::new(config, Instant::now());
                end.receive(&greeting(3, 1, "PLAIN"), Instant::now());
                end
            },
            b"\x06",
            0,
        ),
    ];
    for (begin, marks, counted) in peers {
        for size in [1 << 62, (1 << 62) + 1, 1 << 63, u64::MAX - 1, u64::MAX] {
            let Some(claim) = u64::checked_add(size, counted) else {
                continue;
            };
            for mark in marks {
                let mut end = begin();
                let heard = end.heard.len();
                let now = Instant::now();
                end.receive(&[*mark], now);
                let [first @ .., last] = claim.to_be_bytes();
                for byte in first {
                    end.receive(&[byte], now);
                    assert_eq!(end.error, None);
                }
                end.receive(&[last], now);
                let limit = zmtp::Engine::MAX_FRAME;
                let error = Some(Error::FrameTooLarge { size, limit });
                assert_eq!(end.error, error, "{mark:x?}, {:?}", end.engine.peer());
                assert_eq!(end.heard.len(), heard);
            }
        }
    }
}

/// A PULL that has heard so much.
fn begun(script: &[u8]) -> End {
    let (mut end, now) = end(SocketType::Pull);
    end.receive(script, now);
    assert_eq!(end.error, None);
    end.transmit();
    end
}

#[test]
fn the_message_limit_is_the_last_size_that_passes() {
    for limit in [0u64, 1, 100, 255, 256, 100_000] {
        let mut config = Config::new(SocketType::Pull);
        config.max_message_size = Some(limit);
        config.direct_payload = 1000;
        let (mut end, now) = met(config.clone(), 1);
        let (mut peer, _) = met(Config::new(SocketType::Push), 1);
        let most = vec![1; limit as usize];
        end.receive(&peer.message(&[&most]), now);
        assert_eq!(end.error, None);
        assert_eq!(end.heard, [frame(false, &most)]);
        // The heartbeat goes through whatever the limit.
        end.receive(&command("PING", b"\x00\x00context"), now);
        assert_eq!(end.error, None);
        // One more is refused, from the header alone or all at once.
        let size = limit + 1;
        let expected = Some(Error::FrameTooLarge { size, limit });
        let whole = peer.message(&[&vec![1; size as usize]]);
        let mut header = Vec::new();
        peer.engine.encode_header(size, false, &mut header);
        end.receive(&header, now);
        assert_eq!(end.error, expected);
        let (mut end, now) = met(config, 1);
        end.receive(&whole, now);
        assert_eq!(end.error, expected);
        assert_eq!(end.heard, []);
    }
}

#[test]
fn the_limit_holds_for_1_0_framing_and_long_commands() {
    let mut config = Config::new(SocketType::Pub);
    config.max_message_size = Some(300);
    let now = Instant::now();
    let mut end = End::new(config.clone(), now);
    end.receive(b"\x01\x00", now);
    end.receive(b"\xff\0\0\0\0\0\0\x01\x2e\x00", now);
    let (size, limit) = (301, 300);
    assert_eq!(end.error, Some(Error::FrameTooLarge { size, limit }));

    let (mut end, now) = met(config, 1);
    end.receive(b"\x06\0\0\0\0\0\0\x01\x2d\x09SUBSCRIBE", now);
    assert_eq!(end.error, Some(Error::FrameTooLarge { size, limit }));
}

#[test]
fn settings_that_cannot_be_sent_come_to_light() {
    let now = Instant::now();
    let mut config = Config::new(SocketType::Dealer);
    config.routing_id = vec![0; 256];
    let mut end = End::new(config, now);
    end.receive(b"", now);
    assert_eq!(end.error, Some(Error::RoutingIdTooLong { len: 256 }));
    assert!(!end.engine.has_output());
    let mut config = Config::new(SocketType::Dealer);
    config.properties = vec![("X Y".into(), Vec::new())];
    let mut end = End::new(config, now);
    end.receive(b"", now);
    assert!(matches!(end.error, Some(Error::InvalidProperty { .. })));
}
