use std::time::Duration;

use zincmq::SocketType::{Dish, Radio, Sub};
use zincmq::error::{GroupError, RecvError, SendFailure};
use zincmq::{Socket, opt};

use crate::support::{LIMIT, World, eventually, text, within};

/// A bound RADIO and a DISH that is a member of these groups and known as one.
fn pair(world: &World, groups: &[&str]) -> (zincmq::Radio, zincmq::Dish) {
    let (radio, dish) = (world.socket(Radio), world.socket(Dish));
    dish.set(opt::ReceiveHighWaterMark(100)).unwrap();
    dish.connect(&world.bind(&radio)).unwrap();
    for group in groups {
        dish.join(group).unwrap();
        await_member(&radio, &dish, group);
    }
    (radio.try_into().unwrap(), dish.try_into().unwrap())
}

/// Sends until something of it arrives, and takes what arrives.
fn await_member(radio: &Socket, dish: &Socket, group: &str) {
    eventually("the group is joined", || {
        radio.send([group, "?"]).unwrap();
        dish.recv_timeout(Duration::from_millis(5)).is_ok()
    });
    radio.send([group, "!"]).unwrap();
    while dish.recv_timeout(LIMIT).unwrap()[1] != "!" {}
}

pub fn members_get_what_is_sent_to_their_groups(world: &World) {
    let (radio, dish) = pair(world, &["TV", "Movies"]);
    for (group, body) in [("Radio", "1"), ("TV", "2"), ("T", "3"), ("Movies", "4")] {
        within(radio.send_to_async(group, body), LIMIT)
            .unwrap()
            .unwrap();
    }
    let first = dish.recv_from_timeout(LIMIT).unwrap();
    assert_eq!(first, ("TV".into(), "2".into()));
    let second = within(dish.recv_from_async(), LIMIT).unwrap().unwrap();
    assert_eq!(second, ("Movies".into(), "4".into()));
    assert_eq!(dish.try_recv_from(), Err(RecvError::WouldBlock));
}

pub fn groups_are_joined_and_left_at_any_time(world: &World) {
    let dish = world.socket(Dish);
    dish.join("early").unwrap();
    let endpoint = world.free_endpoint();
    dish.connect(&endpoint).unwrap();
    let radio = world.socket(Radio);
    radio.bind(&endpoint).unwrap();
    await_member(&radio, &dish, "early");
    dish.join("late").unwrap();
    await_member(&radio, &dish, "late");
    dish.leave("early").unwrap();
    world.send(&radio, ["early", "1"]);
    world.send(&radio, ["late", "2"]);
    assert_eq!(text(&world.recv(&dish)), ["late", "2"]);
}

fn fill(radio: &zincmq::Radio, messages: u64) {
    for _ in 0..messages {
        radio.send_to("g", vec![0; 50_000]).unwrap();
    }
}

pub fn nobody_waits_for_a_full_member(world: &World) {
    let (radio, _dish) = pair(world, &["g"]);
    radio.set(opt::SendHighWaterMark(5)).unwrap();
    let before = radio.counters();
    fill(&radio, 1000);
    let after = radio.counters();
    assert!(after.dropped_full > 0);
    let sent = after.messages_out - before.messages_out;
    assert_eq!(sent + after.dropped_full, 1000);
}

pub fn no_drop_waits_for_the_slowest_member(world: &World) {
    let (radio, dish) = pair(world, &["g"]);
    radio.set(opt::SendHighWaterMark(5)).unwrap();
    radio.set(opt::XpubNoDrop(true)).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| fill(&radio, 1000));
        for _ in 0..1000 {
            assert_eq!(dish.recv_from_timeout(LIMIT).unwrap().1.len(), 50_000);
        }
    });
    assert_eq!(radio.counters().dropped_full, 0);
}

pub fn groups_that_are_refused(world: &World) {
    let dish = world.socket(Dish);
    let too_long = "g".repeat(256);
    assert_eq!(dish.join(&too_long), Err(GroupError::TooLong(256)));
    assert_eq!(dish.join("a\0"), Err(GroupError::HasZero("a\\x00".into())));
    assert_eq!(dish.leave("g"), Err(GroupError::NotJoined("g".into())));
    assert_eq!(dish.join("g"), Ok(()));
    assert_eq!(dish.join("g"), Err(GroupError::Joined("g".into())));
    assert_eq!(dish.leave("g"), Ok(()));
    assert_eq!(dish.leave("g"), Err(GroupError::NotJoined("g".into())));
    assert_eq!(dish.join(&too_long[1..]), Ok(()));
    assert_eq!(world.socket(Sub).join("g"), Err(GroupError::NoGroups(Sub)));
    dish.close();
    assert_eq!(dish.join("g"), Err(GroupError::Closed));
}

pub fn a_message_is_a_group_and_a_body(world: &World) {
    let radio = world.socket(Radio);
    let failure = |message: &[&str]| {
        let message: Vec<zincmq::Message> = message.iter().map(|part| (*part).into()).collect();
        radio.send(message).unwrap_err().failure()
    };
    assert_eq!(failure(&["body"]), SendFailure::MalformedEnvelope);
    assert_eq!(failure(&["g", "1", "2"]), SendFailure::MultipartUnsupported);
    assert_eq!(failure(&["g\0", "1"]), SendFailure::NotAGroup);
}
