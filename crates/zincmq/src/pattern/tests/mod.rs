//! Patterns with peers that are nothing but pipes.

mod dealer;
mod gathering;
mod pipeline;
mod publish;
mod radio_dish;
mod request;
mod router;
mod server;
mod single;
mod stream;
mod subscribe;
mod xpub;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use pipe::{Consumer, Producer};

use super::{Drops, Pattern, Setting, pattern_of};
use crate::SocketType;
use crate::error::{RecvFailure, SendFailure, SettingError};
use crate::message::{Item, Multipart, PeerInfo};
use crate::peer::{Far, News, Peer, PeerCounters, PeerId, Peers};

/// A socket without a socket: a pattern, its peers, and the calls between them
/// as the socket makes them. Peers are only woken when their pipes say so.
pub(super) struct Bench {
    pattern: Box<dyn Pattern>,
    peers: Peers,
    keys: u64,
}

/// The far end of one peer.
pub(super) struct Other {
    key: u64,
    tx: Producer<Item>,
    rx: Consumer<Item>,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard(Mutex<Vec<News>>);

impl Heard {
    fn note(&self, what: News) {
        self.0.lock().expect("no test panics here").push(what);
    }
}

impl Far for Heard {
    fn data(&self) {
        self.note(News::Data);
    }

    fn batch(&self) {
        self.note(News::Batch);
    }

    fn room(&self) {
        self.note(News::Room);
    }

    fn hang_up(&self) {
        self.note(News::HangUp);
    }
}

/// More than any test sends, so that none goes on for ever.
const ENOUGH: usize = 10_000;

/// Who comes.
#[derive(Default)]
pub(super) struct Guest {
    high_water_mark: usize,
    routing_id: &'static str,
    assigned_id: Option<Bytes>,
    takes_runs: bool,
}

pub(super) fn full_at(high_water_mark: usize) -> Guest {
    Guest {
        high_water_mark,
        ..Guest::default()
    }
}

/// As connections are.
pub(super) fn distant(high_water_mark: usize) -> Guest {
    Guest {
        high_water_mark,
        takes_runs: true,
        ..Guest::default()
    }
}

pub(super) fn named(routing_id: &'static str) -> Guest {
    Guest {
        routing_id,
        ..Guest::default()
    }
}

impl Bench {
    pub(super) fn new(socket_type: SocketType) -> Self {
        Self {
            pattern: pattern_of(socket_type).expect("a stable type"),
            peers: Peers::default(),
            keys: 0,
        }
    }

    pub(super) fn join(&mut self) -> Other {
        self.join_as(Guest::default())
    }

    pub(super) fn join_as(&mut self, guest: Guest) -> Other {
        let (to_socket, rx) = pipe::bounded(0);
        let (tx, from_socket) = pipe::bounded(guest.high_water_mark);
        let heard = Arc::new(Heard::default());
        let info = PeerInfo {
            address: format!("peer {}", self.keys),
            routing_id: Bytes::from_static(guest.routing_id.as_bytes()),
            fd: Some(1),
            ..PeerInfo::default()
        };
        self.keys += 1;
        let peer = Peer::new(
            self.keys,
            tx,
            rx,
            Arc::clone(&heard) as Arc<dyn Far>,
            Arc::new(info),
            guest.assigned_id,
        );
        let peer = match guest.takes_runs {
            true => peer.taking_runs(),
            false => peer,
        };
        let id = self.peers.insert(peer);
        self.pattern.attached(&mut self.peers, id);
        if self.peers.has_items(id) {
            self.pattern.readable(&mut self.peers, id);
        }
        self.settle();
        Other {
            key: self.keys,
            tx: to_socket,
            rx: from_socket,
            heard,
        }
    }

    pub(super) fn join_many(&mut self, count: usize) -> Vec<Other> {
        (0..count).map(|_| self.join()).collect()
    }

