//! Sending to many peers, each in its turn.

use super::rota::Rota;
use crate::message::Multipart;
use crate::peer::{PeerId, Peers};

/// Hands each message to the next peer that has room. Peers at their
/// high-water mark cost nothing until they have room again.
#[derive(Default)]
pub(crate) struct LoadBalance {
    rota: Rota,
}

impl LoadBalance {
    pub(crate) fn add(&mut self, id: PeerId) {
        self.rota.add(id);
    }

    pub(crate) fn remove(&mut self, id: PeerId) {
        self.rota.remove(id);
    }

    pub(crate) fn writable(&mut self, id: PeerId) {
        self.rota.wake(id);
    }

    /// Sends to the next peer with room and says which it was, or gives the
    /// message back if there is none.
    #[inline(always)]
    pub(crate) fn send(
        &mut self,
        peers: &mut Peers,
        message: Multipart,
    ) -> Result<PeerId, Multipart> {
        while let Some(id) = self.rota.current() {
            if let Ok(room) = peers.room(id) {
                room.take(message);
                self.rota.advance();
                return Ok(id);
            }
            self.rota.pause();
        }
        Err(message)
    }

    /// Whether some peer has room.
    #[inline]
    pub(crate) fn has_room(&mut self, peers: &mut Peers) -> bool {
        while let Some(id) = self.rota.current() {
            if peers.has_room(id) {
                return true;
            }
            self.rota.pause();
        }
        false
    }
}
