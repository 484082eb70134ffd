//! Where the nodes of a tree are: slots, in blocks of powers of two.

use std::ops::{Index, IndexMut};

use super::Slot;
use super::branch::{LIMIT, Link};
use super::label::Label;

/// Slots in a chunk, and the exponent.
const CHUNK: usize = 1 << CHUNK_BITS;
const CHUNK_BITS: u32 = 12;
/// Blocks of 1 to 256 slots.
const CLASSES: usize = 9;
/// No block.
const NONE: u32 = u32::MAX;

/// Hands out blocks, each at a multiple of its length. One that comes back is put together
/// with its other half (a buddy allocator), so that trees which grow leave no holes behind
/// that nothing fits in. The memory is in chunks: nothing moves as the tree grows.
pub(super) struct Arena<V> {
    /// All full but the last.
    chunks: Vec<Vec<Slot<V>>>,
    /// The first free block of each class. It has the next one's place as its link, and
    /// the class and the one before in its label.
    free: [u32; CLASSES],
    len: u32,
    in_use: u32,
}

impl<V> Default for Arena<V> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            free: [NONE; CLASSES],
            len: 0,
            in_use: 0,
        }
    }
}

impl<V: Copy + Default> Arena<V> {
    /// Whether numbers run out.
    pub(super) fn is_full(&self) -> bool {
        self.len > LIMIT - 4 * CHUNK as u32
    }

    /// Whether most of it is unused.
    pub(super) fn is_sparse(&self) -> bool {
        self.len > 256 && self.in_use < self.len / 4
    }

    /// A block of blank slots.
    pub(super) fn take(&mut self, class: u8) -> u32 {
        self.in_use += 1 << class;
        let free = (class..CLASSES as u8).find(|class| self.free[usize::from(*class)] != NONE);
        let Some(mut found) = free else {
            return self.extend(class);
        };
        let at = self.free[usize::from(found)];
        self.unlink(at);
        while found > class {
            found -= 1;
            self.link(at + (1 << found), found);
        }
        self.blank(at, class);
        at
    }

    /// Takes a block back.
    pub(super) fn give_back(&mut self, mut at: u32, mut class: u8) {
        self.in_use -= 1 << class;
        while usize::from(class) < CLASSES - 1 {
            let other = at ^ (1 << class);
            if other + (1 << class) > self.len || !self.is_free(other, class) {
                break;
            }
            self.unlink(other);
            at = at.min(other);
            class += 1;
        }
        self.link(at, class);
    }

    /// Copies `len` slots from one block to another.
    pub(super) fn copy(&mut self, from: u32, to: u32, len: u32) {
        for offset in 0..len {
            self[to + offset] = self[from + offset];
        }
    }

    /// Moves what is from `rank` to `len` in a block one up.
    pub(super) fn shift_up(&mut self, base: u32, rank: u32, len: u32) {
        let block = self.block(base, len + 1);
        block.copy_within(rank as usize..len as usize, rank as usize + 1);
    }

    /// Moves what is behind `rank` one down.
    pub(super) fn shift_down(&mut self, base: u32, rank: u32, len: u32) {
        let block = self.block(base, len);
        block.copy_within(rank as usize + 1..len as usize, rank as usize);
    }

    #[cfg(test)]
    pub(super) fn allocated(&self) -> usize {
        let slots: usize = self.chunks.iter().map(Vec::capacity).sum();
        slots * size_of::<Slot<V>>() + self.chunks.capacity() * size_of::<Vec<Slot<V>>>()
    }

    fn block(&mut self, at: u32, len: u32) -> &mut [Slot<V>] {
        let from = at as usize % CHUNK;
        &mut self.chunks[(at >> CHUNK_BITS) as usize][from..from + len as usize]
    }

