//! zmq_ctx_new(3) and its like.

use std::ffi::c_int;
use std::ptr;

use super::{Calls, Handles, NULL, refused};
use crate::context::*;
use crate::socket::zmq_socket;

const IO_THREADS: c_int = 1;
const MAX_SOCKETS: c_int = 2;
const PREFIX: c_int = 9;
const UNKNOWN: c_int = 1234;

pub fn try_all(calls: &mut Calls) {
    let handles = Handles::new();
    let one: c_int = 1;
    let value = (&raw const one).cast();
    let mut place = [0u8; 8];
    let place = place.as_mut_ptr().cast();
    let mut len = size_of::<c_int>();
    let len = &raw mut len;
    for (what, pointer) in handles.no_contexts() {
        refused!(calls, what, libc::EFAULT, zmq_ctx_term(pointer));
        refused!(calls, what, libc::EFAULT, zmq_term(pointer));
        refused!(calls, what, libc::EFAULT, zmq_ctx_destroy(pointer));
        refused!(calls, what, libc::EFAULT, zmq_ctx_shutdown(pointer));
        refused!(
            calls,
            what,
            libc::EFAULT,
            zmq_ctx_set(pointer, IO_THREADS, 1)
        );
        refused!(calls, what, libc::EFAULT, zmq_ctx_get(pointer, IO_THREADS));
        refused!(calls, what, libc::EFAULT, unsafe zmq_ctx_set_ext(pointer, IO_THREADS, value, 4));
        refused!(calls, what, libc::EFAULT, unsafe zmq_ctx_get_ext(pointer, IO_THREADS, place, len));
        refused!(calls, what, libc::EFAULT, zmq_socket(pointer, 0));
    }
    let context = handles.context;
    for (option, value) in [(UNKNOWN, 1), (-1, 1), (IO_THREADS, -1), (MAX_SOCKETS, 0)] {
        let what = format!("{value} for option {option}");
        refused!(
            calls,
            &what,
            libc::EINVAL,
            zmq_ctx_set(context, option, value)
        );
    }
    refused!(
        calls,
        "an unknown option",
        libc::EINVAL,
        zmq_ctx_get(context, UNKNOWN)
    );
    let null = ptr::null_mut();
    for (what, option, value, len) in [
        ("an unknown option", UNKNOWN, value, 4),
        ("no bytes", IO_THREADS, value, 0),
        ("too few bytes", IO_THREADS, value, 3),
        ("too many bytes", IO_THREADS, value, 5),
        ("null", IO_THREADS, NULL.cast_const(), 4),
        ("more bytes than there are", PREFIX, value, usize::MAX),
        (
            "bytes that are no text",
            PREFIX,
            b"\xff\xff".as_ptr().cast(),
            2,
        ),
        ("a text too long", PREFIX, [b'x'; 17].as_ptr().cast(), 17),
    ] {
        refused!(calls, what, libc::EINVAL, unsafe zmq_ctx_set_ext(context, option, value, len));
    }
    for (what, code, option, place, len) in [
        ("an unknown option", libc::EINVAL, UNKNOWN, place, len),
        ("no place", libc::EFAULT, IO_THREADS, NULL, len),
        ("no length", libc::EFAULT, IO_THREADS, place, null),
        (
            "too little room",
            libc::EINVAL,
            IO_THREADS,
            place,
            ptr::from_mut(&mut 3usize),
        ),
    ] {
        refused!(calls, what, code, unsafe zmq_ctx_get_ext(context, option, place, len));
    }
    refused!(calls, "less than none", libc::EINVAL, zmq_init(-1));
    for kind in [-1, 21, 255, 256, c_int::MAX, c_int::MIN] {
        let what = format!("type {kind}");
        refused!(calls, &what, libc::EINVAL, zmq_socket(context, kind));
    }
}
