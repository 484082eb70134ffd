//! XPUB.

use super::{Bench, cancel, full_at, subscribe};
use crate::SocketType;
use crate::error::{RecvFailure, SendFailure, SettingError};
use crate::pattern::Setting;

fn xpub() -> Bench {
    Bench::new(SocketType::Xpub)
}

fn manual() -> Bench {
    let mut xpub = xpub();
    xpub.set(Setting::XpubManual(true)).expect("an option");
    xpub
}

#[test]
fn reports_the_first_and_the_last_of_a_topic() {
    let mut xpub = xpub();
    let mut a = xpub.join();
    let mut b = xpub.join();
    xpub.hear_item(&mut a, cancel("A"));
    assert!(!xpub.can_recv());
    xpub.hear_item(&mut a, subscribe("A"));
    assert!(xpub.can_recv());
    let report = xpub.recv_message().expect("a report");
    assert_eq!(super::text(&report), "\u{1}A");
    assert_eq!(report.peer().expect("received").address, "peer 0");
    xpub.hear_item(&mut a, subscribe("A"));
    xpub.hear_item(&mut b, subscribe("A"));
    xpub.hear_item(&mut b, subscribe("B"));
    assert_eq!(xpub.received(), ["\u{1}B"]);
    xpub.send(&["A"]).expect("never waits");
    assert_eq!(xpub.taken(&mut a), ["A"]);
    assert_eq!(xpub.taken(&mut b), ["A"]);
    xpub.hear_item(&mut a, cancel("A"));
    assert_eq!(xpub.recv(), Err(RecvFailure::WouldBlock));
    xpub.hear_item(&mut b, cancel("A"));
    assert_eq!(xpub.received(), ["\u{0}A"]);
    assert_eq!(xpub.topics(), 1);
}

#[test]
fn verbose_reports_every_subscription() {
    let mut xpub = xpub();
    xpub.set(Setting::XpubVerbose(true)).expect("an option");
    let mut a = xpub.join();
    let mut b = xpub.join();
    xpub.hear_item(&mut a, subscribe("A"));
    xpub.hear_item(&mut a, subscribe("A"));
    xpub.hear_item(&mut b, subscribe("A"));
    assert_eq!(xpub.received(), ["\u{1}A"; 3]);
    xpub.hear_item(&mut a, cancel("A"));
    assert!(xpub.received().is_empty());
    xpub.hear_item(&mut b, cancel("A"));
    assert_eq!(xpub.received(), ["\u{0}A"]);
}

#[test]
fn verboser_reports_everything() {
    let mut xpub = xpub();
    xpub.set(Setting::XpubVerboser(true)).expect("an option");
    let mut a = xpub.join();
    let mut b = xpub.join();
    xpub.hear_item(&mut a, subscribe("A"));
    xpub.hear_item(&mut b, subscribe("A"));
    xpub.hear_item(&mut b, cancel("A"));
    xpub.hear_item(&mut b, cancel("A"));
    let all = ["\u{1}A", "\u{1}A", "\u{0}A", "\u{0}A"];
    assert_eq!(xpub.received(), all);
    xpub.hear_item(&mut b, subscribe("A"));
    xpub.leave(&mut a);
    xpub.leave(&mut b);
    assert_eq!(xpub.received(), ["\u{1}A", "\u{0}A", "\u{0}A"]);

    // Setting the lesser one ends the greater one.
    xpub.set(Setting::XpubVerbose(false)).expect("an option");
    let mut c = xpub.join();
    xpub.hear_item(&mut c, subscribe("A"));
    xpub.hear_item(&mut c, subscribe("A"));
    xpub.hear_item(&mut c, cancel("B"));
    assert_eq!(xpub.received(), ["\u{1}A"]);
}

#[test]
fn reports_what_leaves_with_a_peer() {
    let mut xpub = xpub();
    let mut a = xpub.join();
    let mut b = xpub.join();
    for topic in ["C", "A", "B"] {
        xpub.hear_item(&mut a, subscribe(topic));
    }
    xpub.hear_item(&mut b, subscribe("B"));
    xpub.received();
    xpub.leave(&mut a);
    assert_eq!(xpub.received(), ["\u{0}A", "\u{0}C"]);
    xpub.leave(&mut b);
    assert_eq!(xpub.received(), ["\u{0}B"]);
}

