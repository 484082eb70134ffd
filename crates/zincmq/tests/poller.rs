//! Poller over sockets and descriptors, by threads and by tasks.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use zincmq::error::PollError;
use zincmq::{Context, PollItem, Poller, Readiness, SocketType, poll, raw};

const LIMIT: Option<Duration> = Some(Duration::from_secs(10));

fn pair_over(endpoint: &str, ctx: &Context) -> (zincmq::Pair, zincmq::Pair) {
    let a = zincmq::pair(ctx).expect("a context that is open");
    let b = zincmq::pair(ctx).expect("a context that is open");
    let at = a.bind(endpoint).expect("a free endpoint");
    b.connect(&at).expect("an endpoint that is bound");
    (a, b)
}

const ENDPOINTS: [&str; 3] = ["inproc://poller", "tcp://127.0.0.1:*", "ipc://*"];

#[test]
fn tells_what_is_ready_until_it_is_seen_to() {
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, b) = pair_over(endpoint, &ctx);
        let poller = Poller::new().unwrap();
        poller.add(&a, 1, Readiness::READABLE).unwrap();
        assert!(poller.wait(Some(Duration::ZERO)).unwrap().is_empty());
        b.send("x").unwrap();
        for _ in 0..2 {
            let events = poller.wait(LIMIT).unwrap();
            assert_eq!(events.len(), 1, "{endpoint}");
            assert_eq!((events[0].key, events[0].ready), (1, Readiness::READABLE));
        }
        assert_eq!(a.recv().unwrap().first(), "x");
        assert!(
            poller
                .wait(Some(Duration::from_millis(5)))
                .unwrap()
                .is_empty()
        );
        poller
            .modify(1, Readiness::READABLE | Readiness::WRITABLE)
            .unwrap();
        let events = poller.wait(LIMIT).unwrap();
        assert_eq!(events[0].ready, Readiness::WRITABLE);
    }
}

#[test]
fn a_sleeping_wait_is_woken_by_what_comes() {
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, b) = pair_over(endpoint, &ctx);
        let (c, _d) = pair_over("tcp://127.0.0.1:*", &ctx);
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let poller = Arc::new(Poller::new().unwrap());
        poller.add(&a, 1, Readiness::READABLE).unwrap();
        poller.add(&c, 2, Readiness::READABLE).unwrap();
        poller.add_fd(&theirs, 3, Readiness::READABLE).unwrap();
        for round in 0..20 {
            let waiter = Arc::clone(&poller);
            let waiting = thread::spawn(move || waiter.wait(LIMIT).unwrap());
            thread::sleep(Duration::from_millis(3));
            if round % 2 == 0 {
                b.send("x").unwrap();
                assert_eq!(waiting.join().unwrap()[0].key, 1, "{endpoint}");
                a.recv().unwrap();
            } else {
                ours.write_all(b"x").unwrap();
                assert_eq!(waiting.join().unwrap()[0].key, 3, "{endpoint}");
                std::io::Read::read_exact(&mut &theirs, &mut [0]).unwrap();
            }
        }
    }
}

#[test]
fn many_sockets_at_once() {
    let ctx = Context::new();
    let pairs: Vec<_> = (0..20)
        .map(|n| {
            pair_over(
                if n % 2 == 0 {
                    "tcp://127.0.0.1:*"
                } else {
                    "ipc://*"
                },
                &ctx,
            )
        })
        .collect();
    let poller = Poller::new().unwrap();
    for (key, (a, _)) in pairs.iter().enumerate() {
        poller.add(a, key, Readiness::READABLE).unwrap();
    }
    for (key, (a, b)) in pairs.iter().enumerate() {
        b.send("x").unwrap();
        let events = poller.wait(LIMIT).unwrap();
        assert_eq!(
            events.iter().map(|event| event.key).collect::<Vec<_>>(),
            [key]
        );
        a.recv().unwrap();
    }
}

