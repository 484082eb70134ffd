//! Memory of a C program that is a message's payload, given back through the
//! program's own function.
//!
//! A payload may be dropped while a socket is locked, and the function may do
//! anything: take a lock that another thread holds while it sends, or call this
//! library. So what is dropped is only noted, and the function is called when
//! the call of C's that dropped it, or another one, is over, or an I/O thread
//! is between two things to do.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use zincmq::raw;

/// What C gives to have its memory back. It must not unwind; see [`call`].
pub type FreeFn = unsafe extern "C-unwind" fn(*mut c_void, *mut c_void);

/// A payload in C's memory.
pub struct Foreign {
    data: *const u8,
    len: usize,
    end: Option<End>,
}

/// The call that is due when the payload is gone.
struct End {
    free: FreeFn,
    data: *mut c_void,
    hint: *mut c_void,
}

// SAFETY: the bytes are only read, and `Foreign::new` has it promised that they
// do not change; `end` may be anywhere.
unsafe impl Send for Foreign {}
// SAFETY: zmq_msg_init_data(3) says that the function is called on any thread;
// nothing else is done with the pointers.
unsafe impl Send for End {}

static DUE: Mutex<Vec<End>> = Mutex::new(Vec::new());
static ANY_DUE: AtomicBool = AtomicBool::new(false);

impl Foreign {
    /// Takes over `len` bytes at `data`.
    ///
    /// # Safety
    ///
    /// They are there, and stay as they are, until `free` is called with `data`
    /// and `hint`; for ever if there is no `free`.
    pub unsafe fn new(
        data: *const c_void,
        len: usize,
        free: Option<FreeFn>,
        hint: *mut c_void,
    ) -> Self {
        if free.is_some() {
            raw::between_io(settle);
        }
        let end = free.map(|free| End {
            free,
            data: data.cast_mut(),
            hint,
        });
        Self {
            data: data.cast(),
            len,
            end,
        }
    }
}

impl AsRef<[u8]> for Foreign {
    fn as_ref(&self) -> &[u8] {
        match self.len {
            0 => &[],
            // SAFETY: C promised so many bytes there until they are freed.
            len => unsafe { std::slice::from_raw_parts(self.data, len) },
        }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let Some(end) = self.end.take() else { return };
        with_due(|due| {
            due.push(end);
            ANY_DUE.store(true, Ordering::Release);
        });
    }
}

/// Has C have its memory back. An exception that the function lets out ends the
/// process here: where it came from may be an I/O thread, without anybody to
/// catch it.
///
/// # Safety
///
/// `free` is the function C gave for `data` and `hint`, and is called once.
unsafe extern "C" fn call(free: FreeFn, data: *mut c_void, hint: *mut c_void) {
    // SAFETY: by the caller's promise.
    unsafe { free(data, hint) }
}

/// Calls what is due. To be called at the end of every call of C's.
#[inline]
pub fn settle() {
    if ANY_DUE.load(Ordering::Acquire) {
        settle_all();
    }
}

#[cold]
fn settle_all() {
    let due = with_due(|due| {
        ANY_DUE.store(false, Ordering::Release);
        std::mem::take(due)
    });
    for End { free, data, hint } in due {
        // SAFETY: noted when the payload was dropped, and taken off the list.
        unsafe { call(free, data, hint) };
    }
}

fn with_due<R>(work: impl FnOnce(&mut Vec<End>) -> R) -> R {
    raw::undivided(|| work(&mut DUE.lock().unwrap_or_else(PoisonError::into_inner)))
}
