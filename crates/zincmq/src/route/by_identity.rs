//! Finding peers by their routing ids.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;

use crate::message::Message;
use crate::peer::{PeerId, Peers};

/// Routing ids and the peers that have them. A peer's id is the one assigned
/// to it on this side, else the one it announced, else one made here from a
/// counter that starts anywhere: a zero byte before its four bytes (RFC 28).
/// Or, with `numbered`, the four bytes alone, never all zero, whatever the peer
/// announced (RFC 41, RFC 51).
pub(crate) struct Identities {
    numbered: bool,
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
            numbered: false,
            by_name: HashMap::new(),
            names: Vec::new(),
            next: random_u32(),
        }
    }

    pub(crate) fn numbered() -> Self {
        Self {
            numbered: true,
            ..Self::new()
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
            None if self.numbered => Bytes::new(),
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

        let name = Message::copy_from_slice(&wanted);
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
        if self.numbered {
            return Bytes::copy_from_slice(&self.number().to_be_bytes());
        }
        loop {
            let mut name = [0; 5];
            name[1..].copy_from_slice(&self.next.to_be_bytes());
            self.next = self.next.wrapping_add(1);
            if !self.by_name.contains_key(&name[..]) {
                return Bytes::copy_from_slice(&name);
            }
        }
    }

    /// A number that no peer has, never 0.
    pub(crate) fn number(&mut self) -> u32 {
        loop {
            let number = self.next;
            self.next = number.wrapping_add(1);
            if number != 0 && !self.by_name.contains_key(&number.to_be_bytes()[..]) {
                return number;
            }
        }
    }
}

/// A number nobody can foresee: what keys the standard library's hash maps.
pub(crate) fn random_u32() -> u32 {
    RandomState::new().hash_one(0_u8) as u32
}
