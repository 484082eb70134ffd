//! zmq_poll.

use std::ffi::{c_int, c_long, c_short, c_void};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

use super::world::*;
use crate::context::zmq_ctx_shutdown;
use crate::errno::ETERM;
use crate::poll::{Item, zmq_poll};
use crate::socket::zmq_close;

const IN: c_short = 1;
const OUT: c_short = 2;
const ERR: c_short = 4;

const ENDPOINTS: [&str; 3] = ["inproc://polled", "tcp://127.0.0.1:*", "ipc://*"];

fn poll(items: &mut [Item], timeout: c_long) -> Result<c_int, c_int> {
    let count = c_int::try_from(items.len()).unwrap();
    // SAFETY: it points to so many items.
    outcome(|| unsafe { zmq_poll(items.as_mut_ptr(), count, timeout) })
}

fn of_socket(socket: *mut c_void, events: c_short) -> Item {
    Item {
        socket,
        // Not looked at.
        fd: 1_000_000,
        events,
        revents: -1,
    }
}

fn of_fd(fd: c_int, events: c_short) -> Item {
    Item {
        socket: ptr::null_mut(),
        fd,
        events,
        revents: -1,
    }
}

fn told(items: &[Item]) -> Vec<c_short> {
    items.iter().map(|item| item.revents).collect()
}

#[test]
fn tells_what_is_ready_and_only_of_what_is_asked() {
    for endpoint in ENDPOINTS {
        let world = World::new();
        let (pull, push) = world.pair((PULL, PUSH), endpoint);
        let mut items = [of_socket(pull, IN | OUT), of_socket(push, IN)];
        assert_eq!(poll(&mut items, 0), Ok(0));
        assert_eq!(told(&items), [0, 0]);
        send(push, "x", 0);
        for _ in 0..2 {
            assert_eq!(poll(&mut items, -1), Ok(1), "{endpoint}");
            assert_eq!(told(&items), [IN, 0]);
        }
        let mut items = [of_socket(pull, 0), of_socket(push, OUT)];
        assert_eq!(poll(&mut items, -1), Ok(1));
        assert_eq!(told(&items), [0, OUT]);
    }
}

#[test]
fn a_sleeping_poll_is_woken() {
    for endpoint in ENDPOINTS {
        let world = World::new();
        let (pull, push) = world.pair((PULL, PUSH), endpoint);
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let push = push as usize;
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                send(push as *mut c_void, "x", 0);
            });
            let mut items = [of_socket(pull, IN), of_fd(theirs.as_raw_fd(), IN)];
            assert_eq!(poll(&mut items, -1), Ok(1), "{endpoint}");
            assert_eq!(told(&items), [IN, 0]);
            recv(pull);
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                ours.write_all(b"y").unwrap();
            });
            assert_eq!(poll(&mut items, -1), Ok(1), "{endpoint}");
            assert_eq!(told(&items), [0, IN]);
        });
    }
}

#[test]
fn a_poll_of_nothing_sleeps() {
    let started = Instant::now();
    assert_eq!(poll(&mut [], 20), Ok(0));
    assert_eq!(poll(&mut [of_fd(-1, IN)], 20), Ok(0));
    assert!(started.elapsed() >= Duration::from_millis(40));
    let null = ptr::null_mut();
    // SAFETY: there are no items.
    assert_eq!(outcome(|| unsafe { zmq_poll(null, 0, 0) }), Ok(0));
}

#[test]
fn an_item_may_be_there_twice() {
    let world = World::new();
    let (pull, push) = world.pair((PULL, PUSH), "tcp://127.0.0.1:*");
    let push = push as usize;
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            send(push as *mut c_void, "x", 0);
        });
        let mut items = [
            of_socket(pull, IN),
            of_socket(pull, OUT),
            of_socket(pull, IN),
        ];
        assert_eq!(poll(&mut items, -1), Ok(2));
        assert_eq!(told(&items), [IN, 0, IN]);
    });
}

