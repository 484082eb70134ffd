//! Connections that break while something is still to be read from them.

use std::time::Duration;

use testkit::{PATIENCE, PeerListener, ScriptedPeer, Version};
use zincmq::error::RecvError;
use zincmq::monitor::EventKind;
use zincmq::options::opt;
use zincmq::{Context, SocketType};

use super::{deadline, eager};

/// A send that fails because the peer has gone takes nothing from what the
/// peer had sent before.
#[test]
fn what_came_before_the_end_is_received_although_a_send_fails() {
    let _deadline = deadline();
    let directory = tempfile::tempdir().unwrap();
    let context = Context::new();
    let dealer = context.socket(SocketType::Dealer).unwrap();
    dealer.set(opt::ReceiveHighWaterMark(1)).unwrap();
    let endpoint = format!("ipc://{}/dealer", directory.path().display());
    dealer.bind(&endpoint).unwrap();
    let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "DEALER");
    for _ in 0..50 {
        peer.send_message(&[&[7; 1000]]);
    }
    while dealer.counters().queued_in == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    peer.close();
    // Nobody is there to take it.
    dealer.send("too late").unwrap();
    for _ in 0..50 {
        assert_eq!(dealer.recv_timeout(PATIENCE).unwrap()[0].len(), 1000);
    }
    while !dealer.counters().peers.is_empty() {
        assert_eq!(dealer.try_recv().unwrap_err(), RecvError::WouldBlock);
    }
    assert_eq!(dealer.counters().lost, 1);
}

/// A peer that comes back under its name is not turned away because the end
/// of the connection before has not been read yet.
#[test]
fn a_dialled_peer_keeps_its_name_over_connections() {
    let _deadline = deadline();
    let context = Context::new();
    let router = eager(&context, SocketType::Router);
    router.set(opt::Immediate(true)).unwrap();
    let mut monitor = router.monitor();
    let listener = PeerListener::tcp();
    router.connect(listener.endpoint()).unwrap();
    let mut await_event = |kind: fn(&EventKind) -> bool| {
        while !kind(&monitor.next_timeout(PATIENCE).unwrap().kind) {}
    };
    let mut peer = listener.accept();
    peer.shake_hands(Version::V3_1, "DEALER", b"X");
    peer.send_message(&[b"one"]);
    while router.counters().queued_in == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    peer.close();
    await_event(|kind| matches!(kind, EventKind::Disconnected { .. }));
    let mut peer = listener.accept();
    peer.shake_hands(Version::V3_1, "DEALER", b"X");
    peer.send_message(&[b"two"]);
    await_event(|kind| *kind == EventKind::HandshakeSucceeded);
    for expected in ["one", "two"] {
        let message = router.recv_timeout(PATIENCE).unwrap();
        assert_eq!(
            (&message[0][..], &message[1][..]),
            (&b"X"[..], expected.as_bytes())
        );
    }
    router.send(["X", "three"]).unwrap();
    peer.expect_message(&[b"three"]);
}
