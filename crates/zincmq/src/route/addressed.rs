//! Peers that are written to by routing id and read from in turn.

use super::by_identity::{Entered, Identities};
use super::{FairQueue, LoadBalance};
use crate::error::SendFailure;
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
    /// Peers are known by the routing ids they announce.
    pub(crate) fn new() -> Self {
        Self::with(Identities::new())
    }

    /// Peers are known by numbers given to them here.
    pub(crate) fn numbered() -> Self {
        Self::with(Identities::numbered())
    }

    fn with(identities: Identities) -> Self {
        Self {
            identities,
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
            let mut name = name.unshared();
            peer.sign(&mut name);
            message.push_front(name);
            return Some(message);
        }
    }

    /// Sends what is behind the first part to the peer that this part names,
    /// or gives the message back whole, with whether the peer is missing
    /// (`Unroutable`) or full (`WouldBlock`). There must be something behind it.
    #[inline]
    pub(crate) fn send(
        &mut self,
        peers: &mut Peers,
        mut message: Multipart,
    ) -> Result<(), (SendFailure, Multipart)> {
        let Some(id) = self.find(message.first()) else {
            return Err((SendFailure::Unroutable, message));
        };
        let name = message.pop_front().unwrap_or_default();
        peers.send(id, message).map_err(|refused| {
            let (why, mut message) = match refused {
                Refused::Full(message) => (SendFailure::WouldBlock, message),
                Refused::Gone(message) => (SendFailure::Unroutable, message),
            };
            message.push_front(name);
            (why, message)
        })
    }

    /// Whether the peer with routing id `name` is there and has room, or which
    /// of the two is wanting.
    pub(crate) fn state(&self, peers: &mut Peers, name: &[u8]) -> Result<(), SendFailure> {
        match self.find(name) {
            None => Err(SendFailure::Unroutable),
            Some(id) if peers.has_room(id) => Ok(()),
            Some(_) => Err(SendFailure::WouldBlock),
        }
    }

    /// A number for a peer that is to come, which no other has.
    pub(crate) fn number(&mut self) -> u32 {
        self.identities.number()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.identities.is_empty()
    }

    /// Whether some peer has room.
    pub(crate) fn has_room(&mut self, peers: &mut Peers) -> bool {
        self.outbound.has_room(peers)
    }
}
