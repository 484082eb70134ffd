//! A compressed prefix tree of topics.

mod arena;
mod branch;
mod label;

use std::ops::ControlFlow;

use arena::Arena;
use branch::{Branch, Branches, Link};
use label::{Label, Labels, common_prefix};

/// Maps topics to small values so that the entries that are prefixes of a
/// given topic are found in one walk along it.
///
/// A node is a slot of 32 bytes, and the children of one lie next to each other, in the
/// order of the bytes that lead to them. A few of those bytes are in the slot itself, more
/// in a branch. Branches lie close together as they are far fewer than slots, so a step is
/// one line of memory that may be in no cache, and at most another one that likely is. No
/// walk recurses, however long a topic is.
pub(crate) struct Radix<V> {
    /// The first slot is the root's, which is always there.
    slots: Arena<V>,
    branches: Branches,
    labels: Labels,
    entries: usize,
}

/// Names a node until the next change of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(u32);

const ROOT: u32 = 0;

/// One node. A value of `V::default()` means that there is no entry. Every node but
/// the root has an entry or at least two children.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Slot<V> {
    /// The topic's bytes behind the one that leads here from the parent.
    label: Label,
    value: V,
    link: Link,
}

impl<V: Default> Default for Slot<V> {
    fn default() -> Self {
        Self {
            label: Label::default(),
            value: V::default(),
            link: Link::default(),
        }
    }
}

/// A node in the middle of a pass over the tree, and what comes next there.
struct Visit {
    node: u32,
    /// The first byte of the children that are left.
    next: u16,
    /// The length of the node's topic.
    length: usize,
}

impl<V: Copy + Default + PartialEq> Radix<V> {
    pub(crate) fn new() -> Self {
        let mut slots = Arena::default();
        let root = slots.take(0);
        debug_assert_eq!(root, ROOT);
        Self {
            slots,
            branches: Branches::default(),
            labels: Labels::default(),
            entries: 0,
        }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries
    }

    /// Whether there is no number left for another entry's nodes.
    pub(crate) fn is_full(&self) -> bool {
        self.slots.is_full()
    }

    /// The entry of exactly `topic`.
    pub(crate) fn find(&self, topic: &[u8]) -> Option<NodeId> {
        let mut at = ROOT;
        let mut rest = topic;
        while let Some((&byte, behind)) = rest.split_first() {
            at = self.child(at, byte)?;
            rest = behind.strip_prefix(self.label(at))?;
        }
        (self.slots[at].value != V::default()).then_some(NodeId(at))
    }

    /// The node of `topic`, made if need be. The caller gives it a value.
    pub(crate) fn entry(&mut self, topic: &[u8]) -> NodeId {
        let mut at = ROOT;
        let mut rest = topic;
        while let Some((&byte, behind)) = rest.split_first() {
            let Some(next) = self.child(at, byte) else {
                return NodeId(self.add_leaf(at, byte, behind));
            };
            let label = self.label(next);
            let common = common_prefix(label, behind);
            if common < label.len() {
                self.split(next, common);
            }
            at = next;
            rest = &behind[common..];
        }
        NodeId(at)
    }

    pub(crate) fn value(&self, node: NodeId) -> V {
        self.slots[node.0].value
    }

    /// Gives `node` a value other than the default one.
    pub(crate) fn set(&mut self, node: NodeId, value: V) {
        debug_assert!(value != V::default());
        let old = std::mem::replace(&mut self.slots[node.0].value, value);
        self.entries += usize::from(old == V::default());
    }

    /// Ends the entry of `topic`, if there is one.
    pub(crate) fn remove(&mut self, topic: &[u8]) {
        let mut parent = None;
        let mut at = ROOT;
        let mut rest = topic;
        while let Some((&byte, behind)) = rest.split_first() {
            let Some(next) = self.child(at, byte) else {
                return;
            };
            let Some(behind) = behind.strip_prefix(self.label(next)) else {
                return;
            };
            parent = Some((at, byte));
            at = next;
            rest = behind;
        }
        if std::mem::take(&mut self.slots[at].value) == V::default() {
            return;
        }
        self.entries -= 1;
        if let Some((above, byte)) = parent {
            match self.children(at).map_or(0, |children| children.len()) {
                0 => {
                    self.remove_leaf(above, byte);
                    self.join(above);
                }
                1 => self.join(at),
                _ => {}
            }
        }
        self.settle();
    }

    /// Visits the values of all entries that are prefixes of `topic`, shortest
    /// first, until told to stop.
    #[inline]
    pub(crate) fn walk(&self, topic: &[u8], mut visit: impl FnMut(V) -> ControlFlow<()>) {
        let mut slot = &self.slots[ROOT];
        let mut rest = topic;
        loop {
            if slot.value != V::default() && visit(slot.value).is_break() {
                return;
            }
            let Some((&byte, behind)) = rest.split_first() else {
                return;
            };
            let Some(child) = self.branches.find(slot.link, &slot.label, byte) else {
                return;
            };
            slot = &self.slots[child];
            rest = behind;
            if !slot.label.is_empty() {
                match behind.strip_prefix(self.labels.bytes(&slot.label)) {
                    Some(behind) => rest = behind,
                    None => return,
                }
            }
        }
    }

