//! Sockets in event loops of others: programs that sleep on the descriptor
//! and nothing else, edge-triggered and level-triggered.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use testkit::Deadline;
use zincmq::error::{OptionError, RecvError, SendFailure};
use zincmq::options::OptionValue;
use zincmq::{Context, Multipart, Socket, SocketType, opt, raw};

const ENDPOINTS: [&str; 3] = ["inproc://loop", "tcp://127.0.0.1:*", "ipc://*"];

/// Nothing here should take as long.
const LIMIT: Timespec = Timespec {
    tv_sec: 20,
    tv_nsec: 0,
};
const NOW: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};
const IN: i32 = 1;
const OUT: i32 = 2;

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(120))
}

fn events(socket: &Socket) -> i32 {
    match socket.option_by_name("EVENTS").unwrap() {
        OptionValue::Int(events) => events,
        other => panic!("EVENTS is {other:?}"),
    }
}

fn is_readable_within(socket: &Socket, limit: &Timespec) -> bool {
    let fd = socket.readiness_fd().unwrap();
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    poll(&mut fds, Some(limit)).unwrap() == 1
}

fn is_readable(socket: &Socket) -> bool {
    is_readable_within(socket, &NOW)
}

/// Waits as a loop does, until EVENTS has what is waited for.
fn await_events(socket: &Socket, wanted: i32) {
    while events(socket) & wanted != wanted {
        assert!(is_readable_within(socket, &LIMIT), "events never came");
    }
}

fn socket(ctx: &Context, socket_type: SocketType, hwm: usize) -> Socket {
    let socket = ctx.socket(socket_type).unwrap();
    socket.set(opt::SendHighWaterMark(hwm)).unwrap();
    socket.set(opt::ReceiveHighWaterMark(hwm)).unwrap();
    socket
}

/// Sleeps until the descriptor tells that something may have changed.
struct Loop {
    epoll: Option<std::os::fd::OwnedFd>,
}

impl Loop {
    fn edge_triggered(socket: &Socket) -> Self {
        let epoll = epoll::create(CreateFlags::CLOEXEC).unwrap();
        let fd = socket.readiness_fd().unwrap();
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(&epoll, fd, EventData::new_u64(0), flags).unwrap();
        Self { epoll: Some(epoll) }
    }

    fn level_triggered() -> Self {
        Self { epoll: None }
    }

    fn sleep(&self, socket: &Socket) {
        let woken = match &self.epoll {
            None => is_readable_within(socket, &LIMIT),
            Some(epoll) => {
                let mut room = [Event {
                    flags: EventFlags::empty(),
                    data: EventData::new_u64(0),
                }; 4];
                epoll::wait(epoll, &mut room, Some(&LIMIT)).unwrap() > 0
            }
        };
        assert!(woken, "the loop hangs: {socket:?}");
    }
}

/// Sends and receives `count` messages, as far as EVENTS says that it can.
fn stream(socket: &Socket, sleeper: &Loop, count: u32) {
    let (mut sent, mut received) = (0, 0);
    while sent < count || received < count {
        let now = events(socket);
        let mut worked = false;
        if now & OUT != 0 && sent < count {
            socket.try_send(sent.to_string()).unwrap();
            sent += 1;
            worked = true;
        }
        if now & IN != 0 {
            let message = socket.try_recv().unwrap();
            assert_eq!(message.first(), &*received.to_string());
            received += 1;
            worked = true;
        }
        if !worked {
            sleeper.sleep(socket);
        }
    }
}

/// The same, but learns what can be done by trying to, as C programs send.
fn stream_by_trying(socket: &Socket, sleeper: &Loop, count: u32) {
    let (mut sent, mut received) = (0, 0);
    while sent < count || received < count {
        let mut worked = false;
        while sent < count {
            match raw::try_send(socket, sent.to_string().into()) {
                Ok(()) => (sent, worked) = (sent + 1, true),
                Err(error) => {
                    assert_eq!(error.failure(), SendFailure::WouldBlock);
                    break;
                }
            }
        }
        loop {
            match socket.try_recv() {
                Ok(message) => {
                    assert_eq!(message.first(), &*received.to_string());
                    (received, worked) = (received + 1, true);
                }
                Err(error) => {
                    assert_eq!(error, RecvError::WouldBlock);
                    break;
                }
            }
        }
        if !worked {
            sleeper.sleep(socket);
        }
    }
}

