//! What something polled is ready for, or is to be watched for.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use rustix::event::PollFlags;
use rustix::event::epoll::EventFlags;

/// A set of conditions, for asking and for answering (zmq_poll(3)).
///
/// ```
/// use zincmq::Readiness;
///
/// let both = Readiness::READABLE | Readiness::WRITABLE;
/// assert!(both.is_readable() && !both.is_error());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Readiness(u8);

impl Readiness {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// A receive or read would not wait (ZMQ_POLLIN).
    pub const READABLE: Self = Self(1);
    /// A send or write would not wait (ZMQ_POLLOUT).
    pub const WRITABLE: Self = Self(2);
    /// A descriptor has failed or its far side is gone (ZMQ_POLLERR); told of
    /// every descriptor, asked for or not, and never of a socket.
    pub const ERROR: Self = Self(4);
    /// A descriptor has urgent data (ZMQ_POLLPRI); sockets have none.
    pub const URGENT: Self = Self(8);

    /// Whether a receive or read would not wait.
    #[must_use]
    pub fn is_readable(self) -> bool {
        self.contains(Self::READABLE)
    }

    /// Whether a send or write would not wait.
    #[must_use]
    pub fn is_writable(self) -> bool {
        self.contains(Self::WRITABLE)
    }

    /// Whether a descriptor has failed or its far side is gone.
    #[must_use]
    pub fn is_error(self) -> bool {
        self.contains(Self::ERROR)
    }

    /// Whether a descriptor has urgent data.
    #[must_use]
    pub fn is_urgent(self) -> bool {
        self.contains(Self::URGENT)
    }

    /// Whether all of `other` are among these.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are not among `other`.
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn poll_flags(self) -> PollFlags {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, self.is_readable());
        flags.set(PollFlags::OUT, self.is_writable());
        flags.set(PollFlags::PRI, self.is_urgent());
        flags
    }

    pub(super) fn epoll_flags(self) -> EventFlags {
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, self.is_readable());
        flags.set(EventFlags::OUT, self.is_writable());
        flags.set(EventFlags::PRI, self.is_urgent());
        flags
    }

    /// What poll(2) found, as zmq_poll(3) tells of it.
    pub(super) fn reported(flags: PollFlags) -> Self {
        let known = PollFlags::IN | PollFlags::OUT | PollFlags::PRI;
        let mut ready = Self::NONE;
        for (flag, condition) in [
            (PollFlags::IN, Self::READABLE),
            (PollFlags::OUT, Self::WRITABLE),
            (PollFlags::PRI, Self::URGENT),
            (known.complement(), Self::ERROR),
        ] {
            if flags.intersects(flag) {
                ready |= condition;
            }
        }
        ready
    }

    /// The same, and that a read does not wait after the end of a pipe.
    pub(super) fn of_poll(flags: PollFlags, interest: Self) -> Self {
        let ready = Self::reported(flags);
        if flags.contains(PollFlags::HUP) && interest.is_readable() {
            return ready | Self::READABLE;
        }
        ready
    }
}

impl BitOr for Readiness {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Readiness {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::READABLE, "READABLE"),
            (Self::WRITABLE, "WRITABLE"),
            (Self::ERROR, "ERROR"),
            (Self::URGENT, "URGENT"),
        ];
        let mut first = true;
        for (bit, name) in names {
            if self.contains(bit) {
                f.write_str(if first { "" } else { " | " })?;
                f.write_str(name)?;
                first = false;
            }
        }
        f.write_str(if first { "NONE" } else { "" })
    }
}
