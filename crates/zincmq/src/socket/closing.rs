//! How a socket ends: no more calls, no more peers, and what is queued goes
//! within the linger time.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::core::{CLOSED, Core, OPEN, TERMINATED};
use super::state::{Note, State};
use crate::connection::Link;
use crate::peer::{Peer, PeerId};
use crate::reactor::Source;

pub(super) struct Live {
    pub(super) origin: u64,
    pub(super) link: Arc<dyn Link>,
}

impl Core {
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
        let linger = self.linger();
        self.part_with_everyone();
        self.end_links(linger, |_, _| true);
        if let Some(set) = self.waiting.set() {
            set.arm();
        }
        self.wound_up.store(true, Ordering::SeqCst);
        self.finish_if_idle();
    }

    pub(super) fn linger(&self) -> Option<Duration> {
        self.with(|state| state.options.linger())
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
    pub(super) fn take_in(&self, peer: Peer) {
        self.post(Note::Attach(Box::new(peer)), true);
        if self.is_closed() {
            self.part_with_everyone();
        }
    }

    /// Sends what the links chosen by key and origin have queued within
    /// `linger` from now, then ends them.
    pub(super) fn end_links(&self, linger: Option<Duration>, chosen: impl Fn(u64, u64) -> bool) {
        let links: Vec<Arc<dyn Link>> = self
            .links
            .lock()
            .iter()
            .filter(|(key, live)| chosen(**key, live.origin))
            .map(|(_, live)| Arc::clone(&live.link))
            .collect();
        for link in &links {
            match linger {
                Some(Duration::ZERO) => link.abort(),
                _ => link.close(),
            }
        }
        if let Some(limit) = linger
            && !limit.is_zero()
            && let Some(set) = self.waiting.set()
            && let Some(at) = Instant::now().checked_add(limit)
        {
            let links = links.iter().map(Arc::downgrade).collect();
            set.reactor().set_timer(at, Arc::new(LingerEnd(links)));
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

    /// Ends the connections that came in through the endpoint `origin`, after
    /// what is queued for them; what came over them can still be received.
    pub(super) fn dismiss_links(&self, origin: u64) {
        let keys: Vec<u64> = self
            .links
            .lock()
            .iter()
            .filter(|(_, live)| live.origin == origin)
            .map(|(key, _)| *key)
            .collect();
        self.with(|state| {
            for key in keys {
                if let Some(&id) = state.by_key.get(&key) {
                    state.peers.dismiss(id);
                }
            }
        });
        self.end_links(self.linger(), |_, from| from == origin);
    }

    /// Tells the context once nothing of a closed socket is left.
    pub(super) fn finish_if_idle(&self) {
        if self.is_done() {
            self.stop_monitors();
            self.context.socket_done(self.id);
        }
    }

    /// Whether it is closed and nothing of it is left.
    pub(super) fn is_done(&self) -> bool {
        self.wound_up.load(Ordering::SeqCst) && self.links.lock().is_empty()
    }
}

/// Lets go of what lingers too long. Does not keep alive what has ended
/// before: it holds the socket, that the context, and that the thread that
/// waits.
struct LingerEnd(Vec<Weak<dyn Link>>);

impl Source for LingerEnd {
    fn timeout(&self) {
        for link in self.0.iter().filter_map(Weak::upgrade) {
            link.abort();
        }
    }
}
