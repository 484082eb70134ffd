//! A lock for what one thread uses nearly all the time.
//!
//! An atomic read-modify-write costs some twenty cycles, and waits for all
//! stores before it. An ordinary mutex needs two for each use, also if nobody
//! else ever comes. Here the thread that uses a [`Lock`] again and again is
//! given the *bias*: it goes in and out with plain stores. Whoever else comes
//! takes the bias away first, which costs a system call, and from then on the
//! lock is an ordinary mutex until one thread has it to itself again for long.
//!
//! # The protocol
//!
//! The thread with the bias says that it is in, and looks whether it still has
//! the bias. Another takes the bias away, and looks whether the first is in.
//! One of the two must see what the other has stored, for which both would need
//! a full barrier between their store and their look. It is had from one side
//! alone: [`heavy`] has every processor that runs a thread of this process go
//! through a full barrier (membarrier(2)), so the frequent side needs
//! [`light`], which only keeps the compiler from changing the order.
//!
//! If the frequent side stores before the barrier that `heavy` runs on its
//! processor, the other sees the store. If it stores after, its look comes
//! after, too, and sees that the bias is gone.
//!
//! Where the system has no such call, nobody is given the bias.

mod barrier;
mod bias;
mod lock;
mod sync;
mod token;

pub use barrier::{heavy, is_available, light};
pub use lock::{Guard, Lock};
