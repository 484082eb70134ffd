//! Finding peers by their routing ids.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;

use crate::message::Message;
use crate::peer::{PeerId, Peers};

/// Routing ids and the peers that have them (RFC 28). A peer's id is the one
/// the application assigned, else the one it announced, else one made here: a
/// zero byte and a counter of four bytes that starts anywhere.
pub(crate) struct Identities {
    by_name: HashMap<Bytes, PeerId>,
    /// By peer number, as the part that goes before its messages.
    names: Vec<Option<Message>>,
    next: u32,
}

/// What came of giving a peer its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entered {
    /// It has an id of its own.
    Alone,
    /// It took its id from this peer, which has none now.
    Instead(PeerId),
    /// Another peer has the id and keeps it.
    Refused,
}

impl Identities {
    pub(crate) fn new() -> Self {
        Self {
            by_name: HashMap::new(),
            names: Vec::new(),
            next: random_u32(),
        }
    }

    /// Gives peer `id` its routing id. With `handover` it may take that of
    /// another peer. May be called again for a peer whose connection, and with
    /// it the announced id, has changed; if refused it then keeps what it had.
    pub(crate) fn enter(&mut self, peers: &Peers, id: PeerId, handover: bool) -> Entered {
        let Some(peer) = peers.peer(id) else {
            return Entered::Refused;
        };
        let mut wanted = match peer.assigned_id() {
            Some(assigned) => assigned.clone(),
            None => peer.info().routing_id.clone(),
        };
        if wanted.is_empty() {
            if self.name(id).is_some() {
                return Entered::Alone;
            }
            wanted = self.make_up();
        }

        let key = peer.key();
        // The end of an earlier connection to the same endpoint may not have
        // been read yet; its name goes to who takes its place.
        let is_other = |owner: &PeerId| peers.peer(*owner).is_none_or(|peer| peer.key() != key);
        let other = self.by_name.get(&wanted).copied().filter(is_other);
        if let Some(owner) = other {
            if !handover {
                return Entered::Refused;
            }
            self.leave(owner);
        }
        self.leave(id);

        let name = Message::from(wanted.clone());
        let number = id.0 as usize;
        if number >= self.names.len() {
            self.names.resize(number + 1, None);
        }
        self.names[number] = Some(name);
        self.by_name.insert(wanted, id);
        other.map_or(Entered::Alone, Entered::Instead)
    }

    /// Takes the id of peer `id` away and returns it, if it had one.
    pub(crate) fn leave(&mut self, id: PeerId) -> Option<Message> {
        let name = self.names.get_mut(id.0 as usize)?.take()?;
        if self.find(&name) == Some(id) {
            self.by_name.remove(&name[..]);
        }
        Some(name)
    }

    /// The peer whose routing id is `name`.
    #[inline]
    pub(crate) fn find(&self, name: &[u8]) -> Option<PeerId> {
        self.by_name.get(name).copied()
    }

    /// The routing id of peer `id`, as a part.
    #[inline]
    pub(crate) fn name(&self, id: PeerId) -> Option<&Message> {
        self.names.get(id.0 as usize)?.as_ref()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    fn make_up(&mut self) -> Bytes {
        loop {
            let mut name = [0; 5];
            name[1..].copy_from_slice(&self.next.to_be_bytes());
            self.next = self.next.wrapping_add(1);
            if !self.by_name.contains_key(&name[..]) {
                return Bytes::copy_from_slice(&name);
            }
        }
    }
}

/// A number nobody can foresee: what keys the standard library's hash maps.
pub(crate) fn random_u32() -> u32 {
    RandomState::new().hash_one(0_u8) as u32
}
