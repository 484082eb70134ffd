//! The draft socket types on the wire, against peers whose side of the
//! conversation is written by hand.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::time::Duration;

use testkit::{Deadline, PATIENCE, PeerListener, ScriptedPeer, Version, wire};
use zincmq::{Context, Multipart, Socket, SocketType, opt};

/// Our type, and one that talks to it.
const PAIRS: [(SocketType, SocketType); 8] = {
    use SocketType::{Channel, Client, Dish, Gather, Peer, Radio, Scatter, Server};
    [
        (Client, Server),
        (Server, Client),
        (Scatter, Gather),
        (Gather, Scatter),
        (Peer, Peer),
        (Channel, Channel),
        (Radio, Dish),
        (Dish, Radio),
    ]
};

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(30))
}

fn receive(socket: &Socket) -> Vec<Vec<u8>> {
    let message = socket.recv_timeout(PATIENCE).unwrap();
    message.iter().map(|part| part.to_vec()).collect()
}

fn send(socket: &Socket, parts: &[&[u8]]) {
    let message: Multipart = parts.iter().map(|part| (*part).into()).collect();
    socket.send_timeout(message, PATIENCE).unwrap();
}

/// Whatever `peer` sent before is known to its socket afterwards.
fn catch_up(peer: &mut ScriptedPeer) {
    peer.send(&wire::ping(0, b"?"));
    assert_eq!(peer.expect_command("PONG"), b"?");
}

fn hear_one_part_only(socket: &Socket, peer: &mut ScriptedPeer) -> Vec<Vec<u8>> {
    peer.send_message(&[b"two", b"parts"]);
    peer.send_message(&[&[7; 40_000]]);
    let message = receive(socket);
    assert_eq!(message.last().unwrap()[..], [7; 40_000]);
    assert_eq!(socket.counters().dropped_filtered, 1);
    message
}

/// One message in each direction that the pattern has.
fn talk(socket: &Socket, peer: &mut ScriptedPeer) {
    match socket.socket_type() {
        SocketType::Client | SocketType::Channel => {
            send(socket, &[b"question"]);
            peer.expect_message(&[b"question"]);
            assert_eq!(hear_one_part_only(socket, peer).len(), 1);
        }
        SocketType::Server | SocketType::Peer => {
            let message = hear_one_part_only(socket, peer);
            assert_eq!((message.len(), message[0].len()), (2, 4));
            send(socket, &[&message[0], b"answer"]);
            peer.expect_message(&[b"answer"]);
        }
        SocketType::Scatter => {
            send(socket, &[&[7; 20_000]]);
            peer.expect_message(&[&[7; 20_000]]);
        }
        SocketType::Gather => {
            assert_eq!(hear_one_part_only(socket, peer).len(), 1);
        }
        SocketType::Radio => {
            peer.send_command("JOIN", b"TV");
            peer.send_command("JOIN", b"");
            catch_up(peer);
            send(socket, &[b"other", b"0"]);
            send(socket, &[b"TV", b"1"]);
            send(socket, &[b"", b""]);
            peer.expect_message(&[b"TV", b"1"]);
            peer.expect_message(&[b"", b""]);
            peer.send_command("LEAVE", b"");
            catch_up(peer);
            send(socket, &[b"", b"2"]);
            send(socket, &[b"TV", &[7; 20_000]]);
            peer.expect_message(&[b"TV", &[7; 20_000]]);
        }
        SocketType::Dish => {
            socket.join("TV").unwrap();
            assert_eq!(peer.expect_command("JOIN"), b"TV");
            peer.send_message(&[b"other", b"0"]);
            peer.send_message(&[b"TV"]);
            peer.send_message(&[b"TV", b"1", b"2"]);
            peer.send_message(&[b"TV", b"3"]);
            assert_eq!(receive(socket), [b"TV", &b"3"[..]]);
            assert_eq!(socket.counters().dropped_filtered, 3);
            socket.leave("TV").unwrap();
            assert_eq!(peer.expect_command("LEAVE"), b"TV");
        }
        other => panic!("{other} is not among the pairs"),
    }
}