    /// A block behind all others.
    fn extend(&mut self, class: u8) -> u32 {
        while !self.len.is_multiple_of(1 << class) {
            // What is skipped is as long as its place allows.
            let skipped = self.len.trailing_zeros() as u8;
            let at = self.grow(skipped);
            self.in_use += 1 << skipped;
            self.give_back(at, skipped);
        }
        self.grow(class)
    }

    fn grow(&mut self, class: u8) -> u32 {
        let at = self.len;
        let more = 1 << class;
        if (at as usize).is_multiple_of(CHUNK) {
            self.chunks.push(Vec::new());
        }
        let first = self.chunks.len() == 1;
        if let Some(chunk) = self.chunks.last_mut() {
            if chunk.len() + more > chunk.capacity() {
                // A small tree takes little; else a chunk stays where it is.
                let most = CHUNK - chunk.len();
                let room = if first { chunk.len().max(more) } else { most };
                chunk.reserve_exact(room.min(most));
            }
            chunk.resize(chunk.len() + more, Slot::default());
        }
        self.len += more as u32;
        at
    }

    fn blank(&mut self, at: u32, class: u8) {
        self.block(at, 1 << class).fill(Slot::default());
    }

    fn is_free(&self, at: u32, class: u8) -> bool {
        let mark = self[at].label.as_free();
        mark.is_some_and(|(own, _)| own == class)
    }

    fn link(&mut self, at: u32, class: u8) {
        let first = self.free[usize::from(class)];
        let slot = &mut self[at];
        slot.label = Label::free(class, NONE);
        slot.link = Link::to_free(first);
        if first != NONE {
            self[first].label = Label::free(class, at);
        }
        self.free[usize::from(class)] = at;
    }

    fn unlink(&mut self, at: u32) {
        let Some((class, before)) = self[at].label.as_free() else {
            return;
        };
        let next = self[at].link.as_free();
        match before {
            NONE => self.free[usize::from(class)] = next,
            before => self[before].link = Link::to_free(next),
        }
        if next != NONE {
            self[next].label = Label::free(class, before);
        }
        self[at] = Slot::default();
    }
}

impl<V> Index<u32> for Arena<V> {
    type Output = Slot<V>;

    #[inline]
    fn index(&self, at: u32) -> &Slot<V> {
        &self.chunks[(at >> CHUNK_BITS) as usize][at as usize % CHUNK]
    }
}

impl<V> IndexMut<u32> for Arena<V> {
    #[inline]
    fn index_mut(&mut self, at: u32) -> &mut Slot<V> {
        &mut self.chunks[(at >> CHUNK_BITS) as usize][at as usize % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_are_apart_and_come_together_again(
            steps in prop::collection::vec((0..9u8, any::<prop::sample::Index>()), 1..400),
        ) {
            let mut arena = Arena::<u32>::default();
            let mut taken: Vec<(u32, u8)> = Vec::new();
            for (n, (class, index)) in steps.into_iter().enumerate() {
                if n % 3 == 2 && !taken.is_empty() {
                    let (at, class) = taken.swap_remove(index.index(taken.len()));
                    let block = arena.block(at, 1 << class);
                    prop_assert!(block.iter().all(|slot| slot.value == at + 1));
                    arena.give_back(at, class);
                } else {
                    let at = arena.take(class);
                    prop_assert_eq!(at % (1 << class), 0);
                    let block = arena.block(at, 1 << class);
                    prop_assert!(block.iter().all(|slot| slot.value == 0));
                    block.iter_mut().for_each(|slot| slot.value = at + 1);
                    taken.push((at, class));
                }
                let in_use: u32 = taken.iter().map(|(_, class)| 1 << class).sum();
                prop_assert_eq!(arena.in_use, in_use);
            }
            for (at, class) in taken {
                arena.give_back(at, class);
            }
            let (len, largest) = (arena.len, (CLASSES - 1) as u8);
            for _ in 0..len >> largest {
                arena.take(largest);
            }
            prop_assert_eq!(arena.len, len);
        }
    }
}
