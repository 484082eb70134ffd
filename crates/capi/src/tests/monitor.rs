//! zmq_socket_monitor, zmq_socket_monitor_versioned and
//! zmq_socket_monitor_pipes_stats.

use std::ffi::{CStr, CString, c_int, c_void};
use std::io::Write;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::world::*;
use crate::context::{zmq_ctx_shutdown, zmq_ctx_term};
use crate::errno::ETERM;
use crate::monitor::*;
use crate::options::zmq_setsockopt;
use crate::socket::{zmq_bind, zmq_close, zmq_connect, zmq_disconnect, zmq_unbind};

const PUB: c_int = 1;
const SUB: c_int = 2;

const ALL: u64 = 0xffff;
const CONNECTED: u64 = 0x1;
const CONNECT_DELAYED: u64 = 0x2;
const CONNECT_RETRIED: u64 = 0x4;
const LISTENING: u64 = 0x8;
const BIND_FAILED: u64 = 0x10;
const ACCEPTED: u64 = 0x20;
const CLOSED: u64 = 0x80;
const DISCONNECTED: u64 = 0x200;
const STOPPED: u64 = 0x400;
const NO_DETAIL: u64 = 0x800;
const SUCCEEDED: u64 = 0x1000;
const PROTOCOL: u64 = 0x2000;
const PIPES_STATS: u64 = 0x1_0000;

fn monitor(
    socket: *mut c_void,
    endpoint: &CStr,
    events: u64,
    version: c_int,
    kind: c_int,
) -> Result<c_int, c_int> {
    // SAFETY: a text of C.
    outcome(|| unsafe {
        zmq_socket_monitor_versioned(socket, endpoint.as_ptr(), events, version, kind)
    })
}

fn stop(socket: *mut c_void) -> Result<c_int, c_int> {
    // SAFETY: there is no text.
    outcome(|| unsafe { zmq_socket_monitor(socket, ptr::null(), 0) })
}

fn bind(socket: *mut c_void, endpoint: &CStr) -> CString {
    // SAFETY: a text of C.
    let call = || unsafe { zmq_bind(socket, endpoint.as_ptr()) };
    assert_eq!(outcome(call), Ok(0));
    last_endpoint(socket)
}

fn unbind(socket: *mut c_void, endpoint: &CStr) {
    // SAFETY: a text of C.
    let call = || unsafe { zmq_unbind(socket, endpoint.as_ptr()) };
    assert_eq!(outcome(call), Ok(0));
}

fn connect(socket: *mut c_void, endpoint: &CStr) {
    // SAFETY: a text of C.
    let call = || unsafe { zmq_connect(socket, endpoint.as_ptr()) };
    assert_eq!(outcome(call), Ok(0));
}

/// A reader of what is sent at `endpoint`.
fn reader(world: &World, kind: c_int, endpoint: &CStr) -> *mut c_void {
    let reader = world.socket(kind);
    connect(reader, endpoint);
    reader
}

/// Event, value and endpoint of the next event in the frames of version 1.
fn next_v1(reader: *mut c_void) -> (u64, u32, String) {
    let first = recv_bytes(reader);
    let (event, value) = first.split_at(2);
    let event = u16::from_ne_bytes(event.try_into().unwrap());
    let value = u32::from_ne_bytes(value.try_into().unwrap());
    assert_eq!(get(reader, RCVMORE), 1);
    let endpoint = recv(reader);
    assert_eq!(get(reader, RCVMORE), 0);
    (u64::from(event), value, endpoint)
}

#[derive(Debug)]
struct Told {
    event: u64,
    values: Vec<u64>,
    local: String,
    remote: String,
}

/// The next event in the frames of version 2.
fn next(reader: *mut c_void) -> Told {
    let number = || {
        let bytes = recv_bytes(reader);
        assert_eq!(get(reader, RCVMORE), 1);
        u64::from_ne_bytes(bytes.try_into().unwrap())
    };
    let event = number();
    let values = (0..number()).map(|_| number()).collect();
    let local = recv(reader);
    assert_eq!(get(reader, RCVMORE), 1);
    let remote = recv(reader);
    assert_eq!(get(reader, RCVMORE), 0);
    Told {
        event,
        values,
        local,
        remote,
    }
}

