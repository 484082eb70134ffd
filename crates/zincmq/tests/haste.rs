//! Sends that do not wait, as C and Python know them, are refused at times
//! though there is room. Nobody may stay refused.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::thread;
use std::time::Duration;

use testkit::Deadline;
use zincmq::error::SendFailure;
use zincmq::{Context, Message, Multipart, Socket, SocketType, opt, raw};

const HWM: usize = 10;
const ROUNDS: usize = 10 * HWM;

/// The first is bound, the second connected.
fn pair(first: SocketType, second: SocketType) -> (Socket, Socket) {
    let ctx = Context::new();
    let [one, two] = [first, second].map(|socket_type| {
        let socket = ctx.socket(socket_type).unwrap();
        socket.set(opt::SendHighWaterMark(HWM)).unwrap();
        socket.set(opt::ReceiveHighWaterMark(HWM)).unwrap();
        socket
    });
    let endpoint = one.bind("tcp://127.0.0.1:*").unwrap();
    two.connect(&endpoint).unwrap();
    (one, two)
}

/// Sends without waiting, and when that is refused by waiting.
fn send(socket: &Socket, message: Multipart) {
    if let Err(error) = raw::try_send(socket, message) {
        assert_eq!(error.failure(), SendFailure::WouldBlock);
        raw::send(socket, error.into_message()).unwrap();
    }
}

#[test]
fn a_request_follows_on_any_number_of_answers() {
    let _deadline = Deadline::new(Duration::from_secs(60));
    let (rep, req) = pair(SocketType::Rep, SocketType::Req);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                let request = raw::recv(&rep).unwrap();
                raw::send(&rep, request).unwrap();
            }
        });
        for _ in 0..ROUNDS {
            send(&req, "again".into());
            assert_eq!(raw::recv(&req).unwrap().first(), "again");
        }
    });
}

#[test]
fn a_request_that_is_refused_is_taken_when_tried_again() {
    let _deadline = Deadline::new(Duration::from_secs(60));
    let (rep, req) = pair(SocketType::Rep, SocketType::Req);
    for _ in 0..ROUNDS {
        while let Err(error) = raw::try_send(&req, "again".into()) {
            assert_eq!(error.failure(), SendFailure::WouldBlock);
        }
        let request = raw::recv(&rep).unwrap();
        raw::send(&rep, request).unwrap();
        raw::recv(&req).unwrap();
    }
}

#[test]
fn who_is_refused_with_a_first_part_is_admitted_later() {
    let _deadline = Deadline::new(Duration::from_secs(60));
    let (pull, push) = pair(SocketType::Pull, SocketType::Push);
    let part = Message::from("part");
    for _ in 0..ROUNDS {
        while let Err(failure) = raw::admits(&push, &part) {
            assert_eq!(failure, SendFailure::WouldBlock);
        }
        send(&push, [part.clone(), part.clone()].into());
        assert_eq!(raw::recv(&pull).unwrap().len(), 2);
    }
}
