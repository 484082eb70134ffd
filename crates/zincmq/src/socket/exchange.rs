//! Sending and receiving, and waiting for when that is possible.

use std::time::{Duration, Instant};

use super::core::{Core, Refusal};
use crate::error::{RecvFailure, SendError, SendFailure};
use crate::message::{Message, Multipart};
use crate::options::SocketOptions;
use crate::reactor::{Readiness, Signals, Woken};

/// How long a call may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    None,
    Until(Instant, Signals),
    Forever(Signals),
}

impl Patience {
    pub(crate) fn from_limit(limit: Option<Duration>) -> Self {
        Self::heeding(limit, Signals::PassUnseen)
    }

    pub(crate) fn heeding(limit: Option<Duration>, signals: Signals) -> Self {
        match limit {
            None => Self::Forever(signals),
            Some(Duration::ZERO) => Self::None,
            Some(limit) => match Instant::now().checked_add(limit) {
                Some(at) => Self::Until(at, signals),
                // A limit past the end of time is none.
                None => Self::Forever(signals),
            },
        }
    }
}

impl Core {
    #[inline]
    pub(crate) fn send(
        &self,
        message: Multipart,
        patience: impl FnOnce(&SocketOptions) -> Patience,
    ) -> Result<(), SendError> {
        match self.attempt_send(message) {
            Ok(()) => Ok(()),
            Err(rejected) => self.send_later(rejected, patience),
        }
    }

    /// Sends if that is possible now. Does no I/O of its own.
    #[inline(always)]
    pub(crate) fn attempt_send(&self, message: Multipart) -> Result<(), SendError> {
        if let Some(refusal) = self.refusal() {
            return Err(SendError::new(refusal.into(), message));
        }
        if self.is_too_long(&message) {
            return Err(SendError::new(SendFailure::TooLong, message));
        }
        self.with_held(|state| state.pattern.send(&mut state.peers, message))
    }

    /// Goes on with what could not be sent at once.
    #[cold]
    pub(crate) fn send_later(
        &self,
        rejected: SendError,
        patience: impl FnOnce(&SocketOptions) -> Patience,
    ) -> Result<(), SendError> {
        // Before the lock is asked for: after a fork nobody may ever leave it.
        if rejected.failure() != SendFailure::WouldBlock {
            return Err(rejected);
        }
        let limit = self.with_held(|state| patience(&state.options));
        self.send_waiting(rejected, limit)
    }

    /// As a send that does not wait, as libzmq has it: whoever sends more than
    /// the high-water mark in one go, to peers that must lose nothing, is told
    /// to come back even if they have caught up meanwhile.
    pub(crate) fn send_hastily(&self, message: Multipart) -> Result<(), SendError> {
        let sent = self.attempt_hastily(message);
        if sent.is_err() && self.check_alive().is_ok() {
            self.with_held(|state| state.end_haste());
        }
        sent
    }

    fn attempt_hastily(&self, mut message: Multipart) -> Result<(), SendError> {
        let hasty = self.may_be_hasty();
        let mut last = None;
        loop {
            if let Some(refusal) = self.refusal() {
                return Err(SendError::new(refusal.into(), message));
            }
            if self.is_too_long(&message) {
                return Err(SendError::new(SendFailure::TooLong, message));
            }
            let seen = self.waiting.epoch();
            let sent = self.with_held(|state| {
                state.peers.set_hasty(hasty);
                let sent = state.pattern.send(&mut state.peers, message);
                state.peers.set_hasty(false);
                if sent.is_ok() {
                    state.end_haste();
                }
                sent
            });
            let Err(rejected) = sent else { return Ok(()) };
            if rejected.failure() != SendFailure::WouldBlock {
                return Err(rejected);
            }
            if let Err(why) = self.wait(seen, Patience::None, &mut last, Readiness::WRITABLE) {
                return Err(rejected.because(why.into()));
            }
            message = rejected.into_message();
        }
    }

    /// Nothing follows a refusal in haste that an event loop could wait for.
    fn may_be_hasty(&self) -> bool {
        !self.waiting.has_descriptor()
    }

