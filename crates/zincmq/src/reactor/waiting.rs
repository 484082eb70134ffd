//! The threads and tasks that wait for one socket.
//!
//! An event count: a waiter notes the epoch, finds nothing to do, and sleeps
//! only if the epoch is still the same. Whoever changes something for the
//! socket moves the epoch on and wakes those who sleep, and nobody else.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex as StdMutex, OnceLock, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::spin::Spin;
use super::{Bell, Lookout, PollSet, Readiness, Signals, Ticket, Wakers, Watched, Woken};
use crate::sync::Mutex;

/// How long a thread that waits leaves connections to those at work on them.
const DOZE: Duration = Duration::from_micros(100);

#[derive(Default)]
pub(crate) struct Waiting {
    epoch: AtomicU64,
    /// Threads that sleep, or are about to, on the poll set or the condition.
    sleepers: AtomicU32,
    /// Those of them on the condition. To wake nobody there is a system call, too.
    on_condition: AtomicU32,
    /// One of them has the poll set.
    poll_taken: AtomicBool,
    gate: StdMutex<()>,
    changed: Condvar,
    listeners: Mutex<Listeners>,
    /// A task, or an event loop at the descriptor, is to be told.
    has_listeners: AtomicBool,
    /// Readable once something has changed, for event loops; made when asked for.
    descriptor: OnceLock<Bell>,
    set: OnceLock<Arc<PollSet>>,
    spin: Spin,
    /// How long it is worth to spin.
    longest_spin: Duration,
}

#[derive(Default)]
struct Listeners {
    wakers: Wakers,
    /// The descriptor is readable, which will do until somebody looks.
    is_rung: bool,
    /// What the program was last told that it could not do.
    awaited: Readiness,
}

impl Waiting {
    /// Of a socket whose threads look again for up to `longest_spin` before they
    /// sleep.
    pub(crate) fn new(longest_spin: Duration) -> Self {
        Self {
            longest_spin,
            ..Self::default()
        }
    }

    pub(crate) fn longest_spin(&self) -> Duration {
        self.longest_spin
    }

