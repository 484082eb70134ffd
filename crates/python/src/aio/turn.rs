//! Fairness: a task whose every call can be done at once would never let the
//! event loop have a turn.

use std::cell::Cell;

/// So many short messages go between two turns of the loop.
const BUDGET: usize = 256;
/// A message counts once more for every so many bytes.
const STEP: usize = 4096;

/// A short wait counts as so many messages.
const WAIT: usize = 16;

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(BUDGET) };
}

/// Counts something of `len` bytes that was done at once.
#[inline]
pub fn spend(len: usize) {
    LEFT.set(LEFT.get().saturating_sub(1 + len / STEP));
}

/// Counts something that was waited for without the loop.
pub fn spend_wait() {
    LEFT.set(LEFT.get().saturating_sub(WAIT));
}

/// Whether the loop should have a turn now, which it then is said to have.
#[inline]
pub fn is_over() -> bool {
    if LEFT.get() > 0 {
        return false;
    }
    begin();
    true
}

/// The loop has had a turn.
pub fn begin() {
    LEFT.set(BUDGET);
}
