//! Every socket type against peers of every version of ZMTP, whose side of
//! the conversation is written by hand.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::time::Duration;

use testkit::{
    Deadline, Handshake, PATIENCE, PeerListener, ScriptedPeer, Version, eventually, wire,
};
use zincmq::options::{OptionValue, opt};
use zincmq::{Context, Multipart, Socket, SocketType};

/// Our type, and one that talks to it.
const PAIRS: [(SocketType, SocketType); 20] = {
    use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, Xpub, Xsub};
    [
        (Pair, Pair),
        (Pub, Sub),
        (Pub, Xsub),
        (Sub, Pub),
        (Sub, Xpub),
        (Xpub, Sub),
        (Xpub, Xsub),
        (Xsub, Pub),
        (Xsub, Xpub),
        (Req, Rep),
        (Req, Router),
        (Rep, Req),
        (Rep, Dealer),
        (Dealer, Rep),
        (Dealer, Dealer),
        (Dealer, Router),
        (Router, Req),
        (Router, Dealer),
        (Push, Pull),
        (Pull, Push),
    ]
};

/// What our end does, and over what.
#[derive(Debug, Clone, Copy)]
enum Way {
    BindTcp,
    DialTcp,
    DialIpc,
}

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(30))
}

/// A connected socket and its peer, with nothing said yet.
fn meet(socket: &Socket, way: Way) -> ScriptedPeer {
    let listener = match way {
        Way::BindTcp => {
            return ScriptedPeer::connect(&socket.bind("tcp://127.0.0.1:*").unwrap());
        }
        Way::DialTcp => PeerListener::tcp(),
        Way::DialIpc => PeerListener::unix(),
    };
    socket.connect(listener.endpoint()).unwrap();
    listener.accept()
}

fn receive(socket: &Socket) -> Vec<Vec<u8>> {
    let message = socket.recv_timeout(PATIENCE).unwrap();
    message.iter().map(|part| part.to_vec()).collect()
}

fn send(socket: &Socket, parts: &[&[u8]]) {
    let message: Multipart = parts.iter().map(|part| (*part).into()).collect();
    socket.send_timeout(message, PATIENCE).unwrap();
}

fn await_topics(socket: &Socket, count: i32) {
    eventually("the subscription is in force", || {
        socket.option_by_name("TOPICS_COUNT").unwrap() == OptionValue::Int(count)
    });
}

/// What our half of a handshake must be for a peer of that version.
fn check_handshake(handshake: &Handshake, version: Version, ours: SocketType) {
    let greeting = &handshake.greeting;
    assert_eq!(
        greeting[..10],
        wire::signature(2),
        "the signature counts the routing id"
    );
    match version {
        Version::V1Unversioned => assert_eq!(greeting.len(), 10),
        Version::V1Revision0 | Version::V2_0 => assert_eq!(greeting[10..], [3, ours.number()]),
        Version::V3_0 | Version::V3_1 => {
            assert_eq!(greeting[10..], wire::greeting(1, "NULL", false)[10..]);
            assert_eq!(
                handshake.property("Socket-Type"),
                Some(ours.name().as_bytes())
            );
        }
    }
    let has_identity = matches!(
        ours,
        SocketType::Req | SocketType::Dealer | SocketType::Router
    );
    if has_identity || !version.has_handshake() {
        assert_eq!(handshake.routing_id.as_deref(), Some(&b"us"[..]));
    }
}

