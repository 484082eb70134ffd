//! One part of a message, in libzmq's own storage.

use std::ffi::CStr;
use std::slice;

use crate::{Error, ffi};

/// Owns a `zmq_msg_t`.
pub struct Message(ffi::Msg);

impl Message {
    /// An empty part, to receive into.
    pub fn new() -> Self {
        let mut msg = ffi::Msg::uninit();
        // SAFETY: `msg` is storage of the right size; `zmq_msg_init` cannot fail.
        unsafe { ffi::zmq_msg_init(&mut msg) };
        Self(msg)
    }

    /// A part holding a copy of `bytes`. Fails when memory runs out.
    pub fn copy_of(bytes: &[u8]) -> Result<Self, Error> {
        let mut msg = ffi::Msg::uninit();
        // SAFETY: `msg` is storage of the right size.
        if unsafe { ffi::zmq_msg_init_size(&mut msg, bytes.len()) } != 0 {
            return Err(Error::last("zmq_msg_init_size"));
        }
        // SAFETY: the part was created with exactly this size, and nobody else has it yet.
        unsafe {
            std::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                ffi::zmq_msg_data(&mut msg).cast(),
                bytes.len(),
            );
        }
        Ok(Self(msg))
    }

    /// The payload.
    pub fn as_bytes(&mut self) -> &[u8] {
        // SAFETY: the part is initialised; libzmq keeps `size` readable bytes at `data` until the
        // part is changed, which the borrow excludes.
        unsafe {
            let size = ffi::zmq_msg_size(&self.0);
            if size == 0 {
                return &[];
            }
            slice::from_raw_parts(ffi::zmq_msg_data(&mut self.0).cast(), size)
        }
    }

    /// Whether another part of the same message follows.
    pub fn more(&self) -> bool {
        // SAFETY: the part is initialised.
        unsafe { ffi::zmq_msg_more(&self.0) != 0 }
    }

    /// What is known of who sent it, such as `User-Id`.
    pub fn property(&self, name: &CStr) -> Option<String> {
        // SAFETY: the part is initialised and the name terminated; the answer lives as long as the
        // part, and is copied at once.
        unsafe {
            let value = ffi::zmq_msg_gets(&self.0, name.as_ptr());
            (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
        }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ffi::Msg {
        &mut self.0
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: the part is initialised; a part that was sent is empty and may be closed.
        unsafe { ffi::zmq_msg_close(&mut self.0) };
    }
}
