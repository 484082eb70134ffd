//! A socket's inside: its pattern and peers behind one lock, an inbox for
//! news from connections, and the threads that wait.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::counters::Totals;
use super::endpoints::Endpoints;
use crate::SocketType;
use crate::connection::{Link, Port};
use crate::context::Shared;
use crate::error::{RecvFailure, SendError, SendFailure};
use crate::message::{Multipart, PeerInfo};
use crate::monitor::{Event, EventKind, Queue};
use crate::options::SocketOptions;
use crate::pattern::{Pattern, Rejected};
use crate::peer::{News, Peer, PeerId, Peers, Wake};
use crate::reactor::{Readiness, Source, Waiting, fork_generation};
use crate::sync::{Mutex, MutexGuard};

const OPEN: u8 = 0;
const CLOSED: u8 = 1;
const TERMINATED: u8 = 2;

pub(crate) struct Core {
    pub(super) me: Weak<Self>,
    id: u64,
    socket_type: SocketType,
    pub(super) context: Arc<Shared>,
    state: Mutex<State>,
    inbox: Mutex<Vec<Note>>,
    has_notes: AtomicBool,
    waiting: Waiting,
    status: AtomicU8,
    /// The close has given up endpoints and peers; only links may be left.
    wound_up: AtomicBool,
    /// Numbers this socket's peers, sessions and endpoints.
    pub(super) keys: Arc<AtomicU64>,
    links: Mutex<HashMap<u64, Live>>,
    pub(super) endpoints: Mutex<Endpoints>,
    monitors: Mutex<Vec<Arc<Queue>>>,
    monitored: AtomicBool,
    /// Messages taken from a peer's pipe that never reached the system.
    lost: AtomicU64,
    /// The longest part there may be in the context, bytes (MAX_MSGSZ).
    pub(super) longest_part: Option<u64>,
    born: u32,
}

/// What the socket's lock guards.
pub(crate) struct State {
    pub(super) pattern: Box<dyn Pattern>,
    pub(super) peers: Peers,
    by_key: HashMap<u64, PeerId>,
    pub(super) options: SocketOptions,
    pub(super) totals: Totals,
}

struct Live {
    origin: u64,
    link: Arc<dyn Link>,
}

/// News for the socket, in the order it happened.
enum Note {
    Attach(Box<Peer>),
    Connected {
        key: u64,
        info: Arc<PeerInfo>,
        again: bool,
    },
    Readable(u64),
    Writable(u64),
    Ended(u64),
    HighWaterMark(u64, usize),
}

/// How long a call may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    None,
    Until(Instant),
    Forever,
}

impl Patience {
    pub(crate) fn from_limit(limit: Option<Duration>) -> Self {
        match limit {
            None => Self::Forever,
            Some(Duration::ZERO) => Self::None,
            // A limit past the end of time is none.
            Some(limit) => Instant::now()
                .checked_add(limit)
                .map_or(Self::Forever, Self::Until),
        }
    }
}

