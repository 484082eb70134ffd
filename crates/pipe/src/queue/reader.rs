use std::ptr;

use super::{
    chunk::{Chunk, is_border, next_border},
    shared::{AWAKE, Shared, Tail},
};
use crate::sync::{Arc, Ordering};

/// The consumer's end of the queue.
pub(crate) struct Reader<T> {
    shared: Arc<Shared<T>>,
    /// The chunk of the item popped last; null before the first.
    chunk: *mut Chunk<T>,
    popped: u64,
    /// The published count as last seen.
    visible: u64,
    /// `popped` at the last check for a sleeping producer.
    checked: u64,
    /// `popped` at which the next check is due.
    check_at: u64,
    /// Items dropped unread by `close`.
    discarded: u64,
    /// The producer was told that this end looks by itself.
    attends: bool,
    /// The count that was published so, when that was last over.
    attended_to: u64,
    /// The producer has closed; no item follows after `visible`.
    ended: bool,
    /// An item may count as several.
    runs: bool,
    closed: bool,
}

// SAFETY: as for the writer: the protocol in lib.rs keeps the two ends apart,
// and items move between threads.
unsafe impl<T: Send> Send for Reader<T> {}

impl<T> Reader<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self {
            shared,
            chunk: ptr::null_mut(),
            popped: 0,
            visible: 0,
            checked: 0,
            check_at: 1,
            discarded: 0,
            attends: false,
            attended_to: 0,
            ended: false,
            runs: false,
            closed: false,
        }
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.has_items() {
            Some(self.take().0)
        } else {
            None
        }
    }

    /// The item that the pop after `ahead` others would return, if it is at hand.
    #[inline]
    pub(crate) fn peek(&self, ahead: u64) -> Option<&T> {
        let number = self.popped + ahead;
        let in_chunk = !is_border(self.popped) && number < next_border(self.popped);
        if self.runs || number >= self.visible || !in_chunk {
            return None;
        }
        // SAFETY: item `number` is published and in `chunk`, as `popped` is, which
        // is not the first there. There are no runs, so it has a slot. It is not
        // read while this end is borrowed.
        Some(unsafe { (*self.chunk).peek(number) })
    }

    #[inline(always)]
    pub(crate) fn pop_in_place<R>(&mut self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        if !self.has_items() {
            return None;
        }
        if is_border(self.popped) {
            self.next_chunk();
        }
        let left = InPlace(self);
        // SAFETY: item `popped` is published, and `left` drops it once, after
        // `work` is done with it.
        Some(unsafe { (*left.0.chunk).at(left.0.popped, |item| work(&mut *item)) })
    }

    #[inline]
    pub(crate) fn has_items(&mut self) -> bool {
        self.popped != self.visible || (self.look() && !self.closed) || self.fall_asleep()
    }

    pub(crate) fn attend(&mut self) {
        if !self.attends && !self.closed && biased::is_available() {
            self.attends = true;
            self.shared.tail.attended.store(true, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(crate) fn release(&mut self) -> bool {
        if self.popped == self.checked {
            return false;
        }
        let due = self.popped >= self.check_at
            || self.popped >= self.shared.head.wake_at.load(Ordering::Relaxed)
            || (self.popped == self.visible && !self.look());
        due && self.check()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        let tail = Tail(self.shared.tail.word.load(Ordering::Relaxed));
        // A relaxed load is never older than one this end has seen.
        usize::try_from(self.published(tail) - self.popped).unwrap_or(usize::MAX)
    }

    /// Looks at what the producer shares only when nothing is known to be left:
    /// each such look takes the line from it.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.popped == self.visible && self.len() == 0
    }

    pub(crate) fn is_finished(&mut self) -> bool {
        if self.closed {
            self.discard();
            return self.ended;
        }
        self.popped == self.visible && !self.look() && self.ended
    }

    pub(crate) fn close(&mut self) -> bool {
        if self.closed {
            return false;
        }
        self.closed = true;
        let shared = &self.shared;
        shared.tail.reader_gone.store(true, Ordering::Release);
        // As for a check: either this finds the producer's mark, or the
        // producer's second look finds the consumer gone.
        let wake_at = shared.head.wake_at.swap(AWAKE, Ordering::AcqRel);
        self.discard();
        wake_at != AWAKE
    }

    pub(crate) fn discarded(&self) -> u64 {
        self.discarded
    }

    /// Looks for new items; true if there are any.
    #[inline]
    fn look(&mut self) -> bool {
        let tail = Tail(self.shared.tail.word.load(Ordering::Acquire));
        self.see(tail)
    }

    #[inline]
    fn see(&mut self, tail: Tail) -> bool {
        self.visible = self.published(tail);
        self.ended = tail.is_closed();
        // Not older than what was published so far.
        self.runs = self.shared.tail.runs.load(Ordering::Relaxed);
        self.popped != self.visible
    }

    /// How many items are published, `tail` being what the word says.
    #[inline]
    fn published(&self, tail: Tail) -> u64 {
        let attended = match self.attends {
            true => self.shared.tail.attended_to.load(Ordering::Acquire),
            false => self.attended_to,
        };
        tail.count().max(attended)
    }

    /// Has the producer publish as always.
    fn turn_away(&mut self) {
        let line = &self.shared.tail;
        line.attended.store(false, Ordering::Relaxed);
        biased::heavy();
        self.attended_to = line.attended_to.load(Ordering::Acquire);
        self.attends = false;
    }

    /// Marks the consumer as asleep unless items have come; true if they have.
    #[cold]
    fn fall_asleep(&mut self) -> bool {
        if self.closed {
            self.discard();
            return false;
        }
        if self.attends {
            self.turn_away();
        }
        let mut tail = Tail(self.shared.tail.word.load(Ordering::Acquire));
        while !self.see(tail) && !tail.is_closed() && !tail.is_asleep() {
            // Otherwise only the producer changes the word, to publish or to
            // close: after a failure there is no reason left to sleep, unless
            // what it says now was known from `attended_to`.
            let marked = self.shared.tail.word.compare_exchange(
                tail.0,
                tail.asleep().0,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match marked {
                Ok(_) => break,
                Err(word) => tail = Tail(word),
            }
        }
        self.popped != self.visible
    }

    /// Moves the next visible item out, and says as how many it counts.
    #[inline(always)]
    fn take(&mut self) -> (T, u64) {
        if is_border(self.popped) {
            self.next_chunk();
        }
        // SAFETY: item `popped` is published (it is below `visible`), `chunk`
        // is its chunk, and it is read once, because `popped` only grows.
        let item = unsafe { (*self.chunk).read(self.popped) };
        self.popped += 1;
        let span = match self.runs {
            true => self.pass_run(),
            false => 1,
        };
        self.shared
            .head
            .popped
            .store(self.popped, Ordering::Release);
        (item, span)
    }

    /// Passes the slots that the item just read counts for, which were published
    /// with it. How many it is, itself included.
    #[cold]
    fn pass_run(&mut self) -> u64 {
        let first = self.popped - 1;
        // SAFETY: item `first` is published and `chunk` its chunk; the writer
        // leaves it alone while `popped` is not stored.
        let span = unsafe { (*self.chunk).span(first) };
        let end = first + span;
        while self.popped < end {
            if is_border(self.popped) {
                self.next_chunk();
            }
            self.popped = next_border(self.popped).min(end);
        }
        span
    }

    /// Goes to the chunk of item number `popped`, the first of its chunk.
    #[inline(never)]
    fn next_chunk(&mut self) {
        let old = self.chunk;
        if old.is_null() {
            // SAFETY: item 0 is published, so the cell is written.
            self.chunk = self.shared.tail.first.with(|first| unsafe { *first });
            return;
        }
        // SAFETY: `old` ends at this border and item `popped` is published.
        self.chunk = unsafe { (*old).next(self.popped) };
        if old != self.chunk {
            let surplus = self.shared.head.spare.swap(old, Ordering::AcqRel);
            if !surplus.is_null() {
                // SAFETY: out of `spare`, only one end can have it. Both are
                // done with it: the reader put it there, and the writer left it
                // before that.
                unsafe { Chunk::free(surplus) };
            }
        }
    }

    /// Looks for a sleeping producer; true if its target is reached.
    #[inline(never)]
    fn check(&mut self) -> bool {
        let head = &self.shared.head;
        self.checked = self.popped;
        let every = head.check_every.load(Ordering::Relaxed);
        self.check_at = (self.popped - self.popped % every).saturating_add(every);
        let wake_at = head.wake_at.swap(AWAKE, Ordering::AcqRel);
        if wake_at == AWAKE {
            return false;
        }
        if self.popped >= wake_at {
            return true;
        }
        // Too early. A failure means that the producer has left a newer mark.
        let _newer =
            head.wake_at
                .compare_exchange(AWAKE, wake_at, Ordering::AcqRel, Ordering::Relaxed);
        false
    }

    /// Drops everything visible.
    fn discard(&mut self) {
        self.look();
        while self.popped != self.visible {
            let (item, span) = self.take();
            self.discarded += span;
            drop(item);
        }
        self.checked = self.popped;
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        let left = Left(self);
        // Nobody is left to do the waking; lib.rs tells owners to close first.
        let _wake = left.0.close();
    }
}

/// Says in the end where the reader was: also when an item has panicked as it
/// was dropped. Its chunks before that one are gone.
struct Left<'a, T>(&'a mut Reader<T>);

impl<T> Drop for Left<'_, T> {
    fn drop(&mut self) {
        self.0.shared.head.last.with_mut(|last| {
            // SAFETY: read only when both ends are gone.
            unsafe { *last = self.0.chunk };
        });
    }
}

/// Takes an item off the queue that was worked on where it lies: also when that
/// work has panicked.
struct InPlace<'a, T>(&'a mut Reader<T>);

impl<T> Drop for InPlace<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        let passed = Passed(self.0);
        let reader = &*passed.0;
        // SAFETY: as in `pop_in_place`; nobody has it any more, and `passed`
        // sees to it that it is not dropped once more.
        unsafe { (*reader.chunk).at(reader.popped, |item| ptr::drop_in_place(item)) };
    }
}

/// Says that the item is dropped: also when it has panicked over that.
struct Passed<'a, T>(&'a mut Reader<T>);

impl<T> Drop for Passed<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        let reader = &mut *self.0;
        reader.popped += 1;
        if reader.runs {
            reader.pass_run();
        }
        let popped = &reader.shared.head.popped;
        popped.store(reader.popped, Ordering::Release);
    }
}
