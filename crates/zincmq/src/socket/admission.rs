//! Whether a peer may come in: what a socket asks its context's authenticator.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use zmtp::{Credentials, Grant, Verdict, VerdictFault};

use super::desk::{Case, Desk};
use super::zap::{HANDLER, Questions};
use crate::connection::{Application, Gate, Reply};
use crate::context::Shared;
use crate::options::SocketOptions;
use crate::security::{AuthRequest, Authenticator};
use crate::sync::Mutex;

/// The authenticator of a context, and the thread it works on.
#[derive(Default)]
pub(crate) struct Admission {
    desk: Arc<Desk>,
    /// Peers are let in as libzmq lets them in where nobody is asked.
    lenient: Mutex<bool>,
    pub(super) questions: Questions,
}

impl Admission {
    /// The context ends.
    pub(crate) fn end(&self) {
        self.questions.end();
    }

    pub(crate) fn set_authenticator(&self, authenticator: Option<Arc<dyn Authenticator>>) {
        let old = self.desk.appoint(authenticator);
        // It may do anything as it goes, so not under the lock.
        drop(old);
    }

    pub(crate) fn be_lenient(&self) {
        *self.lenient.lock() = true;
    }

    pub(crate) fn is_lenient(&self) -> bool {
        *self.lenient.lock()
    }

    /// Has the authenticator judge; gives the case back if there is none.
    fn judge(
        &self,
        case: Case,
        start: impl FnOnce(Box<dyn FnOnce() + Send>) -> io::Result<()>,
    ) -> Option<Case> {
        self.desk
            .take_in(case, |desk| start(Box::new(move || desk.work())))
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.desk.close();
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
        let Some(case) = admission.judge(Case { request, reply }, start) else {
            return;
        };
        let Case { request, reply } = case;
        if self.context.inproc().is_bound(HANDLER) {
            admission.questions.ask(&self.context, &request, reply);
            return;
        }
        let lenient = *admission.lenient.lock();
        reply.give(match lenient && !plain && !self.enforce_domain {
            true => Verdict::Accept(Grant::default()),
            false => Verdict::Fail(VerdictFault::NoHandler),
        });
    }
}
