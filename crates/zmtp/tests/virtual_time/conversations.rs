//! Two engines that talk to each other.

use std::iter;
use std::time::{Duration, Instant};

use zmtp::{Config, Error, Heartbeat, SocketType, Version};

use crate::pair::Pair;
use crate::support::{End, Heard, command, greeting, ready};

const SECOND: Duration = Duration::from_secs(1);

fn heartbeat(interval: u32, timeout: u32, ttl: u32) -> Option<Heartbeat> {
    Some(Heartbeat {
        interval: SECOND * interval,
        timeout: SECOND * timeout,
        ttl: SECOND * ttl,
    })
}

fn dealer_and_router() -> (Config, Config) {
    (
        Config::new(SocketType::Dealer),
        Config::new(SocketType::Router),
    )
}

#[test]
fn the_handshake_tells_each_of_the_other_whatever_the_chunks() {
    for chunk in [1, 2, 3, 7, 10, 11, 64, usize::MAX] {
        let (mut dealer, router) = dealer_and_router();
        dealer.routing_id = b"me".to_vec();
        dealer.properties = vec![("X-Color".into(), b"red".to_vec())];
        let mut pair = Pair::new(dealer, router);
        pair.chunk = chunk;
        pair.run(SECOND);
        for end in &pair.ends {
            assert_eq!(end.error, None);
            assert_eq!(end.heard, [Heard::Ready]);
            assert!(end.engine.is_ready());
            assert!(end.engine.is_transparent());
        }
        let dealer = pair.ends[1].engine.peer().unwrap();
        assert_eq!(dealer.version, Version::V3_1);
        assert_eq!(dealer.socket_type, Some(SocketType::Dealer));
        assert_eq!(dealer.routing_id, b"me");
        assert_eq!(dealer.property("x-color"), Some(&b"red"[..]));
        let router = pair.ends[0].engine.peer().unwrap();
        assert_eq!(router.routing_id, b"");
        assert_eq!(router.property("Identity"), Some(&b""[..]));
    }
}

#[test]
fn the_greeting_needs_no_more_than_four_trips() {
    let (dealer, router) = dealer_and_router();
    let mut pair = Pair::new(dealer, router);
    // Signature, version, the rest, READY: each goes out when the one before is in.
    pair.run(pair.latency * 4);
    assert!(pair.ends.iter().all(|end| end.engine.is_ready()));
}

#[test]
fn messages_arrive_whole_and_in_order_whatever_the_chunks() {
    for chunk in [1, 13, 1000, usize::MAX] {
        let (dealer, mut router) = dealer_and_router();
        router.direct_payload = 1000;
        let mut pair = Pair::new(dealer, router);
        pair.chunk = chunk;
        pair.run(SECOND);
        let mut expected = vec![Heard::Ready];
        for len in [0, 1, 254, 255, 256, 999, 1000, 1001, 70_000] {
            let payload: Vec<u8> = (0..len).map(|index| (index * 7) as u8).collect();
            pair.say(0, &[b"", &payload, b"end"]);
            expected.push(Heard::Frame(true, Vec::new()));
            expected.push(Heard::Frame(true, payload));
            expected.push(Heard::Frame(false, b"end".to_vec()));
        }
        pair.run(SECOND);
        assert_eq!(pair.ends[1].error, None);
        assert_eq!(pair.ends[1].heard, expected);
        let large = if chunk == usize::MAX { 0 } else { 3 };
        assert_eq!(pair.ends[1].large_frames, large, "chunks of {chunk}");
    }
}

#[test]
fn a_header_alone_and_the_payload_after_it_make_a_frame() {
    let (dealer, router) = dealer_and_router();
    let mut pair = Pair::new(dealer, router);
    pair.run(SECOND);
    for len in [0usize, 255, 256, 40_000] {
        let payload = vec![7; len];
        let mut whole = Vec::new();
        let engine = &mut pair.ends[0].engine;
        engine.encode_frame(&payload, true, &mut whole);
        let mut parts = Vec::new();
        engine.encode_header(len as u64, true, &mut parts);
        parts.extend_from_slice(&payload);
        assert_eq!(whole, parts);
    }
}

#[test]
fn subscriptions_go_as_commands() {
    let publisher = Config::new(SocketType::Xpub);
    let subscriber = Config::new(SocketType::Sub);
    let mut pair = Pair::new(publisher, subscriber);
    pair.run(SECOND);
    let mut bytes = Vec::new();
    pair.ends[1].engine.encode_subscribe(b"news", &mut bytes);
    pair.ends[1].engine.encode_cancel(b"news", &mut bytes);
    assert_eq!(bytes, b"\x04\x0e\x09SUBSCRIBEnews\x04\x0b\x06CANCELnews");
    pair.send(1, &bytes);
    pair.run(SECOND);
    assert_eq!(
        pair.ends[0].heard[1..],
        [
            Heard::Subscribe(b"news".to_vec()),
            Heard::Cancel(b"news".to_vec())
        ]
    );
}

