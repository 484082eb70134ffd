//! The C functions in use, as their man pages declare them.

use std::ffi::{c_char, c_int, c_long, c_short, c_void};

/// `zmq_msg_t`: 64 opaque bytes, aligned like a pointer.
#[repr(C, align(8))]
pub struct Msg {
    opaque: [u8; 64],
}

impl Msg {
    /// Storage for `zmq_msg_init` or `zmq_msg_init_size` to fill in.
    pub const fn uninit() -> Self {
        Self { opaque: [0; 64] }
    }
}

/// `zmq_pollitem_t`.
#[repr(C)]
pub struct PollItem {
    /// The socket, or null to poll `fd`.
    pub socket: *mut c_void,
    /// A file descriptor, looked at when `socket` is null.
    pub fd: c_int,
    /// The events asked for.
    pub events: c_short,
    /// The events that are there.
    pub revents: c_short,
}

/// `ZMQ_POLLIN`.
pub const POLLIN: c_short = 1;
/// `ZMQ_POLLOUT`.
pub const POLLOUT: c_short = 2;
/// `ZMQ_EVENT_ALL`.
pub const EVENT_ALL: c_int = 0xffff;
/// `ZMQ_SNDMORE`.
pub const SNDMORE: c_int = 2;

// SAFETY: the signatures are those of zmq.h 4.3.5.
unsafe extern "C" {
    pub fn zmq_version(major: *mut c_int, minor: *mut c_int, patch: *mut c_int);
    pub fn zmq_errno() -> c_int;
    pub fn zmq_strerror(errnum: c_int) -> *const c_char;

    pub fn zmq_ctx_new() -> *mut c_void;
    pub fn zmq_ctx_shutdown(context: *mut c_void) -> c_int;
    pub fn zmq_ctx_term(context: *mut c_void) -> c_int;

    pub fn zmq_socket(context: *mut c_void, kind: c_int) -> *mut c_void;
    pub fn zmq_close(socket: *mut c_void) -> c_int;
    pub fn zmq_setsockopt(
        socket: *mut c_void,
        option: c_int,
        value: *const c_void,
        len: usize,
    ) -> c_int;
    pub fn zmq_getsockopt(
        socket: *mut c_void,
        option: c_int,
        value: *mut c_void,
        len: *mut usize,
    ) -> c_int;
    pub fn zmq_bind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub fn zmq_connect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub fn zmq_socket_monitor(socket: *mut c_void, endpoint: *const c_char, events: c_int)
    -> c_int;
    pub fn zmq_poll(items: *mut PollItem, count: c_int, timeout_ms: c_long) -> c_int;

    pub fn zmq_msg_init(msg: *mut Msg) -> c_int;
    pub fn zmq_msg_init_size(msg: *mut Msg, size: usize) -> c_int;
    pub fn zmq_msg_send(msg: *mut Msg, socket: *mut c_void, flags: c_int) -> c_int;
    pub fn zmq_msg_recv(msg: *mut Msg, socket: *mut c_void, flags: c_int) -> c_int;
    pub fn zmq_msg_close(msg: *mut Msg) -> c_int;
    pub fn zmq_msg_data(msg: *mut Msg) -> *mut c_void;
    pub fn zmq_msg_size(msg: *const Msg) -> usize;
    pub fn zmq_msg_more(msg: *const Msg) -> c_int;
    pub fn zmq_z85_encode(dest: *mut c_char, data: *const u8, size: usize) -> *mut c_char;
    pub fn zmq_msg_gets(msg: *const Msg, property: *const c_char) -> *const c_char;
}
