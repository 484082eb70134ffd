//! zmq_poller.

use std::ffi::{c_int, c_long, c_short, c_void};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::thread;
use std::time::Duration;

use super::world::*;
use crate::context::{zmq_ctx_new, zmq_ctx_set_ext, zmq_ctx_shutdown, zmq_ctx_term};
use crate::errno::ETERM;
use crate::poller::*;
use crate::socket::{zmq_bind, zmq_close, zmq_socket};

const IN: c_short = 1;
const OUT: c_short = 2;
const ERR: c_short = 4;
const PRI: c_short = 8;

/// A poller that is given up in the end.
struct Poller(*mut c_void);

/// What C is told: socket, descriptor, user data, events.
type Told = (*mut c_void, c_int, usize, c_short);

fn fresh() -> Event {
    Event {
        socket: ptr::dangling_mut(),
        fd: 1234,
        user_data: ptr::dangling_mut(),
        events: -1,
    }
}

fn told(event: &Event) -> Told {
    let data = event.user_data as usize;
    (event.socket, event.fd, data, event.events)
}

impl Poller {
    fn new() -> Self {
        Self(zmq_poller_new())
    }

    fn add(&self, socket: *mut c_void, data: usize, events: c_short) -> Result<c_int, c_int> {
        outcome(|| zmq_poller_add(self.0, socket, data as *mut c_void, events))
    }

    fn add_fd(&self, fd: c_int, data: usize, events: c_short) -> Result<c_int, c_int> {
        outcome(|| zmq_poller_add_fd(self.0, fd, data as *mut c_void, events))
    }

    fn modify(&self, socket: *mut c_void, events: c_short) -> Result<c_int, c_int> {
        outcome(|| zmq_poller_modify(self.0, socket, events))
    }

    fn remove(&self, socket: *mut c_void) -> Result<c_int, c_int> {
        outcome(|| zmq_poller_remove(self.0, socket))
    }

    fn wait(&self, timeout: c_long) -> Result<Told, c_int> {
        let mut event = fresh();
        // SAFETY: there is room for one.
        let result = outcome(|| unsafe { zmq_poller_wait(self.0, &raw mut event, timeout) });
        if result.is_err() {
            assert_eq!(told(&event), (ptr::null_mut(), -1, 0, 0));
        }
        result.map(|count| {
            assert_eq!(count, 0);
            told(&event)
        })
    }

    fn wait_all(&self, room: usize, timeout: c_long) -> Result<Vec<Told>, c_int> {
        let mut events: Vec<Event> = (0..room).map(|_| fresh()).collect();
        let count = c_int::try_from(room).unwrap();
        let place = events.as_mut_ptr();
        // SAFETY: there is room for so many.
        let count = outcome(|| unsafe { zmq_poller_wait_all(self.0, place, count, timeout) });
        let written = count.map_or(0, |count| usize::try_from(count).unwrap());
        let (events, rest) = events.split_at(written);
        for event in rest {
            assert_eq!(told(event), (ptr::null_mut(), -1, 0, 0));
        }
        count.map(|_| events.iter().map(told).collect())
    }

    fn fd(&self) -> Result<c_int, c_int> {
        let mut fd = -1;
        // SAFETY: it may be written to.
        outcome(|| unsafe { zmq_poller_fd(self.0, &raw mut fd) }).map(|_| fd)
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        // SAFETY: it points to a pointer.
        assert_eq!(unsafe { zmq_poller_destroy(&raw mut self.0) }, 0);
        assert!(self.0.is_null());
    }
}

