//! Signals that reach a thread which waits: they end the waits of C and Python
//! programs, and not those of Rust's.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::thread::JoinHandleExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::pthread::{pthread_kill, pthread_self};
use nix::sys::signal::{
    SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, raise, sigaction,
};
use testkit::Deadline;
use zincmq::error::{PollError, ProxyError, RecvError, SendFailure, TermError};
use zincmq::{Context, PollItem, Poller, Proxy, Readiness, Socket, SocketType, opt, poll, raw};

const ENDPOINTS: [&str; 3] = ["inproc://signals", "tcp://127.0.0.1:*", "ipc://*"];
const LIMIT: Duration = Duration::from_secs(20);
/// One whose handler has system calls begin again, and one whose has not.
const SIGNALS: [Signal; 2] = [Signal::SIGUSR1, Signal::SIGUSR2];

/// One more, which is counted.
const COUNTED: Signal = Signal::SIGWINCH;

fn deadline() -> Deadline {
    Deadline::new(3 * LIMIT)
}

static HANDLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn handle(signal: i32) {
    if signal == COUNTED as i32 {
        HANDLED.fetch_add(1, Ordering::SeqCst);
    }
}

fn install() {
    let none = SaFlags::empty();
    for (signal, flags) in [
        (SIGNALS[0], SaFlags::SA_RESTART),
        (SIGNALS[1], none),
        (COUNTED, none),
    ] {
        let action = SigAction::new(SigHandler::Handler(handle), flags, SigSet::empty());
        // SAFETY: the handler only adds to an atomic.
        unsafe { sigaction(signal, &action) }.unwrap();
    }
}

/// The thread may have ended, but is not joined yet, so its id is still its own.
fn kill<T>(thread: &JoinHandle<T>, signal: Signal) {
    match pthread_kill(thread.as_pthread_t(), signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("cannot send {signal}: {error}"),
    }
}

/// Sends signals to the thread until it ends. One alone might come before the
/// thread sleeps, and then ends no wait, as with any system call.
fn pester<T>(thread: JoinHandle<T>, signal: Signal) -> T {
    let until = Instant::now() + LIMIT;
    while !thread.is_finished() {
        assert!(Instant::now() < until, "a wait goes on in spite of signals");
        kill(&thread, signal);
        thread::sleep(Duration::from_millis(2));
    }
    thread.join().unwrap()
}

/// Joins a thread that has all it waits for.
fn join<T>(thread: JoinHandle<T>) -> T {
    let until = Instant::now() + LIMIT;
    while !thread.is_finished() {
        assert!(Instant::now() < until, "a wait goes on for ever");
        thread::sleep(Duration::from_millis(1));
    }
    thread.join().unwrap()
}

/// Has `wait` interrupted by each kind of signal, on a thread of its own.
fn interrupted<T: Send + 'static>(wait: impl Fn() -> T + Send + Sync + 'static) -> [T; 2] {
    install();
    let wait = Arc::new(wait);
    SIGNALS.map(|signal| {
        let wait = Arc::clone(&wait);
        pester(thread::spawn(move || wait()), signal)
    })
}

fn pair(ctx: &Context, endpoint: &str) -> (Arc<Socket>, Arc<Socket>) {
    let make = || {
        let socket = ctx.socket(SocketType::Pair).unwrap();
        socket.set(opt::SendHighWaterMark(2)).unwrap();
        socket.set(opt::ReceiveHighWaterMark(2)).unwrap();
        Arc::new(socket)
    };
    let (a, b) = (make(), make());
    b.connect(&a.bind(endpoint).unwrap()).unwrap();
    (a, b)
}

#[test]
fn a_receive_ends() {
    let _deadline = deadline();
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, b) = pair(&ctx, endpoint);
        for timeout in [None, Some(LIMIT)] {
            a.set(opt::ReceiveTimeout(timeout)).unwrap();
            let near = Arc::clone(&a);
            for result in interrupted(move || raw::recv(&near)) {
                assert_eq!(result.unwrap_err(), RecvError::Interrupted, "{endpoint}");
            }
        }
        b.send("x").unwrap();
        assert_eq!(raw::recv(&a).unwrap().first(), "x");
    }
}

