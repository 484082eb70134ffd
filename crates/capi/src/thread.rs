//! Threads for C programs: helpers of zmq_utils.h.

use std::ffi::c_void;
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use zincmq::raw;

use crate::boundary::guard;
use crate::handle::Table;

static THREADS: Table<Thread> = Table::new();

/// The system's thread, not one of Rust's: those end the process if the
/// function calls `pthread_exit`, or is cancelled.
struct Thread {
    id: libc::pthread_t,
    /// Somebody waits for it, or has.
    awaited: AtomicBool,
}

/// May unwind: that is how `pthread_exit` ends it.
type ThreadFn = unsafe extern "C-unwind" fn(*mut c_void);

/// What C gave for the thread to call.
#[derive(Clone, Copy)]
struct Start {
    function: ThreadFn,
    argument: *mut c_void,
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
        let start = Box::into_raw(Box::new(Start { function, argument }));
        let run: extern "C-unwind" fn(*mut c_void) -> *mut c_void = run;
        // SAFETY: the two are called alike, and what calls it is the C
        // library, which lets it unwind.
        let run: extern "C" fn(*mut c_void) -> *mut c_void = unsafe { mem::transmute(run) };
        let mut id = MaybeUninit::uninit();
        // SAFETY: `run` takes what `start` is, and `id` may be written to.
        let failed = raw::deaf(|| unsafe {
            libc::pthread_create(id.as_mut_ptr(), ptr::null(), run, start.cast())
        });
        if failed != 0 {
            // SAFETY: no thread has got it.
            drop(unsafe { Box::from_raw(start) });
            return Err(failed);
        }
        let thread = Thread {
            // SAFETY: it was filled in, since there is a thread.
            id: unsafe { id.assume_init() },
            awaited: AtomicBool::new(false),
        };
        THREADS.keep(thread, libc::ENOMEM)
    })
}

/// What a thread does. When it unwinds nothing is left to be dropped.
extern "C-unwind" fn run(start: *mut c_void) -> *mut c_void {
    // SAFETY: a box was given away for this.
    let Start { function, argument } = *unsafe { Box::from_raw(start.cast::<Start>()) };
    // SAFETY: C gave the one for the other.
    unsafe { function(argument) };
    ptr::null_mut()
}

/// Waits until the thread's function has returned, and gives the thread up.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_threadclose(pointer: *mut c_void) {
    guard(|| {
        let thread = THREADS.get(pointer).ok_or(libc::EFAULT)?;
        // SAFETY: it has no arguments and cannot fail.
        if thread.id == unsafe { libc::pthread_self() } {
            return Err(libc::EDEADLK);
        }
        // Another thread may have been faster.
        if thread.awaited.swap(true, Ordering::AcqRel) {
            return Err(libc::EFAULT);
        }
        // SAFETY: nobody else waits for it or has, so there is one.
        let failed = unsafe { libc::pthread_join(thread.id, ptr::null_mut()) };
        drop(THREADS.remove(pointer));
        match failed {
            0 => Ok(()),
            failed => Err(failed),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicPtr;
    use std::thread;

    use super::*;
    use crate::errno;

    extern "C-unwind" fn mark(argument: *mut c_void) {
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

    extern "C-unwind" fn close_itself(argument: *mut c_void) {
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

    extern "C-unwind" fn tell_mask(argument: *mut c_void) {
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

    unsafe extern "C-unwind" {
        fn pthread_exit(value: *mut c_void) -> !;
        fn pthread_testcancel();
    }

    extern "C-unwind" fn poll_while_cancelled(argument: *mut c_void) {
        // SAFETY: it asks for the end of the calling thread.
        assert_eq!(unsafe { libc::pthread_cancel(libc::pthread_self()) }, 0);
        let mut item = crate::poll::Item {
            socket: ptr::null_mut(),
            fd: 0,
            events: 0,
            revents: 0,
        };
        // SAFETY: it is one item.
        if unsafe { crate::poll::zmq_poll(&raw mut item, 1, 1) } >= 0 {
            crate::stopwatch::zmq_sleep(0);
            mark(argument);
        }
        // SAFETY: the frames up to the thread's start have nothing to drop.
        unsafe { pthread_testcancel() };
    }

    #[test]
    fn is_cancelled_after_a_wait_and_not_within() {
        let flag = AtomicBool::new(false);
        let argument = ptr::from_ref(&flag).cast_mut().cast();
        // SAFETY: the flag outlives the thread.
        let thread = unsafe { zmq_threadstart(Some(poll_while_cancelled), argument) };
        zmq_threadclose(thread);
        assert!(flag.load(Ordering::SeqCst));
    }

    extern "C-unwind" fn leave(argument: *mut c_void) {
        mark(argument);
        // SAFETY: the frames up to the thread's start have nothing to drop.
        unsafe { pthread_exit(ptr::null_mut()) }
    }

    #[test]
    fn may_leave_before_its_function_returns() {
        let flag = AtomicBool::new(false);
        let argument = ptr::from_ref(&flag).cast_mut().cast();
        // SAFETY: the flag outlives the thread.
        let thread = unsafe { zmq_threadstart(Some(leave), argument) };
        errno::set(0);
        zmq_threadclose(thread);
        assert_eq!(errno::get(), 0);
        assert!(flag.load(Ordering::SeqCst));
    }
}