    #[cold]
    fn send_waiting(&self, mut rejected: SendError, limit: Patience) -> Result<(), SendError> {
        let mut last = None;
        loop {
            if rejected.failure() != SendFailure::WouldBlock {
                return Err(rejected);
            }
            if let Some(refusal) = self.refusal() {
                return Err(rejected.because(refusal.into()));
            }
            let seen = self.waiting.epoch();
            rejected = match self.attempt_send(rejected.into_message()) {
                Ok(()) => return Ok(()),
                Err(rejected) => rejected,
            };
            if rejected.failure() == SendFailure::WouldBlock
                && let Err(why) = self.wait(seen, limit, &mut last, Readiness::WRITABLE)
            {
                return Err(rejected.because(why.into()));
            }
        }
    }

    /// Whether a message that begins with `first` would be taken now. C has to
    /// know when it hands over the first part. As hasty as
    /// [`Core::send_hastily`].
    pub(crate) fn admits(&self, first: &Message) -> Result<(), SendFailure> {
        self.check_alive()?;
        let admission = self.admits_hastily(first);
        self.with_held(|state| state.end_haste());
        admission
    }

    fn admits_hastily(&self, first: &Message) -> Result<(), SendFailure> {
        let hasty = self.may_be_hasty();
        match self.attempt_admission(first, hasty) {
            Err(SendFailure::WouldBlock) => {}
            other => return other,
        }
        self.hush();
        self.look();
        let admission = self.attempt_admission(first, hasty);
        if admission == Err(SendFailure::WouldBlock) {
            self.told(Readiness::WRITABLE, Readiness::NONE);
        }
        admission
    }

    /// As [`Core::admits`], waiting.
    pub(crate) fn await_admission(
        &self,
        first: &Message,
        patience: impl FnOnce(&SocketOptions) -> Patience,
    ) -> Result<(), SendFailure> {
        self.check_alive()?;
        let limit = self.with_held(|state| patience(&state.options));
        let mut last = None;
        loop {
            let seen = self.waiting.epoch();
            match self.attempt_admission(first, false) {
                Err(SendFailure::WouldBlock) => {}
                other => return other,
            }
            self.wait(seen, limit, &mut last, Readiness::WRITABLE)?;
        }
    }

    pub(crate) fn attempt_admission(
        &self,
        first: &Message,
        hasty: bool,
    ) -> Result<(), SendFailure> {
        self.check_alive()?;
        self.with_held(|state| {
            state.peers.set_hasty(hasty);
            let route = state.pattern.route_state(&mut state.peers, first);
            state.peers.set_hasty(false);
            route?;
            if state.pattern.can_send(&mut state.peers) {
                return Ok(());
            }
            // It will not be taken, but says why.
            let attempt = Multipart::from([first.clone(), Message::new()]);
            match state.pattern.send(&mut state.peers, attempt) {
                Err(rejected) => Err(rejected.failure()),
                Ok(()) => Ok(()),
            }
        })
    }

    pub(crate) fn check_alive(&self) -> Result<(), SendFailure> {
        match self.refusal() {
            Some(refusal) => Err(refusal.into()),
            None => Ok(()),
        }
    }

    /// Receives; `WAITS` tells that the caller has some patience.
    #[inline]
    pub(crate) fn recv<const WAITS: bool>(
        &self,
        patience: impl FnOnce(&SocketOptions) -> Patience,
    ) -> Result<Multipart, RecvFailure> {
        self.recv_or::<WAITS>(patience, &|| None)
    }

    /// The same, or before it waits what `elsewhere` has. Who puts something
    /// there notifies.
    #[inline]
    pub(crate) fn recv_or<const WAITS: bool>(
        &self,
        patience: impl FnOnce(&SocketOptions) -> Patience,
        elsewhere: &dyn Fn() -> Option<Multipart>,
    ) -> Result<Multipart, RecvFailure> {
        match self.recv_now(WAITS) {
            Err(RecvFailure::WouldBlock) => self.recv_later(patience, elsewhere),
            other => other,
        }
    }