impl Core {
    pub(super) fn new(
        id: u64,
        socket_type: SocketType,
        context: Arc<Shared>,
        pattern: Box<dyn Pattern>,
        options: SocketOptions,
    ) -> Arc<Self> {
        let longest_part = context.longest_part();
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            id,
            socket_type,
            context,
            state: Mutex::new(State {
                pattern,
                peers: Peers::default(),
                by_key: HashMap::new(),
                options,
                totals: Totals::default(),
            }),
            inbox: Mutex::default(),
            has_notes: AtomicBool::new(false),
            waiting: Waiting::default(),
            status: AtomicU8::new(OPEN),
            wound_up: AtomicBool::new(false),
            keys: Arc::new(AtomicU64::new(1)),
            links: Mutex::default(),
            endpoints: Mutex::default(),
            monitors: Mutex::default(),
            monitored: AtomicBool::new(false),
            lost: AtomicU64::new(0),
            longest_part,
            born: fork_generation(),
        })
    }

    pub(crate) fn socket_type(&self) -> SocketType {
        self.socket_type
    }

    pub(crate) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// Whether this process only inherited the socket through a fork.
    #[inline]
    pub(crate) fn is_foreign(&self) -> bool {
        self.born != fork_generation()
    }

    /// Works on the state, then carries out what that set off.
    #[inline]
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock();
        if self.has_notes.load(Ordering::Acquire) {
            self.absorb(&mut state);
        }
        let result = work(&mut state);
        if state.peers.has_chores() {
            self.settle(state);
            return result;
        }
        drop(state);
        // Who left a note while the lock was taken may have gone away.
        if self.has_notes.load(Ordering::SeqCst) {
            self.settle_again();
        }
        result
    }

    /// Detaches peers that ended, lets go of the lock, wakes whom there is to
    /// wake, and does not leave before the inbox is empty or someone else has
    /// the lock.
    #[cold]
    fn settle<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        loop {
            if state.peers.has_finished() {
                state.detach_finished();
            }
            let wakes = state.peers.take_wakes();
            drop(state);
            for Wake { far, what } in wakes {
                match what {
                    News::Data => far.data(),
                    News::Batch => far.batch(),
                    News::Room => far.room(),
                    News::HangUp => far.hang_up(),
                }
            }
            if !self.has_notes.load(Ordering::SeqCst) {
                return;
            }
            let Some(again) = self.state.try_lock() else {
                return;
            };
            state = again;
            self.absorb(&mut state);
        }
    }

    #[cold]
    fn settle_again(&self) {
        if let Some(mut state) = self.state.try_lock() {
            self.absorb(&mut state);
            self.settle(state);
        }
    }

    #[cold]
    fn absorb(&self, state: &mut State) {
        while self.has_notes.swap(false, Ordering::SeqCst) {
            let notes = std::mem::take(&mut *self.inbox.lock());
            for note in notes {
                state.absorb(note);
            }
        }
    }

    /// Leaves `note` in the inbox. With `now`, also sees to it that somebody
    /// reads it even if no thread of the application comes by.
    fn post(&self, note: Note, now: bool) {
        {
            let mut inbox = self.inbox.lock();
            inbox.push(note);
            self.has_notes.store(true, Ordering::SeqCst);
        }
        self.waiting.notify();
        if now && let Some(mut state) = self.state.try_lock() {
            self.absorb(&mut state);
            self.settle(state);
        }
    }

    /// Types whose peers' messages are for the socket itself.
    fn reads_by_itself(&self) -> bool {
        matches!(self.socket_type, SocketType::Pub | SocketType::Xpub)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.status() == CLOSED
    }

    #[inline]
    fn status(&self) -> u8 {
        self.status.load(Ordering::Acquire)
    }

    /// Why nothing can be done with the socket any more, if so.
    #[inline]
    pub(super) fn refusal(&self) -> Option<Refusal> {
        if self.is_foreign() {
            return Some(Refusal::Forked);
        }
        match self.status() {
            OPEN => None,
            TERMINATED => Some(Refusal::Terminated),
            _ => Some(Refusal::Closed),
        }
    }

    #[inline]
    pub(crate) fn send(
        &self,
        message: Multipart,
        patience: impl FnOnce(&SocketOptions) -> Patience,
    ) -> Result<(), SendError> {
        if let Some(refusal) = self.refusal() {
            return Err(SendError::new(refusal.into(), message));
        }
        if self.is_too_long(&message) {
            return Err(SendError::new(SendFailure::TooLong, message));
        }
        match self.with(|state| state.pattern.send(&mut state.peers, message)) {
            Ok(()) => Ok(()),
            Err(rejected) => {
                let limit = self.with(|state| patience(&state.options));
                self.send_waiting(rejected, limit)
            }
        }
    }

    #[cold]
    fn send_waiting(&self, mut rejected: Rejected, limit: Patience) -> Result<(), SendError> {
        let mut late = false;
        loop {
            let Rejected { why, message } = rejected;
            if why != SendFailure::WouldBlock {
                return Err(SendError::new(why, message));
            }
            if let Some(refusal) = self.refusal() {
                return Err(SendError::new(refusal.into(), message));
            }
            let seen = self.waiting.epoch();
            rejected = match self.with(|state| state.pattern.send(&mut state.peers, message)) {
                Ok(()) => return Ok(()),
                Err(rejected) => rejected,
            };
            if rejected.why == SendFailure::WouldBlock {
                let failure = match self.wait(seen, limit, late) {
                    Waited::Again => continue,
                    Waited::Last => {
                        late = true;
                        continue;
                    }
                    Waited::No => SendFailure::WouldBlock,
                    Waited::TooLong => SendFailure::TimedOut,
                };
                return Err(SendError::new(failure, rejected.message));
            }
        }
    }

    /// Receives; `WAITS` tells that the caller has some patience.
    #[inline]
    pub(crate) fn recv<const WAITS: bool>(
        &self,
        patience: impl FnOnce(&SocketOptions) -> Patience,
    ) -> Result<Multipart, RecvFailure> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal.into());
        }
        let received = self.with(|state| {
            state.peers.set_patient(WAITS);
            state.pattern.recv(&mut state.peers)
        });
        match received {
            Err(RecvFailure::WouldBlock) => {
                let limit = self.with(|state| patience(&state.options));
                self.recv_waiting(limit)
            }
            other => other,
        }
    }

    #[cold]
    fn recv_waiting(&self, limit: Patience) -> Result<Multipart, RecvFailure> {
        let mut late = false;
        loop {
            if let Some(refusal) = self.refusal() {
                return Err(refusal.into());
            }
            let seen = self.waiting.epoch();
            match self.with(|state| state.pattern.recv(&mut state.peers)) {
                Err(RecvFailure::WouldBlock) => {}
                other => return other,
            }
            match self.wait(seen, limit, late) {
                Waited::Again => {}
                Waited::Last => late = true,
                Waited::No => return Err(RecvFailure::WouldBlock),
                Waited::TooLong => return Err(RecvFailure::TimedOut),
            }
        }
    }

    /// Waits for something to change since `seen`. After the time is up there
    /// is one last try, as what is ready then should still be had.
    fn wait(&self, seen: u64, limit: Patience, late: bool) -> Waited {
        match limit {
            Patience::None => {
                if late {
                    return Waited::No;
                }
                if let Some(set) = self.waiting.set() {
                    set.drive();
                }
                if self.waiting.epoch() == seen {
                    return Waited::No;
                }
                Waited::Last
            }
            Patience::Forever => {
                self.waiting.wait(seen, None);
                Waited::Again
            }
            Patience::Until(at) => {
                if late {
                    return Waited::TooLong;
                }
                if self.waiting.wait(seen, Some(at)) {
                    Waited::Again
                } else {
                    Waited::Last
                }
            }
        }
    }

    #[inline]
    fn is_too_long(&self, message: &Multipart) -> bool {
        self.longest_part
            .is_some_and(|longest| message.iter().any(|part| part.len() as u64 > longest))
    }

    /// Sends if that is possible now. Does no I/O of its own.
    pub(crate) fn attempt_send(&self, message: Multipart) -> Result<(), SendError> {
        if let Some(refusal) = self.refusal() {
            return Err(SendError::new(refusal.into(), message));
        }
        if self.is_too_long(&message) {
            return Err(SendError::new(SendFailure::TooLong, message));
        }
        self.with(|state| state.pattern.send(&mut state.peers, message))
            .map_err(|Rejected { why, message }| SendError::new(why, message))
    }

    /// Receives if something is there. Does no I/O of its own.
    pub(crate) fn attempt_recv(&self) -> Result<Multipart, RecvFailure> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal.into());
        }
        self.with(|state| {
            state.peers.set_patient(false);
            state.pattern.recv(&mut state.peers)
        })
    }

    /// What of `interest` could be done now. Does no I/O of its own.
    pub(crate) fn readiness(&self, interest: Readiness) -> Result<Readiness, RecvFailure> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal.into());
        }
        Ok(self.with(|state| {
            let mut ready = Readiness::NONE;
            if interest.is_readable() && state.pattern.can_recv(&mut state.peers) {
                ready |= Readiness::READABLE;
            }
            if interest.is_writable() && state.pattern.can_send(&mut state.peers) {
                ready |= Readiness::WRITABLE;
            }
            ready
        }))
    }

    /// One non-blocking look at the connections, by one who will not be back.
    pub(crate) fn look(&self) {
        if let Some(set) = self.waiting.set() {
            set.drive_unleased();
        }
    }

    /// Puts a peer of this context's own in place.
    pub(super) fn adopt(&self, peer: Peer) {
        self.take_in(peer);
    }

    /// Gives every pipe towards a peer a new high-water mark.
    pub(super) fn apply_send_hwm(&self, high_water_mark: usize) {
        self.with(|state| {
            let ids: Vec<PeerId> = state.peers.ids().collect();
            for id in ids {
                state.set_send_hwm(id, high_water_mark);
            }
        });
        self.waiting.notify();
    }

    /// Gives every pipe from a peer a new high-water mark.
    pub(super) fn apply_recv_hwm(&self, high_water_mark: usize) {
        let links: Vec<Arc<dyn Link>> = self
            .links
            .lock()
            .values()
            .map(|live| Arc::clone(&live.link))
            .collect();
        for link in links {
            link.set_recv_hwm(high_water_mark);
        }
    }

    /// Changes the high-water mark of the pipe towards a peer.
    pub(super) fn set_peer_hwm(&self, key: u64, high_water_mark: usize) {
        self.post(Note::HighWaterMark(key, high_water_mark), true);
    }

    pub(super) fn news(&self, key: u64, what: News) {
        let eager = self.reads_by_itself();
        match what {
            News::Data => self.post(Note::Readable(key), eager),
            News::Batch => {}
            News::Room => self.post(Note::Writable(key), false),
            News::HangUp => self.post(Note::Ended(key), true),
        }
    }

    pub(crate) fn add_monitor(&self, queue: Arc<Queue>) {
        let mut monitors = self.monitors.lock();
        monitors.retain(|queue| !queue.is_abandoned());
        monitors.push(queue);
        drop(monitors);
        self.monitored.store(true, Ordering::Release);
    }

    pub(super) fn stop_monitors(&self) {
        let monitors = std::mem::take(&mut *self.monitors.lock());
        self.monitored.store(false, Ordering::Release);
        for queue in monitors {
            queue.push(Event {
                kind: EventKind::MonitorStopped,
                endpoint: String::new(),
                peer: None,
            });
        }
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Every call on the socket fails from now on, blocked ones too.
    pub(crate) fn terminate(&self) {
        let _ = self
            .status
            .compare_exchange(OPEN, TERMINATED, Ordering::SeqCst, Ordering::SeqCst);
        self.waiting.notify();
    }

    /// Closes the socket: no more calls, no more peers; what is queued is
    /// sent within the linger time.
    pub(super) fn close(&self) {
        if self.is_foreign() || self.status.swap(CLOSED, Ordering::SeqCst) == CLOSED {
            return;
        }
        self.waiting.notify();
        self.close_endpoints();
        let linger = self.with(|state| state.options.linger());
        self.part_with_everyone();
        if linger == Some(Duration::ZERO) {
            self.abort_links();
        } else {
            self.close_links(|_| true);
            if let Some(limit) = linger
                && let Some(set) = self.waiting.set()
                && let Some(me) = self.me.upgrade()
                && let Some(at) = Instant::now().checked_add(limit)
            {
                set.reactor().set_timer(at, Arc::new(LingerEnd(me)));
            }
        }
        if let Some(set) = self.waiting.set() {
            set.arm();
        }
        self.wound_up.store(true, Ordering::SeqCst);
        self.finish_if_idle();
    }

    /// What is queued towards the peers is still sent; what they sent is
    /// discarded.
    fn part_with_everyone(&self) {
        self.with(|state| {
            let ids: Vec<PeerId> = state.peers.ids().collect();
            for id in ids {
                state.peers.part(id);
            }
        });
        self.with(State::detach_everyone);
    }

    /// A peer is there. If a close on another thread was faster it goes again.
    fn take_in(&self, peer: Peer) {
        self.post(Note::Attach(Box::new(peer)), true);
        if self.is_closed() {
            self.part_with_everyone();
        }
    }

    /// Sends what the links of `origin` have queued, then ends them.
    pub(super) fn close_links(&self, chosen: impl Fn(u64) -> bool) {
        let links: Vec<Arc<dyn Link>> = self
            .links
            .lock()
            .values()
            .filter(|live| chosen(live.origin))
            .map(|live| Arc::clone(&live.link))
            .collect();
        for link in links {
            link.close();
        }
    }

    fn abort_links(&self) {
        let links: Vec<Arc<dyn Link>> = self
            .links
            .lock()
            .values()
            .map(|live| Arc::clone(&live.link))
            .collect();
        for link in links {
            link.abort();
        }
    }

    /// The peer that the connection `key` is attached as, parts with grace:
    /// what is queued towards it is still sent.
    pub(super) fn part_with(&self, key: u64) {
        self.with(|state| {
            if let Some(&id) = state.by_key.get(&key) {
                state.peers.part(id);
            }
        });
    }

    /// Parts with everyone who came in through the endpoint `origin`.
    pub(super) fn part_with_links(&self, origin: u64) {
        let keys: Vec<u64> = self
            .links
            .lock()
            .iter()
            .filter(|(_, live)| live.origin == origin)
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            self.part_with(key);
        }
        self.close_links(|from| from == origin);
    }

    /// Tells the socket who the peer `key` is.
    pub(super) fn introduce(&self, key: u64, info: Arc<PeerInfo>) {
        self.post(
            Note::Connected {
                key,
                info,
                again: false,
            },
            true,
        );
    }

    /// Tells the context once nothing of a closed socket is left.
    fn finish_if_idle(&self) {
        if self.wound_up.load(Ordering::SeqCst) && self.links.lock().is_empty() {
            self.stop_monitors();
            self.context.socket_done(self.id);
        }
    }
}

