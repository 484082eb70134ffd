//! SUB and XSUB.

use super::{Bench, full_at};
use crate::SocketType;
use crate::error::{SendFailure, SettingError};
use crate::pattern::Setting;

fn sub() -> Bench {
    Bench::new(SocketType::Sub)
}

fn xsub() -> Bench {
    Bench::new(SocketType::Xsub)
}

#[test]
fn sub_counts_and_tells_all_publishers() {
    let mut sub = sub();
    let mut others = sub.join_many(2);
    sub.unsubscribe("a");
    sub.subscribe("a");
    sub.subscribe("a");
    sub.unsubscribe("a");
    sub.subscribe("");
    assert_eq!(sub.topics(), 2);
    sub.unsubscribe("a");
    sub.unsubscribe("a");
    for other in &mut others {
        assert_eq!(sub.taken(other), ["+a", "+a", "+", "-a"]);
    }
    assert_eq!(sub.topics(), 1);
}

#[test]
fn sub_tells_newcomers_and_new_connections_everything() {
    let mut sub = sub();
    for topic in ["b", "ab", "a", "abc", "a"] {
        sub.subscribe(topic);
    }
    let mut other = sub.join_as(full_at(1));
    let all = ["+a", "+ab", "+abc", "+b"];
    assert_eq!(sub.taken(&mut other), all);
    sub.reconnect(&other, "");
    assert_eq!(sub.taken(&mut other), all);
}

#[test]
fn sub_filters_by_the_first_part() {
    let mut sub = sub();
    sub.subscribe("a");
    let mut others = sub.join_many(2);
    sub.hear(&mut others[0], &["b", "a"]);
    assert!(!sub.can_recv());
    sub.hear(&mut others[0], &["ab", "x"]);
    sub.hear(&mut others[1], &["a"]);
    assert!(sub.can_recv());
    assert_eq!(sub.received(), ["ab|x", "a"]);
    assert_eq!(sub.drops().filtered, 1);

    sub.set(Setting::InvertMatching(true)).expect("an option");
    sub.hear(&mut others[0], &["ab"]);
    sub.hear(&mut others[1], &["b"]);
    assert_eq!(sub.received(), ["b"]);
}

#[test]
fn sub_only_receives() {
    let mut sub = sub();
    let _other = sub.join();
    assert_eq!(
        sub.send(&["\u{1}a"]),
        Err(SendFailure::CannotSend(SocketType::Sub))
    );
    assert!(!sub.can_send());
    let refused = sub.set(Setting::XpubNoDrop(true));
    assert_eq!(refused, Err(SettingError::NotForThisType));
}

#[test]
fn xsub_subscribes_by_messages() {
    let mut xsub = xsub();
    let mut other = xsub.join();
    assert!(xsub.can_send());
    for message in ["\u{0}A", "\u{1}A", "\u{1}A", "\u{0}A", "\u{0}A", "\u{0}A"] {
        xsub.send(&[message]).expect("never waits");
    }
    assert_eq!(xsub.taken(&mut other), ["+A", "+A", "-A"]);

    xsub.set(Setting::XsubVerboseUnsubscribe(true))
        .expect("an option");
    for message in ["\u{0}A", "\u{1}A", "\u{1}A", "\u{0}A", "\u{0}A"] {
        xsub.send(&[message]).expect("never waits");
    }
    assert_eq!(xsub.taken(&mut other), ["-A", "+A", "+A", "-A", "-A"]);
}

#[test]
fn xsub_passes_users_messages_up_to_all() {
    let mut xsub = xsub();
    let mut small = xsub.join_as(full_at(1));
    let mut large = xsub.join();
    xsub.send(&["\u{2}A"]).expect("never waits");
    xsub.send(&[""]).expect("never waits");
    xsub.send(&["x", "y"]).expect("never waits");
    assert_eq!(xsub.taken(&mut small), ["\u{2}A"]);
    assert_eq!(xsub.taken(&mut large), ["\u{2}A", "", "x|y"]);
    assert_eq!(xsub.drops().full, 2);
    assert_eq!(xsub.dropped_for(&small), 2);
}

#[test]
fn xsub_keeps_subscribing_messages_of_several_parts_together() {
    let mut xsub = xsub();
    xsub.set(Setting::OnlyFirstSubscribe(true))
        .expect("an option");
    let mut other = xsub.join();
    xsub.send(&["\u{1}A", "\u{1}B"]).expect("never waits");
    assert_eq!(xsub.taken(&mut other), ["\u{1}A|\u{1}B"]);
    assert_eq!(xsub.topics(), 1);
    xsub.set(Setting::OnlyFirstSubscribe(false))
        .expect("an option");
    xsub.send(&["x", "\u{1}B"]).expect("never waits");
    assert_eq!(xsub.topics(), 2);
    let mut new = xsub.join();
    assert_eq!(xsub.taken(&mut new), ["+A", "+B"]);
}

#[test]
fn xsub_tells_new_connections_everything_and_does_not_filter() {
    let mut xsub = xsub();
    xsub.send(&["\u{1}A"]).expect("never waits");
    let mut other = xsub.join();
    assert_eq!(xsub.taken(&mut other), ["+A"]);
    xsub.reconnect(&other, "");
    assert_eq!(xsub.taken(&mut other), ["+A"]);
    xsub.hear(&mut other, &["B"]);
    assert!(xsub.can_recv());
    assert_eq!(xsub.recv().as_deref(), Ok("B"));
    xsub.leave(&mut other);
    xsub.send(&["\u{1}C"]).expect("never waits");
    assert_eq!(xsub.topics(), 2);
}
