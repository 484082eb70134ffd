//! Memory of long payloads, kept for the next ones: the system would have to
//! find it anew page by page, which takes as long as to fill it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use crate::message::Home;
use crate::reactor::{Handle, Source};
use crate::sync::Mutex;

/// What is kept at most, bytes.
const MOST: usize = 64 * 1024 * 1024;
/// How long memory is kept that nobody asks for.
const IDLE: Duration = Duration::from_secs(1);
/// Memory is used again for payloads of no less than this part of it.
const SPARE: usize = 2;

/// What the connections of a context keep.
pub(crate) struct Stock {
    me: Weak<Self>,
    shelf: Mutex<Shelf>,
    /// Keeps time.
    reactor: OnceLock<Handle>,
    is_closed: AtomicBool,
}

#[derive(Default)]
struct Shelf {
    /// What was put down last is last.
    kept: Vec<Kept>,
    /// Bytes.
    size: usize,
    has_timer: bool,
}

struct Kept {
    memory: Vec<u8>,
    since: Instant,
}

impl Stock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            shelf: Mutex::default(),
            reactor: OnceLock::new(),
            is_closed: AtomicBool::new(false),
        })
    }

    /// Nothing is kept before there is a reactor to keep time.
    pub(crate) fn set_reactor(&self, reactor: &Handle) {
        let _ = self.reactor.set(reactor.clone());
    }

    /// Nothing is kept any more.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        let shelf = std::mem::take(&mut *self.shelf.lock());
        drop(shelf);
    }

    /// Where memory that was taken goes back to.
    pub(super) fn home(&self) -> Weak<dyn Home> {
        Weak::clone(&self.me) as Weak<dyn Home>
    }

    /// Memory for a payload of `len` bytes, with anything in it.
    pub(super) fn take(&self, len: usize) -> Option<Vec<u8>> {
        let mut memory = {
            let mut shelf = self.shelf.try_lock()?;
            let fits = |kept: &Kept| {
                let capacity = kept.memory.capacity();
                capacity >= len && capacity / SPARE <= len
            };
            // The last one is the likeliest to be in the caches still.
            let place = shelf.kept.iter().rposition(fits)?;
            shelf.remove(place)
        };
        // Writes to what no payload has been in yet.
        memory.resize(len, 0);
        Some(memory)
    }

    fn is_foreign(&self) -> bool {
        self.reactor.get().is_none_or(Handle::is_foreign)
    }

    /// Has [`Stock::tidy`] called when what lies there longest has lain for long.
    fn set_timer(&self, since: Instant) {
        if let Some(reactor) = self.reactor.get() {
            let timer = Arc::new(Tidying(Weak::clone(&self.me)));
            reactor.set_timer(since + IDLE, timer);
        }
    }

    /// Gives back what nobody has asked for.
    fn tidy(&self, now: Instant) {
        let (old, next);
        {
            let mut shelf = self.shelf.lock();
            old = shelf.take_older(now);
            next = shelf.kept.first().map(|kept| kept.since);
            shelf.has_timer = next.is_some();
        }
        if let Some(since) = next {
            self.set_timer(since);
        }
        drop(old);
    }
}

impl Home for Stock {
    fn take_back(&self, memory: Vec<u8>) {
        let size = memory.capacity();
        if size > MOST || self.is_foreign() || self.is_closed.load(Ordering::SeqCst) {
            return;
        }
        let now = Instant::now();
        let (surplus, sets_timer);
        {
            let Some(mut shelf) = self.shelf.try_lock() else {
                return;
            };
            surplus = shelf.make_room(size);
            shelf.size += size;
            shelf.kept.push(Kept { memory, since: now });
            sets_timer = !std::mem::replace(&mut shelf.has_timer, true);
        }
        if sets_timer {
            self.set_timer(now);
        }
        drop(surplus);
        if self.is_closed.load(Ordering::SeqCst) {
            self.close();
        }
    }
}

impl Shelf {
    fn remove(&mut self, place: usize) -> Vec<u8> {
        let Kept { memory, .. } = self.kept.remove(place);
        self.size -= memory.capacity();
        memory
    }

    /// Takes away what has lain there longest, for `size` bytes to have room.
    fn make_room(&mut self, size: usize) -> Vec<Vec<u8>> {
        let mut surplus = Vec::new();
        while self.size + size > MOST {
            surplus.push(self.remove(0));
        }
        surplus
    }

    fn take_older(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let is_old = |kept: &Kept| now.saturating_duration_since(kept.since) >= IDLE;
        let old = self.kept.partition_point(is_old);
        (0..old).map(|_| self.remove(0)).collect()
    }
}

impl std::fmt::Debug for Stock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stock").finish_non_exhaustive()
    }
}

/// The timer. It keeps the stock from nobody.
struct Tidying(Weak<Stock>);

impl Source for Tidying {
    fn timeout(&self) {
        if let Some(stock) = self.0.upgrade() {
            stock.tidy(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::reactor::{Reactor, Threads};

    const LEN: usize = 3_000_000;

    fn stock() -> (Reactor, Arc<Stock>) {
        let reactor = Reactor::start(0, &Threads::default()).expect("a thread can be had");
        let stock = Stock::new();
        stock.set_reactor(reactor.handle());
        (reactor, stock)
    }

    fn used(stock: &Stock, len: usize) {
        drop(Message::long(vec![1; len], stock.home()));
    }

    #[test]
    fn memory_is_used_for_what_is_about_as_long() {
        let (_reactor, stock) = stock();
        used(&stock, LEN);
        assert!(stock.take(LEN + 1).is_none());
        assert!(stock.take(LEN / SPARE - 1).is_none());
        let shorter = stock.take(LEN - 100).expect("it fits");
        assert_eq!(shorter.len(), LEN - 100);
        drop(Message::long(shorter, stock.home()));
        let whole = stock.take(LEN).expect("it is as long as it was");
        assert_eq!(whole.len(), LEN);
        assert!(stock.take(LEN).is_none());
    }

    #[test]
    fn what_lies_there_longest_goes_first() {
        let (_reactor, stock) = stock();
        used(&stock, LEN);
        used(&stock, MOST - LEN);
        assert_eq!(stock.shelf.lock().size, MOST);
        used(&stock, LEN - 1000);
        assert!(stock.take(LEN).is_none());
        assert!(stock.take(LEN - 1000).is_some());
        assert!(stock.take(MOST - LEN).is_some());
        used(&stock, MOST + 1);
        assert!(stock.take(MOST).is_none());
    }

    #[test]
    fn memory_nobody_asks_for_is_given_back() {
        let (reactor, stock) = stock();
        used(&stock, LEN);
        let start = Instant::now();
        stock.tidy(start);
        assert_eq!(stock.shelf.lock().size, LEN);
        assert!(reactor.timers() > 0);
        // By the timer, if not by this.
        stock.tidy(start + 2 * IDLE);
        assert_eq!(stock.shelf.lock().size, 0);
        used(&stock, LEN);
        while stock.shelf.lock().size > 0 {
            std::thread::sleep(IDLE / 20);
        }
    }

    #[test]
    fn nothing_is_kept_without_a_clock_or_after_the_end() {
        let unclocked = Stock::new();
        used(&unclocked, LEN);
        assert!(unclocked.take(LEN).is_none());
        let (_reactor, stock) = stock();
        used(&stock, LEN);
        stock.close();
        assert!(stock.take(LEN).is_none());
        used(&stock, LEN);
        assert!(stock.take(LEN).is_none());
    }
}