#[test]
fn hands_up_what_users_send() {
    let mut xpub = xpub();
    let mut other = xpub.join();
    xpub.hear(&mut other, &["\u{1}A"]);
    xpub.hear(&mut other, &["\u{2}A", "more"]);
    xpub.hear(&mut other, &[""]);
    xpub.hear(&mut other, &["x", "\u{1}B", "y"]);
    let reports = xpub.received();
    assert_eq!(reports, ["\u{1}A", "\u{2}A|more", "", "\u{1}B", "x|y"]);
}

#[test]
fn only_the_first_part_subscribes_if_asked_for() {
    let mut xpub = xpub();
    xpub.set(Setting::OnlyFirstSubscribe(true))
        .expect("an option");
    let mut other = xpub.join();
    xpub.hear(&mut other, &["ABC", "\u{0}BC"]);
    xpub.hear(&mut other, &["ABC", "\u{1}BC"]);
    xpub.hear(&mut other, &["\u{1}BC", "\u{1}CD"]);
    let reports = xpub.received();
    assert_eq!(
        reports,
        ["ABC|\u{0}BC", "ABC|\u{1}BC", "\u{1}BC", "\u{1}CD"]
    );
    assert_eq!(xpub.topics(), 1);
}

#[test]
fn welcomes_newcomers() {
    let mut xpub = xpub();
    xpub.set(Setting::XpubWelcomeMessage("W".into()))
        .expect("an option");
    let mut other = xpub.join();
    assert_eq!(xpub.taken(&mut other), ["W"]);
    xpub.set(Setting::XpubWelcomeMessage("".into()))
        .expect("an option");
    let mut next = xpub.join();
    assert!(xpub.taken(&mut next).is_empty());
}

#[test]
fn in_manual_mode_the_application_decides() {
    let mut xpub = manual();
    let mut other = xpub.join();
    xpub.hear_item(&mut other, subscribe("A"));
    xpub.hear_item(&mut other, subscribe("B"));
    // No report was received yet, so there is nobody to judge.
    xpub.subscribe("X");
    assert_eq!(xpub.topics(), 0);
    assert_eq!(xpub.recv().as_deref(), Ok("\u{1}A"));
    xpub.subscribe("XA");
    assert_eq!(xpub.recv().as_deref(), Ok("\u{1}B"));
    xpub.subscribe("XB");
    for topic in ["A", "B", "XA", "XB"] {
        xpub.send(&[topic]).expect("never waits");
    }
    assert_eq!(xpub.taken(&mut other), ["XA", "XB"]);

    xpub.hear_item(&mut other, cancel("A"));
    assert_eq!(xpub.recv().as_deref(), Ok("\u{0}A"));
    xpub.unsubscribe("XA");
    xpub.send(&["XA"]).expect("never waits");
    xpub.send(&["XB"]).expect("never waits");
    assert_eq!(xpub.taken(&mut other), ["XB"]);

    xpub.leave(&mut other);
    assert_eq!(xpub.recv().as_deref(), Ok("\u{0}B"));
    // Of one that has left: no error, no effect.
    xpub.unsubscribe("XB");
    assert_eq!(xpub.topics(), 0);
}

#[test]
fn in_manual_mode_the_verdict_is_on_the_peer_of_the_last_report() {
    let mut xpub = manual();
    let mut a = xpub.join();
    let mut b = xpub.join();
    xpub.hear_item(&mut a, subscribe("T"));
    xpub.hear_item(&mut b, subscribe("T"));
    assert_eq!(xpub.recv().as_deref(), Ok("\u{1}T"));
    xpub.subscribe("1");
    assert_eq!(xpub.recv().as_deref(), Ok("\u{1}T"));
    xpub.subscribe("2");
    xpub.send(&["1"]).expect("never waits");
    xpub.send(&["2"]).expect("never waits");
    assert_eq!(xpub.taken(&mut a), ["1"]);
    assert_eq!(xpub.taken(&mut b), ["2"]);

    // Each one's leaving is reported, and its number is not mistaken.
    xpub.hear_item(&mut b, subscribe("U"));
    xpub.leave(&mut b);
    let mut new = xpub.join();
    assert_eq!(xpub.recv().as_deref(), Ok("\u{1}U"));
    xpub.subscribe("3");
    xpub.send(&["3"]).expect("never waits");
    assert!(xpub.taken(&mut new).is_empty());
    assert_eq!(xpub.received(), ["\u{0}T", "\u{0}U"]);
    xpub.leave(&mut a);
    assert_eq!(xpub.received(), ["\u{0}T"]);
}

