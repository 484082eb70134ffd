//! XPUB (RFC 29): a publisher that hands its subscriptions up.

use std::collections::VecDeque;

use super::publish::Publisher;
use super::upstream::{CANCEL, SUBSCRIBE, Upstream, spelled, take_apart};
use super::{BATCH, Drops, Pattern, Setting};
use crate::error::{RecvFailure, SendError, SettingError};
use crate::message::{Message, Multipart};
use crate::peer::{PeerId, Peers};
use crate::route::{Added, Removed, Subscriptions};

/// A publisher whose application receives the subscriptions, as messages that
/// begin with a byte 1 or 0, and whatever else subscribers send.
///
/// Of each topic the first subscription and the end of the last one are
/// reported, and more with XPUB_VERBOSE and XPUB_VERBOSER. With XPUB_MANUAL
/// all are, and the application decides what the peer of the report it
/// received last is subscribed to; with XPUB_MANUAL_LAST_VALUE this peer alone
/// gets what is sent next, if it is subscribed to it.
pub(super) struct Xpub {
    publisher: Publisher,
    /// What peers asked for in manual mode; what they got is the publisher's.
    requested: Subscriptions,
    reports: VecDeque<Report>,
    verbose: bool,
    verboser: bool,
    manual: bool,
    /// The next send is for the peer on trial alone.
    last_value: bool,
    /// Whom the report received last was about.
    judged: Option<Subscriber>,
}

struct Report {
    message: Multipart,
    about: Option<Subscriber>,
}

/// A peer, and its key to tell it from a later one of the same number.
#[derive(Clone, Copy)]
struct Subscriber {
    id: PeerId,
    key: u64,
}

impl Xpub {
    pub(super) fn new() -> Self {
        Self {
            publisher: Publisher::new(),
            requested: Subscriptions::new(),
            reports: VecDeque::new(),
            verbose: false,
            verboser: false,
            manual: false,
            last_value: false,
            judged: None,
        }
    }

    fn absorb(&mut self, peers: &mut Peers) {
        for _ in 0..BATCH {
            let Some((id, item)) = self.publisher.next_item(peers) else {
                return;
            };
            let only_first = self.publisher.only_first();
            take_apart(item, only_first, |upstream| match upstream {
                Upstream::Subscribe(topic) => self.subscribe(peers, id, &topic),
                Upstream::Cancel(topic) => self.cancel(peers, id, &topic),
                Upstream::User(message) => self.reports.push_back(Report {
                    message,
                    about: None,
                }),
            });
        }
    }

    fn subscribe(&mut self, peers: &Peers, id: PeerId, topic: &[u8]) {
        let told = if self.manual {
            self.requested.add(topic, id);
            true
        } else {
            let added = self.publisher.subscriptions.add(topic, id);
            added == Added::First || self.verbose || self.verboser
        };
        if told {
            self.report(peers, id, spelled(SUBSCRIBE, topic));
        }
    }

    fn cancel(&mut self, peers: &Peers, id: PeerId, topic: &[u8]) {
        let told = if self.manual {
            self.requested.remove(topic, id) != Removed::Absent
        } else {
            self.publisher.subscriptions.remove(topic, id) == Removed::Last
        };
        if told || self.verboser {
            self.report(peers, id, spelled(CANCEL, topic));
        }
    }

    /// Reads until there is a report or nothing left to read: who leaves
    /// something unread is not told of what follows.
    fn await_report(&mut self, peers: &mut Peers) {
        while self.reports.is_empty() {
            self.absorb(peers);
            if !self.publisher.is_behind() {
                return;
            }
        }
    }

    fn report(&mut self, peers: &Peers, id: PeerId, mut message: Message) {
        let mut about = None;
        if let Some(peer) = peers.peer(id) {
            peer.sign(&mut message);
            let key = peer.key();
            about = self.manual.then_some(Subscriber { id, key });
        }
        let message = Multipart::from(message);
        self.reports.push_back(Report { message, about });
    }

    /// Reports the end of all that `id` is subscribed to.
    fn report_leaving(&mut self, peers: &Peers, id: PeerId) {
        let (topics, all) = if self.manual {
            (self.requested.topics_of(id), true)
        } else {
            (self.publisher.subscriptions.topics_of(id), self.verboser)
        };
        for (topic, last) in topics {
            if last || all {
                self.report(peers, id, spelled(CANCEL, &topic));
            }
        }
    }

    /// The peer to judge, if it is still there.
    fn on_trial(&self, peers: &Peers) -> Option<PeerId> {
        let judged = self.judged?;
        let peer = peers.peer(judged.id)?;
        (peer.key() == judged.key).then_some(judged.id)
    }
}

impl Pattern for Xpub {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        self.publisher.attach(peers, id);
        self.absorb(peers);
    }

    fn detached(&mut self, peers: &mut Peers, id: PeerId) {
        self.report_leaving(peers, id);
        self.requested.remove_peer(id);
        self.publisher.detach(id);
        if self.judged.is_some_and(|judged| judged.id == id) {
            self.judged = None;
        }
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
        if self.last_value
            && self.manual
            && let Some(id) = self.on_trial(peers)
        {
            self.publisher.send_to(peers, id, message)?;
            self.judged = None;
            return Ok(());
        }
        self.publisher.send(peers, message)
    }

    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        self.await_report(peers);
        let report = self.reports.pop_front().ok_or(RecvFailure::WouldBlock)?;
        if report.about.is_some() {
            self.judged = report.about;
        }
        Ok(report.message)
    }

    fn flush(&mut self, peers: &mut Peers) {
        self.publisher.flush(peers);
    }

    fn can_send(&mut self, peers: &mut Peers) -> bool {
        self.publisher.can_send(peers)
    }

    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        self.await_report(peers);
        !self.reports.is_empty()
    }

    fn topics(&self) -> usize {
        self.publisher.subscriptions.len()
    }

    fn set(&mut self, peers: &mut Peers, setting: Setting) -> Result<(), SettingError> {
        match setting {
            Setting::XpubVerbose(on) => {
                self.verbose = on;
                self.verboser = false;
            }
            Setting::XpubVerboser(on) => {
                self.verbose = on;
                self.verboser = on;
            }
            Setting::XpubManual(on) => self.manual = on,
            Setting::XpubManualLastValue(on) => {
                self.manual = on;
                self.last_value = on;
            }
            Setting::Subscribe(_) | Setting::Unsubscribe(_) if !self.manual => {
                return Err(SettingError::NotManual);
            }
            // As with libzmq, the verdict on a peer that has left is no error.
            Setting::Subscribe(topic) => {
                if let Some(id) = self.on_trial(peers) {
                    self.publisher.subscriptions.add(&topic, id);
                }
            }
            Setting::Unsubscribe(topic) => {
                if let Some(id) = self.on_trial(peers) {
                    self.publisher.subscriptions.remove(&topic, id);
                }
            }
            other => return self.publisher.set(other),
        }
        Ok(())
    }

    fn drops(&self) -> Drops {
        Drops {
            full: self.publisher.dropped(),
            ..Drops::default()
        }
    }
}
