//! A thread that waits for several sockets and descriptors at once.
//!
//! It sleeps on the sockets' poll sets themselves, as a blocked receive does
//! on its own, so that what arrives wakes this thread and no other first. A
//! set that another thread sleeps on already tells of its news by a waker.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use smallvec::SmallVec;

use super::readiness::Readiness;
use super::spin::Spin;
use super::waiting::Stay;
use super::{Bell, Waiting};

/// Up to so many sets are read without asking which of them has something.
const FEW: usize = 2;

/// A list that needs no allocation while it is of a usual size.
pub(crate) type Short<T> = SmallVec<[T; 8]>;

#[derive(Debug)]
pub(crate) struct Lookout {
    bell: Arc<Chime>,
    waker: Waker,
    spin: Spin,
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
    pub(crate) ready: Readiness,
}

#[derive(Debug)]
struct Chime {
    bell: Bell,
    rung: AtomicBool,
}

impl Lookout {
    pub(crate) fn new() -> io::Result<Self> {
        let bell = Arc::new(Chime {
            bell: Bell::new()?,
            rung: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&bell));
        Ok(Self {
            bell,
            waker,
            spin: Spin::default(),
        })
    }

    /// Ends the wait that is under way, or else the next one.
    pub(crate) fn ring(&self) {
        self.bell.wake_by_ref();
    }

    /// Waits until a socket has changed, a descriptor is ready, somebody
    /// rings or `deadline` has passed; drives the sockets meanwhile.
    pub(crate) fn wait(
        &self,
        sockets: &[Watched<'_>],
        descriptors: &mut [Descriptor<'_>],
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        if self.look(sockets, descriptors, deadline)?
            || deadline.is_some_and(|at| at <= Instant::now())
        {
            return Ok(());
        }
        self.sleep(sockets, descriptors, deadline)
    }

    /// What the descriptors are ready for now.
    pub(crate) fn look_at(descriptors: &mut [Descriptor<'_>]) -> io::Result<bool> {
        if descriptors.is_empty() {
            return Ok(false);
        }
        let mut fds: Short<PollFd<'_>> = descriptors.iter().map(Descriptor::poll_fd).collect();
        poll_for(&mut fds, Some(Duration::ZERO))?;
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
        let Some(limit) = self.spin.limit() else {
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
            let mut fds: Short<PollFd<'_>> = sets().map(|set| readable(set.as_fd())).collect();
            poll_for(&mut fds, Some(Duration::ZERO))?;
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

    fn sleep(
        &self,
        sockets: &[Watched<'_>],
        descriptors: &mut [Descriptor<'_>],
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        let stays: Short<Stay<'_>> = sockets
            .iter()
            .map(|socket| socket.waiting.enter(&self.waker))
            .collect();
        if self.has_news(sockets) {
            return Ok(());
        }
        let sets = || stays.iter().filter_map(Stay::set);
        let mut fds: Short<PollFd<'_>> = Short::with_capacity(1 + stays.len() + descriptors.len());
        fds.push(readable(self.bell.bell.as_fd()));
        fds.extend(sets().map(|set| readable(set.as_fd())));
        let before = fds.len();
        fds.extend(descriptors.iter().map(Descriptor::poll_fd));
        let limit = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let result = poll_for(&mut fds, limit);
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
        result
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
    fn poll_fd(&self) -> PollFd<'a> {
        PollFd::from_borrowed_fd(self.fd, self.interest.poll_flags())
    }
}

fn readable(fd: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::from_borrowed_fd(fd, PollFlags::IN)
}

/// Writes down what `fds`, made of the same descriptors, were found ready for.
fn note(descriptors: &mut [Descriptor<'_>], fds: &[PollFd<'_>]) -> bool {
    let mut any = false;
    for (descriptor, fd) in descriptors.iter_mut().zip(fds) {
        descriptor.ready = Readiness::of_poll(fd.revents(), descriptor.interest);
        any |= !descriptor.ready.is_empty();
    }
    any
}

/// Interrupted waits return early with nothing.
fn poll_for(fds: &mut [PollFd<'_>], limit: Option<Duration>) -> io::Result<()> {
    let limit = limit.map(|left| Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(left.subsec_nanos()),
    });
    match poll(fds, limit.as_ref()) {
        Ok(_) => Ok(()),
        Err(Errno::INTR) => {
            for fd in fds {
                fd.clear_revents();
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
