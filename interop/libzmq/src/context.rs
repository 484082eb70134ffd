//! A libzmq context.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use crate::{Error, Socket, SocketType, ffi};

/// Shared by its sockets; terminated when the last of them is gone.
#[derive(Clone)]
pub struct Context(pub(crate) Arc<Handle>);

pub(crate) struct Handle(*mut c_void);

// SAFETY: zmq_ctx_new(3): a context is thread-safe and may be shared without locking.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Context {
    /// A new context with one I/O thread, libzmq's default.
    pub fn new() -> Result<Self, Error> {
        // SAFETY: takes no argument.
        let handle = unsafe { ffi::zmq_ctx_new() };
        if handle.is_null() {
            return Err(Error::last("zmq_ctx_new"));
        }
        Ok(Self(Arc::new(Handle(handle))))
    }

    /// Opens a socket.
    pub fn socket(&self, kind: SocketType) -> Result<Socket, Error> {
        Socket::new(self.clone(), kind)
    }

    /// Ends whatever its sockets wait for; they can only be closed from then on.
    pub fn shutdown(&self) -> Result<(), Error> {
        // SAFETY: the context is live.
        match unsafe { ffi::zmq_ctx_shutdown(self.as_ptr()) } {
            0 => Ok(()),
            _ => Err(Error::last("zmq_ctx_shutdown")),
        }
    }

    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.0.0
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is live, and no socket of it is open: each holds a clone of the `Arc`.
        while unsafe { ffi::zmq_ctx_term(self.0) } == -1 && Error::last("").interrupted() {}
    }
}

/// The version libzmq reports at run time.
pub fn version() -> (i32, i32, i32) {
    let (mut major, mut minor, mut patch): (c_int, c_int, c_int) = (0, 0, 0);
    // SAFETY: three valid places to write a number to.
    unsafe { ffi::zmq_version(&mut major, &mut minor, &mut patch) };
    (major, minor, patch)
}

/// A key of 32 bytes as text (RFC 32); `None` for another length.
pub fn z85(key: &[u8]) -> Option<String> {
    let mut text = [0u8; 41];
    if key.len() != 32 {
        return None;
    }
    // SAFETY: 32 bytes become 40 characters and a NUL.
    unsafe { ffi::zmq_z85_encode(text.as_mut_ptr().cast(), key.as_ptr(), key.len()) };
    Some(String::from_utf8_lossy(&text[..40]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_release_we_compare_with() {
        assert_eq!(version(), (4, 3, 5));
    }
}