    /// Visits the topics and values of all entries in the order of the topics, until
    /// told to stop.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&[u8], V) -> ControlFlow<()>) {
        let mut topic = Vec::new();
        let mut at = ROOT;
        let mut path: Vec<Visit> = Vec::new();
        loop {
            let value = self.slots[at].value;
            if value != V::default() && visit(&topic, value).is_break() {
                return;
            }
            path.push(Visit {
                node: at,
                next: 0,
                length: topic.len(),
            });
            let Some(child) = self.next_child(&mut path, |length, byte| {
                topic.truncate(length);
                topic.extend(byte);
            }) else {
                return;
            };
            topic.extend_from_slice(self.label(child));
            at = child;
        }
    }

    /// Changes the values of all entries, in no particular order, until told to stop.
    /// The default value ends an entry.
    pub(crate) fn revise(&mut self, mut change: impl FnMut(V) -> ControlFlow<V, V>) {
        let mut path: Vec<Visit> = Vec::new();
        let mut at = ROOT;
        let mut is_over = false;
        loop {
            let old = self.slots[at].value;
            if old != V::default() && !is_over {
                let new = match change(old) {
                    ControlFlow::Continue(new) => new,
                    ControlFlow::Break(new) => {
                        is_over = true;
                        new
                    }
                };
                self.entries -= usize::from(new == V::default());
                self.slots[at].value = new;
            }
            path.push(Visit {
                node: at,
                next: 0,
                length: 0,
            });
            if is_over {
                path.iter_mut().for_each(|visit| visit.next = NO_MORE);
            }
            // Up, to where there is a child left to see. Behind those that are done the
            // tree is put in order: it changes below the node only.
            let child = loop {
                let Some(visit) = path.last_mut() else {
                    return self.settle();
                };
                let node = visit.node;
                if let Some((byte, child)) = self.child_from(node, visit.next) {
                    visit.next = u16::from(byte) + 1;
                    break child;
                }
                path.pop();
                self.tidy(node);
            };
            at = child;
        }
    }

    /// Bytes allocated, as far as this type can tell.
    #[cfg(test)]
    pub(crate) fn allocated(&self) -> usize {
        self.slots.allocated() + self.branches.allocated() + self.labels.allocated()
    }

    fn label(&self, at: u32) -> &[u8] {
        self.labels.bytes(&self.slots[at].label)
    }

    fn child(&self, at: u32, byte: u8) -> Option<u32> {
        let slot = &self.slots[at];
        self.branches.find(slot.link, &slot.label, byte)
    }

    /// The first child of `at` whose byte is `from` or more.
    fn child_from(&self, at: u32, from: u16) -> Option<(u8, u32)> {
        let children = self.children(at)?;
        let byte = children.first_from(from)?;
        Some((byte, children.find(byte)?))
    }

    fn children(&self, at: u32) -> Option<Branch> {
        let slot = &self.slots[at];
        self.branches.load(slot.link, &slot.label)
    }

    fn set_children(&mut self, at: u32, children: Option<Branch>) {
        let slot = &mut self.slots[at];
        if children.is_some() {
            self.labels.make_room(&mut slot.label);
        }
        slot.link = self.branches.store(slot.link, &mut slot.label, children);
    }

    /// Goes on to the next child of the last node on `path` that has one left. Tells
    /// `turn` the length of that node's topic and the byte.
    fn next_child(
        &self,
        path: &mut Vec<Visit>,
        mut turn: impl FnMut(usize, Option<u8>),
    ) -> Option<u32> {
        while let Some(visit) = path.last_mut() {
            if let Some((byte, child)) = self.child_from(visit.node, visit.next) {
                visit.next = u16::from(byte) + 1;
                turn(visit.length, Some(byte));
                return Some(child);
            }
            path.pop();
        }
        None
    }

    fn add_leaf(&mut self, parent: u32, byte: u8, label: &[u8]) -> u32 {
        let leaf = Slot {
            label: self.labels.make(label),
            ..Slot::default()
        };
        let Some(mut children) = self.children(parent) else {
            let base = self.slots.take(0);
            self.slots[base] = leaf;
            self.set_children(parent, Some(Branch::with(byte, base)));
            return base;
        };
        let (old, rank, len) = (children.base, children.rank(byte), children.len());
        if len < children.capacity() {
            self.slots.shift_up(old, rank, len);
        } else {
            let larger = self.slots.take(children.class + 1);
            self.slots.copy(old, larger, rank);
            self.slots.copy(old + rank, larger + rank + 1, len - rank);
            self.slots.give_back(old, children.class);
            children.base = larger;
            children.class += 1;
        }
        children.insert(byte);
        let at = children.base + rank;
        self.slots[at] = leaf;
        self.set_children(parent, Some(children));
        at
    }

    fn remove_leaf(&mut self, parent: u32, byte: u8) {
        let Some(mut children) = self.children(parent) else {
            return;
        };
        let (rank, len) = (children.rank(byte), children.len());
        self.labels.drop(self.slots[children.base + rank].label);
        self.slots.shift_down(children.base, rank, len);
        children.remove(byte);
        self.fit(parent, children);
    }

    /// Gives `at` fewer `children` than it had, and back what they leave unused.
    fn fit(&mut self, at: u32, mut children: Branch) {
        let (len, class) = (children.len(), children.class);
        if len == 0 {
            self.slots.give_back(children.base, class);
            return self.set_children(at, None);
        }
        let fitting = branch::class_of(len);
        let in_place = self.slots[at].link.is_few_for(len);
        if fitting + 1 < class || (in_place && fitting < class) {
            let smaller = self.slots.take(fitting);
            self.slots.copy(children.base, smaller, len);
            self.slots.give_back(children.base, class);
            children.base = smaller;
            children.class = fitting;
        }
        self.set_children(at, Some(children));
    }

    /// Puts a node in the middle of the edge that leads to `at`, in its place; what was
    /// there is its child.
    fn split(&mut self, at: u32, common: usize) {
        let mut lower = self.slots[at];
        let byte = self.labels.bytes(&lower.label)[common];
        let [head, tail] = self.labels.split(lower.label, common, lower.link.is_none());
        lower.label = tail;
        let base = self.slots.take(0);
        self.slots[base] = lower;
        self.slots[at] = Slot {
            label: head,
            ..Slot::default()
        };
        self.set_children(at, Some(Branch::with(byte, base)));
    }

    /// Merges `at` with its child if there is just one, and no entry here.
    fn join(&mut self, at: u32) {
        let upper = self.slots[at];
        if at == ROOT || upper.value != V::default() {
            return;
        }
        let Some(children) = self.children(at) else {
            return;
        };
        let (1, Some(byte)) = (children.len(), children.first_from(0)) else {
            return;
        };
        self.set_children(at, None);
        let mut lower = self.slots[children.base];
        let is_leaf = lower.link.is_none();
        lower.label = self.labels.join(upper.label, byte, lower.label, is_leaf);
        self.slots[at] = lower;
        self.slots.give_back(children.base, children.class);
    }

    /// Removes the children of `at` that are not needed any more, and merges it with
    /// the only one left. The children are in order themselves.
    fn tidy(&mut self, at: u32) {
        let Some(old) = self.children(at) else {
            return;
        };
        let mut left = old;
        let (mut kept, mut rank) = (0, 0);
        let mut from = 0;
        while let Some(byte) = old.first_from(from) {
            let slot = self.slots[old.base + rank];
            if slot.value == V::default() && slot.link.is_none() {
                left.remove(byte);
                self.labels.drop(slot.label);
            } else {
                self.slots[old.base + kept] = slot;
                kept += 1;
            }
            rank += 1;
            from = u16::from(byte) + 1;
        }
        if kept < rank {
            self.fit(at, left);
        }
        self.join(at);
    }

    /// Gives memory back once most of it is unused.
    fn settle(&mut self) {
        if self.entries == 0 {
            *self = Self::new();
        } else if self.slots.is_sparse() {
            self.rebuild();
        }
    }

    /// Moves everything together.
    fn rebuild(&mut self) {
        let mut old = std::mem::replace(self, Self::new());
        self.entries = old.entries;
        self.slots[ROOT].value = old.slots[ROOT].value;
        let mut waiting = vec![(ROOT, ROOT)];
        while let Some((from, to)) = waiting.pop() {
            let Some(mut children) = old.children(from) else {
                continue;
            };
            let (base, len) = (children.base, children.len());
            children.class = branch::class_of(len);
            children.base = self.slots.take(children.class);
            for rank in 0..len {
                let child = old.slots[base + rank];
                self.slots[children.base + rank] = Slot {
                    label: self.labels.adopt(child.label, &mut old.labels),
                    value: child.value,
                    link: Link::default(),
                };
                waiting.push((base + rank, children.base + rank));
            }
            self.set_children(to, Some(children));
        }
    }
}

/// Behind all bytes.
const NO_MORE: u16 = 256;

/// What glibc's allocator takes for `bytes`: a header, in steps of 16.
#[cfg(test)]
fn malloced(bytes: usize) -> usize {
    (bytes + 8).next_multiple_of(16).max(32)
}

const _: () = assert!(size_of::<Slot<u32>>() == 32);
