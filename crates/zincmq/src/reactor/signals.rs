//! What signals do to the threads that wait, and to those that work for us.

/// What becomes of a wait whose thread has run a signal handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signals {
    /// It goes on, as Rust programs expect.
    PassUnseen,
    /// It ends, as C programs expect (EINTR).
    EndWaits,
}

impl Signals {
    pub(crate) fn end_waits(self) -> bool {
        self == Self::EndWaits
    }
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Something may have changed.
    News,
    /// The time was up.
    Late,
    /// A signal handler ran, which was to end it.
    Interrupted,
}

impl Woken {
    /// `interrupted` tells that the sleep was.
    pub(super) fn after_sleep(interrupted: bool, signals: Signals) -> Self {
        if interrupted && signals.end_waits() {
            Self::Interrupted
        } else {
            Self::News
        }
    }
}

/// Has the thread that `spawn` starts handle no signals, so that those sent to
/// the process go to threads of the program and end their waits.
pub(crate) fn deaf<T>(spawn: impl FnOnce() -> T) -> T {
    // SAFETY: an all-zero sigset_t is a valid one, and `sigfillset` and
    // `sigdelset` write to a live local.
    let deaf = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut set);
        // What a thread does itself, or what is done to the whole process.
        for own in [
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGILL,
            libc::SIGTRAP,
            libc::SIGSYS,
            libc::SIGABRT,
            libc::SIGPROF,
        ] {
            libc::sigdelset(&mut set, own);
        }
        set
    };
    // SAFETY: all zeroes is a valid value, to be overwritten.
    let mut before: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: both are live locals. The new thread inherits the mask.
    let failed = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &deaf, &mut before) };
    let result = spawn();
    if failed == 0 {
        // SAFETY: `before` is what the mask was.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of `signals` the calling thread does not handle.
    fn blocked(signals: &[i32]) -> Vec<i32> {
        // SAFETY: all zeroes is a valid value, to be overwritten.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: asks for the calling thread's mask.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut set) };
        // SAFETY: `set` is a live local.
        let is_in = |signal: &&i32| unsafe { libc::sigismember(&set, **signal) == 1 };
        signals.iter().filter(is_in).copied().collect()
    }

    #[test]
    fn a_deaf_thread_leaves_signals_to_others() {
        let all = [libc::SIGINT, libc::SIGTERM, libc::SIGCHLD, libc::SIGSEGV];
        let heard = deaf(|| std::thread::spawn(move || blocked(&all)));
        assert_eq!(heard.join().unwrap(), &all[..3]);
        assert_eq!(blocked(&all), []);
    }
}
