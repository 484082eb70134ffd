//! How a socket ends: no more calls, no more peers, and what is queued goes
//! within the linger time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
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
    pub(super) fn take_in(&self, peer: Peer) {
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

    pub(super) fn abort_links(&self) {
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

    /// Tells the context once nothing of a closed socket is left.
    pub(super) fn finish_if_idle(&self) {
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
