use zincmq::SocketType::{Dealer, Rep, Req, Router};
use zincmq::error::{RecvError, SendFailure};
use zincmq::opt;

use crate::support::{World, eventually, text};

pub fn requests_get_their_replies(world: &World) {
    let (rep, req) = world.join(Rep, Req);
    for n in 0..20 {
        world.send(&req, ["request".to_owned(), n.to_string()]);
        let request = world.recv(&rep);
        assert_eq!(text(&request), ["request", &n.to_string()]);
        world.send(&rep, ["reply".to_owned(), n.to_string()]);
        assert_eq!(text(&world.recv(&req)), ["reply", &n.to_string()]);
    }
}

pub fn a_requester_takes_turns_with_its_replier(world: &World) {
    let (rep, req) = world.join(Rep, Req);
    assert!(matches!(req.try_recv(), Err(RecvError::WrongState(_))));
    let refused = rep.try_send("nobody asked").unwrap_err();
    assert!(matches!(refused.failure(), SendFailure::WrongState(_)));
    assert_eq!(refused.into_message().first(), "nobody asked");
    world.send(&req, "1");
    let refused = req.try_send("2").unwrap_err();
    assert!(matches!(refused.failure(), SendFailure::WrongState(_)));
    world.recv(&rep);
    assert!(matches!(rep.try_recv(), Err(RecvError::WrongState(_))));
    world.send(&rep, "1");
    assert_eq!(world.recv(&req).first(), "1");
}

pub fn requests_go_to_repliers_in_turn(world: &World) {
    let req = world.socket(Req);
    let reps = [world.socket(Rep), world.socket(Rep)];
    for rep in &reps {
        req.connect(&world.bind(rep)).unwrap();
    }
    for n in 0..6 {
        world.send(&req, n.to_string());
        let rep = &reps[n % 2];
        assert_eq!(world.recv(rep).first(), &n.to_string());
        world.send(rep, "done");
        world.recv(&req);
    }
}

pub fn a_router_sees_the_envelope(world: &World) {
    let router = world.socket(Router);
    let req = world.socket(Req);
    req.set(opt::RoutingId("me".into())).unwrap();
    req.connect(&world.bind(&router)).unwrap();
    world.send(&req, "request");
    assert_eq!(text(&world.recv(&router)), ["me", "", "request"]);
    world.send(&router, ["me", "", "reply"]);
    assert_eq!(text(&world.recv(&req)), ["reply"]);
}

pub fn a_dealer_writes_the_envelope(world: &World) {
    let (rep, dealer) = world.join(Rep, Dealer);
    for n in 0..3 {
        world.send(&dealer, ["stack".to_owned(), String::new(), n.to_string()]);
    }
    for n in 0..3 {
        assert_eq!(text(&world.recv(&rep)), [n.to_string()]);
        world.send(&rep, "done");
        assert_eq!(text(&world.recv(&dealer)), ["stack", "", "done"]);
    }
}

pub fn a_relaxed_requester_gets_the_reply_to_its_last_request(world: &World) {
    let (router, req) = world.join(Router, Req);
    req.set(opt::ReqRelaxed(true)).unwrap();
    req.set(opt::ReqCorrelate(true)).unwrap();
    world.send(&req, "first");
    let first = world.recv(&router);
    world.send(&req, "second");
    let second = world.recv(&router);
    assert_eq!((first.len(), second.last()), (4, &"second".into()));
    // The late one would have been read before the right one.
    world.send(&router, first);
    world.send(&router, second);
    assert_eq!(text(&world.recv(&req)), ["second"]);
}

pub fn a_request_without_envelope_is_dropped(world: &World) {
    let (rep, dealer) = world.join(Rep, Dealer);
    world.send(&dealer, "no delimiter");
    world.send(&dealer, ["", "good"]);
    assert_eq!(text(&world.recv(&rep)), ["good"]);
    eventually("the other is counted", || {
        rep.counters().dropped_filtered == 1
    });
}
