//! Messages of a stream that are held back, to go to all peers together.

use super::{Bench, Item, Other, cancel, distant, full_at, subscribe};
use crate::SocketType;
use crate::error::SendFailure;
use crate::pattern::Setting;

/// A publisher and those who subscribed to all, as connections are.
fn to_many<const N: usize>(socket_type: SocketType, marks: [usize; N]) -> (Bench, [Other; N]) {
    let mut publisher = Bench::new(socket_type);
    let others = marks.map(|mark| {
        let mut other = publisher.join_as(distant(mark));
        publisher.hear_item(&mut other, subscribe(""));
        other
    });
    (publisher, others)
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

fn send(publisher: &mut Bench, range: std::ops::Range<u32>) {
    for text in numbers(range) {
        publisher.send(&[&text]).expect("never waits");
    }
}

#[test]
fn a_stream_is_gathered_and_comes_in_order() {
    for socket_type in [SocketType::Pub, SocketType::Xpub] {
        let (mut publisher, mut others) = to_many(socket_type, [0; 3]);
        send(&mut publisher, 0..300);
        assert!(publisher.is_holding());
        let early = publisher.taken(&mut others[0]);
        assert!(!early.is_empty() && early.len() < 300);
        publisher.flush();
        assert!(!publisher.is_holding());
        let late = publisher.taken(&mut others[0]);
        assert_eq!([early, late].concat(), numbers(0..300));
        for other in &mut others[1..] {
            let mut runs = 0;
            let mut messages = Vec::new();
            while let Some(item) = publisher.take_item(other) {
                match item {
                    Item::Run(run) => {
                        runs += 1;
                        messages.extend(run.messages());
                    }
                    Item::Data(message) => messages.push(message),
                    item => panic!("{item:?} is no message"),
                }
            }
            assert!((1..5).contains(&runs), "{runs}");
            let texts: Vec<String> = messages.iter().map(super::text).collect();
            assert_eq!(texts, numbers(0..300));
        }
    }
}

#[test]
fn a_run_that_is_long_enough_waits_for_nothing() {
    let (mut publisher, [mut other]) = to_many(SocketType::Pub, [0]);
    let body = "x".repeat(1000);
    for _ in 0..200 {
        publisher.send(&["topic", &body]).expect("never waits");
    }
    let bytes: usize = publisher.taken(&mut other).iter().map(String::len).sum();
    assert!(bytes > 100_000, "{bytes}");
    // Long messages are never held back, and come after what is.
    publisher.send(&[&"y".repeat(10_000)]).expect("never waits");
    assert!(!publisher.is_holding());
    assert!(
        publisher
            .taken(&mut other)
            .pop()
            .unwrap_or_default()
            .starts_with('y')
    );
}

#[test]
fn slow_messages_are_not_held_back() {
    let (mut publisher, [mut other]) = to_many(SocketType::Pub, [0]);
    for text in numbers(0..100) {
        publisher.send(&[&text]).expect("never waits");
        assert!(!publisher.is_holding());
        // It falls asleep.
        assert_eq!(publisher.taken(&mut other), [text]);
    }
}

#[test]
fn messages_for_others_stay_in_their_places() {
    let (mut publisher, [mut all, mut some]) = to_many(SocketType::Pub, [0, 0]);
    publisher.hear_item(&mut some, cancel(""));
    publisher.hear_item(&mut some, subscribe("b"));
    let mut expected = Vec::new();
    for n in 0..60 {
        let topic = if n % 20 == 19 { "b" } else { "a" };
        expected.push(format!("{topic}|{n}"));
        publisher
            .send(&[topic, &n.to_string()])
            .expect("never waits");
        // For nobody.
        publisher.hear_item(&mut all, cancel("none"));
    }
    publisher.flush();
    assert_eq!(publisher.taken(&mut all), expected);
    assert_eq!(publisher.taken(&mut some), ["b|19", "b|39", "b|59"]);
}

#[test]
fn who_is_full_misses_as_many_as_ever() {
    for takes_runs in [false, true] {
        let mut publisher = Bench::new(SocketType::Pub);
        let guest = |mark| match takes_runs {
            true => distant(mark),
            false => full_at(mark),
        };
        let mut small = publisher.join_as(guest(30));
        let mut large = publisher.join_as(guest(0));
        for other in [&mut small, &mut large] {
            publisher.hear_item(other, subscribe(""));
        }
        send(&mut publisher, 0..100);
        publisher.flush();
        assert_eq!(publisher.dropped_for(&small), 70);
        assert_eq!(publisher.drops().full, 70);
        // It stays full, and the others go on together.
        send(&mut publisher, 100..200);
        assert_eq!(publisher.is_holding(), takes_runs);
        publisher.flush();
        assert_eq!(publisher.dropped_for(&small), 170);
        assert_eq!(publisher.taken(&mut small), numbers(0..30));
        assert_eq!(publisher.taken(&mut large), numbers(0..200));
        send(&mut publisher, 200..210);
        publisher.flush();
        assert_eq!(publisher.taken(&mut small), numbers(200..210));
        assert_eq!(publisher.taken(&mut large), numbers(200..210));
        assert_eq!(publisher.drops().full, 170);
        let counters = publisher.counters_of(&large);
        assert_eq!((counters.messages_out, counters.lost), (210, 0));
        assert_eq!(counters.bytes_out, 10 + 90 * 2 + 110 * 3);
        assert_eq!(publisher.counters_of(&small).messages_out, 40);
    }
}

#[test]
fn nothing_that_was_accepted_is_dropped_where_nothing_may_be() {
    let (mut publisher, mut others) = to_many(SocketType::Pub, [50, 0]);
    publisher.set(Setting::XpubNoDrop(true)).expect("an option");
    let mut accepted = 0;
    while publisher.send(&[&accepted.to_string()]).is_ok() {
        accepted += 1;
    }
    assert_eq!(accepted, 50);
    assert!(!publisher.is_holding());
    assert!(!publisher.can_send());
    assert_eq!(publisher.send(&["x"]), Err(SendFailure::WouldBlock));
    for other in &mut others {
        assert_eq!(publisher.taken(other), numbers(0..50));
    }
    assert!(publisher.can_send());
    assert_eq!(publisher.drops().full, 0);
}

#[test]
fn one_of_this_process_has_all_go_one_by_one() {
    let (mut publisher, [mut far]) = to_many(SocketType::Pub, [0]);
    let mut near = publisher.join();
    publisher.hear_item(&mut near, subscribe(""));
    send(&mut publisher, 0..100);
    assert!(!publisher.is_holding());
    assert_eq!(publisher.taken(&mut far), numbers(0..100));
    assert_eq!(publisher.taken(&mut near), numbers(0..100));
}

#[test]
fn who_left_has_lost_what_was_held_back() {
    let (mut publisher, [mut gone, mut other]) = to_many(SocketType::Pub, [0, 0]);
    send(&mut publisher, 0..100);
    assert!(publisher.is_holding());
    let taken = publisher.taken(&mut gone).len() as u64;
    let _ = gone.rx.close();
    publisher.flush();
    let counters = publisher.counters_of(&gone);
    assert_eq!(counters.messages_out, 100);
    assert_eq!(counters.lost, 100 - taken);
    // Another has its number now, and gets what is sent from here on.
    publisher.leave(&mut gone);
    let mut new = publisher.join_as(distant(0));
    publisher.hear_item(&mut new, subscribe(""));
    send(&mut publisher, 100..200);
    publisher.flush();
    assert_eq!(publisher.taken(&mut new), numbers(100..200));
    assert_eq!(publisher.taken(&mut other), numbers(0..200));
}
