//! Peers that speak nonsense, or under the name of another.

use std::time::Duration;

use testkit::{PATIENCE, PeerListener, ScriptedPeer, Version, wire};
use zincmq::monitor::EventKind;
use zincmq::options::opt;
use zincmq::{Context, Multipart, SocketType};

use super::{Siege, await_event, deadline};

#[test]
fn row_14_ping_shorter_than_its_ttl() {
    let _deadline = deadline();
    let mut siege = Siege::of_pull(|_| {});
    for data in [&b""[..], b"\x01"] {
        let mut peer = siege.connect_as_push();
        peer.send_command("PING", data);
        let answer = peer.expect_close();
        assert!(answer.is_empty(), "answered with {}", answer.escape_ascii());
        siege.await_disconnect("PING");
    }
    siege.check_honest_peer();
}

#[test]
fn row_15_ping_with_a_ttl_beyond_16_bits_of_milliseconds() {
    let _deadline = deadline();
    let mut siege = Siege::of_pull(|_| {});
    // In milliseconds these are 64, 164 and 65436 beyond 2^16.
    let mut peers: Vec<_> = [656, 657, u16::MAX]
        .into_iter()
        .map(|ttl| {
            let mut peer = siege.connect_as_push();
            peer.send(&wire::ping(ttl, b"context"));
            assert_eq!(peer.expect_command("PONG"), b"context");
            peer
        })
        .collect();
    std::thread::sleep(Duration::from_millis(400));
    for peer in &mut peers {
        peer.send_message(&[b"alive"]);
        assert_eq!(siege.socket.recv_timeout(PATIENCE).unwrap()[0], "alive");
    }
    // A short one is honoured as well.
    let mut peer = siege.connect_as_push();
    peer.send(&wire::ping(1, b""));
    peer.expect_command("PONG");
    peer.expect_close();
    siege.await_disconnect("nothing for 100ms");
    siege.check_honest_peer();
}

#[test]
fn row_16_greeting_garbage() {
    let deadline = deadline();
    let mut siege = Siege::of_pull(|socket| {
        let limit = Some(Duration::from_millis(300));
        socket.set(opt::HandshakeTimeout(limit)).unwrap();
        socket.set(opt::MaxMessageSize(Some(100_000))).unwrap();
    });
    let mut peers = Vec::new();
    for seed in 0..150 {
        let mut peer = ScriptedPeer::connect(&siege.endpoint);
        match seed % 3 {
            0 => {}
            // Behind a signature, and behind a whole greeting.
            1 => peer.send(&wire::signature(0)),
            _ => peer.send(&wire::greeting(1, "NULL", false)),
        }
        peer.send_garbage(seed, 1 + seed as usize * 7);
        peer.stop_sending();
        peers.push(peer);
    }
    siege.check_honest_peer();
    for (seed, mut peer) in peers.into_iter().enumerate() {
        deadline.step(format!("garbage {seed}"));
        peer.expect_close();
    }
    siege.check_honest_peer();
}

#[test]
fn row_16_http_is_not_zmtp() {
    let _deadline = deadline();
    let mut siege = Siege::of_pull(|socket| {
        let limit = Some(Duration::from_millis(200));
        socket.set(opt::HandshakeTimeout(limit)).unwrap();
    });
    let mut peer = ScriptedPeer::connect(&siege.endpoint);
    // Its first byte makes it a 1.0 peer with a routing id of 70 bytes.
    peer.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer.expect_close();
    siege.await_failed_handshake("did not finish within 200ms");
    siege.check_honest_peer();
}

#[test]
fn row_16_greeting_split_at_each_byte() {
    let deadline = deadline();
    let mut siege = Siege::of_pull(|_| {});
    let script = [
        wire::greeting(1, "NULL", false),
        wire::ready("PUSH", b""),
        wire::message(Version::V3_1, &[b"whole", b"message"]),
    ]
    .concat();
    for at in 1..script.len() {
        deadline.step(format!("split at {at}"));
        let mut peer = ScriptedPeer::connect(&siege.endpoint);
        peer.send(&script[..at]);
        // Has the first piece read before the second is there.
        peer.read(10);
        peer.send(&script[at..]);
        let message = siege.socket.recv_timeout(PATIENCE).unwrap();
        assert!(message.len() == 2 && message[0] == "whole" && message[1] == "message");
    }
    let mut peer = ScriptedPeer::connect(&siege.endpoint);
    assert_eq!(
        peer.dribble(&script, Duration::from_millis(1)),
        script.len()
    );
    assert_eq!(siege.socket.recv_timeout(PATIENCE).unwrap()[0], "whole");
    siege.check_honest_peer();
}

