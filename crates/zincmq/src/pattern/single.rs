//! CLIENT (RFC 41), SCATTER and GATHER (RFC 49), CHANNEL (RFC 52): what
//! another type does, with messages of one part only.

use super::{Drops, Pattern, Setting, look};
use crate::SocketType;
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::Multipart;
use crate::peer::{PeerId, Peers};

/// Refuses to send a message of several parts, and drops one that comes.
pub(super) struct Single<P> {
    socket_type: SocketType,
    inner: P,
    ahead: Option<Multipart>,
    filtered: u64,
}

impl<P: Pattern> Single<P> {
    pub(super) fn new(socket_type: SocketType, inner: P) -> Self {
        Self {
            socket_type,
            inner,
            ahead: None,
            filtered: 0,
        }
    }

    fn next(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        loop {
            match self.inner.recv(peers) {
                Ok(message) if message.len() > 1 => self.filtered += 1,
                Err(RecvFailure::CannotReceive(_)) => {
                    return Err(RecvFailure::CannotReceive(self.socket_type));
                }
                other => return other,
            }
        }
    }
}

impl<P: Pattern> Pattern for Single<P> {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        self.inner.attached(peers, id);
    }

    fn detached(&mut self, peers: &mut Peers, id: PeerId) {
        self.inner.detached(peers, id);
    }

    fn introduced(&mut self, peers: &mut Peers, id: PeerId) {
        self.inner.introduced(peers, id);
    }

    fn reconnected(&mut self, peers: &mut Peers, id: PeerId) {
        self.inner.reconnected(peers, id);
    }

    fn readable(&mut self, peers: &mut Peers, id: PeerId) {
        self.inner.readable(peers, id);
    }

    fn writable(&mut self, peers: &mut Peers, id: PeerId) {
        self.inner.writable(peers, id);
    }

    #[inline]
    fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        let refused = |why, message| Err(SendError::new(why, message));
        if message.len() > 1 {
            return refused(SendFailure::MultipartUnsupported, message);
        }
        match self.inner.send(peers, message) {
            Err(error) if matches!(error.failure(), SendFailure::CannotSend(_)) => refused(
                SendFailure::CannotSend(self.socket_type),
                error.into_message(),
            ),
            other => other,
        }
    }

    #[inline]
    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        match self.ahead.take() {
            Some(message) => Ok(message),
            None => self.next(peers),
        }
    }

    fn can_send(&mut self, peers: &mut Peers) -> bool {
        self.inner.can_send(peers)
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        let mut ahead = self.ahead.take();
        let found = look(&mut ahead, || self.next(peers).ok());
        self.ahead = ahead;
        found
    }

    fn set(&mut self, peers: &mut Peers, setting: Setting) -> Result<(), SettingError> {
        self.inner.set(peers, setting)
    }

    fn drops(&self) -> Drops {
        let inner = self.inner.drops();
        Drops {
            filtered: inner.filtered + self.filtered,
            ..inner
        }
    }
}
