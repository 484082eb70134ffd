//! The connections of one socket, in a poll set of their own.
//!
//! The reactor watches the set as a whole. A thread that waits in the socket
//! takes a lease: it reads the connections itself, so that an answer wakes
//! *it* and not first another thread. While the lease is renewed the reactor
//! leaves the set alone; a millisecond after the last renewal it takes over
//! again. A lease costs no system call and no wake-up of the reactor beyond
//! the first.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use super::{Bell, Driver, Epoll, Events, Handle, Interest, Pace, Ready, Source, Watch, confine};
use crate::sync::Mutex;

/// How long after its last renewal a lease still holds the reactor off.
const LEASE: Duration = Duration::from_millis(1);

/// So often in a row the reactor looks at a connection that somebody else is at work on,
/// who sees to it all the same, before it takes naps instead.
const PATIENCE: u32 = 3;

/// So often before it stays away for as long as a lease holds.
const LONG_WORK: u32 = 6;

/// Sleeps on the set that end at once, as somebody else is at work on what is ready.
const CROWDED: u32 = 2;

const BELL: u64 = 0;

pub(crate) struct PollSet {
    epoll: Epoll,
    bell: Bell,
    /// The bell may be ringing.
    rung: AtomicBool,
    members: Mutex<Members>,
    next_key: AtomicU64,
    reactor: Handle,
    watch: OnceLock<Watch>,
    /// A thread of the application sleeps on the set.
    polling: AtomicBool,
    /// Counts renewals.
    lease: AtomicU64,
    /// The count the reactor saw when it last looked.
    lease_seen: AtomicU64,
    /// The reactor is told about the set.
    armed: AtomicBool,
    /// The reactor left the set to a sleeping thread, which must arm it again.
    parked: AtomicBool,
    /// Connections in a row that the reactor found others at work on.
    found_busy: AtomicU32,
    /// So did the thread of the application that came last.
    met_other: AtomicBool,
    /// Sleeps in a row that ended so.
    crowded_sleeps: AtomicU32,
    pace: Pace,
}

#[derive(Default)]
struct Members {
    by_key: HashMap<u64, Arc<dyn Source>>,
    /// The member, while there is just one: it is read without asking the
    /// poller first.
    only: Option<(u64, Arc<dyn Source>)>,
}

impl Members {
    fn settle(&mut self) {
        self.only = match self.by_key.len() {
            1 => self.by_key.iter().next().map(|(k, s)| (*k, Arc::clone(s))),
            _ => None,
        };
    }
}

/// A descriptor's place in a set.
pub(crate) struct Membership {
    set: Arc<PollSet>,
    key: u64,
}

thread_local! {
    static EVENTS: RefCell<Option<Events>> = const { RefCell::new(None) };
}

impl PollSet {
    pub(crate) fn new(reactor: &Handle) -> io::Result<Arc<Self>> {
        let epoll = Epoll::new()?;
        let bell = Bell::new()?;
        epoll.add(bell.as_fd(), BELL, Interest::READ)?;
        let set = Arc::new(Self {
            epoll,
            bell,
            rung: AtomicBool::new(false),
            members: Mutex::default(),
            next_key: AtomicU64::new(BELL + 1),
            reactor: reactor.clone(),
            watch: OnceLock::new(),
            polling: AtomicBool::new(false),
            lease: AtomicU64::new(0),
            lease_seen: AtomicU64::new(0),
            armed: AtomicBool::new(true),
            parked: AtomicBool::new(false),
            found_busy: AtomicU32::new(0),
            met_other: AtomicBool::new(false),
            crowded_sleeps: AtomicU32::new(0),
            pace: Pace::default(),
        });
        let watcher = Arc::new(Watcher(Arc::downgrade(&set)));
        let watch = reactor.watch(set.epoll.as_fd(), Interest::READ, watcher)?;
        let _ = set.watch.set(watch);
        Ok(set)
    }

    /// Adds `fd`; `source` is called whenever it is ready for `interest`.
    pub(crate) fn join(
        self: &Arc<Self>,
        fd: BorrowedFd<'_>,
        interest: Interest,
        source: Arc<dyn Source>,
    ) -> io::Result<Membership> {
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        {
            let mut members = self.members.lock();
            members.by_key.insert(key, source);
            members.settle();
        }
        let membership = Membership {
            set: Arc::clone(self),
            key,
        };
        self.epoll.add(fd, key, interest)?;
        Ok(membership)
    }

    /// Does what can be done now without waiting, as the application.
    pub(crate) fn drive(&self) {
        self.lease.fetch_add(1, Ordering::Relaxed);
        self.drive_unleased();
    }

