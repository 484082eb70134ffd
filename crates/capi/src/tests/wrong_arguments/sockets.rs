//! zmq_socket(3), zmq_bind(3), zmq_setsockopt(3) and their like.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use super::{Calls, Handles, NULL, refused};
use crate::draft::*;
use crate::monitor::*;
use crate::options::{zmq_getsockopt, zmq_setsockopt};
use crate::socket::*;

use crate::tests::world::{PAIR, PULL, ROUTER};

const DISH: c_int = 15;
const PEER: c_int = 19;

const TYPE: c_int = 16;
const LINGER: c_int = 17;
const SNDHWM: c_int = 23;
const ROUTING_ID: c_int = 5;
const SUBSCRIBE: c_int = 6;
const IMMEDIATE: c_int = 39;
const UNKNOWN: c_int = 1234;

const NO_TEXT: *const c_char = ptr::null();
const NO_UTF8: &CStr = c"inproc://\xff";
const ENDPOINT: &CStr = c"inproc://x";

pub fn try_all(calls: &mut Calls) {
    let handles = Handles::new();
    try_no_sockets(calls, &handles);
    try_endpoints(calls, &handles);
    try_options(calls, &handles);
    try_drafts(calls, &handles);
    try_monitors(calls, &handles);
}

fn try_no_sockets(calls: &mut Calls, handles: &Handles) {
    let endpoint = ENDPOINT.as_ptr();
    let one: c_int = 1;
    let value: *const c_void = (&raw const one).cast();
    let mut place = 0 as c_int;
    let place: *mut c_void = (&raw mut place).cast();
    let mut len = size_of::<c_int>();
    let len = &raw mut len;
    const CODE: c_int = libc::ENOTSOCK;
    for (what, pointer) in handles.no_sockets() {
        refused!(calls, what, CODE, zmq_close(pointer));
        refused!(calls, what, CODE, unsafe zmq_bind(pointer, endpoint));
        refused!(calls, what, CODE, unsafe zmq_connect(pointer, endpoint));
        refused!(calls, what, CODE, unsafe zmq_unbind(pointer, endpoint));
        refused!(calls, what, CODE, unsafe zmq_disconnect(pointer, endpoint));
        refused!(calls, what, CODE, unsafe zmq_setsockopt(pointer, LINGER, value, 4));
        refused!(calls, what, CODE, unsafe zmq_getsockopt(pointer, LINGER, place, len));
        refused!(calls, what, CODE, unsafe zmq_join(pointer, c"group".as_ptr()));
        refused!(calls, what, CODE, unsafe zmq_leave(pointer, c"group".as_ptr()));
        refused!(calls, what, CODE, unsafe zmq_connect_peer(pointer, endpoint));
        refused!(calls, what, CODE, zmq_disconnect_peer(pointer, 1));
        refused!(calls, what, CODE, unsafe zmq_socket_get_peer_state(pointer, value, 4));
        refused!(calls, what, CODE, unsafe zmq_socket_monitor(pointer, endpoint, 0xffff));
        refused!(calls, what, CODE, unsafe zmq_socket_monitor(pointer, NO_TEXT, 0));
        refused!(
            calls,
            what,
            CODE,
            unsafe zmq_socket_monitor_versioned(pointer, endpoint, 0xffff, 1, PAIR)
        );
        refused!(calls, what, CODE, zmq_socket_monitor_pipes_stats(pointer));
    }
}

