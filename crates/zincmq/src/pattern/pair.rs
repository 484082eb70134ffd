//! PAIR (RFC 31): one peer at a time.

use super::dealer::Dealer;
use super::{Pattern, Setting};
use crate::error::{RecvFailure, SendError, SettingError};
use crate::message::Multipart;
use crate::peer::{PeerId, Peers};

/// Talks to the first peer that comes; others are hung up until it has left.
#[derive(Default)]
pub(super) struct Pair {
    peer: Option<PeerId>,
    dealer: Dealer,
}

impl Pattern for Pair {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        if self.peer.is_some() {
            peers.hang_up(id);
            return;
        }
        self.peer = Some(id);
        self.dealer.attached(peers, id);
    }

    fn detached(&mut self, peers: &mut Peers, id: PeerId) {
        if self.peer == Some(id) {
            self.peer = None;
        }
        self.dealer.detached(peers, id);
    }

    fn readable(&mut self, peers: &mut Peers, id: PeerId) {
        self.dealer.readable(peers, id);
    }

    fn writable(&mut self, peers: &mut Peers, id: PeerId) {
        self.dealer.writable(peers, id);
    }

    #[inline]
    fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        self.dealer.send(peers, message)
    }

    #[inline]
    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        self.dealer.recv(peers)
    }

    fn can_send(&mut self, peers: &mut Peers) -> bool {
        self.dealer.can_send(peers)
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        self.dealer.can_recv(peers)
    }

    fn set(&mut self, _peers: &mut Peers, _setting: Setting) -> Result<(), SettingError> {
        Err(SettingError::NotForThisType)
    }
}