#[test]
fn a_send_ends_and_gives_the_message_back() {
    let _deadline = deadline();
    let ctx = Context::new();
    let push = Arc::new(ctx.socket(SocketType::Push).unwrap());
    let far = Arc::clone(&push);
    for result in interrupted(move || raw::send(&far, ["to", "nobody"].into())) {
        let error = result.unwrap_err();
        assert_eq!(error.failure(), SendFailure::Interrupted);
        assert_eq!(error.into_message(), ["to", "nobody"]);
    }
    let far = Arc::clone(&push);
    for result in interrupted(move || raw::await_admission(&far, &"first".into())) {
        assert_eq!(result.unwrap_err(), SendFailure::Interrupted);
    }
    // The same where there are connections, all of them full.
    for endpoint in ENDPOINTS {
        let (a, _b) = pair(&ctx, endpoint);
        let near = Arc::clone(&a);
        // Goes on for as long as the system's buffers take any.
        for error in interrupted(move || {
            loop {
                if let Err(error) = raw::send(&near, vec![1; 1 << 20].into()) {
                    break error;
                }
            }
        }) {
            assert_eq!(error.failure(), SendFailure::Interrupted, "{endpoint}");
            assert_eq!(error.into_message().first(), &vec![1; 1 << 20][..]);
        }
        a.set(opt::Linger(Some(Duration::ZERO))).unwrap();
    }
}

#[test]
fn threads_that_wait_for_one_socket_end_one_by_one() {
    let _deadline = deadline();
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, b) = pair(&ctx, endpoint);
        install();
        let waits = || {
            let near = Arc::clone(&a);
            thread::spawn(move || raw::recv(&near))
        };
        let mut threads: Vec<_> = (0..3).map(|_| waits()).collect();
        for signal in SIGNALS {
            let first = pester(threads.remove(0), signal);
            assert_eq!(first.unwrap_err(), RecvError::Interrupted, "{endpoint}");
        }
        b.send("for the last").unwrap();
        let last = join(threads.remove(0));
        assert_eq!(last.unwrap().first(), "for the last");
    }
}

#[test]
fn polls_end() {
    let _deadline = deadline();
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, b) = pair(&ctx, endpoint);
        let (_ours, theirs) = UnixStream::pair().unwrap();
        let near = Arc::clone(&a);
        let fd = theirs.try_clone().unwrap();
        for result in interrupted(move || {
            let mut items = [
                PollItem::socket(&*near, Readiness::READABLE),
                PollItem::fd(&fd, Readiness::READABLE),
            ];
            raw::poll(&mut items, None, None)
        }) {
            assert!(matches!(result, Err(PollError::Interrupted)), "{endpoint}");
        }

        let poller = Arc::new(Poller::new().unwrap());
        poller.add(&*a, 1, Readiness::READABLE).unwrap();
        let shared = Arc::clone(&poller);
        for result in interrupted(move || raw::wait(&shared, Some(LIMIT))) {
            assert!(matches!(result, Err(PollError::Interrupted)), "{endpoint}");
        }
        b.send("x").unwrap();
        assert_eq!(raw::wait(&poller, Some(LIMIT)).unwrap()[0].key, 1);
    }
    // With nothing to wait for but the time.
    for result in interrupted(|| raw::poll(&mut [], Some(LIMIT), None)) {
        assert!(matches!(result, Err(PollError::Interrupted)));
    }
}

