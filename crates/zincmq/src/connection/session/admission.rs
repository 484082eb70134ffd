//! Whether the peer may come in, and stay.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Instant;

use zmtp::{Claim, Verdict};

use super::standing::Landed;
use super::{Inner, REVOKE, Session, VERDICT, WRITE};
use crate::connection::{Application, Reply};
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
            Landed::AskAgain(application) => self.have_judged(connection, application),
            Landed::Late => {}
        }
    }

    /// Whether the peer of that connection was let in and is there.
    pub(in crate::connection) fn hosts(&self, connection: u64) -> bool {
        self.standing.lock().is_admitted(connection)
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
