//! A panic inside one connection. The hook is a message that panics when the
//! connection drops it, or a task's waker that panics when it is called: either
//! runs within the connection, on whichever thread drives it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Wake, Waker};

use testkit::{ScriptedPeer, Version, eventually, wire};
use zincmq::monitor::{EventKind, Monitor};

use super::*;

/// A payload that panics when its last share is dropped.
struct Bomb(Vec<u8>, Arc<AtomicBool>);

impl AsRef<[u8]> for Bomb {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.1.store(true, Ordering::SeqCst);
        if !std::thread::panicking() {
            panic!("a test's bomb goes off");
        }
    }
}

/// A bomb of so many bytes, and whether it went off.
fn bomb(len: usize) -> (zincmq::Message, Arc<AtomicBool>) {
    let off = Arc::new(AtomicBool::new(false));
    let message = zincmq::raw::message_owning(Bomb(vec![7; len], Arc::clone(&off)));
    (message, off)
}

/// What goes on, whatever happens to others: two sockets of the same context
/// and, over tcp, the same I/O thread.
struct Bystanders {
    push: Socket,
    pull: Socket,
}

impl Bystanders {
    fn new(context: &Context) -> Self {
        let pull = context.socket(SocketType::Pull).unwrap();
        let push = context.socket(SocketType::Push).unwrap();
        push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap())
            .unwrap();
        let bystanders = Self { push, pull };
        bystanders.check();
        bystanders
    }

    fn check(&self) {
        for number in 0..100u32 {
            self.push
                .send_timeout(&number.to_be_bytes()[..], PATIENCE)
                .unwrap();
        }
        for number in 0..100u32 {
            let message = self.pull.recv_timeout(PATIENCE).unwrap();
            assert_eq!(message[0], number.to_be_bytes()[..]);
        }
    }
}

fn await_internal_error(monitor: &mut Monitor) {
    loop {
        let event = monitor.next_timeout(PATIENCE).expect("the event comes");
        if let EventKind::Disconnected { reason, .. } = event.kind {
            assert_eq!(reason, "an internal error");
            return;
        }
    }
}

/// On the thread of the program that sends, for a payload that is copied and for
/// one that is written from where it is.
#[test]
fn row_38_a_panic_in_the_sender_s_thread_ends_one_connection() {
    let _deadline = deadline();
    let context = Context::new();
    let bystanders = Bystanders::new(&context);
    for len in [100, 100_000] {
        let dealer = context.socket(SocketType::Dealer).unwrap();
        let mut monitor = dealer.monitor();
        let endpoint = dealer.bind("tcp://127.0.0.1:*").unwrap();
        let mut first = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "DEALER");
        first.send_message(&[b"hello"]);
        assert_eq!(dealer.recv_timeout(PATIENCE).unwrap()[0], "hello");
        let (message, off) = bomb(len);
        // What was received makes the next send a direct one. It is not its fault.
        dealer.send(message).unwrap();
        eventually("the bomb goes off", || off.load(Ordering::SeqCst));
        await_internal_error(&mut monitor);
        first.expect_close();
        // The socket goes on with others.
        let mut second = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "DEALER");
        second.send_message(&[b"hello"]);
        assert_eq!(dealer.recv_timeout(PATIENCE).unwrap()[0], "hello");
        dealer.send("still here").unwrap();
        second.expect_message(&[b"still here"]);
        assert_eq!(dealer.counters().peers.len(), 1);
        bystanders.check();
    }
    drop(bystanders);
    context.term_timeout(PATIENCE).unwrap();
}

/// On the I/O thread, which writes what was queued when the handshake is over,
/// with more bombs behind the first.
#[test]
fn row_38_a_panic_in_the_io_thread_ends_one_connection() {
    let _deadline = deadline();
    let context = Context::new();
    let bystanders = Bystanders::new(&context);
    for bombs in [1, 3] {
        let push = context.socket(SocketType::Push).unwrap();
        let mut monitor = push.monitor();
        let listener = testkit::PeerListener::tcp();
        push.connect(listener.endpoint()).unwrap();
        let mut fuses = Vec::new();
        for _ in 0..bombs {
            let (message, off) = bomb(100);
            push.send(message).unwrap();
            fuses.push(off);
        }
        let mut peer = listener.accept();
        // Whether it still hears our READY depends on where the panic is.
        peer.send(&wire::greeting(1, "NULL", false));
        peer.send(&wire::ready("PULL", b""));
        eventually("the bombs go off", || {
            fuses.iter().all(|off| off.load(Ordering::SeqCst))
        });
        await_internal_error(&mut monitor);
        peer.expect_close();
        bystanders.check();
        // It has no peer now, and can have others.
        eventually("it has no peer", || push.counters().peers.is_empty());
        let other = testkit::PeerListener::tcp();
        push.connect(other.endpoint()).unwrap();
        push.send("still here").unwrap();
        let mut peer = other.accept_as(Version::V3_1, "PULL");
        peer.expect_message(&[b"still here"]);
    }
    drop(bystanders);
    context.term_timeout(PATIENCE).unwrap();
}

/// In the reading half: who is told of a message panics.
#[test]
fn row_38_a_waker_that_panics_ends_one_connection() {
    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a test's waker panics");
        }
    }

    let _deadline = deadline();
    let context = Context::new();
    let bystanders = Bystanders::new(&context);
    let pull = context.socket(SocketType::Pull).unwrap();
    let mut monitor = pull.monitor();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let mut first = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PUSH");
    eventually("it has a peer", || pull.counters().peers.len() == 1);
    {
        let waker = Waker::from(Arc::new(Panics));
        let mut received = pin!(pull.recv_async());
        let polled = received.as_mut().poll(&mut TaskContext::from_waker(&waker));
        assert!(polled.is_pending());
        first.send_message(&[b"wakes nobody"]);
        first.expect_close();
        await_internal_error(&mut monitor);
    }
    // What had come is there all the same.
    assert_eq!(pull.recv_timeout(PATIENCE).unwrap()[0], "wakes nobody");
    let mut second = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PUSH");
    second.send(&wire::message(Version::V3_1, &[b"still here"]));
    assert_eq!(pull.recv_timeout(PATIENCE).unwrap()[0], "still here");
    bystanders.check();
    drop((bystanders, pull));
    context.term_timeout(PATIENCE).unwrap();
}

/// A backlog of them when the socket closes and the context ends.
#[test]
fn row_38_what_panics_when_it_is_dropped_does_not_hold_up_the_end() {
    let _deadline = deadline();
    let context = Context::new();
    let bystanders = Bystanders::new(&context);
    let push = context.socket(SocketType::Push).unwrap();
    push.set(opt::Linger(Some(Duration::ZERO))).unwrap();
    push.connect(&testkit::PeerListener::unused_endpoint())
        .unwrap();
    let mut fuses = Vec::new();
    for _ in 0..3 {
        let (message, off) = bomb(100);
        push.send(message).unwrap();
        fuses.push(off);
    }
    drop(push);
    eventually("the bombs go off", || {
        fuses.iter().all(|off| off.load(Ordering::SeqCst))
    });
    bystanders.check();
    drop(bystanders);
    context.term_timeout(PATIENCE).unwrap();
}