    /// Receives if something is there; `waits` tells that the caller has some
    /// patience. Does no I/O of its own.
    #[inline(always)]
    pub(crate) fn recv_now(&self, waits: bool) -> Result<Multipart, RecvFailure> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal.into());
        }
        self.with(|state| {
            state.peers.set_patient(waits);
            state.pattern.recv(&mut state.peers)
        })
    }

    /// Goes on when nothing was there.
    #[cold]
    pub(crate) fn recv_later(
        &self,
        patience: impl FnOnce(&SocketOptions) -> Patience,
        elsewhere: &dyn Fn() -> Option<Multipart>,
    ) -> Result<Multipart, RecvFailure> {
        let limit = self.with(|state| patience(&state.options));
        self.recv_waiting(limit, elsewhere)
    }

    fn recv_waiting(
        &self,
        limit: Patience,
        elsewhere: &dyn Fn() -> Option<Multipart>,
    ) -> Result<Multipart, RecvFailure> {
        let mut last = None;
        loop {
            if let Some(refusal) = self.refusal() {
                return Err(refusal.into());
            }
            let seen = self.waiting.epoch();
            if let Some(message) = elsewhere() {
                return Ok(message);
            }
            match self.with(|state| state.pattern.recv(&mut state.peers)) {
                Err(RecvFailure::WouldBlock) => {}
                other => return other,
            }
            self.wait(seen, limit, &mut last, Readiness::READABLE)?;
        }
    }

    /// Waits for something to change since `seen`, so that the caller can do
    /// what it is `after`. When the time is up there is one `last` try, as what
    /// is ready then should still be had.
    fn wait(
        &self,
        seen: u64,
        limit: Patience,
        last: &mut Option<GaveUp>,
        after: Readiness,
    ) -> Result<(), GaveUp> {
        let (deadline, signals) = match (*last, limit) {
            (None, Patience::None) => return self.glance(seen, last),
            (None, Patience::Forever(signals)) => (None, signals),
            (None, Patience::Until(at, signals)) => (Some(at), signals),
            (Some(why), _) => {
                if why == GaveUp::WouldBlock {
                    self.told(after, Readiness::NONE);
                }
                return Err(why);
            }
        };
        *last = match self.waiting.wait(seen, deadline, signals) {
            Woken::News => None,
            Woken::Late => Some(GaveUp::TimedOut),
            Woken::Interrupted => return Err(GaveUp::Interrupted),
        };
        Ok(())
    }

    /// The wait of those who have no patience: a look at the connections.
    fn glance(&self, seen: u64, last: &mut Option<GaveUp>) -> Result<(), GaveUp> {
        let hushed = self.hush();
        self.look_again(hushed);
        if !hushed && self.waiting.epoch() == seen {
            return Err(GaveUp::WouldBlock);
        }
        *last = Some(GaveUp::WouldBlock);
        Ok(())
    }

    #[inline]
    pub(super) fn is_too_long(&self, message: &Multipart) -> bool {
        self.longest_part
            .is_some_and(|longest| message.iter().any(|part| part.len() as u64 > longest))
    }

    /// Receives if something is there. Does no I/O of its own.
    pub(crate) fn attempt_recv(&self) -> Result<Multipart, RecvFailure> {
        self.recv_now(false)
    }

    /// What of `interest` could be done now. Does no I/O of its own.
    pub(crate) fn readiness(&self, interest: Readiness) -> Result<Readiness, RecvFailure> {
        self.ready(interest).map_err(Refusal::into)
    }

    pub(super) fn ready(&self, interest: Readiness) -> Result<Readiness, Refusal> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal);
        }
        Ok(self.with(|state| {
            let mut ready = Readiness::NONE;
            if interest.is_readable() && state.pattern.can_recv(&mut state.peers) {
                ready |= Readiness::READABLE;
            }
            if interest.is_writable() && state.pattern.can_send(&mut state.peers) {
                ready |= Readiness::WRITABLE;
            }
            ready
        }))
    }

    /// One non-blocking look at the connections, by one who will not be back.
    pub(crate) fn look(&self) {
        if let Some(set) = self.waiting.set() {
            set.drive_unleased();
        }
    }
}

/// Why a caller waits no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GaveUp {
    WouldBlock,
    TimedOut,
    Interrupted,
}

impl From<GaveUp> for SendFailure {
    fn from(why: GaveUp) -> Self {
        match why {
            GaveUp::WouldBlock => Self::WouldBlock,
            GaveUp::TimedOut => Self::TimedOut,
            GaveUp::Interrupted => Self::Interrupted,
        }
    }
}

impl From<GaveUp> for RecvFailure {
    fn from(why: GaveUp) -> Self {
        match why {
            GaveUp::WouldBlock => Self::WouldBlock,
            GaveUp::TimedOut => Self::TimedOut,
            GaveUp::Interrupted => Self::Interrupted,
        }
    }
}
