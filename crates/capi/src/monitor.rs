//! Monitors (zmq_socket_monitor(3), zmq_socket_monitor_versioned(3)).

use std::ffi::{c_char, c_int, c_void};

use zincmq::SocketType;
use zincmq::raw::report::Form;

use crate::boundary::{self, Outcome, guard_unit};
use crate::socket::socket;

/// Sends what happens to a socket's connections to the PAIR that connects to
/// `endpoint`, an inproc one. A null one ends that.
///
/// # Safety
///
/// `endpoint` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor(
    pointer: *mut c_void,
    endpoint: *const c_char,
    events: c_int,
) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        // SAFETY: by the caller's promise.
        let endpoint = unsafe { optional_text(endpoint) }?;
        // A negative number has bits that no event has.
        let events = i64::from(events).cast_unsigned();
        let (form, kind) = (Form::new(1, events)?, Some(SocketType::Pair));
        socket.watch.start(&socket.engine, endpoint, form, kind)
    })
}

/// As [`zmq_socket_monitor`], in the frames of a version and through a PAIR,
/// PUB or PUSH.
///
/// # Safety
///
/// `endpoint` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor_versioned(
    pointer: *mut c_void,
    endpoint: *const c_char,
    events: u64,
    version: c_int,
    kind: c_int,
) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        // SAFETY: by the caller's promise.
        let endpoint = unsafe { optional_text(endpoint) }?;
        let form = Form::new(version, events)?;
        let kind = u8::try_from(kind).ok().and_then(SocketType::from_number);
        socket.watch.start(&socket.engine, endpoint, form, kind)
    })
}

/// Sends one event for each peer of a socket, with the number of messages that
/// wait to go there and that wait from there.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_socket_monitor_pipes_stats(pointer: *mut c_void) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        socket.watch.tell_pipes(&socket.engine)
    })
}

/// The text at `text`, if it is not null.
///
/// # Safety
///
/// As for [`boundary::text`].
unsafe fn optional_text<'a>(text: *const c_char) -> Outcome<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: by the caller's promise.
    unsafe { boundary::text(text) }.map(Some)
}
