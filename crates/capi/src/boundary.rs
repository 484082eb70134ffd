//! Between Rust and C: no panic crosses it.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

pub use zincmq::raw::errno::Outcome;

use crate::{errno, foreign};

/// What C sees of a failure.
pub trait Failed {
    /// The value that tells it.
    const FAILED: Self;
}

impl Failed for c_int {
    const FAILED: Self = -1;
}

impl Failed for i64 {
    const FAILED: Self = -1;
}

impl Failed for u64 {
    const FAILED: Self = 0;
}

impl<T> Failed for *mut T {
    const FAILED: Self = ptr::null_mut();
}

impl<T> Failed for *const T {
    const FAILED: Self = ptr::null();
}

/// Zero, as for `zmq_connect_peer`.
impl Failed for u32 {
    const FAILED: Self = 0;
}

impl Failed for usize {
    const FAILED: Self = 0;
}

impl Failed for () {
    const FAILED: Self = ();
}

/// Runs `work`. What it fails with, or that it panicked, is in `errno` after.
#[inline]
pub fn guard<T: Failed>(work: impl FnOnce() -> Outcome<T>) -> T {
    let done = catch_unwind(AssertUnwindSafe(work));
    foreign::settle();
    match done {
        Ok(Ok(value)) => value,
        Ok(Err(code)) => {
            errno::set(code);
            T::FAILED
        }
        Err(panic) => {
            // Dropping what was thrown may throw again.
            std::mem::forget(panic);
            errno::set(libc::ENOTRECOVERABLE);
            T::FAILED
        }
    }
}

/// As [`guard`], for functions that return 0 when all is well.
#[inline]
pub fn guard_unit(work: impl FnOnce() -> Outcome<()>) -> c_int {
    guard(|| work().map(|()| 0))
}

/// The bytes at `data`; none may be anywhere.
///
/// # Errors
///
/// EFAULT for a null pointer to more than nothing.
///
/// # Safety
///
/// `data` is null or points to `len` bytes that do not change for `'a`.
pub unsafe fn bytes<'a>(data: *const c_void, len: usize) -> Outcome<&'a [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() || len > isize::MAX as usize {
        return Err(libc::EFAULT);
    }
    // SAFETY: by the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// The text at `text`.
///
/// # Errors
///
/// EINVAL for a null pointer, or what is not UTF-8.
///
/// # Safety
///
/// `text` is null or ends with a NUL and does not change for `'a`.
pub unsafe fn text<'a>(text: *const std::ffi::c_char) -> Outcome<&'a str> {
    if text.is_null() {
        return Err(libc::EINVAL);
    }
    // SAFETY: by the caller's promise.
    let text = unsafe { std::ffi::CStr::from_ptr(text) };
    text.to_str().map_err(|_| libc::EINVAL)
}

/// Copies an option's value out, and its size, as `zmq_getsockopt` does: what
/// room is left is filled with zeros.
///
/// # Errors
///
/// EFAULT for null pointers, EINVAL if there is no room.
///
/// # Safety
///
/// `len` is null or may be read and written; `place` is null or has as many
/// bytes as `len` says.
pub unsafe fn copy_out(value: &[u8], place: *mut c_void, len: *mut usize) -> Outcome<()> {
    if len.is_null() || (place.is_null() && !value.is_empty()) {
        return Err(libc::EFAULT);
    }
    // SAFETY: by the caller's promise.
    let room = unsafe { len.read() };
    if value.len() > room {
        return Err(libc::EINVAL);
    }
    let place: *mut u8 = place.cast();
    if !place.is_null() {
        // SAFETY: `place` has room, as was just seen.
        unsafe { ptr::copy_nonoverlapping(value.as_ptr(), place, value.len()) };
        // SAFETY: so much of it is left.
        unsafe { place.add(value.len()).write_bytes(0, room - value.len()) };
    }
    // SAFETY: see above.
    unsafe { len.write(value.len()) };
    Ok(())
}
