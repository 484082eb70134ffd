//! zmq_poll(3), zmq_poller(3), zmq_proxy(3) and their like.

use std::ffi::{c_int, c_short};
use std::ptr;

use super::{Calls, Handles, NULL, refused};
use crate::poll::{Item, zmq_poll, zmq_ppoll};
use crate::poller::*;
use crate::proxy::*;

const IN: c_short = 1;

pub fn try_all(calls: &mut Calls) {
    let handles = Handles::new();
    try_poll(calls, &handles);
    try_no_pollers(calls, &handles);
    try_pollers(calls, &handles);
    try_proxies(calls, &handles);
}

fn try_poll(calls: &mut Calls, handles: &Handles) {
    let mask = ptr::null();
    for (what, pointer) in handles.no_sockets() {
        // A null socket is for a descriptor.
        if pointer.is_null() {
            continue;
        }
        let mut item = Item {
            socket: pointer,
            fd: 0,
            events: IN,
            revents: 0,
        };
        let item = &raw mut item;
        refused!(calls, what, libc::ENOTSOCK, unsafe zmq_poll(item, 1, 0));
        refused!(calls, what, libc::ENOTSOCK, unsafe zmq_ppoll(item, 1, 0, mask));
    }
    let mut item = Item {
        socket: handles.socket,
        fd: 0,
        events: IN,
        revents: 0,
    };
    let item = &raw mut item;
    let null = ptr::null_mut();
    refused!(calls, "less than no items", libc::EINVAL, unsafe zmq_poll(item, -1, 0));
    refused!(calls, "less than no items", libc::EINVAL, unsafe zmq_ppoll(item, -1, 0, mask));
    refused!(calls, "null", libc::EFAULT, unsafe zmq_poll(null, 1, 0));
    refused!(calls, "null", libc::EFAULT, unsafe zmq_ppoll(null, 1, 0, mask));
    let odd = item.wrapping_byte_add(1);
    refused!(calls, "an odd address", libc::EFAULT, unsafe zmq_poll(odd, 1, 0));
    refused!(calls, "an odd address", libc::EFAULT, unsafe zmq_ppoll(odd, 1, 0, mask));
}

fn try_no_pollers(calls: &mut Calls, handles: &Handles) {
    const CODE: c_int = libc::EFAULT;
    let mut closed = zmq_poller_new();
    let kept = closed;
    // SAFETY: it points to a pointer.
    assert_eq!(unsafe { zmq_poller_destroy(&raw mut closed) }, 0);
    let socket = handles.socket;
    let (mut event, mut fd) = (Event::none(), 0);
    let (event, fd) = (&raw mut event, &raw mut fd);
    for (what, pointer) in handles.strangers(handles.poller, kept) {
        refused!(calls, what, CODE, unsafe zmq_poller_destroy(ptr::from_mut(&mut { pointer })));
        refused!(calls, what, CODE, zmq_poller_size(pointer));
        refused!(calls, what, CODE, zmq_poller_add(pointer, socket, NULL, IN));
        refused!(calls, what, CODE, zmq_poller_modify(pointer, socket, IN));
        refused!(calls, what, CODE, zmq_poller_remove(pointer, socket));
        refused!(calls, what, CODE, zmq_poller_add_fd(pointer, 0, NULL, IN));
        refused!(calls, what, CODE, zmq_poller_modify_fd(pointer, 0, IN));
        refused!(calls, what, CODE, zmq_poller_remove_fd(pointer, 0));
        refused!(calls, what, CODE, unsafe zmq_poller_wait(pointer, event, 0));
        refused!(calls, what, CODE, unsafe zmq_poller_wait_all(pointer, event, 1, 0));
        refused!(calls, what, CODE, unsafe zmq_poller_fd(pointer, fd));
    }
}