#[test]
fn a_terms_wait_ends_and_begins_again() {
    let _deadline = deadline();
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, b) = pair(&ctx, endpoint);
        let same = ctx.clone();
        for result in interrupted(move || raw::term(&same)) {
            assert_eq!(result, Err(TermError::Interrupted));
        }
        assert_eq!(a.try_recv().unwrap_err(), RecvError::Terminated);
        drop((a, b));
        assert_eq!(raw::term(&ctx), Ok(()));
    }
}

#[test]
fn a_proxy_ends() {
    let _deadline = deadline();
    let ctx = Context::new();
    for result in interrupted(move || {
        let (front, back) = (zincmq::pull(&ctx).unwrap(), zincmq::push(&ctx).unwrap());
        front.bind("tcp://127.0.0.1:*").unwrap();
        back.bind("tcp://127.0.0.1:*").unwrap();
        raw::run(&Proxy::new(&front, &back))
    }) {
        assert!(matches!(result, Err(ProxyError::Interrupted)));
    }
}

#[test]
fn in_rust_waits_go_on() {
    let _deadline = deadline();
    install();
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, b) = pair(&ctx, endpoint);
        let near = Arc::clone(&a);
        let waiting = thread::spawn(move || {
            let first = near.recv().unwrap();
            let mut items = [PollItem::socket(&*near, Readiness::READABLE)];
            assert_eq!(poll(&mut items, None).unwrap(), 1);
            let second = near.recv_timeout(LIMIT).unwrap();
            near.send(second).unwrap();
            first
        });
        for _ in 0..2 {
            let enough = HANDLED.load(Ordering::SeqCst) + 10;
            let until = Instant::now() + LIMIT;
            while HANDLED.load(Ordering::SeqCst) < enough {
                assert!(Instant::now() < until, "signals get lost");
                kill(&waiting, COUNTED);
                thread::sleep(Duration::from_millis(1));
            }
            b.send("x").unwrap();
        }
        assert_eq!(b.recv_timeout(LIMIT).unwrap().first(), "x");
        assert_eq!(join(waiting).first(), "x");
    }
}

/// Both sides interrupted all the time: each message comes once, in order.
#[test]
fn nothing_is_lost() {
    let _deadline = deadline();
    const COUNT: usize = 3000;
    install();
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, b) = pair(&ctx, endpoint);
        let sending = thread::spawn(move || {
            for n in 0..COUNT {
                let mut message = n.to_string().into();
                while let Err(error) = raw::send(&b, message) {
                    assert_eq!(error.failure(), SendFailure::Interrupted);
                    message = error.into_message();
                }
            }
            // To be closed when all is received.
            b
        });
        let receiving = thread::spawn(move || {
            for n in 0..COUNT {
                let message = loop {
                    match raw::recv(&a) {
                        Ok(message) => break message,
                        Err(error) => assert_eq!(error, RecvError::Interrupted),
                    }
                };
                assert_eq!(message.first(), &*n.to_string());
            }
        });
        let until = Instant::now() + LIMIT;
        while !receiving.is_finished() {
            assert!(Instant::now() < until, "{endpoint}: messages are missing");
            kill(&sending, SIGNALS[0]);
            kill(&receiving, SIGNALS[0]);
            thread::sleep(Duration::from_micros(200));
        }
        join(receiving);
        join(sending);
    }
}

