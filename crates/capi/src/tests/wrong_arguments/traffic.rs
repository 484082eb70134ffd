//! Sending and receiving: zmq_send(3), zmq_msg_send(3) and their like.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use super::{Calls, Handles, NULL, refused};
use crate::context::zmq_ctx_shutdown;
use crate::errno::{EFSM, ETERM};
use crate::exchange::*;
use crate::iov::*;
use crate::message::{Msg, zmq_msg_close, zmq_msg_init};
use crate::tests::world::{DONTWAIT, PULL, PUSH, REP, REQ, ROUTER, SNDMORE, set};

pub fn try_all(calls: &mut Calls) {
    let handles = Handles::new();
    let mut msg = MaybeUninit::<Msg>::uninit();
    let msg = msg.as_mut_ptr();
    // SAFETY: there is room for a message.
    assert_eq!(unsafe { zmq_msg_init(msg) }, 0);
    for (what, pointer) in handles.no_sockets() {
        try_socket(calls, what, libc::ENOTSOCK, pointer, msg);
    }
    try_places(calls, &handles, msg);
    try_types(calls, &handles, msg);
    // After all others.
    zmq_ctx_shutdown(handles.context);
    try_socket(calls, "a context shut down", ETERM, handles.socket, msg);
    // SAFETY: it is a message.
    assert_eq!(unsafe { zmq_msg_close(msg) }, 0);
}

/// Everything with a socket that can do nothing.
fn try_socket(calls: &mut Calls, what: &str, code: c_int, socket: *mut c_void, msg: *mut Msg) {
    try_sending(calls, what, code, socket, msg);
    try_receiving(calls, what, code, socket, msg);
}

fn try_sending(calls: &mut Calls, what: &str, code: c_int, socket: *mut c_void, msg: *mut Msg) {
    let mut bytes = [0u8; 4];
    let data: *mut c_void = bytes.as_mut_ptr().cast();
    let mut entry = libc::iovec {
        iov_base: data,
        iov_len: 4,
    };
    let entry = &raw mut entry;
    refused!(calls, what, code, unsafe zmq_send(socket, data, 4, DONTWAIT));
    refused!(calls, what, code, unsafe zmq_send_const(socket, data, 4, DONTWAIT));
    refused!(calls, what, code, unsafe zmq_msg_send(msg, socket, DONTWAIT));
    refused!(calls, what, code, unsafe zmq_sendmsg(socket, msg, DONTWAIT));
    refused!(calls, what, code, unsafe zmq_sendiov(socket, entry, 1, DONTWAIT));
}

fn try_receiving(calls: &mut Calls, what: &str, code: c_int, socket: *mut c_void, msg: *mut Msg) {
    let mut bytes = [0u8; 4];
    let data: *mut c_void = bytes.as_mut_ptr().cast();
    let mut entry = libc::iovec {
        iov_base: NULL,
        iov_len: 0,
    };
    let entry = &raw mut entry;
    refused!(calls, what, code, unsafe zmq_recv(socket, data, 4, DONTWAIT));
    refused!(calls, what, code, unsafe zmq_msg_recv(msg, socket, DONTWAIT));
    refused!(calls, what, code, unsafe zmq_recvmsg(socket, msg, DONTWAIT));
    refused!(calls, what, code, unsafe zmq_recviov(socket, entry, ptr::from_mut(&mut 1usize), DONTWAIT));
}