#[test]
fn a_connection_in_the_frames_of_version_1() {
    let world = World::new();
    let (server, client) = (world.socket(DEALER), world.socket(DEALER));
    for (socket, endpoint) in [(server, c"inproc://server"), (client, c"inproc://client")] {
        let events = c_int::try_from(ALL).unwrap();
        // SAFETY: a text of C.
        let started = outcome(|| unsafe { zmq_socket_monitor(socket, endpoint.as_ptr(), events) });
        assert_eq!(started, Ok(0));
    }
    let of_server = reader(&world, PAIR, c"inproc://server");
    let of_client = reader(&world, PAIR, c"inproc://client");
    let endpoint = bind(server, c"tcp://127.0.0.1:*");
    connect(client, &endpoint);
    send(client, "hello", 0);
    assert_eq!(recv(server), "hello");
    let endpoint = endpoint.into_string().unwrap();

    let (event, fd, of) = next_v1(of_server);
    assert_eq!((event, &of), (LISTENING, &endpoint));
    let (event, accepted, of) = next_v1(of_server);
    assert_eq!((event, &of), (ACCEPTED, &endpoint));
    assert_eq!(next_v1(of_server), (SUCCEEDED, 0, endpoint.clone()));
    let delayed = libc::EINPROGRESS.unsigned_abs();
    assert_eq!(
        next_v1(of_client),
        (CONNECT_DELAYED, delayed, endpoint.clone())
    );
    let (event, _, of) = next_v1(of_client);
    assert_eq!((event, &of), (CONNECTED, &endpoint));
    assert_eq!(next_v1(of_client), (SUCCEEDED, 0, endpoint.clone()));

    zmq_close(client);
    // It meant to, and is not told of it.
    assert_eq!(next_v1(of_client), (STOPPED, 0, String::new()));
    assert_eq!(
        next_v1(of_server),
        (DISCONNECTED, accepted, endpoint.clone())
    );
    zmq_close(server);
    assert_eq!(next_v1(of_server), (CLOSED, fd, endpoint));
    assert_eq!(next_v1(of_server), (STOPPED, 0, String::new()));
}

#[test]
fn a_connection_in_the_frames_of_version_2_through_each_type() {
    for (kind, reading) in [(PAIR, PAIR), (PUB, SUB), (PUSH, PULL)] {
        let world = World::new();
        let (server, client) = (world.socket(DEALER), world.socket(DEALER));
        assert_eq!(monitor(server, c"inproc://server", ALL, 2, kind), Ok(0));
        assert_eq!(monitor(client, c"inproc://client", ALL, 2, kind), Ok(0));
        let of_server = reader(&world, reading, c"inproc://server");
        let of_client = reader(&world, reading, c"inproc://client");
        if reading == SUB {
            for reader in [of_server, of_client] {
                // SAFETY: nothing is pointed to.
                let set = unsafe { zmq_setsockopt(reader, SUBSCRIBE, ptr::null(), 0) };
                assert_eq!(set, 0);
            }
        }
        let endpoint = bind(server, c"tcp://127.0.0.1:*");
        connect(client, &endpoint);
        let endpoint = endpoint.into_string().unwrap();

        let delayed = next(of_client);
        assert_eq!(delayed.event, CONNECT_DELAYED);
        assert_eq!(
            delayed.values,
            [u64::from(libc::EINPROGRESS.unsigned_abs())]
        );
        assert_eq!((&*delayed.local, &delayed.remote), ("", &endpoint));
        let connected = next(of_client);
        assert_eq!(connected.event, CONNECTED);
        assert_eq!(connected.remote, endpoint);
        let own = connected.local;
        assert!(
            own.starts_with("tcp://127.0.0.1:") && own != endpoint,
            "{own}"
        );
        let ready = next(of_client);
        assert_eq!((ready.event, &ready.values[..]), (SUCCEEDED, &[0][..]));
        assert_eq!((&ready.local, &ready.remote), (&own, &endpoint));

        let listening = next(of_server);
        assert_eq!(listening.event, LISTENING);
        assert_eq!((&listening.local, &*listening.remote), (&endpoint, ""));
        let accepted = next(of_server);
        assert_eq!(accepted.event, ACCEPTED);
        assert_eq!((&accepted.local, &accepted.remote), (&endpoint, &own));
        assert_eq!(next(of_server).event, SUCCEEDED);
        zmq_close(client);
        let gone = next(of_server);
        assert_eq!((gone.event, gone.values), (DISCONNECTED, accepted.values));
        assert_eq!((&gone.local, &gone.remote), (&endpoint, &own));
        assert_eq!(next(of_client).event, STOPPED);
    }
}

