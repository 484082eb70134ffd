//! One way through a proxy, from one socket to the other.

use std::sync::atomic::{AtomicU64, Ordering};

use super::CAPTURE;
use super::statistics::Side;
use crate::error::{ProxyError, RecvFailure, SendFailure};
use crate::message::Multipart;
use crate::reactor::Readiness;
use crate::socket::{End, Socket, Transfer};

/// Messages moved before the other way gets its turn.
const BATCH: usize = 256;

/// From one socket to the other.
pub(super) struct Way<'a> {
    pub(super) from: &'a Socket,
    pub(super) to: &'a Socket,
    pub(super) read: &'a Side,
    pub(super) written: &'a Side,
    /// Received, and not taken by `to` or the capture socket yet.
    pub(super) held: Option<Multipart>,
    /// Still to be captured.
    pub(super) copy: Option<Multipart>,
    /// By key, what of the three sockets it waits for.
    pub(super) waits_for: [Readiness; 3],
    pub(super) keys: (usize, usize),
}

impl Way<'_> {
    /// Moves up to a batch; if it moves none, `waits_for` tells what it needs.
    pub(super) fn carry(
        &mut self,
        capture: Option<&Socket>,
        dropped: &AtomicU64,
    ) -> Result<usize, ProxyError> {
        self.waits_for = [Readiness::NONE; 3];
        let mut moved = 0;
        while moved < BATCH {
            if !self.hand_over(capture, dropped)? {
                break;
            }
            if capture.is_none() && self.keys.0 != self.keys.1 {
                let (more, goes_on) = self.transfer(BATCH - moved, dropped)?;
                moved += more;
                if !goes_on {
                    break;
                }
                continue;
            }
            if !self.is_way_free(capture) {
                break;
            }
            match self.from.inner().attempt_recv() {
                Ok(message) => {
                    self.read.received(1, message.size() as u64);
                    self.copy = capture.is_some().then(|| message.clone());
                    self.held = Some(message);
                    moved += 1;
                }
                Err(RecvFailure::WouldBlock) => {
                    self.waits_for[self.keys.0] |= Readiness::READABLE;
                    break;
                }
                // A socket that only sends has nothing to pass on.
                Err(RecvFailure::CannotReceive(_)) => break,
                Err(failure) => return Err(ProxyError::of_recv(failure)),
            }
        }
        if moved == BATCH {
            self.hand_over(capture, dropped)?;
        }
        Ok(moved)
    }

    /// Moves up to `limit` straight from one to the other. Says how many, and
    /// whether there may be more.
    fn transfer(&mut self, limit: usize, dropped: &AtomicU64) -> Result<(usize, bool), ProxyError> {
        let Transfer {
            received,
            sent,
            end,
        } = self.from.inner().transfer(self.to.inner(), limit);
        self.read.received(received.messages, received.bytes);
        self.written.sent(sent.messages, sent.bytes);
        let mut goes_on = true;
        match end {
            End::Pause => {}
            End::NoRoom => {
                self.waits_for[self.keys.1] |= Readiness::WRITABLE;
                goes_on = false;
            }
            End::NotReceived(RecvFailure::WouldBlock) => {
                self.waits_for[self.keys.0] |= Readiness::READABLE;
                goes_on = false;
            }
            // A socket that only sends has nothing to pass on.
            End::NotReceived(RecvFailure::CannotReceive(_)) => goes_on = false,
            End::NotReceived(failure) => return Err(ProxyError::of_recv(failure)),
            End::CannotSend(failure) => return Err(ProxyError::of_send(failure)),
            End::NotSent(SendFailure::WouldBlock, message) => self.held = Some(message),
            End::NotSent(failure, _) => {
                tolerate(failure)?;
                dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok((received.messages, goes_on))
    }

    /// Whether what is received now could be sent at once.
    fn is_way_free(&mut self, capture: Option<&Socket>) -> bool {
        let (from, to) = self.keys;
        // A socket that talks to itself, such as REP, may only be able to
        // send once it has received.
        if from != to && !has_room(self.to) {
            self.waits_for[to] |= Readiness::WRITABLE;
            return false;
        }
        if let Some(capture) = capture
            && !has_room(capture)
        {
            self.waits_for[CAPTURE] |= Readiness::WRITABLE;
            return false;
        }
        true
    }

    /// Sends what is held. False if some of it must still wait.
    pub(super) fn hand_over(
        &mut self,
        capture: Option<&Socket>,
        dropped: &AtomicU64,
    ) -> Result<bool, ProxyError> {
        if let (Some(copy), Some(capture)) = (self.copy.take(), capture) {
            match capture.inner().attempt_send(copy) {
                Ok(()) => {}
                Err(error) if error.failure() == SendFailure::WouldBlock => {
                    self.copy = Some(error.into_message());
                    self.waits_for[CAPTURE] |= Readiness::WRITABLE;
                    return Ok(false);
                }
                Err(error) => tolerate(error.failure())?,
            }
        }
        let Some(message) = self.held.take() else {
            return Ok(true);
        };
        let bytes = message.size() as u64;
        match self.to.inner().attempt_send(message) {
            Ok(()) => self.written.sent(1, bytes),
            Err(error) if error.failure() == SendFailure::WouldBlock => {
                self.held = Some(error.into_message());
                self.waits_for[self.keys.1] |= Readiness::WRITABLE;
                return Ok(false);
            }
            Err(error) => {
                tolerate(error.failure())?;
                dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(true)
    }
}

/// Whether a send would be taken; true for a type that never sends, so that
/// the send itself tells.
fn has_room(socket: &Socket) -> bool {
    !socket
        .inner()
        .readiness(Readiness::WRITABLE)
        .is_ok_and(Readiness::is_empty)
}

/// What concerns one message must not end the proxy for all others.
fn tolerate(failure: SendFailure) -> Result<(), ProxyError> {
    match failure {
        SendFailure::Unroutable
        | SendFailure::MalformedEnvelope
        | SendFailure::TooLong
        | SendFailure::WrongState(_)
        | SendFailure::MultipartUnsupported => Ok(()),
        failure => Err(ProxyError::of_send(failure)),
    }
}
