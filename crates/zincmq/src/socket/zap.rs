//! ZAP (RFC 27): questions to a handler that is a socket of the same context,
//! as programs written for libzmq have it.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use zmtp::{Credentials, Verdict, VerdictFault, zap};

use super::Socket;
use super::core::Core;
use crate::SocketType;
use crate::connection::Reply;
use crate::context::Shared;
use crate::error::RecvFailure;
use crate::message::{Message, Multipart};
use crate::options::opt::{self, SocketOption};
use crate::reactor::Ticket;
use crate::security::AuthRequest;
use crate::sync::Mutex;

/// Where RFC 27 has handlers bind, over inproc.
pub(super) const HANDLER: &str = "zeromq.zap.01";

/// Each question has a socket of its own, and so needs no id of its own.
const REQUEST_ID: &str = "1";

/// The questions that are not answered yet.
#[derive(Default)]
pub(super) struct Questions(Mutex<Vec<Arc<Question>>>);

/// One question, and the DEALER that asks it.
struct Question {
    core: Arc<Core>,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    reply: Option<Reply>,
    ticket: Ticket,
}

impl Questions {
    /// Asks the handler; `reply` is given when it has answered, and nobody
    /// waits for that.
    pub(super) fn ask(&self, context: &Arc<Shared>, request: &AuthRequest, reply: Reply) {
        // Those that nobody waits for any more end here.
        self.sweep();
        let Some(core) = dealer(context) else {
            return reply.give(Verdict::Fail(VerdictFault::NoHandler));
        };
        let question = Arc::new(Question {
            core,
            waiting: Mutex::new(Waiting {
                reply: Some(reply),
                ticket: Ticket::default(),
            }),
        });
        self.0.lock().push(Arc::clone(&question));
        let asked = question.core.attempt_send(written(request));
        if asked.is_err() {
            return question.end(Verdict::Fail(VerdictFault::NoHandler));
        }
        question.look();
    }

    /// Ends all of them, as the context does.
    pub(super) fn end(&self) {
        let questions = std::mem::take(&mut *self.0.lock());
        for question in questions {
            question.give_up();
        }
    }

    fn sweep(&self) {
        let idle: Vec<_> = self
            .0
            .lock()
            .extract_if(.., |question| !question.is_awaited())
            .collect();
        for question in idle {
            question.give_up();
        }
    }
}

impl Question {
    fn is_awaited(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.reply.as_ref().is_some_and(Reply::is_awaited)
    }

    /// Looks for the reply, and sees to it that it is looked for again.
    fn look(self: &Arc<Self>) {
        let received = match self.core.attempt_recv() {
            Err(RecvFailure::WouldBlock) => {
                let waker = Waker::from(Arc::clone(self));
                let mut waiting = self.waiting.lock();
                if waiting.reply.is_none() {
                    return;
                }
                self.core.waiting().register(&mut waiting.ticket, &waker);
                drop(waiting);
                self.core.attempt_recv()
            }
            other => other,
        };
        match received {
            Ok(reply) => self.end(verdict_in(&reply)),
            // Also if the handler has left: as with one that never answers, the
            // handshake's time limit is the peer's.
            Err(RecvFailure::WouldBlock) => {}
            Err(_) => self.end(Verdict::Fail(VerdictFault::HandlerGone)),
        }
    }

    /// Gives the verdict, the first time.
    fn end(&self, verdict: Verdict) {
        let reply = self.close();
        if let Some(reply) = reply {
            reply.give(verdict);
        }
    }

    /// Who waits to come in is told that nobody answers.
    fn give_up(&self) {
        if let Some(reply) = self.close() {
            reply.give_up();
        }
    }

    /// Who waits for the verdict, the first time.
    fn close(&self) -> Option<Reply> {
        let (reply, mut ticket) = {
            let mut waiting = self.waiting.lock();
            (waiting.reply.take(), std::mem::take(&mut waiting.ticket))
        };
        self.core.waiting().withdraw(&mut ticket);
        // The list keeps the question, that the socket, and that the context.
        let questions = &self.core.context.admission().questions;
        let mine = |question: &mut Arc<Self>| std::ptr::eq(&**question, self);
        let ended: Vec<_> = questions.0.lock().extract_if(.., mine).collect();
        self.core.close();
        drop(ended);
        reply
    }
}

impl Wake for Question {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

/// A DEALER that asks the handler. It is none of the context's sockets: it is
/// not counted among them, and nobody waits for its end.
fn dealer(context: &Arc<Shared>) -> Option<Arc<Core>> {
    let options = context.socket_defaults(SocketType::Dealer);
    let core = Socket::core(0, SocketType::Dealer, Arc::clone(context), options).ok()?;
    let linger = opt::Linger(Some(Duration::ZERO));
    core.set_option(opt::Linger::row(), linger.into_value())
        .ok()?;
    core.connect(&format!("inproc://{HANDLER}")).ok()?;
    Some(core)
}

fn written(request: &AuthRequest) -> Multipart {
    let credentials = request.credentials();
    let mut parts = vec![
        Message::new(),
        Message::from(zap::VERSION),
        Message::from(REQUEST_ID),
        Message::from(&request.domain),
        Message::from(&request.address),
        Message::copy_from_slice(&request.routing_id),
        Message::from(credentials.mechanism()),
    ];
    match credentials {
        Credentials::Plain { username, password } => {
            parts.extend([Message::from(username), Message::from(password)]);
        }
        Credentials::Curve { public_key } => {
            parts.push(Message::from(public_key.as_bytes()));
        }
        _ => {}
    }
    Multipart::from(parts)
}

/// What a handler's reply says.
fn verdict_in(reply: &Multipart) -> Verdict {
    let mut parts = reply.iter();
    if !parts.next().is_some_and(|delimiter| delimiter.is_empty()) {
        return Verdict::Fail(VerdictFault::MalformedReply);
    }
    let parts: Vec<&[u8]> = parts.map(|part| &part[..]).collect();
    zap::read_reply(&parts, REQUEST_ID.as_bytes()).unwrap_or_else(Verdict::Fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_comes_behind_a_delimiter() {
        let reply = |first: &str| Multipart::from([first, "1.0", "1", "200", "OK", "anna", ""]);
        assert_eq!(verdict_in(&reply("")), Verdict::accept("anna"));
        let malformed = Verdict::Fail(VerdictFault::MalformedReply);
        assert_eq!(verdict_in(&reply("1")), malformed);
        assert_eq!(verdict_in(&Multipart::from("")), malformed);
    }
}
