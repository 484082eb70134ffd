//! Two sockets joined: what one receives the other sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::SocketType;
use crate::error::{PollError, ProxyError, RecvFailure, SendFailure};
use crate::message::{Message, Multipart};
use crate::poller::Poller;
use crate::reactor::Readiness;
use crate::socket::Socket;
use crate::sync::Mutex;

/// Messages moved one way before the other way gets its turn.
const BATCH: usize = 256;

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

/// What a [`Proxy`] has moved so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyStatistics {
    /// On the front socket.
    pub front: SideStatistics,
    /// On the back socket.
    pub back: SideStatistics,
    /// Messages that no send could take any more, such as a reply to a peer
    /// that has left a mandatory ROUTER.
    pub dropped: u64,
}

/// One socket's share in [`ProxyStatistics`]. A message of several parts
/// counts once; bytes are those of its parts, without framing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SideStatistics {
    /// Messages received.
    pub messages_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Messages sent.
    pub messages_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
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

/// Written by the proxy's thread only.
#[derive(Debug, Default)]
struct Side {
    messages_in: AtomicU64,
    bytes_in: AtomicU64,
    messages_out: AtomicU64,
    bytes_out: AtomicU64,
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
        let poller = Arc::new(Poller::new().map_err(PollError::from)?);
        *self.shared.poller.lock() = Some(Arc::clone(&poller));
        let result = Run::new(self, &poller).and_then(|mut run| run.run());
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

impl Side {
    fn read(&self) -> SideStatistics {
        SideStatistics {
            messages_in: self.messages_in.load(Ordering::Relaxed),
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            messages_out: self.messages_out.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
        }
    }

    fn received(&self, bytes: u64) {
        self.messages_in.fetch_add(1, Ordering::Relaxed);
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    fn sent(&self, bytes: u64) {
        self.messages_out.fetch_add(1, Ordering::Relaxed);
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A proxy at work.
struct Run<'a> {
    proxy: &'a Proxy<'a>,
    poller: &'a Poller,
    forth: Way<'a>,
    /// There is none if front and back are the same socket.
    back: Option<Way<'a>>,
    interests: [Readiness; 4],
}

/// From one socket to the other.
struct Way<'a> {
    from: &'a Socket,
    to: &'a Socket,
    read: &'a Side,
    written: &'a Side,
    /// Received, and not taken by `to` or the capture socket yet.
    held: Option<Multipart>,
    /// Still to be captured.
    copy: Option<Multipart>,
    /// By key, what of the three sockets it waits for.
    waits_for: [Readiness; 3],
    keys: (usize, usize),
}

impl<'a> Run<'a> {
    fn new(proxy: &'a Proxy<'a>, poller: &'a Poller) -> Result<Self, ProxyError> {
        let shared = &proxy.shared;
        let same = std::ptr::eq(proxy.front, proxy.back);
        poller.add(proxy.front, FRONT, Readiness::NONE)?;
        if !same {
            poller.add(proxy.back, BACK, Readiness::NONE)?;
        }
        if let Some(capture) = proxy.capture {
            poller.add(capture, CAPTURE, Readiness::NONE)?;
        }
        if let Some(control) = proxy.control {
            poller.add(control, CONTROL, Readiness::NONE)?;
        }
        let to_key = if same { FRONT } else { BACK };
        let way = |from, to, read, written, keys| Way {
            from,
            to,
            read,
            written,
            held: None,
            copy: None,
            waits_for: [Readiness::NONE; 3],
            keys,
        };
        Ok(Self {
            proxy,
            poller,
            forth: way(
                proxy.front,
                proxy.back,
                &shared.front,
                &shared.back,
                (FRONT, to_key),
            ),
            back: (!same).then(|| {
                way(
                    proxy.back,
                    proxy.front,
                    &shared.back,
                    &shared.front,
                    (BACK, FRONT),
                )
            }),
            interests: [Readiness::NONE; 4],
        })
    }

    fn run(&mut self) -> Result<(), ProxyError> {
        loop {
            self.obey()?;
            let moving = self.proxy.shared.moving.lock();
            let moved = match self.proxy.shared.state.load(Ordering::SeqCst) {
                TERMINATED => return self.let_go(),
                PAUSED => {
                    self.want([Readiness::NONE; 3])?;
                    0
                }
                _ => self.turn()?,
            };
            drop(moving);
            // While messages stream, the control socket is all that is asked.
            if moved == 0 {
                self.poller.wait(None)?;
            }
        }
    }

    /// Moves a batch each way.
    fn turn(&mut self) -> Result<usize, ProxyError> {
        let capture = self.proxy.capture;
        let dropped = &self.proxy.shared.dropped;
        let mut moved = self.forth.carry(capture, dropped)?;
        let mut wanted = self.forth.waits_for;
        if let Some(back) = &mut self.back {
            moved += back.carry(capture, dropped)?;
            for (wanted, more) in wanted.iter_mut().zip(back.waits_for) {
                *wanted |= more;
            }
        }
        if moved == 0 {
            self.want(wanted)?;
        }
        Ok(moved)
    }

    fn want(&mut self, sockets: [Readiness; 3]) -> Result<(), ProxyError> {
        let has_control = self.proxy.control.is_some();
        let control = if has_control {
            Readiness::READABLE
        } else {
            Readiness::NONE
        };
        let [front, back, capture] = sockets;
        let wanted = [front, back, capture, control];
        for (key, (old, new)) in self.interests.iter_mut().zip(wanted).enumerate() {
            if *old != new {
                self.poller.modify(key, new)?;
                *old = new;
            }
        }
        Ok(())
    }

