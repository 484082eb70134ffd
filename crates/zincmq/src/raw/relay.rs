//! From a socket's monitor to the PAIR, PUB or PUSH that a program reads it through.
//!
//! No thread of its own: whoever causes an event relays it, from within the
//! waker, before it goes on. Events are caused with a connection locked, but
//! never a socket, and handing a message to an inproc peer waits for nothing
//! but sockets' locks, each for a moment.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Wake, Waker};

use super::report::Form;
use crate::Multipart;
use crate::monitor::{EventKind, Monitor};
use futures_core::Stream;

/// Events kept for a reader that is not there yet, or does not read: as many
/// as the engine keeps. What comes then is lost.
const CAPACITY: usize = 16 * 1024;

/// Where a monitor's events are sent.
pub struct Outlet {
    /// A PAIR, PUB or PUSH.
    pub socket: crate::Socket,
    /// What it is bound to.
    pub endpoint: String,
}

/// One monitor at work, until it is stopped or its socket is done.
pub struct Relay {
    form: Form,
    task: Mutex<Option<Task>>,
    /// There is more to do than whoever holds the task may have seen.
    again: AtomicBool,
    /// The task has ended. Beside it, since whoever locks it must also do what
    /// wakers leave meanwhile.
    over: AtomicBool,
    orders: Arc<Mutex<Orders>>,
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the program asked for.
#[derive(Default)]
struct Orders {
    stop: bool,
    messages: Vec<Multipart>,
}

/// What is to be sent.
struct Source {
    monitor: Option<Monitor>,
    form: Form,
    orders: Arc<Mutex<Orders>>,
    backlog: VecDeque<Multipart>,
}

impl Relay {
    /// Starts to relay what `monitor` tells.
    pub fn start(monitor: Monitor, form: Form, outlet: Outlet) -> Arc<Self> {
        let orders = Arc::new(Mutex::new(Orders::default()));
        let source = Source {
            monitor: Some(monitor),
            form,
            orders: Arc::clone(&orders),
            backlog: VecDeque::new(),
        };
        let relay = Arc::new(Self {
            form,
            task: Mutex::new(Some(Box::pin(deliver(outlet, source)))),
            again: AtomicBool::new(false),
            over: AtomicBool::new(false),
            orders,
        });
        relay.drive(lock(&relay.task));
        relay
    }

    /// What it sends.
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// Whether it has ended by itself.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Sends further messages in the order of the events.
    pub fn send(self: &Arc<Self>, messages: Vec<Multipart>) {
        lock(&self.orders).messages.extend(messages);
        self.drive(lock(&self.task));
    }

    /// Sends that it stopped, and ends.
    pub fn stop(self: &Arc<Self>) {
        lock(&self.orders).stop = true;
        self.drive(lock(&self.task));
    }

    /// Goes on with the task, and with what others leave meanwhile.
    fn drive<'a>(self: &'a Arc<Self>, mut task: MutexGuard<'a, Option<Task>>) {
        let waker = Waker::from(Arc::clone(self));
        let mut context = Context::from_waker(&waker);
        loop {
            self.again.store(false, Ordering::SeqCst);
            // Out of its place, so that should it panic nobody tries again.
            if let Some(mut future) = task.take()
                && future.as_mut().poll(&mut context).is_pending()
            {
                *task = Some(future);
            }
            self.over.store(task.is_none(), Ordering::SeqCst);
            drop(task);
            if !self.again.load(Ordering::SeqCst) {
                return;
            }
            let Some(mine) = try_lock(&self.task) else {
                return;
            };
            task = mine;
        }
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.again.store(true, Ordering::SeqCst);
        // Whoever has it looks again.
        if let Some(task) = try_lock(&self.task) {
            self.drive(task);
        }
    }
}

impl Source {
    /// The next message; `None` after the last.
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Multipart>> {
        self.gather(context);
        match self.backlog.pop_front() {
            Some(message) => Poll::Ready(Some(message)),
            None if self.is_over() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    /// Takes in what happened.
    fn gather(&mut self, context: &mut Context<'_>) {
        while let Some(monitor) = &mut self.monitor {
            let Poll::Ready(event) = Pin::new(monitor).poll_next(context) else {
                break;
            };
            let Some(event) = event else {
                self.monitor = None;
                break;
            };
            let message = self.form.event(&event);
            if event.kind == EventKind::MonitorStopped {
                self.monitor = None;
                self.backlog.extend(message);
            } else if self.backlog.len() < CAPACITY {
                self.backlog.extend(message);
            }
        }
        let (messages, stop) = {
            let mut orders = lock(&self.orders);
            (std::mem::take(&mut orders.messages), orders.stop)
        };
        if self.is_over() {
            return;
        }
        let room = CAPACITY.saturating_sub(self.backlog.len());
        self.backlog.extend(messages.into_iter().take(room));
        if stop {
            self.monitor = None;
            self.backlog.extend(self.form.stopped());
        }
    }

    /// Whether what is in the backlog is the last.
    fn is_over(&self) -> bool {
        self.monitor.is_none()
    }
}

/// Sends what there is to send, then closes the outlet: after the last message,
/// when nobody is there to read it, or when the context is terminated.
async fn deliver(outlet: Outlet, mut source: Source) {
    let Outlet { socket, endpoint } = outlet;
    while let Some(message) = poll_fn(|context| source.next(context)).await {
        let mut sending = socket.send_async(message);
        let sent = poll_fn(|context| {
            source.gather(context);
            let outcome = Pin::new(&mut sending).poll(context);
            if outcome.is_pending() && source.is_over() {
                // The reader may take its time, the name is free.
                let _ = socket.unbind(&endpoint);
                if socket.counters().peers.is_empty() {
                    return Poll::Ready(false);
                }
            }
            outcome.map(|result| result.is_ok())
        });
        if !sent.await {
            return;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
