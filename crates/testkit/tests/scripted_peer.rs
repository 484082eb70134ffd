//! Two scripted peers understand each other, so neither invents anything.

use std::time::Duration;

use testkit::{PeerListener, ScriptedPeer, Version, wire};

#[test]
fn two_peers_of_each_modern_version_talk() {
    for listener in [PeerListener::tcp(), PeerListener::unix()] {
        for version in [Version::V3_0, Version::V3_1] {
            let endpoint = listener.endpoint().to_owned();
            let other = std::thread::spawn(move || {
                let mut peer = ScriptedPeer::connect(&endpoint);
                // Whoever takes turns needs someone who does not.
                let minor = u8::from(version == Version::V3_1);
                peer.dribble(&wire::greeting(minor, "NULL", false), Duration::ZERO);
                peer.send(&wire::ready("DEALER", b"me"));
                peer.send(&wire::message(version, &[b"a", &[1; 300]]));
                peer.expect_close().len()
            });
            let mut peer = listener.accept();
            let handshake = peer.shake_hands(version, "ROUTER", b"");
            assert_eq!(handshake.routing_id.as_deref(), Some(&b"me"[..]));
            assert_eq!(handshake.property("Socket-Type"), Some(&b"DEALER"[..]));
            peer.expect_message(&[b"a", &[1; 300]]);
            peer.expect_silence(Duration::from_millis(20));
            peer.close();
            let ready = wire::ready("ROUTER", b"").len();
            assert_eq!(other.join().unwrap(), 64 + ready);
        }
    }
}

#[test]
fn a_reset_is_one() {
    let listener = PeerListener::tcp();
    let mut peer = ScriptedPeer::connect(listener.endpoint());
    let other = listener.accept();
    other.reset();
    peer.expect_close();
    assert!(peer.try_send(b"x").is_err() || peer.try_send(b"x").is_err());
}
