//! What libzmq answered instead of doing what it was asked.

use std::ffi::{CStr, c_int};

use crate::ffi;

/// A failed call, with libzmq's own words for it.
#[derive(Debug, thiserror::Error)]
#[error("{call}: {text} (errno {errno})")]
pub struct Error {
    call: &'static str,
    errno: c_int,
    text: String,
}

impl Error {
    /// The error of the call that just failed on this thread.
    pub(crate) fn last(call: &'static str) -> Self {
        // SAFETY: `zmq_errno` reads a thread-local number; `zmq_strerror` returns a static string
        // or one that stays valid until the thread's next `strerror`.
        let (errno, text) = unsafe {
            let errno = ffi::zmq_errno();
            (errno, CStr::from_ptr(ffi::zmq_strerror(errno)))
        };
        Self {
            call,
            errno,
            text: text.to_string_lossy().into_owned(),
        }
    }

    /// An argument that cannot be handed to C.
    pub(crate) fn argument(call: &'static str, text: String) -> Self {
        const EINVAL: c_int = 22;
        Self {
            call,
            errno: EINVAL,
            text,
        }
    }

    /// The number, as `zmq_errno` gave it.
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// Nothing to receive, or nowhere to send to, right now.
    pub fn would_block(&self) -> bool {
        const EAGAIN: c_int = 11;
        self.errno == EAGAIN
    }

    /// A signal came in between.
    pub(crate) fn interrupted(&self) -> bool {
        const EINTR: c_int = 4;
        self.errno == EINTR
    }
}
