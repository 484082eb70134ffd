//! Objects by number, for what pyzmq calls shadows: a second Python object for
//! the same socket or context, found by what `underlying` says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// All living objects of one kind. Locked with the GIL held only, so that a
/// process that forks never leaves it locked in the child.
pub struct Registry<T>(Mutex<Option<HashMap<usize, Weak<T>>>>);

impl<T> Registry<T> {
    /// An empty one.
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Makes it known, and returns its number.
    pub fn add(&self, object: &Arc<T>) -> usize {
        let number = number(object);
        let mut all = self.lock();
        all.get_or_insert_default()
            .insert(number, Arc::downgrade(object));
        number
    }

    /// The object of this number, if it is there.
    pub fn find(&self, number: usize) -> Option<Arc<T>> {
        self.lock().as_ref()?.get(&number)?.upgrade()
    }

    /// Forgets it, if no other holds it.
    pub fn forget(&self, object: &Arc<T>) {
        if Arc::strong_count(object) == 1
            && let Some(all) = self.lock().as_mut()
        {
            all.remove(&number(object));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<usize, Weak<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No other living object has the same.
pub fn number<T>(object: &Arc<T>) -> usize {
    Arc::as_ptr(object) as usize
}
