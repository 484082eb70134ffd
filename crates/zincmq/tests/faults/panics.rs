//! A panic inside one connection. The hook is a message that panics when the
//! connection drops it, or a task's waker that panics when it is called: either
//! runs within the connection, on whichever thread drives it.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use futures_core::Stream;
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
/// with more bombs behind the first. The connection was dialled, and comes back as
/// after any other loss, but later each time.
#[test]
fn row_38_a_panic_in_the_io_thread_costs_a_dialled_connection_one_message() {
    let _deadline = deadline();
    let context = Context::new();
    let bystanders = Bystanders::new(&context);
    const FIRST: Duration = Duration::from_millis(10);
    for bombs in [1, 3] {
        let push = context.socket(SocketType::Push).unwrap();
        push.set(opt::ReconnectInterval(Some(FIRST))).unwrap();
        let longest = Some(Duration::from_secs(1));
        push.set(opt::ReconnectIntervalMax(longest)).unwrap();
        let mut monitor = push.monitor();
        let listener = testkit::PeerListener::tcp();
        push.connect(listener.endpoint()).unwrap();
        let mut fuses = Vec::new();
        for _ in 0..bombs {
            let (message, off) = bomb(100);
            push.send(message).unwrap();
            fuses.push(off);
        }
        push.send("behind them").unwrap();
        for (round, off) in fuses.iter().enumerate() {
            let mut peer = listener.accept();
            assert!(!off.load(Ordering::SeqCst));
            // Whether it still hears our READY depends on where the panic is.
            peer.send(&wire::greeting(1, "NULL", false));
            peer.send(&wire::ready("PULL", b""));
            eventually("the bomb goes off", || off.load(Ordering::SeqCst));
            await_internal_error(&mut monitor);
            peer.expect_close();
            let least = FIRST * (1 << round);
            let (after, reason) = await_retry(&mut monitor);
            assert!(after >= least && after < least + FIRST, "{after:?}");
            assert_eq!(reason, "an internal error");
            bystanders.check();
        }
        let mut peer = listener.accept_as(Version::V3_1, "PULL");
        peer.expect_message(&[b"behind them"]);
        push.send("still here").unwrap();
        peer.expect_message(&[b"still here"]);
        assert_eq!(push.counters().peers.len(), 1);
    }
    drop(bystanders);
    context.term_timeout(PATIENCE).unwrap();
}

fn await_retry(monitor: &mut Monitor) -> (Duration, String) {
    loop {
        let event = monitor.next_timeout(PATIENCE).expect("the event comes");
        if let EventKind::ConnectRetried { after, reason } = event.kind {
            return (after, reason);
        }
    }
}

/// Who does not want to come back, and who is closed, is gone.
#[test]
fn row_38_a_panic_ends_a_dialled_connection_that_has_nothing_to_come_back_for() {
    let _deadline = deadline();
    let context = Context::new();
    let bystanders = Bystanders::new(&context);
    for close in [false, true] {
        let push = context.socket(SocketType::Push).unwrap();
        if !close {
            push.set(opt::ReconnectInterval(None)).unwrap();
        }
        let listener = testkit::PeerListener::tcp();
        push.connect(listener.endpoint()).unwrap();
        let (message, off) = bomb(100);
        push.send(message).unwrap();
        push.send("never sent").unwrap();
        let push = match close {
            // It lingers.
            true => {
                drop(push);
                None
            }
            false => Some(push),
        };
        let mut peer = listener.accept();
        peer.send(&wire::greeting(1, "NULL", false));
        peer.send(&wire::ready("PULL", b""));
        eventually("the bomb goes off", || off.load(Ordering::SeqCst));
        peer.expect_close();
        if let Some(push) = push {
            eventually("it has no peer", || push.counters().peers.is_empty());
            // It can have others.
            let other = testkit::PeerListener::tcp();
            push.connect(other.endpoint()).unwrap();
            push.send("still here").unwrap();
            let mut peer = other.accept_as(Version::V3_1, "PULL");
            peer.expect_message(&[b"still here"]);
        }
        assert!(listener.try_accept(Duration::from_millis(300)).is_none());
        bystanders.check();
    }
    drop(bystanders);
    context.term_timeout(PATIENCE).unwrap();
}

/// Who watches the connection come about panics, at any step of it.
#[test]
fn row_38_a_panic_while_it_dials_is_an_attempt_that_failed() {
    type Step = fn(&EventKind) -> bool;
    let steps: [Step; 3] = [
        |kind| matches!(kind, EventKind::ConnectDelayed),
        |kind| matches!(kind, EventKind::Connected { .. }),
        |kind| matches!(kind, EventKind::HandshakeSucceeded),
    ];
    let _deadline = deadline();
    let context = Context::new();
    let bystanders = Bystanders::new(&context);
    for step in steps {
        let sub = eager(&context, SocketType::Sub);
        sub.subscribe("").unwrap();
        let listener = testkit::PeerListener::tcp();
        let fuse = Arc::new(Fuse {
            monitor: Mutex::new(sub.monitor()),
            step,
            off: AtomicBool::new(false),
        });
        fuse.watch();
        sub.connect(listener.endpoint()).unwrap();
        let mut peers = Vec::new();
        // Some of its attempts end before they get so far.
        while sub.counters().peers.is_empty()
            || !fuse.off.load(Ordering::SeqCst)
            || !is_served(&sub, peers.last_mut())
        {
            if let Some(mut peer) = listener.try_accept(Duration::from_millis(50)) {
                let script = [wire::greeting(1, "NULL", false), wire::ready("PUB", b"")];
                let _ = peer.try_send(&script.concat());
                peers.push(peer);
            }
        }
        bystanders.check();
    }
    drop(bystanders);
    context.term_timeout(PATIENCE).unwrap();
}

/// Whether what the newest peer publishes arrives.
fn is_served(sub: &Socket, peer: Option<&mut ScriptedPeer>) -> bool {
    let Some(peer) = peer else { return false };
    let _ = peer.try_send(&wire::message(Version::V3_1, &[b"news"]));
    sub.recv_timeout(Duration::from_millis(50)).is_ok()
}

/// A monitor's waker that panics once, at the step it waits for.
struct Fuse {
    monitor: Mutex<Monitor>,
    step: fn(&EventKind) -> bool,
    off: AtomicBool,
}

impl Fuse {
    /// Takes what there is, and waits for more. Whether the step has come.
    fn watch(self: &Arc<Self>) -> bool {
        let waker = Waker::from(Arc::clone(self));
        let mut monitor = self.monitor.lock().unwrap();
        let mut came = false;
        while let Poll::Ready(Some(event)) =
            Pin::new(&mut *monitor).poll_next(&mut TaskContext::from_waker(&waker))
        {
            came |= (self.step)(&event.kind);
        }
        came
    }
}

impl Wake for Fuse {
    fn wake(self: Arc<Self>) {
        if self.watch() && !self.off.swap(true, Ordering::SeqCst) {
            panic!("a test's monitor panics");
        }
    }
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
