//! PUSH and PULL.

use super::{Bench, full_at};
use crate::SocketType;
use crate::error::{RecvFailure, SendFailure};

#[test]
fn push_sends_in_turn_to_those_with_room() {
    let mut push = Bench::new(SocketType::Push);
    let mut small = push.join_as(full_at(1));
    let mut others = push.join_many(2);
    for n in 0..7 {
        push.send(&[&n.to_string()]).expect("room");
    }
    assert_eq!(push.taken(&mut small), ["0"]);
    let first = push.taken(&mut others[0]);
    let second = push.taken(&mut others[1]);
    assert_eq!(first.len(), 3);
    assert_eq!(second.len(), 3);
}

#[test]
fn push_only_sends() {
    let mut push = Bench::new(SocketType::Push);
    assert_eq!(push.send(&["x"]), Err(SendFailure::WouldBlock));
    let mut other = push.join();
    push.hear(&mut other, &["unwanted"]);
    assert_eq!(
        push.recv(),
        Err(RecvFailure::CannotReceive(SocketType::Push))
    );
    assert!(!push.can_recv());
    assert_eq!(push.drops().filtered, 1);
    push.leave(&mut other);
    assert!(!push.is_attached(&other));
    assert!(!push.can_send());
}

#[test]
fn push_reads_a_flood_bit_by_bit() {
    let mut push = Bench::new(SocketType::Push);
    let mut other = push.join();
    // Woken by the first one only, as the socket does not sleep after it.
    for _ in 0..5000 {
        push.hear(&mut other, &["unwanted"]);
    }
    push.leave(&mut other);
    for _ in 0..5 {
        let _ = push.send(&["x"]);
    }
    assert_eq!(push.drops().filtered, 5000);
    assert!(!push.is_attached(&other));
}

#[test]
fn pull_only_receives_and_in_turn() {
    let mut pull = Bench::new(SocketType::Pull);
    let mut others = pull.join_many(5);
    for half in ["a", "b"] {
        for other in &mut others {
            pull.hear(other, &[half]);
        }
    }
    assert!(pull.can_recv());
    assert_eq!(pull.received().concat(), "aaaaabbbbb");
    assert!(!pull.can_recv());
    assert_eq!(
        pull.send(&["x"]),
        Err(SendFailure::CannotSend(SocketType::Pull))
    );
    assert!(!pull.can_send());
}

#[test]
fn pull_goes_on_when_a_peer_leaves_in_the_middle() {
    let mut pull = Bench::new(SocketType::Pull);
    let mut others = pull.join_many(3);
    for other in &mut others {
        pull.hear(other, &["1"]);
        pull.hear(other, &["2"]);
    }
    assert_eq!(pull.recv().as_deref(), Ok("1"));
    pull.leave(&mut others[1]);
    assert_eq!(pull.received().concat(), "11222");
    assert!(!pull.is_attached(&others[1]));
    assert!(pull.is_attached(&others[2]));
}