    /// `other` sends an item.
    pub(super) fn hear_item(&mut self, other: &mut Other, item: Item) {
        other.tx.push(item).expect("the socket's end is open");
        if other.tx.publish()
            && let Some(id) = self.id_of(other)
        {
            self.pattern.readable(&mut self.peers, id);
        }
        self.settle();
    }

    /// `other` sends a message.
    pub(super) fn hear(&mut self, other: &mut Other, parts: &[&str]) {
        self.hear_item(other, Item::Data(message(parts)));
    }

    /// `other` closes its connection.
    pub(super) fn leave(&mut self, other: &mut Other) {
        let _ = other.rx.close();
        let _ = other.tx.close();
        if let Some(id) = self.id_of(other) {
            if self.peers.has_items(id) {
                self.pattern.readable(&mut self.peers, id);
            }
            self.settle();
        }
    }

    /// What `other` receives next.
    pub(super) fn take_item(&mut self, other: &mut Other) -> Option<Item> {
        let item = other.rx.pop();
        if other.rx.release()
            && let Some(id) = self.id_of(other)
        {
            self.pattern.writable(&mut self.peers, id);
            self.settle();
        }
        item
    }

    /// All that `other` received, as text; subscriptions as `+topic` and
    /// `-topic`, groups joined and left as `&group` and `~group`.
    pub(super) fn taken(&mut self, other: &mut Other) -> Vec<String> {
        std::iter::from_fn(|| self.take_item(other))
            .take(ENOUGH)
            .flat_map(|item| match item {
                Item::Data(message) => vec![text(&message)],
                Item::Run(run) => run.messages().map(|message| text(&message)).collect(),
                Item::Subscribe(topic) => vec![format!("+{}", topic.to_text())],
                Item::Cancel(topic) => vec![format!("-{}", topic.to_text())],
                Item::Join(group) => vec![format!("&{}", group.to_text())],
                Item::Leave(group) => vec![format!("~{}", group.to_text())],
            })
            .collect()
    }

    pub(super) fn send(&mut self, parts: &[&str]) -> Result<(), SendFailure> {
        self.send_message(message(parts))
    }

    pub(super) fn send_message(&mut self, sent: Multipart) -> Result<(), SendFailure> {
        let result = self.pattern.send(&mut self.peers, sent.clone());
        self.settle();
        result.map_err(|rejected| {
            assert_eq!(
                rejected.message(),
                &sent,
                "a rejected message comes back whole"
            );
            rejected.failure()
        })
    }

    /// What comes before all but a send.
    pub(super) fn flush(&mut self) {
        self.pattern.flush(&mut self.peers);
        self.settle();
    }

    /// Whether a message waits for others, to go with them.
    pub(super) fn is_holding(&self) -> bool {
        self.peers.is_holding()
    }

    pub(super) fn recv(&mut self) -> Result<String, RecvFailure> {
        let received = self.recv_message()?;
        Ok(text(&received))
    }

    pub(super) fn recv_message(&mut self) -> Result<Multipart, RecvFailure> {
        let result = self.pattern.recv(&mut self.peers);
        self.settle();
        result
    }

    pub(super) fn received(&mut self) -> Vec<String> {
        let all = std::iter::from_fn(|| self.recv().ok());
        all.take(ENOUGH).collect()
    }

    pub(super) fn can_send(&mut self) -> bool {
        let can = self.pattern.can_send(&mut self.peers);
        self.settle();
        can
    }

    pub(super) fn can_recv(&mut self) -> bool {
        let can = self.pattern.can_recv(&mut self.peers);
        self.settle();
        can
    }

    pub(super) fn route_state(&mut self, first: &str) -> Result<(), SendFailure> {
        self.pattern.route_state(&mut self.peers, first.as_bytes())
    }

    pub(super) fn set(&mut self, setting: Setting) -> Result<(), SettingError> {
        let result = self.pattern.set(&mut self.peers, setting);
        self.settle();
        result
    }

