//! The wait of a poller as a future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::round::Round;
use super::{Entry, PollEvent, Poller, Target};
use crate::error::PollError;
use crate::reactor::{Alarm, Handle, Ticket};
use crate::socket::Core;

/// The future of [`Poller::wait_async`].
#[must_use = "a future does nothing unless awaited"]
pub struct PollFuture<'a> {
    poller: &'a Poller,
    /// Watches the descriptors of these entries.
    alarm: Option<(Arc<Vec<Entry>>, Arc<Alarm>)>,
    /// Where it is registered, besides in the poller.
    places: Vec<(Arc<Core>, Ticket)>,
    ticket: Ticket,
}

impl<'a> PollFuture<'a> {
    pub(super) fn new(poller: &'a Poller) -> Self {
        Self {
            poller,
            alarm: None,
            places: Vec::new(),
            ticket: Ticket::default(),
        }
    }
}

impl Future for PollFuture<'_> {
    type Output = Result<Vec<PollEvent>, PollError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            let entries = this.poller.entries.lock().clone();
            let mut round = Round::of(&entries);
            round.look(&entries)?;
            if round.ready == 0 {
                this.leave();
                for core in sockets(&entries) {
                    core.look();
                    let mut ticket = Ticket::default();
                    core.waiting().register(&mut ticket, context.waker());
                    this.places.push((Arc::clone(core), ticket));
                }
                this.poller.register(&mut this.ticket, context.waker());
                this.watch_descriptors(&entries, &round, context.waker())?;
                round.look(&entries)?;
            }
            if round.ready > 0 || this.poller.take_interrupt() {
                this.forget_descriptors();
                this.leave();
                return Poll::Ready(Ok(round.events(&entries)));
            }
            if Arc::ptr_eq(&entries, &this.poller.entries.lock()) {
                return Poll::Pending;
            }
        }
    }
}

impl PollFuture<'_> {
    fn watch_descriptors(
        &mut self,
        entries: &Arc<Vec<Entry>>,
        round: &Round<'_>,
        waker: &Waker,
    ) -> Result<(), PollError> {
        if let Some((watched, alarm)) = &self.alarm
            && Arc::ptr_eq(watched, entries)
            && alarm.rewire(waker)
        {
            return Ok(());
        }
        self.forget_descriptors();
        if round.descriptors.is_empty() {
            return Ok(());
        }
        let reactor: Handle = sockets(entries)
            .find_map(|core| core.waiting().set().map(|set| set.reactor().clone()))
            .ok_or(PollError::NoIoThread)?;
        let descriptors = round.descriptors.iter().map(|d| (d.fd, d.interest));
        let alarm = Alarm::set(&reactor, descriptors, waker)?;
        self.alarm = Some((Arc::clone(entries), alarm));
        Ok(())
    }

    fn leave(&mut self) {
        for (core, mut ticket) in self.places.drain(..) {
            core.waiting().withdraw(&mut ticket);
        }
        self.poller.withdraw(&mut self.ticket);
    }

    fn forget_descriptors(&mut self) {
        if let Some((_, alarm)) = self.alarm.take() {
            alarm.stop();
        }
    }
}

impl Drop for PollFuture<'_> {
    fn drop(&mut self) {
        self.forget_descriptors();
        self.leave();
    }
}

impl fmt::Debug for PollFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollFuture").finish_non_exhaustive()
    }
}

fn sockets(entries: &[Entry]) -> impl Iterator<Item = &Arc<Core>> {
    entries.iter().filter_map(|entry| match &entry.target {
        Target::Socket(core) => Some(core),
        Target::Descriptor(_) => None,
    })
}
