//! A message queue between two owners: one [`Producer`], one [`Consumer`].
//!
//! The queue is bounded by a high-water mark counted in whole items and
//! reopens in steps of half of it. The producer makes a batch visible with one
//! [`publish`](Producer::publish); the consumer reports its progress with
//! [`release`](Consumer::release). Neither end ever blocks or wakes anyone by
//! itself: a `true` from `publish`, `release` or `close` tells the caller that
//! the other owner is asleep and has to be woken, by whatever means the two
//! have agreed on.
//!
//! ```
//! let (mut producer, mut consumer) = pipe::bounded(1000);
//! producer.push("a message").expect("the queue is empty");
//! if producer.publish() { /* wake the consumer's owner */ }
//! assert_eq!(consumer.pop(), Some("a message"));
//! if consumer.release() { /* wake the producer's owner */ }
//! ```
//!
//! # Rules for the two owners
//!
//! - A failed `push` or `has_room` leaves the producer marked as asleep, a
//!   failed `pop` or `has_items` the consumer. An owner that sees one may
//!   sleep at once: anything that happened in between is in the result or
//!   comes as a wake-up.
//! - A wake-up means "try again", no more. It may come early (when the high-water
//!   mark changed, or [`push_over`](Producer::push_over) overfilled the queue),
//!   and the retry marks the owner again.
//! - Publish before sleeping: items the consumer cannot see, it cannot pop.
//! - Call `release` after the pops, before sleeping.
//! - While spinning use [`is_empty_hint`](Consumer::is_empty_hint) and
//!   [`has_room_hint`](Producer::has_room_hint), which mark nothing.
//!
//! # The protocol
//!
//! Both ends count items from the beginning of time in 64 bits: the item with
//! number `n` lies in slot `n % SLOTS` of its chunk, and nothing wraps.
//! Three shared words carry everything (`queue/shared.rs`):
//!
//! | word | holds | plain stores | read-modify-writes |
//! |---|---|---|---|
//! | `tail` | published count, `CLOSED`, `ASLEEP` (the consumer) | none | producer: swap; consumer: compare-exchange that adds `ASLEEP` |
//! | `popped` | popped count | consumer | none |
//! | `wake_at` | the popped count at which the producer wants to be woken, or `AWAKE` | none | both: swap; consumer: compare-exchange |
//!
//! *Consumer sleeps, producer publishes.* Both act on `tail` by
//! read-modify-write, so one comes first. If the publish does, the consumer's
//! compare-exchange fails and it finds the item. If the sleep does, the
//! publishing swap returns `ASLEEP` and the producer wakes. No fence is needed,
//! and a publish costs one atomic instruction.
//!
//! *Consumer attends.* A consumer that looks by itself time and again says so in
//! `attended`, beside `tail`. Then the producer publishes with a plain store to
//! `attended_to`, and looks at `attended` once more; if that is gone it
//! publishes on `tail`, too. Before it sleeps the consumer takes `attended`
//! back, has all threads go through a full barrier ([`biased::heavy`]), which
//! spares the producer one between its store and its look, and looks at
//! `attended_to`. Either the producer's look finds `attended` gone, or its store
//! came before the barrier and the consumer finds the item.
//!
//! *Producer sleeps, consumer pops.* The producer swaps its target into
//! `wake_at`, then looks at `popped` (and at whether the consumer is gone)
//! once more. The consumer stores `popped`, then swaps `AWAKE` into `wake_at`:
//! a *check*. All changes of `wake_at` are read-modify-writes, so of one mark
//! and one check the later synchronizes with the earlier: either the check
//! finds the mark, or the producer's second look finds every pop that came
//! before the check. A mark whose target is not reached yet is put back.
//!
//! The consumer does not check after each pop but (a) when the popped count
//! passes a multiple of half the high-water mark, rounded up, (b) whenever it
//! finds the queue empty, (c) when a plain look at `wake_at` shows a target
//! reached. Rule (a) makes the wake-up exact, as every target is such a
//! multiple. Rule (b) covers a high-water mark lowered meanwhile: nobody sleeps
//! on an empty queue.
//!
//! Targets are multiples, and not so many pops after the queue was full, and
//! room is given in the same steps, also to a producer that looks again without
//! being woken: as in libzmq, whose consumer acknowledges as many at a time. So
//! whatever the timing, a consumer that stops has made room for all whole steps
//! in what it popped, and no more; an empty queue has room for all.
//!
//! *Runs.* An item of [`push_run`](Producer::push_run) counts as several: it
//! lies in the slot of the first, and the slots of the others stay empty. Both
//! ends pass over them, through the same chunks, as they push and pop it, so that
//! all counts are of messages and nothing above changes. How far an item goes is
//! beside its slot, and looked at only if there ever was a run, which is said beside `tail`.
//!
//! *Slots.* An item's slot is written before the swap on `tail` (release) and
//! read after a load of it (acquire). A chunk is written anew only after
//! `popped` (release, acquire) says that all of it was read, or after it went
//! through `spare` (swap, release, acquire), where the consumer puts a chunk
//! once it has read the link to the next one.
//!
//! # Memory
//!
//! A pipe that was never used holds no chunk. A used one keeps the chunk it
//! writes into, starting it over whenever the consumer keeps up, and one spare,
//! so that a queue of steady depth allocates nothing.

mod conflate;
mod consumer;
mod error;
mod producer;
mod queue;
mod sync;

pub use consumer::Consumer;
pub use error::PushError;
pub use producer::Producer;

/// A first-in first-out queue that is full at `high_water_mark` items; 0 means
/// unlimited.
#[must_use]
pub fn bounded<T>(high_water_mark: usize) -> (Producer<T>, Consumer<T>) {
    let (writer, reader) = queue::pair(high_water_mark);
    (Producer::queue(writer), Consumer::queue(reader))
}

/// A queue of one that keeps only the newest item and is never full
/// (`ZMQ_CONFLATE` in zmq_setsockopt(3)).
#[must_use]
pub fn conflated<T>() -> (Producer<T>, Consumer<T>) {
    let (writer, reader) = conflate::pair();
    (Producer::conflated(writer), Consumer::conflated(reader))
}