/// The same from the other side: a server that answers with nonsense. The
/// client says so and keeps coming back.
#[test]
fn row_16_a_hostile_server_is_retried() {
    let deadline = deadline();
    let listener = PeerListener::tcp();
    let context = Context::new();
    let socket = context.socket(SocketType::Push).unwrap();
    socket
        .set(opt::ReconnectInterval(Some(Duration::from_millis(5))))
        .unwrap();
    let mut monitor = socket.monitor();
    socket.connect(listener.endpoint()).unwrap();
    let scripts = [
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01PLAIN".to_vec(),
        [wire::greeting(1, "NULL", false), wire::ready("PUB", b"")].concat(),
        [wire::greeting(1, "NULL", false), wire::error("no")].concat(),
        [
            wire::greeting(1, "NULL", false),
            wire::command("HELLO", b""),
        ]
        .concat(),
        [wire::greeting(1, "NULL", false), b"\x04\x00".to_vec()].concat(),
    ];
    for script in scripts {
        deadline.step(format!("{}", script.escape_ascii()));
        let mut peer = listener.accept();
        peer.send(&script);
        peer.stop_sending();
        peer.expect_close();
        await_event(&mut monitor, |kind| {
            matches!(kind, EventKind::HandshakeFailed { .. })
        });
        await_event(&mut monitor, |kind| {
            matches!(kind, EventKind::ConnectRetried { .. })
        });
    }
    let mut peer = listener.accept_as(Version::V3_1, "PULL");
    socket.send_timeout("at last", PATIENCE).unwrap();
    peer.expect_message(&[b"at last"]);
}

#[test]
fn row_33_second_peer_with_a_used_routing_id() {
    let _deadline = deadline();
    let mut siege = Siege::new(SocketType::Router, SocketType::Dealer, |socket| {
        socket.set(opt::RouterMandatory(true)).unwrap();
    });
    let mut first = ScriptedPeer::connect(&siege.endpoint);
    first.shake_hands(Version::V3_1, "DEALER", b"same");
    first.send_message(&[b"first"]);
    let message = siege.socket.recv_timeout(PATIENCE).unwrap();
    assert!(message[0] == "same" && message[1] == "first");
    let mut second = ScriptedPeer::connect(&siege.endpoint);
    second.shake_hands(Version::V3_1, "DEALER", b"same");
    for _ in 0..200 {
        let _ = second.try_send(&wire::message(Version::V3_1, &[b"second"]));
    }
    second.expect_close();
    let event = siege.await_disconnect("");
    assert_eq!(event.peer.unwrap().routing_id, "same");
    // Nothing of it was delivered, and nothing crossed over.
    assert!(siege.socket.try_recv().is_err());
    siege.socket.send(parts(["same", "to the first"])).unwrap();
    first.expect_message(&[b"to the first"]);
    first.send_message(&[b"first again"]);
    assert_eq!(
        siege.socket.recv_timeout(PATIENCE).unwrap()[1],
        "first again"
    );
}

#[test]
fn row_33_with_handover_the_second_peer_takes_over() {
    let _deadline = deadline();
    let mut siege = Siege::new(SocketType::Router, SocketType::Dealer, |socket| {
        socket.set(opt::RouterHandover(true)).unwrap();
    });
    let mut first = ScriptedPeer::connect(&siege.endpoint);
    first.shake_hands(Version::V3_1, "DEALER", b"same");
    first.send_message(&[b"first"]);
    assert_eq!(siege.socket.recv_timeout(PATIENCE).unwrap()[1], "first");
    let mut second = ScriptedPeer::connect(&siege.endpoint);
    second.shake_hands(Version::V3_1, "DEALER", b"same");
    second.send_message(&[b"second"]);
    assert_eq!(siege.socket.recv_timeout(PATIENCE).unwrap()[1], "second");
    first.expect_close();
    siege.await_disconnect("");
    siege.socket.send(parts(["same", "to the second"])).unwrap();
    second.expect_message(&[b"to the second"]);
}

fn parts<const N: usize>(parts: [&str; N]) -> Multipart {
    parts.into_iter().map(Into::into).collect()
}
