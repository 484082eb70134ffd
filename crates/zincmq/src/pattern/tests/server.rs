//! SERVER and PEER.

use std::collections::HashSet;

use super::{Bench, Guest, full_at, named};
use crate::SocketType::{Peer, Server};
use crate::error::SendFailure;
use crate::message::{Message, Multipart};

/// The body of the next message, and the number it came with.
fn recv(bench: &mut Bench) -> (u32, String) {
    let message = bench.recv_message().expect("something was sent");
    assert_eq!(message.len(), 2);
    let number = message[0][..].try_into().expect("four bytes");
    (u32::from_be_bytes(number), message[1].to_text())
}

fn to(number: u32, body: &str) -> Multipart {
    [Message::from(number.to_be_bytes()), body.into()].into()
}

#[test]
fn replies_go_to_who_asked() {
    for socket_type in [Server, Peer] {
        let mut server = Bench::new(socket_type);
        let mut others = server.join_many(3);
        let mut numbers = HashSet::new();
        for (n, other) in others.iter_mut().enumerate() {
            server.hear(other, &[&n.to_string()]);
        }
        for _ in 0..3 {
            let (number, body) = recv(&mut server);
            assert_ne!(number, 0);
            assert!(numbers.insert(number));
            assert_eq!(server.send_message(to(number, &body)), Ok(()));
        }
        for (n, other) in others.iter_mut().enumerate() {
            assert_eq!(server.taken(other), [n.to_string()], "{socket_type}");
        }
    }
}

#[test]
fn the_name_a_peer_announces_says_nothing() {
    let mut server = Bench::new(Server);
    let mut first = server.join_as(named("same"));
    let mut second = server.join_as(named("same"));
    server.hear(&mut first, &["1"]);
    server.hear(&mut second, &["2"]);
    let numbers = [recv(&mut server).0, recv(&mut server).0];
    assert_ne!(numbers[0], numbers[1]);
    server.reconnect(&first, "other");
    server.hear(&mut first, &["again"]);
    assert_eq!(recv(&mut server), (numbers[0], "again".into()));
}

#[test]
fn who_is_not_there_or_full_is_told() {
    let mut server = Bench::new(Server);
    assert_eq!(
        server.send_message(to(7, "x")),
        Err(SendFailure::Unroutable)
    );
    let mut other = server.join_as(full_at(1));
    server.hear(&mut other, &["ask"]);
    let (number, _) = recv(&mut server);
    let state = |server: &mut Bench, number: u32| {
        let pattern = &mut server.pattern;
        pattern.route_state(&mut server.peers, &number.to_be_bytes())
    };
    assert_eq!(state(&mut server, number), Ok(()));
    assert_eq!(server.send_message(to(number, "1")), Ok(()));
    assert_eq!(
        server.send_message(to(number, "2")),
        Err(SendFailure::WouldBlock)
    );
    assert_eq!(state(&mut server, number), Err(SendFailure::WouldBlock));
    assert_eq!(server.taken(&mut other), ["1"]);
    assert_eq!(server.send_message(to(number, "2")), Ok(()));
    server.leave(&mut other);
    assert_eq!(
        server.send_message(to(number, "3")),
        Err(SendFailure::Unroutable)
    );
    assert_eq!(state(&mut server, number), Err(SendFailure::Unroutable));
}

#[test]
fn messages_have_a_number_and_one_part() {
    let mut server = Bench::new(Server);
    let mut other = server.join();
    assert_eq!(
        server.send(&["body alone"]),
        Err(SendFailure::MalformedEnvelope)
    );
    assert_eq!(
        server.send(&["name", "one", "two"]),
        Err(SendFailure::MultipartUnsupported)
    );
    server.hear(&mut other, &["one", "two"]);
    assert!(!server.can_recv());
    server.hear(&mut other, &["one"]);
    assert!(server.can_recv());
    assert_eq!(recv(&mut server).1, "one");
    assert_eq!(server.drops().filtered, 1);
}

#[test]
fn a_number_may_be_had_in_advance() {
    let mut peer = Bench::new(Peer);
    let number = peer.pattern.number_for_next().expect("a PEER numbers");
    let mut other = peer.join_as(Guest {
        assigned_id: Some(number.to_be_bytes().to_vec().into()),
        ..Guest::default()
    });
    let second = peer.join();
    assert!(!second.was_hung_up());
    assert_eq!(peer.send_message(to(number, "hello")), Ok(()));
    assert_eq!(peer.taken(&mut other), ["hello"]);
    peer.hear(&mut other, &["back"]);
    assert_eq!(recv(&mut peer), (number, "back".into()));
}