#[test]
fn groups_go_as_commands() {
    let mut pair = Pair::new(
        Config::new(SocketType::Radio),
        Config::new(SocketType::Dish),
    );
    pair.run(SECOND);
    let mut bytes = Vec::new();
    pair.ends[1].engine.encode_join(b"news", &mut bytes);
    pair.ends[1].engine.encode_leave(b"", &mut bytes);
    assert_eq!(bytes, b"\x04\x09\x04JOINnews\x04\x06\x05LEAVE");
    pair.send(1, &bytes);
    pair.run(SECOND);
    assert_eq!(
        pair.ends[0].heard[1..],
        [Heard::Join(b"news".to_vec()), Heard::Leave(Vec::new())]
    );
}

#[test]
fn every_pair_of_types_meets_or_parts_with_a_reason() {
    for ours in SocketType::ALL {
        for theirs in SocketType::ALL {
            let mut pair = Pair::new(Config::new(ours), Config::new(theirs));
            pair.run(SECOND);
            let [a, b] = &pair.ends;
            if ours.accepts(theirs) {
                assert_eq!((&a.error, &b.error), (&None, &None));
                assert!(a.engine.is_ready() && b.engine.is_ready());
                continue;
            }
            assert_eq!(a.error, Some(Error::IncompatiblePeer { ours, theirs }));
            assert!(!a.engine.is_ready());
            assert_eq!(a.heard, []);
        }
    }
}

#[test]
fn a_mismatched_peer_is_told_why() {
    let now = Instant::now();
    let mut refusing = End::new(Config::new(SocketType::Dealer), now);
    refusing.receive(&greeting(3, 1, "NULL"), now);
    refusing.transmit();
    refusing.receive(&ready("PUB"), now);
    let error = refusing.error.clone().unwrap();
    assert_eq!(
        error,
        Error::IncompatiblePeer {
            ours: SocketType::Dealer,
            theirs: SocketType::Pub
        }
    );
    let last_word = refusing.transmit();

    // The refused peer still waits for READY when ERROR comes.
    let mut refused = End::new(Config::new(SocketType::Pub), now);
    refused.receive(&greeting(3, 1, "NULL"), now);
    refused.receive(&last_word, now);
    let reason = "a DEALER socket does not talk to a PUB peer";
    assert_eq!(error.to_string(), reason);
    assert_eq!(
        refused.error,
        Some(Error::PeerRefused {
            reason: reason.into()
        })
    );

    // The error stays; the last word is said once.
    assert_eq!(refusing.engine.step(b"", now), Err(error.clone()));
    assert_eq!(refusing.engine.handle_timeout(now), Err(error));
    assert_eq!(refusing.engine.next_timeout(), None);
    assert!(!refusing.engine.has_output());
}

#[test]
fn a_silent_peer_has_until_the_handshake_timeout() {
    let (mut dealer, router) = dealer_and_router();
    let limit = SECOND * 5;
    dealer.handshake_timeout = Some(limit);
    let mut pair = Pair::new(dealer, router);
    pair.cut[1] = true;
    pair.run(limit - Duration::from_millis(1));
    assert_eq!(pair.ends[0].error, None);
    pair.run(Duration::from_millis(1));
    assert_eq!(pair.ends[0].error, Some(Error::HandshakeTimeout { limit }));
    assert_eq!(pair.timeouts, [1, 0]);
    // The other end got the first 10 bytes and has its 30 s.
    pair.run(SECOND * 26);
    let limit = SECOND * 30;
    assert_eq!(pair.ends[1].error, Some(Error::HandshakeTimeout { limit }));
}

#[test]
fn without_a_handshake_timeout_patience_has_no_end() {
    let (mut dealer, _) = dealer_and_router();
    dealer.handshake_timeout = None;
    let mut pair = Pair::new(dealer.clone(), dealer);
    pair.cut = [true; 2];
    pair.run(SECOND * 1_000_000);
    assert_eq!(pair.timeouts, [0, 0]);
}

#[test]
fn two_quiet_peers_keep_each_other_alive() {
    let (mut dealer, mut router) = dealer_and_router();
    dealer.heartbeat = heartbeat(2, 1, 5);
    router.heartbeat = heartbeat(3, 1, 7);
    let mut pair = Pair::new(dealer, router);
    pair.run(SECOND * 100);
    for end in &pair.ends {
        assert_eq!(end.error, None);
        assert_eq!(end.heard, [Heard::Ready]);
    }
    assert!(pair.timeouts[0] >= 49, "{:?}", pair.timeouts);
}

#[test]
fn one_sided_heartbeats_are_answered() {
    let (mut dealer, router) = dealer_and_router();
    dealer.heartbeat = heartbeat(2, 1, 0);
    let mut pair = Pair::new(dealer, router);
    pair.run(SECOND * 100);
    assert_eq!(pair.ends[0].error, None);
    assert_eq!(pair.timeouts[1], 0);
}

