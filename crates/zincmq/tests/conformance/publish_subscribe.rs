use std::time::Duration;

use zincmq::SocketType::{Pub, Sub, Xpub, Xsub};
use zincmq::opt;

use crate::support::{World, eventually, text, topics};

pub fn subscribers_get_what_they_subscribed_to(world: &World) {
    let publisher = world.socket(Pub);
    let endpoint = world.bind(&publisher);
    let weather = world.socket(Sub);
    let all = world.socket(Sub);
    weather.subscribe("weather.").unwrap();
    all.subscribe("").unwrap();
    weather.connect(&endpoint).unwrap();
    all.connect(&endpoint).unwrap();
    topics(&publisher, 2);
    let sent = [
        ["news", "nothing"],
        ["weather.oslo", "rain"],
        ["weather", "too short"],
        ["weather.rome", "sun"],
    ];
    for message in sent {
        world.send(&publisher, message);
    }
    assert_eq!(text(&world.recv(&weather)), sent[1]);
    assert_eq!(text(&world.recv(&weather)), sent[3]);
    for message in sent {
        assert_eq!(text(&world.recv(&all)), message);
    }
    world.recv_nothing(&weather);
}

pub fn subscriptions_are_counted(world: &World) {
    let (publisher, sub) = world.join(Pub, Sub);
    sub.subscribe("a").unwrap();
    sub.subscribe("a").unwrap();
    sub.subscribe("b").unwrap();
    topics(&publisher, 2);
    sub.unsubscribe("a").unwrap();
    sub.unsubscribe("b").unwrap();
    topics(&publisher, 1);
    world.send(&publisher, "b");
    world.send(&publisher, "a");
    assert_eq!(world.recv(&sub).first(), "a");
    sub.unsubscribe("a").unwrap();
    topics(&publisher, 0);
    // As with libzmq, one too many is no error.
    sub.unsubscribe("a").unwrap();
}

pub fn an_xpub_hears_of_subscriptions(world: &World) {
    let xpub = world.socket(Xpub);
    let endpoint = world.bind(&xpub);
    let subs = [world.socket(Sub), world.socket(Sub)];
    for sub in &subs {
        sub.subscribe("topic").unwrap();
        sub.connect(&endpoint).unwrap();
    }
    assert_eq!(world.recv(&xpub).first(), "\x01topic");
    // The second subscription of the same topic is no news.
    eventually("both are there", || xpub.counters().peers.len() == 2);
    world.recv_nothing(&xpub);
    subs[0].unsubscribe("topic").unwrap();
    world.recv_nothing(&xpub);
    subs[1].unsubscribe("topic").unwrap();
    assert_eq!(world.recv(&xpub).first(), "\x00topic");
}

pub fn an_xsub_subscribes_by_messages(world: &World) {
    let (xpub, xsub) = world.join(Xpub, Xsub);
    world.send(&xsub, "\x01topic");
    assert_eq!(world.recv(&xpub).first(), "\x01topic");
    world.send(&xpub, "topic 1");
    assert_eq!(world.recv(&xsub).first(), "topic 1");
    // What is no subscription goes upstream as it is.
    world.send(&xsub, "hello");
    assert_eq!(world.recv(&xpub).first(), "hello");
    world.send(&xsub, "\x00topic");
    assert_eq!(world.recv(&xpub).first(), "\x00topic");
    world.send(&xpub, "topic 2");
    world.recv_nothing(&xsub);
}

pub fn nobody_waits_for_a_full_subscriber(world: &World) {
    const COUNT: u64 = 3000;
    let publisher = world.socket(Pub);
    publisher.set(opt::SendHighWaterMark(5)).unwrap();
    let sub = world.socket(Sub);
    sub.set(opt::ReceiveHighWaterMark(5)).unwrap();
    sub.subscribe("").unwrap();
    sub.connect(&world.bind(&publisher)).unwrap();
    topics(&publisher, 1);
    for _ in 0..COUNT {
        world.send(&publisher, vec![0; 10_000]);
    }
    let dropped = publisher.counters().dropped_full;
    assert!(0 < dropped && dropped < COUNT, "{dropped}");
    for _ in dropped..COUNT {
        world.recv(&sub);
    }
    world.recv_nothing(&sub);
}

pub fn no_drop_waits_for_the_slowest_subscriber(world: &World) {
    let publisher = world.socket(Pub);
    publisher.set(opt::SendHighWaterMark(5)).unwrap();
    publisher.set(opt::XpubNoDrop(true)).unwrap();
    let sub = world.socket(Sub);
    sub.set(opt::ReceiveHighWaterMark(5)).unwrap();
    sub.subscribe("").unwrap();
    sub.connect(&world.bind(&publisher)).unwrap();
    topics(&publisher, 1);
    let mut sent: u64 = 0;
    while world
        .try_send(&publisher, vec![0; 10_000], Duration::from_millis(50))
        .is_some()
    {
        sent += 1;
    }
    assert!(sent >= 5);
    for _ in 0..sent {
        world.recv(&sub);
    }
    world.send(&publisher, "again");
    assert_eq!(world.recv(&sub).first(), "again");
    assert_eq!(publisher.counters().dropped_full, 0);
}
