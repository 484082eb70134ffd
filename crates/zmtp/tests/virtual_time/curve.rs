//! CURVE between two engines, and between an engine and a peer written after RFC 26.

use std::time::{Duration, Instant};

use zmtp::{Config, Grant, Heartbeat, SocketType, Verdict};

use crate::curve_peer::{Client, Server, Welcomed, public};
use crate::pair::Pair;
use crate::support::{End, Heard, accept, command, curve, greeting, keys, metadata};

const SECOND: Duration = Duration::from_secs(1);

/// Two ends that let each other in.
fn pair(client: Config, server: Config) -> Pair {
    let mut pair = Pair::new(client, server);
    pair.ends[1].verdict = accept();
    pair
}

/// An engine that is the server, in traffic with a client that we play.
pub fn served(mut config: Config, minor: u8) -> (End, Client, Welcomed, Instant) {
    let now = Instant::now();
    config.security = zmtp::Security::CurveServer(keys(4));
    let mut end = End::new(config, now);
    end.verdict = accept();
    end.receive(&greeting(3, minor, "CURVE"), now);
    end.transmit();
    let client = Client::new(*keys(4).public().as_bytes());
    end.receive(&command("HELLO", &client.hello(1)), now);
    let welcomed = client.welcomed(&end.transmit());
    let vouch = client.honest_vouch(&welcomed);
    let initiate = client.initiate(&welcomed, 2, &vouch, b"");
    end.receive(&command("INITIATE", &initiate), now);
    assert_eq!(end.error, None);
    assert_eq!(end.heard, [Heard::Ready]);
    end.heard.clear();
    end.transmit();
    (end, client, welcomed, now)
}

#[test]
fn the_handshake_goes_through_whatever_the_chunks() {
    for chunk in [1, 2, 7, 64, 200, usize::MAX] {
        let (mut dealer, router) = curve(SocketType::Dealer, SocketType::Router);
        dealer.routing_id = b"me".to_vec();
        dealer.properties = vec![("X-Color".into(), b"red".to_vec())];
        let mut pair = pair(dealer, router);
        let grant = Grant {
            user_id: b"bob".to_vec(),
            metadata: vec![("Hello".into(), b"World".to_vec())],
        };
        pair.ends[1].verdict = Some(Verdict::Accept(grant.clone()));
        pair.chunk = chunk;
        pair.run(SECOND);
        for end in &pair.ends {
            assert_eq!(end.error, None);
            assert_eq!(end.heard, [Heard::Ready]);
            assert!(!end.engine.is_transparent());
        }
        let key = keys(3).public().as_bytes().to_vec();
        assert_eq!(pair.ends[1].asked, [("CURVE", key)]);
        assert_eq!(pair.ends[0].asked, []);
        let dealer = pair.ends[1].engine.peer().unwrap();
        assert_eq!(dealer.socket_type, Some(SocketType::Dealer));
        assert_eq!(dealer.routing_id, b"me");
        assert_eq!(dealer.property("X-Color"), Some(&b"red"[..]));
        assert_eq!(dealer.grant, Some(grant));
        let router = pair.ends[0].engine.peer().unwrap();
        assert_eq!(router.socket_type, Some(SocketType::Router));
        assert_eq!(router.grant, None);
    }
}

#[test]
fn the_handshake_needs_no_more_than_seven_trips() {
    let (client, server) = curve(SocketType::Dealer, SocketType::Router);
    let mut pair = pair(client, server);
    // Three of the greeting; HELLO, WELCOME, INITIATE, READY.
    pair.run(pair.latency * 7);
    assert!(pair.ends.iter().all(|end| end.engine.is_ready()));
}

