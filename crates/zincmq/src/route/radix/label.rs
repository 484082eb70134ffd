//! The bytes on an edge of the tree.

use slab::Slab;

/// Bytes that are in a slot's label but the first.
const INLINE: usize = 23;
/// The last of them lead to children, where there are a few.
pub(super) const KEYS: usize = 4;
const LONG: u8 = INLINE as u8 + 1;
const FREE: u8 = LONG + 1;

/// A run of topic bytes: in place if it is short, else the number of a long one.
#[derive(Clone, Copy, Default)]
pub(super) struct Label {
    kind: u8,
    bytes: [u8; INLINE],
}

impl Label {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.kind == 0
    }

    pub(super) fn keys(&self) -> [u8; KEYS] {
        let [.., a, b, c, d] = self.bytes;
        [a, b, c, d]
    }

    /// Not on a label that has its own bytes there.
    pub(super) fn set_keys(&mut self, keys: [u8; KEYS]) {
        debug_assert!(usize::from(self.kind) <= INLINE - KEYS || self.kind == LONG);
        self.bytes[INLINE - KEYS..].copy_from_slice(&keys);
    }

    /// The bytes, if they are here.
    fn in_place(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.kind)).unwrap_or(&[])
    }

    /// Marks a slot that is not in use, with what its owner has to know.
    pub(super) fn free(class: u8, before: u32) -> Self {
        let mut bytes = [0; INLINE];
        bytes[0] = class;
        bytes[1..5].copy_from_slice(&before.to_ne_bytes());
        Self { kind: FREE, bytes }
    }

    pub(super) fn as_free(&self) -> Option<(u8, u32)> {
        let [class, a, b, c, d, ..] = self.bytes;
        (self.kind == FREE).then(|| (class, u32::from_ne_bytes([a, b, c, d])))
    }

    fn long(number: usize) -> Self {
        let mut bytes = [0; INLINE];
        bytes[..4].copy_from_slice(&(number as u32).to_ne_bytes());
        Self { kind: LONG, bytes }
    }

    fn as_long(&self) -> Option<usize> {
        let [a, b, c, d, ..] = self.bytes;
        (self.kind == LONG).then(|| u32::from_ne_bytes([a, b, c, d]) as usize)
    }
}

/// The long ones.
#[derive(Default)]
pub(super) struct Labels(Slab<Box<[u8]>>);

impl Labels {
    #[inline]
    pub(super) fn bytes<'a>(&'a self, label: &'a Label) -> &'a [u8] {
        match label.bytes.get(..usize::from(label.kind)) {
            Some(bytes) => bytes,
            None => self.long(label),
        }
    }

    #[cold]
    fn long(&self, label: &Label) -> &[u8] {
        label
            .as_long()
            .and_then(|number| self.0.get(number))
            .map_or(&[], |bytes| bytes)
    }

    /// A label for a leaf.
    pub(super) fn make(&mut self, bytes: &[u8]) -> Label {
        self.concat(&[bytes], None)
    }

    /// Two labels for the bytes before `at`, and for those behind the one there, which
    /// keeps what leads to children if it has any.
    pub(super) fn split(&mut self, label: Label, at: usize, is_leaf: bool) -> [Label; 2] {
        let long = self.drop(label);
        let bytes = long.as_deref().unwrap_or(label.in_place());
        let (head, tail) = (&bytes[..at], &bytes[at + 1..]);
        let keys = (!is_leaf).then_some(label);
        [self.concat(&[head], None), self.concat(&[tail], keys)]
    }

    /// One label for those of `upper` and `lower` with `byte` between them, with what
    /// leads to the children of `lower` if it has any.
    pub(super) fn join(&mut self, upper: Label, byte: u8, lower: Label, is_leaf: bool) -> Label {
        let long = [self.drop(upper), self.drop(lower)];
        let above = long[0].as_deref().unwrap_or(upper.in_place());
        let below = long[1].as_deref().unwrap_or(lower.in_place());
        let keys = (!is_leaf).then_some(lower);
        self.concat(&[above, &[byte], below], keys)
    }

    /// Sees to it that a label has room for what leads to children.
    pub(super) fn make_room(&mut self, label: &mut Label) {
        let len = label.in_place().len();
        if len > INLINE - KEYS {
            *label = Label::long(self.0.insert(label.in_place().into()));
        }
    }

    /// A label of all `parts` together, with the keys of another.
    fn concat(&mut self, parts: &[&[u8]], keys: Option<Label>) -> Label {
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        let most = match keys {
            Some(_) => INLINE - KEYS,
            None => INLINE,
        };
        let mut label = if len > most {
            Label::long(self.0.insert(parts.concat().into()))
        } else {
            let mut label = Label {
                kind: len as u8,
                bytes: [0; INLINE],
            };
            let mut at = 0;
            for part in parts {
                label.bytes[at..at + part.len()].copy_from_slice(part);
                at += part.len();
            }
            label
        };
        if let Some(keys) = keys {
            label.set_keys(keys.keys());
        }
        label
    }

    /// Lets go of a label; returns its bytes if they were not in place.
    pub(super) fn drop(&mut self, label: Label) -> Option<Box<[u8]>> {
        self.0.try_remove(label.as_long()?)
    }

    /// Takes over a label that was made elsewhere.
    pub(super) fn adopt(&mut self, label: Label, from: &mut Self) -> Label {
        match from.drop(label) {
            Some(bytes) => Label::long(self.0.insert(bytes)),
            None => label,
        }
    }

    #[cfg(test)]
    pub(super) fn allocated(&self) -> usize {
        let table = self.0.capacity() * size_of::<Option<(usize, Box<[u8]>)>>();
        let all = self.0.iter();
        table
            + all
                .map(|(_, bytes)| super::malloced(bytes.len()))
                .sum::<usize>()
    }
}

/// How many bytes `a` and `b` begin with in common.
pub(super) fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    // Whole blocks first: comparing those is one fast call each.
    const BLOCK: usize = 64;
    let blocks = a
        .chunks_exact(BLOCK)
        .zip(b.chunks_exact(BLOCK))
        .take_while(|(a, b)| a == b)
        .count();
    let at = blocks * BLOCK;
    at + a[at..]
        .iter()
        .zip(&b[at..])
        .take_while(|(a, b)| a == b)
        .count()
}

const _: () = assert!(size_of::<Label>() == 24);
