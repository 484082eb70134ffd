//! Threads for C programs: helpers of zmq_utils.h.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::boundary::guard;
use crate::handle::Table;

static THREADS: Table<Thread> = Table::new();

struct Thread {
    id: libc::pthread_t,
    /// Somebody waits for it, or has.
    joined: AtomicBool,
}

/// It may end its thread by `pthread_exit`, which unwinds.
type ThreadFn = unsafe extern "C-unwind" fn(*mut c_void);

/// What a thread is to do.
struct Work {
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
        let work = Box::into_raw(Box::new(Work { function, argument }));
        let mut id = MaybeUninit::uninit();
        // SAFETY: `perform` gets what it wants, and nobody else has it.
        let code = unsafe { start(id.as_mut_ptr(), ptr::null(), perform, work.cast()) };
        if code != 0 {
            // SAFETY: there is no thread that would take it.
            drop(unsafe { Box::from_raw(work) });
            return Err(code);
        }
        let thread = Thread {
            // SAFETY: there is a thread, so it was filled in.
            id: unsafe { id.assume_init() },
            joined: AtomicBool::new(false),
        };
        THREADS.keep(thread, libc::ENOMEM)
    })
}

unsafe extern "C" {
    /// As libc's, for a thread that may be unwound: no function of Rust's
    /// standard library is below it, which would not have that.
    #[link_name = "pthread_create"]
    fn start(
        id: *mut libc::pthread_t,
        attributes: *const libc::pthread_attr_t,
        function: extern "C-unwind" fn(*mut c_void) -> *mut c_void,
        argument: *mut c_void,
    ) -> c_int;
}

/// The whole of a thread. Nothing is left to be dropped when C's function is
/// called, since it need not return.
extern "C-unwind" fn perform(work: *mut c_void) -> *mut c_void {
    block_signals();
    // SAFETY: it is what `zmq_threadstart` gave, for this thread alone.
    let Work { function, argument } = *unsafe { Box::from_raw(work.cast::<Work>()) };
    // SAFETY: C gave the one for the other.
    unsafe { function(argument) };
    ptr::null_mut()
}

/// Waits until the thread's function has returned, and gives the thread up.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_threadclose(pointer: *mut c_void) {
    guard(|| {
        let thread = THREADS.get(pointer).ok_or(libc::EFAULT)?;
        // SAFETY: it cannot fail.
        if thread.id == unsafe { libc::pthread_self() } {
            return Err(libc::EDEADLK);
        }
        // Another thread may have been faster.
        if thread.joined.swap(true, Ordering::SeqCst) {
            return Err(libc::EFAULT);
        }
        // SAFETY: it was started, and nobody else has waited for it.
        let code = unsafe { libc::pthread_join(thread.id, ptr::null_mut()) };
        drop(THREADS.remove(pointer));
        match code {
            0 => Ok(()),
            code => Err(code),
        }
    })
}

fn block_signals() {
    let mut all = MaybeUninit::uninit();
    // SAFETY: it fills the set in.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the set is filled in, and the old one not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), ptr::null_mut()) };
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

    unsafe extern "C-unwind" {
        fn pthread_exit(result: *mut c_void) -> !;
    }

    extern "C-unwind" fn mark_and_exit(argument: *mut c_void) {
        mark(argument);
        // SAFETY: no function of Rust's below this one has anything to drop.
        unsafe { pthread_exit(ptr::null_mut()) }
    }

    #[test]
    fn may_end_by_an_exit_of_its_own() {
        let flag = AtomicBool::new(false);
        let argument = ptr::from_ref(&flag).cast_mut().cast();
        // SAFETY: the flag outlives the thread.
        let thread = unsafe { zmq_threadstart(Some(mark_and_exit), argument) };
        assert!(!thread.is_null());
        zmq_threadclose(thread);
        assert!(flag.load(Ordering::SeqCst));
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
}