#[test]
fn messages_arrive_whole_and_in_order_whatever_the_chunks() {
    for chunk in [1, 13, 1000, usize::MAX] {
        let (client, mut server) = curve(SocketType::Dealer, SocketType::Router);
        server.direct_payload = 1000;
        let mut pair = pair(client, server);
        pair.chunk = chunk;
        pair.run(SECOND);
        let mut expected = vec![Heard::Ready];
        for len in [0, 1, 221, 222, 223, 255, 256, 1000, 70_000] {
            let payload: Vec<u8> = (0..len).map(|index| (index * 7) as u8).collect();
            pair.say(0, &[b"", &payload, b"end"]);
            pair.say(1, &[&payload]);
            expected.push(Heard::Frame(true, Vec::new()));
            expected.push(Heard::Frame(true, payload));
            expected.push(Heard::Frame(false, b"end".to_vec()));
        }
        pair.run(SECOND);
        assert_eq!(pair.ends[1].error, None);
        assert_eq!(pair.ends[1].heard, expected);
        // Those of at least 1000 bytes, whole in the input or not.
        assert_eq!(pair.ends[1].large_frames, 2);
        assert_eq!(pair.ends[0].error, None);
        assert_eq!(pair.ends[0].heard.len(), 1 + 9);
    }
}

#[test]
fn our_server_meets_a_client_of_the_rfc() {
    let mut config = Config::new(SocketType::Router);
    config.routing_id = b"us".to_vec();
    config.security = zmtp::Security::CurveServer(keys(4));
    let now = Instant::now();
    let mut end = End::new(config, now);
    end.verdict = accept();
    end.receive(&greeting(3, 1, "CURVE"), now);
    let mut expected = greeting(3, 1, "CURVE");
    (expected[8], expected[32]) = (3, 1);
    assert_eq!(end.transmit(), expected);

    let client = Client::new(*keys(4).public().as_bytes());
    end.receive(&command("HELLO", &client.hello(77)), now);
    let welcomed = client.welcomed(&end.transmit());
    let vouch = client.honest_vouch(&welcomed);
    let initiate = client.initiate(&welcomed, 78, &vouch, &metadata("DEALER"));
    end.receive(&command("INITIATE", &initiate), now);
    let ready = end.transmit();
    assert_eq!(
        client.metadata(&welcomed, &ready),
        b"\x0bSocket-Type\0\0\0\x06ROUTER\x08Identity\0\0\0\x02us"
    );
    assert_eq!(end.asked, [("CURVE", public(&[3; 32]).to_vec())]);
    assert_eq!(end.heard, [Heard::Ready]);
    let peer = end.engine.peer().unwrap();
    assert_eq!(peer.socket_type, Some(SocketType::Dealer));

    end.receive(&client.message(&welcomed, 79, 1, b"hello"), now);
    end.receive(&client.message(&welcomed, 1 << 63, 0, &[7; 300]), now);
    assert_eq!(
        end.heard[1..],
        [
            Heard::Frame(true, b"hello".to_vec()),
            Heard::Frame(false, vec![7; 300])
        ]
    );
    for (more, payload) in [(true, &b"x"[..]), (false, &[9; 1000])] {
        let mut frame = Vec::new();
        end.engine.encode_frame(payload, more, &mut frame);
        let flags = u8::from(more);
        let heard = client.heard(&welcomed, &frame);
        assert_eq!(heard, [&[flags], payload].concat());
    }
}

#[test]
fn our_client_meets_a_server_of_the_rfc() {
    let (mut config, _) = curve(SocketType::Dealer, SocketType::Router);
    config.routing_id = vec![b'x'; 200];
    let now = Instant::now();
    let mut end = End::new(config, now);
    end.receive(&greeting(3, 1, "CURVE"), now);
    let sent = end.transmit();
    assert_eq!(&sent[12..18], b"CURVE\0");
    assert_eq!(sent[32], 0);
    let server = Server::new([4; 32]);
    let client = server.hello(&sent[64..]);
    let cookie: Vec<u8> = (0..96).collect();
    end.receive(&command("WELCOME", &server.welcome(&client, &cookie)), now);
    let (permanent, data) = server.initiated(&client, &cookie, &end.transmit());
    assert_eq!(permanent, public(&[3; 32]));
    assert!(data.starts_with(b"\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\xc8xxx"));
    let ready = server.ready(&client, 5, &metadata("ROUTER"));
    end.receive(&command("READY", &ready), now);
    assert_eq!(end.heard, [Heard::Ready]);
    assert_eq!(end.asked, []);

    end.receive(&server.message(&client, 6, 1, b""), now);
    assert_eq!(end.heard[1..], [Heard::Frame(true, Vec::new())]);
    let mut frame = Vec::new();
    end.engine.encode_frame(b"hello", false, &mut frame);
    assert_eq!(server.heard(&client, &frame), b"\0hello");
}

