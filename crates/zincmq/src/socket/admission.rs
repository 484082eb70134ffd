//! Whether a peer may come in: what a socket asks its context's authenticator.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;
use zmtp::{Credentials, Grant, Verdict, VerdictFault};

use super::turns::{Turns, place};
use super::zap::{HANDLER, Questions};
use crate::connection::{Application, Gate, Reply};
use crate::context::Shared;
use crate::options::SocketOptions;
use crate::security::{AuthRequest, Authenticator};
use crate::sync::Mutex;

/// The authenticator of a context, and the thread it works on.
#[derive(Default)]
pub(crate) struct Admission {
    state: Mutex<State>,
    pub(super) questions: Questions,
}

#[derive(Default)]
struct State {
    authenticator: Option<Arc<dyn Authenticator>>,
    /// Peers are let in as libzmq lets them in where nobody is asked.
    lenient: bool,
    /// To the thread; it ends when this is gone.
    cases: Option<Sender<Case>>,
}

/// A peer to be judged.
struct Case {
    authenticator: Arc<dyn Authenticator>,
    request: AuthRequest,
    reply: Reply,
}

/// A peer that no authenticator is there to judge.
struct Unjudged {
    request: AuthRequest,
    reply: Reply,
    lenient: bool,
}

impl Admission {
    /// The context ends.
    pub(crate) fn end(&self) {
        self.questions.end();
    }

    pub(crate) fn set_authenticator(&self, authenticator: Option<Arc<dyn Authenticator>>) {
        let old = std::mem::replace(&mut self.state.lock().authenticator, authenticator);
        // It may do anything as it goes, so not under the lock.
        drop(old);
    }

    pub(crate) fn be_lenient(&self) {
        self.state.lock().lenient = true;
    }

    pub(crate) fn is_lenient(&self) -> bool {
        self.state.lock().lenient
    }

    /// Has the authenticator judge; gives the case back if there is none.
    fn judge(
        &self,
        request: AuthRequest,
        reply: Reply,
        start: impl FnOnce(Box<dyn FnOnce() + Send>) -> io::Result<()>,
    ) -> Result<(), Box<Unjudged>> {
        let mut state = self.state.lock();
        let Some(authenticator) = state.authenticator.clone() else {
            let lenient = state.lenient;
            return Err(Box::new(Unjudged {
                request,
                reply,
                lenient,
            }));
        };
        let case = Case {
            authenticator,
            request,
            reply,
        };
        let cases = match &mut state.cases {
            Some(cases) => cases,
            none => {
                let (cases, receiver) = channel();
                // If there is no thread, the receiver goes, and the case with it.
                let _ = start(Box::new(move || work(&receiver)));
                none.insert(cases)
            }
        };
        let refused = cases.send(case).err();
        if refused.is_some() {
            // The next case tries again.
            state.cases = None;
        }
        drop(state);
        drop(refused);
        Ok(())
    }
}

/// The thread: one case after the other. Who has gone meanwhile costs nothing,
/// and who may have to go is judged before those who would come in, of whom
/// there may be a crowd: these take turns.
fn work(cases: &Receiver<Case>) {
    let (mut reviews, mut admissions) = (VecDeque::new(), Turns::default());
    loop {
        let mut arrived = None;
        if reviews.is_empty() && admissions.is_empty() {
            match cases.recv() {
                Ok(case) => arrived = Some(case),
                Err(_) => return,
            }
        }
        for case in arrived.into_iter().chain(cases.try_iter()) {
            match case.reply.is_review() {
                true => reviews.push_back(case),
                false => admissions.push(place(&case.request.address), case),
            }
        }
        if let Some(case) = reviews.pop_front().or_else(|| admissions.pop()) {
            case.judge();
        }
    }
}

impl Case {
    fn judge(self) {
        let Self {
            authenticator,
            request,
            reply,
        } = self;
        if !reply.is_awaited() {
            return;
        }
        let judged = catch_unwind(AssertUnwindSafe(|| match reply.is_review() {
            true => authenticator.review(&request),
            false => authenticator.authenticate(&request),
        }));
        reply.give(judged.unwrap_or(Verdict::Fail(VerdictFault::HandlerGone)));
    }
}

/// The rules by which one socket's peers come in.
pub(super) struct SocketGate {
    context: Arc<Shared>,
    domain: String,
    enforce_domain: bool,
    routing_id: Bytes,
}

impl SocketGate {
    pub(super) fn new(context: &Arc<Shared>, options: &SocketOptions) -> Self {
        Self {
            context: Arc::clone(context),
            domain: options.security().zap_domain.clone(),
            enforce_domain: options.security().zap_enforce_domain,
            routing_id: options.routing_id().clone(),
        }
    }
}

impl Gate for SocketGate {
    fn ask(&self, application: Application, reply: Reply) {
        let Application {
            address,
            claim,
            asked,
        } = application;
        let plain = matches!(claim.credentials(), Credentials::Plain { .. });
        if self.enforce_domain && self.domain.is_empty() {
            // A domain must be there for anybody to be asked.
            reply.give(Verdict::Fail(VerdictFault::NoHandler));
            return;
        }
        let request = AuthRequest {
            domain: self.domain.clone(),
            address,
            routing_id: self.routing_id.clone(),
            asked,
            claim,
        };
        let start = |job| self.context.start_thread("auth", job);
        let admission = self.context.admission();
        let Err(unjudged) = admission.judge(request, reply, start) else {
            return;
        };
        let Unjudged {
            request,
            reply,
            lenient,
        } = *unjudged;
        if self.context.inproc().is_bound(HANDLER) {
            admission.questions.ask(&self.context, &request, reply);
            return;
        }
        reply.give(match lenient && !plain && !self.enforce_domain {
            true => Verdict::Accept(Grant::default()),
            false => Verdict::Fail(VerdictFault::NoHandler),
        });
    }
}
