use std::ptr;

use super::{
    chunk::{Chunk, is_border, next_border},
    shared::{AWAKE, Shared, Tail},
};
use crate::{
    PushError,
    sync::{Arc, Ordering},
};

/// The producer's end of the queue.
pub(crate) struct Writer<T> {
    shared: Arc<Shared<T>>,
    /// The chunk of the item pushed last; null before the first.
    chunk: *mut Chunk<T>,
    pushed: u64,
    published: u64,
    /// As long as `pushed` is below this there is room for certain; 0 once
    /// closed.
    limit: u64,
    marks: WaterMarks,
    /// A mark was left in `wake_at`; the consumer may have taken it since.
    marked: bool,
    /// An item was pushed that counts as several.
    runs: bool,
    closed: bool,
}

// SAFETY: the writer's cells and chunks are touched by one writer and one
// reader, which the protocol in lib.rs keeps apart; items move between threads.
unsafe impl<T: Send> Send for Writer<T> {}

impl<T> Writer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, high_water_mark: usize) -> Self {
        let marks = WaterMarks::new(high_water_mark);
        let check_every = &shared.head.check_every;
        check_every.store(marks.step, Ordering::Relaxed);
        Self {
            shared,
            chunk: ptr::null_mut(),
            pushed: 0,
            published: 0,
            limit: marks.high,
            marks,
            marked: false,
            runs: false,
            closed: false,
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, item: T) -> Result<(), PushError<T>> {
        if self.is_closed() {
            return Err(PushError::Closed(item));
        }
        if self.pushed >= self.limit && !self.find_room() {
            return Err(if self.closed || self.is_closed() {
                PushError::Closed(item)
            } else {
                PushError::Full(item)
            });
        }
        self.put(item);
        Ok(())
    }

    /// Pushes one item that counts as `n`, if all of it has room.
    pub(crate) fn push_run(&mut self, item: T, n: u16) -> Result<(), PushError<T>> {
        if self.closed || self.is_closed() {
            return Err(PushError::Closed(item));
        }
        let n = n.max(1);
        if self.room() < u64::from(n) {
            return Err(PushError::Full(item));
        }
        if !self.runs {
            // Seen with what is published from now on.
            self.runs = true;
            self.shared.tail.runs.store(true, Ordering::Relaxed);
        }
        self.put(item);
        self.mark_run(n);
        Ok(())
    }

    /// So many can be pushed for certain.
    pub(crate) fn room(&mut self) -> u64 {
        if !self.closed && self.refresh_limit() {
            self.unmark();
        }
        self.limit.saturating_sub(self.pushed)
    }

    #[inline]
    pub(crate) fn push_over(&mut self, item: T) -> Result<(), T> {
        if self.closed || self.is_closed() {
            return Err(item);
        }
        self.put(item);
        Ok(())
    }

    #[inline]
    pub(crate) fn publish(&mut self) -> bool {
        if self.published == self.pushed {
            return false;
        }
        let line = &self.shared.tail;
        if line.attended.load(Ordering::Relaxed) {
            line.attended_to.store(self.pushed, Ordering::Release);
            biased::light();
            if line.attended.load(Ordering::Relaxed) {
                self.published = self.pushed;
                return false;
            }
        }
        self.set_tail(Tail::open(self.pushed))
    }

    #[inline]
    pub(crate) fn has_room(&mut self) -> bool {
        !self.is_closed() && (self.pushed < self.limit || self.find_room())
    }

    /// Whether there is room by what was popped when that was last learnt.
    pub(crate) fn has_known_room(&self) -> bool {
        self.pushed < self.limit
    }

    pub(crate) fn has_room_hint(&self) -> bool {
        let popped = self.shared.head.popped.load(Ordering::Relaxed);
        let limit = self.marks.limit(self.pushed, popped).max(self.limit);
        !self.closed && !self.is_closed() && self.pushed < limit
    }

    pub(crate) fn set_high_water_mark(&mut self, n: usize) {
        self.marks = WaterMarks::new(n);
        self.shared
            .head
            .check_every
            .store(self.marks.step, Ordering::Relaxed);
        if !self.closed && self.refresh_limit() {
            self.unmark();
        }
    }

