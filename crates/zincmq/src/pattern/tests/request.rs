//! REQ and REP.

use super::{Bench, full_at};
use crate::SocketType;
use crate::error::{RecvFailure, SendFailure};
use crate::message::{Item, Message, Multipart};
use crate::pattern::Setting;

fn req() -> Bench {
    Bench::new(SocketType::Req)
}

fn rep() -> Bench {
    Bench::new(SocketType::Rep)
}

fn message_of(item: Option<Item>) -> Multipart {
    match item {
        Some(Item::Data(message)) => message,
        other => panic!("no message but {other:?}"),
    }
}

#[test]
fn req_asks_each_in_turn_with_a_delimiter() {
    let mut req = req();
    let mut others = req.join_many(2);
    for n in [0, 1, 0] {
        assert!(req.can_send());
        req.send(&["ABC", "DEF"]).expect("room");
        assert!(!req.can_recv());
        assert_eq!(req.taken(&mut others[n]), ["|ABC|DEF"]);
        req.hear(&mut others[n], &["", "GHI"]);
        assert!(req.can_recv());
        assert!(!req.can_send());
        assert_eq!(req.recv().as_deref(), Ok("GHI"));
    }
}

#[test]
fn req_keeps_the_order_of_things() {
    let mut req = req();
    let _other = req.join();
    assert!(matches!(req.recv(), Err(RecvFailure::WrongState(_))));
    assert!(!req.can_recv());
    req.send(&["a"]).expect("room");
    assert!(matches!(req.send(&["b"]), Err(SendFailure::WrongState(_))));
    assert_eq!(req.recv(), Err(RecvFailure::WouldBlock));
}

#[test]
fn req_waits_for_a_peer_with_room() {
    let mut req = req();
    assert_eq!(req.send(&["a"]), Err(SendFailure::WouldBlock));
    assert!(!req.can_send());
    let mut other = req.join_as(full_at(1));
    req.send(&["a"]).expect("room");
    req.hear(&mut other, &["", "b"]);
    assert_eq!(req.recv().as_deref(), Ok("b"));
    assert_eq!(req.send(&["c", "d"]), Err(SendFailure::WouldBlock));
}

#[test]
fn req_listens_to_the_peer_it_asked() {
    let mut req = req();
    let mut others = req.join_many(3);
    for asked in 0..3 {
        req.send(&["ABC"]).expect("room");
        for (n, other) in others.iter_mut().enumerate() {
            let reply = if n == asked { "GOOD" } else { "WRONG" };
            req.hear(other, &["", reply]);
        }
        assert_eq!(req.recv().as_deref(), Ok("GOOD"));
    }
    assert!(others.iter().all(|other| !other.was_hung_up()));
}

#[test]
fn req_drops_what_came_unasked() {
    let mut req = req();
    let mut other = req.join();
    req.hear(&mut other, &["", "EARLY"]);
    assert!(!req.can_recv());
    req.send(&["a"]).expect("room");
    req.hear(&mut other, &["", "GOOD"]);
    assert_eq!(req.recv().as_deref(), Ok("GOOD"));
    assert_eq!(req.drops().filtered, 1);
}

#[test]
fn req_hangs_up_on_nonsense() {
    for nonsense in [
        &["x", "y"][..],
        &["x"],
        &[""],
        &["1234", ""][..],
        &["12345", "", "x"],
    ] {
        let mut req = req();
        let mut liar = req.join();
        req.send(&["a"]).expect("room");
        req.hear(&mut liar, nonsense);
        assert!(!req.can_recv(), "{nonsense:?}");
        assert!(liar.was_hung_up(), "{nonsense:?}");
        assert!(!req.is_attached(&liar));
        assert_eq!(req.drops().filtered, 1);
        // The request is lost, and the socket goes on waiting.
        assert!(matches!(req.send(&["b"]), Err(SendFailure::WrongState(_))));
    }
}

#[test]
fn req_goes_on_waiting_when_the_peer_leaves() {
    let mut req = req();
    let mut gone = req.join();
    req.send(&["a"]).expect("room");
    req.leave(&mut gone);
    // The newcomer gets the number of the one that left, but not its place.
    let mut new = req.join();
    req.hear(&mut new, &["", "WRONG"]);
    assert_eq!(req.recv(), Err(RecvFailure::WouldBlock));
    assert!(matches!(req.send(&["b"]), Err(SendFailure::WrongState(_))));
    req.set(Setting::ReqRelaxed(true)).expect("an option");
    req.send(&["c"]).expect("room");
    req.hear(&mut new, &["", "GOOD"]);
    assert_eq!(req.recv().as_deref(), Ok("GOOD"));
}

#[test]
fn correlated_replies_must_have_the_id() {
    let mut req = req();
    req.set(Setting::ReqCorrelate(true)).expect("an option");
    let mut other = req.join();
    req.send(&["ABC", "DEF"]).expect("room");
    let request = message_of(req.take_item(&mut other));
    assert_eq!(request.len(), 4);
    let id = request[0].clone();
    assert_eq!(id.len(), 4);
    assert!(request[1].is_empty());

    let mut wrong = id.to_vec();
    wrong[3] ^= 1;
    let reply = |id: Message, body: &str| {
        Item::Data([id, Message::new(), body.into()].into_iter().collect())
    };
    req.hear_item(&mut other, reply(wrong.into(), "WRONG"));
    req.hear(&mut other, &["", "WRONG"]);
    req.hear_item(&mut other, reply(id.clone(), "GOOD"));
    assert_eq!(req.recv().as_deref(), Ok("GOOD"));
    assert_eq!(req.drops().filtered, 2);

    req.send(&["next"]).expect("room");
    let next = message_of(req.take_item(&mut other));
    assert_ne!(next[0], id);
}

