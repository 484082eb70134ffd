//! A poller in an event loop that is not ours.

use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use zincmq::Readiness;

use crate::boundary::Outcome;
use crate::errno::{code, of_system};
use crate::poll::Target;

/// A descriptor that is readable while something watched may be ready.
pub struct Descriptor(OwnedFd);

/// That something is watched: a double of a socket's descriptor, to be there
/// when the socket is closed; none of any other.
#[derive(Clone)]
pub struct Watch(Option<Arc<OwnedFd>>);

impl Descriptor {
    /// One that tells of nothing yet.
    pub fn new() -> Outcome<Self> {
        match epoll::create(CreateFlags::CLOEXEC) {
            Ok(epoll) => Ok(Self(epoll)),
            Err(error) => Err(error.raw_os_error()),
        }
    }

    /// What C is told of it.
    pub fn number(&self) -> c_int {
        self.0.as_raw_fd()
    }

    /// Has it tell of `target`, if that is of any interest.
    ///
    /// # Errors
    ///
    /// The system's, EPERM for files.
    pub fn watch(&self, target: &Target, interest: Readiness) -> Outcome<Option<Watch>> {
        if interest.is_empty() {
            return Ok(None);
        }
        let (double, result) = match target {
            Target::Socket(socket) => {
                let fd = socket.engine.readiness_fd().map_err(code)?;
                let double = fd.try_clone_to_owned().map_err(|e| of_system(&e))?;
                let result = self.add(&double, EventFlags::IN);
                (Some(Arc::new(double)), result)
            }
            Target::Descriptor(fd) => (None, self.add(fd, flags(interest))),
        };
        match result {
            Ok(()) => Ok(Some(Watch(double))),
            Err(error) => Err(error.raw_os_error()),
        }
    }

    fn add(&self, fd: impl AsFd, flags: EventFlags) -> Result<(), Errno> {
        epoll::add(&self.0, fd, EventData::new_u64(0), flags)
    }

    /// Has it tell of `target` no more.
    pub fn forget(&self, target: &Target, watch: &Watch) {
        let fd = match (target, &watch.0) {
            (_, Some(double)) => double.as_fd(),
            (Target::Descriptor(fd), None) => *fd,
            (Target::Socket(_), None) => return,
        };
        // What the program has closed is not watched any more.
        let _ = epoll::delete(&self.0, fd);
    }
}

/// Has the descriptor of a socket be unreadable until there is news.
pub fn hush(target: &Target) {
    const EVENTS: i32 = 15;
    if let Target::Socket(socket) = target {
        // A look; what it finds is told of by the next poll.
        let _ = socket.engine.option_by_number(EVENTS);
    }
}

fn flags(interest: Readiness) -> EventFlags {
    let mut flags = EventFlags::empty();
    flags.set(EventFlags::IN, interest.is_readable());
    flags.set(EventFlags::OUT, interest.is_writable());
    flags.set(EventFlags::PRI, interest.is_urgent());
    flags
}
