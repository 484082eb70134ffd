//! Whose turn it is.

use crate::peer::PeerId;

/// Peers in a row, the active ones in front, taken in turn. Every step costs
/// the same however many peers there are; passive ones are never looked at.
///
/// A peer that stays active is reached again after at most as many turns as
/// there are peers: a turn moves the pointer on, pausing a peer puts another
/// active one in its place, and who wakes up joins at the end.
#[derive(Default)]
pub(crate) struct Rota {
    order: Vec<PeerId>,
    /// Where in `order` a peer is, by its number.
    place: Vec<u32>,
    active: usize,
    turn: usize,
}

const ABSENT: u32 = u32::MAX;

impl Rota {
    /// Takes `id` in, active.
    pub(crate) fn add(&mut self, id: PeerId) {
        let number = id.0 as usize;
        if number >= self.place.len() {
            self.place.resize(number + 1, ABSENT);
        }
        if self.place[number] == ABSENT {
            self.place[number] = self.order.len() as u32;
            self.order.push(id);
        }
        self.wake(id);
    }

    /// Forgets `id`.
    pub(crate) fn remove(&mut self, id: PeerId) {
        let Some(mut at) = self.find(id) else {
            return;
        };
        if at < self.active {
            at = self.put_to_rest(at);
        }
        self.swap(at, self.order.len() - 1);
        self.order.pop();
        self.place[id.0 as usize] = ABSENT;
        if self.order.is_empty() {
            *self = Self::default();
        }
    }

    /// Makes `id` active, if it is one of these peers.
    pub(crate) fn wake(&mut self, id: PeerId) {
        if let Some(at) = self.find(id)
            && at >= self.active
        {
            self.swap(at, self.active);
            self.active += 1;
        }
    }

    /// The active peer whose turn it is.
    #[inline]
    pub(crate) fn current(&self) -> Option<PeerId> {
        if self.active == 0 {
            return None;
        }
        Some(self.order[self.turn])
    }

    /// Gives the turn to the next active peer.
    #[inline]
    pub(crate) fn advance(&mut self) {
        self.turn += 1;
        if self.turn >= self.active {
            self.turn = 0;
        }
    }

    /// Makes the current peer passive; the turn goes to another one.
    #[inline]
    pub(crate) fn pause(&mut self) {
        if self.active > 0 {
            self.put_to_rest(self.turn);
        }
    }

    /// All of them, active or not.
    pub(crate) fn members(&self) -> &[PeerId] {
        &self.order
    }

    fn find(&self, id: PeerId) -> Option<usize> {
        match self.place.get(id.0 as usize) {
            None | Some(&ABSENT) => None,
            Some(&at) => Some(at as usize),
        }
    }

    /// Moves the active peer at `at` behind the active ones; says where it is.
    fn put_to_rest(&mut self, at: usize) -> usize {
        self.active -= 1;
        self.swap(at, self.active);
        if self.turn >= self.active {
            self.turn = 0;
        }
        self.active
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.order.swap(a, b);
        self.place[self.order[a].0 as usize] = a as u32;
        self.place[self.order[b].0 as usize] = b as u32;
    }
}
