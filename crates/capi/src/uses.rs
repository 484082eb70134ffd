//! Which objects each thread is at work on: a list of its own for each, so
//! that a call says so without an atomic read-modify-write.
//!
//! A thread notes an object's address and then looks whether it is still open;
//! who has closed it looks whether a thread has it noted, behind a barrier that
//! all threads go through (see [`zincmq::raw::barrier`]). So one of the two
//! sees the other.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zincmq::raw::{self, barrier};

/// So many objects a thread can be at work on at once, in calls that call back.
const DEPTH: usize = 4;

/// What one thread is at work on: addresses, or 0.
#[repr(align(64))]
pub struct Uses {
    addresses: [AtomicUsize; DEPTH],
    /// A thread has it.
    taken: AtomicBool,
}

/// Of all threads; they stay when a thread ends, for the next.
static ALL: Mutex<Vec<&'static Uses>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: Cell<Option<&'static Uses>> = const { Cell::new(None) };
    /// Gives it back when the thread ends.
    static LEASE: Lease = const { Lease };
}

struct Lease;

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(own) = OWN.take() {
            // A thread that was ended in the midst of a call has left something.
            let idle = own
                .addresses
                .iter()
                .all(|address| address.load(Ordering::Relaxed) == 0);
            own.taken.store(!idle, Ordering::Release);
        }
    }
}

impl Uses {
    /// The calling thread's. None where the system has no such barrier, and in a
    /// thread that is about to end.
    #[inline]
    pub fn own() -> Option<&'static Self> {
        match OWN.get() {
            Some(own) => Some(own),
            None => Self::take(),
        }
    }

    #[cold]
    fn take() -> Option<&'static Self> {
        if !barrier::is_available() || LEASE.try_with(|_| ()).is_err() {
            return None;
        }
        let own = with_all(|mut all| {
            let free = all.iter().find(|uses| !uses.taken.load(Ordering::Acquire));
            if let Some(free) = free {
                return *free;
            }
            let fresh: &'static Self = Box::leak(Box::new(Self {
                addresses: [const { AtomicUsize::new(0) }; DEPTH],
                taken: AtomicBool::new(true),
            }));
            all.push(fresh);
            fresh
        });
        own.taken.store(true, Ordering::Relaxed);
        OWN.set(Some(own));
        Some(own)
    }

    /// Notes that this thread, whose own these are, is at work on what is at
    /// `address`. What it sees of that after, it sees as whoever has looked in
    /// vain with [`is_used`] has left it. None if it is at work on too many.
    #[inline(always)]
    pub fn enter(&'static self, address: usize) -> Option<Use> {
        let place = self
            .addresses
            .iter()
            .find(|place| place.load(Ordering::Relaxed) == 0)?;
        place.store(address, Ordering::Relaxed);
        barrier::light();
        Some(Use { place })
    }
}

/// A note that is there. Not dropped, it stays.
pub struct Use {
    place: &'static AtomicUsize,
}

impl Use {
    /// Takes the note away. What the thread sees after, it sees as whoever has
    /// found the note has left it.
    #[inline(always)]
    pub fn leave(&self) {
        self.place.store(0, Ordering::Release);
        barrier::light();
    }
}

/// Whether some thread is at work on what is at `address`. What was stored
/// before is seen by those that begin later.
pub fn is_used(address: usize) -> bool {
    barrier::heavy();
    with_all(|all| {
        let mut addresses = all.iter().flat_map(|uses| &uses.addresses);
        addresses.any(|place| place.load(Ordering::Acquire) == address)
    })
}

fn with_all<R>(work: impl FnOnce(MutexGuard<'static, Vec<&'static Uses>>) -> R) -> R {
    raw::undivided(|| work(ALL.lock().unwrap_or_else(PoisonError::into_inner)))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_a_thread_is_at_is_known_until_it_leaves() {
        let Some(own) = Uses::own() else {
            assert!(!barrier::is_available());
            return;
        };
        let (here, there) = (own as *const Uses as usize, 8);
        assert!(!is_used(here));
        let first = own.enter(here).expect("there is room");
        let second = own.enter(here).expect("there is room");
        let third = own.enter(there).expect("there is room");
        first.leave();
        assert!(is_used(here));
        assert!(
            thread::spawn(move || is_used(here))
                .join()
                .expect("it does not panic")
        );
        second.leave();
        assert!(!is_used(here));
        third.leave();
    }

    #[test]
    fn a_thread_has_room_for_so_many() {
        let Some(own) = Uses::own() else { return };
        let uses: Vec<_> = (1..=DEPTH)
            .map_while(|address| own.enter(address))
            .collect();
        assert_eq!(uses.len(), DEPTH);
        assert!(own.enter(9).is_none());
        uses.iter().for_each(Use::leave);
        own.enter(9).expect("there is room again").leave();
    }

    #[test]
    fn the_next_thread_takes_what_one_left() {
        let of_a_thread = || {
            let own = thread::spawn(|| Uses::own().map(|own| std::ptr::from_ref(own) as usize));
            own.join().expect("it does not panic")
        };
        let known: Vec<_> = (0..100).map(|_| of_a_thread()).collect();
        let mut distinct = known.clone();
        distinct.sort_unstable();
        distinct.dedup();
        // Other tests' threads come and go meanwhile.
        assert!(distinct.len() < known.len(), "{known:?}");
    }
}
