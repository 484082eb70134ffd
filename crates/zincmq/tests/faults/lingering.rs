//! Sockets that close with a backlog.

use std::thread;
use std::time::Duration;
use std::time::Instant;

use testkit::{PATIENCE, PeerListener, ScriptedPeer, Version, eventually};
use zincmq::error::TermError;
use zincmq::options::opt;
use zincmq::{Context, Socket, SocketType};

use super::{deadline, eager};

/// Transports over which a backlog can be had.
const BACKLOG_ENDPOINTS: [&str; 2] = ["tcp://127.0.0.1:*", "ipc://*"];

const BACKLOG: u32 = 1500;

#[test]
fn row_27_linger_without_limit_sends_everything() {
    let deadline = deadline();
    for endpoint in BACKLOG_ENDPOINTS {
        deadline.step(endpoint);
        let context = Context::new();
        let (push, mut peer) = backlog(&context, endpoint, None);
        drop(push);
        let term = {
            let context = context.clone();
            thread::spawn(move || context.term())
        };
        thread::sleep(Duration::from_millis(100));
        assert!(!term.is_finished(), "it did not wait");
        for index in 0..BACKLOG {
            let message = peer.read_message();
            assert!(message.len() == 1 && message[0].len() == 10_000);
            assert_eq!(message[0][..4], index.to_be_bytes());
        }
        term.join().unwrap().unwrap();
        assert!(peer.expect_close().is_empty());
    }
}

#[test]
fn row_27_linger_of_nothing_ends_at_once() {
    let deadline = deadline();
    for endpoint in BACKLOG_ENDPOINTS {
        deadline.step(endpoint);
        let context = Context::new();
        let (push, mut peer) = backlog(&context, endpoint, Some(Duration::ZERO));
        drop(push);
        context.term().unwrap();
        let rest = peer.expect_close();
        assert!(rest.len() < BACKLOG as usize * 10_002, "all was sent");
    }
}

#[test]
fn row_27_linger_with_a_limit_ends_then() {
    let deadline = deadline();
    for endpoint in BACKLOG_ENDPOINTS {
        deadline.step(endpoint);
        let limit = Duration::from_millis(300);
        let context = Context::new();
        let (push, peer) = backlog(&context, endpoint, Some(limit));
        let start = Instant::now();
        drop(push);
        context.term().unwrap();
        assert!(start.elapsed() >= limit, "{:?}", start.elapsed());
        drop(peer);
        // With time enough it does not wait for the limit.
        let context = Context::new();
        let (push, mut peer) = backlog(&context, endpoint, Some(Duration::from_secs(3600)));
        drop(push);
        for _ in 0..BACKLOG {
            peer.read_message();
        }
        context.term().unwrap();
    }
}

#[test]
fn row_27_linger_covers_peers_that_are_yet_to_come() {
    let _deadline = deadline();
    let endpoint = PeerListener::unused_endpoint();
    let context = Context::new();
    let push = eager(&context, SocketType::Push);
    push.connect(&endpoint).unwrap();
    push.send("early").unwrap();
    drop(push);
    assert_eq!(
        context.term_timeout(Duration::from_millis(50)),
        Err(TermError::TimedOut { open: 1 })
    );
    let listener = PeerListener::tcp_at(&endpoint);
    let mut peer = listener.accept_as(Version::V3_1, "PULL");
    peer.expect_message(&[b"early"]);
    context.term().unwrap();
}

/// A PUSH with more queued than the system takes, and its peer, who does not
/// read so far.
fn backlog(context: &Context, endpoint: &str, linger: Option<Duration>) -> (Socket, ScriptedPeer) {
    let push = context.socket(SocketType::Push).unwrap();
    push.set(opt::Linger(linger)).unwrap();
    push.set(opt::SendHighWaterMark(100_000)).unwrap();
    let endpoint = push.bind(endpoint).unwrap();
    let peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PULL");
    for index in 0..BACKLOG {
        let mut body = vec![7; 10_000];
        body[..4].copy_from_slice(&index.to_be_bytes());
        push.send_timeout(body, PATIENCE).unwrap();
    }
    eventually("the system is full", || {
        let queued = push.counters().queued_out;
        thread::sleep(Duration::from_millis(10));
        queued == push.counters().queued_out
    });
    assert!(push.counters().queued_out > 0, "no backlog came about");
    (push, peer)
}

/// A linger time that nobody needs keeps nothing alive.
#[test]
fn a_long_linger_time_ends_with_the_last_message() {
    let _deadline = deadline();
    // Others in this process have threads of their own; these have a name.
    let threads = || {
        let names = std::fs::read_dir("/proc/self/task").unwrap();
        let names = names.filter_map(|task| {
            let path = task.unwrap().path().join("comm");
            std::fs::read_to_string(path).ok()
        });
        names.filter(|name| name.starts_with("lingers")).count()
    };
    for _ in 0..5 {
        let context = Context::new();
        context
            .set_by_name("THREAD_NAME_PREFIX", "lingers")
            .unwrap();
        let pull = context.socket(SocketType::Pull).unwrap();
        let push = context.socket(SocketType::Push).unwrap();
        let hour = Duration::from_secs(3600);
        push.set(opt::Linger(Some(hour))).unwrap();
        push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap())
            .unwrap();
        push.send("x").unwrap();
        pull.recv_timeout(PATIENCE).unwrap();
        assert!(threads() > 0);
    }
    while threads() > 0 {
        thread::sleep(Duration::from_millis(1));
    }
}

/// A disconnect keeps to the linger time as a close does (zmq_disconnect(3)).
#[test]
fn a_disconnect_lingers_no_longer_than_it_should() {
    let deadline = deadline();
    for limit in [Duration::ZERO, Duration::from_millis(20)] {
        deadline.step(format!("{limit:?}"));
        let context = Context::new();
        let push = eager(&context, SocketType::Push);
        push.set(opt::Linger(Some(limit))).unwrap();
        let endpoint = PeerListener::unused_endpoint();
        push.connect(&endpoint).unwrap();
        for _ in 0..3 {
            push.send("x").unwrap();
        }
        push.disconnect(&endpoint).unwrap();
        eventually("the messages are given up", || push.counters().lost == 3);
        let listener = PeerListener::tcp_at(&endpoint);
        assert!(listener.try_accept(Duration::from_millis(50)).is_none());
    }
}