/// One message in each direction that the pattern has.
fn talk(socket: &Socket, peer: &mut ScriptedPeer, version: Version) {
    match socket.socket_type() {
        SocketType::Pub => {
            if version == Version::V1Unversioned {
                await_topics(socket, 1);
            } else {
                peer.subscribe(b"t");
                await_topics(socket, 1);
                send(socket, &[b"not this"]);
            }
            send(socket, &[b"topic", b"body"]);
            peer.expect_message(&[b"topic", b"body"]);
        }
        SocketType::Xpub => {
            if version == Version::V1Unversioned {
                assert_eq!(receive(socket), [b"\x01"]);
            } else {
                peer.subscribe(b"t");
                assert_eq!(receive(socket), [b"\x01t"]);
            }
            send(socket, &[b"topic", b"body"]);
            peer.expect_message(&[b"topic", b"body"]);
            peer.send_message(&[b"up", b"stream"]);
            assert_eq!(receive(socket), [&b"up"[..], b"stream"]);
            if version != Version::V1Unversioned {
                peer.cancel(b"t");
                assert_eq!(receive(socket), [b"\x00t"]);
            }
        }
        SocketType::Sub => {
            socket.subscribe("t").unwrap();
            peer.expect(&wire::subscribe(version, b"t"));
            peer.send_message(&[b"not this"]);
            peer.send_message(&[b"topic", b"body"]);
            assert_eq!(receive(socket), [&b"topic"[..], b"body"]);
            socket.unsubscribe("t").unwrap();
            peer.expect(&wire::cancel(version, b"t"));
        }
        SocketType::Xsub => {
            send(socket, &[b"\x01t"]);
            peer.expect(&wire::subscribe(version, b"t"));
            peer.send_message(&[b"topic", b"body"]);
            assert_eq!(receive(socket), [&b"topic"[..], b"body"]);
            send(socket, &[b"up", b"stream"]);
            peer.expect_message(&[b"up", b"stream"]);
            send(socket, &[b"\x00t"]);
            peer.expect(&wire::cancel(version, b"t"));
        }
        SocketType::Req => {
            send(socket, &[b"question", b"2"]);
            peer.expect_message(&[b"", b"question", b"2"]);
            peer.send_message(&[b"", b"answer"]);
            assert_eq!(receive(socket), [b"answer"]);
        }
        SocketType::Rep => {
            peer.send_message(&[b"hop", b"", b"question"]);
            assert_eq!(receive(socket), [b"question"]);
            send(socket, &[b"answer", b"2"]);
            peer.expect_message(&[b"hop", b"", b"answer", b"2"]);
        }
        SocketType::Router => {
            peer.send_message(&[b"hello", b""]);
            assert_eq!(receive(socket), [&b"peer"[..], b"hello", b""]);
            send(socket, &[b"peer", b"hi"]);
            peer.expect_message(&[b"hi"]);
        }
        SocketType::Dealer | SocketType::Pair => {
            send(socket, &[b"to", b"", b"you"]);
            peer.expect_message(&[b"to", b"", b"you"]);
            peer.send_message(&[&[7; 1000], b"to me"]);
            assert_eq!(receive(socket), [&[7; 1000][..], b"to me"]);
        }
        SocketType::Push => {
            send(socket, &[b"work", &[7; 20_000], b""]);
            peer.expect_message(&[b"work", &[7; 20_000], b""]);
        }
        SocketType::Pull => {
            peer.send_message(&[b"work", &[7; 20_000], b""]);
            assert_eq!(receive(socket), [&b"work"[..], &[7; 20_000], b""]);
        }
        other => panic!("{other} is not among the pairs"),
    }
}

fn every_pair_talks(version: Version) {
    let deadline = deadline();
    for (ours, theirs) in PAIRS {
        for way in [Way::BindTcp, Way::DialTcp, Way::DialIpc] {
            deadline.step(format!("{ours} and {theirs} of {version:?}, {way:?}"));
            let context = Context::new();
            let socket = context.socket(ours).unwrap();
            socket.set(opt::RoutingId("us".into())).unwrap();
            let mut peer = meet(&socket, way);
            let handshake = peer.shake_hands(version, theirs.name(), b"peer");
            check_handshake(&handshake, version, ours);
            talk(&socket, &mut peer, version);
        }
    }
}

#[test]
fn every_pair_talks_to_1_0_without_a_greeting() {
    every_pair_talks(Version::V1Unversioned);
}

#[test]
fn every_pair_talks_to_1_0_of_revision_0() {
    every_pair_talks(Version::V1Revision0);
}

#[test]
fn every_pair_talks_to_2_0() {
    every_pair_talks(Version::V2_0);
}

#[test]
fn every_pair_talks_to_3_0() {
    every_pair_talks(Version::V3_0);
}

#[test]
fn every_pair_talks_to_3_1() {
    every_pair_talks(Version::V3_1);
}

#[test]
fn a_1_0_subscriber_gets_everything_as_it_cannot_ask() {
    let _deadline = deadline();
    let context = Context::new();
    let publisher = context.socket(SocketType::Pub).unwrap();
    let mut peer = meet(&publisher, Way::BindTcp);
    peer.shake_hands(Version::V1Unversioned, "SUB", b"");
    await_topics(&publisher, 1);
    for topic in [&b"a"[..], b"", b"zzz"] {
        send(&publisher, &[topic, b"body"]);
        peer.expect_message(&[topic, b"body"]);
    }
}

