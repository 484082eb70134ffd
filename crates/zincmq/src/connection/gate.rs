//! The way from a peer that asks to be let in to whoever decides, and back.

use std::fmt;
use std::sync::Weak;
use std::time::Instant;

use zmtp::{Claim, Verdict, VerdictFault};

use super::Link as _;
use super::session::Session;

/// Decides which peers may come in.
pub(crate) trait Gate: Send + Sync {
    /// Has `reply` answered, at once or later. Called with the connection
    /// locked, so it waits for nothing.
    fn ask(&self, application: Application, reply: Reply);
}

/// A peer that asks to be let in, or has asked and is to be judged again.
#[derive(Clone)]
pub(crate) struct Application {
    /// Where it comes from.
    pub(crate) address: String,
    /// What it has to show for itself.
    pub(crate) claim: Claim,
    /// When it asked.
    pub(crate) asked: Instant,
}

/// The answer to one peer. Dropped without one, it says that nobody answers.
pub(crate) struct Reply {
    session: Weak<Session>,
    /// Which of the session's connections it is about.
    connection: u64,
    matter: Matter,
}

/// What a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matter {
    /// Whether the peer may come in.
    Admission,
    /// Whether the peer, who was let in, may stay: its review with that number.
    Review(u64),
}

impl Reply {
    pub(super) fn admission(session: Weak<Session>, connection: u64) -> Self {
        Self {
            session,
            connection,
            matter: Matter::Admission,
        }
    }

    pub(super) fn review(session: Weak<Session>, connection: u64, number: u64) -> Self {
        Self {
            session,
            connection,
            matter: Matter::Review(number),
        }
    }

    /// Whether the peer was let in before.
    pub(crate) fn is_review(&self) -> bool {
        matches!(self.matter, Matter::Review(_))
    }

    /// Whether the peer is still there to hear it.
    pub(crate) fn is_awaited(&self) -> bool {
        self.session
            .upgrade()
            .is_some_and(|session| match self.matter {
                Matter::Admission => session.awaits(self.connection),
                Matter::Review(number) => session.awaits_review(self.connection, number),
            })
    }

    /// It will be a while until somebody looks at it.
    pub(crate) fn line_up(&self) {
        if let Matter::Review(number) = self.matter
            && let Some(session) = self.session.upgrade()
        {
            session.line_up(self.connection, number);
        }
    }

    /// Somebody looks at it now. When the peer asked; `None` if nobody waits for
    /// it any more.
    pub(crate) fn begin(&self, asked: Instant) -> Option<Instant> {
        let session = self.session.upgrade()?;
        match self.matter {
            Matter::Admission => session.begin(self.connection),
            Matter::Review(number) => session
                .begin_review(self.connection, number)
                .then_some(asked),
        }
    }

    /// A verdict that lets the peer in has been found. Whether it is to be looked
    /// at once more, as what it was judged by may have changed meanwhile.
    pub(crate) fn look_again(&self) -> bool {
        let session = self.session.upgrade();
        self.matter == Matter::Admission
            && session.is_some_and(|session| session.look_again(self.connection))
    }

    /// That look found otherwise than the verdict.
    pub(crate) fn overtake(&self) {
        if let Some(session) = self.session.upgrade() {
            session.overtake(self.connection);
        }
    }

    /// Puts the question again, as who was to answer does not any more.
    pub(crate) fn put_again(mut self) {
        if let Some(session) = std::mem::take(&mut self.session).upgrade() {
            match self.matter {
                Matter::Admission => session.ask_again(self.connection),
                Matter::Review(_) => session.review(),
            }
        }
    }

    /// Nobody answers, which keeps out who waits; who was let in stays.
    pub(crate) fn give_up(mut self) {
        if self.is_review() {
            self.session = Weak::new();
        }
    }

    pub(crate) fn give(mut self, verdict: Verdict) {
        self.deliver(verdict);
    }

    fn deliver(&mut self, verdict: Verdict) {
        if let Some(session) = std::mem::take(&mut self.session).upgrade() {
            match self.matter {
                Matter::Admission => session.judged(self.connection, verdict),
                Matter::Review(_) => session.reviewed(self.connection, verdict),
            }
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.deliver(Verdict::Fail(VerdictFault::HandlerGone));
    }
}

impl fmt::Debug for dyn Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}