/// A signal that is blocked but for the sleep ends that and nothing before.
#[test]
fn a_mask_lets_signals_through_during_the_sleep_only() {
    let _deadline = deadline();
    const BLOCKED: Signal = Signal::SIGURG;
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn see(_: i32) {
        SEEN.fetch_add(1, Ordering::SeqCst);
    }
    let action = SigAction::new(
        SigHandler::Handler(see),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    // SAFETY: the handler only adds to an atomic.
    unsafe { sigaction(BLOCKED, &action) }.unwrap();
    let set = SigSet::from(BLOCKED);
    let open = set.thread_swap_mask(SigmaskHow::SIG_BLOCK).unwrap();

    let (mut ours, theirs) = UnixStream::pair().unwrap();
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, b) = pair(&ctx, endpoint);
        let mut items = [
            PollItem::socket(&*a, Readiness::READABLE),
            PollItem::fd(&theirs, Readiness::READABLE),
        ];
        for limit in [None, Some(LIMIT), Some(Duration::ZERO)] {
            let before = SEEN.load(Ordering::SeqCst);
            raise(BLOCKED).unwrap();
            assert_eq!(SEEN.load(Ordering::SeqCst), before, "it is blocked");
            // There is no moment between the sleep and the mask.
            let result = raw::poll(&mut items, limit, Some(open.as_ref()));
            assert!(matches!(result, Err(PollError::Interrupted)), "{endpoint}");
            assert_eq!(SEEN.load(Ordering::SeqCst), before + 1);
            assert!(SigSet::thread_get_mask().unwrap().contains(BLOCKED));
        }
        // Later, while it sleeps.
        let me = pthread_self();
        let until = Instant::now() + LIMIT;
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(5));
                pthread_kill(me, BLOCKED).unwrap();
            });
            let result = raw::poll(&mut items, None, Some(open.as_ref()));
            assert!(matches!(result, Err(PollError::Interrupted)), "{endpoint}");
            assert!(Instant::now() < until);
        });
        // Also before what is ready, but not without a mask.
        b.send("x").unwrap();
        ours.write_all(b"x").unwrap();
        while poll(&mut items, Some(LIMIT)).unwrap() < 2 {}
        let before = SEEN.load(Ordering::SeqCst);
        raise(BLOCKED).unwrap();
        assert_eq!(raw::poll(&mut items, Some(LIMIT), None).unwrap(), 2);
        assert_eq!(SEEN.load(Ordering::SeqCst), before);
        let result = raw::poll(&mut items, Some(LIMIT), Some(open.as_ref()));
        assert!(matches!(result, Err(PollError::Interrupted)), "{endpoint}");
        assert_eq!(SEEN.load(Ordering::SeqCst), before + 1);
        let result = raw::poll(&mut items, Some(LIMIT), Some(open.as_ref()));
        assert_eq!(result.unwrap(), 2);
        (&theirs).read_exact(&mut [0]).unwrap();
    }
}

/// A signal is seen before a message that was sent after it, however soon after.
#[test]
fn with_a_mask_a_signal_comes_before_what_follows_it() {
    let _deadline = deadline();
    const BLOCKED: Signal = Signal::SIGXCPU;
    const ROUNDS: u64 = 1000;
    let action = SigAction::new(
        SigHandler::Handler(handle),
        SaFlags::empty(),
        SigSet::empty(),
    );
    // SAFETY: the handler only adds to an atomic.
    unsafe { sigaction(BLOCKED, &action) }.unwrap();
    let set = SigSet::from(BLOCKED);
    let open = set.thread_swap_mask(SigmaskHow::SIG_BLOCK).unwrap();
    let me = pthread_self();
    let mut wrong = Vec::new();
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, b) = pair(&ctx, endpoint);
        let begun = AtomicU64::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    while begun.load(Ordering::SeqCst) < round {
                        thread::yield_now();
                    }
                    // While the other looks, before it sleeps and after.
                    let until = Instant::now() + Duration::from_nanos(round * 97 % 20_000);
                    while Instant::now() < until {}
                    pthread_kill(me, BLOCKED).unwrap();
                    b.send("x").unwrap();
                }
            });
            for round in 1..=ROUNDS {
                begun.store(round, Ordering::SeqCst);
                let mut items = [PollItem::socket(&*a, Readiness::READABLE)];
                let mut look = || raw::poll(&mut items, Some(LIMIT), Some(open.as_ref()));
                let (first, then) = (look(), look());
                if !matches!((&first, &then), (Err(PollError::Interrupted), Ok(1))) {
                    wrong.push(format!("{endpoint}, round {round}: {first:?}, {then:?}"));
                }
                a.recv_timeout(LIMIT).unwrap();
            }
        });
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