    /// Does what the control socket says.
    fn obey(&self) -> Result<(), ProxyError> {
        let Some(control) = self.proxy.control else {
            return Ok(());
        };
        loop {
            let command = match control.inner().attempt_recv() {
                Ok(command) => command,
                // A REP that has not got rid of its answer is not read.
                Err(RecvFailure::WouldBlock | RecvFailure::WrongState(_)) => return Ok(()),
                Err(failure) => return Err(ProxyError::of_recv(failure)),
            };
            let shared = &self.proxy.shared;
            let mut answer = Multipart::default();
            let mut asked = false;
            match &command.first()[..] {
                b"PAUSE" => shared.enter(PAUSED),
                b"RESUME" => shared.enter(RUNNING),
                b"TERMINATE" => shared.enter(TERMINATED),
                b"STATISTICS" => {
                    asked = true;
                    answer = shared.statistics().to_message();
                }
                _ => {}
            }
            let answers = match control.socket_type() {
                SocketType::Rep => true,
                SocketType::Pair | SocketType::Dealer => asked,
                _ => false,
            };
            if answers {
                // An answer that nobody waits for is not worth an error.
                let _ = control.try_send(answer);
            }
        }
    }

    /// Hands over what is held, if it can be, before the end.
    fn let_go(&mut self) -> Result<(), ProxyError> {
        let capture = self.proxy.capture;
        let dropped = &self.proxy.shared.dropped;
        let ways = std::iter::once(&mut self.forth).chain(&mut self.back);
        for way in ways {
            way.hand_over(capture, dropped)?;
            if way.held.take().is_some() {
                dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

impl Way<'_> {
    /// Moves up to a batch; if it moves none, `waits_for` tells what it needs.
    fn carry(
        &mut self,
        capture: Option<&Socket>,
        dropped: &AtomicU64,
    ) -> Result<usize, ProxyError> {
        self.waits_for = [Readiness::NONE; 3];
        let mut moved = 0;
        while moved < BATCH {
            if !self.hand_over(capture, dropped)? {
                break;
            }
            if !self.is_way_free(capture) {
                break;
            }
            match self.from.inner().attempt_recv() {
                Ok(message) => {
                    self.read.received(message.size() as u64);
                    self.copy = capture.is_some().then(|| message.clone());
                    self.held = Some(message);
                    moved += 1;
                }
                Err(RecvFailure::WouldBlock) => {
                    self.waits_for[self.keys.0] |= Readiness::READABLE;
                    break;
                }
                // A socket that only sends has nothing to pass on.
                Err(RecvFailure::CannotReceive) => break,
                Err(failure) => return Err(ProxyError::of_recv(failure)),
            }
        }
        if moved == BATCH {
            self.hand_over(capture, dropped)?;
        }
        Ok(moved)
    }

    /// Whether what is received now could be sent at once.
    fn is_way_free(&mut self, capture: Option<&Socket>) -> bool {
        let (from, to) = self.keys;
        // A socket that talks to itself, such as REP, may only be able to
        // send once it has received.
        if from != to && !has_room(self.to) {
            self.waits_for[to] |= Readiness::WRITABLE;
            return false;
        }
        if let Some(capture) = capture
            && !has_room(capture)
        {
            self.waits_for[CAPTURE] |= Readiness::WRITABLE;
            return false;
        }
        true
    }

    /// Sends what is held. False if some of it must still wait.
    fn hand_over(
        &mut self,
        capture: Option<&Socket>,
        dropped: &AtomicU64,
    ) -> Result<bool, ProxyError> {
        if let (Some(copy), Some(capture)) = (self.copy.take(), capture) {
            match capture.inner().attempt_send(copy) {
                Ok(()) => {}
                Err(error) if error.failure() == SendFailure::WouldBlock => {
                    self.copy = Some(error.into_message());
                    self.waits_for[CAPTURE] |= Readiness::WRITABLE;
                    return Ok(false);
                }
                Err(error) => tolerate(error.failure())?,
            }
        }
        let Some(message) = self.held.take() else {
            return Ok(true);
        };
        let bytes = message.size() as u64;
        match self.to.inner().attempt_send(message) {
            Ok(()) => self.written.sent(bytes),
            Err(error) if error.failure() == SendFailure::WouldBlock => {
                self.held = Some(error.into_message());
                self.waits_for[self.keys.1] |= Readiness::WRITABLE;
                return Ok(false);
            }
            Err(error) => {
                tolerate(error.failure())?;
                dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(true)
    }
}

/// Whether a send would be taken; true for a type that never sends, so that
/// the send itself tells.
fn has_room(socket: &Socket) -> bool {
    !socket
        .inner()
        .readiness(Readiness::WRITABLE)
        .is_ok_and(Readiness::is_empty)
}

/// What concerns one message must not end the proxy for all others.
fn tolerate(failure: SendFailure) -> Result<(), ProxyError> {
    match failure {
        SendFailure::Unroutable
        | SendFailure::MalformedEnvelope
        | SendFailure::TooLong
        | SendFailure::WrongState(_)
        | SendFailure::MultipartUnsupported => Ok(()),
        failure => Err(ProxyError::of_send(failure)),
    }
}

impl ProxyStatistics {
    fn to_message(self) -> Multipart {
        [self.front, self.back]
            .iter()
            .flat_map(|side| {
                [
                    side.messages_in,
                    side.bytes_in,
                    side.messages_out,
                    side.bytes_out,
                ]
            })
            .map(|number| Message::from(number.to_ne_bytes()))
            .collect()
    }
}
