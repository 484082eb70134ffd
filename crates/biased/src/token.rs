//! What tells threads apart.

/// The low bits of a token, which are always zero.
pub(crate) const SPARE: usize = 0xf;

/// The calling thread's: no other living thread has the same, and it is not 0.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) fn token() -> usize {
    // SAFETY: it has no arguments and cannot fail.
    let thread = unsafe { libc::pthread_self() };
    // The address of what the C library knows of the thread, more than a
    // cache line long; where it were none, threads would share a token and
    // `Bias::grant` would refuse it.
    thread as usize
}

/// loom runs all of its threads on one of the system's.
#[cfg(loom)]
pub(crate) fn token() -> usize {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    loom::thread::current().id().hash(&mut hasher);
    (hasher.finish() as usize & !SPARE) | (SPARE + 1)
}
