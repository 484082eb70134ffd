//! Sending one message to several peers.

use std::sync::Arc;

use super::rota::Rota;
use crate::message::{Gathering, Item, Multipart};
use crate::peer::{PeerId, Peers, Refused};

/// So many messages in a row to the same peers, none of whom slept, are a stream.
const STREAM: u32 = 8;
/// Fewer are not worth gathering.
const FEWEST: u64 = 8;

/// Copies a message to chosen peers, at most one copy to each. The parts'
/// payloads are shared by all copies.
///
/// In a stream to the same peers messages are gathered, and encoded once for all
/// of them. They are held back meanwhile ([`Peers::hold_back`]), and only while
/// all have room for certain: what is gathered is never refused.
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
    /// Whom the last message was sent to.
    cohort: Vec<PeerId>,
    /// How many in a row were for them, and found all of them awake.
    in_a_row: u32,
    /// What is held back for them.
    gathering: Gathering,
    /// How many messages of it they have room for; 0 if nothing is held back.
    room: u64,
    /// Those of them that get it, and those that were full when it began.
    takers: Vec<PeerId>,
    missing: Vec<PeerId>,
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

    /// Nothing is held back, for `id` or others.
    pub(crate) fn remove(&mut self, id: PeerId) {
        self.members.remove(id);
        // Its number may be another's before long.
        self.in_a_row = 0;
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
        if self.chosen.is_empty() || self.gather(peers, &message) {
            return Ok(());
        }
        if self.no_drop
            && let Some(id) = self.find_full(peers)
        {
            self.waiting_for = Some(id);
            return Err(message);
        }
        let roused = peers.roused();
        self.send(peers, message);
        if peers.roused() == roused && self.is_for_cohort() {
            self.in_a_row += 1;
        } else {
            self.in_a_row = 0;
            self.cohort.clone_from(&self.chosen);
        }
        Ok(())
    }

    #[inline]
    fn is_for_cohort(&self) -> bool {
        self.chosen == self.cohort
    }

    /// Adds a message for the chosen peers to what is held back, if it is one of
    /// a stream; else nothing is held back any more.
    #[inline]
    fn gather(&mut self, peers: &mut Peers, message: &Multipart) -> bool {
        let goes = self.in_a_row >= STREAM
            && self.is_for_cohort()
            && Gathering::takes(message)
            && !(self.no_drop && peers.is_hasty());
        if !goes {
            self.flush(peers);
            return false;
        }
        if self.room == 0 && !self.begin_gathering(peers) {
            return false;
        }
        self.gathering.add(message);
        if self.gathering.is_long() || self.gathering.len() as u64 >= self.room {
            self.flush(peers);
        }
        true
    }

    /// Whether the chosen peers have room for a run.
    fn begin_gathering(&mut self, peers: &mut Peers) -> bool {
        self.takers.clear();
        self.missing.clear();
        let mut room = u64::MAX;
        for &id in &self.chosen {
            if self.full[id.0 as usize] && !self.no_drop {
                self.missing.push(id);
                continue;
            }
            let of_this = peers.room_for_run(id).unwrap_or(0);
            if of_this < FEWEST {
                return false;
            }
            room = room.min(of_this);
            // Having asked, it is not told that there is room.
            self.full[id.0 as usize] = false;
            self.takers.push(id);
        }
        if self.takers.is_empty() {
            return false;
        }
        self.room = room;
        peers.hold_back();
        true
    }

    /// Hands over what is held back.
    pub(crate) fn flush(&mut self, peers: &mut Peers) {
        if self.room > 0 {
            self.hand_over(peers);
        }
    }

    #[inline(never)]
    fn hand_over(&mut self, peers: &mut Peers) {
        self.room = 0;
        peers.let_go();
        let run = Arc::new(self.gathering.finish());
        let messages = u64::from(run.len());
        if messages < FEWEST {
            // No stream any more.
            self.in_a_row = 0;
        }
        for at in 0..self.takers.len() {
            let id = self.takers[at];
            if !peers.send_run(id, &run) {
                // Its high-water mark was lowered meanwhile.
                for message in run.messages() {
                    self.send_one(peers, id, message);
                }
            }
        }
        for &id in &self.missing {
            peers.count_dropped(id, messages);
            self.dropped += messages;
        }
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
        let Some(&last) = self.chosen.last() else {
            return;
        };
        for at in 0..self.chosen.len() - 1 {
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
        peers.count_dropped(id, 1);
        self.dropped += 1;
    }
}