#[test]
fn tells_of_all_that_is_ready_with_its_user_data() {
    let world = World::new();
    let (pull, push) = world.pair((PULL, PUSH), "tcp://127.0.0.1:*");
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let fd = theirs.as_raw_fd();
    let poller = Poller::new();
    assert_eq!(poller.add(pull, 1, IN | ERR | PRI), Ok(0));
    assert_eq!(poller.add(push, 2, IN), Ok(0));
    assert_eq!(poller.add_fd(fd, 3, IN), Ok(0));
    assert_eq!(zmq_poller_size(poller.0), 3);
    assert_eq!(poller.wait(0), Err(libc::EAGAIN));
    send(push, "x", 0);
    ours.write_all(b"y").unwrap();
    let of_pull = (pull, -1, 1, IN);
    let of_fd = (ptr::null_mut(), fd, 3, IN);
    while poller.wait_all(3, -1).unwrap().len() < 2 {}
    assert_eq!(poller.wait_all(3, -1).unwrap(), [of_pull, of_fd]);
    assert_eq!(poller.wait_all(1, -1).unwrap(), [of_pull]);
    assert_eq!(poller.wait(-1).unwrap(), of_pull);
    recv(pull);
    assert_eq!(poller.wait(-1).unwrap(), of_fd);
    assert_eq!(zmq_poller_modify_fd(poller.0, fd, OUT), 0);
    assert_eq!(poller.modify(push, OUT), Ok(0));
    let of_push = (push, -1, 2, OUT);
    let of_fd = (ptr::null_mut(), fd, 3, OUT);
    assert_eq!(poller.wait_all(3, -1).unwrap(), [of_push, of_fd]);
    assert_eq!(zmq_poller_remove_fd(poller.0, fd), 0);
    assert_eq!(poller.remove(push), Ok(0));
    assert_eq!(zmq_poller_size(poller.0), 1);
    assert_eq!(poller.wait(0), Err(libc::EAGAIN));
}

#[test]
fn a_sleeping_wait_is_woken() {
    for endpoint in ["inproc://awaited", "tcp://127.0.0.1:*"] {
        let world = World::new();
        let (pull, push) = world.pair((PULL, PUSH), endpoint);
        let poller = Poller::new();
        poller.add(pull, 0, IN).unwrap();
        let push = push as usize;
        thread::scope(|scope| {
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(20));
                send(push as *mut c_void, "x", 0);
            });
            assert_eq!(poller.wait(-1).unwrap(), (pull, -1, 0, IN));
        });
    }
}

#[test]
fn parts_that_are_left_over_can_be_received() {
    let world = World::new();
    let (pull, push) = world.pair((PULL, PUSH), "inproc://parts-of-poller");
    let poller = Poller::new();
    poller.add(pull, 0, IN).unwrap();
    send(push, "one", SNDMORE);
    send(push, "two", 0);
    poller.wait(-1).unwrap();
    assert_eq!(recv(pull), "one");
    poller.wait(-1).unwrap();
    assert_eq!(recv(pull), "two");
    assert_eq!(poller.wait(0), Err(libc::EAGAIN));
}

#[test]
fn without_interests_a_wait_ends_only_by_its_limit() {
    let world = World::new();
    let socket = world.socket(PAIR);
    let poller = Poller::new();
    assert_eq!(poller.wait(1), Err(libc::EAGAIN));
    assert_eq!(poller.wait(-1), Err(libc::EFAULT));
    assert_eq!(poller.add(socket, 0, 0), Ok(0));
    assert_eq!(poller.wait(1), Err(libc::EAGAIN));
    assert_eq!(poller.wait(-1), Err(libc::EFAULT));
    assert_eq!(poller.wait_all(0, 0), Err(libc::EAGAIN));
    assert_eq!(poller.wait_all(0, -1), Err(libc::EFAULT));
}

#[test]
fn a_closed_socket_is_told_of_and_can_be_removed() {
    let world = World::new();
    let socket = world.socket(PAIR);
    let poller = Poller::new();
    poller.add(socket, 0, IN).unwrap();
    assert_eq!(zmq_close(socket), 0);
    assert_eq!(poller.wait(0), Err(libc::ENOTSOCK));
    assert_eq!(poller.modify(socket, OUT), Err(libc::ENOTSOCK));
    // A poller keeps no context from its end.
    assert_eq!(zmq_ctx_term(world.context), 0);
    assert_eq!(zmq_poller_size(poller.0), 1);
    assert_eq!(poller.remove(socket), Ok(0));
    assert_eq!(poller.remove(socket), Err(libc::ENOTSOCK));
    assert_eq!(poller.wait(0), Err(libc::EAGAIN));
}

