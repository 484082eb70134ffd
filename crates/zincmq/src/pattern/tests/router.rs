//! ROUTER.

use super::{Bench, Guest, full_at, named};
use crate::SocketType;
use crate::error::{RecvFailure, SendFailure};
use crate::pattern::Setting;

fn router() -> Bench {
    Bench::new(SocketType::Router)
}

fn mandatory() -> Bench {
    let mut router = router();
    router
        .set(Setting::RouterMandatory(true))
        .expect("an option");
    router
}

#[test]
fn messages_come_with_and_go_by_routing_id() {
    let mut router = router();
    let mut a = router.join_as(named("A"));
    let mut b = router.join_as(named("B"));
    router.hear(&mut a, &["1", "2"]);
    router.hear(&mut b, &["3"]);
    assert!(router.can_recv());
    let message = router.recv_message().expect("a message");
    assert_eq!(super::text(&message), "A|1|2");
    assert_eq!(message[0].peer().expect("received").address, "peer 0");
    assert_eq!(router.recv().as_deref(), Ok("B|3"));
    router.send(&["B", "x", "y"]).expect("room");
    router.send(&["A", ""]).expect("room");
    assert_eq!(router.taken(&mut a), [""]);
    assert_eq!(router.taken(&mut b), ["x|y"]);
}

#[test]
fn peers_without_id_get_one_of_five_bytes() {
    let mut router = router();
    let mut others = router.join_many(3);
    let mut ids = Vec::new();
    for other in &mut others {
        router.hear(other, &["hello"]);
        let message = router.recv_message().expect("a message");
        assert_eq!(message[0].len(), 5);
        assert_eq!(message[0][0], 0);
        ids.push(message[0].clone());
    }
    assert_ne!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
    for (id, other) in ids.iter().zip(&mut others) {
        let message = [id.clone(), "hi".into()].into_iter().collect();
        router
            .pattern
            .send(&mut router.peers, message)
            .expect("room");
        assert_eq!(router.taken(other), ["hi"]);
    }
}

#[test]
fn an_assigned_id_wins() {
    let mut router = router();
    let mut other = router.join_as(Guest {
        routing_id: "own",
        assigned_id: Some("given".into()),
        ..Guest::default()
    });
    router.hear(&mut other, &["x"]);
    assert_eq!(router.recv().as_deref(), Ok("given|x"));
    router.send(&["given", "y"]).expect("room");
    router.send(&["own", "z"]).expect("dropped");
    assert_eq!(router.taken(&mut other), ["y"]);
    assert_eq!(router.drops().no_route, 1);
}

#[test]
fn what_cannot_go_is_dropped_and_counted() {
    let mut router = router();
    assert!(router.can_send());
    router.send(&["UNKNOWN", "x"]).expect("dropped");
    let mut a = router.join_as(Guest {
        routing_id: "A",
        high_water_mark: 1,
        ..Guest::default()
    });
    for _ in 0..3 {
        router.send(&["A", "x"]).expect("dropped if full");
    }
    assert_eq!(router.taken(&mut a), ["x"]);
    assert_eq!(router.dropped_for(&a), 2);
    router.send(&["A"]).expect("nothing but an id is no error");
    assert!(router.taken(&mut a).is_empty());
    router.leave(&mut a);
    router.send(&["A", "x"]).expect("dropped");
    let drops = router.drops();
    assert_eq!((drops.no_route, drops.full, drops.filtered), (2, 2, 1));
    assert!(router.can_send());
}

#[test]
fn mandatory_says_what_is_wrong() {
    let mut router = mandatory();
    let nothing_but_an_id = Err(SendFailure::MalformedEnvelope);
    assert_eq!(router.send(&["A"]), nothing_but_an_id);
    assert_eq!(router.drops().filtered, 0);
    assert!(!router.can_send());
    assert_eq!(router.send(&["A", "x"]), Err(SendFailure::Unroutable));
    assert_eq!(router.route_state("A"), Err(SendFailure::Unroutable));
    let mut a = router.join_as(Guest {
        routing_id: "A",
        high_water_mark: 1,
        ..Guest::default()
    });
    assert_eq!(router.route_state("A"), Ok(()));
    router.send(&["A", "x"]).expect("room");
    assert_eq!(router.route_state("A"), Err(SendFailure::WouldBlock));
    assert_eq!(router.send(&["A", "x", "y"]), Err(SendFailure::WouldBlock));
    assert!(!router.can_send());
    let _b = router.join_as(named("B"));
    assert!(router.can_send());
    assert_eq!(router.taken(&mut a), ["x"]);
    router.send(&["A", "x"]).expect("room again");
    router.leave(&mut a);
    assert_eq!(router.send(&["A", "x"]), Err(SendFailure::Unroutable));
}

