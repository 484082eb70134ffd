//! The way from a peer that asks to be let in to whoever decides, and back.

use std::fmt;
use std::sync::Weak;

use zmtp::{Claim, Verdict, VerdictFault};

use super::session::Session;

/// Decides which peers may come in.
pub(crate) trait Gate: Send + Sync {
    /// Has `reply` answered, at once or later. Called with the connection
    /// locked, so it waits for nothing.
    fn ask(&self, application: Application, reply: Reply);
}

/// A peer that asks to be let in.
pub(crate) struct Application {
    /// Where it comes from.
    pub(crate) address: String,
    /// What it has to show for itself.
    pub(crate) claim: Claim,
}

/// The answer to one peer. Dropped without one, it says that nobody answers.
pub(crate) struct Reply {
    session: Weak<Session>,
    /// Which of the session's connections asked.
    connection: u64,
}

impl Reply {
    pub(super) fn new(session: Weak<Session>, connection: u64) -> Self {
        Self {
            session,
            connection,
        }
    }

    /// Whether the peer is still there to hear it.
    pub(crate) fn is_awaited(&self) -> bool {
        self.session
            .upgrade()
            .is_some_and(|session| session.awaits(self.connection))
    }

    pub(crate) fn give(mut self, verdict: Verdict) {
        self.deliver(verdict);
    }

    fn deliver(&mut self, verdict: Verdict) {
        if let Some(session) = std::mem::take(&mut self.session).upgrade() {
            session.judged(self.connection, verdict);
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