#[test]
fn subscriptions_come_in_either_form_from_any_version() {
    let _deadline = deadline();
    for version in [Version::V3_0, Version::V3_1] {
        let context = Context::new();
        let publisher = context.socket(SocketType::Xpub).unwrap();
        let mut peer = meet(&publisher, Way::BindTcp);
        peer.shake_hands(version, "SUB", b"");
        peer.send(&wire::command("SUBSCRIBE", b"command"));
        assert_eq!(receive(&publisher), [b"\x01command"]);
        peer.send(&wire::frame(version, false, b"\x01message"));
        assert_eq!(receive(&publisher), [b"\x01message"]);
        peer.send(&wire::command("CANCEL", b"message"));
        assert_eq!(receive(&publisher), [b"\x00message"]);
        peer.send(&wire::frame(version, false, b"\x00command"));
        assert_eq!(receive(&publisher), [b"\x00command"]);
    }
}

#[test]
fn subscriptions_made_before_the_connection_are_sent_in_the_peers_form() {
    let deadline = deadline();
    for version in Version::ALL {
        deadline.step(format!("{version:?}"));
        let context = Context::new();
        let subscriber = context.socket(SocketType::Sub).unwrap();
        for topic in ["a", "", "a"] {
            subscriber.subscribe(topic).unwrap();
        }
        let mut peer = meet(&subscriber, Way::DialTcp);
        peer.shake_hands(version, "PUB", b"");
        // Each once, in any order: the peer need not count.
        let all = wire::subscribe(version, b"");
        let some = wire::subscribe(version, b"a");
        let got = peer.read(all.len() + some.len());
        assert!(
            got == [&all[..], &some].concat() || got == [&some[..], &all].concat(),
            "{}",
            got.escape_ascii()
        );
        peer.expect_silence(Duration::from_millis(30));
    }
}

#[test]
fn ready_tells_type_routing_id_and_properties() {
    let _deadline = deadline();
    let context = Context::new();
    let socket = context.socket(SocketType::Dealer).unwrap();
    socket.set(opt::RoutingId("me".into())).unwrap();
    socket.set(opt::Metadata("X-hello:world".into())).unwrap();
    let mut peer = meet(&socket, Way::DialTcp);
    let handshake = peer.shake_hands(Version::V3_1, "ROUTER", b"");
    let expected = [
        ("Socket-Type", &b"DEALER"[..]),
        ("Identity", b"me"),
        ("X-hello", b"world"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_vec()));
    assert_eq!(handshake.properties, expected);
}

#[test]
fn the_peers_properties_come_with_its_messages() {
    let _deadline = deadline();
    let context = Context::new();
    let socket = context.socket(SocketType::Pull).unwrap();
    let mut peer = meet(&socket, Way::BindTcp);
    peer.greet(Version::V3_1, "PUSH");
    let properties = [
        ("socket-type", &b"PUSH"[..]),
        ("IDENTITY", b"them"),
        ("X-own", b"value"),
        ("Unknown", b""),
    ];
    peer.send(&wire::command("READY", &wire::metadata(&properties)));
    peer.read_ready();
    peer.send_message(&[b"hello"]);
    let message = socket.recv_timeout(PATIENCE).unwrap();
    let info = message.peer().unwrap();
    assert_eq!(info.address, "127.0.0.1");
    assert_eq!(info.socket_type, Some(SocketType::Push));
    assert_eq!(info.routing_id, "them");
    assert_eq!(info.property("x-OWN").unwrap(), "value");
    assert_eq!(info.property("Unknown").unwrap(), "");
    assert_eq!(info.property("Missing"), None);
    // Short, in a block, and read in place.
    let parts = [vec![1; 10], vec![2; 100], vec![3; 100_000], vec![]];
    peer.send_message(&parts.each_ref().map(|part| &part[..]));
    let message = socket.recv_timeout(PATIENCE).unwrap();
    assert_eq!(message, parts);
    for part in &message {
        assert_eq!(part.peer().unwrap().routing_id, "them");
    }
}

#[test]
fn an_empty_routing_id_is_sent_all_the_same() {
    let deadline = deadline();
    for ours in [SocketType::Req, SocketType::Dealer, SocketType::Router] {
        for version in Version::ALL {
            deadline.step(format!("{ours}, {version:?}"));
            let context = Context::new();
            let socket = context.socket(ours).unwrap();
            let mut peer = meet(&socket, Way::BindTcp);
            let handshake = peer.shake_hands(version, "ROUTER", b"");
            assert_eq!(
                handshake.routing_id,
                Some(Vec::new()),
                "{ours}, {version:?}"
            );
        }
    }
}