#[test]
fn what_another_thread_adds_and_removes_counts_at_once() {
    let ctx = Context::new();
    let (a, b) = pair_over("tcp://127.0.0.1:*", &ctx);
    let poller = Arc::new(Poller::new().unwrap());
    let (idle, _far) = pair_over("inproc://idle", &ctx);
    poller.add(&idle, 0, Readiness::READABLE).unwrap();
    b.send("x").unwrap();

    let waiter = Arc::clone(&poller);
    let waiting = thread::spawn(move || waiter.wait(LIMIT).unwrap());
    thread::sleep(Duration::from_millis(5));
    poller.add(&a, 9, Readiness::READABLE).unwrap();
    assert_eq!(waiting.join().unwrap()[0].key, 9);

    poller.remove(9).unwrap();
    let start = Instant::now();
    assert!(
        poller
            .wait(Some(Duration::from_millis(20)))
            .unwrap()
            .is_empty()
    );
    assert!(start.elapsed() >= Duration::from_millis(20));
    assert!(matches!(poller.remove(9), Err(PollError::UnknownKey(9))));
    assert!(matches!(
        poller.add(&idle, 5, Readiness::NONE),
        Err(PollError::AlreadyAdded(0))
    ));
    assert!(matches!(
        poller.add(&a, 0, Readiness::NONE),
        Err(PollError::KeyInUse(0))
    ));
}

#[test]
fn several_threads_wait_on_one_poller() {
    let ctx = Context::new();
    let (a, b) = pair_over("tcp://127.0.0.1:*", &ctx);
    let poller = Arc::new(Poller::new().unwrap());
    poller.add(&a, 1, Readiness::READABLE).unwrap();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let poller = Arc::clone(&poller);
            thread::spawn(move || poller.wait(LIMIT).unwrap().len())
        })
        .collect();
    thread::sleep(Duration::from_millis(5));
    b.send("x").unwrap();
    for thread in waiting {
        assert_eq!(thread.join().unwrap(), 1);
    }
}

#[test]
fn a_poll_and_a_receive_share_a_socket() {
    let ctx = Context::new();
    let (a, b) = pair_over("tcp://127.0.0.1:*", &ctx);
    let a = Arc::new(a);
    let poller = Poller::new().unwrap();
    poller.add(&*a, 1, Readiness::READABLE).unwrap();
    for _ in 0..50 {
        let receiver = Arc::clone(&a);
        let receiving =
            thread::spawn(move || receiver.recv_timeout(Duration::from_secs(10)).unwrap());
        let polled = poller.wait(Some(Duration::from_micros(300))).unwrap();
        assert!(polled.is_empty());
        b.send("x").unwrap();
        assert_eq!(receiving.join().unwrap().first(), "x");
    }
}

#[test]
fn interrupt_ends_a_wait_early_and_just_one() {
    let poller = Arc::new(Poller::new().unwrap());
    let (_near, far) = UnixStream::pair().unwrap();
    poller.add_fd(&far, 1, Readiness::READABLE).unwrap();
    let waiter = Arc::clone(&poller);
    let waiting = thread::spawn(move || waiter.wait(LIMIT).unwrap());
    thread::sleep(Duration::from_millis(5));
    poller.interrupt();
    assert!(waiting.join().unwrap().is_empty());
    let start = Instant::now();
    poller.wait(Some(Duration::from_millis(20))).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(20));
}

#[test]
fn descriptors_tell_of_their_end_and_files_are_always_ready() {
    let (near, far) = UnixStream::pair().unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let regular = std::fs::File::open("Cargo.toml").unwrap();
    let poller = Poller::new().unwrap();
    poller.add_fd(&far, 1, Readiness::READABLE).unwrap();
    drop(near);
    let events = poller.wait(LIMIT).unwrap();
    assert!(events[0].ready.is_readable() && events[0].ready.is_error());
    poller.remove(1).unwrap();
    poller.add_fd(&file, 2, Readiness::READABLE).unwrap();
    poller.add_fd(&regular, 3, Readiness::READABLE).unwrap();
    assert_eq!(poller.wait(LIMIT).unwrap().len(), 2);
}

#[test]
fn an_empty_poller_does_not_wait_for_ever() {
    let poller = Poller::new().unwrap();
    assert!(matches!(poller.wait(None), Err(PollError::Empty)));
    assert!(
        poller
            .wait(Some(Duration::from_millis(1)))
            .unwrap()
            .is_empty()
    );
    assert!(matches!(poll(&mut [], None), Err(PollError::Empty)));
}

