//! Timers, counters, threads and what else there is.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use super::{Calls, Handles, NULL, refused};
use crate::atomic_counter::*;
use crate::curve::*;
use crate::stopwatch::*;
use crate::thread::*;
use crate::timers::*;
use crate::version::*;
use crate::z85::*;

pub fn try_all(calls: &mut Calls) {
    let handles = Handles::new();
    try_timers(calls, &handles);
    try_counters(calls, &handles);
    try_others(calls, &handles);
    try_keys(calls);
    take_anything();
}

extern "C-unwind" fn nothing(_: c_int, _: *mut c_void) {}

fn try_timers(calls: &mut Calls, handles: &Handles) {
    const CODE: c_int = libc::EFAULT;
    let mut closed = zmq_timers_new();
    let kept = closed;
    // SAFETY: it points to a pointer.
    assert_eq!(unsafe { zmq_timers_destroy(&raw mut closed) }, 0);
    for (what, pointer) in handles.strangers(handles.timers, kept) {
        refused!(calls, what, CODE, unsafe zmq_timers_destroy(ptr::from_mut(&mut { pointer })));
        refused!(calls, what, CODE, unsafe zmq_timers_add(pointer, 1, Some(nothing), NULL));
        refused!(calls, what, CODE, zmq_timers_cancel(pointer, 1));
        refused!(calls, what, CODE, zmq_timers_set_interval(pointer, 1, 1));
        refused!(calls, what, CODE, zmq_timers_reset(pointer, 1));
        refused!(calls, what, CODE, zmq_timers_timeout(pointer));
        refused!(calls, what, CODE, zmq_timers_execute(pointer));
    }
    let (timers, null) = (handles.timers, ptr::null_mut());
    refused!(calls, "no place", CODE, unsafe zmq_timers_destroy(null));
    refused!(calls, "no function", CODE, unsafe zmq_timers_add(timers, 1, None, NULL));
    for id in [1, 0, -1, c_int::MAX] {
        let what = format!("timer {id}");
        refused!(calls, &what, libc::EINVAL, zmq_timers_cancel(timers, id));
        refused!(
            calls,
            &what,
            libc::EINVAL,
            zmq_timers_set_interval(timers, id, 1)
        );
        refused!(calls, &what, libc::EINVAL, zmq_timers_reset(timers, id));
    }
}

fn try_counters(calls: &mut Calls, handles: &Handles) {
    const CODE: c_int = libc::EFAULT;
    let mut closed = zmq_atomic_counter_new();
    let kept = closed;
    // SAFETY: it points to a pointer.
    unsafe { zmq_atomic_counter_destroy(&raw mut closed) };
    for (what, pointer) in handles.strangers(handles.counter, kept) {
        refused!(calls, what, CODE, zmq_atomic_counter_set(pointer, 1));
        refused!(calls, what, CODE, zmq_atomic_counter_inc(pointer));
        refused!(calls, what, CODE, zmq_atomic_counter_dec(pointer));
        refused!(calls, what, CODE, zmq_atomic_counter_value(pointer));
        refused!(calls, what, CODE, unsafe zmq_atomic_counter_destroy(ptr::from_mut(&mut { pointer })));
    }
    let null = ptr::null_mut();
    refused!(calls, "no place", CODE, unsafe zmq_atomic_counter_destroy(null));
}

fn try_others(calls: &mut Calls, handles: &Handles) {
    const CODE: c_int = libc::EFAULT;
    let closed = zmq_stopwatch_start();
    zmq_stopwatch_stop(closed);
    for (what, pointer) in handles.strangers(handles.stopwatch, closed) {
        refused!(calls, what, CODE, zmq_stopwatch_intermediate(pointer));
        refused!(calls, what, CODE, zmq_stopwatch_stop(pointer));
    }
    // SAFETY: it may be called with anything.
    let closed = unsafe { zmq_threadstart(Some(super::nothing), NULL) };
    zmq_threadclose(closed);
    for (what, pointer) in handles.strangers(handles.thread, closed) {
        refused!(calls, what, CODE, zmq_threadclose(pointer));
    }
    refused!(calls, "no function", CODE, unsafe zmq_threadstart(None, NULL));
    refused!(calls, "less than none", libc::EINVAL, zmq_sleep(-1));
}

fn try_keys(calls: &mut Calls) {
    const SECRET: &CStr = c"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
    let (mut text, mut bytes) = ([0; 64], [0u8; 64]);
    let (text, bytes) = (text.as_mut_ptr(), bytes.as_mut_ptr());
    let (no_text, no_bytes) = (ptr::null_mut(), ptr::null_mut());
    for size in [1, 3, 5, 42, usize::MAX] {
        let what = format!("{size} bytes");
        refused!(calls, &what, libc::EINVAL, unsafe zmq_z85_encode(text, bytes, size));
        refused!(calls, &what, libc::EINVAL, unsafe zmq_z85_encode(no_text, no_bytes, size));
    }
    refused!(calls, "no data", libc::EFAULT, unsafe zmq_z85_encode(text, no_bytes, 4));
    refused!(calls, "no place", libc::EFAULT, unsafe zmq_z85_encode(no_text, bytes, 4));
    refused!(calls, "no place", libc::EFAULT, unsafe zmq_z85_encode(no_text, bytes, 0));
    let most = usize::MAX - 3;
    refused!(calls, "more than there is", libc::EFAULT, unsafe zmq_z85_encode(text, bytes, most));
    refused!(calls, "no text", libc::EFAULT, unsafe zmq_z85_decode(bytes, no_text));
    refused!(calls, "no place", libc::EFAULT, unsafe zmq_z85_decode(no_bytes, c"01234".as_ptr()));
    for wrong in [
        c"",
        c"0",
        c"01234567",
        c"#####",
        c"%nSc1",
        c"0123 ",
        c"0123\x80",
    ] {
        let what = format!("{wrong:?}");
        refused!(calls, &what, libc::EINVAL, unsafe zmq_z85_decode(bytes, wrong.as_ptr()));
        refused!(calls, &what, libc::EINVAL, unsafe zmq_curve_public(text, wrong.as_ptr()));
    }
    refused!(calls, "no place", libc::EFAULT, unsafe zmq_curve_keypair(no_text, text));
    refused!(calls, "no place", libc::EFAULT, unsafe zmq_curve_keypair(text, no_text));
    refused!(calls, "no place", libc::EFAULT, unsafe zmq_curve_public(no_text, SECRET.as_ptr()));
    refused!(calls, "no key", libc::EFAULT, unsafe zmq_curve_public(text, no_text));
    let long = c"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs01234".as_ptr();
    refused!(calls, "a key too long", libc::EINVAL, unsafe zmq_curve_public(text, long));
}

/// Functions for which nothing is wrong.
fn take_anything() {
    let null = ptr::null_mut();
    // SAFETY: null is allowed.
    unsafe { zmq_version(null, null, null) };
    // SAFETY: null is allowed.
    assert_eq!(unsafe { zmq_has(ptr::null()) }, 0);
    // SAFETY: a text of C.
    assert_eq!(unsafe { zmq_has(c"\xff".as_ptr()) }, 0);
    for code in [0, -1, c_int::MAX, c_int::MIN] {
        assert!(!zmq_strerror(code).is_null());
    }
}