#[test]
fn more_items_than_a_few() {
    let world = World::new();
    let (pull, push) = world.pair((PULL, PUSH), "tcp://127.0.0.1:*");
    let mut streams: Vec<_> = (0..20).map(|_| UnixStream::pair().unwrap()).collect();
    streams[11].0.write_all(b"z").unwrap();
    let fds = streams.iter().map(|(_, theirs)| theirs.as_raw_fd());
    let mut items: Vec<Item> = fds.map(|fd| of_fd(fd, IN)).collect();
    items.insert(5, of_socket(pull, IN));
    assert_eq!(poll(&mut items, -1), Ok(1));
    assert_eq!(items[12].revents, IN);
    let mut byte = [0];
    streams[11].1.read_exact(&mut byte).unwrap();
    send(push, "x", 0);
    assert_eq!(poll(&mut items, -1), Ok(1));
    assert_eq!((items[5].revents, items[12].revents), (IN, 0));
}

#[test]
fn parts_that_are_left_over_can_be_received() {
    let world = World::new();
    let (pull, push) = world.pair((PULL, PUSH), "inproc://parts");
    let mut items = [of_socket(pull, IN)];
    send(push, "one", SNDMORE);
    assert_eq!(poll(&mut items, 0), Ok(0));
    send(push, "two", 0);
    assert_eq!(poll(&mut items, -1), Ok(1));
    assert_eq!(recv(pull), "one");
    assert_eq!(poll(&mut items, -1), Ok(1));
    assert_eq!(told(&items), [IN]);
    assert_eq!(recv(pull), "two");
    assert_eq!(poll(&mut items, 0), Ok(0));
}

#[test]
fn a_request_is_answered_only_once_it_is_read() {
    const EVENTS: c_int = 15;
    let world = World::new();
    let (rep, req) = world.pair((REP, REQ), "inproc://answers");
    send(req, "one", SNDMORE);
    let mut items = [of_socket(req, IN | OUT), of_socket(rep, IN | OUT)];
    assert_eq!(poll(&mut items, 0), Ok(1));
    assert_eq!(told(&items), [OUT, 0]);
    assert_eq!(get(req, EVENTS), OUT.into());
    send(req, "two", 0);
    assert_eq!(poll(&mut items, -1), Ok(1));
    assert_eq!(told(&items), [0, IN]);
    assert_eq!(recv(rep), "one");
    assert_eq!(poll(&mut items, -1), Ok(1));
    assert_eq!(told(&items), [0, IN]);
    assert_eq!(get(rep, EVENTS), IN.into());
    assert_eq!(recv(rep), "two");
    assert_eq!(poll(&mut items, -1), Ok(1));
    assert_eq!(told(&items), [0, OUT]);
    assert_eq!(get(rep, EVENTS), OUT.into());
}

#[test]
fn a_descriptor_that_is_closed_is_an_error_of_its_own() {
    let mut items = [of_fd(1_000_000, IN)];
    assert_eq!(poll(&mut items, -1), Ok(1));
    assert_eq!(told(&items), [ERR]);
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    let mut items = [of_fd(ours.as_raw_fd(), IN)];
    assert_eq!(poll(&mut items, -1), Ok(1));
    assert_eq!(items[0].revents & IN, IN);
}

#[test]
fn a_socket_closed_or_terminated_ends_the_poll() {
    let world = World::new();
    let (a, b) = world.pair((PAIR, PAIR), "inproc://ends");
    let address = b as usize;
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(20));
            zmq_close(address as *mut c_void);
        });
        let mut items = [of_socket(b, IN)];
        assert_eq!(poll(&mut items, -1), Err(libc::ENOTSOCK));
    });
    let context = world.context as usize;
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(20));
            zmq_ctx_shutdown(context as *mut c_void);
        });
        let mut items = [of_socket(a, IN)];
        assert_eq!(poll(&mut items, -1), Err(ETERM));
    });
}
