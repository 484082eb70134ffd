//! Where peers wait for an authenticator, which judges them one after the other.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, PoisonError};
use std::time::{Duration, Instant};

use zmtp::{Verdict, VerdictFault};

use super::turns::{Turns, place};
use crate::connection::Reply;
use crate::reactor::survives;
use crate::security::{AuthRequest, Authenticator};
use crate::sync::Mutex;

/// With fewer peers waiting it is not looked for those that have gone.
const FEW: usize = 64;
/// So many times as long as on one who would come in may be spent on reviews
/// before the next one.
const REVIEWS_SHARE: u32 = 4;

/// A peer to be judged.
pub(super) struct Case {
    pub(super) request: AuthRequest,
    pub(super) reply: Reply,
}

#[derive(Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    /// There is something to do, or never will be again.
    bell: Condvar,
}

#[derive(Default)]
struct State {
    authenticator: Option<Arc<dyn Authenticator>>,
    reviews: VecDeque<Case>,
    admissions: Crowd,
    /// What the last admission cost, and reviews since.
    admission_cost: Duration,
    spent_on_reviews: Duration,
    has_thread: bool,
    is_closed: bool,
}

/// Those who would come in.
#[derive(Default)]
struct Crowd {
    turns: Turns<Case>,
    len: usize,
    /// From so many on, those that have gone are looked for.
    limit: usize,
}

impl Desk {
    /// From now on this one judges, also those who wait already. Gives back its
    /// predecessor.
    pub(super) fn appoint(
        &self,
        authenticator: Option<Arc<dyn Authenticator>>,
    ) -> Option<Arc<dyn Authenticator>> {
        std::mem::replace(&mut self.state.lock().authenticator, authenticator)
    }

    /// Ends the thread.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
        self.bell.notify_all();
    }

    /// Has the case judged; gives it back if there is no authenticator. `start`
    /// has a thread [`work`](Self::work).
    pub(super) fn take_in(
        self: &Arc<Self>,
        case: Case,
        start: impl FnOnce(Arc<Self>) -> io::Result<()>,
    ) -> Option<Case> {
        let mut state = self.state.lock();
        if state.authenticator.is_none() {
            return Some(case);
        }
        match case.reply.is_review() {
            true => {
                case.reply.line_up();
                state.reviews.push_back(case);
            }
            false => state.admissions.push(case),
        }
        if !state.has_thread {
            state.has_thread = start(Arc::clone(self)).is_ok();
        }
        if !state.has_thread {
            // Nobody judges them, but the next one tries again.
            let unjudged = (
                std::mem::take(&mut state.reviews),
                std::mem::take(&mut state.admissions),
            );
            drop(state);
            drop(unjudged);
            return None;
        }
        let is_crowded = state.admissions.len > state.admissions.limit.max(FEW);
        drop(state);
        self.bell.notify_one();
        if is_crowded {
            self.sweep();
        }
        None
    }

    /// Forgets those that wait no more, however long the authenticator takes.
    fn sweep(&self) {
        let mut crowd = std::mem::take(&mut self.state.lock().admissions);
        // Without the lock: the end of a connection may be what is found.
        let mut waiting: Vec<Case> = std::iter::from_fn(|| crowd.pop()).collect();
        waiting.retain(|case| case.reply.is_awaited());
        let mut state = self.state.lock();
        let mut newer = std::mem::take(&mut state.admissions);
        for case in waiting
            .into_iter()
            .chain(std::iter::from_fn(|| newer.pop()))
        {
            state.admissions.push(case);
        }
        state.admissions.limit = 2 * state.admissions.len;
        drop(state);
        self.bell.notify_one();
    }

    /// The thread.
    pub(super) fn work(&self) {
        while let Some(case) = self.next() {
            let is_review = case.reply.is_review();
            let begun = Instant::now();
            // Whatever else may be thrown: the others are to be judged, too.
            survives(|| case.judge(self));
            self.state.lock().spent(is_review, begun.elapsed());
        }
    }

    fn next(&self) -> Option<Case> {
        let mut state = self.state.lock();
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(case) = state.next() {
                return Some(case);
            }
            let woken = self.bell.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    /// Who may have to go is judged before those who would come in, of whom there
    /// may be a crowd; but these get some of the time, whatever reviews cost.
    fn next(&mut self) -> Option<Case> {
        let is_admissions_turn =
            self.spent_on_reviews > self.admission_cost.saturating_mul(REVIEWS_SHARE);
        let case = match is_admissions_turn {
            true => self.admissions.pop(),
            false => self.reviews.pop_front(),
        };
        case.or_else(|| self.reviews.pop_front())
            .or_else(|| self.admissions.pop())
    }

    fn spent(&mut self, is_review: bool, time: Duration) {
        if is_review {
            self.spent_on_reviews = self.spent_on_reviews.saturating_add(time);
        } else {
            self.admission_cost = time;
            self.spent_on_reviews = Duration::ZERO;
        }
    }
}

impl Case {
    fn judge(self, desk: &Desk) {
        let Self { mut request, reply } = self;
        let Some(asked) = reply.begin(request.asked) else {
            return reply.give_up();
        };
        request.asked = asked;
        // Not before: a review may have followed a change of it.
        let Some(authenticator) = desk.state.lock().authenticator.clone() else {
            return reply.put_again();
        };
        let mut verdict = Verdict::Fail(VerdictFault::HandlerGone);
        let is_review = reply.is_review();
        survives(|| {
            verdict = match is_review {
                true => authenticator.review(&request),
                false => admit(&*authenticator, &request, &reply),
            };
            // It may be its end, which may throw as well.
            drop(authenticator);
        });
        reply.give(verdict);
    }
}

/// A change that comes while a peer is judged may concern it as it does those
/// who are in: to review it is quick, as a rule, where to judge it anew is not.
fn admit(authenticator: &dyn Authenticator, request: &AuthRequest, reply: &Reply) -> Verdict {
    let verdict = authenticator.authenticate(request);
    while matches!(verdict, Verdict::Accept(_)) && reply.look_again() {
        let reviewed = authenticator.review(request);
        if !matches!(reviewed, Verdict::Accept(_)) {
            reply.overtake();
            return reviewed;
        }
    }
    verdict
}

impl Crowd {
    /// A crowd that keeps the judge busy with passwords does not keep others
    /// from showing keys.
    fn push(&mut self, case: Case) {
        let mechanism = case.request.credentials().mechanism();
        let place = format!("{mechanism} {}", place(&case.request.address));
        self.turns.push(place, case);
        self.len += 1;
    }

    fn pop(&mut self) -> Option<Case> {
        let case = self.turns.pop()?;
        self.len -= 1;
        Some(case)
    }
}
