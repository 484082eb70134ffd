//! The bytes on an edge of the tree.

/// A run of topic bytes, in place if it is short.
pub(super) enum Label {
    Inline { len: u8, bytes: [u8; INLINE_LABEL] },
    Heap(Box<[u8]>),
}

const INLINE_LABEL: usize = 22;

impl Label {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self::joined(bytes, &[])
    }

    pub(super) fn joined(head: &[u8], tail: &[u8]) -> Self {
        let len = head.len() + tail.len();
        if len <= INLINE_LABEL {
            let mut bytes = [0; INLINE_LABEL];
            bytes[..head.len()].copy_from_slice(head);
            bytes[head.len()..len].copy_from_slice(tail);
            return Self::Inline {
                len: len as u8,
                bytes,
            };
        }
        Self::Heap([head, tail].concat().into())
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Self::Heap(bytes) => bytes,
        }
    }

    #[cfg(test)]
    pub(super) fn allocated(&self) -> usize {
        match self {
            Self::Inline { .. } => 0,
            Self::Heap(bytes) => super::malloced(bytes.len()),
        }
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

const _: () = assert!(size_of::<Label>() <= 24);
