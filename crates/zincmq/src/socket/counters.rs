//! What a socket has sent, received and dropped.

use std::sync::Arc;

use super::core::Core;
use crate::message::PeerInfo;
use crate::pattern::Drops;
use crate::peer::{Peer, PeerCounters};
use crate::raw::Pipes;

/// A socket's count of messages, exact once traffic has stopped.
///
/// Of the messages that sends accepted, each was handed to the system
/// (`messages_out` less `queued_out` less `lost`), waits in a queue
/// (`queued_out`), or is in one of the drop counts.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Messages put into peers' queues, one count for each peer. A
    /// subscription, or its end, is one of a subscriber's; what options have
    /// sent (HELLO_MSG, DISCONNECT_MSG) is one over inproc only.
    pub messages_out: u64,
    /// Bytes of their parts, without framing.
    pub bytes_out: u64,
    /// Messages taken from peers' queues.
    pub messages_in: u64,
    /// Bytes of their parts, without framing.
    pub bytes_in: u64,
    /// Messages waiting to be handed to the system or the peer.
    pub queued_out: u64,
    /// Messages waiting to be received.
    pub queued_in: u64,
    /// Dropped because the peer was at its high-water mark.
    pub dropped_full: u64,
    /// Dropped because no peer had the routing id, or the requester had left.
    pub dropped_no_route: u64,
    /// Received and dropped: no subscription, no envelope, or stale. Sent and
    /// dropped: a routing id with nothing behind it.
    pub dropped_filtered: u64,
    /// Queued for a peer that left, or whose linger time ended, before the
    /// system (over inproc, the peer) took them, or replaced by a newer one
    /// (CONFLATE).
    pub lost: u64,
    /// Each peer that is attached now.
    pub peers: Vec<PeerCount>,
}

/// One peer's share of a socket's [`Counters`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PeerCount {
    /// Who it is.
    pub peer: Arc<PeerInfo>,
    /// Messages put into its queue.
    pub messages_out: u64,
    /// Bytes of their parts.
    pub bytes_out: u64,
    /// Messages taken from its queue.
    pub messages_in: u64,
    /// Bytes of their parts.
    pub bytes_in: u64,
    /// Messages in its queue, not yet handed to the system or taken by it.
    pub queued_out: u64,
    /// Messages it sent that are not yet received.
    pub queued_in: u64,
    /// Messages it did not get because it was at its high-water mark.
    pub dropped_full: u64,
}

/// What detached peers leave behind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals(PeerCounters);

impl Totals {
    pub(super) fn add(&mut self, peer: PeerCounters) {
        let total = &mut self.0;
        total.messages_out += peer.messages_out;
        total.bytes_out += peer.bytes_out;
        total.messages_in += peer.messages_in;
        total.bytes_in += peer.bytes_in;
        total.dropped_full += peer.dropped_full;
        total.lost += peer.lost;
    }
}

impl Core {
    pub(crate) fn counters(&self) -> Counters {
        let mut counters = self.with(|state| {
            let mut totals = state.totals;
            let mut counters = Counters::default();
            for id in state.peers.ids() {
                let Some(peer) = state.peers.peer(id) else {
                    continue;
                };
                let count = peer.counters();
                totals.add(count);
                let (queued_out, queued_in) = peer.queued();
                counters.queued_out += queued_out;
                counters.queued_in += queued_in;
                counters.peers.push(PeerCount {
                    peer: Arc::clone(peer.info()),
                    messages_out: count.messages_out,
                    bytes_out: count.bytes_out,
                    messages_in: count.messages_in,
                    bytes_in: count.bytes_in,
                    queued_out,
                    queued_in,
                    dropped_full: count.dropped_full,
                });
            }
            let Drops {
                // Each is in its peer's count already.
                full: _,
                no_route,
                filtered,
            } = state.pattern.drops();
            counters.messages_out = totals.0.messages_out;
            counters.bytes_out = totals.0.bytes_out;
            counters.messages_in = totals.0.messages_in;
            counters.bytes_in = totals.0.bytes_in;
            counters.dropped_full = totals.0.dropped_full;
            counters.lost = totals.0.lost;
            counters.dropped_no_route = no_route;
            counters.dropped_filtered = filtered;
            counters
        });
        counters.lost += self.lost();
        counters
    }

    /// What is in the pipes to each peer, for C.
    pub(crate) fn pipes(&self) -> Vec<Pipes> {
        self.with(|state| {
            let peers = state.peers.ids().filter_map(|id| state.peers.peer(id));
            let mut peers: Vec<&Peer> = peers.collect();
            // In the order they connected in, whose handshake was over first.
            peers.sort_by_key(|peer| peer.key());
            peers
                .into_iter()
                .map(|peer| Pipes {
                    local: peer.info().local.clone(),
                    remote: peer.info().remote.clone(),
                    outbound: peer.unacknowledged(),
                    inbound: peer.queued().1,
                })
                .collect()
        })
    }
}
