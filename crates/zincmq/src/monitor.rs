//! What happens to a socket's connections, told as it happens.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex as StdMutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_core::Stream;

use crate::message::PeerInfo;

/// Events kept for a monitor that is not read; later ones are counted only.
const CAPACITY: usize = 16 * 1024;

/// One event of a socket's connections (zmq_socket_monitor(3)).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The endpoint it happened on, as bound or connected to; empty for
    /// [`EventKind::MonitorStopped`].
    pub endpoint: String,
    /// Whether the socket is bound to that endpoint, not connected.
    pub bound: bool,
    /// This side's end of the connection, such as `tcp://127.0.0.1:49152`;
    /// empty if there is none, or none yet.
    pub local: String,
    /// The peer's end of it, or that of the SOCKS5 proxy before the peer.
    pub remote: String,
    /// The peer, once its handshake is over.
    pub peer: Option<Arc<PeerInfo>>,
}

/// What happened.
///
/// `errno` is the system's number for a failure, or the one that says the same
/// of a failure that is not the system's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A connection to the peer's address was made, by a SOCKS5 proxy if there
    /// is one.
    Connected {
        /// The peer: over tcp the endpoint that answered, numeric and with
        /// port, such as `tcp://127.0.0.1:5555`, which is a SOCKS5 proxy's if
        /// there is one; over ipc `localhost:uid:gid:pid`.
        /// [`PeerInfo::address`] has no port.
        peer: String,
        /// The descriptor.
        fd: i32,
    },
    /// A connection attempt is under way, and its outcome open. Over ipc it is
    /// known at once.
    ConnectDelayed,
    /// It failed, or the connection was lost; another attempt follows.
    ConnectRetried {
        /// How long until then.
        after: Duration,
        /// Why.
        reason: String,
    },
    /// The socket listens at the endpoint.
    Listening {
        /// The descriptor.
        fd: i32,
    },
    /// It could not listen there.
    BindFailed {
        /// Such as EADDRINUSE.
        errno: i32,
        /// Why.
        reason: String,
    },
    /// A peer has connected.
    Accepted {
        /// The peer: over tcp the endpoint it came from, numeric and with
        /// port, such as `tcp://127.0.0.1:49152`; over ipc
        /// `localhost:uid:gid:pid`. [`PeerInfo::address`] has no port.
        peer: String,
        /// The descriptor.
        fd: i32,
    },
    /// A peer could not be accepted.
    AcceptFailed {
        /// Such as EMFILE; EACCES if a filter turned it away.
        errno: i32,
        /// Why.
        reason: String,
    },
    /// A descriptor was closed that listened, or had no peer yet.
    Closed {
        /// The descriptor; another may have the number by now.
        fd: i32,
        /// Why.
        reason: String,
    },
    /// The socket listens no more, but what it had made in the file system
    /// could not be removed.
    CloseFailed {
        /// Such as ENOTEMPTY.
        errno: i32,
        /// Why.
        reason: String,
    },
    /// A connection has ended.
    Disconnected {
        /// The descriptor; another may have the number by now.
        fd: i32,
        /// This side meant it to end: it was closed, or gave the endpoint up.
        deliberate: bool,
        /// Why.
        reason: String,
    },
    /// A handshake did not succeed. [`EventKind::Disconnected`] follows.
    HandshakeFailed {
        /// libzmq's number for the breach of protocol, if it was one.
        code: Option<u32>,
        /// The status that authentication ended with, if that was why: 300,
        /// 400 or 500 (RFC 27).
        status: Option<u16>,
        /// EPIPE if the peer closed the connection, ETIMEDOUT if it took too
        /// long, EPROTO for a breach of protocol, EFAULT if nobody was there
        /// to ask whether the peer may come in.
        errno: i32,
        /// Why.
        reason: String,
    },
    /// A peer has introduced itself and messages may flow.
    HandshakeSucceeded,
    /// The monitor was stopped, or its socket is closed. The last event.
    MonitorStopped,
}

/// Where events happen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) endpoint: String,
    pub(crate) bound: bool,
    pub(crate) local: String,
    pub(crate) remote: String,
}

/// The events of one socket, in order: an iterator that blocks, and a
/// [`Stream`]. Ends after [`EventKind::MonitorStopped`].
#[derive(Debug)]
pub struct Monitor {
    queue: Arc<Queue>,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: StdMutex<State>,
    changed: Condvar,
    missed: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    stopped: bool,
    waker: Option<Waker>,
    /// Nobody will read any more.
    abandoned: bool,
}

impl Place {
    /// An endpoint bound to.
    pub(crate) fn bound(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            bound: true,
            ..Self::default()
        }
    }

    /// An endpoint connected to.
    pub(crate) fn connected(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            ..Self::default()
        }
    }

    /// A connection made there.
    pub(crate) fn with_ends(&self, local: &str, remote: &str) -> Self {
        Self {
            local: local.to_owned(),
            remote: remote.to_owned(),
            ..self.clone()
        }
    }
}

impl Event {
    pub(crate) fn new(kind: EventKind, place: Place, peer: Option<Arc<PeerInfo>>) -> Self {
        Self {
            kind,
            endpoint: place.endpoint,
            bound: place.bound,
            local: place.local,
            remote: place.remote,
            peer,
        }
    }
}

impl Monitor {
    pub(crate) fn new() -> (Self, Arc<Queue>) {
        let queue = Arc::new(Queue::default());
        let reader = Self {
            queue: Arc::clone(&queue),
        };
        (reader, queue)
    }

    /// The next event, or `None` if there is none now.
    pub fn try_next(&mut self) -> Option<Event> {
        self.queue.lock().events.pop_front()
    }

    /// The next event; `None` if `limit` passed first, or there are no more.
    pub fn next_timeout(&mut self, limit: Duration) -> Option<Event> {
        // A limit past the end of time is none.
        self.wait(Instant::now().checked_add(limit))
    }

    /// Events that were lost because nobody read the earlier ones.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.queue.missed.load(Ordering::Relaxed)
    }

    fn wait(&self, deadline: Option<Instant>) -> Option<Event> {
        let mut state = self.queue.lock();
        loop {
            if let Some(event) = state.events.pop_front() {
                return Some(event);
            }
            if state.stopped {
                return None;
            }
            state = match deadline {
                None => self
                    .queue
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(at) => {
                    let left = at.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    self.queue
                        .changed
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let (events, waker) = {
            let mut state = self.queue.lock();
            state.abandoned = true;
            (std::mem::take(&mut state.events), state.waker.take())
        };
        // A waker may set off anything, so not under the lock.
        drop((events, waker));
    }
}

impl Iterator for Monitor {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.wait(None)
    }
}

impl Stream for Monitor {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.queue.lock();
        if let Some(event) = state.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if state.stopped {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Queue {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the monitor is gone that would read it.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    pub(crate) fn push(&self, event: Event) {
        let waker = {
            let mut state = self.lock();
            if state.stopped || state.abandoned {
                return;
            }
            state.stopped = event.kind == EventKind::MonitorStopped;
            if state.events.len() < CAPACITY || state.stopped {
                state.events.push_back(event);
            } else {
                self.missed.fetch_add(1, Ordering::Relaxed);
            }
            state.waker.take()
        };
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
