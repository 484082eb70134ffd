//! Many parts at once, from and to C's `struct iovec` (no man page; deprecated).

use std::ffi::{c_int, c_void};
use std::ptr;

use crate::boundary::{self, Outcome, guard};
use crate::exchange::{SNDMORE, recv_part, send_part};
use crate::message;
use crate::socket::socket;

/// Sends `count` parts: with ZMQ_SNDMORE as one message, without it as one
/// message each. Returns the length of the last.
///
/// # Safety
///
/// `parts` is null or points to `count` entries, each of which points to as
/// many bytes as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_sendiov(
    pointer: *mut c_void,
    parts: *const libc::iovec,
    count: usize,
    flags: c_int,
) -> c_int {
    guard(|| {
        let socket = socket(pointer)?;
        if count == 0 || parts.is_null() {
            return Err(libc::EINVAL);
        }
        let mut sent = 0;
        for index in 0..count {
            // SAFETY: by the caller's promise, as is the next.
            let part = unsafe { parts.add(index).read() };
            // SAFETY: see above.
            let data = unsafe { boundary::bytes(part.iov_base, part.iov_len) }?;
            let flags = match index + 1 < count {
                true => flags,
                false => flags & !SNDMORE,
            };
            send_part(&socket, message::copy(data)?, flags).map_err(|(code, _)| code)?;
            sent = part.iov_len;
        }
        Ok(c_int::try_from(sent).unwrap_or(c_int::MAX))
    })
}

/// Receives the parts of one message, `count` at most, each into memory from
/// `malloc` that the program has to free. Sets `count` to their number, and
/// returns it.
///
/// # Safety
///
/// `count` is null or may be read and written, `parts` is null or has so many
/// entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_recviov(
    pointer: *mut c_void,
    parts: *mut libc::iovec,
    count: *mut usize,
    flags: c_int,
) -> c_int {
    guard(|| {
        let socket = socket(pointer)?;
        if count.is_null() || parts.is_null() {
            return Err(libc::EINVAL);
        }
        // SAFETY: by the caller's promise, as are the others.
        let room = unsafe { count.read() };
        if room == 0 {
            return Err(libc::EINVAL);
        }
        let mut received = 0;
        // SAFETY: see above.
        unsafe { count.write(0) };
        loop {
            let (part, more) = recv_part(&socket, flags)?;
            let entry = copy(&part)?;
            // SAFETY: `received` is less than `room`.
            unsafe { parts.add(received).write(entry) };
            received += 1;
            // SAFETY: see above.
            unsafe { count.write(received) };
            if !more || received == room {
                return Ok(c_int::try_from(received).unwrap_or(c_int::MAX));
            }
        }
    })
}

/// A copy for C to free.
fn copy(part: &[u8]) -> Outcome<libc::iovec> {
    // SAFETY: malloc takes any size. Of none it may return null or not; one
    // byte has an address for sure.
    let memory = unsafe { libc::malloc(part.len().max(1)) };
    if memory.is_null() {
        return Err(libc::ENOMEM);
    }
    // SAFETY: it is new and so long.
    unsafe { ptr::copy_nonoverlapping(part.as_ptr(), memory.cast(), part.len()) };
    Ok(libc::iovec {
        iov_base: memory,
        iov_len: part.len(),
    })
}