#[test]
fn streams_both_ways_never_hang() {
    let _deadline = deadline();
    const COUNT: u32 = 3000;
    for endpoint in ENDPOINTS {
        for by_trying in [false, true] {
            for is_edge in [false, true] {
                let ctx = Context::new();
                // So small that each side waits for the other all the time.
                let a = socket(&ctx, SocketType::Dealer, 7);
                let b = socket(&ctx, SocketType::Dealer, 7);
                let at = a.bind(endpoint).unwrap();
                b.connect(&at).unwrap();
                let work = |socket: &Socket| {
                    let sleeper = match is_edge {
                        true => Loop::edge_triggered(socket),
                        false => Loop::level_triggered(),
                    };
                    match by_trying {
                        true => stream_by_trying(socket, &sleeper, COUNT),
                        false => stream(socket, &sleeper, COUNT),
                    }
                };
                thread::scope(|scope| {
                    scope.spawn(|| work(&a));
                    scope.spawn(|| work(&b));
                });
            }
        }
    }
}

#[test]
fn requests_one_at_a_time_never_hang() {
    let _deadline = deadline();
    const ROUNDS: u32 = 1000;
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let rep = ctx.socket(SocketType::Rep).unwrap();
        let at = rep.bind(endpoint).unwrap();
        let serve = || {
            let sleeper = Loop::edge_triggered(&rep);
            for _ in 0..ROUNDS {
                while events(&rep) & IN == 0 {
                    sleeper.sleep(&rep);
                }
                let request = rep.try_recv().unwrap();
                rep.try_send(request).unwrap();
            }
        };
        let ask = || {
            let req = ctx.socket(SocketType::Req).unwrap();
            let sleeper = Loop::edge_triggered(&req);
            req.connect(&at).unwrap();
            for round in 0..ROUNDS {
                while events(&req) & OUT == 0 {
                    sleeper.sleep(&req);
                }
                req.try_send(round.to_string()).unwrap();
                while events(&req) & IN == 0 {
                    sleeper.sleep(&req);
                }
                assert_eq!(req.try_recv().unwrap().first(), &*round.to_string());
            }
        };
        thread::scope(|scope| {
            scope.spawn(serve);
            scope.spawn(ask);
        });
    }
}

#[test]
fn many_peers_and_a_loop_that_reads_them_all() {
    let _deadline = deadline();
    const EACH: usize = 200;
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let pull = socket(&ctx, SocketType::Pull, 3);
        let at = pull.bind(endpoint).unwrap();
        let sleeper = Loop::edge_triggered(&pull);
        thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| {
                    let push = socket(&ctx, SocketType::Push, 3);
                    push.connect(&at).unwrap();
                    for _ in 0..EACH {
                        push.send("x").unwrap();
                    }
                });
            }
            for _ in 0..5 * EACH {
                while events(&pull) & IN == 0 {
                    sleeper.sleep(&pull);
                }
                pull.try_recv().unwrap();
            }
        });
    }
}

#[test]
fn tells_of_a_peer_of_room_and_of_a_message() {
    let _deadline = deadline();
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let push = socket(&ctx, SocketType::Push, 1);
        assert!(is_readable(&push), "it is so from the start");
        let at = push.bind(endpoint).unwrap();
        assert_eq!(events(&push), 0);
        assert!(!is_readable(&push));

        let pull = socket(&ctx, SocketType::Pull, 1);
        assert!(is_readable(&pull));
        pull.connect(&at).unwrap();
        await_events(&push, OUT);
        let mut sent = 0;
        // Fills the pipes, and the system's buffers with them.
        let long = vec![0u8; 1 << 20];
        while events(&push) != 0 {
            while push
                .send_timeout(&long[..], Duration::from_millis(50))
                .is_ok()
            {
                sent += 1;
            }
        }
        for _ in 0..sent {
            await_events(&pull, IN);
            assert_eq!(pull.try_recv().unwrap().first().len(), long.len());
        }
        await_events(&push, OUT);
        push.try_send("last").unwrap();
        await_events(&pull, IN);
        assert_eq!(pull.try_recv().unwrap().first(), "last");
        assert_eq!(events(&pull), 0);
        assert!(!is_readable(&pull));
    }
}