#[test]
fn failures_tell_their_errno() {
    let world = World::new();
    let (taken, socket) = (world.socket(DEALER), world.socket(DEALER));
    let endpoint = bind(taken, c"tcp://127.0.0.1:*");
    assert_eq!(monitor(socket, c"inproc://m", ALL, 2, PAIR), Ok(0));
    let reader = reader(&world, PAIR, c"inproc://m");
    // SAFETY: a text of C.
    let refused = outcome(|| unsafe { zmq_bind(socket, endpoint.as_ptr()) });
    assert_eq!(refused, Err(libc::EADDRINUSE));
    let failed = next(reader);
    assert_eq!(failed.event, BIND_FAILED);
    assert_eq!(failed.values, [u64::from(libc::EADDRINUSE.unsigned_abs())]);
    assert_eq!(failed.local, endpoint.to_str().unwrap());

    // Nobody listens there any more.
    zmq_close(taken);
    connect(socket, &endpoint);
    assert_eq!(next(reader).event, CONNECT_DELAYED);
    assert_eq!(next(reader).event, CLOSED);
    let retried = next(reader);
    assert_eq!(retried.event, CONNECT_RETRIED);
    assert!((100..200).contains(&retried.values[0]), "{retried:?}");
    zmq_close(socket);
    while next(reader).event != STOPPED {}
}

#[test]
fn a_handshake_that_fails_is_told_of_before_its_end() {
    let world = World::new();
    let server = world.socket(DEALER);
    assert_eq!(monitor(server, c"inproc://m", ALL, 2, PAIR), Ok(0));
    let reader = reader(&world, PAIR, c"inproc://m");
    let endpoint = bind(server, c"tcp://127.0.0.1:*");
    let address = endpoint.to_str().unwrap().strip_prefix("tcp://").unwrap();
    drop(std::net::TcpStream::connect(address).unwrap());
    assert_eq!(next(reader).event, LISTENING);
    let accepted = next(reader);
    assert_eq!(accepted.event, ACCEPTED);
    let failed = next(reader);
    assert_eq!(failed.event, NO_DETAIL);
    let numbers = [libc::EPIPE, libc::ECONNRESET].map(|n| u64::from(n.unsigned_abs()));
    assert!(numbers.contains(&failed.values[0]), "{failed:?}");
    let gone = next(reader);
    assert_eq!((gone.event, gone.values), (DISCONNECTED, accepted.values));
}

#[test]
fn a_breach_of_protocol_has_its_number() {
    const MECHANISM_MISMATCH: u64 = 0x1100_0002;
    let world = World::new();
    let server = world.socket(DEALER);
    assert_eq!(monitor(server, c"inproc://m", PROTOCOL, 2, PAIR), Ok(0));
    let reader = reader(&world, PAIR, c"inproc://m");
    let endpoint = bind(server, c"tcp://127.0.0.1:*");
    let address = endpoint.to_str().unwrap().strip_prefix("tcp://").unwrap();
    let mut greeting = [0; 64];
    greeting[0] = 0xff;
    greeting[9..11].copy_from_slice(&[0x7f, 3]);
    greeting[12..17].copy_from_slice(b"PLAIN");
    let mut peer = std::net::TcpStream::connect(address).unwrap();
    peer.write_all(&greeting).unwrap();
    let failed = next(reader);
    assert_eq!(
        (failed.event, &failed.values[..]),
        (PROTOCOL, &[MECHANISM_MISMATCH][..])
    );
    assert_eq!(failed.local, endpoint.to_str().unwrap());
    let own = format!("tcp://{}", peer.local_addr().unwrap());
    assert_eq!(failed.remote, own);
}