#[test]
fn a_cut_wire_is_noticed_within_interval_and_timeout() {
    let (mut dealer, router) = dealer_and_router();
    dealer.heartbeat = heartbeat(2, 3, 0);
    let mut pair = Pair::new(dealer, router);
    pair.run(SECOND);
    pair.cut[1] = true;
    pair.run(SECOND * 3);
    assert_eq!(pair.ends[0].error, None);
    pair.run(SECOND * 2);
    let limit = SECOND * 3;
    assert_eq!(pair.ends[0].error, Some(Error::HeartbeatTimeout { limit }));
    // The other end has no heartbeat and was told no time to live.
    assert_eq!(pair.ends[1].error, None);
}

#[test]
fn messages_count_as_life() {
    let (mut dealer, router) = dealer_and_router();
    dealer.heartbeat = heartbeat(2, 1, 0);
    let mut pair = Pair::new(dealer, router);
    pair.run(SECOND);
    // The router's answers to PING are lost, its messages are not.
    for _ in 0..100 {
        pair.run(SECOND / 2);
        pair.ends[1].transmit();
        let bytes = pair.ends[1].message(&[b"tick"]);
        pair.send(1, &bytes);
    }
    assert_eq!(pair.ends[0].error, None);
    assert!(pair.ends[0].heard.len() > 99);
}

#[test]
fn a_large_frame_counts_as_life_while_it_arrives() {
    let (mut dealer, router) = dealer_and_router();
    dealer.heartbeat = heartbeat(2, 2, 0);
    dealer.direct_payload = 100;
    let mut pair = Pair::new(dealer, router);
    pair.run(SECOND);
    let bytes = pair.ends[1].message(&[&[7; 1000]]);
    pair.cut[1] = true;
    // 1 byte a second: over 15 minutes for one frame, and no PONG in between.
    let (header, payload) = bytes.split_at(9);
    for piece in iter::once(header).chain(payload.chunks(1)) {
        pair.cut[1] = false;
        pair.send(1, piece);
        pair.cut[1] = true;
        pair.run(SECOND);
    }
    assert_eq!(pair.ends[0].error, None);
    assert_eq!(
        pair.ends[0].heard[1..],
        [Heard::Frame(false, vec![7; 1000])]
    );
    assert_eq!(pair.ends[0].large_frames, 1);
}

#[test]
fn the_header_of_a_large_frame_counts_as_life() {
    let (mut dealer, router) = dealer_and_router();
    dealer.heartbeat = heartbeat(2, 2, 0);
    let mut pair = Pair::new(dealer, router);
    pair.run(SECOND);
    let bytes = pair.ends[1].message(&[&[7; 100_000]]);
    pair.cut[1] = true;
    // A PING goes out after 2 s; the header comes at 3 s, the next PING goes at 4 s.
    pair.run(SECOND * 2);
    pair.cut[1] = false;
    pair.send(1, &bytes[..9]);
    pair.cut[1] = true;
    pair.run(SECOND * 2);
    assert_eq!(pair.ends[0].large_frames, 1);
    assert_eq!(pair.ends[0].error, None);
    pair.run(SECOND * 2);
    let limit = SECOND * 2;
    assert_eq!(pair.ends[0].error, Some(Error::HeartbeatTimeout { limit }));
}

#[test]
fn the_peers_time_to_live_is_honoured_beyond_65_seconds() {
    for (ttl, tenths) in [(1, 10), (65, 650), (66, 660), (100, 1000), (9999, 65535)] {
        let (mut dealer, router) = dealer_and_router();
        dealer.heartbeat = heartbeat(10, 0, ttl);
        let mut pair = Pair::new(dealer, router);
        // One PING gets through, then the dealer falls silent.
        pair.run(SECOND * 11);
        pair.cut[0] = true;
        let limit = Duration::from_millis(tenths * 100);
        let last_traffic = pair.latency * 4 + SECOND * 10;
        // The router was ready after 4 trips or fewer; a second covers the rest.
        pair.run((last_traffic + limit).saturating_sub(SECOND * 12));
        if limit > SECOND {
            assert_eq!(pair.ends[1].error, None, "{ttl} s");
        }
        pair.run(SECOND * 2);
        let expected = Some(Error::HeartbeatTimeout { limit });
        assert_eq!(pair.ends[1].error, expected, "{ttl} s");
    }
}

#[test]
fn a_peer_that_pings_and_does_not_read_is_not_hoarded_for() {
    let now = Instant::now();
    let mut end = End::new(Config::new(SocketType::Rep), now);
    end.receive(&greeting(3, 1, "NULL"), now);
    end.receive(&ready("REQ"), now);
    end.transmit();
    let pings = command("PING", b"\0\0sixteen bytes!!!").repeat(10_000);
    end.receive(&pings, now);
    assert_eq!(end.error, None);
    let answers = end.transmit();
    assert!(answers.len() < 5000, "{}", answers.len());
    end.receive(&command("PING", b"\0\0again"), now);
    assert_eq!(end.transmit(), command("PONG", b"again"));
}
