use zincmq::SocketType::{Dealer, Pub, Pull, Push, Router, Sub};
use zincmq::opt;

use crate::support::{Transport, World, eventually, topics};

pub fn sent_is_delivered_and_queued(world: &World) {
    let (pull, push) = world.join(Pull, Push);
    for n in 0_u64..100 {
        world.send(&push, vec![0; n as usize]);
    }
    for _ in 0..40 {
        world.recv(&pull);
    }
    let sent = push.counters();
    assert_eq!((sent.messages_out, sent.bytes_out), (100, 4950));
    eventually("the rest has arrived", || {
        let _ = pull.can_recv();
        let received = pull.counters();
        // One may have been taken ahead to look at it.
        received.messages_in + received.queued_in == 100
    });
    for _ in 40..100 {
        world.recv(&pull);
    }
    let (sent, received) = (push.counters(), pull.counters());
    assert_eq!((received.messages_in, received.bytes_in), (100, 4950));
    assert_eq!((sent.queued_out, received.queued_in, sent.lost), (0, 0, 0));
    assert_eq!(received.peers[0].messages_in, 100);
    drop(push);
    eventually("the peer is gone", || {
        let _ = pull.can_recv();
        pull.counters().peers.is_empty()
    });
    assert_eq!(pull.counters().messages_in, 100);
}

pub fn a_publisher_counts_what_it_dropped(world: &World) {
    const COUNT: u64 = 2000;
    let publisher = world.socket(Pub);
    publisher.set(opt::SendHighWaterMark(4)).unwrap();
    let sub = world.socket(Sub);
    sub.set(opt::ReceiveHighWaterMark(4)).unwrap();
    sub.subscribe("").unwrap();
    sub.connect(&world.bind(&publisher)).unwrap();
    topics(&publisher, 1);
    for _ in 0..COUNT {
        world.send(&publisher, vec![0; 20_000]);
    }
    let sent = publisher.counters();
    assert!(sent.dropped_full > 0);
    assert_eq!(sent.messages_out + sent.dropped_full, COUNT);
    assert_eq!(sent.peers[0].dropped_full, sent.dropped_full);
    for _ in 0..sent.messages_out {
        world.recv(&sub);
    }
    let (sent, received) = (publisher.counters(), sub.counters());
    assert_eq!(sent.messages_out, received.messages_in);
    assert_eq!((sent.queued_out, received.queued_in, sent.lost), (0, 0, 0));
}

pub fn a_router_counts_what_it_could_not_route(world: &World) {
    let router = world.socket(Router);
    router.set(opt::SendHighWaterMark(4)).unwrap();
    let dealer = world.socket(Dealer);
    dealer.set(opt::ReceiveHighWaterMark(4)).unwrap();
    dealer.set(opt::RoutingId("slow".into())).unwrap();
    dealer.connect(&world.bind(&router)).unwrap();
    world.send(&dealer, "here");
    world.recv(&router);
    let body = "x".repeat(20_000);
    for _ in 0..1000 {
        world.send(&router, ["slow", &body]);
        world.send(&router, ["nobody", &body]);
    }
    let counters = router.counters();
    assert_eq!(counters.dropped_no_route, 1000);
    assert!(counters.dropped_full > 0);
    assert_eq!(counters.messages_out + counters.dropped_full, 1000);
    for _ in 0..counters.messages_out {
        world.recv(&dealer);
    }
    assert_eq!(router.counters().queued_out, 0);
}

pub fn what_a_leaving_peer_leaves_is_counted(world: &World) {
    if world.transport != Transport::Inproc {
        // There the system has taken it, and nobody knows.
        return;
    }
    let (pull, push) = world.join(Pull, Push);
    for n in 0..5_u8 {
        world.send(&push, [n]);
    }
    world.recv(&pull);
    drop(pull);
    eventually("the peer is gone", || push.counters().peers.is_empty());
    let counters = push.counters();
    assert_eq!((counters.messages_out, counters.queued_out), (5, 0));
    assert_eq!(counters.lost, 4);
}

pub fn what_conflate_replaces_is_counted(world: &World) {
    let push = world.socket(Push);
    push.set(opt::Conflate(true)).unwrap();
    push.connect(&world.free_endpoint()).unwrap();
    for n in 0..10_u8 {
        world.send(&push, [n]);
    }
    let counters = push.counters();
    assert_eq!((counters.messages_out, counters.queued_out), (10, 1));
    assert_eq!(counters.lost, 9);
}

pub fn subscriptions_are_counted_as_they_are_queued(world: &World) {
    let sub = world.socket(Sub);
    sub.connect(&world.free_endpoint()).unwrap();
    sub.subscribe("a").unwrap();
    sub.subscribe("bc").unwrap();
    let counters = sub.counters();
    assert_eq!((counters.messages_out, counters.bytes_out), (2, 3));
    assert_eq!((counters.queued_out, counters.lost), (2, 0));
}