/// Lets go of what lingers too long.
struct LingerEnd(Arc<Core>);

impl Source for LingerEnd {
    fn timeout(&self) {
        self.0.abort_links();
    }
}

enum Waited {
    Again,
    Last,
    No,
    TooLong,
}

/// Why a socket does nothing any more.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refusal {
    Closed,
    Terminated,
    Forked,
}

impl From<Refusal> for SendFailure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed => Self::Closed,
            Refusal::Terminated => Self::Terminated,
            Refusal::Forked => Self::Forked,
        }
    }
}

impl From<Refusal> for RecvFailure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed => Self::Closed,
            Refusal::Terminated => Self::Terminated,
            Refusal::Forked => Self::Forked,
        }
    }
}

impl State {
    fn absorb(&mut self, note: Note) {
        match note {
            Note::Attach(peer) => {
                let key = peer.key();
                let id = self.peers.insert(*peer);
                self.by_key.insert(key, id);
                self.pattern.attached(&mut self.peers, id);
                if self.peers.has_items(id) {
                    self.pattern.readable(&mut self.peers, id);
                }
            }
            Note::Connected { key, info, again } => {
                let Some(&id) = self.by_key.get(&key) else {
                    return;
                };
                if let Some(peer) = self.peers.peer_mut(id) {
                    peer.introduce(info);
                }
                self.pattern.introduced(&mut self.peers, id);
                if again {
                    self.pattern.reconnected(&mut self.peers, id);
                }
            }
            Note::Readable(key) => {
                if let Some(&id) = self.by_key.get(&key)
                    && self.peers.has_items(id)
                {
                    self.pattern.readable(&mut self.peers, id);
                }
            }
            Note::Writable(key) => {
                if let Some(&id) = self.by_key.get(&key) {
                    self.pattern.writable(&mut self.peers, id);
                }
            }
            Note::Ended(key) => {
                if let Some(&id) = self.by_key.get(&key) {
                    self.ended(id);
                }
            }
            Note::HighWaterMark(key, high_water_mark) => {
                if let Some(&id) = self.by_key.get(&key) {
                    self.set_send_hwm(id, high_water_mark);
                }
            }
        }
        if self.peers.has_finished() {
            self.detach_finished();
        }
    }

