//! A short payload, kept inside the message.

/// Payloads up to this many bytes live inside the [`Message`](super::Message)
/// itself.
pub const INLINE_CAPACITY: usize = 39;

const WORDS: usize = (INLINE_CAPACITY + 1) / 8;

/// Words, the last byte of which is the length. As bytes, which would be copied
/// at odd offsets, each copy would wait for the stores of the one before.
#[derive(Clone, Copy)]
pub(super) struct Inline([u64; WORDS]);

impl Inline {
    /// So many zeros, of which there may be [`INLINE_CAPACITY`].
    #[inline]
    pub(super) const fn zeroed(len: usize) -> Self {
        let mut last = [0; 8];
        last[7] = len as u8;
        let mut words = [0; WORDS];
        words[WORDS - 1] = u64::from_ne_bytes(last);
        Self(words)
    }

    #[inline]
    fn len(&self) -> usize {
        let [.., len] = self.0[WORDS - 1].to_ne_bytes();
        usize::from(len).min(INLINE_CAPACITY)
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        let start = self.0.as_ptr().cast();
        // SAFETY: the words are as many bytes and one more, and any bytes are
        // what they seem.
        unsafe { std::slice::from_raw_parts(start, self.len()) }
    }

    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        let len = self.len();
        let start = self.0.as_mut_ptr().cast();
        // SAFETY: as for `bytes`.
        unsafe { std::slice::from_raw_parts_mut(start, len) }
    }

    /// Where the payload is. To be written to only as far as it is long.
    #[inline]
    pub(super) fn data(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}
