//! Two sockets joined: what one receives the other sends.

mod run;
mod statistics;
mod way;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

pub use statistics::{ProxyStatistics, SideStatistics};

use crate::error::{PollError, ProxyError};
use crate::poller::Poller;
use crate::reactor::Signals;
use crate::socket::Socket;
use crate::sync::Mutex;
use run::Run;
use statistics::Side;

/// Keys of the proxy's poller.
const FRONT: usize = 0;
const BACK: usize = 1;
const CAPTURE: usize = 2;
const CONTROL: usize = 3;

/// Passes on what `front` receives to `back` and the other way round, and a
/// copy of both to `capture`, until a socket is closed or its context is
/// terminated (zmq_proxy(3)). The two may be the same socket.
///
/// A side is not read while the other, or the capture socket, cannot take
/// more, so that nothing is lost.
///
/// # Errors
///
/// Ends with one always: [`ProxyError::Terminated`] is the usual one.
pub fn proxy(
    front: &impl AsRef<Socket>,
    back: &impl AsRef<Socket>,
    capture: Option<&Socket>,
) -> Result<(), ProxyError> {
    let proxy = Proxy::new(front, back);
    match capture {
        Some(capture) => proxy.capture(capture).run(),
        None => proxy.run(),
    }
}

/// A [`proxy`] that can be paused, asked and ended: through a
/// [`ProxyHandle`], or by messages to a control socket
/// (zmq_proxy_steerable(3)).
///
/// ```
/// use zincmq::{Context, Proxy};
///
/// let ctx = Context::new();
/// let front = zincmq::pull(&ctx)?;
/// let back = zincmq::push(&ctx)?;
/// front.bind("inproc://front")?;
/// back.bind("inproc://back")?;
///
/// let proxy = Proxy::new(&front, &back);
/// let handle = proxy.handle();
/// std::thread::scope(|scope| {
///     let running = scope.spawn(|| proxy.run());
///     handle.terminate();
///     running.join().expect("a proxy does not panic")
/// })?;
/// assert_eq!(handle.statistics().front.messages_in, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Proxy<'a> {
    front: &'a Socket,
    back: &'a Socket,
    capture: Option<&'a Socket>,
    control: Option<&'a Socket>,
    shared: Arc<Shared>,
}

/// Steers a [`Proxy`] from other threads.
#[derive(Debug, Clone)]
pub struct ProxyHandle {
    shared: Arc<Shared>,
}

const RUNNING: u8 = 0;
const PAUSED: u8 = 1;
const TERMINATED: u8 = 2;

#[derive(Debug)]
struct Shared {
    state: AtomicU8,
    front: Side,
    back: Side,
    dropped: AtomicU64,
    /// Held while a batch is moved.
    moving: Mutex<()>,
    /// There while the proxy runs.
    poller: Mutex<Option<Arc<Poller>>>,
}

impl<'a> Proxy<'a> {
    /// Joins `front` and `back`, which may be the same socket.
    pub fn new(front: &'a impl AsRef<Socket>, back: &'a impl AsRef<Socket>) -> Self {
        Self {
            front: front.as_ref(),
            back: back.as_ref(),
            capture: None,
            control: None,
            shared: Arc::new(Shared {
                state: AtomicU8::new(RUNNING),
                front: Side::default(),
                back: Side::default(),
                dropped: AtomicU64::new(0),
                moving: Mutex::default(),
                poller: Mutex::default(),
            }),
        }
    }

    /// Sends a copy of every message to `socket`: a PUB, DEALER, PUSH or PAIR.
    #[must_use]
    pub fn capture(mut self, socket: &'a impl AsRef<Socket>) -> Self {
        self.capture = Some(socket.as_ref());
        self
    }

    /// Obeys `PAUSE`, `RESUME`, `TERMINATE` and `STATISTICS` from `socket`: a
    /// REP or PAIR, which answers, or a SUB or PULL, which does not. A REP
    /// answers with an empty message; to `STATISTICS` the answer is eight
    /// parts, each a `u64` of the machine's byte order: messages and bytes
    /// received and sent by the front, then by the back. Other messages mean
    /// nothing.
    #[must_use]
    pub fn control(mut self, socket: &'a impl AsRef<Socket>) -> Self {
        self.control = Some(socket.as_ref());
        self
    }

    /// To steer it while it runs.
    #[must_use]
    pub fn handle(&self) -> ProxyHandle {
        ProxyHandle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Moves messages until told to terminate.
    ///
    /// # Errors
    ///
    /// [`ProxyError`] when a socket is closed, cannot be used this way, or its
    /// context is terminated.
    pub fn run(&self) -> Result<(), ProxyError> {
        self.run_heeding(Signals::PassUnseen)
    }

    /// As [`Proxy::run`], ending at a signal or not.
    pub(crate) fn run_heeding(&self, signals: Signals) -> Result<(), ProxyError> {
        let poller = Arc::new(Poller::new().map_err(PollError::from)?);
        *self.shared.poller.lock() = Some(Arc::clone(&poller));
        let result = Run::new(self, &poller).and_then(|mut run| run.run(signals));
        *self.shared.poller.lock() = None;
        result
    }
}

impl ProxyHandle {
    /// Stops moving messages; they stay where they are. None is moved any
    /// more when this returns.
    pub fn pause(&self) {
        self.shared.enter(PAUSED);
        drop(self.shared.moving.lock());
    }

    /// Whether it is paused, by whomever.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.shared.state.load(Ordering::SeqCst) == PAUSED
    }

    /// Goes on after [`ProxyHandle::pause`].
    pub fn resume(&self) {
        self.shared.enter(RUNNING);
    }

    /// Has [`Proxy::run`] return, now or as soon as it is called.
    pub fn terminate(&self) {
        self.shared.enter(TERMINATED);
    }

    /// What was moved so far.
    #[must_use]
    pub fn statistics(&self) -> ProxyStatistics {
        self.shared.statistics()
    }
}

impl Shared {
    fn enter(&self, state: u8) {
        let (set, order) = (Ordering::SeqCst, Ordering::SeqCst);
        // There is no way back from the end.
        let _ = self
            .state
            .fetch_update(set, order, |now| (now != TERMINATED).then_some(state));
        if let Some(poller) = &*self.poller.lock() {
            poller.interrupt();
        }
    }

    fn statistics(&self) -> ProxyStatistics {
        ProxyStatistics {
            front: self.front.read(),
            back: self.back.read(),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}
