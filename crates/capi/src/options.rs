//! Options of sockets (zmq_setsockopt(3), zmq_getsockopt(3)).

use std::ffi::{c_int, c_void};
use std::os::fd::{FromRawFd, OwnedFd};

use zincmq::options::{Kind, OptionValue, row_by_number};
use zincmq::{ListeningFd, Readiness, SocketType};

use crate::boundary::{self, Outcome, guard_unit};
use crate::errno::code;
use crate::poll;
use crate::socket::{Socket, socket};

const RCVMORE: c_int = 13;
const FD: c_int = 14;
const EVENTS: c_int = 15;
const TCP_ACCEPT_FILTER: c_int = 38;
const SOCKS_PROXY: c_int = 68;
const THREAD_SAFE: c_int = 81;
const BINDTODEVICE: c_int = 92;
const IPC_FILTER_PID: c_int = 58;
const IPC_FILTER_UID: c_int = 59;
const IPC_FILTER_GID: c_int = 60;

/// What a null pointer clears, while a value of no bytes is refused.
const CLEARED_BY_NULL: [c_int; 6] = [
    TCP_ACCEPT_FILTER,
    SOCKS_PROXY,
    BINDTODEVICE,
    IPC_FILTER_PID,
    IPC_FILTER_UID,
    IPC_FILTER_GID,
];

/// Sets an option to what is in `len` bytes.
///
/// # Safety
///
/// `value` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_setsockopt(
    pointer: *mut c_void,
    option: c_int,
    value: *const c_void,
    len: usize,
) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        let row = row_by_number(option).ok_or(libc::EINVAL)?;
        if len == 0 && !value.is_null() && CLEARED_BY_NULL.contains(&option) {
            return Err(libc::EINVAL);
        }
        // SAFETY: by the caller's promise.
        let value = unsafe { boundary::bytes(value, len) }.map_err(|_| libc::EINVAL)?;
        let value = match OptionValue::from_c_bytes(row, value).map_err(code)? {
            OptionValue::Int(fd) if matches!(row.kind, Kind::Fd) && fd >= 0 => {
                // SAFETY: with the option the program hands the descriptor
                // over; should it be none, nothing but calls on it fails.
                let fd = unsafe { OwnedFd::from_raw_fd(fd) };
                OptionValue::Fd(ListeningFd::kept_open_until_bound(fd))
            }
            value => value,
        };
        socket.engine.set_by_number(option, value).map_err(code)
    })
}

/// Reads an option into `len` bytes, and tells how many it has.
///
/// # Safety
///
/// `len` may be read and written; `value` has as many bytes as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_getsockopt(
    pointer: *mut c_void,
    option: c_int,
    value: *mut c_void,
    len: *mut usize,
) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        let known = read(&socket, option)?;
        // SAFETY: by the caller's promise.
        unsafe { boundary::copy_out(&known.to_c_bytes(), value, len) }
    })
}

/// What C is told of an option, where that differs from what Rust is.
fn read(socket: &Socket, option: c_int) -> Outcome<OptionValue> {
    let thread_safe = is_thread_safe(socket.engine.socket_type());
    let value = match option {
        FD if thread_safe => return Err(libc::EINVAL),
        THREAD_SAFE => OptionValue::Int(c_int::from(thread_safe)),
        _ => socket.engine.option_by_number(option).map_err(code)?,
    };
    Ok(match (option, value) {
        (RCVMORE, _) => OptionValue::Int(c_int::from(socket.pending().0)),
        (EVENTS, OptionValue::Int(events)) => {
            let (ask, known) = socket.halfway(Readiness::READABLE | Readiness::WRITABLE);
            let known = c_int::from(poll::events(known));
            OptionValue::Int(events & c_int::from(poll::events(ask)) | known)
        }
        (_, value) => value,
    })
}

/// The types that libzmq calls thread-safe. Here all of them are, but programs
/// that ask want to know whether the type has multipart messages and ZMQ_FD.
pub fn is_thread_safe(kind: SocketType) -> bool {
    matches!(
        kind,
        SocketType::Client
            | SocketType::Server
            | SocketType::Radio
            | SocketType::Dish
            | SocketType::Gather
            | SocketType::Scatter
            | SocketType::Peer
            | SocketType::Channel
    )
}