#[test]
fn closed_sockets_and_terminated_contexts_are_named() {
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, _b) = pair_over(endpoint, &ctx);
        let (c, _d) = pair_over("tcp://127.0.0.1:*", &ctx);
        let poller = Arc::new(Poller::new().unwrap());
        poller.add(&a, 4, Readiness::READABLE).unwrap();
        poller.add(&c, 5, Readiness::READABLE).unwrap();
        let waiter = Arc::clone(&poller);
        let waiting = thread::spawn(move || waiter.wait(LIMIT));
        thread::sleep(Duration::from_millis(5));
        a.close();
        let error = waiting.join().unwrap().unwrap_err();
        assert!(matches!(error, PollError::Closed(4)), "{endpoint}: {error}");
        poller.remove(4).unwrap();
        let waiter = Arc::clone(&poller);
        let waiting = thread::spawn(move || waiter.wait(LIMIT));
        thread::sleep(Duration::from_millis(5));
        ctx.shutdown();
        let error = waiting.join().unwrap().unwrap_err();
        assert!(
            matches!(error, PollError::Terminated(5)),
            "{endpoint}: {error}"
        );
    }
}

#[test]
fn items_are_polled_without_a_poller() {
    let ctx = Context::new();
    let (a, b) = pair_over("tcp://127.0.0.1:*", &ctx);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut items = [
        PollItem::socket(&a, Readiness::READABLE),
        PollItem::fd(&theirs, Readiness::READABLE),
    ];
    assert_eq!(poll(&mut items, Some(Duration::ZERO)).unwrap(), 0);
    b.send("x").unwrap();
    assert_eq!(poll(&mut items, LIMIT).unwrap(), 1);
    assert!(items[0].ready().is_readable() && items[1].ready().is_empty());
    ours.write_all(b"x").unwrap();
    assert_eq!(poll(&mut items, LIMIT).unwrap(), 2);
}

#[test]
fn waits_as_a_future() {
    for endpoint in ENDPOINTS {
        let ctx = Context::new();
        let (a, b) = pair_over(endpoint, &ctx);
        // Gives the poller an I/O thread for the descriptor.
        let listener = ctx.socket(SocketType::Pull).unwrap();
        listener.bind("tcp://127.0.0.1:*").unwrap();
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let poller = Poller::new().unwrap();
        poller.add(&a, 1, Readiness::READABLE).unwrap();
        poller.add(&listener, 2, Readiness::READABLE).unwrap();
        poller.add_fd(&theirs, 3, Readiness::READABLE).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(5));
                b.send("x").unwrap();
            });
            assert_eq!(smol::block_on(poller.wait_async()).unwrap()[0].key, 1);
        });
        a.recv().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(5));
                ours.write_all(b"x").unwrap();
            });
            assert_eq!(smol::block_on(poller.wait_async()).unwrap()[0].key, 3);
        });
        poller.remove(3).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(5));
                poller.interrupt();
            });
            assert!(smol::block_on(poller.wait_async()).unwrap().is_empty());
        });
    }
}

/// As zmq_poll(3) tells of descriptors, beside what poll(2) does.
#[test]
fn descriptors_are_told_of_as_c_knows_them() {
    fn told(fd: impl AsFd, interest: Readiness) -> (Readiness, Readiness) {
        let mut items = [PollItem::fd(&fd, interest)];
        raw::poll(&mut items, Some(Duration::ZERO), None).unwrap();
        (raw::reported(&items[0]), items[0].ready())
    }
    let all = Readiness::READABLE | Readiness::WRITABLE | Readiness::URGENT;
    let (read, write) = std::io::pipe().unwrap();
    assert_eq!(told(&read, all).0, Readiness::NONE);
    assert_eq!(told(&write, all).0, Readiness::WRITABLE);
    assert_eq!(told(&write, Readiness::NONE).0, Readiness::NONE);
    drop(read);
    let broken = Readiness::ERROR;
    assert_eq!(told(&write, Readiness::NONE).0, broken);
    assert_eq!(told(&write, all).0, broken | Readiness::WRITABLE);
    let (read, write) = std::io::pipe().unwrap();
    drop(write);
    // POLLHUP alone.
    assert_eq!(told(&read, all).0, broken);
    assert_eq!(told(&read, all).1, broken | Readiness::READABLE);
    assert_eq!(told(&read, Readiness::NONE).1, broken);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    let urgent = rustix::net::SendFlags::OOB;
    assert_eq!(rustix::net::send(&far, b"!", urgent), Ok(1));
    let until = Instant::now() + Duration::from_secs(10);
    while !told(&near, Readiness::URGENT).0.is_urgent() {
        assert!(Instant::now() < until, "urgent data never came");
    }
    assert_eq!(told(&near, Readiness::READABLE).0, Readiness::NONE);
}
