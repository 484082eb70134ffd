//! One thread that polls, keeps time and takes over when messages stream. It
//! knows descriptors and [`Source`]s, not what they are for.

mod alarm;
mod bell;
mod doze;
mod epoll;
mod fork;
mod lookout;
mod nap;
mod pace;
mod poll_set;
mod polled;
mod readiness;
mod signals;
mod spin;
mod threads;
mod timers;
mod waiting;
mod wakers;

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::event::PollFlags;

pub(crate) use alarm::Alarm;
pub(crate) use bell::Bell;
pub(crate) use epoll::{Epoll, Events, Interest, Ready};
pub(crate) use fork::{generation as fork_generation, undivided, watch as watch_forks};
pub(crate) use lookout::{Descriptor, Lookout, Short, Watched};
pub(crate) use pace::Pace;
pub(crate) use poll_set::{Membership, PollSet};
pub(crate) use polled::take_signals;
pub use readiness::Readiness;
pub(crate) use signals::{Signals, Woken, deaf};
pub(crate) use threads::Threads;
pub(crate) use timers::TimerKey;
pub(crate) use waiting::Waiting;
pub(crate) use wakers::{Ticket, Wakers};

use crate::sync::Mutex;
use doze::Doze;
use nap::Naps;
use polled::{Polled, poll};
use timers::Timers;

/// Who is driving: a thread of the application, which wants one thing and
/// goes, or the reactor, which stays until there is nothing left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    Application,
    Reactor,
}

/// Something a poller or timer can call.
pub(crate) trait Source: Send + Sync {
    /// Its descriptor is ready.
    fn ready(&self, ready: Ready, by: Driver) {
        let _ = (ready, by);
    }

    /// A timer that was set for it has gone off.
    fn timeout(&self) {}

    /// It was scheduled; called on the reactor's thread.
    fn run(&self) {}

    /// It panicked in one of the above, and must end.
    fn panicked(&self) {}
}

/// The thread. Dropping it stops and joins.
pub(crate) struct Reactor {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// What other threads hold of a reactor.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Shared>);

struct Shared {
    epoll: Epoll,
    bell: Bell,
    sources: Mutex<HashMap<u64, Arc<dyn Source>>>,
    next_key: AtomicU64,
    timers: Mutex<Timers>,
    naps: Naps,
    queue: Mutex<Vec<Arc<dyn Source>>>,
    has_queue: AtomicBool,
    asleep: AtomicBool,
    stop: AtomicBool,
    doze: Doze,
    born: u32,
}

/// What the C library has done between two rounds.
static BETWEEN: OnceLock<fn()> = OnceLock::new();

/// Has every I/O thread call `work` between its rounds, when it holds no lock.
/// The first one given stays.
pub(crate) fn set_between(work: fn()) {
    if BETWEEN.get().is_none() {
        let _ = undivided(|| BETWEEN.set(work));
    }
}

const BELL: u64 = 0;
const NAPS: u64 = 1;

impl Reactor {
    /// Starts thread number `index` of those that are to run as `threads` says.
    pub(crate) fn start(index: usize, threads: &Threads) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            epoll: Epoll::new()?,
            bell: Bell::new()?,
            sources: Mutex::default(),
            next_key: AtomicU64::new(NAPS + 1),
            timers: Mutex::default(),
            naps: Naps::new()?,
            queue: Mutex::default(),
            has_queue: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            doze: Doze::default(),
            born: fork_generation(),
        });
        shared
            .epoll
            .add(shared.bell.as_fd(), BELL, Interest::READ)?;
        shared
            .epoll
            .add(shared.naps.as_fd(), NAPS, Interest::READ)?;
        let handle = Handle(shared);
        let looper = handle.clone();
        let thread = threads.spawn(index, move || looper.0.run())?;
        Ok(Self {
            handle,
            thread: Some(thread),
        })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// How many timers are set.
    pub(crate) fn timers(&self) -> usize {
        self.handle.0.timers.lock().len()
    }

    /// How many descriptors it watches.
    pub(crate) fn users(&self) -> usize {
        self.handle.0.sources.lock().len()
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        if self.handle.is_foreign() {
            // The thread runs in the parent process, not in this one.
            std::mem::forget(thread);
            return;
        }
        self.handle.0.stop.store(true, Ordering::SeqCst);
        self.handle.0.bell.ring();
        if thread.thread().id() != std::thread::current().id() {
            // The thread confines panics, so joining has nothing to report.
            let _ = thread.join();
        }
        // Taken out first: a source that is dropped may call back.
        let sources = std::mem::take(&mut *self.handle.0.sources.lock());
        let timers = std::mem::take(&mut *self.handle.0.timers.lock());
        let queue = std::mem::take(&mut *self.handle.0.queue.lock());
        let naps = self.handle.0.naps.wake();
        drop((sources, timers, queue, naps));
    }
}

/// A descriptor registered with the reactor itself. Unregisters when dropped.
pub(crate) struct Watch {
    handle: Handle,
    key: u64,
}

impl Handle {
    /// Calls `source` whenever `fd` is ready for `interest`. The descriptor
    /// must be unwatched before it is closed.
    pub(crate) fn watch(
        &self,
        fd: BorrowedFd<'_>,
        interest: Interest,
        source: Arc<dyn Source>,
    ) -> io::Result<Watch> {
        let key = self.0.next_key.fetch_add(1, Ordering::Relaxed);
        self.0.sources.lock().insert(key, source);
        if let Err(error) = self.0.epoll.add(fd, key, interest) {
            self.0.sources.lock().remove(&key);
            return Err(error);
        }
        Ok(Watch {
            handle: self.clone(),
            key,
        })
    }

