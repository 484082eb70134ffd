//! What waits at one socket for one event loop, in the order it came.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};
use pyo3::{PyTraverseError, PyVisit};
use zincmq::raw::{Listener, PartSocket};

use super::agenda;
use super::bell::Signal;
use super::future::Future;
use super::hub::Hub;
use super::socket::AsyncSocket;

/// It is used with the GIL held. No Python code runs while it is locked.
pub struct Station {
    socket: Arc<PartSocket>,
    event_loop: Py<PyWeakrefReference>,
    /// The loop tells what else it has to do.
    tells: bool,
    hub: Py<PyWeakrefReference>,
    signal: Arc<Signal>,
    waker: Waker,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    listener: Listener,
    is_listening: bool,
    /// The hub knows the socket's connections.
    is_watched: bool,
    sends: Queue,
    receives: Queue,
    polls: Queue,
    /// When the first receive began to wait.
    since: Option<Instant>,
}

type Queue = VecDeque<Py<Future>>;

/// What a queue is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Send,
    Receive,
    Poll,
}

impl Inner {
    fn queue(&mut self, purpose: Purpose) -> &mut Queue {
        match purpose {
            Purpose::Send => &mut self.sends,
            Purpose::Receive => &mut self.receives,
            Purpose::Poll => &mut self.polls,
        }
    }

    fn is_idle(&self) -> bool {
        self.sends.is_empty() && self.receives.is_empty() && self.polls.is_empty()
    }
}

impl Station {
    /// An empty one.
    pub fn new(socket: Arc<PartSocket>, hub: &Bound<'_, Hub>) -> PyResult<Arc<Self>> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let py = hub.py();
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        let signal = Signal::new(key, hub.get().bell());
        let event_loop = hub.get().event_loop().bind(py).upgrade();
        let tells = event_loop.is_some_and(|event_loop| agenda::is_told(&event_loop));
        Ok(Arc::new(Self {
            socket,
            tells,
            event_loop: hub.get().event_loop().clone_ref(py),
            hub: PyWeakrefReference::new(hub)?.unbind(),
            waker: signal.waker(),
            signal,
            inner: Mutex::default(),
        }))
    }

    pub fn key(&self) -> u64 {
        self.signal.key
    }

