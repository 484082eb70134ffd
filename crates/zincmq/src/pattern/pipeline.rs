//! PUSH and PULL (RFC 30): work goes one way.

use super::{BATCH, Drops, Pattern, Setting, look};
use crate::SocketType;
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::Multipart;
use crate::peer::{PeerId, Peers};
use crate::route::{FairQueue, LoadBalance};

/// Sends to its peers in turn.
#[derive(Default)]
pub(super) struct Push {
    outbound: LoadBalance,
    /// Nothing should come from a PULL; it is read all the same, so that the
    /// end of a peer is noticed.
    inbound: FairQueue,
    filtered: u64,
}

impl Pattern for Push {
    fn attached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.outbound.add(id);
        self.inbound.add(id);
    }

    fn detached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.outbound.remove(id);
        self.inbound.remove(id);
    }

    fn readable(&mut self, peers: &mut Peers, id: PeerId) {
        self.inbound.readable(id);
        self.filtered += self.inbound.discard(peers, BATCH);
    }

    fn writable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.outbound.writable(id);
    }

    #[inline]
    fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        if !self.inbound.is_idle() {
            self.filtered += self.inbound.discard(peers, BATCH);
        }
        match self.outbound.send(peers, message) {
            Ok(_) => Ok(()),
            Err(message) => Err(SendError::new(SendFailure::WouldBlock, message)),
        }
    }

    fn recv(&mut self, _peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        Err(RecvFailure::CannotReceive(SocketType::Push))
    }

    fn can_send(&mut self, peers: &mut Peers) -> bool {
        self.outbound.has_room(peers)
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

/// Receives from its peers in turn.
#[derive(Default)]
pub(super) struct Pull {
    inbound: FairQueue,
    ahead: Option<Multipart>,
}

impl Pattern for Pull {
    fn attached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.inbound.add(id);
    }

    fn detached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.inbound.remove(id);
    }

    fn readable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.inbound.readable(id);
    }

    fn send(&mut self, _peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        Err(SendError::new(
            SendFailure::CannotSend(SocketType::Pull),
            message,
        ))
    }

    #[inline]
    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        if self.ahead.is_some()
            && let Some(message) = self.ahead.take()
        {
            return Ok(message);
        }
        self.inbound.take(peers).ok_or(RecvFailure::WouldBlock)
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        look(&mut self.ahead, || self.inbound.take(peers))
    }

    fn set(&mut self, _peers: &mut Peers, _setting: Setting) -> Result<(), SettingError> {
        Err(SettingError::NotForThisType)
    }
}
