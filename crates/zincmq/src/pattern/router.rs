//! ROUTER (RFC 28): peers are addressed by their routing ids.

use super::dealer::probe;
use super::{Drops, Pattern, Setting, look};
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::Multipart;
use crate::peer::{PeerId, Peers};
use crate::route::Addressed;

/// Sends each message to the peer that its first part names, and puts the
/// peer's routing id before each one it receives.
///
/// A message of nothing but a routing id sends nothing: libzmq takes it
/// without complaint, and so does this, and counts it as filtered. With
/// MANDATORY, which asks to hear of what is not sent, it is an error.
pub(super) struct Router {
    routes: Addressed,
    mandatory: bool,
    handover: bool,
    raw: bool,
    probe: bool,
    ahead: Option<Multipart>,
    drops: Drops,
}

impl Router {
    pub(super) fn new() -> Self {
        Self {
            routes: Addressed::new(),
            mandatory: false,
            handover: false,
            raw: false,
            probe: false,
            ahead: None,
            drops: Drops::default(),
        }
    }
}

impl Pattern for Router {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        if self.routes.add(peers, id, self.handover) && self.probe {
            probe(peers, id);
        }
    }

    fn detached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.routes.remove(id);
    }

    fn introduced(&mut self, peers: &mut Peers, id: PeerId) {
        self.routes.rename(peers, id, self.handover);
    }

    fn reconnected(&mut self, peers: &mut Peers, id: PeerId) {
        self.routes.rename(peers, id, self.handover);
        if self.probe {
            probe(peers, id);
        }
    }

    fn readable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.routes.readable(id);
    }

    fn writable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.routes.writable(id);
    }

    fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        if message.len() < 2 {
            if self.mandatory {
                return Err(SendError::new(SendFailure::MalformedEnvelope, message));
            }
            self.drops.filtered += 1;
            return Ok(());
        }
        if self.raw
            && message.len() == 2
            && message.last().is_empty()
            && let Some(id) = self.routes.find(message.first())
        {
            self.routes.part(peers, id);
            return Ok(());
        }
        let Err((why, message)) = self.routes.send(peers, message) else {
            return Ok(());
        };
        if self.mandatory {
            return Err(SendError::new(why, message));
        }
        if why == SendFailure::WouldBlock
            && let Some(id) = self.routes.find(message.first())
        {
            peers.count_dropped(id, 1);
            self.drops.full += 1;
        } else {
            self.drops.no_route += 1;
        }
        Ok(())
    }

    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        let ahead = self.ahead.take();
        ahead
            .or_else(|| self.routes.pop(peers))
            .ok_or(RecvFailure::WouldBlock)
    }

    /// Without MANDATORY always true: what cannot be sent is dropped.
    fn can_send(&mut self, peers: &mut Peers) -> bool {
        !self.mandatory || self.routes.has_room(peers)
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        look(&mut self.ahead, || self.routes.pop(peers))
    }

    fn route_state(&mut self, peers: &mut Peers, first: &[u8]) -> Result<(), SendFailure> {
        match self.mandatory {
            true => self.peer_state(peers, first),
            false => Ok(()),
        }
    }

    fn peer_state(&mut self, peers: &mut Peers, routing_id: &[u8]) -> Result<(), SendFailure> {
        self.routes.state(peers, routing_id)
    }

    fn set(&mut self, _peers: &mut Peers, setting: Setting) -> Result<(), SettingError> {
        match setting {
            Setting::RouterMandatory(on) => self.mandatory = on,
            Setting::RouterHandover(on) => self.handover = on,
            Setting::RouterRaw(on) => self.raw = on,
            Setting::ProbeRouter(on) => self.probe = on,
            _ => return Err(SettingError::NotForThisType),
        }
        Ok(())
    }

    fn drops(&self) -> Drops {
        self.drops
    }
}
