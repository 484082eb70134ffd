//! The OS poller that keeps what it watches, and the only file that names it. Level-triggered: whoever
//! comes next finds what the last one left unread.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::readiness::Readiness;

/// What to be told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Interest {
    pub(crate) const NONE: Self = Self {
        read: false,
        write: false,
    };
    pub(crate) const READ: Self = Self {
        read: true,
        write: false,
    };
    pub(crate) const WRITE: Self = Self {
        read: false,
        write: true,
    };

    fn flags(self) -> EventFlags {
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN | EventFlags::RDHUP, self.read);
        flags.set(EventFlags::OUT, self.write);
        flags
    }
}

/// What a descriptor is ready for. Errors and hang-ups count as both: the
/// read or write that follows tells which.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) key: u64,
    pub(crate) read: bool,
    pub(crate) write: bool,
}

/// Room for the events of one wait.
pub(crate) struct Events(Vec<epoll::Event>);

impl Events {
    pub(crate) fn with_capacity(n: usize) -> Self {
        Self(Vec::with_capacity(n))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Ready> + '_ {
        self.0.iter().map(|event| {
            let flags = event.flags;
            let broken = flags.intersects(EventFlags::ERR | EventFlags::HUP);
            Ready {
                key: event.data.u64(),
                read: broken || flags.intersects(EventFlags::IN | EventFlags::RDHUP),
                write: broken || flags.contains(EventFlags::OUT),
            }
        })
    }
}

#[derive(Debug)]
pub(crate) struct Epoll(OwnedFd);

impl Epoll {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(epoll::create(CreateFlags::CLOEXEC)?))
    }

    pub(crate) fn add(&self, fd: BorrowedFd<'_>, key: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(
            &self.0,
            fd,
            EventData::new_u64(key),
            interest.flags(),
        )?)
    }

    /// Adds `fd` for what a program asked for, which may be urgent data.
    pub(super) fn add_for(&self, fd: BorrowedFd<'_>, interest: Readiness) -> io::Result<()> {
        let flags = interest.epoll_flags();
        Ok(epoll::add(&self.0, fd, EventData::new_u64(0), flags)?)
    }

    pub(crate) fn modify(
        &self,
        fd: BorrowedFd<'_>,
        key: u64,
        interest: Interest,
    ) -> io::Result<()> {
        Ok(epoll::modify(
            &self.0,
            fd,
            EventData::new_u64(key),
            interest.flags(),
        )?)
    }

    pub(crate) fn delete(&self, fd: BorrowedFd<'_>) {
        // Fails only for a descriptor that is not in the set.
        let _ = epoll::delete(&self.0, fd);
    }

    /// Waits until something is ready or `deadline` has passed; `None` waits
    /// for ever. True if a signal ended it, with no events.
    #[must_use]
    pub(crate) fn wait(&self, events: &mut Events, deadline: Option<Instant>) -> bool {
        let timeout = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        self.wait_for(events, timeout)
    }

    /// What is ready now.
    pub(crate) fn look(&self, events: &mut Events) {
        self.wait_for(events, Some(Duration::ZERO));
    }

    fn wait_for(&self, events: &mut Events, timeout: Option<Duration>) -> bool {
        events.0.clear();
        let timeout = timeout.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        });
        let room = rustix::buffer::spare_capacity(&mut events.0);
        match epoll::wait(&self.0, room, timeout.as_ref()) {
            Ok(_) => false,
            Err(Errno::INTR) => true,
            // A wait on a valid set fails for no other reason; were it to,
            // a pause keeps the loop from burning a core.
            Err(_) => {
                std::thread::sleep(Duration::from_millis(1));
                false
            }
        }
    }
}

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
