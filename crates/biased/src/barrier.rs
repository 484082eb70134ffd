//! A full barrier between two threads of which only one pays for it.

/// Keeps the order of what comes before and after, as seen by a thread that
/// calls [`heavy`].
#[cfg(not(loom))]
#[inline(always)]
pub fn light() {
    std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
}

/// loom knows no barrier from one side.
#[cfg(loom)]
pub fn light() {
    loom::sync::atomic::fence(loom::sync::atomic::Ordering::SeqCst);
}

/// See [`light`].
#[cfg(loom)]
pub fn heavy() {
    light();
}

/// loom always has it.
#[cfg(loom)]
pub fn is_available() -> bool {
    true
}

#[cfg(all(not(loom), target_os = "linux"))]
pub use system::{heavy, is_available};

/// Nobody may go by [`light`] there, so nothing has to be done.
#[cfg(all(not(loom), not(target_os = "linux")))]
pub fn heavy() {}

/// Whether [`heavy`] does what it says.
#[cfg(all(not(loom), not(target_os = "linux")))]
pub fn is_available() -> bool {
    false
}

#[cfg(all(not(loom), target_os = "linux"))]
mod system {
    use std::sync::OnceLock;
    use std::thread;
    use std::time::Duration;

    /// Has all threads of this process that run go through a full barrier
    /// before it returns. Those that do not run have gone through one.
    #[cold]
    pub fn heavy() {
        if is_done(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
            return;
        }
        // A child of fork may have to register anew.
        let registered = is_done(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
        if registered && is_done(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
            return;
        }
        // Forbidden after it was allowed. No processor keeps a store to itself
        // for as long as this.
        thread::sleep(Duration::from_millis(10));
    }

    /// Whether the system has [`heavy`]. If not, nobody may go by
    /// [`light`](super::light).
    #[inline]
    pub fn is_available() -> bool {
        static AVAILABLE: OnceLock<bool> = OnceLock::new();
        *AVAILABLE.get_or_init(|| {
            is_done(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
                && is_done(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
        })
    }

    fn is_done(command: libc::c_int) -> bool {
        const NO_FLAGS: libc::c_int = 0;
        // SAFETY: it takes two numbers and touches no memory.
        unsafe { libc::syscall(libc::SYS_membarrier, command, NO_FLAGS) == 0 }
    }
}
