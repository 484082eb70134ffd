//! Sending and receiving as futures: plain wakers, so any executor will do.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;

use super::core::Core;
use super::exchange::Patience;
use crate::error::{RecvError, RecvFailure, SendError, SendFailure};
use crate::message::Multipart;
use crate::reactor::Ticket;

/// The future of [`Socket::recv_async`](crate::Socket::recv_async).
#[derive(Debug)]
#[must_use = "a future does nothing unless awaited"]
pub struct RecvFuture<'a> {
    core: &'a Arc<Core>,
    ticket: Ticket,
}

/// The future of [`Socket::send_async`](crate::Socket::send_async).
#[derive(Debug)]
#[must_use = "a future does nothing unless awaited"]
pub struct SendFuture<'a> {
    core: &'a Arc<Core>,
    message: Option<Multipart>,
    ticket: Ticket,
}

/// The stream of [`Socket::stream`](crate::Socket::stream).
#[derive(Debug)]
#[must_use = "a stream does nothing unless polled"]
pub struct MessageStream<'a> {
    core: &'a Arc<Core>,
    ticket: Ticket,
}

/// The sink of [`Socket::sink`](crate::Socket::sink).
#[derive(Debug)]
#[must_use = "a sink does nothing unless something is put into it"]
pub struct MessageSink<'a> {
    core: &'a Arc<Core>,
    waiting: Option<Multipart>,
    ticket: Ticket,
}

impl<'a> RecvFuture<'a> {
    pub(super) fn new(core: &'a Arc<Core>) -> Self {
        Self {
            core,
            ticket: Ticket::default(),
        }
    }
}

impl Future for RecvFuture<'_> {
    type Output = Result<Multipart, RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let core = self.core;
        poll_recv(core, &mut self.ticket, context)
    }
}

impl<'a> SendFuture<'a> {
    pub(super) fn new(core: &'a Arc<Core>, message: Multipart) -> Self {
        Self {
            core,
            message: Some(message),
            ticket: Ticket::default(),
        }
    }
}

impl Future for SendFuture<'_> {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        poll_send(this.core, &mut this.message, &mut this.ticket, context)
    }
}

impl<'a> MessageStream<'a> {
    pub(super) fn new(core: &'a Arc<Core>) -> Self {
        Self {
            core,
            ticket: Ticket::default(),
        }
    }
}

impl Stream for MessageStream<'_> {
    type Item = Result<Multipart, RecvError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let core = self.core;
        match poll_recv(core, &mut self.ticket, context) {
            Poll::Ready(Err(RecvFailure::Closed | RecvFailure::Terminated)) => Poll::Ready(None),
            other => other.map(Some),
        }
    }
}

impl<'a> MessageSink<'a> {
    pub(super) fn new(core: &'a Arc<Core>) -> Self {
        Self {
            core,
            waiting: None,
            ticket: Ticket::default(),
        }
    }
}

impl<M: Into<Multipart>> Sink<M> for MessageSink<'_> {
    type Error = SendError;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        let this = &mut *self;
        poll_send(this.core, &mut this.waiting, &mut this.ticket, context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: M) -> Result<(), SendError> {
        match self.core.send(message.into(), |_| Patience::None) {
            Err(error) if error.failure() == SendFailure::WouldBlock => {
                self.waiting = Some(error.into_message());
                Ok(())
            }
            other => other,
        }
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        let this = &mut *self;
        poll_send(this.core, &mut this.waiting, &mut this.ticket, context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        <Self as Sink<M>>::poll_flush(self, context)
    }
}

impl Drop for RecvFuture<'_> {
    fn drop(&mut self) {
        self.core.waiting().withdraw(&mut self.ticket);
    }
}

impl Drop for SendFuture<'_> {
    fn drop(&mut self) {
        self.core.waiting().withdraw(&mut self.ticket);
    }
}

impl Drop for MessageStream<'_> {
    fn drop(&mut self) {
        self.core.waiting().withdraw(&mut self.ticket);
    }
}

impl Drop for MessageSink<'_> {
    fn drop(&mut self) {
        self.core.waiting().withdraw(&mut self.ticket);
    }
}

/// Tries, and if nothing is there, tries once more with the waker in place:
/// what changes after that wakes the task.
fn poll_recv(
    core: &Core,
    ticket: &mut Ticket,
    context: &mut Context<'_>,
) -> Poll<Result<Multipart, RecvError>> {
    match core.attempt_recv() {
        Err(RecvFailure::WouldBlock) => {}
        other => return Poll::Ready(other),
    }
    core.look();
    core.waiting().register(ticket, context.waker());
    match core.attempt_recv() {
        Err(RecvFailure::WouldBlock) => Poll::Pending,
        other => Poll::Ready(other),
    }
}

/// Sends `message`, if there still is one; it stays while it must wait.
fn poll_send(
    core: &Core,
    message: &mut Option<Multipart>,
    ticket: &mut Ticket,
    context: &mut Context<'_>,
) -> Poll<Result<(), SendError>> {
    let attempt = |message: &mut Option<Multipart>| {
        let Some(current) = message.take() else {
            return Poll::Ready(Ok(()));
        };
        match core.attempt_send(current) {
            Err(error) if error.failure() == SendFailure::WouldBlock => {
                *message = Some(error.into_message());
                Poll::Pending
            }
            other => Poll::Ready(other),
        }
    };
    if let Poll::Ready(result) = attempt(message) {
        return Poll::Ready(result);
    }
    core.look();
    core.waiting().register(ticket, context.waker());
    attempt(message)
}
