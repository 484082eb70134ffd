//! A thread that waits for several sockets and descriptors at once.
//!
//! It sleeps on the sockets' poll sets themselves, as a blocked receive does
//! on its own, so that what arrives wakes this thread and no other first. A
//! set that another thread sleeps on already tells of its news by a waker.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use smallvec::SmallVec;

use super::polled::{Polled, poll, take_signals};
use super::readiness::Readiness;
use super::spin::{SPIN, Spin};
use super::waiting::Stay;
use super::{Bell, Signals, Waiting, Woken, fork_generation, watch_forks};

/// Up to so many sets are read without asking which of them has something.
const FEW: usize = 2;

/// A list that needs no allocation while it is of a usual size.
pub(crate) type Short<T> = SmallVec<[T; 8]>;

#[derive(Debug)]
pub(crate) struct Lookout {
    bell: Arc<Chime>,
    waker: Waker,
    spin: Spin,
    born: u32,
}

thread_local! {
    static LOOKOUT: RefCell<Option<Lookout>> = const { RefCell::new(None) };
}

/// A socket, and the epoch that was read before it was looked at.
#[derive(Clone, Copy)]
pub(crate) struct Watched<'a> {
    pub(crate) waiting: &'a Waiting,
    pub(crate) seen: u64,
}

/// A descriptor that is not a socket's of ours.
#[derive(Debug)]
pub(crate) struct Descriptor<'a> {
    pub(crate) fd: BorrowedFd<'a>,
    pub(crate) interest: Readiness,
    /// Written by every look.
    found: PollFlags,
}

#[derive(Debug)]
struct Chime {
    bell: Bell,
    rung: AtomicBool,
}

impl Lookout {
    pub(crate) fn new() -> io::Result<Self> {
        watch_forks();
        let bell = Arc::new(Chime {
            bell: Bell::new()?,
            rung: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&bell));
        Ok(Self {
            bell,
            waker,
            spin: Spin::default(),
            born: fork_generation(),
        })
    }

    /// Ends the wait that is under way, or else the next one.
    pub(crate) fn ring(&self) {
        self.bell.wake_by_ref();
    }

    /// Lends the calling thread's own.
    pub(crate) fn of_thread<R>(call: impl FnOnce(&Self) -> R) -> io::Result<R> {
        // There is none any more while the thread ends.
        let own = LOOKOUT.try_with(RefCell::take).ok().flatten();
        // One from before a fork has its bell in common with the parent.
        let lookout = match own.filter(|lookout| lookout.born == fork_generation()) {
            Some(lookout) => lookout,
            None => Self::new()?,
        };
        let result = call(&lookout);
        let _ = LOOKOUT.try_with(|own| own.replace(Some(lookout)));
        Ok(result)
    }

