//! Polling without a poller.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::round::socket_readiness;
use crate::error::PollError;
use crate::raw::PartSocket;
use crate::reactor::{
    Descriptor, Lookout, Readiness, Short, Signals, Watched, Woken, take_signals,
};
use crate::socket::Socket;

/// One thing for [`poll`] to look at.
#[derive(Debug)]
pub struct PollItem<'a> {
    target: ItemTarget<'a>,
    interest: Readiness,
    ready: Readiness,
    /// The same as zmq_poll(3) tells of it.
    reported: Readiness,
}

#[derive(Debug)]
enum ItemTarget<'a> {
    Socket(&'a Socket),
    Parts(&'a PartSocket),
    Descriptor(BorrowedFd<'a>),
}

impl<'a> PollItem<'a> {
    /// A socket, typed or not.
    pub fn socket(socket: &'a impl AsRef<Socket>, interest: Readiness) -> Self {
        Self::new(ItemTarget::Socket(socket.as_ref()), interest)
    }

    /// The same with what is received, or to be sent, part by part.
    pub(crate) fn parts(socket: &'a PartSocket, interest: Readiness) -> Self {
        Self::new(ItemTarget::Parts(socket), interest)
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
            reported: Readiness::NONE,
        }
    }

    /// What the last [`poll`] found it ready for.
    #[must_use]
    pub fn ready(&self) -> Readiness {
        self.ready
    }

    /// What it is ready for now, without a look at connections or descriptors.
    fn socket_ready(&self, index: usize) -> Result<Option<Readiness>, PollError> {
        let (socket, ask, known) = match self.target {
            ItemTarget::Socket(socket) => (socket, self.interest, Readiness::NONE),
            ItemTarget::Parts(parts) => {
                let (ask, known) = parts.halfway(self.interest);
                (&parts.engine, ask, known)
            }
            ItemTarget::Descriptor(_) => return Ok(None),
        };
        Ok(Some(socket_readiness(socket.inner(), ask, index)? | known))
    }

    /// As what zmq_poll(3) would tell of that: at the end of a pipe of an
    /// error, and not that a read does not wait.
    pub(crate) fn reported(&self) -> Readiness {
        self.reported
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
    poll_heeding(items, limit, Signals::PassUnseen, None)
}

/// As [`poll`], ending at a signal or not, and sleeping under a signal mask.
pub(crate) fn poll_heeding(
    items: &mut [PollItem<'_>],
    limit: Option<Duration>,
    signals: Signals,
    mask: Option<&libc::sigset_t>,
) -> Result<usize, PollError> {
    Lookout::of_thread(|lookout| poll_with(lookout, items, limit, signals, mask))?
}

fn poll_with(
    lookout: &Lookout,
    items: &mut [PollItem<'_>],
    limit: Option<Duration>,
    signals: Signals,
    mask: Option<&libc::sigset_t>,
) -> Result<usize, PollError> {
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    if limit.is_none() && items.is_empty() {
        return Err(PollError::Empty);
    }
    let mut watched = Short::new();
    let mut descriptors = Short::new();
    for item in items.iter() {
        match item.target {
            ItemTarget::Socket(socket) | ItemTarget::Parts(PartSocket { engine: socket, .. }) => {
                watched.push(Watched {
                    waiting: socket.inner().waiting(),
                    seen: 0,
                })
            }
            ItemTarget::Descriptor(fd) => descriptors.push(Descriptor::new(fd, item.interest)),
        }
    }
    Lookout::look_at(&mut descriptors)?;
    let mut late = false;
    loop {
        for watched in &mut watched {
            watched.seen = watched.waiting.epoch();
        }
        let mut ready = 0;
        let mut looked_at = descriptors.iter();
        for (index, item) in items.iter_mut().enumerate() {
            (item.ready, item.reported) = match item.socket_ready(index)? {
                Some(ready) => (ready, ready),
                None => looked_at
                    .next()
                    .map(|descriptor| (descriptor.ready(), descriptor.reported()))
                    .unwrap_or_default(),
            };
            ready += usize::from(!item.ready.is_empty());
        }
        if ready > 0 || late {
            // What the mask lets through comes before what is ready: a signal
            // that was there first is not to be seen after it.
            return match mask.is_some_and(take_signals) {
                true => Err(PollError::Interrupted),
                false => Ok(ready),
            };
        }
        late = match lookout.wait(&watched, &mut descriptors, deadline, signals, mask)? {
            Woken::Interrupted => return Err(PollError::Interrupted),
            Woken::Late => true,
            Woken::News => deadline.is_some_and(|at| at <= Instant::now()),
        };
    }
}