/// What is to be sent is nowhere, and neither is room for what is received.
fn try_places(calls: &mut Calls, handles: &Handles, msg: *mut Msg) {
    let socket = handles.socket;
    let mut blank = MaybeUninit::<Msg>::zeroed();
    for (what, msg) in [
        ("no message", ptr::null_mut()),
        ("memory of no message", blank.as_mut_ptr()),
    ] {
        const CODE: c_int = libc::EFAULT;
        refused!(calls, what, CODE, unsafe zmq_msg_send(msg, socket, DONTWAIT));
        refused!(calls, what, CODE, unsafe zmq_sendmsg(socket, msg, DONTWAIT));
        refused!(calls, what, CODE, unsafe zmq_msg_recv(msg, socket, DONTWAIT));
        refused!(calls, what, CODE, unsafe zmq_recvmsg(socket, msg, DONTWAIT));
    }
    let mut byte = [0u8];
    let byte: *mut c_void = byte.as_mut_ptr().cast();
    for (what, data, len) in [
        ("no data", NULL, 4),
        ("more data than there is", byte, usize::MAX),
    ] {
        const CODE: c_int = libc::EFAULT;
        refused!(calls, what, CODE, unsafe zmq_send(socket, data, len, DONTWAIT));
        refused!(calls, what, CODE, unsafe zmq_send_const(socket, data, len, DONTWAIT));
    }
    refused!(calls, "no room", libc::EFAULT, unsafe zmq_recv(socket, NULL, 4, DONTWAIT));
    let mut entry = libc::iovec {
        iov_base: NULL,
        iov_len: 4,
    };
    let (null, entry) = (ptr::null_mut(), &raw mut entry);
    refused!(calls, "no parts", libc::EINVAL, unsafe zmq_sendiov(socket, null, 1, DONTWAIT));
    refused!(calls, "none of the parts", libc::EINVAL, unsafe zmq_sendiov(socket, entry, 0, DONTWAIT));
    refused!(calls, "no data", libc::EFAULT, unsafe zmq_sendiov(socket, entry, 1, DONTWAIT));
    let no_count = ptr::null_mut();
    for (what, parts, count) in [
        ("no parts", null, ptr::from_mut(&mut 1usize)),
        ("no count", entry, no_count),
        ("no room", entry, ptr::from_mut(&mut 0usize)),
    ] {
        refused!(calls, what, libc::EINVAL, unsafe zmq_recviov(socket, parts, count, DONTWAIT));
    }
    try_socket(calls, "nobody there", libc::EAGAIN, socket, msg);
}

/// What a socket cannot do because of its type.
fn try_types(calls: &mut Calls, handles: &Handles, msg: *mut Msg) {
    const MANDATORY: c_int = 33;
    const CLIENT: c_int = 13;
    let world = &handles.world;
    try_sending(calls, "a PULL", libc::ENOTSUP, world.socket(PULL), msg);
    try_receiving(calls, "a PUSH", libc::ENOTSUP, world.socket(PUSH), msg);
    try_sending(calls, "a REP", EFSM, world.socket(REP), msg);
    try_receiving(calls, "a REQ", EFSM, world.socket(REQ), msg);
    let router = world.socket(ROUTER);
    set(router, MANDATORY, 1);
    try_unroutable(calls, router, msg);
    let client = world.socket(CLIENT);
    let data: *const c_void = b"data".as_ptr().cast();
    refused!(calls, "several parts", libc::EINVAL, unsafe zmq_send(client, data, 4, SNDMORE));
    refused!(calls, "several parts", libc::EINVAL, unsafe zmq_send_const(client, data, 4, SNDMORE));
    refused!(calls, "several parts", libc::EINVAL, unsafe zmq_msg_send(msg, client, SNDMORE));
    refused!(calls, "several parts", libc::EINVAL, unsafe zmq_sendmsg(client, msg, SNDMORE));
}

/// The first part names a peer that a ROUTER does not have.
fn try_unroutable(calls: &mut Calls, router: *mut c_void, msg: *mut Msg) {
    const CODE: c_int = libc::EHOSTUNREACH;
    let data: *mut c_void = b"peer".as_ptr().cast_mut().cast();
    let entry = libc::iovec {
        iov_base: data,
        iov_len: 4,
    };
    let mut parts = [entry, entry];
    let parts = parts.as_mut_ptr();
    let what = "an unknown peer";
    refused!(calls, what, CODE, unsafe zmq_send(router, data, 4, SNDMORE));
    refused!(calls, what, CODE, unsafe zmq_send_const(router, data, 4, SNDMORE));
    refused!(calls, what, CODE, unsafe zmq_msg_send(msg, router, SNDMORE));
    refused!(calls, what, CODE, unsafe zmq_sendmsg(router, msg, SNDMORE));
    refused!(calls, what, CODE, unsafe zmq_sendiov(router, parts, 2, SNDMORE));
}
