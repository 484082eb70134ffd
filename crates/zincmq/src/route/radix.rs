//! A compressed prefix tree of topics.

mod children;
mod label;

use std::ops::ControlFlow;

use children::Children;
use label::{Label, common_prefix};

/// Maps topics to small values so that the entries that are prefixes of a
/// given topic are found in one walk along it.
///
/// All nodes lie in one vector without gaps: a node that goes leaves its place
/// to the last one. No walk recurses, however long a topic is.
pub(crate) struct Radix<V> {
    /// The first is the root, which is always there.
    nodes: Vec<Node<V>>,
    entries: usize,
}

/// Names a node until the next change of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(u32);

const ROOT: u32 = 0;

/// A value of `V::default()` means that there is no entry. Every node but the
/// root has an entry or at least two children.
struct Node<V> {
    /// The bytes between the parent's topic and this one's; empty in the root only.
    label: Label,
    children: Children,
    parent: u32,
    value: V,
}

impl<V: Copy + Default + PartialEq> Radix<V> {
    pub(crate) fn new() -> Self {
        let root = Node {
            label: Label::new(&[]),
            children: Children::None,
            parent: ROOT,
            value: V::default(),
        };
        Self {
            nodes: vec![root],
            entries: 0,
        }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries
    }

    /// Whether there is no number left for another entry's nodes.
    pub(crate) fn is_full(&self) -> bool {
        self.nodes.len() > (u32::MAX - 2) as usize
    }

    /// The entry of exactly `topic`.
    pub(crate) fn find(&self, topic: &[u8]) -> Option<NodeId> {
        let mut at = ROOT;
        let mut rest = topic;
        while let Some(&byte) = rest.first() {
            at = self.node(at).children.find(byte)?;
            rest = rest.strip_prefix(self.node(at).label.bytes())?;
        }
        (self.node(at).value != V::default()).then_some(NodeId(at))
    }

    /// The node of `topic`, made if need be. The caller gives it a value.
    pub(crate) fn entry(&mut self, topic: &[u8]) -> NodeId {
        let mut at = ROOT;
        let mut rest = topic;
        while let Some(&byte) = rest.first() {
            let Some(next) = self.node(at).children.find(byte) else {
                return NodeId(self.add_leaf(at, rest));
            };
            let label = self.node(next).label.bytes();
            let common = common_prefix(label, rest);
            at = if common < label.len() {
                self.split(next, common)
            } else {
                next
            };
            rest = &rest[common..];
        }
        NodeId(at)
    }

    pub(crate) fn value(&self, node: NodeId) -> V {
        self.node(node.0).value
    }

    /// Changes the value of `node`; the default one ends the entry.
    pub(crate) fn set(&mut self, node: NodeId, value: V) {
        let old = std::mem::replace(&mut self.node_mut(node.0).value, value);
        match (old == V::default(), value == V::default()) {
            (true, false) => self.entries += 1,
            (false, true) => {
                self.entries -= 1;
                self.prune(node.0);
            }
            _ => {}
        }
    }

    /// Visits the values of all entries that are prefixes of `topic`, shortest
    /// first, until told to stop.
    #[inline]
    pub(crate) fn walk(&self, topic: &[u8], mut visit: impl FnMut(V) -> ControlFlow<()>) {
        let mut node = self.node(ROOT);
        let mut rest = topic;
        loop {
            if node.value != V::default() && visit(node.value).is_break() {
                return;
            }
            let Some(next) = rest.first().and_then(|&byte| node.children.find(byte)) else {
                return;
            };
            node = self.node(next);
            match rest.strip_prefix(node.label.bytes()) {
                Some(behind) => rest = behind,
                None => return,
            }
        }
    }

    /// The entry before `end`, or the last one, in no particular order. Going
    /// on from one after having ended it misses none.
    pub(crate) fn last_entry_before(&self, end: Option<NodeId>) -> Option<(NodeId, V)> {
        let end = end.map_or(self.nodes.len(), |node| {
            self.nodes.len().min(node.0 as usize)
        });
        let at = self.nodes[..end]
            .iter()
            .rposition(|node| node.value != V::default())?;
        Some((NodeId(at as u32), self.nodes[at].value))
    }