#[test]
fn each_connection_has_keys_of_its_own() {
    let now = Instant::now();
    let hellos = [(); 2].map(|()| {
        let (config, _) = curve(SocketType::Dealer, SocketType::Router);
        let mut end = End::new(config, now);
        end.receive(&greeting(3, 1, "CURVE"), now);
        Server::new([4; 32]).hello(&end.transmit()[64..])
    });
    assert_ne!(hellos[0], hellos[1]);
    let welcomes = [(); 2].map(|()| {
        let (_, config) = curve(SocketType::Dealer, SocketType::Router);
        let mut end = End::new(config, now);
        end.receive(&greeting(3, 1, "CURVE"), now);
        end.transmit();
        let client = Client::new(*keys(4).public().as_bytes());
        end.receive(&command("HELLO", &client.hello(1)), now);
        client.welcomed(&end.transmit())
    });
    assert_ne!(welcomes[0].server, welcomes[1].server);
    assert_ne!(welcomes[0].cookie, welcomes[1].cookie);
}

#[test]
fn subscriptions_go_in_the_form_of_the_peer_s_version() {
    for (minor, subscribe, cancel) in [
        (1, &b"\x02\x09SUBSCRIBEnews"[..], &b"\x02\x06CANCELnews"[..]),
        (0, b"\x00\x01news", b"\x00\x00news"),
    ] {
        let (mut end, client, welcomed, now) = served(Config::new(SocketType::Sub), minor);
        let mut frame = Vec::new();
        end.engine.encode_subscribe(b"news", &mut frame);
        assert_eq!(client.heard(&welcomed, &frame), subscribe);
        frame.clear();
        end.engine.encode_cancel(b"news", &mut frame);
        assert_eq!(client.heard(&welcomed, &frame), cancel);
        assert_eq!(end.transmit(), b"");

        // Either form is taken from either.
        let (mut end, client, welcomed, _) = served(Config::new(SocketType::Xpub), minor);
        end.receive(&client.message(&welcomed, 3, 2, b"\x09SUBSCRIBEnews"), now);
        end.receive(&client.message(&welcomed, 4, 0, b"\x00news"), now);
        assert_eq!(
            end.heard,
            [
                Heard::Subscribe(b"news".to_vec()),
                Heard::Frame(false, b"\x00news".to_vec())
            ]
        );
    }
}

#[test]
fn heartbeats_are_sealed() {
    let heartbeat = Some(Heartbeat {
        interval: SECOND,
        timeout: SECOND,
        ttl: Duration::ZERO,
    });
    let mut config = Config::new(SocketType::Router);
    config.heartbeat = heartbeat;
    let (mut end, client, welcomed, now) = served(config, 1);
    end.engine.handle_timeout(now + SECOND).unwrap();
    let ping = end.transmit();
    assert_eq!(client.heard(&welcomed, &ping), b"\x02\x04PING\0\0");
    end.receive(
        &client.message(&welcomed, 3, 2, b"\x04PING\0\0context"),
        now,
    );
    let pong = end.transmit();
    assert_eq!(client.heard(&welcomed, &pong), b"\x02\x04PONGcontext");

    // Two engines keep each other alive.
    let (mut client, mut server) = curve(SocketType::Dealer, SocketType::Router);
    client.heartbeat = heartbeat;
    server.heartbeat = heartbeat;
    let mut pair = pair(client, server);
    pair.run(SECOND * 60);
    for end in &pair.ends {
        assert_eq!((&end.error, &end.heard[..]), (&None, &[Heard::Ready][..]));
    }
    assert!(pair.timeouts[0] >= 50, "{:?}", pair.timeouts);
}
