//! How a connection ends, and how a session does.

use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use zmtp::Denial;

use super::standing::Standing;
use super::{Inner, Session};
use crate::connection::Ending;
use crate::connection::wire::Wire;
use crate::message::PeerInfo;
use crate::monitor::EventKind;
use crate::reactor::survives;

/// What a session reports its losses to, if it was dialled.
pub(in crate::connection) trait Redial: Send + Sync {
    /// The connection is gone; the pipes stay, and wait for another.
    /// `was_ready` tells whether its handshake had been completed.
    fn lost(&self, ending: &Ending, was_ready: bool);
    /// The session is over.
    fn over(&self);
}

impl Session {
    /// The connection is gone, for better or worse.
    pub(super) fn end_connection(&self, inner: &mut Inner, ending: Ending) {
        let mut lost = 0;
        let mut was_ready = false;
        // Who sends over the next connection has to wake us again.
        inner.napping = false;
        inner.full = false;
        self.asking.store(0, Ordering::SeqCst);
        *self.standing.lock() = Standing::default();
        if let Some(timer) = inner.timer.take() {
            self.set.reactor().cancel_timer(timer);
        }
        // Any part of it may call what panics, such as a task's waker, or drop it:
        // the rest is done all the same.
        let mut wire = inner.wire.take();
        if let Some(wire) = &mut wire {
            // An ERROR for the peer may be waiting. After a panic nobody knows
            // what is.
            if !matches!(ending, Ending::Panicked) {
                survives(|| {
                    wire.transmit();
                    let _ = wire.flush();
                });
            }
            lost = wire.unfinished();
            was_ready = wire.is_ready();
        }
        if lost > 0 {
            self.port.lost(lost);
        }
        if was_ready {
            survives(|| self.notify(inner, self.options.notices.at_end.iter()));
        }
        let over = inner.closing
            && (matches!(ending, Ending::HungUp | Ending::Panicked) || self.nothing_left(inner))
            || matches!(ending, Ending::Drained | Ending::HungUp);
        let redial = self.redial.get().and_then(Weak::upgrade);
        let redial = redial.filter(|_| !over);
        if redial.is_none() {
            self.leave(inner);
        } else if self.options.detach_on_loss || self.options.raw {
            self.detach_surely(inner);
        }
        // Who hears of it may send at once, and not to this peer.
        if let Some(wire) = wire {
            survives(|| self.report(&wire, &ending, inner.info.as_ref()));
            survives(|| drop(wire));
        }
        match redial {
            Some(redial) => {
                survives(|| redial.lost(&ending, was_ready));
            }
            None => self.end(inner),
        }
    }

    /// Has the socket without this peer.
    fn leave(&self, inner: &mut Inner) {
        let left = inner.out.as_ref().map_or(0, |out| out.len() as u64);
        self.detach_surely(inner);
        if left > 0 {
            self.port.lost(left);
        }
    }

    /// Drops what is left, of which any may panic: the socket waits for what
    /// comes after it all the same.
    fn detach_surely(&self, inner: &mut Inner) {
        if !survives(|| self.detach(inner)) {
            survives(|| self.port.ended(self.key));
        }
    }

    /// Ends the session's own part of the pipes.
    fn detach(&self, inner: &mut Inner) {
        let attached = inner.inn.is_some();
        if let Some(mut inn) = inner.inn.take() {
            let _ = inn.close();
        }
        if let Some(mut out) = inner.out.take()
            && out.close()
        {
            self.port.writable(self.key);
        }
        if attached {
            self.port.ended(self.key);
        }
    }

    /// Ends the session for good.
    pub(super) fn end(&self, inner: &mut Inner) {
        if std::mem::replace(&mut inner.ended, true) {
            return;
        }
        self.leave(inner);
        inner.info = None;
        // The socket may be done with the link, and its monitors with that.
        if let Some(redial) = self.redial.get().and_then(Weak::upgrade) {
            survives(|| redial.over());
        }
        self.port.link_ended(self.key);
    }

    pub(super) fn report(&self, wire: &Wire, ending: &Ending, info: Option<&Arc<PeerInfo>>) {
        let deliberate = ending.is_deliberate();
        let revoked = matches!(ending, Ending::Revoked(_));
        if !wire.is_ready() && (!deliberate || revoked) {
            let error = match ending {
                Ending::Protocol(error) => Some(error),
                _ => None,
            };
            let status = match revoked {
                true => Some(Denial::Refused.code()),
                false => error.and_then(zmtp::Error::auth_status),
            };
            self.port.event(
                &wire.place,
                info,
                EventKind::HandshakeFailed {
                    code: error.and_then(zmtp::Error::code),
                    status,
                    errno: ending.errno(),
                    reason: ending.to_string(),
                },
            );
        }
        self.port.event(
            &wire.place,
            info,
            EventKind::Disconnected {
                fd: wire.stream().fd().as_raw_fd(),
                deliberate,
                reason: ending.to_string(),
            },
        );
    }
}