#[test]
fn a_peer_that_is_going_is_unroutable() {
    let mut router = mandatory();
    let mut a = router.join_as(named("A"));
    router.hear(&mut a, &["unread"]);
    router.leave(&mut a);
    assert!(router.is_attached(&a));
    assert_eq!(router.send(&["A", "x"]), Err(SendFailure::Unroutable));
    assert_eq!(router.recv().as_deref(), Ok("A|unread"));
    assert_eq!(router.recv(), Err(RecvFailure::WouldBlock));
    assert!(!router.is_attached(&a));
}

#[test]
fn a_used_id_is_refused() {
    let mut router = router();
    let mut first = router.join_as(named("X"));
    let second = router.join_as(named("X"));
    assert!(second.was_hung_up());
    assert!(!router.is_attached(&second));
    router.send(&["X", "hi"]).expect("room");
    assert_eq!(router.taken(&mut first), ["hi"]);
    router.leave(&mut first);
    let mut third = router.join_as(named("X"));
    router.send(&["X", "hi"]).expect("room");
    assert_eq!(router.taken(&mut third), ["hi"]);
}

#[test]
fn with_handover_the_new_peer_takes_the_id() {
    let mut router = router();
    router
        .set(Setting::RouterHandover(true))
        .expect("an option");
    let first = router.join_as(named("X"));
    let mut second = router.join_as(named("X"));
    assert!(first.was_hung_up());
    assert!(!router.is_attached(&first));
    router.hear(&mut second, &["Hello"]);
    assert_eq!(router.recv().as_deref(), Ok("X|Hello"));
    router.send(&["X", "hi"]).expect("room");
    assert_eq!(router.taken(&mut second), ["hi"]);
}

#[test]
fn a_new_connection_may_have_a_new_id() {
    let mut router = router();
    let mut a = router.join();
    let mut b = router.join_as(named("B"));
    router.reconnect(&a, "A");
    router.send(&["A", "1"]).expect("room");
    router.reconnect(&a, "");
    router.send(&["A", "2"]).expect("room");
    // B has this one and keeps it.
    router.reconnect(&a, "B");
    router.send(&["A", "3"]).expect("room");
    router.send(&["B", "4"]).expect("room");
    assert_eq!(router.taken(&mut a), ["1", "2", "3"]);
    assert_eq!(router.taken(&mut b), ["4"]);
    router.reconnect(&a, "C");
    router.send(&["A", "5"]).expect("dropped");
    router.send(&["C", "6"]).expect("room");
    router.hear(&mut a, &["x"]);
    assert_eq!(router.taken(&mut a), ["6"]);
    assert_eq!(router.recv().as_deref(), Ok("C|x"));
}

#[test]
fn a_peer_may_be_introduced_late() {
    let mut router = mandatory();
    let mut a = router.join();
    let mut b = router.join_as(named("B"));
    router.meet(&a, "A");
    router.hear(&mut a, &["x"]);
    assert_eq!(router.recv().as_deref(), Ok("A|x"));
    router.send(&["A", "y"]).expect("room");
    assert_eq!(router.taken(&mut a), ["y"]);
    router
        .set(Setting::RouterHandover(true))
        .expect("an option");
    router.meet(&a, "B");
    assert!(b.was_hung_up());
    assert!(b.is_parted());
    router.send(&["B", "z"]).expect("room");
    assert_eq!(router.taken(&mut a), ["z"]);
}

#[test]
fn probes_say_hello() {
    let mut router = router();
    router.set(Setting::ProbeRouter(true)).expect("an option");
    let mut other = router.join_as(named("X"));
    assert_eq!(router.taken(&mut other), [""]);
}

#[test]
fn raw_closes_by_sending_nothing() {
    let mut router = router();
    router.set(Setting::RouterRaw(true)).expect("an option");
    let mut other = router.join_as(named("X"));
    router.send(&["X", "bytes"]).expect("room");
    router.send(&["X", ""]).expect("closes");
    assert!(!router.is_attached(&other));
    assert_eq!(router.taken(&mut other), ["bytes"]);
    assert!(other.is_parted());
}

#[test]
fn receives_in_turn() {
    let mut router = router();
    let mut a = router.join_as(named("A"));
    let mut b = router.join_as(named("B"));
    for _ in 0..3 {
        router.hear(&mut a, &["x"]);
    }
    router.hear(&mut b, &["x"]);
    assert_eq!(router.received(), ["A|x", "B|x", "A|x", "A|x"]);
}

#[test]
fn full_peers_get_room_again() {
    let mut router = mandatory();
    let mut other = router.join_as(Guest {
        routing_id: "A",
        ..full_at(2)
    });
    for _ in 0..10 {
        for _ in 0..2 {
            router.send(&["A", "x"]).expect("room");
        }
        assert_eq!(router.send(&["A", "x"]), Err(SendFailure::WouldBlock));
        assert!(!router.can_send());
        assert_eq!(router.taken(&mut other).len(), 2);
        assert!(router.can_send());
    }
}