#[test]
fn every_pair_talks() {
    let deadline = deadline();
    for (ours, theirs) in PAIRS {
        for version in [Version::V3_0, Version::V3_1] {
            for binds in [true, false] {
                deadline.step(format!("{ours} and {theirs} of {version:?}, {binds}"));
                let context = Context::new();
                let socket = context.socket(ours).unwrap();
                socket.set(opt::RoutingId("untold".into())).unwrap();
                let mut peer = if binds {
                    ScriptedPeer::connect(&socket.bind("tcp://127.0.0.1:*").unwrap())
                } else {
                    let listener = PeerListener::tcp();
                    socket.connect(listener.endpoint()).unwrap();
                    listener.accept()
                };
                let handshake = peer.shake_hands(version, theirs.name(), b"");
                let expected = [("Socket-Type".to_owned(), ours.name().into())];
                assert_eq!(handshake.properties, expected);
                talk(&socket, &mut peer);
            }
        }
    }
}

#[test]
fn a_dish_tells_each_new_connection_its_groups() {
    let _deadline = deadline();
    let context = Context::new();
    let dish = context.socket(SocketType::Dish).unwrap();
    let interval = Duration::from_millis(1);
    dish.set(opt::ReconnectInterval(Some(interval))).unwrap();
    dish.join("a").unwrap();
    dish.join("b").unwrap();
    dish.leave("b").unwrap();
    let listener = PeerListener::tcp();
    dish.connect(listener.endpoint()).unwrap();
    for _ in 0..3 {
        let mut peer = listener.accept_as(Version::V3_1, "RADIO");
        assert_eq!(peer.expect_command("JOIN"), b"a");
        peer.send_message(&[b"a", b"hello"]);
        assert_eq!(receive(&dish), [b"a", &b"hello"[..]]);
        peer.close();
    }
}

#[test]
fn a_radio_passes_over_what_no_group_can_be() {
    let _deadline = deadline();
    let context = Context::new();
    let radio = context.socket(SocketType::Radio).unwrap();
    let endpoint = radio.bind("tcp://127.0.0.1:*").unwrap();
    let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "DISH");
    for group in [&[b'g'; 256][..], b"a\0b", &[b'g'; 60_000]] {
        peer.send_command("JOIN", group);
        peer.send_command("LEAVE", group);
    }
    peer.send_command("SUBSCRIBE", b"g");
    peer.send_command("LEAVE", b"never joined");
    peer.send_message(&[b"unwanted"]);
    peer.send_command("JOIN", &[b'g'; 255]);
    catch_up(&mut peer);
    send(&radio, &[b"g", b"1"]);
    send(&radio, &[&[b'g'; 255], b"2"]);
    peer.expect_message(&[&[b'g'; 255], b"2"]);
    assert_eq!(radio.counters().dropped_filtered, 1);
}

#[test]
fn a_hello_goes_right_behind_the_handshake() {
    let _deadline = deadline();
    let context = Context::new();
    let client = context.socket(SocketType::Client).unwrap();
    client.set(opt::HelloMessage("hello".into())).unwrap();
    let interval = Duration::from_millis(1);
    client.set(opt::ReconnectInterval(Some(interval))).unwrap();
    let listener = PeerListener::tcp();
    client.connect(listener.endpoint()).unwrap();
    send(&client, &[b"queued"]);
    let mut peer = listener.accept_as(Version::V3_1, "SERVER");
    peer.expect_message(&[b"hello"]);
    peer.expect_message(&[b"queued"]);
    peer.close();
    let mut peer = listener.accept_as(Version::V3_1, "SERVER");
    peer.expect_message(&[b"hello"]);
    send(&client, &[b"next"]);
    peer.expect_message(&[b"next"]);
    let counters = client.counters();
    assert_eq!((counters.messages_out, counters.lost), (2, 0));
}