    /// To be read before looking for work.
    #[inline]
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Says that something changed.
    #[inline]
    pub(crate) fn notify(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            self.wake_sleepers();
        }
        if self.has_listeners.load(Ordering::SeqCst) {
            self.tell_listeners();
        }
    }

    /// Has `waker` woken at the next change. The caller looks once more after.
    /// Who stops waiting withdraws the ticket.
    pub(crate) fn register(&self, ticket: &mut Ticket, waker: &Waker) {
        let old = {
            let mut listeners = self.listeners.lock();
            self.has_listeners.store(true, Ordering::SeqCst);
            listeners.wakers.register(ticket, waker)
        };
        drop(old);
        if let Some(set) = self.set.get() {
            set.arm();
        }
    }

    /// The same for one who sees to the socket's connections soon after they are
    /// ready: meanwhile the reactor leaves them alone.
    pub(crate) fn register_attentive(&self, ticket: &mut Ticket, waker: &Waker) {
        let old = {
            let mut listeners = self.listeners.lock();
            self.has_listeners.store(true, Ordering::SeqCst);
            listeners.wakers.register(ticket, waker)
        };
        drop(old);
        if let Some(set) = self.set.get() {
            set.renew();
        }
    }

    /// Wakes whoever registered under `ticket` no more.
    pub(crate) fn withdraw(&self, ticket: &mut Ticket) {
        if ticket.is_blank() {
            return;
        }
        let waker = {
            let mut listeners = self.listeners.lock();
            let waker = listeners.wakers.withdraw(ticket);
            self.count(&listeners);
            waker
        };
        drop(waker);
    }

    /// A descriptor that is readable once something may have changed, from
    /// the start on, until [`Waiting::hush`]. The same one every time.
    pub(crate) fn descriptor(&self) -> io::Result<BorrowedFd<'_>> {
        if let Some(bell) = self.descriptor.get() {
            return Ok(bell.as_fd());
        }
        let new = Bell::new()?;
        let bell = {
            let mut listeners = self.listeners.lock();
            let bell = self.descriptor.get_or_init(|| new);
            listeners.ring(bell);
            bell
        };
        if let Some(set) = self.set.get() {
            set.arm();
        }
        Ok(bell.as_fd())
    }

    pub(crate) fn has_descriptor(&self) -> bool {
        self.descriptor.get().is_some()
    }

    /// Makes the descriptor readable, if there is one, and wakes nobody else.
    pub(crate) fn ring(&self) {
        if let Some(bell) = self.descriptor.get() {
            let mut listeners = self.listeners.lock();
            listeners.awaited = Readiness::NONE;
            listeners.ring(bell);
            self.count(&listeners);
        }
    }

    /// Remembers what of `asked` the program was told that it could not do.
    /// Returns what else it waits for, if there is a descriptor.
    pub(crate) fn told(&self, asked: Readiness, ready: Readiness) -> Readiness {
        if !self.has_descriptor() {
            return Readiness::NONE;
        }
        let mut listeners = self.listeners.lock();
        let others = listeners.awaited.without(asked);
        listeners.awaited = others | asked.without(ready);
        others
    }

    /// Makes the descriptor unreadable, for a caller that looks at the socket
    /// next: what changes from now on makes it readable again. Nobody need be
    /// in a call meanwhile, so the reactor is to drive the connections. False
    /// if there is no descriptor.
    pub(crate) fn hush(&self) -> bool {
        let Some(bell) = self.descriptor.get() else {
            return false;
        };
        {
            let mut listeners = self.listeners.lock();
            if std::mem::take(&mut listeners.is_rung) {
                bell.hush();
            }
            self.count(&listeners);
        }
        // Whoever did not see that it is to be told has left its news before:
        // the caller finds them.
        fence(Ordering::SeqCst);
        if let Some(set) = self.set.get() {
            set.arm();
        }
        true
    }

    fn count(&self, listeners: &Listeners) {
        let waits = self.has_descriptor() && !listeners.is_rung;
        self.has_listeners
            .store(waits || !listeners.wakers.is_empty(), Ordering::SeqCst);
    }

    /// The poll set of the socket, once it has connections.
    pub(crate) fn set(&self) -> Option<&Arc<PollSet>> {
        self.set.get()
    }

    /// Gives the socket a poll set. Threads that sleep without one look again.
    pub(crate) fn set_or_init(&self, set: Arc<PollSet>) -> &Arc<PollSet> {
        let set = self.set.get_or_init(|| set);
        self.notify();
        set
    }

    /// Waits until the epoch is no longer `seen` or `deadline` has passed,
    /// and drives the socket's connections meanwhile.
    pub(crate) fn wait(&self, seen: u64, deadline: Option<Instant>, signals: Signals) -> Woken {
        let start = Instant::now();
        if self.look(seen, deadline) {
            return Woken::News;
        }
        if deadline.is_some_and(|at| at <= Instant::now()) {
            return Woken::Late;
        }
        let woken = self.sleep_somehow(seen, deadline, signals);
        if woken == Woken::News {
            self.spin.slept(start.elapsed());
        }
        woken
    }

    /// A wait that a sleep was part of, of one who tried the connections before, took so long.
    pub(crate) fn slept(&self, wait: Duration) {
        self.spin.slept(wait);
    }

    fn sleep_somehow(&self, seen: u64, deadline: Option<Instant>, signals: Signals) -> Woken {
        let set = self.set.get();
        let set = set.filter(|_| !self.poll_taken.swap(true, Ordering::SeqCst));
        if set.is_some_and(|set| set.is_crowded()) {
            let woken = self.doze(seen, deadline, signals);
            self.poll_taken.store(false, Ordering::SeqCst);
            self.pass_on();
            return woken;
        }
        if set.is_none()
            && signals.end_waits()
            && let Some(woken) = self.sleep_lightly(seen, deadline)
        {
            return woken;
        }
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let interrupted = match set {
            Some(set) => {
                let interrupted = set.sleep(deadline, || self.epoch() != seen);
                self.poll_taken.store(false, Ordering::SeqCst);
                interrupted
            }
            None => {
                self.sleep(seen, deadline);
                false
            }
        };
        self.leave();
        Woken::after_sleep(interrupted, signals)
    }

    fn leave(&self) {
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        self.pass_on();
    }

    fn pass_on(&self) {
        if self.on_condition.load(Ordering::SeqCst) > 0 {
            // Whoever sleeps without the poll set may have it now.
            drop(self.gate.lock().unwrap_or_else(PoisonError::into_inner));
            self.changed.notify_one();
        }
    }

    /// Begins a sleep that is not for this socket alone: on its poll set, if
    /// there is one and no other thread has it, else until `waker` is woken.
    /// The caller looks at the epoch once more before it sleeps.
    pub(crate) fn enter(&self, waker: &Waker) -> Stay<'_> {
        let set = self.set.get();
        let set = set.filter(|_| !self.poll_taken.swap(true, Ordering::SeqCst));
        let mut ticket = Ticket::default();
        match set {
            Some(set) => {
                self.sleepers.fetch_add(1, Ordering::SeqCst);
                set.begin_polling();
            }
            None => self.register(&mut ticket, waker),
        }
        Stay {
            waiting: self,
            set,
            ticket,
        }
    }

    /// Reads the connections, and goes on looking for as long as it pays.
    fn look(&self, seen: u64, deadline: Option<Instant>) -> bool {
        if let Some(set) = self.set.get() {
            set.drive();
        }
        self.epoch() != seen || self.look_again(seen, deadline, || false)
    }

    /// Goes on looking at the connections for as long as it pays, unless there is
    /// something `else_to_do`. Whether the epoch is no longer `seen`.
    pub(crate) fn look_again(
        &self,
        seen: u64,
        deadline: Option<Instant>,
        mut else_to_do: impl FnMut() -> bool,
    ) -> bool {
        let Some(limit) = self.spin.limit(self.longest_spin) else {
            return false;
        };
        let set = self.set.get();
        let start = Instant::now();
        let mut until = start + limit;
        if let Some(deadline) = deadline {
            until = until.min(deadline);
        }
        loop {
            if self.epoch() != seen {
                self.spin.hit();
                return true;
            }
            if else_to_do() {
                return false;
            }
            if Instant::now() >= until {
                self.spin.miss();
                return false;
            }
            match set {
                Some(set) => set.drive(),
                None => std::hint::spin_loop(),
            }
        }
    }

    /// Sleeps a little, off the set, whose poller would not let it sleep: what
    /// is ready there is what somebody else is at work on.
    fn doze(&self, seen: u64, deadline: Option<Instant>, signals: Signals) -> Woken {
        let until = Instant::now() + DOZE;
        let until = deadline.map_or(until, |at| at.min(until));
        if signals.end_waits()
            && let Some(Woken::Interrupted) = self.sleep_lightly(seen, Some(until))
        {
            return Woken::Interrupted;
        }
        if !signals.end_waits() {
            self.sleepers.fetch_add(1, Ordering::SeqCst);
            self.sleep(seen, Some(until));
            self.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
        // Whatever there is, the caller looks for it.
        Woken::News
    }

    /// Sleeps on the condition.
    fn sleep(&self, seen: u64, deadline: Option<Instant>) {
        self.on_condition.fetch_add(1, Ordering::SeqCst);
        self.sleep_counted(seen, deadline);
        self.on_condition.fetch_sub(1, Ordering::SeqCst);
    }

    fn sleep_counted(&self, seen: u64, deadline: Option<Instant>) {
        let gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.set.get().is_some() && !self.poll_taken.load(Ordering::SeqCst);
        if self.epoch() != seen || free {
            return;
        }
        match deadline {
            None => {
                let _gate = self.changed.wait(gate);
            }
            Some(at) => {
                let left = at.saturating_duration_since(Instant::now());
                let _gate = self.changed.wait_timeout(gate, left);
            }
        }
    }

    /// Sleeps where signals are noticed, which condition variables hide.
    /// `None` if the system has no descriptor left for that.
    fn sleep_lightly(&self, seen: u64, deadline: Option<Instant>) -> Option<Woken> {
        let me = Watched {
            waiting: self,
            seen,
        };
        let signals = Signals::EndWaits;
        let sleep = |lookout: &Lookout| lookout.sleep(&[me], &mut [], deadline, signals, None);
        Lookout::of_thread(sleep).ok()?.ok()
    }

    #[cold]
    fn wake_sleepers(&self) {
        if let Some(set) = self.set.get() {
            set.ring();
        }
        if self.on_condition.load(Ordering::SeqCst) > 0 {
            drop(self.gate.lock().unwrap_or_else(PoisonError::into_inner));
            self.changed.notify_all();
        }
    }

    #[cold]
    fn tell_listeners(&self) {
        let wakers = {
            let mut listeners = self.listeners.lock();
            self.has_listeners.store(false, Ordering::SeqCst);
            if let Some(bell) = self.descriptor.get() {
                listeners.ring(bell);
            }
            listeners.wakers.take()
        };
        for waker in wakers {
            waker.wake();
        }
    }
}

impl Listeners {
    fn ring(&mut self, bell: &Bell) {
        if !std::mem::replace(&mut self.is_rung, true) {
            bell.ring();
        }
    }
}

/// A thread's stay in one of several sockets that it sleeps for.
pub(crate) struct Stay<'a> {
    waiting: &'a Waiting,
    set: Option<&'a Arc<PollSet>>,
    ticket: Ticket,
}

impl<'a> Stay<'a> {
    /// The set to sleep on, if this thread has it.
    pub(crate) fn set(&self) -> Option<&'a Arc<PollSet>> {
        self.set
    }
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        self.waiting.withdraw(&mut self.ticket);
        if let Some(set) = self.set {
            set.stop_polling();
            self.waiting.poll_taken.store(false, Ordering::SeqCst);
            self.waiting.leave();
        }
    }
}