#[test]
fn the_end_of_a_context_is_told_of() {
    let world = World::new();
    let socket = world.socket(PAIR);
    let poller = Poller::new();
    poller.add(socket, 0, IN).unwrap();
    let context = world.context as usize;
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(20));
            zmq_ctx_shutdown(context as *mut c_void);
        });
        assert_eq!(poller.wait(-1), Err(ETERM));
    });
}

/// Whether a descriptor is readable by `limit` milliseconds from now.
fn is_readable(fd: c_int, limit: c_int) -> bool {
    let mut item = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: there is one item.
    unsafe { libc::poll(&raw mut item, 1, limit) == 1 }
}

#[test]
fn an_event_loop_can_wait_for_its_descriptor() {
    const SERVER: c_int = 12;
    const CLIENT: c_int = 13;
    let world = World::new();
    let (server, client) = world.pair((SERVER, CLIENT), "tcp://127.0.0.1:*");
    let (pull, push) = world.pair((PULL, PUSH), "inproc://beside");
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let poller = Poller::new();
    poller.add(pull, 0, IN).unwrap();
    assert_eq!(poller.fd(), Err(libc::EINVAL));
    poller.add(server, 0, IN).unwrap();
    let fd = poller.fd().unwrap();
    assert_eq!(poller.fd(), Ok(fd));
    poller.add_fd(theirs.as_raw_fd(), 0, IN).unwrap();
    let quiet = || {
        // What made it readable may have come a moment later.
        for _ in 0..10_000 {
            assert_eq!(poller.wait(1), Err(libc::EAGAIN));
            if !is_readable(fd, 0) {
                return;
            }
        }
        panic!("the descriptor stays readable");
    };
    for _ in 0..3 {
        quiet();
        send(client, "to the server", 0);
        assert!(is_readable(fd, 10_000));
        while poller.wait(0) == Err(libc::EAGAIN) {
            assert!(is_readable(fd, 10_000));
        }
        assert_eq!(poller.wait(0).unwrap().0, server);
        // It stays so for as long as something is ready.
        assert!(is_readable(fd, 0));
        assert_eq!(recv(server), "to the server");
        quiet();
        send(push, "beside", 0);
        assert!(is_readable(fd, 10_000));
        assert_eq!(poller.wait(0).unwrap().0, pull);
        recv(pull);
    }
    quiet();
    ours.write_all(b"x").unwrap();
    assert!(is_readable(fd, 10_000));
    assert_eq!(zmq_poller_remove_fd(poller.0, theirs.as_raw_fd()), 0);
    quiet();
    // Nothing is told of what is of no interest, or removed, though closed.
    poller.modify(server, 0).unwrap();
    zmq_close(server);
    quiet();
    zmq_close(pull);
    assert!(is_readable(fd, 10_000));
    assert_eq!(poller.wait(0), Err(libc::ENOTSOCK));
    poller.remove(pull).unwrap();
    quiet();
}

/// How many threads have a name that begins so.
fn threads_named(prefix: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with(prefix)).count()
}

#[test]
fn a_closed_socket_in_a_poller_keeps_no_thread() {
    const THREAD_NAME_PREFIX: c_int = 9;
    let context = zmq_ctx_new();
    let name = "held-up";
    // SAFETY: it has so many bytes.
    let set = unsafe {
        zmq_ctx_set_ext(
            context,
            THREAD_NAME_PREFIX,
            name.as_ptr().cast(),
            name.len(),
        )
    };
    assert_eq!(set, 0);
    let socket = zmq_socket(context, PULL);
    // SAFETY: a text of C.
    let bound = unsafe { zmq_bind(socket, c"tcp://127.0.0.1:*".as_ptr()) };
    assert_eq!(bound, 0);
    assert_eq!(threads_named(name), 1);
    let mut poller = zmq_poller_new();
    assert_eq!(zmq_poller_add(poller, socket, ptr::null_mut(), 1), 0);
    assert_eq!(zmq_close(socket), 0);
    assert_eq!(zmq_ctx_term(context), 0);
    assert_eq!(threads_named(name), 0);
    assert_eq!(zmq_poller_size(poller), 1);
    assert_eq!(zmq_poller_remove(poller, socket), 0);
    // SAFETY: it points to a pointer.
    assert_eq!(unsafe { zmq_poller_destroy(&raw mut poller) }, 0);
}
