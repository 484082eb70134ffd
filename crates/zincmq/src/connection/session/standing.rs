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

/// So many verdicts on a peer are thrown away, at most, as what it was judged by
/// may have changed meanwhile.
const MOST_OVERTAKEN: u32 = 3;

/// A peer that asked to be let in.
struct Case {
    connection: u64,
    application: Application,
    admitted: bool,
    /// What it is judged by may have changed since that began.
    stale: bool,
    /// Someone else judges now.
    replaced: bool,
    /// How many verdicts did not count because of changes.
    overtaken: u32,
    /// The number of its last review.
    review: u64,
    /// That review has not begun.
    review_in_line: bool,
}

/// What becomes of a verdict.
pub(super) enum Landed {
    /// It goes to the engine.
    Stands,
    /// It goes to the engine, and the peer is to be reviewed at once.
    StandsForNow,
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
            replaced: false,
            overtaken: 0,
            review: 0,
            review_in_line: false,
        });
    }

    /// A verdict on the peer of the connection. One that is older than the last
    /// review does not count; but where reviews come faster than verdicts that
    /// has an end, and who is let in then is reviewed as those who are in.
    pub(super) fn land(&mut self, connection: u64, verdict: Verdict) -> Landed {
        let Some(case) = self.case_of(connection) else {
            return Landed::Late;
        };
        let stale = std::mem::take(&mut case.stale);
        if std::mem::take(&mut case.replaced) || (stale && case.overtaken < MOST_OVERTAKEN) {
            case.overtaken += 1;
            case.application.asked = Instant::now();
            return Landed::AskAgain(case.application.clone());
        }
        case.admitted = matches!(verdict, Verdict::Accept(_));
        let for_now = stale && case.admitted;
        self.verdict = Some((connection, verdict));
        match for_now {
            true => Landed::StandsForNow,
            false => Landed::Stands,
        }
    }

    /// Whether the peer of the connection, about which a verdict has been found,
    /// is to be looked at once more before it lands, as a change has overtaken it.
    pub(super) fn look_again(&mut self, connection: u64) -> bool {
        let overtaken = |case: &&mut Case| {
            let may = case.stale && !case.replaced && case.overtaken < MOST_OVERTAKEN;
            may && !case.admitted
        };
        let Some(case) = self.case_of(connection).filter(overtaken) else {
            return false;
        };
        case.stale = false;
        case.overtaken += 1;
        true
    }

    /// That look found otherwise than the verdict.
    pub(super) fn overtake(&mut self, connection: u64) {
        if let Some(case) = self.case_of(connection) {
            case.stale = !case.admitted;
        }
    }

    /// Takes the verdict for the engine of the connection.
    pub(super) fn take_verdict(&mut self, connection: u64) -> Option<Verdict> {
        let (about, verdict) = self.verdict.take()?;
        (about == connection).then_some(verdict)
    }

    /// The peer's turn to be judged has come: by what holds from now on. When it
    /// asked, if that was before a review, or else did; `None` if it waits no more.
    pub(super) fn begin(&mut self, connection: u64) -> Option<Instant> {
        let case = self.case_of(connection).filter(|case| !case.admitted)?;
        case.replaced = false;
        if std::mem::take(&mut case.stale) {
            case.application.asked = Instant::now();
        }
        Some(case.application.asked)
    }

    /// What a peer that was let in is to be judged by once more, with the number
    /// of that review. `None` if a former one has not begun, which does as well;
    /// or if the peer waits for a verdict: it is judged by what holds now.
    pub(super) fn review(&mut self) -> Option<(u64, u64, Application)> {
        self.outdate();
        let case = self.case.as_mut()?;
        if !case.admitted || case.review_in_line {
            return None;
        }
        case.review += 1;
        Some((case.connection, case.review, case.application.clone()))
    }

    /// That review begins later, for as long as which no other is asked for.
    pub(super) fn line_up(&mut self, connection: u64, review: u64) {
        if let Some(case) = self.case_of(connection)
            && case.review == review
        {
            case.review_in_line = true;
        }
    }

    /// The review begins. False if the peer has gone, or another review has taken
    /// its place.
    pub(super) fn begin_review(&mut self, connection: u64, review: u64) -> bool {
        let case = self.case_of(connection);
        let Some(case) = case.filter(|case| case.admitted && case.review == review) else {
            return false;
        };
        case.review_in_line = false;
        true
    }

    /// The question about a peer that waits for its verdict.
    pub(super) fn waiting(&mut self, connection: u64) -> Option<Application> {
        let case = self.case_of(connection).filter(|case| !case.admitted)?;
        Some(case.application.clone())
    }

    /// Who still waits for a verdict is judged by what holds now.
    fn outdate(&mut self) {
        if let Some(case) = &mut self.case {
            case.stale = !case.admitted;
        }
    }

    /// Who still waits for a verdict is judged by someone else.
    pub(super) fn replace_judge(&mut self) {
        self.outdate();
        if let Some(case) = &mut self.case {
            case.replaced = case.stale;
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

    /// Whether the peer of the connection was let in and is still there, and that
    /// review its last.
    pub(super) fn awaits_review(&mut self, connection: u64, review: u64) -> bool {
        self.case_of(connection)
            .is_some_and(|case| case.admitted && case.review == review)
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
        assert!(!standing.awaits_review(1, 0));
    }

    #[test]
    fn reviews_that_keep_coming_do_not_keep_a_peer_waiting_for_ever() {
        let mut standing = Standing::default();
        standing.asks(1, application());
        for _ in 0..MOST_OVERTAKEN {
            assert!(standing.review().is_none());
            let landed = standing.land(1, Verdict::accept("anna"));
            assert!(matches!(landed, Landed::AskAgain(_)));
            assert_eq!(standing.take_verdict(1), None);
        }
        assert!(standing.review().is_none());
        let landed = standing.land(1, Verdict::accept("anna"));
        assert!(matches!(landed, Landed::StandsForNow));
        assert_eq!(standing.take_verdict(1), Some(Verdict::accept("anna")));
        assert!(matches!(standing.review(), Some((1, 1, _))));
    }

    #[test]
    fn of_who_is_judged_by_another_now_no_former_verdict_counts() {
        let mut standing = Standing::default();
        standing.asks(1, application());
        for _ in 0..=2 * MOST_OVERTAKEN {
            standing.replace_judge();
            assert!(!standing.look_again(1));
            let landed = standing.land(1, Verdict::accept("anna"));
            assert!(matches!(landed, Landed::AskAgain(_)));
        }
        standing.replace_judge();
        assert!(standing.begin(1).is_some());
        let landed = standing.land(1, Verdict::accept("anna"));
        assert!(matches!(landed, Landed::Stands));
    }

    #[test]
    fn a_verdict_that_a_change_has_overtaken_is_looked_at_again() {
        let mut standing = Standing::default();
        standing.asks(1, application());
        let asked = standing.begin(1);
        assert!(!standing.look_again(1));
        standing.review();
        assert!(standing.look_again(1) && !standing.look_again(1));
        assert_eq!(standing.begin(1), asked);
        // It holds still.
        let landed = standing.land(1, Verdict::accept("anna"));
        assert!(matches!(landed, Landed::Stands));

        standing.asks(2, application());
        standing.review();
        assert!(standing.look_again(2));
        // It does not.
        standing.overtake(2);
        let denied = Verdict::deny(Denial::Refused, "no longer");
        assert!(matches!(
            standing.land(2, denied.clone()),
            Landed::AskAgain(_)
        ));
        for _ in 2..MOST_OVERTAKEN {
            standing.review();
            assert!(standing.look_again(2));
        }
        standing.review();
        assert!(!standing.look_again(2));
        assert!(matches!(standing.land(2, denied), Landed::Stands));
    }

    #[test]
    fn who_was_let_in_is_reviewed_and_can_be_revoked() {
        let mut standing = Standing::default();
        standing.asks(3, application());
        assert!(!standing.awaits_review(3, 0));
        assert!(matches!(
            standing.land(3, Verdict::accept("anna")),
            Landed::Stands
        ));
        assert!(matches!(standing.review(), Some((3, 1, _))));
        assert!(standing.awaits_review(3, 1));
        assert!(standing.revoke(3, "off the list".to_owned()));
        assert_eq!(standing.take_revoked(3).as_deref(), Some("off the list"));
        assert_eq!(standing.take_revoked(3), None);
    }

    #[test]
    fn a_review_before_the_peer_is_judged_changes_nothing() {
        let mut standing = Standing::default();
        standing.asks(1, application());
        assert!(standing.review().is_none());
        assert!(standing.begin(1).is_some());
        let landed = standing.land(1, Verdict::accept("anna"));
        assert!(matches!(landed, Landed::Stands));
        assert!(standing.begin(1).is_none());
    }

    #[test]
    fn a_review_in_line_does_for_those_asked_for_meanwhile() {
        let mut standing = Standing::default();
        standing.asks(1, application());
        standing.land(1, Verdict::accept("anna"));
        assert!(matches!(standing.review(), Some((1, 1, _))));
        // Nobody has it wait: the next takes its place.
        assert!(matches!(standing.review(), Some((1, 2, _))));
        assert!(!standing.begin_review(1, 1));
        standing.line_up(1, 2);
        assert!(standing.review().is_none());
        assert!(standing.begin_review(1, 2));
        assert!(matches!(standing.review(), Some((1, 3, _))));
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
