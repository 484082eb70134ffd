//! A mutex for what is used on in a process that was forked: it is never held
//! there by a thread that is only in the parent.

use std::fmt;

use crate::reactor::undivided;
use crate::sync::Mutex;

/// A fork waits for its holders, so they hold it for a moment only.
#[derive(Default)]
pub(crate) struct ForkMutex<T>(Mutex<T>);

impl<T> ForkMutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Has `work` done with it. That must wait for nothing but others like it.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        undivided(|| work(&mut self.0.lock()))
    }
}

impl<T: fmt::Debug> fmt::Debug for ForkMutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with(|value| value.fmt(f))
    }
}
