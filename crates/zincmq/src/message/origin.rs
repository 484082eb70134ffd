//! Where a message came from, carried by each one at next to no cost.
//!
//! An `Arc` would cost two atomic read-modify-writes a message. Here who hands
//! the references out takes them from the count by the thousand, and who drops
//! them gives them back by the hundred.

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::PeerInfo;

/// References taken from the count at once.
const GRANT: u64 = 4096;
/// References a thread keeps back before it returns them.
const RETURN: u64 = 256;

/// One reference to what is known of a peer.
pub(crate) struct Origin(NonNull<Shared>);

/// Hands out references to one peer.
pub(crate) struct Origins {
    shared: NonNull<Shared>,
    /// References counted already and not yet handed out, beside its own.
    credit: u64,
}

struct Shared {
    /// Of 64 bits everywhere: with references that are forgotten a shorter one
    /// could be made to wrap.
    count: AtomicU64,
    info: Arc<PeerInfo>,
}

const _: () = {
    const fn may_be_anywhere<T: Send + Sync>() {}
    may_be_anywhere::<Shared>();
};

// SAFETY: it is a counted share of what any thread may use and drop, as is seen
// above.
unsafe impl Send for Origin {}
// SAFETY: as for Send.
unsafe impl Sync for Origin {}
// SAFETY: as for `Origin`; the credit changes through `&mut` alone.
unsafe impl Send for Origins {}
// SAFETY: as for Send.
unsafe impl Sync for Origins {}

impl Origins {
    pub(crate) fn new(info: Arc<PeerInfo>) -> Self {
        let shared = Box::new(Shared {
            count: AtomicU64::new(1),
            info,
        });
        Self {
            shared: NonNull::from(Box::leak(shared)),
            credit: 0,
        }
    }

    /// One more reference.
    #[inline]
    pub(crate) fn next(&mut self) -> Origin {
        if self.credit == 0 {
            self.restock();
        }
        self.credit -= 1;
        Origin(self.shared)
    }

    /// One more reference, for who cannot change the credit.
    pub(crate) fn another(&self) -> Origin {
        shared(&self.shared).count.fetch_add(1, Ordering::Relaxed);
        Origin(self.shared)
    }

    #[cold]
    fn restock(&mut self) {
        shared(&self.shared)
            .count
            .fetch_add(GRANT, Ordering::Relaxed);
        self.credit = GRANT;
    }

    pub(crate) fn info(&self) -> &Arc<PeerInfo> {
        &shared(&self.shared).info
    }
}

impl Drop for Origins {
    fn drop(&mut self) {
        // SAFETY: so many references are its own.
        unsafe { release(self.shared, self.credit + 1) }
    }
}

impl Origin {
    #[inline]
    pub(crate) fn info(&self) -> &PeerInfo {
        &shared(&self.0).info
    }
}

impl Clone for Origin {
    fn clone(&self) -> Self {
        shared(&self.0).count.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl Drop for Origin {
    #[inline]
    fn drop(&mut self) {
        let kept = RETURNS.try_with(|returns| returns.keep(self.0));
        if kept.is_err() {
            // SAFETY: the thread is ending; this reference is one.
            unsafe { release(self.0, 1) }
        }
    }
}

/// References that a thread has dropped and not yet returned.
struct Returns {
    shared: Cell<*mut Shared>,
    count: Cell<u64>,
}

thread_local! {
    static RETURNS: Returns = const {
        Returns {
            shared: Cell::new(ptr::null_mut()),
            count: Cell::new(0),
        }
    };
}

impl Returns {
    #[inline]
    fn keep(&self, shared: NonNull<Shared>) {
        if self.shared.get() == shared.as_ptr() && self.count.get() < RETURN {
            self.count.set(self.count.get() + 1);
            return;
        }
        self.flush();
        self.shared.set(shared.as_ptr());
        self.count.set(1);
    }

    #[cold]
    fn flush(&self) {
        let count = self.count.replace(0);
        if let Some(shared) = NonNull::new(self.shared.get())
            && count > 0
        {
            // SAFETY: so many references were dropped and not returned.
            unsafe { release(shared, count) }
        }
    }
}

impl Drop for Returns {
    fn drop(&mut self) {
        self.flush();
    }
}

#[inline]
fn shared(pointer: &NonNull<Shared>) -> &Shared {
    // SAFETY: whoever has the pointer has a reference, which keeps it alive
    // for as long as the borrow of the pointer.
    unsafe { pointer.as_ref() }
}

/// Gives back `count` references; the last ones free what they refer to.
///
/// # Safety
/// The caller has that many, and uses none of them afterwards.
unsafe fn release(pointer: NonNull<Shared>, count: u64) {
    if shared(&pointer).count.fetch_sub(count, Ordering::Release) == count {
        fence(Ordering::Acquire);
        // SAFETY: it came from a box, and no reference is left.
        drop(unsafe { Box::from_raw(pointer.as_ptr()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_reference_frees() {
        let info = Arc::new(PeerInfo::default());
        let mut origins = Origins::new(Arc::clone(&info));
        let kept: Vec<Origin> = (0..10_000).map(|_| origins.next()).collect();
        drop(origins);
        assert_eq!(Arc::strong_count(&info), 2);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let mine = kept.clone();
                std::thread::spawn(move || drop(mine))
            })
            .collect();
        std::thread::spawn(move || drop(kept))
            .join()
            .expect("dropping does not panic");
        for thread in threads {
            thread.join().expect("dropping does not panic");
        }
        assert_eq!(Arc::strong_count(&info), 1);
    }

    #[test]
    fn a_thread_returns_what_it_kept_when_another_peer_comes() {
        let first = Arc::new(PeerInfo::default());
        let second = Arc::new(PeerInfo::default());
        let mut one = Origins::new(Arc::clone(&first));
        let mut two = Origins::new(Arc::clone(&second));
        let origin = one.next();
        drop(one);
        drop(origin);
        drop(two.next());
        drop(two);
        assert_eq!(Arc::strong_count(&first), 1);
    }
}