    /// The peer's pipe has ended; what is still in it can be received.
    fn ended(&mut self, id: PeerId) {
        if self.peers.has_items(id) {
            self.pattern.readable(&mut self.peers, id);
        }
    }

    fn set_send_hwm(&mut self, id: PeerId, high_water_mark: usize) {
        self.peers.set_send_hwm(id, high_water_mark);
        if self.peers.has_room(id) {
            self.pattern.writable(&mut self.peers, id);
        }
    }

    fn detach_finished(&mut self) {
        while self.peers.has_finished() {
            for id in self.peers.take_finished() {
                if let Some(key) = self.peers.peer(id).map(Peer::key) {
                    self.pattern.detached(&mut self.peers, id);
                    self.forget(id, key);
                }
            }
        }
    }

    fn detach_everyone(&mut self) {
        let ids: Vec<PeerId> = self.peers.ids().collect();
        for id in ids {
            self.peers.finish(id);
        }
        self.detach_finished();
    }

    fn forget(&mut self, id: PeerId, key: u64) {
        self.peers.part(id);
        if let Some(peer) = self.peers.remove(id) {
            self.totals.add(peer.counters());
        }
        if self.by_key.get(&key) == Some(&id) {
            self.by_key.remove(&key);
        }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("id", &self.id)
            .field("type", &self.socket_type)
            .finish_non_exhaustive()
    }
}