    pub(super) fn subscribe(&mut self, topic: &'static str) {
        self.set(Setting::Subscribe(topic.into()))
            .expect("this type subscribes");
    }

    pub(super) fn unsubscribe(&mut self, topic: &'static str) {
        self.set(Setting::Unsubscribe(topic.into()))
            .expect("this type subscribes");
    }

    /// The connection of `other` is replaced.
    pub(super) fn reconnect(&mut self, other: &Other, routing_id: &'static str) {
        let id = self.introduce(other, routing_id);
        self.pattern.reconnected(&mut self.peers, id);
        self.settle();
    }

    /// It becomes known who `other` is.
    pub(super) fn meet(&mut self, other: &Other, routing_id: &'static str) {
        let id = self.introduce(other, routing_id);
        self.pattern.introduced(&mut self.peers, id);
        self.settle();
    }

    fn introduce(&mut self, other: &Other, routing_id: &'static str) -> PeerId {
        let id = self.id_of(other).expect("still attached");
        let info = PeerInfo {
            routing_id: routing_id.into(),
            ..PeerInfo::default()
        };
        let peer = self.peers.peer_mut(id).expect("still attached");
        peer.introduce(Arc::new(info));
        id
    }

    pub(super) fn drops(&self) -> Drops {
        self.pattern.drops()
    }

    pub(super) fn topics(&self) -> usize {
        self.pattern.topics()
    }

    pub(super) fn dropped_for(&self, other: &Other) -> u64 {
        self.counters_of(other).dropped_full
    }

    pub(super) fn counters_of(&self, other: &Other) -> PeerCounters {
        let id = self.id_of(other).expect("still attached");
        let peer = self.peers.peer(id).expect("still attached");
        peer.counters()
    }

    pub(super) fn is_attached(&self, other: &Other) -> bool {
        self.id_of(other).is_some()
    }

    fn id_of(&self, other: &Other) -> Option<PeerId> {
        self.peers
            .ids()
            .find(|&id| self.peers.peer(id).is_some_and(|p| p.key() == other.key))
    }

    /// What the socket does after each call.
    fn settle(&mut self) {
        if self.peers.has_finished() {
            self.pattern.flush(&mut self.peers);
        }
        while self.peers.has_finished() {
            for id in self.peers.take_finished() {
                if self.peers.peer(id).is_some() {
                    self.pattern.detached(&mut self.peers, id);
                    self.peers.part(id);
                    self.peers.remove(id);
                }
            }
        }
        for wake in self.peers.take_wakes() {
            match wake.what {
                News::Data => wake.far.data(),
                News::Batch => wake.far.batch(),
                News::Room => wake.far.room(),
                News::Discarded(_) => {}
                News::HangUp => wake.far.hang_up(),
            }
        }
    }
}

impl Other {
    pub(super) fn was_hung_up(&self) -> bool {
        let heard = self.heard.0.lock().expect("no test panics here");
        heard.contains(&News::HangUp)
    }

    /// Whether the socket is done with this peer, and all it sent was taken.
    pub(super) fn is_parted(&mut self) -> bool {
        self.rx.is_finished() && self.tx.is_closed()
    }
}

pub(super) fn message(parts: &[&str]) -> Multipart {
    parts.iter().map(|part| (*part).into()).collect()
}

/// The parts, separated by bars.
pub(super) fn text(message: &Multipart) -> String {
    let parts: Vec<String> = message.iter().map(|part| part.to_text()).collect();
    parts.join("|")
}

pub(super) fn subscribe(topic: &'static str) -> Item {
    Item::Subscribe(topic.into())
}

pub(super) fn cancel(topic: &'static str) -> Item {
    Item::Cancel(topic.into())
}

#[test]
fn one_type_has_no_pattern() {
    let missing = SocketType::ALL
        .into_iter()
        .filter(|each| pattern_of(*each).is_none());
    assert!(missing.eq([SocketType::Dgram]));
}
