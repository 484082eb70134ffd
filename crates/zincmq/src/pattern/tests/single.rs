//! CLIENT, SCATTER, GATHER and CHANNEL.

use super::{Bench, full_at};
use crate::SocketType::{Channel, Client, Gather, Scatter};
use crate::error::{RecvFailure, SendFailure};

#[test]
fn messages_of_several_parts_are_not_sent() {
    for socket_type in [Client, Scatter, Channel] {
        let mut socket = Bench::new(socket_type);
        let mut other = socket.join();
        assert_eq!(
            socket.send(&["one", "two"]),
            Err(SendFailure::MultipartUnsupported),
            "{socket_type}"
        );
        assert_eq!(socket.send(&["one"]), Ok(()));
        assert_eq!(socket.taken(&mut other), ["one"], "{socket_type}");
    }
}

#[test]
fn messages_of_several_parts_are_not_received() {
    for socket_type in [Client, Gather, Channel] {
        let mut socket = Bench::new(socket_type);
        let mut other = socket.join();
        socket.hear(&mut other, &["one", "two"]);
        assert!(!socket.can_recv(), "{socket_type}");
        assert_eq!(socket.recv(), Err(RecvFailure::WouldBlock));
        socket.hear(&mut other, &["three", "four"]);
        socket.hear(&mut other, &["five"]);
        assert!(socket.can_recv(), "{socket_type}");
        assert_eq!(socket.recv().as_deref(), Ok("five"));
        assert_eq!(socket.drops().filtered, 2, "{socket_type}");
    }
}

#[test]
fn what_they_cannot_do_names_them() {
    let mut scatter = Bench::new(Scatter);
    let mut other = scatter.join();
    scatter.hear(&mut other, &["unwanted"]);
    assert_eq!(scatter.recv(), Err(RecvFailure::CannotReceive(Scatter)));
    assert!(!scatter.can_recv());
    assert_eq!(scatter.drops().filtered, 1);
    let mut gather = Bench::new(Gather);
    let _other = gather.join();
    assert_eq!(gather.send(&["x"]), Err(SendFailure::CannotSend(Gather)));
    assert!(!gather.can_send());
}

#[test]
fn scatter_and_client_take_turns() {
    for socket_type in [Scatter, Client] {
        let mut socket = Bench::new(socket_type);
        let mut small = socket.join_as(full_at(1));
        let mut large = socket.join();
        for n in ["0", "1", "2"] {
            socket.send(&[n]).expect("room");
        }
        assert_eq!(socket.taken(&mut small).concat(), "0", "{socket_type}");
        assert_eq!(socket.taken(&mut large).concat(), "12", "{socket_type}");
    }
}

#[test]
fn without_room_they_wait() {
    for socket_type in [Scatter, Client, Channel] {
        let mut socket = Bench::new(socket_type);
        assert!(!socket.can_send());
        assert_eq!(socket.send(&["x"]), Err(SendFailure::WouldBlock));
        let mut other = socket.join_as(full_at(1));
        assert!(socket.can_send(), "{socket_type}");
        assert_eq!(socket.send(&["1"]), Ok(()));
        assert_eq!(socket.send(&["2"]), Err(SendFailure::WouldBlock));
        assert_eq!(socket.taken(&mut other), ["1"]);
        assert_eq!(socket.send(&["2"]), Ok(()), "{socket_type}");
    }
}

#[test]
fn gather_and_client_receive_in_turn() {
    for socket_type in [Gather, Client] {
        let mut socket = Bench::new(socket_type);
        let mut others = socket.join_many(3);
        for half in ["a", "b"] {
            for other in &mut others {
                socket.hear(other, &[half]);
            }
        }
        socket.leave(&mut others[0]);
        assert_eq!(socket.received().concat(), "aaabbb", "{socket_type}");
        assert!(!socket.is_attached(&others[0]));
    }
}

#[test]
fn a_channel_has_one_peer() {
    let mut channel = Bench::new(Channel);
    let mut first = channel.join();
    let second = channel.join();
    assert!(second.was_hung_up());
    channel.send(&["only"]).expect("room");
    assert_eq!(channel.taken(&mut first), ["only"]);
    channel.leave(&mut first);
    let third = channel.join();
    assert!(!third.was_hung_up());
}