    /// The same for one who will not be back soon.
    pub(crate) fn drive_unleased(&self) {
        if let Some(only) = self.only() {
            self.drive_only(only, Driver::Application);
        } else {
            with_events(|events| {
                self.epoll.look(events);
                self.dispatch(events, Driver::Application, false);
            });
        }
    }

    fn only(&self) -> Option<(u64, Arc<dyn Source>)> {
        self.members.lock().only.clone()
    }

    fn drive_only(&self, (key, source): (u64, Arc<dyn Source>), by: Driver) {
        let ready = Ready {
            key,
            read: true,
            write: true,
        };
        confine(&*source, |source| source.ready(ready, by));
    }

    /// Sleeps until a member is ready or the bell rings, and sees to it.
    /// `unless` is asked once the sleep can no longer be missed by a ringer.
    /// True if a signal ended it.
    pub(crate) fn sleep(&self, deadline: Option<Instant>, unless: impl FnOnce() -> bool) -> bool {
        self.lease.fetch_add(1, Ordering::Relaxed);
        self.polling.store(true, Ordering::SeqCst);
        with_events(|events| {
            if unless() {
                self.stop_polling();
                return false;
            }
            let interrupted = self.epoll.wait(events, deadline);
            self.stop_polling();
            self.met_other.store(false, Ordering::Relaxed);
            self.dispatch(events, Driver::Application, true);
            let sleeps = match self.met_other.load(Ordering::Relaxed) {
                true => self
                    .crowded_sleeps
                    .load(Ordering::Relaxed)
                    .saturating_add(1),
                false => 0,
            };
            self.crowded_sleeps.store(sleeps, Ordering::Relaxed);
            interrupted
        })
    }

    /// A thread is about to sleep on the set's descriptor among others.
    pub(crate) fn begin_polling(&self) {
        self.renew();
        self.polling.store(true, Ordering::SeqCst);
    }

    /// Sees to what the set's descriptor was found readable for. `slept` tells
    /// that the caller slept on it, so that the bell was for no other.
    pub(crate) fn attend(&self, slept: bool) {
        with_events(|events| {
            self.epoll.look(events);
            self.dispatch(events, Driver::Application, slept);
        });
    }

    /// Holds the reactor off a little longer.
    pub(crate) fn renew(&self) {
        self.lease.fetch_add(1, Ordering::Relaxed);
    }

    /// Wakes the thread in [`PollSet::sleep`], if there is one.
    pub(crate) fn ring(&self) {
        if self.polling.load(Ordering::SeqCst) {
            // In this order: the mark of a bell that is rung after it was hushed
            // comes after that, too.
            self.bell.ring();
            self.rung.store(true, Ordering::SeqCst);
        }
    }

    /// Sees to it that the reactor drives the set while nobody else does: who
    /// asks for it will not be back, and leases from before count no more.
    pub(crate) fn arm(&self) {
        self.reactor.expect();
        self.turn_on();
    }

    fn turn_on(&self) {
        self.lease_seen
            .store(self.lease.load(Ordering::Relaxed), Ordering::Relaxed);
        if !self.armed.load(Ordering::SeqCst) && !self.armed.swap(true, Ordering::SeqCst) {
            self.set_watch(Interest::READ);
        }
    }

    /// Turns the reactor's watch off, unless somebody turns it on meanwhile.
    fn disarm(&self) {
        self.armed.store(false, Ordering::SeqCst);
        self.set_watch(Interest::NONE);
        // Who armed the set in between may have been faster with its call to
        // the system than this.
        if self.armed.load(Ordering::SeqCst) {
            self.set_watch(Interest::READ);
        }
    }

    /// Somebody has come to a member, and found nobody or somebody else at work on it.
    #[inline]
    pub(crate) fn found(&self, idle: bool, by: Driver) {
        match by {
            Driver::Application if self.met_other.load(Ordering::Relaxed) != idle => {}
            Driver::Application => self.met_other.store(!idle, Ordering::Relaxed),
            Driver::Reactor => {
                let busy = match idle {
                    true => 0,
                    false => self.found_busy.load(Ordering::Relaxed).saturating_add(1),
                };
                self.found_busy.store(busy, Ordering::Relaxed);
            }
        }
    }

