//! Receiving from many peers, each in its turn.

use super::rota::Rota;
use crate::message::{Item, Multipart};
use crate::peer::{PeerId, Peers, Popped};

/// Takes one message at a time from each peer that has any, in turn. Peers
/// with nothing to read cost nothing.
#[derive(Default)]
pub(crate) struct FairQueue {
    rota: Rota,
}

impl FairQueue {
    pub(crate) fn add(&mut self, id: PeerId) {
        self.rota.add(id);
    }

    pub(crate) fn remove(&mut self, id: PeerId) {
        self.rota.remove(id);
    }

    /// To be called when `id` may have something to read.
    pub(crate) fn readable(&mut self, id: PeerId) {
        self.rota.wake(id);
    }

    /// The next user's message and whose it is. Subscriptions, which are
    /// nothing to this socket then, are passed over.
    #[inline(always)]
    pub(crate) fn pop(&mut self, peers: &mut Peers) -> Option<(PeerId, Multipart)> {
        loop {
            if let (id, Item::Data(message)) = self.pop_item(peers)? {
                return Some((id, message));
            }
        }
    }

    /// The next user's message, whose ever it is.
    #[inline(always)]
    pub(crate) fn take(&mut self, peers: &mut Peers) -> Option<Multipart> {
        while let Some(id) = self.rota.current() {
            match peers.pop(id) {
                Popped::Item(Item::Data(message)) => {
                    self.rota.advance();
                    return Some(message);
                }
                Popped::Item(_) => self.rota.advance(),
                Popped::Empty | Popped::Finished => self.rota.pause(),
            }
        }
        None
    }

    /// The next item of any kind and whose it is.
    #[inline(always)]
    pub(crate) fn pop_item(&mut self, peers: &mut Peers) -> Option<(PeerId, Item)> {
        while let Some(id) = self.rota.current() {
            match peers.pop(id) {
                Popped::Item(item) => {
                    self.rota.advance();
                    return Some((id, item));
                }
                Popped::Empty | Popped::Finished => self.rota.pause(),
            }
        }
        None
    }

    /// Reads and discards up to `limit` items, for a socket that does not
    /// receive; returns how many were users' messages.
    pub(crate) fn discard(&mut self, peers: &mut Peers, limit: usize) -> u64 {
        let mut messages = 0;
        for _ in 0..limit {
            match self.pop_item(peers) {
                Some((_, Item::Data(_))) => messages += 1,
                Some(_) => {}
                None => break,
            }
        }
        messages
    }

    /// Whether no peer is known to have anything.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.rota.current().is_none()
    }
}
