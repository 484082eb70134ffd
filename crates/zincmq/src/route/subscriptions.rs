//! Which topics are wanted, and by whom: topics are matched by prefix.

use std::ops::ControlFlow;

use slab::Slab;
use thin_vec::ThinVec;

use super::radix::Radix;
use crate::peer::PeerId;

/// A publisher's view: the peers that subscribed to each topic. A peer is
/// subscribed or it is not; doing it twice changes nothing (as in libzmq, of
/// which subscribers count by themselves).
pub(crate) struct Subscriptions {
    tree: Radix<Holders>,
    /// Peers of topics that more than one holds, in their order.
    shared: Slab<ThinVec<PeerId>>,
    /// By peer number, how many topics it holds.
    held: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    /// Nobody held the topic before.
    First,
    /// Other peers held it already, this one did not.
    Joined,
    /// This peer held it already.
    Already,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removed {
    /// Nobody holds the topic any more.
    Last,
    /// Other peers still hold it.
    Others,
    /// This peer did not hold it.
    Absent,
}

/// The peers of one topic in four bytes: nobody, one peer's number plus one, or
/// with the top bit an index into `shared`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Holders(u32);

enum Who {
    Nobody,
    One(PeerId),
    Shared(usize),
}

const SHARED: u32 = 1 << 31;

impl Subscriptions {
    pub(crate) fn new() -> Self {
        Self {
            tree: Radix::new(),
            shared: Slab::new(),
            held: Vec::new(),
        }
    }

    /// How many topics are held.
    pub(crate) fn len(&self) -> usize {
        self.tree.len()
    }

    pub(crate) fn add(&mut self, topic: &[u8], peer: PeerId) -> Added {
        if self.tree.is_full() {
            return Added::Already;
        }
        let node = self.tree.entry(topic);
        let added = match self.tree.value(node).who() {
            Who::Nobody => {
                self.tree.set(node, Holders::one(peer));
                Added::First
            }
            Who::One(other) if other == peer => return Added::Already,
            Who::One(other) => {
                let mut both = ThinVec::with_capacity(2);
                both.extend([peer.min(other), peer.max(other)]);
                let index = self.shared.insert(both);
                self.tree.set(node, Holders::shared(index));
                Added::Joined
            }
            Who::Shared(index) => match self.shared[index].binary_search(&peer) {
                Ok(_) => return Added::Already,
                Err(at) => {
                    self.shared[index].insert(at, peer);
                    Added::Joined
                }
            },
        };
        let number = peer.0 as usize;
        if number >= self.held.len() {
            self.held.resize(number + 1, 0);
        }
        self.held[number] += 1;
        added
    }

    pub(crate) fn remove(&mut self, topic: &[u8], peer: PeerId) -> Removed {
        let Some(node) = self.tree.find(topic) else {
            return Removed::Absent;
        };
        let Some(left) = self.without(self.tree.value(node), peer) else {
            return Removed::Absent;
        };
        self.held[peer.0 as usize] -= 1;
        if left == Holders::default() {
            self.tree.remove(topic);
            return Removed::Last;
        }
        self.tree.set(node, left);
        Removed::Others
    }