#[test]
fn a_look_makes_it_unreadable_even_if_there_is_more_to_do() {
    let _deadline = deadline();
    let ctx = Context::new();
    let pull = ctx.socket(SocketType::Pull).unwrap();
    pull.bind("inproc://look").unwrap();
    let push = ctx.socket(SocketType::Push).unwrap();
    push.connect("inproc://look").unwrap();
    assert_eq!(events(&pull), 0);
    push.send("x").unwrap();
    assert!(is_readable(&pull));
    assert!(is_readable(&pull), "nobody has looked");
    assert_eq!(events(&pull), IN);
    assert!(!is_readable(&pull));
    assert_eq!(events(&pull), IN);
    pull.try_recv().unwrap();
    assert_eq!(events(&pull), 0);
    push.send("y").unwrap();
    assert!(is_readable(&pull));
    assert_eq!(pull.try_recv().unwrap().first(), "y");
    assert_eq!(pull.try_recv().unwrap_err(), RecvError::WouldBlock);
    assert!(!is_readable(&pull));
    push.send("z").unwrap();
    assert!(pull.can_recv());
    assert!(!is_readable(&pull));
    pull.try_recv().unwrap();
}

#[test]
fn what_other_threads_send_takes_no_message_from_the_loop() {
    let _deadline = deadline();
    let ctx = Context::new();
    let a = socket(&ctx, SocketType::Pair, 1);
    let b = socket(&ctx, SocketType::Pair, 1);
    a.bind("inproc://shared").unwrap();
    b.connect("inproc://shared").unwrap();
    assert_eq!(events(&a), OUT);
    b.send("news").unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            a.send("x").unwrap();
            while a.try_send("x").is_ok() {}
            let failure = a.send_timeout("x", Duration::from_millis(5)).unwrap_err();
            assert_eq!(failure.failure(), SendFailure::TimedOut);
        });
    });
    assert!(is_readable(&a));
    assert_eq!(a.recv().unwrap().first(), "news");
}

#[test]
fn a_look_one_way_does_not_lose_what_is_awaited_the_other_way() {
    let _deadline = deadline();
    let ctx = Context::new();
    let a = socket(&ctx, SocketType::Pair, 1);
    let b = socket(&ctx, SocketType::Pair, 1);
    a.bind("inproc://ways").unwrap();
    b.connect("inproc://ways").unwrap();
    a.readiness_fd().unwrap();
    while a.try_send("x").is_ok() {}
    // Room, which was awaited, and then a look for messages.
    while b.try_recv().is_ok() {}
    assert_eq!(a.try_recv().unwrap_err(), RecvError::WouldBlock);
    assert!(is_readable(&a));
    // Told once; it is a look at the other way that counts.
    assert_eq!(a.try_recv().unwrap_err(), RecvError::WouldBlock);
    assert!(!is_readable(&a));
    // A message, which was awaited, and then a look for room.
    b.send("news").unwrap();
    while a.try_send("x").is_ok() {}
    assert!(is_readable(&a));
    assert!(!a.can_send());
    assert!(!is_readable(&a));
    assert_eq!(a.try_recv().unwrap().first(), "news");
}

/// What C's sends are told in haste, no event loop could wait to end.
#[test]
fn who_waits_for_room_is_not_refused_in_haste() {
    let _deadline = deadline();
    let ctx = Context::new();
    let publisher = socket(&ctx, SocketType::Pub, 4);
    publisher.set(opt::XpubNoDrop(true)).unwrap();
    let subscriber = socket(&ctx, SocketType::Sub, 4);
    publisher.bind("inproc://haste").unwrap();
    subscriber.connect("inproc://haste").unwrap();
    subscriber.subscribe("").unwrap();
    publisher.readiness_fd().unwrap();
    for _ in 0..100 {
        let mut sent = 0;
        while raw::try_send(&publisher, "x".into()).is_ok() {
            sent += 1;
        }
        assert!(sent > 0 && !is_readable(&publisher));
        for _ in 0..sent {
            subscriber.try_recv().unwrap();
        }
        assert!(is_readable(&publisher));
        raw::try_send(&publisher, "x".into()).unwrap();
        subscriber.try_recv().unwrap();
    }
}

