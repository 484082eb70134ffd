//! DEALER (RFC 28): a fair queue and a load balancer.

use super::{Pattern, Setting, look};
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::Multipart;
use crate::peer::{PeerId, Peers};
use crate::route::{FairQueue, LoadBalance};

/// Sends to its peers in turn and receives from them in turn. PAIR is one with
/// a single peer, REQ one with an envelope and a state.
#[derive(Default)]
pub(super) struct Dealer {
    inbound: FairQueue,
    outbound: LoadBalance,
    probe: bool,
    ahead: Option<Multipart>,
}

impl Dealer {
    /// Sends to the next peer with room and says to which, or gives the
    /// message back.
    #[inline]
    pub(super) fn push(
        &mut self,
        peers: &mut Peers,
        message: Multipart,
    ) -> Result<PeerId, Multipart> {
        self.outbound.send(peers, message)
    }

    /// The next message and whose it is.
    #[inline]
    pub(super) fn pop(&mut self, peers: &mut Peers) -> Option<(PeerId, Multipart)> {
        self.inbound.pop(peers)
    }

    /// Ends the conversation with `id`.
    pub(super) fn hang_up(&mut self, peers: &mut Peers, id: PeerId) {
        self.inbound.remove(id);
        self.outbound.remove(id);
        peers.hang_up(id);
    }
}

impl Pattern for Dealer {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        self.inbound.add(id);
        self.outbound.add(id);
        self.reconnected(peers, id);
    }

    fn detached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.inbound.remove(id);
        self.outbound.remove(id);
    }

    fn reconnected(&mut self, peers: &mut Peers, id: PeerId) {
        if self.probe {
            probe(peers, id);
        }
    }

    fn readable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.inbound.readable(id);
    }

    fn writable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.outbound.writable(id);
    }

    #[inline]
    fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        match self.outbound.send(peers, message) {
            Ok(_) => Ok(()),
            Err(message) => Err(SendError::new(SendFailure::WouldBlock, message)),
        }
    }

    #[inline]
    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        let ahead = self.ahead.take();
        ahead
            .or_else(|| self.inbound.take(peers))
            .ok_or(RecvFailure::WouldBlock)
    }

    fn can_send(&mut self, peers: &mut Peers) -> bool {
        self.outbound.has_room(peers)
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        look(&mut self.ahead, || self.inbound.take(peers))
    }

    fn set(&mut self, _peers: &mut Peers, setting: Setting) -> Result<(), SettingError> {
        match setting {
            Setting::ProbeRouter(on) => {
                self.probe = on;
                Ok(())
            }
            _ => Err(SettingError::NotForThisType),
        }
    }
}

/// Makes a ROUTER at the other end aware of this peer (ZMQ_PROBE_ROUTER): an
/// empty message, which is only lost if the peer is full or going.
pub(super) fn probe(peers: &mut Peers, id: PeerId) {
    let _ = peers.send(id, Multipart::default());
}
