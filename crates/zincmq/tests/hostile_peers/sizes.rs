//! Peers that claim or send more than is good.

use std::time::{Duration, Instant};

use testkit::{
    PATIENCE, Random, ScriptedPeer, Version, eventually, own_process, resident_bytes, wire,
};
use zincmq::monitor::EventKind;
use zincmq::{Context, SocketType};

use super::{KIB, MIB, Siege, deadline, topics};

/// On the header alone, within 100 ms and what else runs on the same cores; that the size is
/// refused with its last byte is tested in virtual time.
#[test]
fn row_01_frame_size_2_pow_62() {
    const LIMIT: Duration = Duration::from_millis(100);
    const SLACK: Duration = Duration::from_secs(2);
    let deadline = deadline();
    let mut siege = Siege::of_pull(|_| {});
    for version in [Version::V1Unversioned, Version::V2_0, Version::V3_1] {
        for size in [1 << 62, (1 << 62) + 1, 1 << 63, u64::MAX - 1] {
            for more in [false, true] {
                deadline.step(format!("{size} bytes, {version:?}"));
                let mut peer = ScriptedPeer::connect_as(&siege.endpoint, version, "PUSH");
                let before = Instant::now();
                peer.send(&wire::header(version, more, size));
                peer.expect_close();
                let took = before.elapsed();
                assert!(took < LIMIT + SLACK, "closed after {took:?}");
                siege.await_disconnect(&size.to_string());
            }
        }
    }
    // A command of that size is no better.
    let mut peer = siege.connect_as_push();
    peer.send(&[6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    peer.expect_close();
    siege.await_disconnect("frame of 18446744073709551615 bytes");
    // Nor is it one inside a handshake.
    let mut peer = ScriptedPeer::connect(&siege.endpoint);
    peer.greet(Version::V3_1, "PUSH");
    peer.send(&[6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    peer.expect_close();
    siege.await_failed_handshake("18446744073709551615");
    siege.check_honest_peer();
}

/// A size that could be true is not believed before the bytes come.
#[test]
fn row_01_nothing_is_allocated_for_a_claim() {
    own_process(
        "sizes::row_01_nothing_is_allocated_for_a_claim",
        Duration::from_secs(30),
        || {
            let mut siege = Siege::of_pull(|_| {});
            let before = resident_bytes();
            let peers: Vec<_> = (0..8)
                .map(|_| {
                    let mut peer = siege.connect_as_push();
                    peer.send(&wire::header(Version::V3_1, false, (1 << 62) - 1));
                    peer.send(&[1; 1000]);
                    peer
                })
                .collect();
            siege.check_honest_peer();
            std::thread::sleep(Duration::from_millis(50));
            siege.check_honest_peer();
            let held = resident_bytes().saturating_sub(before);
            assert!(held < 8 * 300 * KIB, "{held} bytes for 8 peers");
            drop(peers);
            for _ in 0..8 {
                siege.await_disconnect("the peer closed");
            }
        },
    );
}

/// Nor is the size of a command, which is taken whole.
#[test]
fn row_01_nothing_is_allocated_for_a_command() {
    own_process(
        "sizes::row_01_nothing_is_allocated_for_a_command",
        Duration::from_secs(30),
        || {
            let mut siege = Siege::of_pull(|_| {});
            let peers: Vec<_> = [1 << 30, 1 << 40, 1 << 45, (1u64 << 62) - 1]
                .map(|size| {
                    let mut peer = siege.connect_as_push();
                    peer.send(&[&[6], size.to_be_bytes().as_slice(), &[9; 1000]].concat());
                    siege.check_honest_peer();
                    peer
                })
                .into();
            drop(peers);
            siege.check_honest_peer();
        },
    );
}

#[test]
fn row_05_one_subscription_of_a_mebibyte() {
    own_process(
        "sizes::row_05_one_subscription_of_a_mebibyte",
        Duration::from_secs(30),
        || {
            let mut siege = Siege::new(SocketType::Pub, SocketType::Sub, |_| {});
            siege.honest.subscribe("t").unwrap();
            siege.honest.connect(&siege.endpoint).unwrap();
            let warm = ScriptedPeer::connect_as(&siege.endpoint, Version::V3_1, "SUB");
            eventually("the honest subscription", || topics(&siege.socket) == 1);
            drop(warm);
            siege.await_disconnect("the peer closed");
            for version in [Version::V3_1, Version::V3_0] {
                let topic = vec![b'x'; MIB as usize];
                let bytes = wire::subscribe(version, &topic);
                let mut peer = ScriptedPeer::connect_as(&siege.endpoint, version, "SUB");
                let before = resident_bytes();
                peer.send(&bytes);
                eventually("the long subscription", || topics(&siege.socket) == 2);
                let held = resident_bytes().saturating_sub(before);
                assert!(held <= 4 * MIB, "{held} bytes, {version:?}");
                drop(peer);
                eventually("it ends", || topics(&siege.socket) == 1);
                let held = resident_bytes().saturating_sub(before);
                assert!(held <= 4 * MIB, "{held} bytes after the close, {version:?}");
            }
            siege.socket.send("topic").unwrap();
            assert_eq!(siege.honest.recv_timeout(PATIENCE).unwrap()[0], "topic");
        },
    );
}

#[test]
fn row_06_old_frames_beyond_8192_bytes() {
    let deadline = deadline();
    for version in [Version::V1Unversioned, Version::V1Revision0, Version::V2_0] {
        let mut siege = Siege::new(SocketType::Dealer, SocketType::Dealer, |_| {});
        let mut peer = ScriptedPeer::connect_as(&siege.endpoint, version, "DEALER");
        siege.await_event(|kind| *kind == EventKind::HandshakeSucceeded);
        for len in [8191, 8192, 8193, 65_536, 1_000_003] {
            deadline.step(format!("{len} bytes, {version:?}"));
            let payload = Random::new(len as u64).bytes(len);
            peer.send_message(&[&payload, b"", &payload]);
            let message = siege.socket.recv_timeout(PATIENCE).unwrap();
            assert!(message.len() == 3 && message[0] == payload && message[2] == payload);
            siege.socket.send_timeout(message, PATIENCE).unwrap();
            peer.expect_message(&[&payload, b"", &payload]);
        }
    }
}

#[test]
fn row_32_a_hundred_thousand_subscriptions() {
    own_process(
        "sizes::row_32_a_hundred_thousand_subscriptions",
        Duration::from_secs(60),
        || {
            const COUNT: u64 = 100_000;
            let socket_context = Context::new();
            let socket = socket_context.socket(SocketType::Pub).unwrap();
            let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
            let subscriptions: Vec<u8> = (0..COUNT)
                .flat_map(|index| {
                    wire::subscribe(Version::V3_1, format!("topic/{index:06}").as_bytes())
                })
                .collect();
            let most = COUNT * (100 + 12);
            let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "SUB");
            let before = resident_bytes();
            peer.send(&subscriptions);
            eventually("all are in force", || topics(&socket) == COUNT as i32);
            let peak = resident_bytes();
            let held = peak.saturating_sub(before);
            assert!(held <= most, "{held} bytes for {COUNT} subscriptions");
            socket.send("topic/099999").unwrap();
            peer.expect_message(&[b"topic/099999"]);
            drop(peer);
            eventually("all are gone", || topics(&socket) == 0);
            // What was freed serves again.
            for _ in 0..3 {
                let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "SUB");
                peer.send(&subscriptions);
                eventually("all are in force", || topics(&socket) == COUNT as i32);
                drop(peer);
                eventually("all are gone", || topics(&socket) == 0);
            }
            let grown = resident_bytes().saturating_sub(peak);
            assert!(grown < 2 * MIB, "{grown} bytes more than at the first peak");
        },
    );
}