    pub(crate) fn high_water_mark(&self) -> usize {
        self.marks.setting
    }

    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.count_queued()).unwrap_or(usize::MAX)
    }

    pub(crate) fn close(&mut self) -> bool {
        if self.closed {
            return false;
        }
        self.closed = true;
        self.limit = 0;
        self.unmark();
        self.set_tail(Tail::closed(self.pushed))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.closed || self.is_closed()
    }

    #[inline(always)]
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.tail.reader_gone.load(Ordering::Relaxed)
    }

    /// Publishes; true if the consumer has to be woken.
    #[inline(always)]
    fn set_tail(&mut self, tail: Tail) -> bool {
        self.published = self.pushed;
        let old = self.shared.tail.word.swap(tail.0, Ordering::AcqRel);
        Tail(old).is_asleep() && !self.is_closed()
    }

    #[inline(always)]
    pub(crate) fn put(&mut self, item: T) {
        if is_border(self.pushed) {
            self.next_chunk();
        }
        // SAFETY: `chunk` is the chunk of item `pushed`, whose slot is empty.
        // The reader does not free it before it has popped all of it, and then
        // only after following the link that the writer stores on leaving it.
        unsafe { (*self.chunk).write(self.pushed, item) };
        self.pushed += 1;
        if self.runs {
            self.mark_run(1);
        }
    }

    /// The item pushed last counts as `n`: leaves the slots of the others empty.
    #[cold]
    fn mark_run(&mut self, n: u16) {
        let first = self.pushed - 1;
        // SAFETY: as above; item `first` is not published yet.
        unsafe { (*self.chunk).set_span(first, n) };
        let end = first + u64::from(n);
        while self.pushed < end {
            if is_border(self.pushed) {
                self.next_chunk();
            }
            self.pushed = next_border(self.pushed).min(end);
        }
    }

    /// Finds the chunk for item number `pushed`, the first of its chunk.
    #[inline(never)]
    fn next_chunk(&mut self) {
        let head = &self.shared.head;
        let old = self.chunk;
        if old.is_null() {
            self.chunk = Chunk::allocate();
            self.shared.tail.first.with_mut(|first| {
                // SAFETY: the reader looks here after item 0 is published.
                unsafe { *first = self.chunk };
            });
            return;
        }
        // When all of it was read, the old chunk serves once more: short
        // queues stay in the cache.
        if head.popped.load(Ordering::Acquire) != self.pushed {
            let spare = head.spare.swap(ptr::null_mut(), Ordering::Acquire);
            self.chunk = if spare.is_null() {
                Chunk::allocate()
            } else {
                spare
            };
        }
        // SAFETY: `old` ends at this border, item `pushed` is not published,
        // and the reader holds on to `old` until it has followed this link.
        unsafe { (*old).set_next(self.pushed, self.chunk) };
    }

    /// Looks for room; if there is none, leaves the mark that makes the
    /// consumer say so when there is.
    #[cold]
    fn find_room(&mut self) -> bool {
        if self.closed {
            return false;
        }
        if self.refresh_limit() {
            self.unmark();
            return true;
        }
        let target = self.marks.opens_at(self.pushed);
        self.shared.head.wake_at.swap(target, Ordering::AcqRel);
        self.marked = true;
        // What the consumer did before it could see the mark is visible now.
        if self.is_closed() || !self.refresh_limit() {
            return false;
        }
        self.unmark();
        true
    }

    fn unmark(&mut self) {
        if self.marked {
            self.marked = false;
            self.shared.head.wake_at.swap(AWAKE, Ordering::AcqRel);
        }
    }

    /// Learns what was popped; true if there is room.
    fn refresh_limit(&mut self) -> bool {
        let popped = self.shared.head.popped.load(Ordering::Acquire);
        self.limit = self.marks.limit(self.pushed, popped);
        self.pushed < self.limit
    }

    fn count_queued(&self) -> u64 {
        self.pushed - self.shared.head.popped.load(Ordering::Acquire)
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        // Nobody is left to do the waking; lib.rs tells owners to close first.
        let _wake = self.close();
    }
}

/// When the queue is full and when it is open again.
struct WaterMarks {
    /// As set: 0 is unlimited.
    setting: usize,
    high: u64,
    /// A full queue opens when the pop count reaches a multiple of this.
    step: u64,
}

impl WaterMarks {
    fn new(setting: usize) -> Self {
        let high = match setting {
            0 => u64::MAX,
            n => n as u64,
        };
        Self {
            setting,
            high,
            step: high.div_ceil(2),
        }
    }

    /// How many pushes there may be after so many pops: what is popped counts
    /// in whole steps, unless nothing is left.
    fn limit(&self, pushed: u64, popped: u64) -> u64 {
        let counted = match popped {
            all if all == pushed => all,
            some => some - some % self.step,
        };
        counted.saturating_add(self.high)
    }

    /// The pop count at which a full queue with so many pushes is open: the
    /// first multiple of the step that leaves room.
    fn opens_at(&self, pushed: u64) -> u64 {
        // Full is at least `high` items, and the step at most `high`.
        let no_room_at = pushed - self.high;
        no_room_at - no_room_at % self.step + self.step
    }
}
