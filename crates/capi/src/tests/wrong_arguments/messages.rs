//! zmq_msg_init(3) and its like.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use super::{Calls, NULL, refused};
use crate::message::*;

pub fn try_all(calls: &mut Calls) {
    // Memory that no init function has seen, and a message closed.
    let mut blank = MaybeUninit::<Msg>::zeroed();
    let mut closed = MaybeUninit::<Msg>::uninit();
    let mut good = MaybeUninit::<Msg>::uninit();
    let good = good.as_mut_ptr();
    // SAFETY: there is room for a message at each.
    unsafe {
        zmq_msg_init(good);
        zmq_msg_init_buffer(closed.as_mut_ptr(), [0u8; 100].as_ptr().cast(), 100);
        zmq_msg_close(closed.as_mut_ptr());
    }
    for (what, msg) in [
        ("null", ptr::null_mut()),
        ("memory of no message", blank.as_mut_ptr()),
        ("a closed message", closed.as_mut_ptr()),
        ("a message at an odd address", odd(good)),
    ] {
        try_no_message(calls, what, msg, good);
    }
    try_arguments(calls, good);
    // SAFETY: it is a message.
    assert_eq!(unsafe { zmq_msg_close(good) }, 0);
}

/// Where no `zmq_msg_t` can be, as zmq.h aligns it.
fn odd(msg: *mut Msg) -> *mut Msg {
    msg.wrapping_byte_add(1)
}

fn try_no_message(calls: &mut Calls, what: &str, msg: *mut Msg, good: *mut Msg) {
    const CODE: c_int = libc::EFAULT;
    const MORE: c_int = 1;
    refused!(calls, what, CODE, unsafe zmq_msg_close(msg));
    refused!(calls, what, CODE, unsafe zmq_msg_move(msg, good));
    refused!(calls, what, CODE, unsafe zmq_msg_move(good, msg));
    refused!(calls, what, CODE, unsafe zmq_msg_move(msg, msg));
    refused!(calls, what, CODE, unsafe zmq_msg_copy(msg, good));
    refused!(calls, what, CODE, unsafe zmq_msg_copy(good, msg));
    refused!(calls, what, CODE, unsafe zmq_msg_copy(msg, msg));
    refused!(calls, what, CODE, unsafe zmq_msg_data(msg));
    refused!(calls, what, CODE, unsafe zmq_msg_size(msg));
    refused!(calls, what, CODE, unsafe zmq_msg_more(msg));
    refused!(calls, what, CODE, unsafe zmq_msg_get(msg, MORE));
    refused!(calls, what, CODE, unsafe zmq_msg_set(msg, MORE, 1));
    refused!(calls, what, CODE, unsafe zmq_msg_gets(msg, c"User-Id".as_ptr()));
    refused!(calls, what, CODE, unsafe zmq_msg_set_routing_id(msg, 1));
    refused!(calls, what, CODE, unsafe zmq_msg_routing_id(msg));
    refused!(calls, what, CODE, unsafe zmq_msg_set_group(msg, c"group".as_ptr()));
    refused!(calls, what, CODE, unsafe zmq_msg_group(msg));
}

fn try_arguments(calls: &mut Calls, good: *mut Msg) {
    let null = ptr::null_mut();
    let data: *mut c_void = [0u8; 4].as_mut_ptr().cast();
    let mut place = MaybeUninit::<Msg>::uninit();
    let place = place.as_mut_ptr();
    for (what, nowhere) in [("null", null), ("an odd address", odd(place))] {
        refused!(calls, what, libc::EFAULT, unsafe zmq_msg_init(nowhere));
        refused!(calls, what, libc::EFAULT, unsafe zmq_msg_init_size(nowhere, 4));
        refused!(calls, what, libc::EFAULT, unsafe zmq_msg_init_data(nowhere, data, 4, None, NULL));
        refused!(calls, what, libc::EFAULT, unsafe zmq_msg_init_buffer(nowhere, data, 4));
    }
    refused!(calls, "no data", libc::EFAULT, unsafe zmq_msg_init_data(place, NULL, 4, None, NULL));
    refused!(calls, "no data", libc::EFAULT, unsafe zmq_msg_init_buffer(place, NULL, 4));
    for size in [usize::MAX, usize::MAX / 2, usize::MAX - 64] {
        let what = format!("{size} bytes");
        refused!(calls, &what, libc::ENOMEM, unsafe zmq_msg_init_size(place, size));
    }
    let size = usize::MAX;
    refused!(calls, "more than there is", libc::ENOMEM, unsafe zmq_msg_init_data(place, data, size, None, NULL));
    for property in [0, -1, 4, 1234] {
        let what = format!("property {property}");
        refused!(calls, &what, libc::EINVAL, unsafe zmq_msg_get(good, property));
    }
    for property in [1, 2, 3, 1234] {
        let what = format!("property {property}");
        refused!(calls, &what, libc::EINVAL, unsafe zmq_msg_set(good, property, 1));
    }
    for (what, name) in [
        ("null", ptr::null()),
        ("an unknown property", c"Unheard-Of".as_ptr()),
        ("one of a connection", c"Peer-Address".as_ptr()),
        ("what is no text", c"\xff".as_ptr()),
    ] {
        refused!(calls, what, libc::EINVAL, unsafe zmq_msg_gets(good, name));
    }
    refused!(calls, "no routing id", libc::EINVAL, unsafe zmq_msg_set_routing_id(good, 0));
    let mut long = [b'x' as std::ffi::c_char; 257];
    long[256] = 0;
    for (what, group) in [("null", ptr::null()), ("a group too long", long.as_ptr())] {
        refused!(calls, what, libc::EINVAL, unsafe zmq_msg_set_group(good, group));
    }
}
