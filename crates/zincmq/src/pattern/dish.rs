//! DISH (RFC 48): receives what is sent to the groups it joined.

use std::collections::HashSet;

use super::{Drops, Pattern, Setting};
use crate::SocketType;
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::{Item, Message, Multipart};
use crate::peer::{PeerId, Peers};
use crate::route::{FairQueue, FanOut};

/// Receives from its peers in turn, messages of two parts, group and body, and
/// keeps all of them informed of its groups: each has all of them as soon as it
/// is there, and again whenever its connection is new.
#[derive(Default)]
pub(super) struct Dish {
    inbound: FairQueue,
    upstream: FanOut,
    joined: HashSet<Message>,
    ahead: Option<Multipart>,
    filtered: u64,
}

impl Dish {
    /// The next message to a group joined: others may come, for instance
    /// because a group was left in the meantime.
    fn next(&mut self, peers: &mut Peers) -> Option<Multipart> {
        loop {
            let (_, message) = self.inbound.pop(peers)?;
            if message.len() == 2 && self.joined.contains(message.first()) {
                return Some(message);
            }
            self.filtered += 1;
        }
    }
}

impl Pattern for Dish {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        self.inbound.add(id);
        self.upstream.add(id);
        self.reconnected(peers, id);
    }

    fn detached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.inbound.remove(id);
        self.upstream.remove(id);
    }

    fn reconnected(&mut self, peers: &mut Peers, id: PeerId) {
        for group in &self.joined {
            peers.send_control(id, Item::Join(group.clone()));
        }
    }

    fn readable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.inbound.readable(id);
    }

    fn send(&mut self, _peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        Err(SendError::new(
            SendFailure::CannotSend(SocketType::Dish),
            message,
        ))
    }

    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        let ahead = self.ahead.take();
        ahead
            .or_else(|| self.next(peers))
            .ok_or(RecvFailure::WouldBlock)
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        if self.ahead.is_none() {
            self.ahead = self.next(peers);
        }
        self.ahead.is_some()
    }

    fn join(&mut self, peers: &mut Peers, group: &Message) -> bool {
        let is_new = self.joined.insert(group.clone());
        if is_new {
            self.upstream
                .send_control(peers, || Item::Join(group.clone()));
        }
        is_new
    }

    fn leave(&mut self, peers: &mut Peers, group: &Message) -> bool {
        let was_joined = self.joined.remove(group);
        if was_joined {
            self.upstream
                .send_control(peers, || Item::Leave(group.clone()));
        }
        was_joined
    }

    fn set(&mut self, _peers: &mut Peers, _setting: Setting) -> Result<(), SettingError> {
        Err(SettingError::NotForThisType)
    }

    fn drops(&self) -> Drops {
        Drops {
            filtered: self.filtered,
            ..Drops::default()
        }
    }
}
