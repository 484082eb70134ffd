//! Looking at sockets and descriptors, once.

use std::os::fd::AsFd;

use super::{Entry, PollEvent, Target};
use crate::error::{PollError, RecvFailure};
use crate::reactor::{Descriptor, Lookout, Readiness, Watched};
use crate::socket::Core;

/// One look at all entries.
pub(super) struct Round<'a> {
    pub(super) watched: Vec<Watched<'a>>,
    pub(super) descriptors: Vec<Descriptor<'a>>,
    /// By entry; a descriptor's is with the descriptor.
    found: Vec<Readiness>,
    pub(super) ready: usize,
}

impl<'a> Round<'a> {
    pub(super) fn of(entries: &'a [Entry]) -> Self {
        let mut round = Self {
            watched: Vec::with_capacity(entries.len()),
            descriptors: Vec::new(),
            found: vec![Readiness::NONE; entries.len()],
            ready: 0,
        };
        for entry in entries {
            match &entry.target {
                Target::Socket(core) => {
                    let waiting = core.waiting();
                    // Before it is looked at: what changes after is news.
                    let seen = waiting.epoch();
                    round.watched.push(Watched { waiting, seen });
                }
                Target::Descriptor(fd) => {
                    round
                        .descriptors
                        .push(Descriptor::new(fd.as_fd(), entry.interest));
                }
            }
        }
        round
    }

    pub(super) fn look(&mut self, entries: &[Entry]) -> Result<(), PollError> {
        Lookout::look_at(&mut self.descriptors)?;
        self.look_again(entries)
    }

    /// Looks at the sockets; the descriptors were looked at just now.
    pub(super) fn look_again(&mut self, entries: &[Entry]) -> Result<(), PollError> {
        self.ready = 0;
        let mut descriptors = self.descriptors.iter();
        for (entry, found) in entries.iter().zip(&mut self.found) {
            *found = match &entry.target {
                Target::Socket(core) => socket_readiness(core, entry.interest, entry.key)?,
                Target::Descriptor(_) => descriptors
                    .next()
                    .map_or(Readiness::NONE, Descriptor::ready),
            };
            self.ready += usize::from(!found.is_empty());
        }
        Ok(())
    }

    pub(super) fn events(&self, entries: &[Entry]) -> Vec<PollEvent> {
        let mut events = Vec::with_capacity(self.ready);
        for (entry, &ready) in entries.iter().zip(&self.found) {
            if !ready.is_empty() {
                events.push(PollEvent {
                    key: entry.key,
                    ready,
                });
            }
        }
        events
    }
}

pub(super) fn socket_readiness(
    core: &Core,
    interest: Readiness,
    key: usize,
) -> Result<Readiness, PollError> {
    core.readiness(interest).map_err(|failure| match failure {
        RecvFailure::Terminated => PollError::Terminated(key),
        RecvFailure::Forked => PollError::Forked(key),
        _ => PollError::Closed(key),
    })
}
