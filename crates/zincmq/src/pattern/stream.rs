//! STREAM: raw connections, addressed by routing id.

use std::collections::VecDeque;

use super::{Pattern, Setting};
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::{Message, Multipart};
use crate::peer::{PeerId, Peers};
use crate::route::Addressed;

/// Messages have two parts: the routing id of a connection and a run of bytes.
/// Sending no bytes closes the connection; receiving none means that it opened
/// or that its peer closed it.
pub(super) struct Stream {
    routes: Addressed,
    notify: bool,
    notices: VecDeque<Multipart>,
    ahead: Option<Multipart>,
    /// The routing id of the last connection.
    last: Option<Message>,
}

impl Stream {
    pub(super) fn new() -> Self {
        Self {
            routes: Addressed::new(),
            notify: true,
            notices: VecDeque::new(),
            ahead: None,
            last: None,
        }
    }

    /// Tells the application that connection `name` opened or closed.
    fn notice(&mut self, peers: &Peers, id: PeerId, mut name: Message) {
        if self.notify {
            let mut end = Message::new();
            if let Some(peer) = peers.peer(id) {
                peer.sign(&mut name);
                peer.sign(&mut end);
            }
            let mut notice = Multipart::from(name);
            notice.push(end);
            self.notices.push_back(notice);
        }
    }

    fn next(&mut self, peers: &mut Peers) -> Option<Multipart> {
        let notice = self.notices.pop_front();
        notice.or_else(|| self.routes.pop(peers))
    }
}

/// A peer that was connected to is there before its connection is, so that what
/// is sent meanwhile waits for it.
fn is_connected(peers: &Peers, id: PeerId) -> bool {
    peers.peer(id).is_some_and(|peer| peer.info().fd.is_some())
}

impl Pattern for Stream {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        if self.routes.add(peers, id, false)
            && let Some(name) = self.routes.name(id)
        {
            let name = name.unshared();
            self.last = Some(name.unshared());
            if is_connected(peers, id) {
                self.notice(peers, id, name);
            }
        }
    }

    fn introduced(&mut self, peers: &mut Peers, id: PeerId) {
        if let Some(name) = self.routes.name(id) {
            let name = name.unshared();
            self.notice(peers, id, name);
        }
    }

    fn detached(&mut self, peers: &mut Peers, id: PeerId) {
        // Who was hung up by the application has no name any more.
        if let Some(name) = self.routes.remove(id) {
            self.notice(peers, id, name);
        }
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
        if message.last().is_empty()
            && let Some(id) = self.routes.find(message.first())
        {
            self.routes.part(peers, id);
            return Ok(());
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

    /// False only while all connections are full: with none there is nothing
    /// to wait for, a send fails at once.
    fn can_send(&mut self, peers: &mut Peers) -> bool {
        self.routes.is_empty() || self.routes.has_room(peers)
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

    fn last_named(&self) -> Option<&Message> {
        self.last.as_ref()
    }

    fn set(&mut self, _peers: &mut Peers, setting: Setting) -> Result<(), SettingError> {
        match setting {
            Setting::StreamNotify(on) => {
                self.notify = on;
                Ok(())
            }
            _ => Err(SettingError::NotForThisType),
        }
    }
}