    /// Whether somebody else is at work on a member, for so long that nobody gets to
    /// sleep on the set.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded_sleeps.load(Ordering::Relaxed) >= CROWDED
            && self.met_other.load(Ordering::Relaxed)
    }

    pub(crate) fn reactor(&self) -> &Handle {
        &self.reactor
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    /// That thread sleeps no more.
    pub(crate) fn stop_polling(&self) {
        self.polling.store(false, Ordering::SeqCst);
        if self.parked.load(Ordering::SeqCst) && self.parked.swap(false, Ordering::SeqCst) {
            self.turn_on();
            // The thread is awake and reads what woke it; the reactor should
            // not look before it has seen a millisecond go by.
            self.lease.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn set_watch(&self, interest: Interest) {
        if let Some(watch) = self.watch.get() {
            // Fails only if the set were not registered, which it is for life.
            let _ = watch.modify(self.epoll.as_fd(), interest);
        }
    }

    /// Calls the members that are ready. The bell is for the thread that
    /// sleeps on the set, which `slept` says this is: hushed by another it
    /// would be missed.
    fn dispatch(&self, events: &Events, by: Driver, slept: bool) {
        for ready in events.iter() {
            if ready.key == BELL {
                if slept {
                    self.hush();
                } else if !self.polling.load(Ordering::SeqCst) {
                    self.hush();
                    // Somebody may have gone to sleep and been rung for since.
                    self.ring();
                }
                continue;
            }
            let source = self.members.lock().by_key.get(&ready.key).cloned();
            if let Some(source) = source {
                confine(&*source, |source| source.ready(ready, by));
            }
        }
    }

    fn hush(&self) {
        // In this order: see `ring`. A mark may be left without a bell, which only
        // costs a look.
        self.rung.store(false, Ordering::SeqCst);
        self.bell.hush();
    }

    /// Whether somebody else has driven the set since the reactor last asked.
    fn is_leased(&self) -> bool {
        let lease = self.lease.load(Ordering::Relaxed);
        let seen = self.lease_seen.swap(lease, Ordering::Relaxed);
        lease != seen || self.polling.load(Ordering::SeqCst)
    }

    fn remove(&self, key: u64) {
        let (member, only);
        {
            let mut members = self.members.lock();
            member = members.by_key.remove(&key);
            only = members.only.take();
            members.settle();
        }
        drop((member, only));
    }
}

impl AsFd for PollSet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

impl Drop for PollSet {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.stop(self.epoll.as_fd());
        }
    }
}

/// The set as the reactor sees it.
struct Watcher(Weak<PollSet>);

impl Source for Watcher {
    fn ready(&self, _: Ready, by: Driver) {
        let Some(set) = self.0.upgrade() else { return };
        if set.is_leased() {
            if !set.reactor.looks_away() {
                set.disarm();
                self.look_later(&set);
            }
            return;
        }
        match set.only() {
            // The bell is for others, and has to be told from the member.
            Some(only) if !set.rung.load(Ordering::SeqCst) => set.drive_only(only, by),
            _ => with_events(|events| {
                set.epoll.look(events);
                set.dispatch(events, by, false);
            }),
        }
        // What makes them ready stays until whoever has them is done, and would have the
        // reactor come back at once.
        let busy = set.found_busy.load(Ordering::Relaxed);
        if busy >= PATIENCE {
            set.disarm();
            match busy >= LONG_WORK {
                true => self.look_later(&set),
                false => set.reactor.nap(Arc::new(Self(Arc::downgrade(&set)))),
            }
        }
    }

    fn run(&self) {
        if let Some(set) = self.0.upgrade() {
            set.turn_on();
        }
    }

    fn timeout(&self) {
        let Some(set) = self.0.upgrade() else { return };
        if set.armed.load(Ordering::SeqCst) {
            return;
        }
        if set.polling.load(Ordering::SeqCst) {
            set.parked.store(true, Ordering::SeqCst);
            // It may have left in between without seeing the mark.
            if set.polling.load(Ordering::SeqCst) || !set.parked.swap(false, Ordering::SeqCst) {
                return;
            }
        }
        if set.is_leased() {
            self.look_later(&set);
        } else {
            set.turn_on();
        }
    }
}

impl Watcher {
    fn look_later(&self, set: &Arc<PollSet>) {
        let again = Arc::new(Self(Arc::downgrade(set)));
        set.reactor.set_timer(Instant::now() + LEASE, again);
    }
}

impl Membership {
    /// Changes what the source is told about. With no interest left `fd` leaves
    /// the poller: a hang-up is told of unasked, and again and again.
    pub(crate) fn modify(
        &self,
        fd: BorrowedFd<'_>,
        old: Interest,
        new: Interest,
    ) -> io::Result<()> {
        let epoll = &self.set.epoll;
        if new == Interest::NONE {
            epoll.delete(fd);
            Ok(())
        } else if old == Interest::NONE {
            epoll.add(fd, self.key, new)
        } else {
            epoll.modify(fd, self.key, new)
        }
    }

