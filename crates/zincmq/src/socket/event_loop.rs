//! A socket in an event loop that is not ours: the descriptor to wait for
//! (ZMQ_FD), and how things stand (ZMQ_EVENTS).

use std::os::fd::BorrowedFd;

use super::core::{Core, Refusal};
use crate::options::OptionError;
use crate::reactor::Readiness;

const POLL_IN: i32 = 1;
const POLL_OUT: i32 = 2;

impl Core {
    pub(crate) fn readiness_fd(&self) -> Result<BorrowedFd<'_>, OptionError> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal.into());
        }
        self.waiting
            .descriptor()
            .map_err(|error| OptionError::System {
                option: "FD",
                code: error.raw_os_error().unwrap_or_default(),
            })
    }

    /// ZMQ_POLLIN and ZMQ_POLLOUT, as they are now.
    pub(super) fn events(&self) -> Result<i32, OptionError> {
        let ready = self.readiness_now(Readiness::READABLE | Readiness::WRITABLE)?;
        let mut events = 0;
        if ready.is_readable() {
            events |= POLL_IN;
        }
        if ready.is_writable() {
            events |= POLL_OUT;
        }
        Ok(events)
    }

    pub(crate) fn can_recv(&self) -> bool {
        self.can(Readiness::READABLE)
    }

    pub(crate) fn can_send(&self) -> bool {
        self.can(Readiness::WRITABLE)
    }

    fn can(&self, what: Readiness) -> bool {
        self.readiness_now(what).is_ok_and(|ready| ready == what)
    }

    /// Asks the pattern; if it cannot, asks once more after a look at the
    /// connections.
    fn readiness_now(&self, asked: Readiness) -> Result<Readiness, Refusal> {
        let hushed = self.hush();
        let mut ready = self.ready(asked)?;
        if ready != asked {
            self.look_again(hushed);
            ready = self.ready(asked)?;
        }
        self.told(asked, ready);
        Ok(ready)
    }

    /// A look at the connections. While the reactor drives them for an event
    /// loop, that is not to hold it off.
    pub(super) fn look_again(&self, hushed: bool) {
        if hushed {
            self.look();
        } else if let Some(set) = self.waiting().set() {
            set.drive();
        }
    }

    /// Makes the descriptor unreadable, if there is one, before a call that
    /// looks how things stand and tells the program. At the end of the socket
    /// it stays readable: there is nothing more to wait for.
    pub(super) fn hush(&self) -> bool {
        let hushed = self.refusal().is_none() && self.waiting.hush();
        if hushed && self.refusal().is_some() {
            self.waiting.ring();
        }
        hushed
    }

    /// Ends such a call, which found the socket `ready` for some of what was
    /// `asked`. News of what it did not ask for, and the program waits for,
    /// must not be lost: they make the descriptor readable once more.
    pub(super) fn told(&self, asked: Readiness, ready: Readiness) {
        let others = self.waiting.told(asked, ready);
        if !others.is_empty() && self.ready(others).is_ok_and(|ready| !ready.is_empty()) {
            self.waiting.ring();
        }
    }
}
