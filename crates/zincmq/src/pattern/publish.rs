//! PUB (RFC 29), and what it shares with XPUB.

use super::upstream::{Upstream, take_apart};
use super::{BATCH, Drops, Pattern, Setting};
use crate::SocketType;
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::{Item, Message, Multipart};
use crate::peer::{PeerId, Peers};
use crate::route::{FairQueue, FanOut, Subscriptions};

/// Sends each message to the peers that subscribed to a prefix of its first
/// part. Never waits unless XPUB_NODROP is set; a peer that is full misses the
/// message, and that is counted.
pub(super) struct Publisher {
    pub(super) subscriptions: Subscriptions,
    inbound: FairQueue,
    fan_out: FanOut,
    invert: bool,
    only_first: bool,
    welcome: Message,
}

impl Publisher {
    pub(super) fn new() -> Self {
        Self {
            subscriptions: Subscriptions::new(),
            inbound: FairQueue::default(),
            fan_out: FanOut::default(),
            invert: false,
            only_first: false,
            welcome: Message::new(),
        }
    }

    pub(super) fn attach(&mut self, peers: &mut Peers, id: PeerId) {
        self.inbound.add(id);
        self.fan_out.add(id);
        if !self.welcome.is_empty() {
            let _ = peers.send(id, self.welcome.unshared().into());
        }
    }

    pub(super) fn detach(&mut self, id: PeerId) {
        self.inbound.remove(id);
        self.fan_out.remove(id);
        self.subscriptions.remove_peer(id);
    }

    pub(super) fn readable(&mut self, id: PeerId) {
        self.inbound.readable(id);
    }

    pub(super) fn writable(&mut self, id: PeerId) {
        self.fan_out.writable(id);
    }

    /// Whether some peer may have sent something.
    #[inline]
    pub(super) fn is_behind(&self) -> bool {
        !self.inbound.is_idle()
    }

    pub(super) fn next_item(&mut self, peers: &mut Peers) -> Option<(PeerId, Item)> {
        self.inbound.pop_item(peers)
    }

    pub(super) fn only_first(&self) -> bool {
        self.only_first
    }

    #[inline]
    pub(super) fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        self.choose(message.first());
        self.deliver(peers, message)
    }

    /// Sends to peer `id` only, if it is subscribed.
    pub(super) fn send_to(
        &mut self,
        peers: &mut Peers,
        id: PeerId,
        message: Multipart,
    ) -> Result<(), SendError> {
        self.choose(message.first());
        self.fan_out.keep_only(id);
        self.deliver(peers, message)
    }

    #[inline]
    fn choose(&mut self, topic: &[u8]) {
        let fan_out = &mut self.fan_out;
        fan_out.begin();
        self.subscriptions.matching(topic, |id| fan_out.choose(id));
        if self.invert {
            fan_out.invert();
        }
    }

    #[inline]
    fn deliver(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        let sent = self.fan_out.try_send(peers, message);
        sent.map_err(|message| SendError::new(SendFailure::WouldBlock, message))
    }

    pub(super) fn flush(&mut self, peers: &mut Peers) {
        self.fan_out.flush(peers);
    }

    /// Always true, but while XPUB_NODROP waits for a peer to have room.
    pub(super) fn can_send(&mut self, peers: &mut Peers) -> bool {
        self.fan_out.has_room(peers)
    }

    pub(super) fn set(&mut self, setting: Setting) -> Result<(), SettingError> {
        match setting {
            Setting::XpubNoDrop(on) => self.fan_out.set_no_drop(on),
            Setting::InvertMatching(on) => self.invert = on,
            Setting::OnlyFirstSubscribe(on) => self.only_first = on,
            Setting::XpubWelcomeMessage(message) => self.welcome = message.into(),
            _ => return Err(SettingError::NotForThisType),
        }
        Ok(())
    }

    pub(super) fn dropped(&self) -> u64 {
        self.fan_out.dropped()
    }
}

/// A publisher that keeps its subscriptions to itself.
pub(super) struct Pub {
    publisher: Publisher,
    filtered: u64,
}

impl Pub {
    pub(super) fn new() -> Self {
        Self {
            publisher: Publisher::new(),
            filtered: 0,
        }
    }

    fn absorb(&mut self, peers: &mut Peers) {
        for _ in 0..BATCH {
            let Some((id, item)) = self.publisher.next_item(peers) else {
                return;
            };
            let only_first = self.publisher.only_first();
            take_apart(item, only_first, |upstream| match upstream {
                Upstream::Subscribe(topic) => {
                    self.publisher.subscriptions.add(&topic, id);
                }
                Upstream::Cancel(topic) => {
                    self.publisher.subscriptions.remove(&topic, id);
                }
                Upstream::User(_) => self.filtered += 1,
            });
        }
    }
}

impl Pattern for Pub {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        self.publisher.attach(peers, id);
        self.absorb(peers);
    }

    fn detached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.publisher.detach(id);
    }

    fn readable(&mut self, peers: &mut Peers, id: PeerId) {
        self.publisher.readable(id);
        self.absorb(peers);
    }

    fn writable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.publisher.writable(id);
    }

    #[inline]
    fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        if self.publisher.is_behind() {
            self.absorb(peers);
        }
        self.publisher.send(peers, message)
    }

    fn recv(&mut self, _peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        Err(RecvFailure::CannotReceive(SocketType::Pub))
    }

    fn flush(&mut self, peers: &mut Peers) {
        self.publisher.flush(peers);
    }

    fn can_send(&mut self, peers: &mut Peers) -> bool {
        self.publisher.can_send(peers)
    }

    fn topics(&self) -> usize {
        self.publisher.subscriptions.len()
    }

    fn set(&mut self, _peers: &mut Peers, setting: Setting) -> Result<(), SettingError> {
        match setting {
            // Taken and of no effect, as nobody sees the subscriptions.
            Setting::XpubVerbose(_) | Setting::XpubVerboser(_) => Ok(()),
            other => self.publisher.set(other),
        }
    }

    fn drops(&self) -> Drops {
        Drops {
            full: self.publisher.dropped(),
            filtered: self.filtered,
            ..Drops::default()
        }
    }
}
