//! Waiting for several sockets and descriptors at once.

mod future;
mod once;
mod round;

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

pub use future::PollFuture;
pub(crate) use once::poll_heeding;
pub use once::{PollItem, poll};

use crate::error::PollError;
use crate::reactor::{Lookout, Readiness, Signals, Ticket, Wakers, Woken};
use crate::socket::{Core, Socket};
use crate::sync::Mutex;
use round::Round;

/// Sockets and descriptors to wait for, each under a key of the program's own
/// choosing (zmq_poll(3), zmq_poller(3)).
///
/// Level-triggered: what is ready is told of by every wait until it is seen
/// to. Can be shared; what one thread adds, changes or removes holds for the
/// waits of others at once. Keeps no socket open.
///
/// ```
/// use std::time::Duration;
/// use zincmq::{Context, Poller, Readiness};
///
/// let ctx = Context::new();
/// let pull = zincmq::pull(&ctx)?;
/// let push = zincmq::push(&ctx)?;
/// pull.bind("inproc://work")?;
/// push.connect("inproc://work")?;
///
/// let poller = Poller::new()?;
/// poller.add(&pull, 7, Readiness::READABLE)?;
/// push.send("something")?;
/// let events = poller.wait(Some(Duration::from_secs(5)))?;
/// assert_eq!((events[0].key, events[0].ready), (7, Readiness::READABLE));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Poller {
    /// Replaced as a whole, so that a wait keeps what it began with.
    entries: Mutex<Arc<Vec<Entry>>>,
    lookout: Lookout,
    waits: Mutex<Waits>,
}

/// Something that is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollEvent {
    /// The key it was added under.
    pub key: usize,
    /// What it is ready for.
    pub ready: Readiness,
}

#[derive(Clone)]
struct Entry {
    key: usize,
    target: Target,
    interest: Readiness,
}

#[derive(Clone)]
enum Target {
    Socket(Arc<Core>),
    Descriptor(Arc<OwnedFd>),
}

#[derive(Default)]
struct Waits {
    /// Threads in [`Poller::wait`].
    threads: usize,
    /// Tasks to wake when the entries change.
    tasks: Wakers,
    interrupted: bool,
}