#[test]
fn an_uncorrelated_request_takes_no_reply_with_an_id() {
    let mut req = req();
    let mut other = req.join();
    req.send(&["a"]).expect("room");
    req.hear(&mut other, &["1234", "", "WRONG"]);
    assert_eq!(req.recv(), Err(RecvFailure::WouldBlock));
    assert!(!other.was_hung_up());
    assert_eq!(req.drops().filtered, 1);
}

#[test]
fn relaxed_requests_abandon_the_last_one() {
    let mut req = req();
    req.set(Setting::ReqRelaxed(true)).expect("an option");
    req.set(Setting::ReqCorrelate(true)).expect("an option");
    let mut other = req.join();
    req.send(&["TO_BE_DISCARDED"]).expect("room");
    assert!(req.can_send());
    req.send(&["TO_BE_ANSWERED"]).expect("room");
    for _ in 0..2 {
        let request = req.take_item(&mut other).expect("a request");
        req.hear_item(&mut other, request);
    }
    assert_eq!(req.recv().as_deref(), Ok("TO_BE_ANSWERED"));
    assert_eq!(req.drops().filtered, 1);
}

#[test]
fn a_relaxed_request_that_cannot_go_abandons_nothing() {
    let mut req = req();
    req.set(Setting::ReqRelaxed(true)).expect("an option");
    let mut other = req.join_as(full_at(1));
    req.send(&["a"]).expect("room");
    assert_eq!(req.send(&["b"]), Err(SendFailure::WouldBlock));
    req.hear(&mut other, &["", "A"]);
    assert_eq!(req.recv().as_deref(), Ok("A"));
}

#[test]
fn relaxed_drops_a_reply_already_looked_at() {
    let mut req = req();
    req.set(Setting::ReqRelaxed(true)).expect("an option");
    let mut other = req.join();
    req.send(&["a"]).expect("room");
    req.hear(&mut other, &["", "A"]);
    assert!(req.can_recv());
    req.send(&["b"]).expect("room");
    assert!(!req.can_recv());
    req.hear(&mut other, &["", "B"]);
    assert_eq!(req.recv().as_deref(), Ok("B"));
    assert_eq!(req.drops().filtered, 1);
}

#[test]
fn rep_keeps_the_envelope() {
    let mut rep = rep();
    let mut others = rep.join_many(2);
    rep.hear(&mut others[0], &["", "A"]);
    rep.hear(&mut others[1], &["X", "Y", "", "B", "", "C"]);
    assert!(rep.can_recv());
    assert!(!rep.can_send());
    assert_eq!(rep.recv().as_deref(), Ok("A"));
    assert!(rep.can_send());
    assert!(!rep.can_recv());
    rep.send(&["a"]).expect("always room");
    assert_eq!(rep.recv().as_deref(), Ok("B||C"));
    rep.send(&["b", "c"]).expect("always room");
    assert_eq!(rep.taken(&mut others[0]), ["|a"]);
    assert_eq!(rep.taken(&mut others[1]), ["X|Y||b|c"]);
}

#[test]
fn rep_keeps_the_order_of_things() {
    let mut rep = rep();
    let mut other = rep.join();
    assert!(matches!(rep.send(&["x"]), Err(SendFailure::WrongState(_))));
    rep.hear(&mut other, &["", "1"]);
    rep.hear(&mut other, &["", "2"]);
    assert_eq!(rep.recv().as_deref(), Ok("1"));
    assert!(matches!(rep.recv(), Err(RecvFailure::WrongState(_))));
    rep.send(&["x"]).expect("always room");
    assert!(matches!(rep.send(&["x"]), Err(SendFailure::WrongState(_))));
}

#[test]
fn rep_drops_requests_without_delimiter() {
    let mut rep = rep();
    let mut other = rep.join();
    for bad in [&["A"][..], &["A", "B"], &[""], &["A", ""]] {
        rep.hear(&mut other, bad);
    }
    assert!(!rep.can_recv());
    rep.hear(&mut other, &["", "GOOD"]);
    assert_eq!(rep.recv().as_deref(), Ok("GOOD"));
    assert_eq!(rep.drops().filtered, 4);
    assert!(!other.was_hung_up());
}

#[test]
fn rep_drops_replies_nobody_can_take() {
    let mut rep = rep();
    let mut small = rep.join_as(full_at(1));
    for _ in 0..2 {
        rep.hear(&mut small, &["", "q"]);
        assert_eq!(rep.recv().as_deref(), Ok("q"));
        rep.send(&["a"]).expect("dropped if need be");
    }
    assert_eq!(rep.drops().full, 1);
    assert_eq!(rep.dropped_for(&small), 1);

    rep.hear(&mut small, &["", "q"]);
    assert_eq!(rep.recv().as_deref(), Ok("q"));
    rep.leave(&mut small);
    // The newcomer has the number of the one that left.
    let mut new = rep.join();
    rep.send(&["secret"]).expect("dropped");
    assert_eq!(rep.drops().no_route, 1);
    assert!(rep.taken(&mut new).is_empty());
    rep.hear(&mut new, &["", "q"]);
    assert_eq!(rep.recv().as_deref(), Ok("q"));
}