fn try_pollers(calls: &mut Calls, handles: &Handles) {
    let (poller, socket) = (handles.poller, handles.socket);
    for (what, pointer) in handles.no_sockets() {
        const CODE: c_int = libc::ENOTSOCK;
        refused!(calls, what, CODE, zmq_poller_add(poller, pointer, NULL, IN));
        refused!(calls, what, CODE, zmq_poller_modify(poller, pointer, IN));
        refused!(calls, what, CODE, zmq_poller_remove(poller, pointer));
    }
    for fd in [-1, -2, c_int::MIN] {
        const CODE: c_int = libc::EBADF;
        let what = format!("descriptor {fd}");
        refused!(calls, &what, CODE, zmq_poller_add_fd(poller, fd, NULL, IN));
        refused!(calls, &what, CODE, zmq_poller_modify_fd(poller, fd, IN));
        refused!(calls, &what, CODE, zmq_poller_remove_fd(poller, fd));
    }
    const CODE: c_int = libc::EINVAL;
    for events in [16, -1, c_short::MAX] {
        let what = format!("events {events}");
        refused!(
            calls,
            &what,
            CODE,
            zmq_poller_add(poller, socket, NULL, events)
        );
        refused!(
            calls,
            &what,
            CODE,
            zmq_poller_add_fd(poller, 0, NULL, events)
        );
    }
    refused!(
        calls,
        "one not added",
        CODE,
        zmq_poller_modify(poller, socket, IN)
    );
    refused!(
        calls,
        "one not added",
        CODE,
        zmq_poller_remove(poller, socket)
    );
    refused!(
        calls,
        "one not added",
        CODE,
        zmq_poller_modify_fd(poller, 0, IN)
    );
    refused!(
        calls,
        "one not added",
        CODE,
        zmq_poller_remove_fd(poller, 0)
    );
    assert_eq!(zmq_poller_add(poller, socket, NULL, IN), 0);
    assert_eq!(zmq_poller_add_fd(poller, 0, NULL, IN), 0);
    refused!(
        calls,
        "one added before",
        CODE,
        zmq_poller_add(poller, socket, NULL, IN)
    );
    refused!(
        calls,
        "one added before",
        CODE,
        zmq_poller_add_fd(poller, 0, NULL, IN)
    );
    refused!(
        calls,
        "unknown events",
        CODE,
        zmq_poller_modify(poller, socket, 16)
    );
    refused!(
        calls,
        "unknown events",
        CODE,
        zmq_poller_modify_fd(poller, 0, 16)
    );
    assert_eq!(zmq_poller_remove_fd(poller, 0), 0);

    let mut event = Event::none();
    let (event, null) = (&raw mut event, ptr::null_mut());
    refused!(calls, "no event", libc::EFAULT, unsafe zmq_poller_wait(poller, null, 0));
    refused!(calls, "no events", libc::EFAULT, unsafe zmq_poller_wait_all(poller, null, 1, 0));
    refused!(calls, "no events", libc::EFAULT, unsafe zmq_poller_wait_all(poller, null, 0, 0));
    refused!(calls, "less than no events", CODE, unsafe zmq_poller_wait_all(poller, event, -1, 0));
    refused!(calls, "a limit", libc::EAGAIN, unsafe zmq_poller_wait(poller, event, 0));
    assert_eq!(zmq_poller_modify(poller, socket, 0), 0);
    refused!(calls, "nothing to wait for", libc::EFAULT, unsafe zmq_poller_wait(poller, event, -1));
    let mut fd = 0;
    let fd = &raw mut fd;
    refused!(calls, "no place", libc::EFAULT, unsafe zmq_poller_fd(poller, ptr::null_mut()));
    refused!(calls, "types that have their own", CODE, unsafe zmq_poller_fd(poller, fd));
    refused!(calls, "no place", libc::EFAULT, unsafe zmq_poller_destroy(ptr::null_mut()));
}

fn try_proxies(calls: &mut Calls, handles: &Handles) {
    const CODE: c_int = libc::EFAULT;
    let socket = handles.socket;
    for (what, pointer) in handles.no_sockets() {
        refused!(calls, what, CODE, zmq_proxy(pointer, socket, NULL));
        refused!(calls, what, CODE, zmq_proxy(socket, pointer, NULL));
        refused!(calls, what, CODE, zmq_device(0, pointer, socket));
        refused!(calls, what, CODE, zmq_device(0, socket, pointer));
        refused!(
            calls,
            what,
            CODE,
            zmq_proxy_steerable(pointer, socket, NULL, NULL)
        );
        refused!(
            calls,
            what,
            CODE,
            zmq_proxy_steerable(socket, pointer, NULL, NULL)
        );
        // Without these two it goes on.
        if !pointer.is_null() {
            refused!(calls, what, CODE, zmq_proxy(socket, socket, pointer));
            refused!(
                calls,
                what,
                CODE,
                zmq_proxy_steerable(socket, socket, NULL, pointer)
            );
        }
    }
}
