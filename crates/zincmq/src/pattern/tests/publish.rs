//! PUB.

use super::{Bench, Guest, cancel, full_at, subscribe};
use crate::SocketType;
use crate::error::{RecvFailure, SendFailure, SettingError};
use crate::pattern::Setting;

fn publisher() -> Bench {
    Bench::new(SocketType::Pub)
}

#[test]
fn each_gets_what_it_subscribed_to_once() {
    let mut publisher = publisher();
    let mut a = publisher.join();
    let mut ab = publisher.join();
    let mut all = publisher.join();
    let mut none = publisher.join();
    publisher.hear_item(&mut a, subscribe("a"));
    publisher.hear_item(&mut a, subscribe("ab"));
    publisher.hear_item(&mut a, subscribe("ab"));
    publisher.hear_item(&mut ab, subscribe("ab"));
    publisher.hear_item(&mut all, subscribe(""));
    assert_eq!(publisher.topics(), 3);
    for topic in ["a", "ab", "abc", "b", ""] {
        publisher.send(&[topic, "body"]).expect("never waits");
    }
    assert_eq!(publisher.taken(&mut a), ["a|body", "ab|body", "abc|body"]);
    assert_eq!(publisher.taken(&mut ab), ["ab|body", "abc|body"]);
    assert_eq!(publisher.taken(&mut all).len(), 5);
    assert!(publisher.taken(&mut none).is_empty());
    // What nobody asked for is not a loss.
    assert_eq!(publisher.drops(), super::Drops::default());
}

#[test]
fn subscribing_twice_is_subscribing_once() {
    let mut publisher = publisher();
    let mut other = publisher.join();
    publisher.hear_item(&mut other, subscribe("a"));
    publisher.hear_item(&mut other, subscribe("a"));
    publisher.hear_item(&mut other, cancel("a"));
    publisher.hear_item(&mut other, cancel("never"));
    publisher.send(&["a"]).expect("never waits");
    assert!(publisher.taken(&mut other).is_empty());
    assert_eq!(publisher.topics(), 0);
}

#[test]
fn subscriptions_may_come_as_messages() {
    let mut publisher = publisher();
    let mut other = publisher.join();
    publisher.hear(&mut other, &["\u{1}a"]);
    publisher.hear(&mut other, &["x", "\u{1}b"]);
    publisher.hear(&mut other, &["user's own"]);
    for topic in ["a", "b"] {
        publisher.send(&[topic]).expect("never waits");
    }
    publisher.hear(&mut other, &["\u{0}a"]);
    publisher.send(&["a"]).expect("never waits");
    assert_eq!(publisher.taken(&mut other), ["a", "b"]);
    assert_eq!(publisher.drops().filtered, 2);

    publisher
        .set(Setting::OnlyFirstSubscribe(true))
        .expect("an option");
    publisher.hear(&mut other, &["x", "\u{1}c"]);
    publisher.send(&["c"]).expect("never waits");
    assert!(publisher.taken(&mut other).is_empty());
}

#[test]
fn full_subscribers_miss_messages_and_it_is_counted() {
    let mut publisher = publisher();
    let mut small = publisher.join_as(full_at(2));
    let mut large = publisher.join();
    for other in [&mut small, &mut large] {
        publisher.hear_item(other, subscribe(""));
    }
    for _ in 0..5 {
        publisher.send(&["x"]).expect("never waits");
        assert!(publisher.can_send());
    }
    assert_eq!(publisher.drops().full, 3);
    assert_eq!(publisher.dropped_for(&small), 3);
    assert_eq!(publisher.dropped_for(&large), 0);
    assert_eq!(publisher.taken(&mut small).len(), 2);
    assert_eq!(publisher.taken(&mut large).len(), 5);
    publisher.send(&["y"]).expect("never waits");
    assert_eq!(publisher.taken(&mut small), ["y"]);
    assert_eq!(publisher.drops().full, 3);
}

