//! STREAM.

use super::{Bench, Guest, full_at, text};
use crate::SocketType;
use crate::error::{RecvFailure, SendFailure};
use crate::pattern::Setting;

/// A connection by the name of C, at its limit with `high_water_mark` chunks.
fn guest(high_water_mark: usize) -> Guest {
    Guest {
        assigned_id: Some("C".into()),
        ..full_at(high_water_mark)
    }
}

fn quiet() -> Bench {
    let mut stream = Bench::new(SocketType::Stream);
    stream.set(Setting::StreamNotify(false)).expect("an option");
    stream
}

#[test]
fn tells_of_connections_and_their_ends() {
    let mut stream = Bench::new(SocketType::Stream);
    let mut other = stream.join_as(guest(0));
    assert!(stream.can_recv());
    let notice = stream.recv_message().expect("a notice");
    assert_eq!(text(&notice), "C|");
    assert_eq!(notice[0].peer().expect("it is there").address, "peer 0");
    stream.hear(&mut other, &["chunk"]);
    stream.leave(&mut other);
    assert_eq!(stream.recv().as_deref(), Ok("C|chunk"));
    assert_eq!(stream.recv(), Err(RecvFailure::WouldBlock));
    assert_eq!(stream.recv().as_deref(), Ok("C|"));
}

#[test]
fn a_chunk_looked_at_comes_before_the_end() {
    let mut stream = Bench::new(SocketType::Stream);
    let mut other = stream.join_as(guest(0));
    assert_eq!(stream.recv().as_deref(), Ok("C|"));
    stream.hear(&mut other, &["chunk"]);
    assert!(stream.can_recv());
    stream.leave(&mut other);
    assert_eq!(stream.received(), ["C|chunk", "C|"]);
}

#[test]
fn can_be_quiet() {
    let mut stream = quiet();
    let mut other = stream.join();
    stream.hear(&mut other, &["chunk"]);
    let message = stream.recv_message().expect("a chunk");
    assert_eq!(message[0].len(), 5);
    assert_eq!(message[0][0], 0);
    stream.leave(&mut other);
    assert!(!stream.can_recv());
}

#[test]
fn sends_to_the_named_connection() {
    let mut stream = quiet();
    assert!(stream.can_send());
    assert_eq!(stream.send(&["C", "x"]), Err(SendFailure::Unroutable));
    assert_eq!(stream.route_state("C"), Err(SendFailure::Unroutable));
    let mut other = stream.join_as(guest(1));
    assert_eq!(stream.route_state("C"), Ok(()));
    stream.send(&["C", "x"]).expect("room");
    assert_eq!(stream.route_state("C"), Err(SendFailure::WouldBlock));
    assert_eq!(stream.send(&["C", "y"]), Err(SendFailure::WouldBlock));
    assert!(!stream.can_send());
    assert_eq!(stream.taken(&mut other), ["x"]);
    assert!(stream.can_send());
    assert_eq!(stream.send(&["C"]), Err(SendFailure::MalformedEnvelope));
    let long = stream.send(&["C", "x", "y"]);
    assert_eq!(long, Err(SendFailure::MultipartUnsupported));
}

#[test]
fn sending_nothing_closes_after_what_was_sent() {
    let mut stream = Bench::new(SocketType::Stream);
    let mut other = stream.join_as(guest(0));
    stream.send(&["C", "response"]).expect("room");
    stream.send(&["C", ""]).expect("closes");
    assert_eq!(stream.send(&["C", "more"]), Err(SendFailure::Unroutable));
    assert!(!other.was_hung_up());
    assert_eq!(stream.taken(&mut other), ["response"]);
    assert!(other.is_parted());
    // No word of an end that the application itself brought about.
    assert_eq!(stream.received(), ["C|"]);
}
