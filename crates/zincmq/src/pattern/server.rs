//! SERVER (RFC 41) and PEER (RFC 51): peers are addressed by numbers.

use super::{Drops, Pattern, Setting};
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::Multipart;
use crate::peer::{PeerId, Peers};
use crate::route::Addressed;

/// Messages have two parts: the number of a peer, in four bytes and big-endian,
/// and a body. One for a peer that is not there comes back, as does one for a
/// peer that is full. What peers send in several parts is dropped.
pub(super) struct Server {
    routes: Addressed,
    ahead: Option<Multipart>,
    filtered: u64,
}

impl Server {
    pub(super) fn new() -> Self {
        Self {
            routes: Addressed::numbered(),
            ahead: None,
            filtered: 0,
        }
    }

    fn next(&mut self, peers: &mut Peers) -> Option<Multipart> {
        loop {
            let message = self.routes.pop(peers)?;
            if message.len() == 2 {
                return Some(message);
            }
            self.filtered += 1;
        }
    }
}

impl Pattern for Server {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        self.routes.add(peers, id, false);
    }

    fn detached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.routes.remove(id);
    }

    fn readable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.routes.readable(id);
    }

    fn writable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.routes.writable(id);
    }

    fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        match message.len() {
            2 => {}
            1 => return Err(SendError::new(SendFailure::MalformedEnvelope, message)),
            _ => return Err(SendError::new(SendFailure::MultipartUnsupported, message)),
        }
        let sent = self.routes.send(peers, message);
        sent.map_err(|(why, message)| SendError::new(why, message))
    }

    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        let ahead = self.ahead.take();
        ahead
            .or_else(|| self.next(peers))
            .ok_or(RecvFailure::WouldBlock)
    }

    /// Always true, as in libzmq: whether a send is taken depends on the peer
    /// that it names.
    fn can_send(&mut self, _peers: &mut Peers) -> bool {
        true
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        if self.ahead.is_none() {
            self.ahead = self.next(peers);
        }
        self.ahead.is_some()
    }

    fn route_state(&mut self, peers: &mut Peers, first: &[u8]) -> Result<(), SendFailure> {
        self.routes.state(peers, first)
    }

    fn find(&self, number: u32) -> Option<PeerId> {
        self.routes.find(&number.to_be_bytes())
    }

    fn number_for_next(&mut self) -> Option<u32> {
        Some(self.routes.number())
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
