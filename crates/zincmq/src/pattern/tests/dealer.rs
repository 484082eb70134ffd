//! DEALER and PAIR.

use super::{Bench, full_at, subscribe};
use crate::SocketType;
use crate::error::{RecvFailure, SendFailure, SettingError};
use crate::pattern::Setting;

#[test]
fn dealer_sends_in_turn() {
    let mut dealer = Bench::new(SocketType::Dealer);
    let mut others = dealer.join_many(5);
    for n in 0..10 {
        dealer.send(&[&n.to_string()]).expect("room");
    }
    for (n, other) in others.iter_mut().enumerate() {
        let expected = [n.to_string(), (n + 5).to_string()];
        assert_eq!(dealer.taken(other), expected);
    }
}

#[test]
fn dealer_receives_in_turn() {
    let mut dealer = Bench::new(SocketType::Dealer);
    let mut others = dealer.join_many(3);
    for other in &mut others {
        for n in ["0", "1", "2", "3"] {
            dealer.hear(other, &[n]);
        }
    }
    let received = dealer.received().concat();
    assert_eq!(received, "000111222333");
}

#[test]
fn dealer_waits_without_peers() {
    let mut dealer = Bench::new(SocketType::Dealer);
    assert!(!dealer.can_send());
    assert_eq!(dealer.send(&["a", "b"]), Err(SendFailure::WouldBlock));
    assert_eq!(dealer.recv(), Err(RecvFailure::WouldBlock));
}

#[test]
fn dealer_passes_full_peers_over_until_they_have_room() {
    let mut dealer = Bench::new(SocketType::Dealer);
    let mut small = dealer.join_as(full_at(2));
    let mut large = dealer.join();
    for _ in 0..10 {
        dealer.send(&["x"]).expect("the large one has room");
    }
    assert_eq!(dealer.taken(&mut small).len(), 2);
    assert_eq!(dealer.taken(&mut large).len(), 8);
    for _ in 0..4 {
        dealer.send(&["y"]).expect("room");
    }
    assert_eq!(dealer.taken(&mut small).len(), 2);
    assert_eq!(dealer.taken(&mut large).len(), 2);
}

#[test]
fn dealer_waits_when_all_are_full() {
    let mut dealer = Bench::new(SocketType::Dealer);
    let mut other = dealer.join_as(full_at(1));
    dealer.send(&["1"]).expect("room");
    assert!(!dealer.can_send());
    assert_eq!(dealer.send(&["2"]), Err(SendFailure::WouldBlock));
    assert_eq!(dealer.taken(&mut other), ["1"]);
    assert!(dealer.can_send());
    dealer.send(&["3"]).expect("room again");
}

#[test]
fn what_was_looked_at_outlives_its_peer() {
    let mut dealer = Bench::new(SocketType::Dealer);
    let mut other = dealer.join();
    dealer.hear(&mut other, &["last words"]);
    assert!(dealer.can_recv());
    dealer.leave(&mut other);
    assert!(!dealer.is_attached(&other));
    assert!(dealer.can_recv());
    assert_eq!(dealer.recv().as_deref(), Ok("last words"));
}

#[test]
fn a_peer_is_read_to_its_end() {
    let mut dealer = Bench::new(SocketType::Dealer);
    let mut other = dealer.join();
    dealer.hear(&mut other, &["1"]);
    dealer.hear(&mut other, &["2"]);
    dealer.leave(&mut other);
    assert!(dealer.is_attached(&other));
    assert_eq!(dealer.send(&["to nobody"]), Err(SendFailure::WouldBlock));
    assert_eq!(dealer.received(), ["1", "2"]);
    assert!(!dealer.is_attached(&other));
}

#[test]
fn stray_subscriptions_are_no_messages() {
    let mut dealer = Bench::new(SocketType::Dealer);
    let mut other = dealer.join();
    dealer.hear_item(&mut other, subscribe("a"));
    assert!(!dealer.can_recv());
    assert_eq!(dealer.recv(), Err(RecvFailure::WouldBlock));
}

#[test]
fn nobody_starves() {
    let mut dealer = Bench::new(SocketType::Dealer);
    let mut others = dealer.join_many(7);
    // Peer 0 always has something; the others now and then, with one of them
    // coming and going.
    let mut counts = [0; 7];
    for round in 0..700 {
        dealer.hear(&mut others[0], &["0"]);
        dealer.hear(&mut others[0], &["0"]);
        let n = 1 + round % 6;
        dealer.hear(&mut others[n], &[&n.to_string()]);
        if round % 50 == 0 {
            let mut passing = dealer.join();
            dealer.leave(&mut passing);
        }
        for _ in 0..2 {
            let from: usize = dealer.recv().expect("there is more").parse().expect("n");
            counts[from] += 1;
        }
    }
    assert_eq!(counts.iter().sum::<usize>(), 1400);
    for count in &counts[1..] {
        assert!(*count >= 110, "{counts:?}");
    }
}

#[test]
fn probes_say_hello() {
    let mut dealer = Bench::new(SocketType::Dealer);
    dealer.set(Setting::ProbeRouter(true)).expect("an option");
    let mut other = dealer.join();
    assert_eq!(dealer.taken(&mut other), [""]);
    dealer.reconnect(&other, "");
    assert_eq!(dealer.taken(&mut other), [""]);
    let refused = dealer.set(Setting::RouterMandatory(true));
    assert_eq!(refused, Err(SettingError::NotForThisType));
}

#[test]
fn pair_takes_one_peer_at_a_time() {
    let mut pair = Bench::new(SocketType::Pair);
    let mut first = pair.join();
    let second = pair.join();
    assert!(second.was_hung_up());
    assert!(!pair.is_attached(&second));
    assert!(!first.was_hung_up());

    pair.send(&["a", "b"]).expect("room");
    pair.hear(&mut first, &["c"]);
    assert_eq!(pair.taken(&mut first), ["a|b"]);
    assert_eq!(pair.recv().as_deref(), Ok("c"));

    pair.leave(&mut first);
    assert_eq!(pair.send(&["x"]), Err(SendFailure::WouldBlock));
    assert!(!pair.can_send());
    let mut third = pair.join();
    assert!(!third.was_hung_up());
    pair.send(&["d"]).expect("room");
    assert_eq!(pair.taken(&mut third), ["d"]);
}

#[test]
fn pair_waits_for_room() {
    let mut pair = Bench::new(SocketType::Pair);
    let mut other = pair.join_as(full_at(1));
    pair.send(&["1"]).expect("room");
    assert_eq!(pair.send(&["2"]), Err(SendFailure::WouldBlock));
    assert_eq!(pair.taken(&mut other), ["1"]);
    pair.send(&["2"]).expect("room again");
}
