use std::{mem, ptr};

use super::chunk::{Chunk, is_border};
use crate::sync::{AtomicBool, AtomicPtr, AtomicU64, Ordering, UnsafeCell};

/// `wake_at` of a producer that does not sleep: a count no queue reaches.
pub(super) const AWAKE: u64 = u64::MAX;

/// What the two ends share. Each end's own bookkeeping lives in the end.
pub(super) struct Shared<T> {
    pub(super) tail: TailLine<T>,
    pub(super) head: HeadLine<T>,
}

/// The cache line the producer writes.
#[repr(align(64))]
pub(super) struct TailLine<T> {
    /// A [`Tail`].
    pub(super) word: AtomicU64,
    /// The consumer was closed. Here, because each push looks at it.
    pub(super) reader_gone: AtomicBool,
    /// The consumer looks by itself. Written by the consumer, but seldom.
    pub(super) attended: AtomicBool,
    /// The count last published while it did.
    pub(super) attended_to: AtomicU64,
    /// Some item that is published, or was, counts as several. Stored before it is.
    pub(super) runs: AtomicBool,
    /// The chunk of item 0; written before that item is published.
    pub(super) first: UnsafeCell<*mut Chunk<T>>,
}

/// The cache line the consumer writes.
#[repr(align(64))]
pub(super) struct HeadLine<T> {
    /// How many items were popped.
    pub(super) popped: AtomicU64,
    /// The `popped` at which the producer wants to be woken, or [`AWAKE`].
    pub(super) wake_at: AtomicU64,
    /// At the multiples of this pop count the consumer looks whether the
    /// producer sleeps.
    pub(super) check_every: AtomicU64,
    /// A chunk the consumer is done with, for the producer to take.
    pub(super) spare: AtomicPtr<Chunk<T>>,
    /// The consumer's chunk, left here when the consumer is dropped.
    pub(super) last: UnsafeCell<*mut Chunk<T>>,
}

impl<T> Shared<T> {
    pub(super) fn new() -> Self {
        Self {
            tail: TailLine {
                word: AtomicU64::new(Tail::open(0).0),
                reader_gone: AtomicBool::new(false),
                attended: AtomicBool::new(false),
                attended_to: AtomicU64::new(0),
                runs: AtomicBool::new(false),
                first: UnsafeCell::new(ptr::null_mut()),
            },
            head: HeadLine {
                popped: AtomicU64::new(0),
                wake_at: AtomicU64::new(AWAKE),
                check_every: AtomicU64::new(1),
                spare: AtomicPtr::new(ptr::null_mut()),
                last: UnsafeCell::new(ptr::null_mut()),
            },
        }
    }
}

impl<T> Drop for Shared<T> {
    /// Drops the items that were published after the consumer left.
    fn drop(&mut self) {
        let mut popped = self.head.popped.load(Ordering::Acquire);
        let tail = Tail(self.tail.word.load(Ordering::Acquire));
        let attended_to = self.tail.attended_to.load(Ordering::Acquire);
        let published = tail.count().max(attended_to);
        // SAFETY: both ends are gone, so the cells are ours.
        let mut chunk = self.head.last.with(|last| unsafe { *last });
        if chunk.is_null() {
            // SAFETY: as above. The consumer never popped anything.
            chunk = self.tail.first.with(|first| unsafe { *first });
        }
        let mut next_item = popped;
        while popped < published {
            if is_border(popped) && popped > 0 {
                // SAFETY: `chunk` ends at this border and item `popped` is
                // published.
                let next = unsafe { (*chunk).next(popped) };
                let done = mem::replace(&mut chunk, next);
                if done != chunk {
                    // SAFETY: no item is left in it and nobody else is left.
                    unsafe { Chunk::free(done) };
                }
            }
            let number = popped;
            popped += 1;
            if number < next_item {
                // One of those that the last item counts for.
                continue;
            }
            // SAFETY: item `number` is published and was not read.
            let item = unsafe { (*chunk).read(number) };
            // SAFETY: as above.
            next_item = number + unsafe { (*chunk).span(number) };
            drop(item);
        }
        let spare = self.head.spare.load(Ordering::Acquire);
        for chunk in [chunk, spare] {
            if !chunk.is_null() {
                // SAFETY: nobody else is left; a spare chunk is not in the list.
                unsafe { Chunk::free(chunk) };
            }
        }
    }
}

/// What the producer last published: a count and two flags in one word, so that
/// going to sleep and publishing have an order.
#[derive(Clone, Copy)]
pub(super) struct Tail(pub(super) u64);

impl Tail {
    const ASLEEP: u64 = 1;
    const CLOSED: u64 = 2;
    const COUNT_SHIFT: u32 = 2;

    #[inline(always)]
    pub(super) fn open(count: u64) -> Self {
        Self(count << Self::COUNT_SHIFT)
    }

    /// No item follows after the first `count`.
    pub(super) fn closed(count: u64) -> Self {
        Self(Self::open(count).0 | Self::CLOSED)
    }

    /// The same, and the consumer waits for more.
    pub(super) fn asleep(self) -> Self {
        Self(self.0 | Self::ASLEEP)
    }

    #[inline(always)]
    pub(super) fn count(self) -> u64 {
        self.0 >> Self::COUNT_SHIFT
    }

    #[inline(always)]
    pub(super) fn is_asleep(self) -> bool {
        self.0 & Self::ASLEEP != 0
    }

    #[inline(always)]
    pub(super) fn is_closed(self) -> bool {
        self.0 & Self::CLOSED != 0
    }
}