impl Poller {
    /// A poller of nothing.
    ///
    /// # Errors
    ///
    /// When the system has no descriptor left for it.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            entries: Mutex::default(),
            lookout: Lookout::new()?,
            waits: Mutex::default(),
        })
    }

    /// Adds a socket, typed or not.
    ///
    /// # Errors
    ///
    /// [`PollError::KeyInUse`] and [`PollError::AlreadyAdded`].
    pub fn add(
        &self,
        socket: &impl AsRef<Socket>,
        key: usize,
        interest: Readiness,
    ) -> Result<(), PollError> {
        let core = socket.as_ref().inner();
        self.change(|entries| {
            let same = |entry: &&Entry| matches!(&entry.target, Target::Socket(other) if Arc::ptr_eq(other, core));
            if let Some(entry) = entries.iter().find(same) {
                return Err(PollError::AlreadyAdded(entry.key));
            }
            insert(entries, key, Target::Socket(Arc::clone(core)), interest)
        })
    }

    /// Adds any descriptor that can be polled. It is duplicated, so that the
    /// program may close its own at any time; what is behind it stays open
    /// until it is removed here too.
    ///
    /// # Errors
    ///
    /// [`PollError::KeyInUse`], or [`PollError::System`] when the system has
    /// no descriptor left.
    pub fn add_fd(&self, fd: impl AsFd, key: usize, interest: Readiness) -> Result<(), PollError> {
        let own = Arc::new(fd.as_fd().try_clone_to_owned()?);
        self.change(|entries| insert(entries, key, Target::Descriptor(own), interest))
    }

    /// Changes what to wait for under `key`.
    ///
    /// # Errors
    ///
    /// [`PollError::UnknownKey`].
    pub fn modify(&self, key: usize, interest: Readiness) -> Result<(), PollError> {
        self.change(|entries| {
            let entry = entries.iter_mut().find(|entry| entry.key == key);
            entry.ok_or(PollError::UnknownKey(key))?.interest = interest;
            Ok(())
        })
    }

    /// Removes what is under `key`. Waits that go on do not tell of it.
    ///
    /// # Errors
    ///
    /// [`PollError::UnknownKey`].
    pub fn remove(&self, key: usize) -> Result<(), PollError> {
        self.change(|entries| {
            let at = entries.iter().position(|entry| entry.key == key);
            entries.remove(at.ok_or(PollError::UnknownKey(key))?);
            Ok(())
        })
    }

    /// How many sockets and descriptors it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.lock().len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until something is ready, for at most `limit` or without one.
    /// Tells of all that is, in the order it was added; of nothing if the
    /// time passed first or [`Poller::interrupt`] was called.
    ///
    /// # Errors
    ///
    /// [`PollError::Closed`], [`PollError::Terminated`] and
    /// [`PollError::Forked`] name the socket by its key;
    /// [`PollError::Empty`] if this would never return.
    pub fn wait(&self, limit: Option<Duration>) -> Result<Vec<PollEvent>, PollError> {
        self.wait_heeding(limit, Signals::PassUnseen)
    }

    /// As [`Poller::wait`], ending at a signal or not.
    pub(crate) fn wait_heeding(
        &self,
        limit: Option<Duration>,
        signals: Signals,
    ) -> Result<Vec<PollEvent>, PollError> {
        // A limit past the end of time is none.
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        self.waits.lock().threads += 1;
        let result = self.wait_until(limit.is_none(), deadline, signals);
        let others = {
            let mut waits = self.waits.lock();
            waits.threads -= 1;
            waits.threads > 0
        };
        if others {
            // What woke this one may have been for another.
            self.lookout.ring();
        }
        result
    }

    /// Waits without blocking the thread, under any executor. A dropped
    /// future has lost nothing, as waiting takes nothing.
    ///
    /// # Errors
    ///
    /// As [`Poller::wait`], and [`PollError::NoIoThread`] if there are
    /// descriptors and no socket that has used a transport but inproc.
    pub fn wait_async(&self) -> PollFuture<'_> {
        PollFuture::new(self)
    }

    /// Has one wait, of a thread or a task, return with no events: the one
    /// under way, or the next.
    pub fn interrupt(&self) {
        self.waits.lock().interrupted = true;
        self.stir();
    }

    fn wait_until(
        &self,
        forever: bool,
        deadline: Option<Instant>,
        signals: Signals,
    ) -> Result<Vec<PollEvent>, PollError> {
        loop {
            let entries = self.entries.lock().clone();
            if forever && entries.is_empty() && !self.waits.lock().interrupted {
                return Err(PollError::Empty);
            }
            let mut round = Round::of(&entries);
            round.look(&entries)?;
            if round.ready == 0 {
                if self.take_interrupt() || deadline.is_some_and(|at| at <= Instant::now()) {
                    // What became ready by the last moment is still told of.
                    return Ok(round.events(&entries));
                }
                let (watched, descriptors) = (&round.watched, &mut round.descriptors);
                let woken = self
                    .lookout
                    .wait(watched, descriptors, deadline, signals, None)?;
                if woken == Woken::Interrupted {
                    return Err(PollError::Interrupted);
                }
                round.look_again(&entries)?;
            }
            if round.ready > 0 && Arc::ptr_eq(&entries, &self.entries.lock()) {
                return Ok(round.events(&entries));
            }
        }
    }

    fn take_interrupt(&self) -> bool {
        std::mem::take(&mut self.waits.lock().interrupted)
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Vec<Entry>) -> Result<(), PollError>,
    ) -> Result<(), PollError> {
        let old = {
            let mut current = self.entries.lock();
            let mut entries = Vec::clone(&current);
            change(&mut entries)?;
            std::mem::replace(&mut *current, Arc::new(entries))
        };
        // Without the lock: the last holder of a socket may close it here.
        drop(old);
        self.stir();
        Ok(())
    }

    fn register(&self, ticket: &mut Ticket, waker: &Waker) {
        let old = self.waits.lock().tasks.register(ticket, waker);
        drop(old);
    }

    fn withdraw(&self, ticket: &mut Ticket) {
        let waker = self.waits.lock().tasks.withdraw(ticket);
        drop(waker);
    }

    /// Has all who wait look again.
    fn stir(&self) {
        let (threads, tasks) = {
            let mut waits = self.waits.lock();
            (waits.threads, waits.tasks.take())
        };
        if threads > 0 {
            self.lookout.ring();
        }
        for task in tasks {
            task.wake();
        }
    }
}

fn insert(
    entries: &mut Vec<Entry>,
    key: usize,
    target: Target,
    interest: Readiness,
) -> Result<(), PollError> {
    if entries.iter().any(|entry| entry.key == key) {
        return Err(PollError::KeyInUse(key));
    }
    entries.push(Entry {
        key,
        target,
        interest,
    });
    Ok(())
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
