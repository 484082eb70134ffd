//! A socket's inside: its pattern and peers behind one lock, an inbox for
//! news from connections, and the threads that wait.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use biased::{Guard, Lock};

use super::Socket;
use super::closing::Live;
use super::counters::Totals;
use super::endpoints::Endpoints;
use super::state::{Note, State};
use crate::SocketType;
use crate::context::Shared;
use crate::error::{RecvFailure, SendFailure, SocketError};
use crate::message::PeerInfo;
use crate::monitor::Queue;
use crate::options::SocketOptions;
use crate::pattern::Pattern;
use crate::peer::{Hold, News, Peer, Peers, Wake};
use crate::reactor::{Waiting, fork_generation};
use crate::sync::Mutex;

pub(super) const OPEN: u8 = 0;
pub(super) const CLOSED: u8 = 1;
pub(super) const TERMINATED: u8 = 2;

pub(crate) struct Core {
    pub(super) me: Weak<Self>,
    pub(super) id: u64,
    pub(super) socket_type: SocketType,
    pub(super) context: Arc<Shared>,
    pub(super) state: Lock<State>,
    pub(super) inbox: Mutex<Vec<Note>>,
    pub(super) has_notes: AtomicBool,
    pub(super) waiting: Waiting,
    /// What the pattern holds back.
    pub(super) hold: Arc<Hold>,
    pub(super) status: AtomicU8,
    /// The close has given up endpoints and peers; only links may be left.
    pub(super) wound_up: AtomicBool,
    /// Numbers this socket's peers, sessions and endpoints.
    pub(super) keys: Arc<AtomicU64>,
    pub(super) links: Mutex<HashMap<u64, Live>>,
    pub(super) endpoints: Mutex<Endpoints>,
    pub(super) monitors: Mutex<Vec<Arc<Queue>>>,
    pub(super) monitored: AtomicBool,
    /// Messages taken from a peer's pipe that never reached the system.
    pub(super) lost: AtomicU64,
    /// The longest part there may be in the context, bytes (MAX_MSGSZ).
    pub(super) longest_part: Option<u64>,
    pub(super) born: u32,
}

impl Core {
    pub(super) fn new(
        id: u64,
        socket_type: SocketType,
        context: Arc<Shared>,
        pattern: Box<dyn Pattern>,
        options: SocketOptions,
    ) -> Arc<Self> {
        let (longest_part, longest_spin) = (context.longest_part(), context.longest_spin());
        let peers = Peers::default();
        let hold = Arc::clone(peers.hold());
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            id,
            socket_type,
            context,
            state: Lock::new(State {
                pattern,
                peers,
                by_key: HashMap::new(),
                options,
                totals: Totals::default(),
            }),
            inbox: Mutex::default(),
            has_notes: AtomicBool::new(false),
            waiting: Waiting::new(longest_spin),
            hold,
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

    /// Another socket of the same context.
    pub(crate) fn sibling(&self, socket_type: SocketType) -> Result<Socket, SocketError> {
        let defaults = self.context.socket_defaults(socket_type);
        Shared::socket(&self.context, socket_type, defaults)
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
    #[inline(always)]
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        self.with_held(|state| {
            state.flush();
            work(state)
        })
    }

    /// The same while messages that were sent may be held back, to go to peers
    /// together: for sends, and what comes before each of them.
    #[inline(always)]
    pub(super) fn with_held<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock();
        self.catch_up(&mut state);
        let result = work(&mut state);
        if state.peers.has_chores() {
            self.settle(state);
        } else {
            drop(state);
            // Who left a note while the lock was taken may have gone away.
            if self.has_news() {
                self.settle_again();
            }
        }
        result
    }

    /// Takes in what was left in the inbox before the lock was taken.
    #[inline]
    pub(super) fn catch_up(&self, state: &mut State) {
        if self.has_notes.load(Ordering::Acquire) {
            self.absorb(state);
        }
    }

    /// Whether something was left in the inbox meanwhile.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.has_notes.load(Ordering::SeqCst)
    }

    /// Detaches peers that ended, lets go of the lock, wakes whom there is to
    /// wake, and does not leave before the inbox is empty or someone else has
    /// the lock.
    #[cold]
    fn settle<'a>(&'a self, mut state: Guard<'a, State>) {
        loop {
            if state.peers.has_finished() {
                state.detach_finished();
            }
            let wakes = state.peers.take_wakes();
            let unwatched = state.peers.take_unwatched();
            drop(state);
            if unwatched {
                self.watch_hold();
            }
            for Wake { far, what } in wakes {
                match what {
                    News::Data => far.data(),
                    News::Batch => far.batch(),
                    News::Room => far.room(),
                    News::HangUp => far.hang_up(),
                    News::Discarded(messages) => far.discarded(messages),
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
    pub(super) fn settle_again(&self) {
        if let Some(mut state) = self.state.try_lock() {
            self.absorb(&mut state);
            self.settle(state);
        }
    }

    #[cold]
    fn absorb(&self, state: &mut State) {
        state.flush();
        while self.has_notes.swap(false, Ordering::SeqCst) {
            let notes = std::mem::take(&mut *self.inbox.lock());
            for note in notes {
                state.absorb(note);
            }
        }
    }

    /// Leaves `note` in the inbox. With `now`, also sees to it that somebody
    /// reads it even if no thread of the application comes by.
    pub(super) fn post(&self, note: Note, now: bool) {
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
    pub(super) fn reads_by_itself(&self) -> bool {
        use SocketType::{Pub, Radio, Xpub};
        matches!(self.socket_type, Pub | Xpub | Radio)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.status() == CLOSED
    }

    #[inline]
    pub(super) fn status(&self) -> u8 {
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

    /// Puts a peer of this context's own in place.
    pub(super) fn adopt(&self, peer: Peer) {
        self.take_in(peer);
    }

    /// So many messages may wait at a peer that is a socket of this process.
    pub(super) fn far_recv_hwm(&self, key: u64, high_water_mark: usize) {
        self.post(Note::FarRecvHwm(key, high_water_mark), true);
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

    pub(super) fn news(&self, key: u64, what: News) {
        let eager = self.reads_by_itself();
        match what {
            News::Data => self.post(Note::Readable(key), eager),
            News::Batch => {}
            News::Room => self.post(Note::Writable(key), false),
            News::HangUp => self.post(Note::Ended(key), true),
            News::Discarded(messages) => {
                self.lost.fetch_add(messages, Ordering::Relaxed);
            }
        }
    }
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

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("id", &self.id)
            .field("type", &self.socket_type)
            .finish_non_exhaustive()
    }
}
