//! How the peer of a session stands with who decides whether it may come in,
//! and stay.

use std::time::Instant;

use zmtp::Verdict;

use crate::connection::Application;

/// Guarded by a lock of its own, as verdicts come from other threads. Each of
/// the session's connections has a number, and what is about one that has ended
/// counts for nothing.
#[derive(Default)]
pub(super) struct Standing {
    case: Option<Case>,
    /// Not taken up by the engine yet.
    verdict: Option<(u64, Verdict)>,
    /// Which connection is to end, and why.
    revoked: Option<(u64, String)>,
}

/// A peer that asked to be let in.
struct Case {
    connection: u64,
    application: Application,
    admitted: bool,
    /// What is being judged by may have changed since it asked.
    stale: bool,
}

/// What becomes of a verdict.
pub(super) enum Landed {
    /// It goes to the engine.
    Stands,
    /// The question has to be put again.
    AskAgain(Application),
    /// Nobody waits for it.
    Late,
}

impl Standing {
    /// The peer of the connection asks to be let in.
    pub(super) fn asks(&mut self, connection: u64, application: Application) {
        self.case = Some(Case {
            connection,
            application,
            admitted: false,
            stale: false,
        });
    }

    /// A verdict on the peer of the connection. One that is older than the last
    /// review does not count.
    pub(super) fn land(&mut self, connection: u64, verdict: Verdict) -> Landed {
        let Some(case) = self.case_of(connection) else {
            return Landed::Late;
        };
        if std::mem::take(&mut case.stale) {
            case.application.asked = Instant::now();
            return Landed::AskAgain(case.application.clone());
        }
        case.admitted = matches!(verdict, Verdict::Accept(_));
        self.verdict = Some((connection, verdict));
        Landed::Stands
    }

    /// Takes the verdict for the engine of the connection.
    pub(super) fn take_verdict(&mut self, connection: u64) -> Option<Verdict> {
        let (about, verdict) = self.verdict.take()?;
        (about == connection).then_some(verdict)
    }

    /// What a peer that was let in is to be judged by once more. Who still waits
    /// for a verdict is judged by what holds now.
    pub(super) fn review(&mut self) -> Option<(u64, Application)> {
        self.outdate();
        let case = self.case.as_ref().filter(|case| case.admitted)?;
        Some((case.connection, case.application.clone()))
    }

    /// Who still waits for a verdict is judged by what holds now.
    pub(super) fn outdate(&mut self) {
        if let Some(case) = &mut self.case {
            case.stale = !case.admitted;
        }
    }

    /// The peer of the connection may not stay. False if it has gone.
    pub(super) fn revoke(&mut self, connection: u64, reason: String) -> bool {
        let stands = self.case_of(connection).is_some();
        if stands {
            self.revoked = Some((connection, reason));
        }
        stands
    }

    /// Takes the reason why the connection is to end.
    pub(super) fn take_revoked(&mut self, connection: u64) -> Option<String> {
        let (about, reason) = self.revoked.take()?;
        (about == connection).then_some(reason)
    }

    /// Whether the peer of the connection was let in and is still there.
    pub(super) fn is_admitted(&mut self, connection: u64) -> bool {
        self.case_of(connection).is_some_and(|case| case.admitted)
    }

    fn case_of(&mut self, connection: u64) -> Option<&mut Case> {
        self.case
            .as_mut()
            .filter(|case| case.connection == connection)
    }
}

#[cfg(test)]
mod tests {
    use zmtp::{Claim, Credentials, Denial};

    use super::*;

    fn application() -> Application {
        Application {
            address: "127.0.0.1".to_owned(),
            claim: Claim::from(Credentials::Null),
            asked: Instant::now(),
        }
    }

    #[test]
    fn a_verdict_older_than_a_review_is_asked_for_again() {
        let mut standing = Standing::default();
        standing.asks(1, application());
        assert!(standing.review().is_none());
        let landed = standing.land(1, Verdict::accept("anna"));
        assert!(matches!(landed, Landed::AskAgain(_)));
        assert_eq!(standing.take_verdict(1), None);
        let denied = Verdict::deny(Denial::Refused, "no longer");
        assert!(matches!(standing.land(1, denied.clone()), Landed::Stands));
        assert_eq!(standing.take_verdict(1), Some(denied));
        assert!(!standing.is_admitted(1));
    }

    #[test]
    fn who_was_let_in_is_reviewed_and_can_be_revoked() {
        let mut standing = Standing::default();
        standing.asks(3, application());
        assert!(!standing.is_admitted(3));
        assert!(matches!(
            standing.land(3, Verdict::accept("anna")),
            Landed::Stands
        ));
        assert!(matches!(standing.review(), Some((3, _))));
        assert!(standing.is_admitted(3));
        assert!(standing.revoke(3, "off the list".to_owned()));
        assert_eq!(standing.take_revoked(3).as_deref(), Some("off the list"));
        assert_eq!(standing.take_revoked(3), None);
    }

    #[test]
    fn what_is_about_an_earlier_connection_counts_for_nothing() {
        let mut standing = Standing::default();
        standing.asks(1, application());
        assert!(matches!(
            standing.land(1, Verdict::accept("anna")),
            Landed::Stands
        ));
        standing.asks(2, application());
        assert!(matches!(
            standing.land(1, Verdict::accept("anna")),
            Landed::Late
        ));
        assert!(!standing.revoke(1, "gone".to_owned()));
        assert_eq!(standing.take_verdict(2), None);
        assert!(standing.review().is_none());
    }
}
