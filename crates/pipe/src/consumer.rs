use std::fmt;

use crate::{conflate, queue};

/// The end that items are popped from. Dropping it closes it.
pub struct Consumer<T> {
    end: End<T>,
}

enum End<T> {
    Queue(queue::Reader<T>),
    Conflated(conflate::Reader<T>),
}

impl<T> Consumer<T> {
    pub(crate) fn queue(reader: queue::Reader<T>) -> Self {
        Self {
            end: End::Queue(reader),
        }
    }

    pub(crate) fn conflated(reader: conflate::Reader<T>) -> Self {
        Self {
            end: End::Conflated(reader),
        }
    }

    /// Takes the oldest visible item. On `None` the consumer is now marked as
    /// asleep, and the producer's next [`publish`](crate::Producer::publish)
    /// tells to wake it, unless nothing can come any more
    /// ([`is_finished`](Self::is_finished)).
    #[inline(always)]
    pub fn pop(&mut self) -> Option<T> {
        match &mut self.end {
            End::Queue(reader) => reader.pop(),
            End::Conflated(reader) => reader.pop(),
        }
    }

    /// A look at what a [`pop`](Self::pop) will return after `ahead` others, if
    /// that costs next to nothing: to have it brought near. Often `None`, always
    /// of a conflated queue.
    #[inline]
    pub fn peek(&self, ahead: u64) -> Option<&T> {
        match &self.end {
            End::Queue(reader) => reader.peek(ahead),
            End::Conflated(_) => None,
        }
    }

    /// As [`pop`](Self::pop), for an item that need not be moved: `work` has it
    /// where it lies, and what it leaves there is dropped.
    #[inline(always)]
    pub fn pop_in_place<R>(&mut self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        match &mut self.end {
            End::Queue(reader) => reader.pop_in_place(work),
            End::Conflated(reader) => reader.pop().map(|mut item| work(&mut item)),
        }
    }

    /// Whether a [`pop`](Self::pop) would return an item. On false the consumer
    /// is marked as asleep as by a pop that returned `None`.
    #[inline]
    pub fn has_items(&mut self) -> bool {
        match &mut self.end {
            End::Queue(reader) => reader.has_items(),
            End::Conflated(reader) => reader.has_items(),
        }
    }

    /// Says that this end looks for items by itself, time and again, until a
    /// [`pop`](Self::pop) or [`has_items`](Self::has_items) finds none: until
    /// then no [`publish`](crate::Producer::publish) asks for a wake-up, and
    /// each costs less. Finding none costs a system call then.
    pub fn attend(&mut self) {
        match &mut self.end {
            End::Queue(reader) => reader.attend(),
            End::Conflated(_) => {}
        }
    }

    /// A plain look whether nothing is visible that marks nothing: for spinning.
    #[inline]
    pub fn is_empty_hint(&self) -> bool {
        match &self.end {
            End::Queue(reader) => reader.is_empty(),
            End::Conflated(reader) => reader.len() == 0,
        }
    }

    /// To be called after pops: true if the producer was asleep and there is
    /// room again, so that the caller must wake it.
    ///
    /// Costs next to nothing except every `(high-water mark) / 2` pops and when
    /// the queue is empty.
    #[inline]
    #[must_use = "a sleeping producer has to be woken"]
    pub fn release(&mut self) -> bool {
        match &mut self.end {
            End::Queue(reader) => reader.release(),
            End::Conflated(_) => false,
        }
    }

    /// How many items are visible.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.end {
            End::Queue(reader) => reader.len(),
            End::Conflated(reader) => reader.len(),
        }
    }

    /// Whether no item is visible; the same as [`is_empty_hint`](Self::is_empty_hint).
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.is_empty_hint()
    }

    /// Whether the producer was closed or dropped and everything was popped.
    pub fn is_finished(&mut self) -> bool {
        match &mut self.end {
            End::Queue(reader) => reader.is_finished(),
            End::Conflated(reader) => reader.is_finished(),
        }
    }

    /// Drops what is visible and refuses what would come; true if the producer
    /// was asleep and the caller must wake it. The second time it does nothing.
    ///
    /// Items that were pushed meanwhile are dropped with the ends, or by a
    /// later call of `pop` here; [`Producer::len`](crate::Producer::len) counts
    /// them.
    ///
    /// Dropping the consumer does the same, but then nobody hears of a sleeping
    /// producer.
    #[must_use = "a sleeping producer has to be woken"]
    pub fn close(&mut self) -> bool {
        match &mut self.end {
            End::Queue(reader) => reader.close(),
            End::Conflated(reader) => {
                reader.close();
                false
            }
        }
    }

    /// How many items this end has dropped unread since it was closed.
    pub fn discarded(&self) -> u64 {
        match &self.end {
            End::Queue(reader) => reader.discarded(),
            End::Conflated(reader) => reader.discarded(),
        }
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
