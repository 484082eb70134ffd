//! From a node of the tree to the ones below.

use super::label::{KEYS, Label};

/// The children of a node, by the bytes that lead to them: a bit for each byte, and slots
/// next to each other in the order of the bytes. So which one it is comes from counting
/// bits, with nothing to search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branch {
    present: [u64; 4],
    /// The first child's slot.
    pub(super) base: u32,
    /// How many children there are before each word of `present` but the first.
    before: [u8; 3],
    /// There are slots for two to the power of this.
    pub(super) class: u8,
}

impl Branch {
    const BLANK: Self = Self {
        present: [0; 4],
        base: 0,
        before: [0; 3],
        class: 0,
    };

    /// One child.
    pub(super) fn with(byte: u8, base: u32) -> Self {
        let mut branch = Self {
            base,
            ..Self::BLANK
        };
        branch.insert(byte);
        branch
    }

    /// The child's slot.
    #[inline]
    pub(super) fn find(&self, byte: u8) -> Option<u32> {
        let word = usize::from(byte >> 6);
        let present = self.present[word] >> (byte & 63);
        (present & 1 != 0).then(|| self.base + self.rank(byte))
    }

    /// How many children have a lower byte.
    #[inline]
    pub(super) fn rank(&self, byte: u8) -> u32 {
        let word = usize::from(byte >> 6);
        let lower = self.present[word] & ((1 << (byte & 63)) - 1);
        self.before(word) + lower.count_ones()
    }

    pub(super) fn len(&self) -> u32 {
        self.before(3) + self.present[3].count_ones()
    }

    pub(super) fn capacity(&self) -> u32 {
        1 << self.class
    }

    /// The first byte from `from` on that leads to a child.
    pub(super) fn first_from(&self, from: u16) -> Option<u8> {
        let mut word = usize::from(from >> 6);
        let mut mask = u64::MAX << (from & 63);
        while word < self.present.len() {
            let left = self.present[word] & mask;
            if left != 0 {
                return Some((word as u32 * 64 + left.trailing_zeros()) as u8);
            }
            mask = u64::MAX;
            word += 1;
        }
        None
    }

    /// Adds a byte that is new.
    pub(super) fn insert(&mut self, byte: u8) {
        let word = usize::from(byte >> 6);
        self.present[word] |= 1 << (byte & 63);
        self.before[word..].iter_mut().for_each(|count| *count += 1);
    }

    /// Takes a byte away that is there.
    pub(super) fn remove(&mut self, byte: u8) {
        let word = usize::from(byte >> 6);
        self.present[word] &= !(1 << (byte & 63));
        self.before[word..].iter_mut().for_each(|count| *count -= 1);
    }

    #[inline]
    fn before(&self, word: usize) -> u32 {
        match word {
            0 => 0,
            word => self.before[word - 1].into(),
        }
    }
}

/// How a slot leads to its children: a few bytes are with its label, and this is the first
/// child's slot with their number; or it is the number of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(u32);

const COUNT_SHIFT: u32 = 29;
/// What a link has to say of a slot or a branch is less than this.
pub(super) const LIMIT: u32 = 1 << COUNT_SHIFT;
const MANY: u32 = 0;
const NOTHING: u32 = 7;
/// A node that had more children has a branch until there are so few.
const FEW_AGAIN: u32 = 2;

impl Default for Link {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl Link {
    pub(super) fn is_none(self) -> bool {
        self.count() == NOTHING
    }

    /// Whether `len` children, less than now, have their bytes in place.
    pub(super) fn is_few_for(self, len: u32) -> bool {
        self.count() != MANY || len <= FEW_AGAIN
    }

    /// Any number, as long as the slot is not in use.
    pub(super) fn to_free(at: u32) -> Self {
        Self(at)
    }

    pub(super) fn as_free(self) -> u32 {
        self.0
    }

    fn count(self) -> u32 {
        self.0 >> COUNT_SHIFT
    }

    fn number(self) -> u32 {
        self.0 & (LIMIT - 1)
    }
}

/// All branches of a tree, by number.
#[derive(Default)]
pub(super) struct Branches {
    all: Vec<Branch>,
    /// Those that are not in use.
    free: Vec<u32>,
}

impl Branches {
    /// The child that `byte` leads to.
    #[inline]
    pub(super) fn find(&self, link: Link, label: &Label, byte: u8) -> Option<u32> {
        match link.count() {
            MANY => self.all[link.number() as usize].find(byte),
            NOTHING => None,
            count => {
                let keys = label.keys().into_iter().take(count as usize);
                let rank = keys.zip(0..).find(|(key, _)| *key == byte)?.1;
                Some(link.number() + rank)
            }
        }
    }

    /// The children of a slot.
    pub(super) fn load(&self, link: Link, label: &Label) -> Option<Branch> {
        match link.count() {
            MANY => Some(self.all[link.number() as usize]),
            NOTHING => None,
            count => {
                let [first, ..] = label.keys();
                let mut branch = Branch::with(first, link.number());
                let others = label.keys().into_iter().take(count as usize).skip(1);
                others.for_each(|key| branch.insert(key));
                branch.class = class_of(count);
                Some(branch)
            }
        }
    }

    /// Gives a slot these children; returns the link to them. A few have just the slots
    /// they need.
    pub(super) fn store(&mut self, old: Link, label: &mut Label, new: Option<Branch>) -> Link {
        let is_many = old.count() == MANY;
        let few = new.filter(|new| match is_many {
            true => old.is_few_for(new.len()),
            false => new.len() <= KEYS as u32,
        });
        let Some(branch) = new.filter(|_| few.is_none()) else {
            if is_many {
                self.free.push(old.number());
            }
            let Some(few) = few else {
                return Link::default();
            };
            debug_assert_eq!(few.class, class_of(few.len()));
            let mut keys = [0; KEYS];
            let mut from = 0;
            for key in &mut keys {
                let Some(byte) = few.first_from(from) else {
                    break;
                };
                *key = byte;
                from = u16::from(byte) + 1;
            }
            label.set_keys(keys);
            return Link(few.base | few.len() << COUNT_SHIFT);
        };
        let number = match is_many {
            true => old.number(),
            false => self.number(),
        };
        self.all[number as usize] = branch;
        Link(number)
    }

    /// That of a branch that is not in use.
    fn number(&mut self) -> u32 {
        if let Some(number) = self.free.pop() {
            return number;
        }
        if self.all.len() == self.all.capacity() {
            // Doubling would leave half of a large tree's memory unused.
            self.all.reserve_exact(self.all.len() / 8 + 4);
        }
        self.all.push(Branch::BLANK);
        (self.all.len() - 1) as u32
    }

    #[cfg(test)]
    pub(super) fn allocated(&self) -> usize {
        super::malloced(self.all.capacity() * size_of::<Branch>())
            + super::malloced(self.free.capacity() * size_of::<u32>())
    }
}

/// The block that `len` slots fit in, two to the power of which it has.
pub(super) fn class_of(len: u32) -> u8 {
    len.next_power_of_two().trailing_zeros() as u8
}

const _: () = assert!(size_of::<Branch>() == 40);