    /// The topics that `peer` holds in their order, each with whether nobody
    /// else holds it.
    pub(crate) fn topics_of(&self, peer: PeerId) -> Vec<(Vec<u8>, bool)> {
        let mut left = self.held_by(peer);
        let mut topics = Vec::with_capacity(left);
        if left == 0 {
            return topics;
        }
        self.tree.for_each(|topic, holders| {
            if self.holds(holders, peer) {
                let alone = matches!(holders.who(), Who::One(_));
                topics.push((topic.to_vec(), alone));
                left -= 1;
            }
            match left {
                0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        topics
    }

    /// Ends all of `peer`'s subscriptions.
    pub(crate) fn remove_peer(&mut self, peer: PeerId) {
        let mut left = self.held_by(peer);
        if left == 0 {
            return;
        }
        self.held[peer.0 as usize] = 0;
        // Aside, as the tree is changed on the way.
        let mut tree = std::mem::replace(&mut self.tree, Radix::new());
        tree.revise(|holders| {
            let Some(less) = self.without(holders, peer) else {
                return ControlFlow::Continue(holders);
            };
            left -= 1;
            match left {
                0 => ControlFlow::Break(less),
                _ => ControlFlow::Continue(less),
            }
        });
        self.tree = tree;
    }

    /// Visits the peers of all topics that are prefixes of `topic`; one that
    /// holds several is visited as often.
    #[inline]
    pub(crate) fn matching(&self, topic: &[u8], mut visit: impl FnMut(PeerId)) {
        self.tree.walk(topic, |holders| {
            match holders.who() {
                Who::Nobody => {}
                Who::One(peer) => visit(peer),
                Who::Shared(index) => self.shared[index].iter().copied().for_each(&mut visit),
            }
            ControlFlow::Continue(())
        });
    }

    /// Bytes allocated, as far as this type can tell.
    #[cfg(test)]
    pub(crate) fn allocated(&self) -> usize {
        let sets = self.shared.iter().map(|(_, set)| set.capacity() * 4 + 32);
        self.tree.allocated() + self.shared.capacity() * 16 + sets.sum::<usize>()
    }

    fn held_by(&self, peer: PeerId) -> usize {
        self.held.get(peer.0 as usize).copied().unwrap_or(0)
    }

    fn holds(&self, holders: Holders, peer: PeerId) -> bool {
        match holders.who() {
            Who::Nobody => false,
            Who::One(own) => own == peer,
            Who::Shared(index) => self.shared[index].binary_search(&peer).is_ok(),
        }
    }

    /// Who is left of `holders` when `peer` is not one of them any more; nothing if it
    /// is none.
    fn without(&mut self, holders: Holders, peer: PeerId) -> Option<Holders> {
        match holders.who() {
            Who::One(own) if own == peer => Some(Holders::default()),
            Who::Nobody | Who::One(_) => None,
            Who::Shared(index) => {
                let peers = &mut self.shared[index];
                let at = peers.binary_search(&peer).ok()?;
                peers.remove(at);
                if let [one] = peers[..] {
                    self.shared.remove(index);
                    if self.shared.is_empty() {
                        self.shared = Slab::new();
                    }
                    return Some(Holders::one(one));
                }
                if peers.len() < peers.capacity() / 4 {
                    peers.shrink_to_fit();
                }
                Some(holders)
            }
        }
    }
}

impl Holders {
    fn one(peer: PeerId) -> Self {
        Self(peer.0 + 1)
    }

    fn shared(index: usize) -> Self {
        Self(SHARED | index as u32)
    }

    #[inline]
    fn who(self) -> Who {
        match self.0 {
            0 => Who::Nobody,
            n if n & SHARED == 0 => Who::One(PeerId(n - 1)),
            n => Who::Shared((n & !SHARED) as usize),
        }
    }
}

/// A subscriber's own topics, each counted.
pub(crate) struct Prefixes {
    tree: Radix<u32>,
}

impl Prefixes {
    pub(crate) fn new() -> Self {
        Self { tree: Radix::new() }
    }

    /// How many different topics there are.
    pub(crate) fn len(&self) -> usize {
        self.tree.len()
    }

    /// Counts `topic` once more.
    pub(crate) fn add(&mut self, topic: &[u8]) {
        if self.tree.is_full() {
            return;
        }
        let node = self.tree.entry(topic);
        let count = self.tree.value(node);
        self.tree.set(node, count.saturating_add(1));
    }

    /// Counts `topic` once less; true if it was the last time.
    pub(crate) fn remove(&mut self, topic: &[u8]) -> bool {
        let Some(node) = self.tree.find(topic) else {
            return false;
        };
        match self.tree.value(node) {
            0 | 1 => {
                self.tree.remove(topic);
                true
            }
            count => {
                self.tree.set(node, count - 1);
                false
            }
        }
    }

    /// Whether one of them is a prefix of `topic`.
    #[inline]
    pub(crate) fn matches(&self, topic: &[u8]) -> bool {
        let mut found = false;
        self.tree.walk(topic, |_| {
            found = true;
            ControlFlow::Break(())
        });
        found
    }

    /// Visits all topics in their order.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(Vec<u8>)) {
        self.tree.for_each(|topic, _| {
            visit(topic.to_vec());
            ControlFlow::Continue(())
        });
    }
}