    /// Calls `source.run()` on the reactor's thread soon.
    pub(crate) fn schedule(&self, source: Arc<dyn Source>) {
        self.0.queue.lock().push(source);
        self.0.has_queue.store(true, Ordering::Relaxed);
        self.0.nudge();
    }

    /// Calls `source.run()` after a pause of some fifty microseconds.
    pub(crate) fn nap(&self, source: Arc<dyn Source>) {
        self.0.naps.add(source);
    }

    /// Whether the reactor looks away from all there is for a moment, so that what is
    /// ready may stay so. To be asked on its thread, for what others will see to.
    fn looks_away(&self) -> bool {
        self.0.doze.begin(Instant::now)
    }

    /// Somebody waits for what only the reactor will see to.
    fn expect(&self) {
        self.0.doze.disturb();
    }

    /// Calls `source.timeout()` once at `at` or soon after.
    pub(crate) fn set_timer(&self, at: Instant, source: Arc<dyn Source>) -> TimerKey {
        let (key, first) = self.0.timers.lock().insert(at, source);
        if first {
            self.0.nudge();
        }
        key
    }

    /// Forgets a timer, if it has not gone off yet.
    pub(crate) fn cancel_timer(&self, key: TimerKey) -> bool {
        let source = self.0.timers.lock().remove(key);
        source.is_some()
    }

    /// Whether this process only inherited the reactor through a fork.
    pub(crate) fn is_foreign(&self) -> bool {
        self.0.born != fork_generation()
    }
}

impl Watch {
    /// Changes what the source is told about.
    pub(crate) fn modify(&self, fd: BorrowedFd<'_>, interest: Interest) -> io::Result<()> {
        self.handle.0.epoll.modify(fd, self.key, interest)
    }

    /// Stops the calls; `fd` is the descriptor given at the start.
    pub(crate) fn stop(self, fd: BorrowedFd<'_>) {
        if !self.handle.is_foreign() {
            self.handle.0.epoll.delete(fd);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let source = self.handle.0.sources.lock().remove(&self.key);
        drop(source);
    }
}

impl Shared {
    /// Wakes the thread if it sleeps. The fence orders what the caller has
    /// published before the look at `asleep`; the thread does the mirror image.
    fn nudge(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::SeqCst) {
            self.bell.ring();
        }
    }

    fn run(&self) {
        let mut events = Events::with_capacity(256);
        while !self.stop.load(Ordering::Relaxed) {
            if self.doze.take() {
                self.sleep_lightly();
            }
            self.run_queue();
            self.run_timers();
            if let Some(between) = BETWEEN.get() {
                between();
            }
            self.asleep.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if self.has_queue.load(Ordering::Relaxed) {
                self.epoll.look(&mut events);
            } else {
                let next = self.timers.lock().next();
                // The thread handles no signals.
                let _ = self.epoll.wait(&mut events, next);
            }
            self.asleep.store(false, Ordering::Relaxed);
            for ready in events.iter() {
                if ready.key == BELL {
                    self.bell.hush();
                    continue;
                }
                if ready.key == NAPS {
                    for source in self.naps.wake() {
                        confine(&*source, |source| source.run());
                    }
                    continue;
                }
                let source = self.sources.lock().get(&ready.key).cloned();
                if let Some(source) = source {
                    confine(&*source, |source| source.ready(ready, Driver::Reactor));
                }
            }
        }
    }

    /// Sleeps for a moment off the poller: what comes meanwhile wakes nobody.
    fn sleep_lightly(&self) {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !self.has_queue.load(Ordering::Relaxed) && !self.stop.load(Ordering::Relaxed) {
            let next = self.timers.lock().next();
            let left = next.map_or(doze::LENGTH, |at| {
                at.saturating_duration_since(Instant::now())
                    .min(doze::LENGTH)
            });
            let mut fds = [
                Polled::new(self.bell.as_fd(), PollFlags::IN),
                Polled::new(self.naps.as_fd(), PollFlags::IN),
            ];
            // Fails for want of memory only; then there is no moment.
            let _ = poll(&mut fds, Some(left), None);
        }
        self.asleep.store(false, Ordering::Relaxed);
    }

    fn run_queue(&self) {
        if !self.has_queue.swap(false, Ordering::Acquire) {
            return;
        }
        let queue = std::mem::take(&mut *self.queue.lock());
        for source in queue {
            confine(&*source, |source| source.run());
        }
    }

    fn run_timers(&self) {
        let mut now = None;
        loop {
            let mut timers = self.timers.lock();
            let Some(next) = timers.next() else { return };
            let now = *now.get_or_insert_with(Instant::now);
            if next > now {
                return;
            }
            let due = timers.pop_due(now);
            drop(timers);
            if let Some(source) = due {
                confine(&*source, |source| source.timeout());
            }
        }
    }
}

/// Runs `call`; a panic in it ends `source` and nothing else.
pub(crate) fn confine(source: &dyn Source, call: impl FnOnce(&dyn Source)) {
    if !survives(|| call(source)) {
        // A panic while ending it leaves nothing more to try.
        survives(|| source.panicked());
    }
}

/// Runs `call`; false if it panicked.
pub(crate) fn survives(call: impl FnOnce()) -> bool {
    let done = catch_unwind(AssertUnwindSafe(call));
    // Dropping what was thrown may throw again.
    done.map_err(std::mem::forget).is_ok()
}