#[test]
fn the_last_value_is_for_the_last_subscriber_alone() {
    let mut xpub = Bench::new(SocketType::Xpub);
    xpub.set(Setting::XpubManualLastValue(true))
        .expect("an option");
    let mut a = xpub.join();
    let mut b = xpub.join_as(full_at(1));
    for other in [&mut a, &mut b] {
        xpub.hear_item(other, subscribe("T"));
        assert_eq!(xpub.recv().as_deref(), Ok("\u{1}T"));
        xpub.subscribe("T");
        xpub.send(&["T", "last value"]).expect("never waits");
    }
    xpub.send(&["T", "next value"]).expect("never waits");
    assert_eq!(xpub.taken(&mut a), ["T|last value", "T|next value"]);
    // The first of both was for it, the second found it full.
    assert_eq!(xpub.taken(&mut b), ["T|last value"]);

    // What it is not subscribed to is for nobody, and the next for all.
    xpub.hear_item(&mut b, subscribe("U"));
    assert_eq!(xpub.recv().as_deref(), Ok("\u{1}U"));
    xpub.send(&["U"]).expect("never waits");
    xpub.send(&["T", "1"]).expect("never waits");
    assert_eq!(xpub.taken(&mut a), ["T|1"]);
    assert_eq!(xpub.taken(&mut b), ["T|1"]);

    // A send that has to be tried again is still for the one.
    xpub.set(Setting::XpubNoDrop(true)).expect("an option");
    xpub.send(&["T", "2"]).expect("room");
    xpub.hear_item(&mut b, cancel("U"));
    assert_eq!(xpub.recv().as_deref(), Ok("\u{0}U"));
    assert_eq!(xpub.send(&["T", "3"]), Err(SendFailure::WouldBlock));
    assert_eq!(xpub.taken(&mut b), ["T|2"]);
    xpub.send(&["T", "3"]).expect("room");
    assert_eq!(xpub.taken(&mut b), ["T|3"]);
    assert_eq!(xpub.taken(&mut a), ["T|2"]);

    // One that has left is not waited for.
    xpub.hear_item(&mut b, subscribe("V"));
    assert_eq!(xpub.recv().as_deref(), Ok("\u{1}V"));
    xpub.leave(&mut b);
    xpub.send(&["T", "4"]).expect("room");
    assert_eq!(xpub.taken(&mut a), ["T|4"]);
}

#[test]
fn judging_needs_manual_mode() {
    let mut xpub = xpub();
    let mut other = xpub.join();
    xpub.hear_item(&mut other, subscribe("A"));
    for setting in [
        Setting::Subscribe("B".into()),
        Setting::Unsubscribe("A".into()),
    ] {
        assert_eq!(xpub.set(setting), Err(SettingError::NotManual));
    }
    let refused = xpub.set(Setting::StreamNotify(true));
    assert_eq!(refused, Err(SettingError::NotForThisType));
}

#[test]
fn long_topics_are_reported_whole() {
    let mut xpub = xpub();
    let mut other = xpub.join();
    let topic = "t".repeat(300);
    xpub.hear_item(&mut other, super::Item::Subscribe(topic.as_str().into()));
    xpub.hear(&mut other, &[&format!("\u{0}{topic}")]);
    let reports = xpub.received();
    assert_eq!(reports, [format!("\u{1}{topic}"), format!("\u{0}{topic}")]);
}

#[test]
fn a_report_behind_very_much_without_one_is_found() {
    let mut xpub = xpub();
    let mut a = xpub.join();
    let mut b = xpub.join();
    xpub.hear_item(&mut a, subscribe("A"));
    assert_eq!(xpub.received(), ["\u{1}A"]);
    for _ in 0..3 * crate::pattern::BATCH {
        assert!(b.tx.push(subscribe("A")).is_ok());
    }
    xpub.hear_item(&mut b, subscribe("B"));
    assert!(xpub.can_recv());
    assert_eq!(xpub.received(), ["\u{1}B"]);
    // All was read, so there is word of what comes now.
    xpub.hear_item(&mut b, subscribe("C"));
    assert!(xpub.can_recv());
    assert_eq!(xpub.received(), ["\u{1}C"]);
}
