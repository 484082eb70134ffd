//! Whether the peer may come in, and stay.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Instant;

use zmtp::{Claim, Verdict};

use super::standing::Landed;
use super::{Inner, REVOKE, Session, VERDICT, WRITE};
use crate::connection::{Application, Link as _, Reply};
use crate::reactor::Driver;

impl Session {
    /// Has someone decide whether the peer may come in.
    pub(super) fn ask(&self, inner: &Inner, claim: Claim) {
        let Some(wire) = &inner.wire else { return };
        self.asking.store(inner.wires, Ordering::SeqCst);
        let application = Application {
            address: wire.peer_address.clone(),
            claim,
            asked: Instant::now(),
        };
        self.standing.lock().asks(inner.wires, application.clone());
        self.have_judged(inner.wires, application);
    }

    fn have_judged(&self, connection: u64, application: Application) {
        let reply = Reply::admission(Weak::clone(&self.me), connection);
        self.options.gate.ask(application, reply);
    }

    /// Whether the peer of that connection still waits to be let in.
    pub(in crate::connection) fn awaits(&self, connection: u64) -> bool {
        self.asking.load(Ordering::SeqCst) == connection
    }

    /// Takes the verdict on the peer of that connection.
    pub(in crate::connection) fn judged(&self, connection: u64, verdict: Verdict) {
        if !self.awaits(connection) {
            return;
        }
        let landed = self.standing.lock().land(connection, verdict);
        match landed {
            Landed::Stands => {
                self.drive(VERDICT | WRITE, Driver::Application);
            }
            Landed::StandsForNow => {
                self.drive(VERDICT | WRITE, Driver::Application);
                self.review();
            }
            Landed::AskAgain(application) => self.have_judged(connection, application),
            Landed::Late => {}
        }
    }

    /// The peer of that connection is judged from now on.
    pub(in crate::connection) fn begin(&self, connection: u64) -> Option<Instant> {
        if !self.awaits(connection) {
            return None;
        }
        self.standing.lock().begin(connection)
    }

    /// Whether the peer of that connection, about which a verdict has been found,
    /// is to be looked at once more.
    pub(in crate::connection) fn look_again(&self, connection: u64) -> bool {
        self.standing.lock().look_again(connection)
    }

    /// That look found otherwise.
    pub(in crate::connection) fn overtake(&self, connection: u64) {
        self.standing.lock().overtake(connection);
    }

    /// Asks once more about the peer of that connection, if it waits.
    pub(in crate::connection) fn ask_again(&self, connection: u64) {
        let application = self.standing.lock().waiting(connection);
        if let Some(application) = application {
            self.have_judged(connection, application);
        }
    }

    /// Whether the peer of that connection was let in and is there, and that
    /// review its last.
    pub(in crate::connection) fn awaits_review(&self, connection: u64, number: u64) -> bool {
        self.standing.lock().awaits_review(connection, number)
    }

    pub(in crate::connection) fn line_up(&self, connection: u64, number: u64) {
        self.standing.lock().line_up(connection, number);
    }

    pub(in crate::connection) fn begin_review(&self, connection: u64, number: u64) -> bool {
        self.standing.lock().begin_review(connection, number)
    }

    /// Takes the verdict on whether the peer of that connection may stay.
    pub(in crate::connection) fn reviewed(&self, connection: u64, verdict: Verdict) {
        let reason = match verdict {
            Verdict::Accept(_) => return,
            Verdict::Deny { reason, .. } => reason,
            Verdict::Fail(fault) => fault.to_string(),
        };
        let revoked = self.standing.lock().revoke(connection, reason);
        if revoked {
            self.drive(REVOKE, Driver::Application);
        }
    }
}
