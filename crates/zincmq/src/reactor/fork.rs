//! Whether this process is still the one a thing was made in.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(0);
static HOOK: Once = Once::new();

/// Counts the forks between the first process and this one. A plain load, so
/// that every send may ask; the system call for the process id is too slow.
#[inline]
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Starts counting. Called before anything remembers a generation.
pub(crate) fn watch() {
    HOOK.call_once(|| {
        extern "C" fn in_child() {
            GENERATION.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: `in_child` only adds to an atomic, which is allowed between
        // fork and exec. It is there whenever it is called: the C library is
        // never unloaded (its build.rs), and of other shared objects the
        // system forgets the handlers when it unloads them.
        unsafe {
            libc::pthread_atfork(None, None, Some(in_child));
        }
    });
}
