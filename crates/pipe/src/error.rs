use std::fmt;

/// Why [`Producer::push`](crate::Producer::push) did not take an item, with the
/// item.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushError<T> {
    /// As many items are queued as the high-water mark allows. The producer is
    /// marked as asleep and will be woken when the queue reopens.
    #[error("the queue is at its high-water mark")]
    Full(T),
    /// The consumer is gone, or this producer was closed: no item will ever be
    /// taken again.
    #[error("the other end of the queue is closed")]
    Closed(T),
}

impl<T> PushError<T> {
    /// The item that was not taken.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::Closed(item) => item,
        }
    }

    /// Whether a later try can succeed.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

// By hand, so that the error of an item without Debug can be unwrapped too.
impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}
