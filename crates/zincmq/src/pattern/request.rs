//! REQ (RFC 28): a dealer with an envelope and a state.

use super::dealer::Dealer;
use super::{BATCH, Drops, Pattern, Setting};
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::{Message, Multipart};
use crate::peer::{PeerId, Peers};
use crate::route::random_u32;

/// Sends a request to one peer and receives the reply from that peer, strictly
/// one after the other.
///
/// If the peer leaves before it has replied, the socket goes on waiting, as
/// libzmq's does; REQ_RELAXED is the way out. With it a new request abandons
/// the old one, and REQ_CORRELATE tells their replies apart.
///
/// A reply whose frames cannot be one at all ends that peer's connection.
pub(super) struct Req {
    dealer: Dealer,
    state: State,
    correlate: bool,
    relaxed: bool,
    last_id: u32,
    reply: Option<Multipart>,
    filtered: u64,
}

#[derive(Clone, Copy)]
enum State {
    Ready,
    Waiting {
        /// Nobody if it has left.
        peer: Option<PeerId>,
        /// What went before the delimiter.
        id: Option<u32>,
    },
}

impl Req {
    pub(super) fn new() -> Self {
        Self {
            dealer: Dealer::default(),
            state: State::Ready,
            correlate: false,
            relaxed: false,
            last_id: random_u32(),
            reply: None,
            filtered: 0,
        }
    }

    /// The reply that is waited for, without its envelope, if it has come.
    /// Everything that came before it is dropped.
    fn next_reply(&mut self, peers: &mut Peers) -> Option<Multipart> {
        loop {
            let (from, mut message) = self.dealer.pop(peers)?;
            let Some((parts, id)) = envelope_of(&message) else {
                self.filtered += 1;
                self.dealer.hang_up(peers, from);
                self.forget(from);
                continue;
            };
            match self.state {
                State::Waiting { peer, id: expected } if peer == Some(from) && id == expected => {
                    for _ in 0..parts {
                        message.pop_front();
                    }
                    return Some(message);
                }
                _ => self.filtered += 1,
            }
        }
    }

    /// Drops what came for earlier requests, so that it does not pass for the
    /// reply to the next one.
    fn drop_stale(&mut self, peers: &mut Peers) {
        self.state = State::Ready;
        self.filtered += u64::from(self.reply.take().is_some());
        for _ in 0..BATCH {
            let Some((from, message)) = self.dealer.pop(peers) else {
                break;
            };
            self.filtered += 1;
            if envelope_of(&message).is_none() {
                self.dealer.hang_up(peers, from);
            }
        }
    }

    fn forget(&mut self, gone: PeerId) {
        if let State::Waiting { peer, .. } = &mut self.state
            && *peer == Some(gone)
        {
            *peer = None;
        }
    }
}

impl Pattern for Req {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        self.dealer.attached(peers, id);
    }

    fn detached(&mut self, peers: &mut Peers, id: PeerId) {
        self.dealer.detached(peers, id);
        self.forget(id);
    }

    fn reconnected(&mut self, peers: &mut Peers, id: PeerId) {
        self.dealer.reconnected(peers, id);
    }

    fn readable(&mut self, peers: &mut Peers, id: PeerId) {
        self.dealer.readable(peers, id);
    }

    fn writable(&mut self, peers: &mut Peers, id: PeerId) {
        self.dealer.writable(peers, id);
    }

    fn send(&mut self, peers: &mut Peers, mut message: Multipart) -> Result<(), SendError> {
        if matches!(self.state, State::Waiting { .. }) && !self.relaxed {
            let why = SendFailure::WrongState("REQ awaits the reply to its last request");
            return Err(SendError::new(why, message));
        }
        // Before anything is abandoned for it, it must be sure to go out.
        if !self.dealer.can_send(peers) {
            return Err(SendError::new(SendFailure::WouldBlock, message));
        }
        self.drop_stale(peers);

        let id = self.correlate.then(|| self.last_id.wrapping_add(1));
        message.push_front(Message::new());
        if let Some(id) = id {
            message.push_front(id.to_be_bytes());
        }
        match self.dealer.push(peers, message) {
            Ok(peer) => {
                self.last_id = id.unwrap_or(self.last_id);
                self.state = State::Waiting {
                    peer: Some(peer),
                    id,
                };
                Ok(())
            }
            Err(mut message) => {
                for _ in 0..1 + usize::from(id.is_some()) {
                    message.pop_front();
                }
                Err(SendError::new(SendFailure::WouldBlock, message))
            }
        }
    }

    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        if matches!(self.state, State::Ready) {
            return Err(RecvFailure::WrongState("REQ has sent no request"));
        }
        let reply = self.reply.take().or_else(|| self.next_reply(peers));
        let reply = reply.ok_or(RecvFailure::WouldBlock)?;
        self.state = State::Ready;
        Ok(reply)
    }

    fn can_send(&mut self, peers: &mut Peers) -> bool {
        (self.relaxed || matches!(self.state, State::Ready)) && self.dealer.can_send(peers)
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        if matches!(self.state, State::Ready) {
            return false;
        }
        if self.reply.is_none() {
            self.reply = self.next_reply(peers);
        }
        self.reply.is_some()
    }

    fn set(&mut self, peers: &mut Peers, setting: Setting) -> Result<(), SettingError> {
        match setting {
            Setting::ReqCorrelate(on) => self.correlate = on,
            Setting::ReqRelaxed(on) => self.relaxed = on,
            other => return self.dealer.set(peers, other),
        }
        Ok(())
    }

    fn drops(&self) -> Drops {
        Drops {
            filtered: self.filtered,
            ..Drops::default()
        }
    }
}

/// How many parts the envelope of a reply has, and the request id in it; `None`
/// if this is no reply: an id of four bytes may come, then there must be an
/// empty part, then at least one more.
fn envelope_of(message: &Multipart) -> Option<(usize, Option<u32>)> {
    let first = message.first();
    if first.is_empty() && message.len() >= 2 {
        return Some((1, None));
    }
    let id = <[u8; 4]>::try_from(&first[..]).ok()?;
    let delimiter = message.part(1)?;
    (delimiter.is_empty() && message.len() >= 3).then(|| (2, Some(u32::from_be_bytes(id))))
}
