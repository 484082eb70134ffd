//! Tasks to wake, each under a ticket, so that one which waits no more can
//! take itself out.

use std::task::Waker;

#[derive(Debug, Default)]
pub(crate) struct Wakers {
    waiting: Vec<(u64, Waker)>,
    last: u64,
}

/// One waiter's place among [`Wakers`], if it has any. Two waiters of one task
/// have one each: when one leaves, the other stays.
#[derive(Debug, Default)]
pub(crate) struct Ticket(Option<u64>);

impl Wakers {
    /// Has `waker` woken under `ticket`. The one that it replaces comes back, as
    /// to drop it can set off anything: that is for when no lock is held.
    #[must_use]
    pub(crate) fn register(&mut self, ticket: &mut Ticket, waker: &Waker) -> Option<Waker> {
        if let Some(number) = ticket.0
            && let Some((_, known)) = self.waiting.iter_mut().find(|(n, _)| *n == number)
        {
            return (!known.will_wake(waker)).then(|| std::mem::replace(known, waker.clone()));
        }
        self.last += 1;
        ticket.0 = Some(self.last);
        self.waiting.push((self.last, waker.clone()));
        None
    }

    /// Takes out what is registered under `ticket`; to be dropped without a lock.
    #[must_use]
    pub(crate) fn withdraw(&mut self, ticket: &mut Ticket) -> Option<Waker> {
        let number = ticket.0.take()?;
        let place = self.waiting.iter().position(|(n, _)| *n == number)?;
        Some(self.waiting.swap_remove(place).1)
    }

    /// Takes all of them out, to be woken without a lock.
    pub(crate) fn take(&mut self) -> Vec<Waker> {
        self.waiting.drain(..).map(|(_, waker)| waker).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Ticket {
    /// Whether nothing was registered under it.
    pub(crate) fn is_blank(&self) -> bool {
        self.0.is_none()
    }
}
