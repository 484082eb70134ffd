//! What a socket's lock guards, and how news changes it.

use std::collections::HashMap;
use std::sync::Arc;

use super::counters::Totals;
use crate::message::PeerInfo;
use crate::options::SocketOptions;
use crate::pattern::Pattern;
use crate::peer::{Peer, PeerId, Peers};

/// What the socket's lock guards.
pub(crate) struct State {
    pub(super) pattern: Box<dyn Pattern>,
    pub(super) peers: Peers,
    pub(super) by_key: HashMap<u64, PeerId>,
    pub(super) options: SocketOptions,
    pub(super) totals: Totals,
}

/// News for the socket, in the order it happened.
pub(super) enum Note {
    Attach(Box<Peer>),
    Connected {
        key: u64,
        info: Arc<PeerInfo>,
        again: bool,
    },
    Readable(u64),
    Writable(u64),
    Ended(u64),
    FarRecvHwm(u64, usize),
}

impl State {
    pub(super) fn absorb(&mut self, note: Note) {
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
            Note::FarRecvHwm(key, high_water_mark) => {
                if let Some(&id) = self.by_key.get(&key) {
                    self.peers.set_far_recv_hwm(id, high_water_mark);
                    self.set_send_hwm(id, self.options.send_hwm());
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

    /// Peers that were refused in haste take part again: now if they have room,
    /// else once they tell.
    #[inline]
    pub(super) fn end_haste(&mut self) {
        for id in self.peers.take_refused() {
            if self.peers.has_room(id) {
                self.pattern.writable(&mut self.peers, id);
            }
        }
    }

    pub(super) fn set_send_hwm(&mut self, id: PeerId, high_water_mark: usize) {
        self.peers.set_send_hwm(id, high_water_mark);
        if self.peers.has_room(id) {
            self.pattern.writable(&mut self.peers, id);
        }
    }

    /// Nothing that was sent is held back any more.
    #[inline]
    pub(super) fn flush(&mut self) {
        if self.peers.is_holding() {
            self.pattern.flush(&mut self.peers);
        }
    }

    pub(super) fn detach_finished(&mut self) {
        self.flush();
        while self.peers.has_finished() {
            for id in self.peers.take_finished() {
                if let Some(key) = self.peers.peer(id).map(Peer::key) {
                    self.pattern.detached(&mut self.peers, id);
                    self.forget(id, key);
                }
            }
        }
    }

    pub(super) fn detach_everyone(&mut self) {
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
