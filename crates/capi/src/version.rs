//! Which library this is, and what it can do (zmq_version(3), zmq_has(3),
//! zmq_errno(3), zmq_strerror(3)).

use std::ffi::{CStr, c_char, c_int};

use zincmq::raw::{self, VERSION};

use crate::boundary::guard;
use crate::errno;

/// Writes the version to where the pointers point, those that are not null.
///
/// # Safety
///
/// Each pointer is null or may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_version(major: *mut c_int, minor: *mut c_int, patch: *mut c_int) {
    for (place, number) in [(major, VERSION.0), (minor, VERSION.1), (patch, VERSION.2)] {
        if !place.is_null() {
            // SAFETY: by the caller's promise.
            unsafe { place.write(number) };
        }
    }
}

/// 1 if the library has `capability`, else 0.
///
/// # Safety
///
/// `capability` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_has(capability: *const c_char) -> c_int {
    guard(|| {
        if capability.is_null() {
            return Ok(0);
        }
        // SAFETY: by the caller's promise.
        let capability = unsafe { CStr::from_ptr(capability) };
        Ok(c_int::from(raw::has(capability.to_bytes())))
    })
}

/// The calling thread's `errno`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_errno() -> c_int {
    errno::get()
}

/// A text that tells what `code` means. It need not be freed.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_strerror(code: c_int) -> *const c_char {
    guard(|| Ok(errno::text(code)))
}