#[test]
fn the_option_is_the_same_descriptor() {
    let _deadline = deadline();
    let ctx = Context::new();
    for socket_type in [SocketType::Req, SocketType::Router, SocketType::Stream] {
        let socket = ctx.socket(socket_type).unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&socket.readiness_fd().unwrap());
        assert_eq!(socket.option_by_name("FD"), Ok(OptionValue::Int(fd)));
        assert_eq!(socket.option_by_number(14), Ok(OptionValue::Int(fd)));
    }
}

#[test]
fn the_end_is_told_of_for_ever() {
    let _deadline = deadline();
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let pair = ctx.socket(SocketType::Pair).unwrap();
        pair.bind(endpoint).unwrap();
        assert_eq!(events(&pair), 0);
        let sleeper = Loop::edge_triggered(&pair);
        sleeper.sleep(&pair);
        assert_eq!(events(&pair), 0);
        thread::scope(|scope| {
            scope.spawn(|| {
                sleeper.sleep(&pair);
                let asked = pair.option_by_name("EVENTS");
                assert_eq!(asked.unwrap_err(), OptionError::Terminated);
            });
            ctx.shutdown();
        });
        let asked = pair.option_by_name("EVENTS");
        assert_eq!(asked.unwrap_err(), OptionError::Terminated);
        assert!(!pair.can_recv());
        assert!(matches!(pair.readiness_fd(), Err(OptionError::Terminated)));

        let ctx = Context::new();
        let pair = ctx.socket(SocketType::Pair).unwrap();
        pair.bind(endpoint).unwrap();
        assert_eq!(events(&pair), 0);
        let fd = pair.readiness_fd().unwrap();
        pair.close();
        // Still there, as the socket object is.
        for _ in 0..2 {
            let mut fds = [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)];
            assert_eq!(poll(&mut fds, Some(&LIMIT)).unwrap(), 1);
            assert_eq!(fds[0].revents(), PollFlags::IN);
            assert_eq!(pair.try_recv().unwrap_err(), RecvError::Closed);
        }
        assert!(matches!(pair.readiness_fd(), Err(OptionError::Closed)));
    }
}

/// Ends sockets again and again while a loop is about to sleep.
#[test]
fn no_loop_misses_the_end() {
    let _deadline = deadline();
    for round in 0..300 {
        let ctx = Context::new();
        let pair = ctx.socket(SocketType::Pair).unwrap();
        let sleeper = Loop::edge_triggered(&pair);
        thread::scope(|scope| {
            scope.spawn(|| {
                while pair.option_by_name("EVENTS") == Ok(OptionValue::Int(0)) {
                    sleeper.sleep(&pair);
                }
            });
            match round % 2 {
                0 => ctx.shutdown(),
                _ => pair.close(),
            }
        });
    }
}

#[test]
fn a_loop_and_a_blocked_thread_share_a_socket() {
    let _deadline = deadline();
    const COUNT: u32 = 2000;
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let near = socket(&ctx, SocketType::Dealer, 5);
        let far = socket(&ctx, SocketType::Dealer, 5);
        let at = near.bind(endpoint).unwrap();
        far.connect(&at).unwrap();
        let sleeper = Loop::edge_triggered(&near);
        thread::scope(|scope| {
            // Blocks in sends while the loop receives.
            scope.spawn(|| {
                for n in 0..COUNT {
                    near.send(n.to_string()).unwrap();
                }
            });
            scope.spawn(|| {
                for _ in 0..COUNT {
                    let echo: Multipart = far.recv().unwrap();
                    far.send(echo).unwrap();
                }
            });
            for n in 0..COUNT {
                while !near.can_recv() {
                    sleeper.sleep(&near);
                }
                assert_eq!(near.try_recv().unwrap().first(), &*n.to_string());
            }
        });
    }
}