fn try_endpoints(calls: &mut Calls, handles: &Handles) {
    let socket = handles.socket;
    for (what, code, endpoint) in [
        ("null", libc::EINVAL, NO_TEXT),
        ("an empty endpoint", libc::EINVAL, c"".as_ptr()),
        ("no transport", libc::EINVAL, c"127.0.0.1:5555".as_ptr()),
        ("no address", libc::EINVAL, c"tcp://".as_ptr()),
        ("no port", libc::EINVAL, c"tcp://127.0.0.1".as_ptr()),
        (
            "a port too large",
            libc::EINVAL,
            c"tcp://127.0.0.1:65536".as_ptr(),
        ),
        (
            "a port that is none",
            libc::EINVAL,
            c"tcp://127.0.0.1:http".as_ptr(),
        ),
        ("what is no text", libc::EINVAL, NO_UTF8.as_ptr()),
        (
            "an unknown transport",
            libc::EPROTONOSUPPORT,
            c"xyz://there".as_ptr(),
        ),
    ] {
        refused!(calls, what, code, unsafe zmq_bind(socket, endpoint));
        refused!(calls, what, code, unsafe zmq_connect(socket, endpoint));
    }
    let any_port = c"tcp://127.0.0.1:*".as_ptr();
    refused!(calls, "a port of any number", libc::EINVAL, unsafe zmq_connect(socket, any_port));
    let nowhere = c"tcp://nowhere0:5555".as_ptr();
    refused!(calls, "no such interface", libc::ENODEV, unsafe zmq_bind(socket, nowhere));
    for (what, code, endpoint) in [
        ("null", libc::EINVAL, NO_TEXT),
        ("no transport", libc::EINVAL, c"here".as_ptr()),
        (
            "an unknown transport",
            libc::EPROTONOSUPPORT,
            c"xyz://there".as_ptr(),
        ),
        (
            "one not in use",
            libc::ENOENT,
            c"tcp://127.0.0.1:5555".as_ptr(),
        ),
        ("one not in use", libc::ENOENT, c"inproc://unused".as_ptr()),
    ] {
        refused!(calls, what, code, unsafe zmq_unbind(socket, endpoint));
        refused!(calls, what, code, unsafe zmq_disconnect(socket, endpoint));
    }
}

fn try_options(calls: &mut Calls, handles: &Handles) {
    let socket = handles.socket;
    let [one, less]: [c_int; 2] = [1, -2];
    let [one, less]: [*const c_void; 2] = [(&raw const one).cast(), (&raw const less).cast()];
    let long = [b'x'; 256];
    let long: *const c_void = long.as_ptr().cast();
    for (what, option, value, len) in [
        ("an unknown option", UNKNOWN, one, 4),
        ("an option of no socket", -1, one, 4),
        ("one that is only read", TYPE, one, 4),
        ("one of other types", SUBSCRIBE, one, 4),
        ("null", LINGER, NULL.cast_const(), 4),
        ("nothing", LINGER, NULL.cast_const(), 0),
        ("too few bytes", LINGER, one, 3),
        ("too many bytes", LINGER, one, 5),
        ("a number out of range", LINGER, less, 4),
        ("a number out of range", SNDHWM, less, 4),
        ("no routing id", ROUTING_ID, one, 0),
        ("a routing id too long", ROUTING_ID, long, 256),
    ] {
        refused!(calls, what, libc::EINVAL, unsafe zmq_setsockopt(socket, option, value, len));
    }
    let mut place: c_int = 0;
    let place: *mut c_void = (&raw mut place).cast();
    let no_len = ptr::null_mut();
    for (what, code, option, place, len) in [
        (
            "an unknown option",
            libc::EINVAL,
            UNKNOWN,
            place,
            ptr::from_mut(&mut 4usize),
        ),
        (
            "one that is only set",
            libc::EINVAL,
            SUBSCRIBE,
            place,
            ptr::from_mut(&mut 4usize),
        ),
        (
            "too little room",
            libc::EINVAL,
            LINGER,
            place,
            ptr::from_mut(&mut 3usize),
        ),
        (
            "no room",
            libc::EINVAL,
            LINGER,
            place,
            ptr::from_mut(&mut 0usize),
        ),
        (
            "no place",
            libc::EFAULT,
            LINGER,
            NULL,
            ptr::from_mut(&mut 4usize),
        ),
        ("no length", libc::EFAULT, LINGER, place, no_len),
    ] {
        refused!(calls, what, code, unsafe zmq_getsockopt(socket, option, place, len));
    }
}

