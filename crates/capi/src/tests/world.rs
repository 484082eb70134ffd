//! What the tests share: contexts and sockets that are closed in the end.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_int, c_void};

use crate::context::{zmq_ctx_new, zmq_ctx_term};
use crate::errno;
use crate::exchange::{zmq_recv, zmq_send};
use crate::options::{zmq_getsockopt, zmq_setsockopt};
use crate::socket::{zmq_bind, zmq_close, zmq_connect, zmq_socket};

pub const PAIR: c_int = 0;
pub const REQ: c_int = 3;
pub const REP: c_int = 4;
pub const DEALER: c_int = 5;
pub const ROUTER: c_int = 6;
pub const PULL: c_int = 7;
pub const PUSH: c_int = 8;

pub const DONTWAIT: c_int = 1;
pub const SNDMORE: c_int = 2;
pub const SUBSCRIBE: c_int = 6;
pub const RCVMORE: c_int = 13;
pub const RCVTIMEO: c_int = 27;

/// A context and its sockets.
pub struct World {
    pub context: *mut c_void,
    sockets: RefCell<Vec<*mut c_void>>,
}

impl World {
    pub fn new() -> Self {
        Self {
            context: zmq_ctx_new(),
            sockets: RefCell::default(),
        }
    }

    /// A socket whose receives end after some seconds, and which lingers not.
    pub fn socket(&self, kind: c_int) -> *mut c_void {
        const LINGER: c_int = 17;
        let socket = zmq_socket(self.context, kind);
        assert!(!socket.is_null());
        set(socket, LINGER, 0);
        set(socket, RCVTIMEO, 10_000);
        self.sockets.borrow_mut().push(socket);
        socket
    }

    /// Two sockets, connected.
    pub fn pair(&self, kinds: (c_int, c_int), endpoint: &str) -> (*mut c_void, *mut c_void) {
        let (bound, connected) = (self.socket(kinds.0), self.socket(kinds.1));
        self.join(bound, connected, endpoint);
        (bound, connected)
    }

    /// Connects the second to the first.
    pub fn join(&self, bound: *mut c_void, connected: *mut c_void, endpoint: &str) {
        let endpoint = CString::new(endpoint).unwrap();
        // SAFETY: a text of C.
        assert_eq!(unsafe { zmq_bind(bound, endpoint.as_ptr()) }, 0);
        let endpoint = last_endpoint(bound);
        // SAFETY: a text of C.
        assert_eq!(unsafe { zmq_connect(connected, endpoint.as_ptr()) }, 0);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for socket in self.sockets.take() {
            // Some tests have closed it.
            zmq_close(socket);
        }
        zmq_ctx_term(self.context);
    }
}

pub fn set(socket: *mut c_void, option: c_int, value: c_int) {
    let value: *const c_int = &raw const value;
    // SAFETY: it points to so many bytes.
    let result = unsafe { zmq_setsockopt(socket, option, value.cast(), size_of::<c_int>()) };
    assert_eq!(result, 0);
}

pub fn get(socket: *mut c_void, option: c_int) -> c_int {
    let (mut value, mut len) = (0, size_of::<c_int>());
    let place: *mut c_int = &raw mut value;
    // SAFETY: it points to so many bytes.
    let result = unsafe { zmq_getsockopt(socket, option, place.cast(), &raw mut len) };
    assert_eq!(result, 0);
    value
}

pub fn last_endpoint(socket: *mut c_void) -> CString {
    const LAST_ENDPOINT: c_int = 32;
    let mut text = [0u8; 256];
    let mut len = text.len();
    let place = text.as_mut_ptr().cast();
    // SAFETY: it points to so many bytes.
    let result = unsafe { zmq_getsockopt(socket, LAST_ENDPOINT, place, &raw mut len) };
    assert_eq!(result, 0);
    CStr::from_bytes_until_nul(&text).unwrap().to_owned()
}

pub fn send(socket: *mut c_void, text: &str, flags: c_int) {
    // SAFETY: it points to so many bytes.
    let sent = unsafe { zmq_send(socket, text.as_ptr().cast(), text.len(), flags) };
    assert_eq!(sent, c_int::try_from(text.len()).unwrap());
}

pub fn recv(socket: *mut c_void) -> String {
    String::from_utf8(recv_bytes(socket)).unwrap()
}

pub fn recv_bytes(socket: *mut c_void) -> Vec<u8> {
    let mut bytes = [0u8; 256];
    // SAFETY: it points to so many bytes.
    let len = unsafe { zmq_recv(socket, bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    assert!(len >= 0, "errno {}", errno::get());
    bytes[..len.unsigned_abs() as usize].to_vec()
}

/// The length of what is received, if anything is.
pub fn try_recv(socket: *mut c_void) -> c_int {
    // SAFETY: there is no room to write to.
    unsafe { zmq_recv(socket, std::ptr::null_mut(), 0, 0) }
}

/// What a call returns, and the errno if that tells of a failure.
pub fn outcome(call: impl FnOnce() -> c_int) -> Result<c_int, c_int> {
    errno::set(0);
    match call() {
        -1 => Err(errno::get()),
        value => Ok(value),
    }
}
