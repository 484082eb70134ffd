//! Waiting for several sockets and descriptors at once.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::error::{PollError, RecvFailure};
use crate::reactor::{Alarm, Descriptor, Handle, Lookout, Readiness, Watched};
use crate::socket::{Core, Socket};
use crate::sync::Mutex;

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

/// The future of [`Poller::wait_async`].
#[must_use = "a future does nothing unless awaited"]
pub struct PollFuture<'a> {
    poller: &'a Poller,
    /// Watches the descriptors of these entries.
    alarm: Option<(Arc<Vec<Entry>>, Arc<Alarm>)>,
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
    tasks: Vec<Waker>,
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
        // A limit past the end of time is none.
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        self.waits.lock().threads += 1;
        let result = self.wait_until(limit.is_none(), deadline);
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
        PollFuture {
            poller: self,
            alarm: None,
        }
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
                self.lookout
                    .wait(&round.watched, &mut round.descriptors, deadline)?;
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

    /// Has all who wait look again.
    fn stir(&self) {
        let (threads, tasks) = {
            let mut waits = self.waits.lock();
            (waits.threads, std::mem::take(&mut waits.tasks))
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

impl fmt::Debug for PollFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollFuture").finish_non_exhaustive()
    }
}

/// One look at all entries.
struct Round<'a> {
    watched: Vec<Watched<'a>>,
    descriptors: Vec<Descriptor<'a>>,
    /// By entry; a descriptor's is with the descriptor.
    found: Vec<Readiness>,
    ready: usize,
}

impl<'a> Round<'a> {
    fn of(entries: &'a [Entry]) -> Self {
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
                Target::Descriptor(fd) => round.descriptors.push(Descriptor {
                    fd: fd.as_fd(),
                    interest: entry.interest,
                    ready: Readiness::NONE,
                }),
            }
        }
        round
    }

    fn look(&mut self, entries: &[Entry]) -> Result<(), PollError> {
        Lookout::look_at(&mut self.descriptors)?;
        self.look_again(entries)
    }

    /// Looks at the sockets; the descriptors were looked at just now.
    fn look_again(&mut self, entries: &[Entry]) -> Result<(), PollError> {
        self.ready = 0;
        let mut descriptors = self.descriptors.iter();
        for (entry, found) in entries.iter().zip(&mut self.found) {
            *found = match &entry.target {
                Target::Socket(core) => socket_readiness(core, entry.interest, entry.key)?,
                Target::Descriptor(_) => descriptors
                    .next()
                    .map_or(Readiness::NONE, |descriptor| descriptor.ready),
            };
            self.ready += usize::from(!found.is_empty());
        }
        Ok(())
    }

    fn events(&self, entries: &[Entry]) -> Vec<PollEvent> {
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

fn socket_readiness(core: &Core, interest: Readiness, key: usize) -> Result<Readiness, PollError> {
    core.readiness(interest).map_err(|failure| match failure {
        RecvFailure::Terminated => PollError::Terminated(key),
        RecvFailure::Forked => PollError::Forked(key),
        _ => PollError::Closed(key),
    })
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
                for core in sockets(&entries) {
                    core.look();
                    core.waiting().register(context.waker());
                }
                this.poller.register(context.waker());
                this.watch_descriptors(&entries, &round, context.waker())?;
                round.look(&entries)?;
            }
            if round.ready > 0 || this.poller.take_interrupt() {
                this.forget_descriptors();
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

    fn forget_descriptors(&mut self) {
        if let Some((_, alarm)) = self.alarm.take() {
            alarm.stop();
        }
    }
}

impl Drop for PollFuture<'_> {
    fn drop(&mut self) {
        self.forget_descriptors();
    }
}

impl Poller {
    fn register(&self, waker: &Waker) {
        let mut waits = self.waits.lock();
        if !waits.tasks.iter().any(|known| known.will_wake(waker)) {
            waits.tasks.push(waker.clone());
        }
    }
}

fn sockets(entries: &[Entry]) -> impl Iterator<Item = &Arc<Core>> {
    entries.iter().filter_map(|entry| match &entry.target {
        Target::Socket(core) => Some(core),
        Target::Descriptor(_) => None,
    })
}

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
    static LOOKOUT: std::cell::RefCell<Option<Lookout>> = const { std::cell::RefCell::new(None) };
}

/// Waits until one of `items` is ready, for at most `limit` or without one,
/// and tells how many are (zmq_poll(3)). A [`Poller`] does the same for a set
/// that stays.
///
/// # Errors
///
/// As [`Poller::wait`], with the item's index for its key.
pub fn poll(items: &mut [PollItem<'_>], limit: Option<Duration>) -> Result<usize, PollError> {
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let lookout = match LOOKOUT.take() {
        Some(lookout) => lookout,
        None => Lookout::new()?,
    };
    let result = poll_with(&lookout, items, limit.is_none(), deadline);
    LOOKOUT.set(Some(lookout));
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
    let mut watched = Vec::with_capacity(items.len());
    let mut descriptors = Vec::new();
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