fn try_drafts(calls: &mut Calls, handles: &Handles) {
    let world = &handles.world;
    let (pair, dish, peer) = (handles.socket, world.socket(DISH), world.socket(PEER));
    let group = c"group".as_ptr();
    let long = [b'x' as c_char; 257];
    let mut long = long;
    long[256] = 0;
    let long = long.as_ptr();
    refused!(calls, "a type of no groups", libc::ENOTSUP, unsafe zmq_join(pair, group));
    refused!(calls, "a type of no groups", libc::ENOTSUP, unsafe zmq_leave(pair, group));
    for (what, group) in [("null", NO_TEXT), ("a group too long", long)] {
        refused!(calls, what, libc::EINVAL, unsafe zmq_join(dish, group));
        refused!(calls, what, libc::EINVAL, unsafe zmq_leave(dish, group));
    }
    refused!(calls, "a group not joined", libc::EINVAL, unsafe zmq_leave(dish, group));
    // SAFETY: a text of C.
    assert_eq!(unsafe { zmq_join(dish, group) }, 0);
    refused!(calls, "a group joined before", libc::EINVAL, unsafe zmq_join(dish, group));

    let endpoint = ENDPOINT.as_ptr();
    refused!(calls, "another type", libc::ENOTSUP, unsafe zmq_connect_peer(pair, endpoint));
    for (what, code, endpoint) in [
        ("null", libc::EINVAL, NO_TEXT),
        ("no transport", libc::EINVAL, c"here".as_ptr()),
        (
            "an unknown transport",
            libc::EPROTONOSUPPORT,
            c"xyz://there".as_ptr(),
        ),
    ] {
        refused!(calls, what, code, unsafe zmq_connect_peer(peer, endpoint));
    }
    crate::tests::world::set(peer, IMMEDIATE, 1);
    refused!(calls, "IMMEDIATE", libc::EFAULT, unsafe zmq_connect_peer(peer, endpoint));
    refused!(
        calls,
        "another type",
        libc::ENOTSUP,
        zmq_disconnect_peer(pair, 1)
    );
    refused!(
        calls,
        "an unknown peer",
        libc::EHOSTUNREACH,
        zmq_disconnect_peer(peer, 1)
    );

    let router = world.socket(ROUTER);
    let id: *const c_void = b"id".as_ptr().cast();
    refused!(calls, "another type", libc::ENOTSUP, unsafe zmq_socket_get_peer_state(pair, id, 2));
    for (what, code, id, len) in [
        ("null", libc::EFAULT, NULL.cast_const(), 2),
        ("an unknown peer", libc::EHOSTUNREACH, id, 2),
        ("a peer of no name", libc::EHOSTUNREACH, id, 0),
        ("more bytes than there are", libc::EFAULT, id, usize::MAX),
    ] {
        refused!(calls, what, code, unsafe zmq_socket_get_peer_state(router, id, len));
    }
}

fn try_monitors(calls: &mut Calls, handles: &Handles) {
    let socket = handles.socket;
    for (what, code, endpoint) in [
        ("no transport", libc::EINVAL, c"here".as_ptr()),
        ("no address", libc::EINVAL, c"inproc://".as_ptr()),
        ("what is no text", libc::EINVAL, NO_UTF8.as_ptr()),
        (
            "another transport",
            libc::EPROTONOSUPPORT,
            c"tcp://127.0.0.1:*".as_ptr(),
        ),
    ] {
        refused!(calls, what, code, unsafe zmq_socket_monitor(socket, endpoint, 0xffff));
        refused!(
            calls,
            what,
            code,
            unsafe zmq_socket_monitor_versioned(socket, endpoint, 0xffff, 2, PAIR)
        );
    }
    let endpoint = ENDPOINT.as_ptr();
    refused!(calls, "events of version 2", libc::EINVAL, unsafe zmq_socket_monitor(socket, endpoint, 0x10000));
    for (what, events, version, kind) in [
        ("events of version 2", 0x10000, 1, PAIR),
        ("version 0", 0xffff, 0, PAIR),
        ("version 3", 0xffff, 3, PAIR),
        ("a type that does not send", 0xffff, 1, PULL),
        ("no type", 0xffff, 1, -1),
    ] {
        refused!(
            calls,
            what,
            libc::EINVAL,
            unsafe zmq_socket_monitor_versioned(socket, endpoint, events, version, kind)
        );
    }
    refused!(
        calls,
        "no monitor",
        libc::EINVAL,
        zmq_socket_monitor_pipes_stats(socket)
    );
}
