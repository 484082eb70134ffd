//! Sockets and their endpoints (zmq_socket(3), zmq_bind(3) and their like).

use std::ffi::{c_char, c_int, c_void};

use zincmq::error::UnbindError;
use zincmq::{Message, Readiness, SocketType};

use crate::boundary::{self, Outcome, guard, guard_unit};
use crate::context::context;
use crate::errno::code;
use crate::handle::{Ref, Table};
use crate::monitor::Watch;
use crate::turns::Turns;

static SOCKETS: Table<Socket> = Table::new();

/// What C has as a socket.
pub struct Socket {
    /// The engine's.
    pub engine: zincmq::Socket,
    /// Messages that C is in the middle of.
    pub turns: Turns,
    /// What monitors it.
    pub watch: Watch,
}

impl Socket {
    /// Whether a receive, and a send, would go on now with a message that the
    /// calling thread is in the middle of.
    pub fn pending(&self) -> (bool, bool) {
        let (sending, receiving) = self.turns.state();
        (receiving, sending)
    }

    /// What to ask the engine of, and what is known without, as to what the
    /// socket is ready for of what is `asked`: half a message that is to be
    /// gone on with is one the engine knows nothing of.
    pub fn halfway(&self, asked: Readiness) -> (Readiness, Readiness) {
        let (receiving, sending) = self.pending();
        if !receiving && !sending {
            return (asked, Readiness::NONE);
        }
        let strict = matches!(self.engine.socket_type(), SocketType::Req | SocketType::Rep);
        let (mut ask, mut known) = (Readiness::NONE, Readiness::NONE);
        for (way, half, other) in [
            (Readiness::READABLE, receiving, sending),
            (Readiness::WRITABLE, sending, receiving),
        ] {
            match asked.contains(way) {
                true if half => known |= way,
                true if !(strict && other) => ask |= way,
                _ => {}
            }
        }
        (ask, known)
    }
}

/// The socket behind a pointer from C.
///
/// # Errors
///
/// ENOTSOCK if there is none.
#[inline]
pub fn socket(pointer: *mut c_void) -> Outcome<Ref<Socket>> {
    SOCKETS.get(pointer).ok_or(libc::ENOTSOCK)
}

/// A new socket of type `kind`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_socket(context_pointer: *mut c_void, kind: c_int) -> *mut c_void {
    guard(|| {
        let context = context(context_pointer)?;
        let kind = u8::try_from(kind).ok().and_then(SocketType::from_number);
        let engine = context.socket(kind.ok_or(libc::EINVAL)?).map_err(code)?;
        let pointer = SOCKETS.insert(Socket {
            engine,
            turns: Turns::default(),
            watch: Watch::default(),
        });
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
        check_named(endpoint)?;
        match socket.engine.unbind(endpoint) {
            Err(UnbindError::Unknown(_)) => socket.engine.disconnect(endpoint),
            ended => ended,
        }
        .map_err(code)
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
        match socket.engine.disconnect(endpoint) {
            Err(UnbindError::Unknown(_)) => {
                check_named(endpoint)?;
                socket.engine.unbind(endpoint)
            }
            ended => ended,
        }
        .map_err(code)
    })
}

/// What a wildcard stood for is known by its real name only.
fn check_named(endpoint: &str) -> Outcome<()> {
    let tcp = endpoint.strip_prefix("tcp://");
    match endpoint == "ipc://*" || tcp.is_some_and(|address| address.ends_with(":*")) {
        true => Err(libc::ENOENT),
        false => Ok(()),
    }
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