    /// Takes `fd` out of the set before it is closed. False in a process that
    /// inherited it: there it is left alone, as the parent goes on using it.
    pub(crate) fn leave(self, fd: BorrowedFd<'_>) -> bool {
        let ours = !self.set.reactor.is_foreign();
        if ours {
            self.set.epoll.delete(fd);
        }
        ours
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.set.remove(self.key);
    }
}

/// Lends the thread's event buffer; a nested call gets a fresh one.
fn with_events<R>(call: impl FnOnce(&mut Events) -> R) -> R {
    // There is none any more while the thread ends.
    let own = EVENTS.try_with(RefCell::take).ok().flatten();
    let mut events = own.unwrap_or_else(|| Events::with_capacity(64));
    let result = call(&mut events);
    let _ = EVENTS.try_with(|own| own.replace(Some(events)));
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reactor::{Lookout, Reactor, Signals, Threads, Waiting, Watched};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    fn is_readable(set: &PollSet) -> bool {
        becomes_readable(set, 0)
    }

    fn becomes_readable(set: &PollSet, seconds: i64) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(set.as_fd(), PollFlags::IN)];
        let limit = Timespec {
            tv_sec: seconds,
            tv_nsec: 0,
        };
        poll(&mut fds, Some(&limit)).is_ok_and(|n| n == 1)
    }

    #[test]
    fn a_lookout_at_many_sets_leaves_the_bell_to_who_sleeps() {
        let reactor = Reactor::start(0, &Threads::default()).unwrap();
        let sockets: Vec<Waiting> = (0..4)
            .map(|_| {
                let waiting = Waiting::default();
                waiting.set_or_init(PollSet::new(reactor.handle()).unwrap());
                waiting
            })
            .collect();
        let set = sockets[0].set().unwrap();
        // A thread is asleep on the first one and not yet awake from its bell.
        set.begin_polling();
        set.ring();
        let watched: Vec<Watched<'_>> = sockets
            .iter()
            .map(|waiting| Watched {
                waiting,
                seen: waiting.epoch(),
            })
            .collect();
        let lookout = Lookout::new().unwrap();
        lookout
            .wait(
                &watched,
                &mut [],
                Some(Instant::now()),
                Signals::PassUnseen,
                None,
            )
            .unwrap();
        assert!(is_readable(set));
    }

    struct Nobody;

    impl Source for Nobody {}

    #[test]
    fn a_bell_that_nobody_came_for_is_hushed() {
        let reactor = Reactor::start(0, &Threads::default()).unwrap();
        let set = PollSet::new(reactor.handle()).unwrap();
        let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        // The only one, which the reactor need not ask the poller for.
        let member = set
            .join(ours.as_fd(), Interest::READ, Arc::new(Nobody))
            .unwrap();
        set.begin_polling();
        set.ring();
        assert!(is_readable(&set));
        set.stop_polling();
        let deadline = Instant::now() + Duration::from_secs(30);
        while is_readable(&set) && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(!is_readable(&set));
        assert!(member.leave(ours.as_fd()));
    }

    #[test]
    fn a_broken_connection_of_no_interest_is_not_told_of() {
        let reactor = Reactor::start(0, &Threads::default()).unwrap();
        let set = PollSet::new(reactor.handle()).unwrap();
        // Keeps the reactor's hands off.
        set.begin_polling();
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let member = set
            .join(ours.as_fd(), Interest::READ, Arc::new(Nobody))
            .unwrap();
        drop(theirs);
        // While the reactor looks at the set the system shows it to nobody else.
        assert!(becomes_readable(&set, 60));
        let modify = |old, new| member.modify(ours.as_fd(), old, new).unwrap();
        modify(Interest::READ, Interest::NONE);
        assert!(!is_readable(&set));
        modify(Interest::NONE, Interest::READ);
        assert!(becomes_readable(&set, 60));
        assert!(member.leave(ours.as_fd()));
    }

    #[test]
    fn who_arms_the_set_is_not_taken_for_one_who_drives_it() {
        let reactor = Reactor::start(0, &Threads::default()).unwrap();
        let set = PollSet::new(reactor.handle()).unwrap();
        set.drive();
        set.arm();
        assert!(!set.is_leased());
        set.drive();
        assert!(set.is_leased());
    }
}
