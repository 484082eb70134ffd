//! Whether this process is still the one a thing was made in, and what no fork
//! may come in the midst of.
//!
//! A child has only the thread that forked. A lock that another thread holds
//! at that moment would be held in the child for ever, so a fork waits until
//! nobody is in the midst of what [`undivided`] runs.

use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

static GENERATION: AtomicU32 = AtomicU32::new(0);
static WATCHED: AtomicBool = AtomicBool::new(false);

/// Shared by those in the midst of something; a fork has it alone.
static GATE: RwLock<()> = RwLock::new(());
static FORK: Fork = Fork(UnsafeCell::new(None));

thread_local! {
    /// How many calls of [`undivided`] this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// How often this fork has been announced to this thread.
    static ANNOUNCED: Cell<u32> = const { Cell::new(0) };
}

/// The gate, while a fork has it.
struct Fork(UnsafeCell<Option<RwLockWriteGuard<'static, ()>>>);

// SAFETY: only the thread that has the gate alone looks inside.
unsafe impl Sync for Fork {}

/// Tells how many forks there were between the first process and this one, or
/// more. A plain load, so that every send may ask; the system call for the
/// process id is too slow.
#[inline]
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Starts counting. Called before anything remembers a generation.
pub(crate) fn watch() {
    if WATCHED.load(Ordering::Acquire) {
        return;
    }
    // A thread that is at it may not be in this process, so none waits for
    // another. If two do this, forks are announced and counted twice.
    //
    // SAFETY: the handlers are there whenever they are called: the C library is
    // never unloaded (its build.rs), and of other shared objects the system
    // forgets the handlers when it unloads them. They do what is allowed
    // between fork and exec: they use atomics and this thread's own variables,
    // and unlock what this thread has locked.
    unsafe {
        libc::pthread_atfork(Some(prepare), Some(in_parent), Some(in_child));
    }
    WATCHED.store(true, Ordering::Release);
}

/// Runs `work` so that no other thread forks in the midst of it. It must wait
/// for nothing but locks that are taken in such work only.
pub(crate) fn undivided<R>(work: impl FnOnce() -> R) -> R {
    struct Inside;
    impl Drop for Inside {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    watch();
    // A thread that has it must not ask for it again: a fork may wait between.
    let entered = (DEPTH.get() == 0 && ANNOUNCED.get() == 0)
        .then(|| GATE.read().unwrap_or_else(PoisonError::into_inner));
    DEPTH.set(DEPTH.get() + 1);
    let inside = Inside;
    let result = work();
    drop(inside);
    drop(entered);
    result
}

extern "C" fn prepare() {
    let before = ANNOUNCED.replace(ANNOUNCED.get() + 1);
    // A signal handler that forks in the midst of such work finds its own
    // thread at it, which goes on with it in both processes.
    if before == 0 && DEPTH.get() == 0 {
        let alone = GATE.write().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: this thread has the gate alone.
        unsafe { *FORK.0.get() = Some(alone) };
    }
}

extern "C" fn in_parent() {
    let left = ANNOUNCED.get().saturating_sub(1);
    ANNOUNCED.set(left);
    if left == 0 && DEPTH.get() == 0 {
        // SAFETY: this thread took the gate in `prepare`, and has it alone.
        drop(unsafe { (*FORK.0.get()).take() });
    }
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    in_parent();
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    #[test]
    fn a_fork_finds_nobody_in_the_midst() {
        static LOCK: Mutex<u64> = Mutex::new(0);
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        undivided(|| undivided(|| *LOCK.lock().unwrap() += 1));
                    }
                });
            }
            for _ in 0..200 {
                // SAFETY: the child tries a lock and ends.
                let child = unsafe { libc::fork() };
                assert!(child >= 0);
                if child == 0 {
                    let code = i32::from(undivided(|| LOCK.try_lock().is_err()));
                    // SAFETY: ends the child at once.
                    unsafe { libc::_exit(code) };
                }
                let mut status = 0;
                // SAFETY: `status` is a live local.
                let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
                assert_eq!((waited, status), (child, 0), "the lock was held");
            }
            over.store(true, Ordering::Relaxed);
        });
    }
}