impl Port for Core {
    fn link_started(&self, key: u64, origin: u64, link: Arc<dyn Link>) {
        self.links.lock().insert(
            key,
            Live {
                origin,
                link: Arc::clone(&link),
            },
        );
        if self.status() == CLOSED {
            link.close();
        }
    }

    fn attach(&self, peer: Peer) {
        self.take_in(peer);
    }

    fn connected(&self, key: u64, info: Arc<PeerInfo>, again: bool) {
        self.post(Note::Connected { key, info, again }, true);
    }

    fn readable(&self, key: u64) {
        self.post(Note::Readable(key), self.reads_by_itself());
    }

    fn writable(&self, key: u64) {
        self.post(Note::Writable(key), false);
    }

    fn ended(&self, key: u64) {
        self.post(Note::Ended(key), true);
    }

    fn lost(&self, messages: u64) {
        self.lost.fetch_add(messages, Ordering::Relaxed);
    }

    fn link_ended(&self, key: u64) {
        let live = self.links.lock().remove(&key);
        drop(live);
        self.finish_if_idle();
    }

    fn event(&self, endpoint: &str, peer: Option<&Arc<PeerInfo>>, kind: EventKind) {
        if !self.monitored.load(Ordering::Acquire) {
            return;
        }
        let event = Event {
            kind,
            endpoint: endpoint.to_owned(),
            peer: peer.cloned(),
        };
        let queues = {
            let mut monitors = self.monitors.lock();
            monitors.retain(|queue| !queue.is_abandoned());
            monitors.clone()
        };
        for queue in queues {
            queue.push(event.clone());
        }
    }
}
