//! Sending one message to several peers.

use super::rota::Rota;
use crate::message::{Item, Multipart};
use crate::peer::{PeerId, Peers, Refused};

/// Copies a message to chosen peers, at most one copy to each. The parts'
/// payloads are shared by all copies.
#[derive(Default)]
pub(crate) struct FanOut {
    members: Rota,
    /// By peer number: the last round it was chosen in.
    chosen_in: Vec<u64>,
    /// By peer number: refused its last message and has not had room since.
    full: Vec<bool>,
    round: u64,
    chosen: Vec<PeerId>,
    dropped: u64,
    /// A message is for all that are chosen or for none.
    no_drop: bool,
    /// The peer without room because of whom the last one was for none.
    waiting_for: Option<PeerId>,
}

impl FanOut {
    pub(crate) fn add(&mut self, id: PeerId) {
        let number = id.0 as usize;
        if number >= self.chosen_in.len() {
            self.chosen_in.resize(number + 1, 0);
            self.full.resize(number + 1, false);
        }
        self.chosen_in[number] = 0;
        self.full[number] = false;
        self.members.add(id);
    }

    pub(crate) fn remove(&mut self, id: PeerId) {
        self.members.remove(id);
        if self.waiting_for == Some(id) {
            self.waiting_for = None;
        }
    }

    /// Whether a message is sent to nobody while somebody chosen is full.
    pub(crate) fn set_no_drop(&mut self, on: bool) {
        self.no_drop = on;
    }

    pub(crate) fn writable(&mut self, id: PeerId) {
        if let Some(full) = self.full.get_mut(id.0 as usize) {
            *full = false;
        }
    }

    /// Starts to choose receivers for a new message.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.round += 1;
        self.chosen.clear();
    }

    /// Chooses `id`; choosing it twice changes nothing.
    #[inline]
    pub(crate) fn choose(&mut self, id: PeerId) {
        if let Some(round) = self.chosen_in.get_mut(id.0 as usize)
            && *round != self.round
        {
            *round = self.round;
            self.chosen.push(id);
        }
    }

    /// Chooses exactly those that were not chosen so far.
    pub(crate) fn invert(&mut self) {
        self.chosen.clear();
        for &id in self.members.members() {
            if self.chosen_in[id.0 as usize] != self.round {
                self.chosen.push(id);
            }
        }
    }

    /// Chooses nobody but `id`, and that one only if it was chosen.
    pub(crate) fn keep_only(&mut self, id: PeerId) {
        self.chosen.retain(|chosen| *chosen == id);
    }

    pub(crate) fn choose_all(&mut self) {
        self.begin();
        self.invert();
    }

    /// Sends to all chosen peers, or gives the message back if none of them may
    /// miss it and one is full.
    #[inline]
    pub(crate) fn try_send(
        &mut self,
        peers: &mut Peers,
        message: Multipart,
    ) -> Result<(), Multipart> {
        if self.no_drop
            && let Some(id) = self.find_full(peers)
        {
            self.waiting_for = Some(id);
            return Err(message);
        }
        self.send(peers, message);
        Ok(())
    }

    /// False while a message that was given back would be again.
    pub(crate) fn has_room(&mut self, peers: &mut Peers) -> bool {
        if let Some(id) = self.waiting_for
            && (peers.has_room(id) || !self.no_drop)
        {
            self.waiting_for = None;
        }
        self.waiting_for.is_none()
    }

    /// A chosen peer that cannot take a message now, if there is one.
    fn find_full(&mut self, peers: &mut Peers) -> Option<PeerId> {
        for &id in &self.chosen {
            self.full[id.0 as usize] = !peers.has_room(id);
            if self.full[id.0 as usize] {
                return Some(id);
            }
        }
        None
    }

    /// Sends to all chosen peers. Who is full does not get it; that is counted.
    #[inline]
    pub(crate) fn send(&mut self, peers: &mut Peers, message: Multipart) {
        let Some(last) = self.chosen.pop() else {
            return;
        };
        for at in 0..self.chosen.len() {
            let id = self.chosen[at];
            if self.full[id.0 as usize] {
                self.drop_for(peers, id);
            } else {
                self.send_one(peers, id, message.clone());
            }
        }
        if self.full[last.0 as usize] {
            self.drop_for(peers, last);
        } else {
            self.send_one(peers, last, message);
        }
    }

    /// Sends a subscription to all peers whatever their high-water mark.
    pub(crate) fn send_control(&self, peers: &mut Peers, mut item: impl FnMut() -> Item) {
        for &id in self.members.members() {
            peers.send_control(id, item());
        }
    }

    /// Messages that full peers did not get.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    #[inline]
    fn send_one(&mut self, peers: &mut Peers, id: PeerId, message: Multipart) {
        match peers.send(id, message) {
            Ok(()) | Err(Refused::Gone(_)) => {}
            Err(Refused::Full(_)) => {
                self.full[id.0 as usize] = true;
                self.drop_for(peers, id);
            }
        }
    }

    fn drop_for(&mut self, peers: &mut Peers, id: PeerId) {
        peers.count_dropped(id);
        self.dropped += 1;
    }
}
