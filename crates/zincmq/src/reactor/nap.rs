//! Short pauses of sources that expect more to do before long. A timer of the
//! kernel's, as the poller itself counts in milliseconds.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::Timespec;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use super::Source;
use crate::sync::Mutex;

/// How long a nap takes: long enough for a batch to gather, short enough to be
/// no longer than a wake-up on a busy machine.
const NAP: Duration = Duration::from_micros(100);

pub(super) struct Naps {
    clock: OwnedFd,
    sleepers: Mutex<Vec<Arc<dyn Source>>>,
}

impl Naps {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            clock: timerfd_create(
                TimerfdClockId::Monotonic,
                TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
            )?,
            sleepers: Mutex::default(),
        })
    }

    /// Takes `source` in; those who nap already wake with it.
    pub(super) fn add(&self, source: Arc<dyn Source>) {
        let mut sleepers = self.sleepers.lock();
        sleepers.push(source);
        if sleepers.len() == 1 {
            let once = Itimerspec {
                it_interval: Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                },
                it_value: Timespec {
                    tv_sec: 0,
                    tv_nsec: i64::from(NAP.subsec_nanos()),
                },
            };
            // Fails only for a time that is none.
            let _ = timerfd_settime(&self.clock, TimerfdTimerFlags::empty(), &once);
        }
    }

    /// The nap is over.
    pub(super) fn wake(&self) -> Vec<Arc<dyn Source>> {
        let _ = rustix::io::read(&self.clock, &mut [0u8; 8]);
        std::mem::take(&mut *self.sleepers.lock())
    }
}

impl AsFd for Naps {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.clock.as_fd()
    }
}
