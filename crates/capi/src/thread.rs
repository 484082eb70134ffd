//! Threads for C programs: helpers of zmq_utils.h.

use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder, JoinHandle, ThreadId};

use zincmq::raw;

use crate::boundary::guard;
use crate::errno::of_system;
use crate::handle::Table;

static THREADS: Table<Thread> = Table::new();

struct Thread {
    id: ThreadId,
    /// Until somebody waits for it.
    handle: Mutex<Option<JoinHandle<()>>>,
}

type ThreadFn = unsafe extern "C" fn(*mut c_void);

/// What C gave for its function, to be handed to the thread.
struct Argument(*mut c_void);

// SAFETY: it is not read through here, and C gave it for another thread.
unsafe impl Send for Argument {}

impl Argument {
    fn pass_to(self, function: ThreadFn) {
        // SAFETY: C gave the one for the other.
        unsafe { function(self.0) }
    }
}

/// A new thread that calls `function` with `argument`. Signals go to other
/// threads of the program.
///
/// # Safety
///
/// `function` may be called on another thread with `argument`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_threadstart(
    function: Option<ThreadFn>,
    argument: *mut c_void,
) -> *mut c_void {
    guard(|| {
        let function = function.ok_or(libc::EFAULT)?;
        let argument = Argument(argument);
        let thread = raw::deaf(|| Builder::new().spawn(move || argument.pass_to(function)));
        let handle = thread.map_err(|error| of_system(&error))?;
        let thread = Thread {
            id: handle.thread().id(),
            handle: Mutex::new(Some(handle)),
        };
        THREADS.keep(thread, libc::ENOMEM)
    })
}

/// Waits until the thread's function has returned, and gives the thread up.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_threadclose(pointer: *mut c_void) {
    guard(|| {
        let thread = THREADS.get(pointer).ok_or(libc::EFAULT)?;
        if thread.id == thread::current().id() {
            return Err(libc::EDEADLK);
        }
        let handle = thread.take_handle();
        // Another thread may have been faster.
        let joined = handle.ok_or(libc::EFAULT)?.join();
        drop(THREADS.remove(pointer));
        joined.map_err(|_| libc::ENOTRECOVERABLE)
    })
}

impl Thread {
    fn take_handle(&self) -> Option<JoinHandle<()>> {
        let mut handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        handle.take()
    }
}

#[cfg(test)]
mod tests {
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

    use super::*;
    use crate::errno;

    extern "C" fn mark(argument: *mut c_void) {
        // SAFETY: the test gave a flag.
        let flag = unsafe { &*argument.cast::<AtomicBool>() };
        flag.store(true, Ordering::SeqCst);
    }

    #[test]
    fn is_done_when_it_is_closed() {
        let flag = AtomicBool::new(false);
        let argument = ptr::from_ref(&flag).cast_mut().cast();
        // SAFETY: the flag outlives the thread.
        let thread = unsafe { zmq_threadstart(Some(mark), argument) };
        assert!(!thread.is_null());
        zmq_threadclose(thread);
        assert!(flag.load(Ordering::SeqCst));
        errno::set(0);
        zmq_threadclose(thread);
        assert_eq!(errno::get(), libc::EFAULT);
    }

    static ITSELF: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

    extern "C" fn close_itself(argument: *mut c_void) {
        while ITSELF.load(Ordering::SeqCst).is_null() {
            thread::yield_now();
        }
        errno::set(0);
        zmq_threadclose(ITSELF.load(Ordering::SeqCst));
        if errno::get() == libc::EDEADLK {
            mark(argument);
        }
    }

    #[test]
    fn does_not_wait_for_itself() {
        let flag = AtomicBool::new(false);
        let argument = ptr::from_ref(&flag).cast_mut().cast();
        // SAFETY: the flag outlives the thread.
        let thread = unsafe { zmq_threadstart(Some(close_itself), argument) };
        ITSELF.store(thread, Ordering::SeqCst);
        zmq_threadclose(thread);
        assert!(flag.load(Ordering::SeqCst));
    }

    extern "C" fn tell_mask(argument: *mut c_void) {
        let mut mask = MaybeUninit::uninit();
        // SAFETY: it asks for the mask and fills it in.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr()) };
        // SAFETY: it was filled in.
        if unsafe { libc::sigismember(mask.as_ptr(), libc::SIGTERM) } == 1 {
            mark(argument);
        }
    }

    #[test]
    fn gets_no_signals() {
        let flag = AtomicBool::new(false);
        let argument = ptr::from_ref(&flag).cast_mut().cast();
        // SAFETY: the flag outlives the thread.
        let thread = unsafe { zmq_threadstart(Some(tell_mask), argument) };
        zmq_threadclose(thread);
        assert!(flag.load(Ordering::SeqCst));
    }
}