#[test]
fn the_greeting_goes_out_in_stages() {
    let _deadline = deadline();
    let pause = Duration::from_millis(30);
    let context = Context::new();
    let socket = context.socket(SocketType::Rep).unwrap();
    let mut peer = meet(&socket, Way::BindTcp);
    let greeting = wire::greeting(1, "NULL", false);
    peer.expect(&greeting[..10]);
    peer.send(&greeting[..9]);
    peer.expect_silence(pause);
    peer.send(&greeting[9..10]);
    peer.expect(&greeting[10..11]);
    peer.expect_silence(pause);
    peer.send(&greeting[10..11]);
    peer.expect(&greeting[11..]);
    peer.send(&greeting[11..63]);
    peer.expect_silence(pause);
    peer.send(&greeting[63..]);
    assert_eq!(peer.read_ready()[0].1, b"REP");
}

#[test]
fn the_as_server_byte_and_the_filler_are_not_looked_at() {
    let _deadline = deadline();
    let context = Context::new();
    let socket = context.socket(SocketType::Pull).unwrap();
    for way in [Way::BindTcp, Way::DialTcp] {
        let mut peer = meet(&socket, way);
        let mut greeting = wire::greeting(1, "NULL", true);
        greeting[1..9].fill(0xaa);
        greeting[33..].fill(0xee);
        peer.send(&greeting);
        peer.send(&wire::ready("PUSH", b""));
        peer.send_message(&[b"hello"]);
        assert_eq!(receive(&socket), [b"hello"]);
    }
}

#[test]
fn versions_to_come_are_met_with_3_1() {
    let _deadline = deadline();
    let context = Context::new();
    let socket = context.socket(SocketType::Sub).unwrap();
    socket.subscribe("t").unwrap();
    for (major, minor) in [(3, 2), (3, 255), (4, 0), (255, 0), (2, 0)] {
        let mut peer = meet(&socket, Way::BindTcp);
        let mut greeting = wire::greeting(1, "NULL", false);
        greeting[10..12].copy_from_slice(&[major, minor]);
        peer.send(&greeting);
        peer.send(&wire::ready("PUB", b""));
        peer.read(64);
        peer.read_ready();
        assert_eq!(peer.expect_command("SUBSCRIBE"), b"t");
    }
}

/// PING by PING for those who know it; silence for those who do not.
#[test]
fn heartbeats_are_for_3_0_and_later() {
    let deadline = deadline();
    for version in Version::ALL {
        deadline.step(format!("{version:?}"));
        let context = Context::new();
        let socket = context.socket(SocketType::Dealer).unwrap();
        socket
            .set(opt::HeartbeatInterval(Some(Duration::from_millis(20))))
            .unwrap();
        socket
            .set(opt::HeartbeatTtl(Some(Duration::from_millis(2500))))
            .unwrap();
        socket.set(opt::HeartbeatTimeout(Some(PATIENCE))).unwrap();
        let mut peer = meet(&socket, Way::BindTcp);
        peer.shake_hands(version, "DEALER", b"");
        if version.has_handshake() {
            for _ in 0..2 {
                assert_eq!(peer.expect_command("PING"), 25u16.to_be_bytes());
                peer.send_command("PONG", b"");
            }
        } else {
            peer.expect_silence(Duration::from_millis(200));
            send(&socket, &[b"still there"]);
            peer.expect_message(&[b"still there"]);
        }
    }
}

#[test]
fn pings_are_answered_with_their_context_unless_the_peer_is_old() {
    let _deadline = deadline();
    for version in [Version::V2_0, Version::V3_0, Version::V3_1] {
        let context = Context::new();
        let socket = context.socket(SocketType::Dealer).unwrap();
        let mut peer = meet(&socket, Way::BindTcp);
        peer.shake_hands(version, "DEALER", b"");
        peer.send(&wire::ping(0, b"sixteen bytes!!!"));
        if version.has_handshake() {
            assert_eq!(peer.expect_command("PONG"), b"sixteen bytes!!!");
        }
        send(&socket, &[b"next"]);
        peer.expect_message(&[b"next"]);
    }
}