#[test]
fn no_drop_sends_to_all_or_none() {
    let mut publisher = publisher();
    publisher.set(Setting::XpubNoDrop(true)).expect("an option");
    let mut small = publisher.join_as(full_at(1));
    let mut large = publisher.join();
    let mut elsewhere = publisher.join();
    publisher.hear_item(&mut small, subscribe("a"));
    publisher.hear_item(&mut large, subscribe("a"));
    publisher.hear_item(&mut elsewhere, subscribe("b"));
    publisher.send(&["a1"]).expect("room");
    assert_eq!(publisher.send(&["a2"]), Err(SendFailure::WouldBlock));
    assert!(!publisher.can_send());
    publisher
        .send(&["b"])
        .expect("its only subscriber has room");
    assert_eq!(publisher.taken(&mut large), ["a1"]);
    assert_eq!(publisher.taken(&mut small), ["a1"]);
    assert!(publisher.can_send());
    publisher.send(&["a3"]).expect("room");
    assert_eq!(publisher.taken(&mut large), ["a3"]);
    assert_eq!(publisher.drops().full, 0);

    assert_eq!(publisher.send(&["a4"]), Err(SendFailure::WouldBlock));
    publisher.leave(&mut small);
    assert!(publisher.can_send());
    publisher.send(&["a4"]).expect("nobody is full any more");
    assert_eq!(publisher.taken(&mut large), ["a4"]);
}

#[test]
fn inverted_matching() {
    let mut publisher = publisher();
    let mut a = publisher.join();
    let mut b = publisher.join();
    publisher.hear_item(&mut a, subscribe("a"));
    publisher.hear_item(&mut b, subscribe("b"));
    publisher
        .set(Setting::InvertMatching(true))
        .expect("an option");
    publisher.send(&["a"]).expect("never waits");
    publisher.send(&["c"]).expect("never waits");
    assert_eq!(publisher.taken(&mut a), ["c"]);
    assert_eq!(publisher.taken(&mut b), ["a", "c"]);
}

#[test]
fn a_subscriber_that_leaves_takes_its_subscriptions_with_it() {
    let mut publisher = publisher();
    let mut gone = publisher.join();
    publisher.hear_item(&mut gone, subscribe("a"));
    publisher.hear_item(&mut gone, subscribe("b"));
    publisher.leave(&mut gone);
    assert_eq!(publisher.topics(), 0);
    // It has the number of the one that left, not its subscriptions.
    let mut new = publisher.join();
    publisher.hear_item(&mut new, subscribe("b"));
    publisher.send(&["a"]).expect("never waits");
    publisher.send(&["b"]).expect("never waits");
    assert_eq!(publisher.taken(&mut new), ["b"]);
}

#[test]
fn a_newcomer_is_not_full_like_the_one_before_it() {
    let mut publisher = publisher();
    let mut gone = publisher.join_as(full_at(1));
    publisher.hear_item(&mut gone, subscribe(""));
    publisher.send(&["1"]).expect("never waits");
    publisher.send(&["2"]).expect("never waits");
    publisher.leave(&mut gone);
    let mut new = publisher.join();
    publisher.hear_item(&mut new, subscribe(""));
    publisher.send(&["3"]).expect("never waits");
    assert_eq!(publisher.taken(&mut new), ["3"]);
}

#[test]
fn thousands_of_subscriptions_hold_by_the_next_message() {
    let mut publisher = publisher();
    let mut other = publisher.join();
    for n in 0..5000 {
        publisher.hear_item(&mut other, super::Item::Subscribe(format!("{n:04}").into()));
    }
    publisher.send(&["4999"]).expect("never waits");
    assert_eq!(publisher.taken(&mut other), ["4999"]);
    assert_eq!(publisher.topics(), 5000);
}

#[test]
fn a_burst_of_subscriptions_is_read_with_the_next_sends() {
    let mut publisher = publisher();
    let mut other = publisher.join();
    // All of them visible at once, behind a single wake-up.
    for n in 0..5000 {
        let item = super::Item::Subscribe(format!("{n:04}").into());
        other.tx.push(item).expect("no limit");
    }
    publisher.hear_item(&mut other, subscribe("last"));
    let mut sends = 0;
    while publisher.taken(&mut other).is_empty() {
        publisher.send(&["last"]).expect("never waits");
        sends += 1;
        assert!(sends < 10);
    }
    assert_eq!(publisher.topics(), 5001);
}

#[test]
fn welcomes_newcomers_and_receives_nothing() {
    let mut publisher = publisher();
    publisher
        .set(Setting::XpubWelcomeMessage("hi".into()))
        .expect("an option");
    let mut other = publisher.join_as(Guest::default());
    assert_eq!(publisher.taken(&mut other), ["hi"]);
    assert_eq!(
        publisher.recv(),
        Err(RecvFailure::CannotReceive(SocketType::Pub))
    );
    let refused = publisher.set(Setting::Subscribe("a".into()));
    assert_eq!(refused, Err(SettingError::NotForThisType));
}
