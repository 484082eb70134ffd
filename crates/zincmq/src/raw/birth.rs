//! Which process something was made in.

use crate::reactor::{fork_generation, watch_forks};

/// A mark of the process that made it, which costs less to look at than the
/// process id, a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Birth(u32);

impl Birth {
    /// That of this process.
    #[must_use]
    pub fn here() -> Self {
        watch_forks();
        Self(fork_generation())
    }

    /// Whether it is of this process, and not of one that this was forked from.
    #[must_use]
    #[inline]
    pub fn is_here(self) -> bool {
        self.0 == fork_generation()
    }
}