    /// Waits until a socket has changed, a descriptor is ready, somebody
    /// rings or `deadline` has passed; drives the sockets meanwhile. While the
    /// thread sleeps `mask`, if there is one, is its signal mask.
    pub(crate) fn wait(
        &self,
        sockets: &[Watched<'_>],
        descriptors: &mut [Descriptor<'_>],
        deadline: Option<Instant>,
        signals: Signals,
        mask: Option<&libc::sigset_t>,
    ) -> io::Result<Woken> {
        let start = Instant::now();
        let found = match mask {
            None => self.look(sockets, descriptors, deadline)?,
            // Signals are not to wait while it goes on looking.
            Some(_) => self.look_once(sockets, descriptors)?,
        };
        if found {
            return Ok(Woken::News);
        }
        if deadline.is_some_and(|at| at <= Instant::now()) {
            return Ok(Woken::Late);
        }
        let woken = self.sleep(sockets, descriptors, deadline, signals, mask)?;
        if woken == Woken::News {
            self.spin.slept(start.elapsed());
        }
        Ok(woken)
    }

    /// What the descriptors are ready for now.
    pub(crate) fn look_at(descriptors: &mut [Descriptor<'_>]) -> io::Result<bool> {
        if descriptors.is_empty() {
            return Ok(false);
        }
        let mut fds: Short<Polled<'_>> = descriptors.iter().map(Descriptor::polled).collect();
        poll(&mut fds, Some(Duration::ZERO), None)?;
        Ok(note(descriptors, &fds))
    }

    /// Looks once, and then for as long as it pays.
    fn look(
        &self,
        sockets: &[Watched<'_>],
        descriptors: &mut [Descriptor<'_>],
        deadline: Option<Instant>,
    ) -> io::Result<bool> {
        if self.look_once(sockets, descriptors)? {
            return Ok(true);
        }
        let now = Instant::now();
        if deadline.is_some_and(|at| at <= now) {
            return Ok(false);
        }
        let longest = sockets.iter().map(|socket| socket.waiting.longest_spin());
        let Some(limit) = self.spin.limit(longest.min().unwrap_or(SPIN)) else {
            return Ok(false);
        };
        let mut until = now + limit;
        if let Some(deadline) = deadline {
            until = until.min(deadline);
        }
        loop {
            if Instant::now() >= until {
                self.spin.miss();
                return Ok(false);
            }
            if self.look_once(sockets, descriptors)? {
                self.spin.hit();
                return Ok(true);
            }
        }
    }

    fn look_once(
        &self,
        sockets: &[Watched<'_>],
        descriptors: &mut [Descriptor<'_>],
    ) -> io::Result<bool> {
        let is_some_ready = Self::look_at(descriptors)?;
        let sets = || sockets.iter().filter_map(|socket| socket.waiting.set());
        if sets().nth(FEW).is_none() {
            for set in sets() {
                set.drive();
            }
        } else {
            let mut fds: Short<Polled<'_>> = sets().map(|set| readable(set.as_fd())).collect();
            poll(&mut fds, Some(Duration::ZERO), None)?;
            for (set, fd) in sets().zip(&fds) {
                set.renew();
                if !fd.revents().is_empty() {
                    // Another thread may sleep on it.
                    set.attend(false);
                }
            }
        }
        Ok(is_some_ready || self.has_news(sockets))
    }

    fn has_news(&self, sockets: &[Watched<'_>]) -> bool {
        if self.bell.rung.load(Ordering::SeqCst) {
            self.bell.hush();
            return true;
        }
        sockets
            .iter()
            .any(|socket| socket.waiting.epoch() != socket.seen)
    }

    /// The same without looking first.
    pub(super) fn sleep(
        &self,
        sockets: &[Watched<'_>],
        descriptors: &mut [Descriptor<'_>],
        deadline: Option<Instant>,
        signals: Signals,
        mask: Option<&libc::sigset_t>,
    ) -> io::Result<Woken> {
        let stays: Short<Stay<'_>> = sockets
            .iter()
            .map(|socket| socket.waiting.enter(&self.waker))
            .collect();
        if self.has_news(sockets) {
            return Ok(Woken::News);
        }
        let sets = || stays.iter().filter_map(Stay::set);
        let mut fds: Short<Polled<'_>> = Short::with_capacity(1 + stays.len() + descriptors.len());
        fds.push(readable(self.bell.bell.as_fd()));
        fds.extend(sets().map(|set| readable(set.as_fd())));
        let before = fds.len();
        fds.extend(descriptors.iter().map(Descriptor::polled));
        let limit = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let result = poll(&mut fds, limit, mask);
        if !fds[0].revents().is_empty() {
            self.bell.hush();
        }
        // Before they are seen to: news of their own need not ring any bell.
        for set in sets() {
            set.stop_polling();
        }
        for (set, fd) in sets().zip(&fds[1..]) {
            if !fd.revents().is_empty() {
                set.attend(true);
            }
        }
        note(descriptors, &fds[before..]);
        // With something to tell of the system lets no signal through.
        let interrupted = result? || mask.is_some_and(take_signals);
        Ok(Woken::after_sleep(interrupted, signals))
    }
}

impl Chime {
    fn hush(&self) {
        self.rung.store(false, Ordering::SeqCst);
        self.bell.hush();
    }
}

impl Wake for Chime {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Set last: who sees the mark hushes the bell with it.
        self.bell.ring();
        self.rung.store(true, Ordering::SeqCst);
    }
}

impl<'a> Descriptor<'a> {
    pub(crate) fn new(fd: BorrowedFd<'a>, interest: Readiness) -> Self {
        Self {
            fd,
            interest,
            found: PollFlags::empty(),
        }
    }

    /// What the last look found it ready for.
    pub(crate) fn ready(&self) -> Readiness {
        Readiness::of_poll(self.found, self.interest)
    }

    /// The same as zmq_poll(3) tells of it.
    pub(crate) fn reported(&self) -> Readiness {
        Readiness::reported(self.found)
    }

    fn polled(&self) -> Polled<'a> {
        Polled::new(self.fd, self.interest.poll_flags())
    }
}

fn readable(fd: BorrowedFd<'_>) -> Polled<'_> {
    Polled::new(fd, PollFlags::IN)
}

/// Writes down what `fds`, made of the same descriptors, were found ready for.
fn note(descriptors: &mut [Descriptor<'_>], fds: &[Polled<'_>]) -> bool {
    let mut any = false;
    for (descriptor, fd) in descriptors.iter_mut().zip(fds) {
        descriptor.found = fd.revents();
        any |= !descriptor.found.is_empty();
    }
    any
}
