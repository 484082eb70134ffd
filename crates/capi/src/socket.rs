//! Sockets and their endpoints (zmq_socket(3), zmq_bind(3) and their like).

use std::ffi::{c_char, c_int, c_void};

/// What C has as a socket.
pub use zincmq::raw::PartSocket as Socket;
use zincmq::{Message, SocketType};

use crate::boundary::{self, Outcome, guard, guard_unit};
use crate::context::context;
use crate::errno::code;
use crate::handle::{Call, Ref, Table};

static SOCKETS: Table<Socket> = Table::new();

/// The socket behind a pointer from C.
///
/// # Errors
///
/// ENOTSOCK if there is none.
#[inline]
pub fn socket(pointer: *mut c_void) -> Outcome<Ref<Socket>> {
    SOCKETS.get(pointer).ok_or(libc::ENOTSOCK)
}

/// As [`socket`], for one call of C's.
///
/// # Errors
///
/// As [`socket`].
#[inline(always)]
pub fn in_call(pointer: *mut c_void) -> Outcome<Call<Socket>> {
    SOCKETS.call(pointer).ok_or(libc::ENOTSOCK)
}

/// A new socket of type `kind`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_socket(context_pointer: *mut c_void, kind: c_int) -> *mut c_void {
    guard(|| {
        let context = context(context_pointer)?;
        let kind = u8::try_from(kind).ok().and_then(SocketType::from_number);
        let engine = context.socket(kind.ok_or(libc::EINVAL)?).map_err(code)?;
        let pointer = SOCKETS.insert(Socket::new(engine));
        match pointer.is_null() {
            true => Err(libc::EMFILE),
            false => Ok(pointer),
        }
    })
}

/// Closes a socket. What it has queued is still sent within its linger time;
/// calls of other threads on it end with ENOTSOCK.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_close(pointer: *mut c_void) -> c_int {
    guard_unit(|| {
        let socket = SOCKETS.remove(pointer).ok_or(libc::ENOTSOCK)?;
        socket.engine.close();
        Ok(())
    })
}

/// Listens at an endpoint.
///
/// # Safety
///
/// `endpoint` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_bind(pointer: *mut c_void, endpoint: *const c_char) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        // SAFETY: by the caller's promise.
        let endpoint = unsafe { boundary::text(endpoint) }?;
        socket.engine.bind(endpoint).map(drop).map_err(code)
    })
}

/// Connects to an endpoint.
///
/// # Safety
///
/// `endpoint` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_connect(pointer: *mut c_void, endpoint: *const c_char) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        // SAFETY: by the caller's promise.
        let endpoint = unsafe { boundary::text(endpoint) }?;
        socket.engine.connect(endpoint).map_err(code)
    })
}

/// Stops listening at an endpoint; where the socket does not, ends the
/// connection to it.
///
/// # Safety
///
/// `endpoint` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_unbind(pointer: *mut c_void, endpoint: *const c_char) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        // SAFETY: by the caller's promise.
        let endpoint = unsafe { boundary::text(endpoint) }?;
        socket.unbind(endpoint)
    })
}

/// Ends the connection to an endpoint; where there is none, stops listening at
/// it.
///
/// # Safety
///
/// `endpoint` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_disconnect(pointer: *mut c_void, endpoint: *const c_char) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        // SAFETY: by the caller's promise.
        let endpoint = unsafe { boundary::text(endpoint) }?;
        socket.disconnect(endpoint)
    })
}

/// ZMQ_POLLOUT if a ROUTER could send to the peer with a routing id now.
///
/// # Safety
///
/// `routing_id` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_get_peer_state(
    pointer: *mut c_void,
    routing_id: *const c_void,
    len: usize,
) -> c_int {
    const POLL_OUT: c_int = 2;
    guard(|| {
        let socket = socket(pointer)?;
        if socket.engine.socket_type() != SocketType::Router {
            return Err(libc::ENOTSUP);
        }
        // SAFETY: by the caller's promise.
        let routing_id = unsafe { boundary::bytes(routing_id, len) }?;
        let routing_id = Message::from(routing_id);
        match zincmq::raw::peer_state(&socket.engine, &routing_id) {
            Ok(true) => Ok(POLL_OUT),
            Ok(false) => Ok(0),
            Err(failure) => Err(code(failure)),
        }
    })
}