#[test]
fn only_what_is_asked_for_is_told() {
    let world = World::new();
    let socket = world.socket(DEALER);
    assert_eq!(monitor(socket, c"inproc://m", CLOSED, 2, PAIR), Ok(0));
    let reader = reader(&world, PAIR, c"inproc://m");
    let endpoint = bind(socket, c"tcp://127.0.0.1:*");
    unbind(socket, &endpoint);
    assert_eq!(stop(socket), Ok(0));
    assert_eq!(next(reader).event, CLOSED);
    set(reader, RCVTIMEO, 0);
    assert!(try_recv(reader) < 0, "not even that it was stopped");
}

#[test]
fn what_happened_before_the_reader_came_is_told() {
    let world = World::new();
    let socket = world.socket(DEALER);
    assert_eq!(monitor(socket, c"inproc://m", ALL, 2, PAIR), Ok(0));
    let endpoint = bind(socket, c"tcp://127.0.0.1:*");
    unbind(socket, &endpoint);
    let reader = reader(&world, PAIR, c"inproc://m");
    assert_eq!(next(reader).event, LISTENING);
    assert_eq!(next(reader).event, CLOSED);
    zmq_close(socket);
    assert_eq!(next(reader).event, STOPPED);
}

/// More than the queues between hold.
const MANY: usize = 3000;

fn cause_many(socket: *mut c_void) {
    for _ in 0..MANY / 2 {
        let endpoint = bind(socket, c"tcp://127.0.0.1:*");
        unbind(socket, &endpoint);
    }
}

#[test]
fn a_slow_reader_gets_everything_even_after_the_end() {
    let world = World::new();
    let socket = world.socket(DEALER);
    assert_eq!(monitor(socket, c"inproc://m", ALL, 2, PAIR), Ok(0));
    let reader = reader(&world, PAIR, c"inproc://m");
    cause_many(socket);
    zmq_close(socket);
    for _ in 0..MANY / 2 {
        assert_eq!(next(reader).event, LISTENING);
        assert_eq!(next(reader).event, CLOSED);
    }
    assert_eq!(next(reader).event, STOPPED);
}

#[test]
fn nobody_waits_for_a_reader_that_never_comes_or_has_gone() {
    let world = World::new();
    for comes in [false, true] {
        let socket = world.socket(DEALER);
        assert_eq!(monitor(socket, c"inproc://m", ALL, 2, PAIR), Ok(0));
        let reader = comes.then(|| reader(&world, PAIR, c"inproc://m"));
        cause_many(socket);
        zmq_close(socket);
        if let Some(reader) = reader {
            zmq_close(reader);
        }
        // The name is free.
        let other = world.socket(PAIR);
        bind(other, c"inproc://m");
        zmq_close(other);
    }
    assert_eq!(zmq_ctx_term(world.context), 0);
}

#[test]
fn the_end_of_the_context_ends_a_monitor_that_waits() {
    let world = World::new();
    let socket = world.socket(DEALER);
    assert_eq!(monitor(socket, c"inproc://m", ALL, 2, PAIR), Ok(0));
    let reader = reader(&world, PAIR, c"inproc://m");
    cause_many(socket);
    assert_eq!(zmq_ctx_shutdown(world.context), 0);
    assert_eq!(monitor(socket, c"inproc://n", ALL, 2, PAIR), Err(ETERM));
    assert_eq!(stop(socket), Ok(0));
    zmq_close(socket);
    zmq_close(reader);
    assert_eq!(zmq_ctx_term(world.context), 0);
}

#[test]
fn another_call_replaces_the_monitor() {
    let world = World::new();
    let socket = world.socket(DEALER);
    assert_eq!(monitor(socket, c"inproc://m", ALL, 2, PAIR), Ok(0));
    let first = reader(&world, PAIR, c"inproc://m");
    assert_eq!(monitor(socket, c"inproc://m", ALL, 1, PAIR), Ok(0));
    assert_eq!(next(first).event, STOPPED);
    let second = reader(&world, PAIR, c"inproc://m");
    bind(socket, c"tcp://127.0.0.1:*");
    assert_eq!(next_v1(second).0, LISTENING);
    // Even one that fails.
    assert_eq!(
        monitor(socket, c"inproc://m", ALL, 2, SUB),
        Err(libc::EINVAL)
    );
    assert_eq!(next_v1(second).0, STOPPED);
    assert_eq!(stop(socket), Ok(0));
    assert_eq!(stop(socket), Ok(0));
}