    /// Visits all entries in the order of their topics.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(NodeId, V)) {
        let mut waiting = vec![ROOT];
        while let Some(at) = waiting.pop() {
            let node = self.node(at);
            if node.value != V::default() {
                visit(NodeId(at), node.value);
            }
            let first = waiting.len();
            node.children.for_each(|child| waiting.push(child));
            waiting[first..].reverse();
        }
    }

    /// The topic that leads to `node`.
    pub(crate) fn topic(&self, node: NodeId) -> Vec<u8> {
        let mut length = 0;
        let mut at = node.0;
        while at != ROOT {
            length += self.node(at).label.bytes().len();
            at = self.node(at).parent;
        }
        let mut topic = vec![0; length];
        let mut end = length;
        let mut at = node.0;
        while at != ROOT {
            let label = self.node(at).label.bytes();
            topic[end - label.len()..end].copy_from_slice(label);
            end -= label.len();
            at = self.node(at).parent;
        }
        topic
    }

    /// Bytes allocated, as far as this type can tell.
    #[cfg(test)]
    pub(crate) fn allocated(&self) -> usize {
        let outside = |node: &Node<V>| node.label.allocated() + node.children.allocated();
        self.nodes.capacity() * size_of::<Node<V>>() + self.nodes.iter().map(outside).sum::<usize>()
    }

    #[inline]
    fn node(&self, at: u32) -> &Node<V> {
        &self.nodes[at as usize]
    }

    fn node_mut(&mut self, at: u32) -> &mut Node<V> {
        &mut self.nodes[at as usize]
    }

    fn push(&mut self, node: Node<V>) -> u32 {
        if self.nodes.len() == self.nodes.capacity() {
            // Doubling would leave half of a large tree's memory unused.
            self.nodes.reserve_exact(self.nodes.len() / 4 + 4);
        }
        self.nodes.push(node);
        (self.nodes.len() - 1) as u32
    }

    fn add_leaf(&mut self, parent: u32, label: &[u8]) -> u32 {
        let leaf = self.push(Node {
            label: Label::new(label),
            children: Children::None,
            parent,
            value: V::default(),
        });
        self.node_mut(parent).children.insert(label[0], leaf);
        leaf
    }

    /// Puts a node in the middle of the edge that leads to `lower`.
    fn split(&mut self, lower: u32, at: usize) -> u32 {
        let node = self.node(lower);
        let parent = node.parent;
        let (head, tail) = node.label.bytes().split_at(at);
        let first = head[0];
        let upper = Node {
            label: Label::new(head),
            children: Children::One(tail[0], lower),
            parent,
            value: V::default(),
        };
        let tail = Label::new(tail);
        let upper = self.push(upper);
        self.node_mut(parent).children.replace(first, upper);
        let node = self.node_mut(lower);
        node.label = tail;
        node.parent = upper;
        upper
    }

    /// Removes what `node` is no longer needed for, now that it has no entry.
    fn prune(&mut self, node: u32) {
        if node == ROOT {
            return;
        }
        match self.node(node).children.len() {
            0 => {
                let first = self.node(node).label.bytes()[0];
                let mut parent = self.node(node).parent;
                self.node_mut(parent).children.remove(first);
                let moved = self.free(node);
                if Some(parent) == moved {
                    parent = node;
                }
                let above = self.node(parent);
                if parent != ROOT && above.value == V::default() && above.children.len() == 1 {
                    self.join(parent);
                }
            }
            1 => self.join(node),
            _ => {}
        }
    }

    /// Merges `node` into its only child. The child is the one that stays:
    /// `last_entry_before` relies on entries never moving to a later place.
    fn join(&mut self, node: u32) {
        let Some(lower) = self.node(node).children.first() else {
            return;
        };
        let upper = self.node(node);
        let parent = upper.parent;
        let first = upper.label.bytes()[0];
        let label = Label::joined(upper.label.bytes(), self.node(lower).label.bytes());
        let child = self.node_mut(lower);
        child.label = label;
        child.parent = parent;
        self.node_mut(parent).children.replace(first, lower);
        self.free(node);
    }

    /// Takes `node`, to which nothing points any more, out; the last node
    /// moves to its place. Returns where that one was, if there was one.
    fn free(&mut self, node: u32) -> Option<u32> {
        self.nodes.swap_remove(node as usize);
        let moved = self.nodes.len() as u32;
        if self.nodes.capacity() > 64 && self.nodes.len() < self.nodes.capacity() / 4 {
            self.nodes.shrink_to(self.nodes.len() * 3 / 2);
        }
        if moved == node {
            return None;
        }
        let parent = self.node(node).parent;
        let first = self.node(node).label.bytes()[0];
        self.node_mut(parent).children.replace(first, node);
        let children = std::mem::take(&mut self.node_mut(node).children);
        children.for_each(|child| self.node_mut(child).parent = node);
        self.node_mut(node).children = children;
        Some(moved)
    }
}

/// What glibc's allocator takes for `bytes`: a header, in steps of 16.
#[cfg(test)]
fn malloced(bytes: usize) -> usize {
    (bytes + 8).next_multiple_of(16).max(32)
}

const _: () = assert!(size_of::<Node<u32>>() <= 48);
