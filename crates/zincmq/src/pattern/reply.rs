//! REP (RFC 28): serves one request at a time.

use super::{Drops, Pattern, Setting};
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::{Message, Multipart};
use crate::peer::{PeerId, Peers, Refused};
use crate::route::FairQueue;

/// Receives requests from its peers in turn, and sends each reply to where the
/// request came from, in the request's envelope: all parts up to and with the
/// first empty one. A request without one is dropped, and so is the reply to a
/// peer that has left or is full.
#[derive(Default)]
pub(super) struct Rep {
    inbound: FairQueue,
    serving: Option<Requester>,
    /// The envelope of the request being served.
    envelope: Vec<Message>,
    ahead: Option<Request>,
    drops: Drops,
}

/// A peer, and its key to tell it from a later one of the same number.
#[derive(Clone, Copy)]
struct Requester {
    id: PeerId,
    key: u64,
}

struct Request {
    from: Requester,
    message: Multipart,
    /// How many parts of it are envelope.
    envelope: usize,
}

impl Rep {
    fn next_request(&mut self, peers: &mut Peers) -> Option<Request> {
        loop {
            let (id, message) = self.inbound.pop(peers)?;
            let delimiter = message.iter().position(|part| part.is_empty());
            match delimiter {
                Some(at) if at + 1 < message.len() => {
                    let key = peers.peer(id)?.key();
                    return Some(Request {
                        from: Requester { id, key },
                        message,
                        envelope: at + 1,
                    });
                }
                _ => self.drops.filtered += 1,
            }
        }
    }
}

impl Pattern for Rep {
    fn attached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.inbound.add(id);
    }

    fn detached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.inbound.remove(id);
    }

    fn readable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.inbound.readable(id);
    }

    fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        let Some(to) = self.serving.take() else {
            let why = SendFailure::WrongState("REP has no request to reply to");
            return Err(SendError::new(why, message));
        };
        let reply = self.envelope.drain(..).chain(message).collect();
        if peers.peer(to.id).is_none_or(|peer| peer.key() != to.key) {
            self.drops.no_route += 1;
            return Ok(());
        }
        match peers.send(to.id, reply) {
            Ok(()) => {}
            Err(Refused::Full(_)) => {
                peers.count_dropped(to.id, 1);
                self.drops.full += 1;
            }
            Err(Refused::Gone(_)) => self.drops.no_route += 1,
        }
        Ok(())
    }

    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        if self.serving.is_some() {
            return Err(RecvFailure::WrongState("REP owes a reply"));
        }
        let ahead = self.ahead.take();
        let request = ahead
            .or_else(|| self.next_request(peers))
            .ok_or(RecvFailure::WouldBlock)?;
        let mut message = request.message;
        for _ in 0..request.envelope {
            self.envelope.extend(message.pop_front());
        }
        self.serving = Some(request.from);
        Ok(message)
    }

    /// Never has to wait: a reply that cannot be taken is dropped.
    fn can_send(&mut self, _peers: &mut Peers) -> bool {
        self.serving.is_some()
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        if self.serving.is_some() {
            return false;
        }
        if self.ahead.is_none() {
            self.ahead = self.next_request(peers);
        }
        self.ahead.is_some()
    }

    fn set(&mut self, _peers: &mut Peers, _setting: Setting) -> Result<(), SettingError> {
        Err(SettingError::NotForThisType)
    }

    fn drops(&self) -> Drops {
        self.drops
    }
}
