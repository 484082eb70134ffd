//! RADIO and DISH.

use super::{Bench, Item, Setting, full_at, subscribe};
use crate::SocketType::{Dish, Radio};
use crate::error::{RecvFailure, SendFailure, SettingError};
use crate::message::Message;

fn join(group: &'static str) -> Item {
    Item::Join(group.into())
}

fn leave(group: &'static str) -> Item {
    Item::Leave(group.into())
}

#[test]
fn radio_sends_to_members_whose_group_matches_exactly() {
    let mut radio = Bench::new(Radio);
    let mut one = radio.join();
    let mut both = radio.join();
    let mut none = radio.join();
    radio.hear_item(&mut one, join("TV"));
    radio.hear_item(&mut one, join("TV"));
    radio.hear_item(&mut both, join("TV"));
    radio.hear_item(&mut both, join(""));
    radio.hear_item(&mut none, join("T"));
    radio.hear_item(&mut none, join("TVs"));
    radio.hear_item(&mut none, subscribe("TV"));
    radio.send(&["TV", "a"]).expect("never waits");
    radio.send(&["", "b"]).expect("never waits");
    radio.hear_item(&mut one, leave("TV"));
    radio.hear_item(&mut none, leave("TV"));
    radio.send(&["TV", "c"]).expect("never waits");
    assert_eq!(radio.taken(&mut one), ["TV|a"]);
    assert_eq!(radio.taken(&mut both), ["TV|a", "|b", "TV|c"]);
    assert!(radio.taken(&mut none).is_empty());
    radio.leave(&mut both);
    let mut next = radio.join();
    radio.send(&["TV", "d"]).expect("never waits");
    assert!(radio.taken(&mut next).is_empty());
}

#[test]
fn radio_takes_a_group_and_a_body() {
    let mut radio = Bench::new(Radio);
    let too_long = "g".repeat(256);
    for (parts, why) in [
        (&["alone"][..], SendFailure::MalformedEnvelope),
        (&["g", "1", "2"], SendFailure::MultipartUnsupported),
        (&["zero\0", "x"], SendFailure::NotAGroup),
        (&[&too_long, "x"], SendFailure::NotAGroup),
    ] {
        assert_eq!(radio.send(parts), Err(why));
    }
    assert_eq!(radio.recv(), Err(RecvFailure::CannotReceive(Radio)));
    let mut other = radio.join();
    radio.hear(&mut other, &["unwanted"]);
    assert_eq!(radio.drops().filtered, 1);
    let refused = radio.set(Setting::InvertMatching(true));
    assert_eq!(refused, Err(SettingError::NotForThisType));
}

#[test]
fn a_full_member_misses_what_others_get() {
    let mut radio = Bench::new(Radio);
    let mut small = radio.join_as(full_at(1));
    let mut large = radio.join();
    for other in [&mut small, &mut large] {
        radio.hear_item(other, join("g"));
    }
    for body in ["1", "2", "3"] {
        assert!(radio.can_send());
        radio.send(&["g", body]).expect("never waits");
    }
    assert_eq!(radio.taken(&mut small), ["g|1"]);
    assert_eq!(radio.taken(&mut large), ["g|1", "g|2", "g|3"]);
    assert_eq!(radio.drops().full, 2);
}

#[test]
fn no_drop_sends_to_all_members_or_none() {
    let mut radio = Bench::new(Radio);
    radio.set(Setting::XpubNoDrop(true)).expect("an option");
    let mut small = radio.join_as(full_at(1));
    let mut large = radio.join();
    for other in [&mut small, &mut large] {
        radio.hear_item(other, join("g"));
    }
    radio.send(&["g", "1"]).expect("room");
    assert_eq!(radio.send(&["g", "2"]), Err(SendFailure::WouldBlock));
    assert!(!radio.can_send());
    assert_eq!(radio.taken(&mut small), ["g|1"]);
    assert!(radio.can_send());
    radio.send(&["g", "2"]).expect("room");
    assert_eq!(radio.taken(&mut large), ["g|1", "g|2"]);
    assert_eq!(radio.drops().full, 0);
}

#[test]
fn dish_tells_newcomers_and_new_connections_its_groups() {
    let mut dish = Bench::new(Dish);
    let mut first = dish.join();
    let change = |dish: &mut Bench, group: &str, join: bool| {
        let group = Message::from(group);
        let changed = match join {
            true => dish.pattern.join(&mut dish.peers, &group),
            false => dish.pattern.leave(&mut dish.peers, &group),
        };
        dish.settle();
        changed
    };
    assert!(change(&mut dish, "a", true));
    assert!(!change(&mut dish, "a", true));
    assert!(!change(&mut dish, "b", false));
    assert!(change(&mut dish, "b", true));
    assert!(change(&mut dish, "b", false));
    assert_eq!(dish.taken(&mut first), ["&a", "&b", "~b"]);
    let mut second = dish.join();
    assert_eq!(dish.taken(&mut second), ["&a"]);
    dish.reconnect(&second, "");
    assert_eq!(dish.taken(&mut second), ["&a"]);
    assert!(dish.taken(&mut first).is_empty());
}

#[test]
fn dish_receives_what_its_groups_are_sent() {
    let mut dish = Bench::new(Dish);
    let mut other = dish.join();
    let group = Message::from("g");
    dish.pattern.join(&mut dish.peers, &group);
    for parts in [&["h", "x"][..], &["g"], &["g", "1", "2"], &["gg", "x"]] {
        dish.hear(&mut other, parts);
    }
    assert!(!dish.can_recv());
    dish.hear(&mut other, &["g", "1"]);
    dish.hear(&mut other, &["g", "2"]);
    assert!(dish.can_recv());
    assert_eq!(dish.recv().as_deref(), Ok("g|1"));
    dish.pattern.leave(&mut dish.peers, &group);
    assert_eq!(dish.recv(), Err(RecvFailure::WouldBlock));
    assert_eq!(dish.drops().filtered, 5);
    assert_eq!(dish.send(&["g", "x"]), Err(SendFailure::CannotSend(Dish)));
}
