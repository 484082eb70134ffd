//! Polling without a poller.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::round::socket_readiness;
use crate::error::PollError;
use crate::reactor::{Descriptor, Lookout, Readiness, Short, Watched, fork_generation};
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

thread_local! {
    /// With the count of forks it was made at: its bell is shared by a process
    /// and its child, and must ring for one of them.
    static LOOKOUT: RefCell<Option<(u32, Lookout)>> = const { RefCell::new(None) };
}

/// Waits until one of `items` is ready, for at most `limit` or without one,
/// and tells how many are (zmq_poll(3)). A [`Poller`](super::Poller) does the same for a set
/// that stays.
///
/// # Errors
///
/// As [`Poller::wait`](super::Poller::wait), with the item's index for its key.
pub fn poll(items: &mut [PollItem<'_>], limit: Option<Duration>) -> Result<usize, PollError> {
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let generation = fork_generation();
    let lookout = match LOOKOUT.take() {
        Some((made_at, lookout)) if made_at == generation => lookout,
        _ => Lookout::new()?,
    };
    let result = poll_with(&lookout, items, limit.is_none(), deadline);
    LOOKOUT.set(Some((generation, lookout)));
    result
}

fn poll_with(
    lookout: &Lookout,
    items: &mut [PollItem<'_>],
    forever: bool,
    deadline: Option<Instant>,
) -> Result<usize, PollError> {
    if forever && items.is_empty() {
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
    let mut late = false;
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
        if ready > 0 || late {
            return Ok(ready);
        }
        lookout.wait(&watched, &mut descriptors, deadline)?;
        late = deadline.is_some_and(|at| at <= Instant::now());
    }
}