#[test]
fn pipes_are_told_of_when_asked_for() {
    let world = World::new();
    let push = world.socket(PUSH);
    assert_eq!(monitor(push, c"inproc://m", ALL, 2, PAIR), Ok(0));
    let ask = || outcome(|| zmq_socket_monitor_pipes_stats(push));
    assert_eq!(ask(), Err(libc::EINVAL), "not among the events");
    assert_eq!(monitor(push, c"inproc://m", PIPES_STATS, 2, PAIR), Ok(0));
    assert_eq!(ask(), Err(libc::EAGAIN), "there are none");
    let reader = reader(&world, PAIR, c"inproc://m");

    let pull = world.socket(PULL);
    let bound = bind(pull, c"tcp://127.0.0.1:*");
    unbind(pull, &bound);
    connect(push, &bound);
    bind(pull, c"inproc://pull");
    connect(push, c"inproc://pull");
    for _ in 0..5 {
        send(push, "x", 0);
    }
    assert_eq!(ask(), Ok(0));
    let (nowhere, near) = (next(reader), next(reader));
    assert_eq!(nowhere.event, PIPES_STATS);
    assert_eq!(
        (&*nowhere.local, &*nowhere.remote),
        ("", bound.to_str().unwrap())
    );
    assert_eq!((&*near.local, &*near.remote), ("", ""));
    assert_eq!(nowhere.values[0] + near.values[0], 5);
    assert_eq!([nowhere.values[1], near.values[1]], [0, 0]);

    // From the other side.
    assert_eq!(monitor(pull, c"inproc://n", PIPES_STATS, 2, PAIR), Ok(0));
    assert_eq!(zmq_socket_monitor_pipes_stats(pull), 0);
    let of_pull = super::monitor::reader(&world, PAIR, c"inproc://n");
    assert_eq!(next(of_pull).values, [0, near.values[0]]);
}

/// Events on several threads, while monitors come and go and readers too.
#[test]
fn monitors_come_and_go_while_much_happens() {
    let world = World::new();
    let server = world.socket(DEALER);
    let endpoint = bind(server, c"tcp://127.0.0.1:*");
    let done = AtomicBool::new(false);
    let client = Shared(world.socket(DEALER));
    let server = Shared(server);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                connect(client.get(), &endpoint);
                // SAFETY: a text of C.
                let end = || unsafe { zmq_disconnect(client.get(), endpoint.as_ptr()) };
                assert_eq!(outcome(end), Ok(0));
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let endpoint = bind(server.get(), c"ipc://*");
                unbind(server.get(), &endpoint);
            }
        });
        for round in 0..200 {
            let kind = [PAIR, PUSH, PUB][round % 3];
            for (socket, name) in [(&server, c"inproc://s"), (&client, c"inproc://c")] {
                assert_eq!(monitor(socket.get(), name, ALL, 2, kind), Ok(0));
            }
            if kind == PAIR {
                let reader = reader(&world, PAIR, c"inproc://s");
                next(reader);
                zmq_close(reader);
            }
            if round % 5 == 0 {
                assert_eq!(stop(client.get()), Ok(0));
            }
        }
        let last = reader(&world, SUB, c"inproc://s");
        // SAFETY: nothing is pointed to.
        let set = unsafe { zmq_setsockopt(last, SUBSCRIBE, ptr::null(), 0) };
        assert_eq!(set, 0);
        next(last);
        done.store(true, Ordering::SeqCst);
    });
}

/// A pointer from C that other threads may have.
struct Shared(*mut c_void);

// SAFETY: the library takes its handles from any thread.
unsafe impl Sync for Shared {}

impl Shared {
    fn get(&self) -> *mut c_void {
        self.0
    }
}
