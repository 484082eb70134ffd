//! SUB and XSUB (RFC 29).

use super::upstream::{Upstream, take_apart};
use super::{Drops, Pattern, Setting, look};
use crate::SocketType;
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::{Item, Message, Multipart};
use crate::peer::{PeerId, Peers};
use crate::route::{FairQueue, FanOut, Prefixes};

/// Receives from its peers in turn and keeps all of them informed of what is
/// subscribed to: each has the whole set as soon as it is there, and again
/// whenever its connection is new.
///
/// Topics are counted. Every subscription is passed on, so that an XPUB that
/// is verbose sees it; the end of one is passed on when it was the last of its
/// topic, since publishers do not count.
struct Subscriber {
    inbound: FairQueue,
    upstream: FanOut,
    prefixes: Prefixes,
}

impl Subscriber {
    fn new() -> Self {
        Self {
            inbound: FairQueue::default(),
            upstream: FanOut::default(),
            prefixes: Prefixes::new(),
        }
    }

    fn attach(&mut self, peers: &mut Peers, id: PeerId) {
        self.inbound.add(id);
        self.upstream.add(id);
        self.tell_all(peers, id);
    }

    fn detach(&mut self, id: PeerId) {
        self.inbound.remove(id);
        self.upstream.remove(id);
    }

    fn tell_all(&self, peers: &mut Peers, id: PeerId) {
        self.prefixes.for_each(|topic| {
            peers.send_control(id, Item::Subscribe(topic.into()));
        });
    }

    fn subscribe(&mut self, peers: &mut Peers, topic: &Message) {
        self.prefixes.add(topic);
        self.upstream
            .send_control(peers, || Item::Subscribe(topic.clone()));
    }

    /// With `always` peers are told although the topic is still, or never was,
    /// subscribed to.
    fn cancel(&mut self, peers: &mut Peers, topic: &Message, always: bool) {
        if self.prefixes.remove(topic) || always {
            self.upstream
                .send_control(peers, || Item::Cancel(topic.clone()));
        }
    }

    #[inline]
    fn pop(&mut self, peers: &mut Peers) -> Option<Multipart> {
        self.inbound.take(peers)
    }
}

/// A subscriber whose subscriptions are settings.
pub(super) struct Sub {
    subscriber: Subscriber,
    invert: bool,
    ahead: Option<Multipart>,
    filtered: u64,
}

impl Sub {
    pub(super) fn new() -> Self {
        Self {
            subscriber: Subscriber::new(),
            invert: false,
            ahead: None,
            filtered: 0,
        }
    }

    /// The next message that is subscribed to: publishers may send others, for
    /// instance because a subscription has ended in the meantime.
    #[inline]
    fn next(&mut self, peers: &mut Peers) -> Option<Multipart> {
        loop {
            let message = self.subscriber.pop(peers)?;
            if self.subscriber.prefixes.matches(message.first()) != self.invert {
                return Some(message);
            }
            self.filtered += 1;
        }
    }
}

impl Pattern for Sub {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        self.subscriber.attach(peers, id);
    }

    fn detached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.subscriber.detach(id);
    }

    fn reconnected(&mut self, peers: &mut Peers, id: PeerId) {
        self.subscriber.tell_all(peers, id);
    }

    fn readable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.subscriber.inbound.readable(id);
    }

    #[inline]
    fn send(&mut self, _peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        Err(SendError::new(
            SendFailure::CannotSend(SocketType::Sub),
            message,
        ))
    }

    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        let ahead = self.ahead.take();
        ahead
            .or_else(|| self.next(peers))
            .ok_or(RecvFailure::WouldBlock)
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        if self.ahead.is_none() {
            self.ahead = self.next(peers);
        }
        self.ahead.is_some()
    }

    fn topics(&self) -> usize {
        self.subscriber.prefixes.len()
    }

    fn set(&mut self, peers: &mut Peers, setting: Setting) -> Result<(), SettingError> {
        match setting {
            Setting::Subscribe(topic) => self.subscriber.subscribe(peers, &topic.into()),
            // Ending what was never subscribed to is no error to libzmq.
            Setting::Unsubscribe(topic) => self.subscriber.cancel(peers, &topic.into(), false),
            Setting::InvertMatching(on) => self.invert = on,
            _ => return Err(SettingError::NotForThisType),
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

/// A subscriber whose subscriptions are messages: those that begin with a byte
/// 1 or 0. It sends any other to all its peers, and hands up what comes
/// without looking at its topic.
pub(super) struct Xsub {
    subscriber: Subscriber,
    verbose_cancel: bool,
    only_first: bool,
    ahead: Option<Multipart>,
}

impl Xsub {
    pub(super) fn new() -> Self {
        Self {
            subscriber: Subscriber::new(),
            verbose_cancel: false,
            only_first: false,
            ahead: None,
        }
    }
}

impl Pattern for Xsub {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        self.subscriber.attach(peers, id);
    }

    fn detached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.subscriber.detach(id);
    }

    fn reconnected(&mut self, peers: &mut Peers, id: PeerId) {
        self.subscriber.tell_all(peers, id);
    }

    fn readable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.subscriber.inbound.readable(id);
    }

    fn writable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.subscriber.upstream.writable(id);
    }

    /// Never waits: a user's message is dropped for a peer that is full, and
    /// that is counted.
    fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        let single = message.len() == 1;
        if !single {
            // Passed on as it is: the publisher takes it apart as well.
            self.subscriber.upstream.choose_all();
            self.subscriber.upstream.send(peers, message.clone());
        }
        let subscriber = &mut self.subscriber;
        let always = self.verbose_cancel;
        take_apart(
            Item::Data(message),
            self.only_first,
            |upstream| match upstream {
                Upstream::Subscribe(topic) if single => subscriber.subscribe(peers, &topic),
                Upstream::Cancel(topic) if single => subscriber.cancel(peers, &topic, always),
                Upstream::User(message) if single => {
                    subscriber.upstream.choose_all();
                    subscriber.upstream.send(peers, message);
                }
                Upstream::Subscribe(topic) => subscriber.prefixes.add(&topic),
                Upstream::Cancel(topic) => {
                    subscriber.prefixes.remove(&topic);
                }
                Upstream::User(_) => {}
            },
        );
        Ok(())
    }

    #[inline]
    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        let ahead = self.ahead.take();
        ahead
            .or_else(|| self.subscriber.pop(peers))
            .ok_or(RecvFailure::WouldBlock)
    }

    fn can_send(&mut self, _peers: &mut Peers) -> bool {
        true
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        look(&mut self.ahead, || self.subscriber.pop(peers))
    }

    fn topics(&self) -> usize {
        self.subscriber.prefixes.len()
    }

    fn set(&mut self, _peers: &mut Peers, setting: Setting) -> Result<(), SettingError> {
        match setting {
            Setting::XsubVerboseUnsubscribe(on) => self.verbose_cancel = on,
            Setting::OnlyFirstSubscribe(on) => self.only_first = on,
            _ => return Err(SettingError::NotForThisType),
        }
        Ok(())
    }

    fn drops(&self) -> Drops {
        Drops {
            full: self.subscriber.upstream.dropped(),
            ..Drops::default()
        }
    }
}