    /// The loop it is for, unless that is gone.
    pub fn event_loop<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.event_loop.bind(py).upgrade()
    }

    fn hub<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Hub>> {
        self.hub.bind(py).upgrade()?.cast_into().ok()
    }

    /// Whether it is for this loop in this process.
    pub fn is_for(&self, event_loop: &Bound<'_, PyAny>) -> bool {
        let hub = self.hub(event_loop.py());
        hub.is_some_and(|hub| hub.get().is_for(event_loop))
    }

    /// Whether something may still wait here, or does for good.
    pub fn is_needed(&self, py: Python<'_>) -> bool {
        self.hub.bind(py).upgrade().is_some() || !self.inner().is_idle()
    }

    /// Whether nothing of the kind waits here.
    #[inline]
    pub fn is_free(&self, purpose: Purpose) -> bool {
        self.inner().queue(purpose).is_empty()
    }

    /// Looks again for a moment, if an answer is likely and the loop has nothing
    /// else to do. True if something has changed since `seen`.
    ///
    /// # Errors
    ///
    /// What a signal handler has raised meanwhile.
    pub fn linger(&self, py: Python<'_>, seen: u64) -> PyResult<bool> {
        let Some(own) = self.event_loop(py).filter(|_| self.tells) else {
            return Ok(false);
        };
        let Some(selector) = agenda::idle(&own)? else {
            return Ok(false);
        };
        let socket = &self.socket.engine;
        Ok(py.detach(|| Listener::linger(socket, seen, || agenda::is_ready(selector))))
    }

    /// Has `future` wait its turn.
    pub fn join(
        self: &Arc<Self>,
        socket: &Bound<'_, AsyncSocket>,
        purpose: Purpose,
        future: &Bound<'_, Future>,
    ) {
        let py = socket.py();
        let was_idle;
        let was_listening;
        {
            let mut inner = self.inner();
            was_idle = inner.is_idle();
            was_listening = inner.is_listening;
            if purpose == Purpose::Receive && inner.receives.is_empty() {
                inner.since = Some(Instant::now());
            }
            inner.queue(purpose).push_back(future.clone().unbind());
        }
        if was_idle && let Some(hub) = self.hub(py) {
            hub.get().keep(socket, self);
        }
        if !was_listening {
            self.listen(py);
        }
    }

    /// Takes out what does not wait any more.
    pub fn leave(&self, py: Python<'_>, purpose: Purpose, future: &Bound<'_, Future>) {
        self.remove(purpose, future);
        self.rest(py);
    }

    /// Something changed for the socket.
    pub fn woken(&self, py: Python<'_>) {
        self.inner().is_listening = false;
        self.try_all(py);
        if !self.rest(py) {
            self.listen(py);
        }
    }

    /// The connections of the socket are ready.
    pub fn attend(&self, py: Python<'_>) {
        // What comes of it is seen at once, and need not wake the loop again.
        let held = self.signal.hold();
        Listener::attend(&self.socket.engine);
        if held {
            self.signal.reset();
        }
        self.woken(py);
    }

    /// Sees to it that the next change is noticed, and tries what can be done by
    /// then.
    fn listen(&self, py: Python<'_>) {
        {
            let mut inner = self.inner();
            inner.is_listening = true;
            inner.listener.listen(&self.socket.engine, &self.waker);
            if let Some(connections) = Listener::connections(&self.socket.engine) {
                let bell = self.signal.bell();
                // If it fails the engine's threads see to them.
                inner.is_watched |= bell.watch(connections, self.key(), inner.is_watched);
            }
        }
        self.try_all(py);
        self.rest(py);
    }

    /// Has all that waits try in turn.
    pub fn try_all(&self, py: Python<'_>) {
        for purpose in [Purpose::Receive, Purpose::Send] {
            loop {
                let first = self
                    .inner()
                    .queue(purpose)
                    .front()
                    .map(|one| one.clone_ref(py));
                let Some(first) = first else { break };
                let first = first.bind(py);
                if !Future::attempt(first, &self.socket) {
                    break;
                }
                self.remove(purpose, first);
                if purpose == Purpose::Receive {
                    self.note_wait();
                }
                Future::settle(first);
            }
        }
        self.try_polls(py);
    }

    /// A receive has come to its end.
    fn note_wait(&self) {
        if let Some(since) = self.inner().since.take() {
            Listener::waited(&self.socket.engine, since.elapsed());
        }
    }

    /// Those that wait for different events do not wait for each other.
    fn try_polls(&self, py: Python<'_>) {
        let waiting: Vec<_> = {
            let inner = self.inner();
            inner.polls.iter().map(|one| one.clone_ref(py)).collect()
        };
        for poll in waiting {
            let poll = poll.bind(py);
            if Future::attempt(poll, &self.socket) {
                self.remove(Purpose::Poll, poll);
                Future::settle(poll);
            }
        }
    }

    fn remove(&self, purpose: Purpose, future: &Bound<'_, Future>) {
        let mut inner = self.inner();
        let queue = inner.queue(purpose);
        let place = queue.iter().position(|one| one.is(future));
        let removed = place.and_then(|place| queue.remove(place));
        drop(inner);
        drop(removed);
    }

    /// If nothing waits any more the socket need not be listened to, nor kept.
    fn rest(&self, py: Python<'_>) -> bool {
        {
            let mut inner = self.inner();
            if !inner.is_idle() {
                return false;
            }
            if self.signal.bell().is_own() {
                inner.is_listening = false;
                inner.listener.leave(&self.socket.engine);
            }
        }
        if let Some(hub) = self.hub(py) {
            hub.get().let_go(self);
        }
        true
    }

    /// All that waits.
    pub fn waiting(&self, py: Python<'_>) -> Vec<Py<Future>> {
        let inner = self.inner();
        let queues = [&inner.receives, &inner.sends, &inner.polls];
        let all = queues.into_iter().flatten();
        all.map(|one| one.clone_ref(py)).collect()
    }

    /// What waits to receive, or for an event.
    pub fn receives(&self, py: Python<'_>) -> Vec<Py<Future>> {
        let inner = self.inner();
        let all = inner.receives.iter().chain(&inner.polls);
        all.map(|one| one.clone_ref(py)).collect()
    }

    /// For the garbage collector.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.hub)?;
        let Ok(inner) = self.inner.try_lock() else {
            return Ok(());
        };
        for queue in [&inner.receives, &inner.sends, &inner.polls] {
            for one in queue {
                visit.call(one)?;
            }
        }
        Ok(())
    }

    /// For the garbage collector.
    pub fn clear(&self) {
        let mut inner = self.inner();
        if self.signal.bell().is_own() {
            inner.listener.leave(&self.socket.engine);
        }
        let queues = [
            std::mem::take(&mut inner.receives),
            std::mem::take(&mut inner.sends),
            std::mem::take(&mut inner.polls),
        ];
        drop(inner);
        drop(queues);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        let bell = self.signal.bell();
        // In a process that was forked another has the locks and descriptors.
        if !bell.is_own() {
            return;
        }
        let inner = self.inner.get_mut();
        let inner = inner.unwrap_or_else(PoisonError::into_inner);
        inner.listener.leave(&self.socket.engine);
        if inner.is_watched
            && let Some(connections) = Listener::connections(&self.socket.engine)
        {
            bell.forget(connections);
        }
    }
}
