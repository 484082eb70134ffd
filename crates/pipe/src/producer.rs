use std::fmt;

use crate::{PushError, conflate, queue};

/// The end that items are pushed into. Dropping it closes it.
pub struct Producer<T> {
    end: End<T>,
}

enum End<T> {
    Queue(queue::Writer<T>),
    Conflated(conflate::Writer<T>),
}

impl<T> Producer<T> {
    pub(crate) fn queue(writer: queue::Writer<T>) -> Self {
        Self {
            end: End::Queue(writer),
        }
    }

    pub(crate) fn conflated(writer: conflate::Writer<T>) -> Self {
        Self {
            end: End::Conflated(writer),
        }
    }

    /// Queues an item. The consumer cannot see it before [`publish`](Self::publish).
    ///
    /// # Errors
    /// - [`PushError::Full`]: the high-water mark is reached. The producer is
    ///   now marked as asleep: once the queue reopens, the consumer's [`release`](crate::Consumer::release) tells to wake it.
    ///   Publish before sleeping.
    /// - [`PushError::Closed`]: the consumer or this producer is closed.
    #[inline]
    pub fn push(&mut self, item: T) -> Result<(), PushError<T>> {
        match &mut self.end {
            End::Queue(writer) => writer.push(item),
            End::Conflated(writer) => writer.push(item),
        }
    }

    /// Queues an item right after [`has_room`](Self::has_room) said that there
    /// is room. False if it is lost, as the consumer of a conflated queue was
    /// closed in between; any other queue counts it as left over.
    #[inline(always)]
    #[must_use = "a lost item has to be counted"]
    pub fn put(&mut self, item: T) -> bool {
        match &mut self.end {
            End::Queue(writer) => {
                writer.put(item);
                true
            }
            End::Conflated(writer) => writer.push(item).is_ok(),
        }
    }

    /// Queues an item whatever the high-water mark is, for control frames.
    ///
    /// # Errors
    /// The item comes back when the consumer or this producer is closed.
    #[inline]
    pub fn push_over(&mut self, item: T) -> Result<(), T> {
        match &mut self.end {
            End::Queue(writer) => writer.push_over(item),
            End::Conflated(writer) => writer.push_over(item),
        }
    }

    /// Queues one item that counts as `n`, at least one: towards the high-water
    /// mark, in [`len`](Self::len), and in all else that is counted. All of it
    /// has to have room. A conflated queue takes it for one.
    ///
    /// # Errors
    /// As for [`push`](Self::push), but the producer is not marked as asleep.
    pub fn push_run(&mut self, item: T, n: u16) -> Result<(), PushError<T>> {
        match &mut self.end {
            End::Queue(writer) => writer.push_run(item, n),
            End::Conflated(writer) => writer.push(item),
        }
    }

    /// So many items can be pushed, 0 once this producer is closed. Asks how far
    /// the consumer is; with nothing it leaves the producer marked as it was.
    pub fn room(&mut self) -> u64 {
        match &mut self.end {
            End::Queue(writer) => writer.room(),
            End::Conflated(_) => u64::MAX,
        }
    }

    /// Makes everything pushed visible at once; true if the consumer was asleep
    /// and the caller must wake it.
    #[inline]
    #[must_use = "a sleeping consumer has to be woken"]
    pub fn publish(&mut self) -> bool {
        match &mut self.end {
            End::Queue(writer) => writer.publish(),
            End::Conflated(writer) => writer.publish(),
        }
    }

    /// Whether a [`push`](Self::push) would succeed. On false the producer is
    /// marked as asleep as by a push that found the queue full, unless an end
    /// is closed.
    #[inline]
    pub fn has_room(&mut self) -> bool {
        match &mut self.end {
            End::Queue(writer) => writer.has_room(),
            End::Conflated(writer) => writer.has_room(),
        }
    }

    /// Whether there is room without asking how far the consumer is: false also
    /// when it has popped everything since the last
    /// [`has_room`](Self::has_room) or full [`push`](Self::push).
    #[inline]
    pub fn has_known_room(&self) -> bool {
        match &self.end {
            End::Queue(writer) => writer.has_known_room(),
            End::Conflated(_) => true,
        }
    }

    /// A plain look whether there is room that marks nothing: for spinning.
    pub fn has_room_hint(&self) -> bool {
        match &self.end {
            End::Queue(writer) => writer.has_room_hint(),
            End::Conflated(writer) => writer.has_room(),
        }
    }

    /// Changes the high-water mark, in items; 0 means unlimited. A full queue is
    /// open again when the number of items popped from it, ever, next reaches a
    /// multiple of `(n + 1) / 2`, or all are popped. Items beyond a lowered mark
    /// stay. No effect on a conflated queue.
    pub fn set_high_water_mark(&mut self, n: usize) {
        match &mut self.end {
            End::Queue(writer) => writer.set_high_water_mark(n),
            End::Conflated(_) => {}
        }
    }

    /// The high-water mark, in items; 0 means unlimited. 1 on a conflated queue.
    pub fn high_water_mark(&self) -> usize {
        match &self.end {
            End::Queue(writer) => writer.high_water_mark(),
            End::Conflated(_) => 1,
        }
    }

    /// How many items were pushed and not yet popped, whether published or not.
    /// After the consumer was closed: how many were left over, which nobody
    /// will see.
    pub fn len(&self) -> usize {
        match &self.end {
            End::Queue(writer) => writer.len(),
            End::Conflated(writer) => writer.len(),
        }
    }

    /// Whether everything pushed was popped.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items a conflated queue has dropped for newer ones. 0 on any
    /// other.
    pub fn replaced(&self) -> u64 {
        match &self.end {
            End::Queue(_) => 0,
            End::Conflated(writer) => writer.replaced(),
        }
    }

    /// Publishes what is pushed and then the end; true if the consumer was
    /// asleep and the caller must wake it. The second time it does nothing.
    ///
    /// Dropping the producer does the same, but then nobody hears of a sleeping
    /// consumer.
    #[must_use = "a sleeping consumer has to be woken"]
    pub fn close(&mut self) -> bool {
        match &mut self.end {
            End::Queue(writer) => writer.close(),
            End::Conflated(writer) => writer.close(),
        }
    }

    /// Whether nothing can be pushed ever again, as either end is closed.
    pub fn is_over(&self) -> bool {
        match &self.end {
            End::Queue(writer) => writer.is_over(),
            End::Conflated(writer) => !writer.has_room(),
        }
    }

    /// Whether the consumer was closed or dropped.
    #[inline]
    pub fn is_closed(&self) -> bool {
        match &self.end {
            End::Queue(writer) => writer.is_closed(),
            End::Conflated(writer) => writer.is_closed(),
        }
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("len", &self.len())
            .field("high_water_mark", &self.high_water_mark())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
