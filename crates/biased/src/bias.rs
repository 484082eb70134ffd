//! Which thread has the bias, and whether it is in.

use crate::barrier;
use crate::sync::{AtomicU32, AtomicUsize, Ordering};
use crate::token::SPARE;

/// So often the bias can be given: as many as a token has spare bits for.
const GRANTS: usize = SPARE + 1;

/// See the crate's documentation.
pub(crate) struct Bias {
    /// The token of the thread that has it, and in the spare bits which of
    /// `inside` is its; 0 if nobody has it.
    word: AtomicUsize,
    /// Whether the thread with the bias is in: one for each time it was given.
    /// A thread that has lost it may still be about to look, and stores here
    /// before it does, so none is given to a second.
    inside: [AtomicU32; GRANTS],
}

/// What became of a try to go in by the bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// In; to be left with [`Bias::leave`] and this number.
    In(usize),
    /// The calling thread has the bias, and is in already.
    Already,
    /// The calling thread has not the bias.
    Other,
}

impl Bias {
    pub(crate) fn new() -> Self {
        Self {
            word: AtomicUsize::new(0),
            inside: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }

    /// Goes in if `me`, the calling thread, has the bias.
    #[inline(always)]
    pub(crate) fn enter(&self, me: usize) -> Entry {
        let word = self.word.load(Ordering::Relaxed);
        if word & !SPARE != me {
            return Entry::Other;
        }
        let number = word & SPARE;
        let inside = &self.inside[number];
        if inside.load(Ordering::Relaxed) != 0 {
            return Entry::Already;
        }
        inside.store(1, Ordering::Relaxed);
        barrier::light();
        if self.word.load(Ordering::Relaxed) != word {
            self.leave(number);
            return Entry::Other;
        }
        Entry::In(number)
    }

    /// Goes out. A look for what others have left comes after, for those who
    /// go through a heavy barrier.
    #[inline(always)]
    pub(crate) fn leave(&self, number: usize) {
        self.inside[number & SPARE].store(0, Ordering::Release);
        barrier::light();
    }

    /// Gives the bias to `me`, the calling thread, for the time number `number`.
    /// Only by one thread at a time, when nobody has it.
    pub(crate) fn grant(&self, me: usize, number: usize) {
        if me != 0 && me & SPARE == 0 && number < GRANTS {
            self.word.store(me | number, Ordering::Relaxed);
        }
    }

    /// Takes the bias away from whoever has it; false if nobody had. Only by
    /// one thread at a time. Whoever was in still is, until [`Bias::is_empty`].
    pub(crate) fn revoke(&self) -> bool {
        if self.word.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.word.store(0, Ordering::Relaxed);
        barrier::heavy();
        true
    }

    /// Whether nobody is in by a bias of the first `granted`, all taken away.
    #[inline]
    pub(crate) fn is_empty(&self, granted: usize) -> bool {
        let granted = self.inside.iter().take(granted);
        granted
            .rev()
            .all(|inside| inside.load(Ordering::Acquire) == 0)
    }
}
