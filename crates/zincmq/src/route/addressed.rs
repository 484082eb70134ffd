//! Peers that are written to by routing id and read from in turn.

use super::by_identity::{Entered, Identities};
use super::{FairQueue, LoadBalance};
use crate::message::{Message, Multipart};
use crate::peer::{PeerId, Peers, Refused};

/// Peers with routing ids. A received message has the id of its peer as its
/// first part.
pub(crate) struct Addressed {
    identities: Identities,
    inbound: FairQueue,
    /// Only asked whether any peer has room.
    outbound: LoadBalance,
}

impl Addressed {
    pub(crate) fn new() -> Self {
        Self {
            identities: Identities::new(),
            inbound: FairQueue::default(),
            outbound: LoadBalance::default(),
        }
    }

    /// Takes peer `id` in under its routing id. If another peer has the same,
    /// one of the two is hung up: with `handover` the older, else the newer.
    /// Whether `id` was taken in.
    pub(crate) fn add(&mut self, peers: &mut Peers, id: PeerId, handover: bool) -> bool {
        match self.identities.enter(peers, id, handover) {
            Entered::Alone => {}
            Entered::Instead(old) => self.hang_up(peers, old),
            Entered::Refused => {
                peers.hang_up(id);
                return false;
            }
        }
        self.inbound.add(id);
        self.outbound.add(id);
        true
    }

    /// Ends the conversation with `id`, after what is on its way to it.
    pub(crate) fn part(&mut self, peers: &mut Peers, id: PeerId) {
        self.remove(id);
        peers.part(id);
    }

    /// Looks at the routing id of `id` again, as another may be announced now.
    pub(crate) fn rename(&mut self, peers: &mut Peers, id: PeerId, handover: bool) {
        if self.identities.name(id).is_some()
            && let Entered::Instead(old) = self.identities.enter(peers, id, handover)
        {
            self.hang_up(peers, old);
        }
    }

    /// Forgets `id`; returns its routing id if it still had one.
    pub(crate) fn remove(&mut self, id: PeerId) -> Option<Message> {
        self.inbound.remove(id);
        self.outbound.remove(id);
        self.identities.leave(id)
    }

    fn hang_up(&mut self, peers: &mut Peers, id: PeerId) {
        self.remove(id);
        peers.hang_up(id);
    }

    pub(crate) fn readable(&mut self, id: PeerId) {
        self.inbound.readable(id);
    }

    pub(crate) fn writable(&mut self, id: PeerId) {
        self.outbound.writable(id);
    }

    /// The peer with routing id `name`.
    #[inline]
    pub(crate) fn find(&self, name: &[u8]) -> Option<PeerId> {
        self.identities.find(name)
    }

    /// The routing id of `id`, as a part.
    pub(crate) fn name(&self, id: PeerId) -> Option<&Message> {
        self.identities.name(id)
    }

    /// The next message, behind the routing id of the peer it came from.
    #[inline]
    pub(crate) fn pop(&mut self, peers: &mut Peers) -> Option<Multipart> {
        loop {
            let (id, mut message) = self.inbound.pop(peers)?;
            let (Some(name), Some(peer)) = (self.identities.name(id), peers.peer(id)) else {
                continue;
            };
            let mut name = name.clone();
            peer.sign(&mut name);
            message.push_front(name);
            return Some(message);
        }
    }

    /// Sends `message`, without routing id, to peer `id`.
    #[inline]
    pub(crate) fn send(
        &mut self,
        peers: &mut Peers,
        id: PeerId,
        message: Multipart,
    ) -> Result<(), Refused> {
        peers.send(id, message)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.identities.is_empty()
    }

    /// Whether some peer has room.
    pub(crate) fn has_room(&mut self, peers: &mut Peers) -> bool {
        self.outbound.has_room(peers)
    }
}
