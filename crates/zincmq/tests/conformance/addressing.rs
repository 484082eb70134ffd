use std::time::Duration;

use zincmq::SocketType::{Dealer, Router};
use zincmq::error::{RecvError, SendFailure};
use zincmq::{Message, Multipart, opt};

use crate::support::{LIMIT, World, eventually, text, within};

pub fn replies_go_to_who_asked(world: &World) {
    let router = world.socket(Router);
    let endpoint = world.bind(&router);
    let dealers: Vec<_> = (0..4).map(|_| world.socket(Dealer)).collect();
    for (n, dealer) in dealers.iter().enumerate() {
        dealer.connect(&endpoint).unwrap();
        world.send(dealer, n.to_string());
    }
    for _ in &dealers {
        let request = world.recv(&router);
        assert_eq!((request.len(), request[0].len(), request[0][0]), (2, 5, 0));
        world.send(&router, request);
    }
    for (n, dealer) in dealers.iter().enumerate() {
        assert_eq!(text(&world.recv(dealer)), [n.to_string()]);
    }
}

pub fn names_that_peers_announce(world: &World) {
    let router = zincmq::Router::try_from(world.socket(Router)).unwrap();
    let endpoint = world.bind(router.as_ref());
    let dealer = world.socket(Dealer);
    dealer.set(opt::RoutingId("worker".into())).unwrap();
    dealer.connect(&endpoint).unwrap();
    world.send(&dealer, ["ready", "indeed"]);
    let (name, message) = router.recv_from().unwrap();
    assert_eq!(
        (name.to_text(), text(&message)),
        ("worker".into(), vec!["ready".into(), "indeed".into()])
    );
    router.send_to("worker", ["go", "on"]).unwrap();
    assert_eq!(text(&world.recv(&dealer)), ["go", "on"]);
}

pub fn every_way_to_receive_tells_the_name_apart(world: &World) {
    let router = zincmq::Router::try_from(world.socket(Router)).unwrap();
    let endpoint = world.bind(router.as_ref());
    let dealer = world.socket(Dealer);
    dealer.set(opt::RoutingId("worker".into())).unwrap();
    assert!(matches!(router.try_recv_from(), Err(RecvError::WouldBlock)));
    assert!(matches!(
        router.recv_from_timeout(Duration::from_millis(30)),
        Err(RecvError::TimedOut)
    ));
    dealer.connect(&endpoint).unwrap();
    for body in ["one", "two", "three"] {
        world.send(&dealer, body);
    }
    let expected = |body: &str| Ok((Message::from("worker"), Multipart::from(body)));
    assert_eq!(router.recv_from_timeout(LIMIT), expected("one"));
    eventually("a message is there", || router.can_recv());
    assert_eq!(router.try_recv_from(), expected("two"));
    let received = within(router.recv_from_async(), LIMIT).unwrap();
    assert_eq!(received, expected("three"));
    let sent = within(router.send_to_async("worker", "done"), LIMIT).unwrap();
    sent.unwrap();
    assert_eq!(text(&world.recv(&dealer)), ["done"]);
}

pub fn names_that_the_connecting_side_gives(world: &World) {
    let dealer = world.socket(Dealer);
    let endpoint = world.bind(&dealer);
    let router = zincmq::Router::try_from(world.socket(Router)).unwrap();
    router.connect_to("server", &endpoint).unwrap();
    router.send_to("server", "hello").unwrap();
    assert_eq!(text(&world.recv(&dealer)), ["hello"]);
    world.send(&dealer, "back");
    assert_eq!(text(&world.recv(router.as_ref())), ["server", "back"]);
    assert!(router.connect_to("\0reserved", &endpoint).is_err());
}

pub fn nobody_of_that_name(world: &World) {
    let router = world.socket(Router);
    world.bind(&router);
    world.send(&router, ["nobody", "lost"]);
    assert_eq!(router.counters().dropped_no_route, 1);
    router.set(opt::RouterMandatory(true)).unwrap();
    let refused = router.send(["nobody", "back"]).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::Unroutable);
    assert_eq!(text(&refused.into_message()), ["nobody", "back"]);
}

fn named(world: &World, endpoint: &str) -> zincmq::Socket {
    let dealer = world.socket(Dealer);
    dealer.set(opt::RoutingId("same".into())).unwrap();
    dealer.connect(endpoint).unwrap();
    dealer
}

pub fn a_name_is_taken_once(world: &World) {
    let router = world.socket(Router);
    let endpoint = world.bind(&router);
    let first = named(world, &endpoint);
    world.send(&first, "first");
    assert_eq!(text(&world.recv(&router)), ["same", "first"]);
    let second = named(world, &endpoint);
    let _ = second.try_send("second");
    world.recv_nothing(&router);
    world.send(&router, ["same", "yours"]);
    assert_eq!(text(&world.recv(&first)), ["yours"]);
}

pub fn a_name_is_handed_over(world: &World) {
    let router = world.socket(Router);
    router.set(opt::RouterHandover(true)).unwrap();
    let endpoint = world.bind(&router);
    let first = named(world, &endpoint);
    world.send(&first, "first");
    assert_eq!(text(&world.recv(&router)), ["same", "first"]);
    // Or it would come back and take the name again.
    first.set(opt::ReconnectInterval(None)).unwrap();
    let second = named(world, &endpoint);
    world.send(&second, "second");
    eventually("the second is heard", || {
        router
            .try_recv()
            .is_ok_and(|message| text(&message) == ["same", "second"])
    });
}
