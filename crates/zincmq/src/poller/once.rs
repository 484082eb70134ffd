//! Polling without a poller.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::round::socket_readiness;
use crate::error::PollError;
use crate::reactor::{Descriptor, Lookout, Readiness, Short, Signals, Watched, Woken};
use crate::socket::Socket;

/// One thing for [`poll`] to look at.
#[derive(Debug)]
pub struct PollItem<'a> {
    target: ItemTarget<'a>,
    interest: Readiness,
    ready: Readiness,
}

#[derive(Debug)]
enum ItemTarget<'a> {
    Socket(&'a Socket),
    Descriptor(BorrowedFd<'a>),
}

impl<'a> PollItem<'a> {
    /// A socket, typed or not.
    pub fn socket(socket: &'a impl AsRef<Socket>, interest: Readiness) -> Self {
        Self::new(ItemTarget::Socket(socket.as_ref()), interest)
    }

    /// Any descriptor that can be polled.
    pub fn fd(fd: &'a impl AsFd, interest: Readiness) -> Self {
        Self::new(ItemTarget::Descriptor(fd.as_fd()), interest)
    }

    fn new(target: ItemTarget<'a>, interest: Readiness) -> Self {
        Self {
            target,
            interest,
            ready: Readiness::NONE,
        }
    }

    /// What the last [`poll`] found it ready for.
    #[must_use]
    pub fn ready(&self) -> Readiness {
        self.ready
    }
}

/// Waits until one of `items` is ready, for at most `limit` or without one,
/// and tells how many are (zmq_poll(3)). A [`Poller`](super::Poller) does the same for a set
/// that stays.
///
/// # Errors
///
/// As [`Poller::wait`](super::Poller::wait), with the item's index for its key.
pub fn poll(items: &mut [PollItem<'_>], limit: Option<Duration>) -> Result<usize, PollError> {
    poll_heeding(items, limit, Signals::PassUnseen)
}

/// As [`poll`], ending at a signal or not.
pub(crate) fn poll_heeding(
    items: &mut [PollItem<'_>],
    limit: Option<Duration>,
    signals: Signals,
) -> Result<usize, PollError> {
    Lookout::of_thread(|lookout| poll_with(lookout, items, limit, signals))?
}

fn poll_with(
    lookout: &Lookout,
    items: &mut [PollItem<'_>],
    limit: Option<Duration>,
    signals: Signals,
) -> Result<usize, PollError> {
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    if limit.is_none() && items.is_empty() {
        return Err(PollError::Empty);
    }
    let mut watched = Short::new();
    let mut descriptors = Short::new();
    for item in items.iter() {
        match item.target {
            ItemTarget::Socket(socket) => watched.push(Watched {
                waiting: socket.inner().waiting(),
                seen: 0,
            }),
            ItemTarget::Descriptor(fd) => descriptors.push(Descriptor {
                fd,
                interest: item.interest,
                ready: Readiness::NONE,
            }),
        }
    }
    Lookout::look_at(&mut descriptors)?;
    let mut woken = Woken::News;
    loop {
        for watched in &mut watched {
            watched.seen = watched.waiting.epoch();
        }
        let mut ready = 0;
        let mut looked_at = descriptors.iter();
        for (index, item) in items.iter_mut().enumerate() {
            item.ready = match item.target {
                ItemTarget::Socket(socket) => {
                    socket_readiness(socket.inner(), item.interest, index)?
                }
                ItemTarget::Descriptor(_) => looked_at.next().map_or(Readiness::NONE, |d| d.ready),
            };
            ready += usize::from(!item.ready.is_empty());
        }
        match woken {
            Woken::Interrupted if ready == 0 => return Err(PollError::Interrupted),
            Woken::News if ready == 0 => {}
            _ => return Ok(ready),
        }
        woken = lookout.wait(&watched, &mut descriptors, deadline, signals)?;
        if woken == Woken::News && deadline.is_some_and(|at| at <= Instant::now()) {
            woken = Woken::Late;
        }
    }
}
