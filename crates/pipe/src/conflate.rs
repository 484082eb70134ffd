//! The queue of one: each new item takes the place of the one before.
//!
//! One lock around one slot; flags beside it for looks that need no lock. The
//! flags that decide about sleeping are under the lock, so a publish and a
//! failed pop have an order.

use std::sync::PoisonError;

use crate::{
    PushError,
    sync::{Arc, AtomicBool, Mutex, Ordering},
};

/// Both ends of a new queue of one.
pub(crate) fn pair<T>() -> (Writer<T>, Reader<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            item: None,
            reader_asleep: false,
            ended: false,
        }),
        filled: AtomicBool::new(false),
        reader_gone: AtomicBool::new(false),
    });
    let writer = Writer {
        shared: Arc::clone(&shared),
        staged: None,
        replaced: 0,
        closed: false,
    };
    let reader = Reader {
        shared,
        discarded: 0,
        closed: false,
    };
    (writer, reader)
}

/// The producer's end.
pub(crate) struct Writer<T> {
    shared: Arc<Shared<T>>,
    /// Pushed and not yet published.
    staged: Option<T>,
    replaced: u64,
    closed: bool,
}

/// The consumer's end.
pub(crate) struct Reader<T> {
    shared: Arc<Shared<T>>,
    discarded: u64,
    closed: bool,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    /// `state.item` is there; written under the lock.
    filled: AtomicBool,
    /// The consumer was closed; written under the lock.
    reader_gone: AtomicBool,
}

struct State<T> {
    item: Option<T>,
    reader_asleep: bool,
    /// The producer was closed.
    ended: bool,
}

impl<T> Writer<T> {
    pub(crate) fn push(&mut self, item: T) -> Result<(), PushError<T>> {
        self.push_over(item).map_err(PushError::Closed)
    }

    pub(crate) fn push_over(&mut self, item: T) -> Result<(), T> {
        if !self.has_room() {
            return Err(item);
        }
        if self.staged.replace(item).is_some() {
            self.replaced += 1;
        }
        Ok(())
    }

    pub(crate) fn publish(&mut self) -> bool {
        self.staged.is_some() && self.hand_over(false)
    }

    pub(crate) fn has_room(&self) -> bool {
        !self.closed && !self.is_closed()
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.staged.is_some()) + usize::from(self.shared.filled.load(Ordering::Acquire))
    }

    pub(crate) fn replaced(&self) -> u64 {
        self.replaced
    }

    pub(crate) fn close(&mut self) -> bool {
        if self.closed {
            return false;
        }
        self.closed = true;
        self.hand_over(true)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.shared.reader_gone.load(Ordering::Acquire)
    }

    /// Publishes what is staged and perhaps the end; true if the consumer has
    /// to be woken.
    fn hand_over(&mut self, end: bool) -> bool {
        let (old, wake) = self.shared.locked(|state| {
            state.ended |= end;
            if self.shared.reader_gone.load(Ordering::Relaxed) {
                return (None, false);
            }
            let mut old = None;
            if self.staged.is_some() {
                old = std::mem::replace(&mut state.item, self.staged.take());
                self.shared.filled.store(true, Ordering::Release);
            }
            (old, std::mem::take(&mut state.reader_asleep))
        });
        // Counted and dropped outside the lock: dropping may run anything.
        self.replaced += u64::from(old.is_some());
        wake
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        let _wake = self.close();
    }
}

impl<T> Reader<T> {
    pub(crate) fn pop(&mut self) -> Option<T> {
        let closed = self.closed;
        self.shared.locked(|state| {
            let item = state.item.take();
            if item.is_some() {
                self.shared.filled.store(false, Ordering::Release);
            }
            state.reader_asleep = item.is_none() && !state.ended && !closed;
            item
        })
    }

    pub(crate) fn has_items(&mut self) -> bool {
        let closed = self.closed;
        self.shared.locked(|state| {
            state.reader_asleep = state.item.is_none() && !state.ended && !closed;
            state.item.is_some()
        })
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.shared.filled.load(Ordering::Relaxed))
    }

    pub(crate) fn is_finished(&mut self) -> bool {
        self.shared
            .locked(|state| state.ended && state.item.is_none())
    }

    pub(crate) fn close(&mut self) {
        self.closed = true;
        let item = self.shared.locked(|state| {
            self.shared.reader_gone.store(true, Ordering::Release);
            self.shared.filled.store(false, Ordering::Release);
            state.reader_asleep = false;
            state.item.take()
        });
        self.discarded += u64::from(item.is_some());
    }

    pub(crate) fn discarded(&self) -> u64 {
        self.discarded
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> Shared<T> {
    fn locked<R>(&self, f: impl FnOnce(&mut State<T>) -> R) -> R {
        // No user code runs under the lock, so a poisoned state is whole too.
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
