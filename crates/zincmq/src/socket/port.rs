//! What connections tell their socket, and what it tells its monitors.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::closing::Live;
use super::core::{CLOSED, Core};
use super::state::Note;
use crate::connection::{Link, Port};
use crate::message::PeerInfo;
use crate::monitor::{Event, EventKind, Place, Queue};
use crate::peer::{Peer, PeerId};

impl Core {
    pub(crate) fn add_monitor(&self, queue: Arc<Queue>) {
        let mut monitors = self.monitors.lock();
        monitors.retain(|queue| !queue.is_abandoned());
        monitors.push(queue);
        drop(monitors);
        self.monitored.store(true, Ordering::Release);
        // A close on another thread may have been faster.
        if self.is_done() {
            self.stop_monitors();
        }
    }

    pub(super) fn stop_monitors(&self) {
        let monitors = std::mem::take(&mut *self.monitors.lock());
        self.monitored.store(false, Ordering::Release);
        for queue in monitors {
            queue.push(Event::new(
                EventKind::MonitorStopped,
                Place::default(),
                None,
            ));
        }
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Gives every pipe towards a peer a new high-water mark.
    pub(super) fn apply_send_hwm(&self, high_water_mark: usize) {
        self.with(|state| {
            let ids: Vec<PeerId> = state.peers.ids().collect();
            for id in ids {
                state.set_send_hwm(id, high_water_mark);
            }
        });
        self.waiting.notify();
    }

    /// Gives every pipe from a peer a new high-water mark.
    pub(super) fn apply_recv_hwm(&self, high_water_mark: usize) {
        for link in self.all_links() {
            link.set_recv_hwm(high_water_mark);
        }
        for far in self.with(|state| state.peers.near_ones()) {
            far.recv_hwm(high_water_mark);
        }
    }

    /// Has peers that were let in judged once more.
    pub(crate) fn review_peers(&self) {
        for link in self.all_links() {
            link.review();
        }
    }

    /// Has those that are being judged now judged by who is asked from now on.
    pub(crate) fn outdate_verdicts(&self) {
        for link in self.all_links() {
            link.outdate();
        }
    }

    fn all_links(&self) -> Vec<Arc<dyn Link>> {
        let links = self.links.lock();
        links.values().map(|live| Arc::clone(&live.link)).collect()
    }
}

impl Port for Core {
    fn link_started(&self, key: u64, origin: u64, link: Arc<dyn Link>) {
        self.links.lock().insert(
            key,
            Live {
                origin,
                link: Arc::clone(&link),
            },
        );
        if self.status() == CLOSED {
            link.close();
        }
    }

    fn attach(&self, peer: Peer) {
        self.take_in(peer);
    }

    fn connected(&self, key: u64, info: Arc<PeerInfo>, again: bool) {
        self.post(Note::Connected { key, info, again }, true);
    }

    fn readable(&self, key: u64) {
        self.post(Note::Readable(key), self.reads_by_itself());
    }

    fn writable(&self, key: u64) {
        self.post(Note::Writable(key), false);
    }

    fn ended(&self, key: u64) {
        self.post(Note::Ended(key), true);
    }

    fn lost(&self, messages: u64) {
        self.lost.fetch_add(messages, Ordering::Relaxed);
    }

    fn link_ended(&self, key: u64) {
        let live = self.links.lock().remove(&key);
        drop(live);
        self.finish_if_idle();
    }

    fn event(&self, place: &Place, peer: Option<&Arc<PeerInfo>>, kind: EventKind) {
        if !self.monitored.load(Ordering::Acquire) {
            return;
        }
        let event = Event::new(kind, place.clone(), peer.cloned());
        let queues = {
            let mut monitors = self.monitors.lock();
            monitors.retain(|queue| !queue.is_abandoned());
            monitors.clone()
        };
        for queue in queues {
            queue.push(event.clone());
        }
    }
}
