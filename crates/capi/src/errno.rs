//! C's `errno`, and the texts for its numbers.

use std::ffi::{c_char, c_int};

use errno::Errno;
use zincmq::raw::errno::own_text;
#[cfg(test)]
pub use zincmq::raw::errno::{EFSM, ETERM};
pub use zincmq::raw::errno::{code, of_system};

/// Puts `code` where C programs look for it.
pub fn set(code: c_int) {
    errno::set_errno(Errno(code));
}

/// What C programs would read.
pub fn get() -> c_int {
    errno::errno().0
}

/// The text for `code`; the system's own for what is not ZeroMQ's.
pub fn text(code: c_int) -> *const c_char {
    match own_text(code) {
        Some(text) => text.as_ptr(),
        // SAFETY: it takes any number, and returns a text of the C library.
        None => unsafe { libc::strerror(code) },
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn texts_are_those_that_programs_know() {
        for (code, known) in [
            (ETERM, c"Context was terminated"),
            (libc::EHOSTUNREACH, c"Host unreachable"),
            (libc::EINVAL, c"Invalid argument"),
        ] {
            // SAFETY: the text stays.
            assert_eq!(unsafe { CStr::from_ptr(text(code)) }, known);
        }
    }
}
