//! From one socket straight into another, many messages at a time.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use super::core::Core;
use super::state::State;
use crate::error::{RecvFailure, SendFailure};
use crate::message::Multipart;

/// What was passed on, and why no more was.
#[derive(Default)]
pub(crate) struct Transfer {
    pub(crate) received: Tally,
    pub(crate) sent: Tally,
    pub(crate) end: End,
}

/// So many messages, and their bytes without framing.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) messages: usize,
    pub(crate) bytes: u64,
}

#[derive(Default)]
pub(crate) enum End {
    /// The limit is reached, or peers are to be told of what was done so far.
    #[default]
    Pause,
    /// The receiver's side cannot take more, so nothing was received.
    NoRoom,
    NotReceived(RecvFailure),
    /// Received and not sent.
    NotSent(SendFailure, Multipart),
    /// The one that sends is of no use any more.
    CannotSend(SendFailure),
}

impl Tally {
    fn count(&mut self, bytes: u64) {
        self.messages += 1;
        self.bytes += bytes;
    }
}

/// Messages that are sent before any of them is seen.
const UNSEEN: usize = 16;

impl Core {
    /// Receives from here and sends to `to`, another socket, up to `limit`
    /// messages, each only if `to` can take one. Does no I/O of its own.
    pub(crate) fn transfer(&self, to: &Self, limit: usize) -> Transfer {
        let mut transfer = Transfer::default();
        if let Some(refusal) = self.refusal() {
            transfer.end = End::NotReceived(refusal.into());
        } else if let Some(refusal) = to.refusal() {
            transfer.end = End::CannotSend(refusal.into());
        } else {
            self.with_both(to, |here, there| {
                here.peers.set_patient(false);
                while transfer.goes_on(here, there, limit) {
                    let some = limit.min(transfer.received.messages + UNSEEN);
                    there.peers.cork();
                    // A payload may panic as it is dropped.
                    let run = AssertUnwindSafe(|| transfer.run(here, (there, to), some));
                    let done = catch_unwind(run);
                    there.peers.uncork();
                    if let Err(panic) = done {
                        resume_unwind(panic);
                    }
                }
            });
        }
        transfer
    }

    /// Works on the states of two sockets. Wherever both are needed, they are
    /// locked in the same order.
    fn with_both<R>(&self, other: &Self, work: impl FnOnce(&mut State, &mut State) -> R) -> R {
        debug_assert!(!ptr::eq(self, other), "a socket's lock is taken once");
        let mine_first = ptr::from_ref(self) < ptr::from_ref(other);
        let (first, second) = if mine_first {
            (self, other)
        } else {
            (other, self)
        };
        let mut one = first.state.lock();
        let mut two = second.state.lock();
        first.catch_up(&mut one);
        second.catch_up(&mut two);
        let result = if mine_first {
            work(&mut one, &mut two)
        } else {
            work(&mut two, &mut one)
        };
        let chores = [one.peers.has_chores(), two.peers.has_chores()];
        drop(two);
        drop(one);
        // Others are told with neither locked.
        for (core, has_chores) in [first, second].into_iter().zip(chores) {
            if has_chores || core.has_news() {
                core.with(|_| ());
            }
        }
        result
    }
}

impl Transfer {
    fn goes_on(&self, from: &State, to: &State, limit: usize) -> bool {
        matches!(self.end, End::Pause)
            && self.received.messages < limit
            && !from.peers.has_chores()
            && !to.peers.has_chores()
    }

    fn run(&mut self, from: &mut State, (to, target): (&mut State, &Core), limit: usize) {
        while self.received.messages < limit {
            if !to.pattern.can_send(&mut to.peers) {
                self.end = End::NoRoom;
                return;
            }
            let message = match from.pattern.recv(&mut from.peers) {
                Ok(message) => message,
                Err(failure) => {
                    self.end = End::NotReceived(failure);
                    return;
                }
            };
            let bytes = message.size() as u64;
            self.received.count(bytes);
            if target.is_too_long(&message) {
                self.end = End::NotSent(SendFailure::TooLong, message);
                return;
            }
            match to.pattern.send(&mut to.peers, message) {
                Ok(()) => self.sent.count(bytes),
                Err(error) => {
                    self.end = End::NotSent(error.failure(), error.into_message());
                    return;
                }
            }
        }
    }
}
