//! Blocks of memory for payloads too long to live in the message and too
//! short to be worth the system allocator's time.
//!
//! A message is mostly made by one thread and dropped by another, the worst
//! case for a general allocator. Here each thread keeps what it frees in
//! magazines, and full ones change hands through a depot, so that the cost of
//! crossing threads is paid once for dozens of blocks.
//!
//! C programs are given blocks of any length to fill. Those too long for a
//! class come from the system and go back to it. No block has bytes in it that
//! were never written, as C may leave some out.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering, fence};

use crate::sync::Mutex;

/// The shortest class holds this much payload, each next one twice the power
/// of two in it.
const SMALLEST: usize = 64;
const CLASSES: usize = 13;

/// The longest payload that fits into a block of a class: 256 KiB.
pub(crate) const LONGEST: usize = SMALLEST << (CLASSES - 1);

/// Blocks in one magazine of the shortest class, and bytes in one of a longer.
const MAGAZINE_BLOCKS: usize = 64;
const MAGAZINE_BYTES: usize = 128 * 1024;
/// What the depot keeps of each class, bytes.
const DEPOT_BYTES: usize = 4 * 1024 * 1024;

/// The class of blocks that are too long for one.
const NO_CLASS: u32 = u32::MAX;

/// References to one block; further ones are to a copy. The rest of the count
/// is for threads that have added theirs and not yet taken it back.
const MOST_REFERENCES: u32 = u32::MAX / 2;

/// A reference-counted payload, unchanging once it is filled.
pub(super) struct Block {
    header: NonNull<Header>,
}

#[repr(C, align(16))]
struct Header {
    references: AtomicU32,
    class: u32,
    len: usize,
}

// SAFETY: a block is a count that changes atomically and bytes that nobody
// writes to while they are shared.
unsafe impl Send for Block {}
// SAFETY: as for Send.
unsafe impl Sync for Block {}

impl Block {
    /// Copies `payload`, which is at most [`LONGEST`] bytes.
    #[inline]
    pub(super) fn copy_from(payload: &[u8]) -> Self {
        debug_assert!(payload.len() <= LONGEST);
        let class = class_of(payload.len());
        let header = take(class);
        // SAFETY: `take` gives a block of this class that nobody else has. It
        // has room for the header and `capacity(class)` bytes behind it, which
        // is no less than the payload's length.
        unsafe {
            header.write(Header {
                references: AtomicU32::new(1),
                class: class as u32,
                len: payload.len(),
            });
            ptr::copy_nonoverlapping(payload.as_ptr(), bytes_of(header), payload.len());
        }
        Self { header }
    }

    /// A block of `len` bytes to be filled through [`Block::data`], or `None`
    /// if there is no memory for it.
    pub(super) fn with_len(len: usize) -> Option<Self> {
        let (header, class) = if len <= LONGEST {
            let class = class_of(len);
            (take(class), class as u32)
        } else {
            let layout = long_layout(len)?;
            // SAFETY: the layout is not of size zero.
            let memory = unsafe { alloc_zeroed(layout) };
            (NonNull::new(memory.cast())?, NO_CLASS)
        };
        // SAFETY: nobody else has the block yet, and it has room for a header.
        unsafe {
            header.write(Header {
                references: AtomicU32::new(1),
                class,
                len,
            });
        }
        Some(Self { header })
    }

    /// Where the payload is. Whoever writes there has to see to it that nobody
    /// reads it at the same time.
    pub(super) fn data(&self) -> *mut u8 {
        bytes_of(self.header)
    }

    /// The payload, if there are no other references to it.
    pub(super) fn unique(&mut self) -> Option<&mut [u8]> {
        if self.is_shared() {
            return None;
        }
        // SAFETY: `len` bytes behind the header were written when the block was filled or
        // its memory first allocated, and only who is here refers to them.
        Some(unsafe { std::slice::from_raw_parts_mut(self.data(), self.len()) })
    }

    /// Has the processor bring its beginning near, from whoever wrote it.
    #[inline]
    pub(super) fn prefetch(&self) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let first = self.header.as_ptr().cast::<i8>();
            // SAFETY: what is prefetched may be anywhere; a block is longer than
            // 64 bytes.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(first);
                _mm_prefetch::<_MM_HINT_T0>(first.add(64));
            }
        }
    }

    /// Whether there are other references to it.
    pub(super) fn is_shared(&self) -> bool {
        self.header().references.load(Ordering::Acquire) > 1
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: the block lives, with its header written, for as long as
        // this reference to it is counted.
        unsafe { self.header.as_ref() }
    }
}

impl Deref for Block {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `len` bytes behind the header were written when the block
        // was filled, and nobody writes to them while it is referenced.
        unsafe { std::slice::from_raw_parts(bytes_of(self.header), self.header().len) }
    }
}

impl Block {
    #[cold]
    fn copy(&self) -> Self {
        if self.len() <= LONGEST {
            return Self::copy_from(self);
        }
        let Some(copy) = Self::with_len(self.len()) else {
            handle_alloc_error(layout(CLASSES - 1))
        };
        // SAFETY: the copy is as long, and nobody else has it yet.
        unsafe { ptr::copy_nonoverlapping(self.as_ptr(), copy.data(), self.len()) };
        copy
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Clone for Block {
    #[inline]
    fn clone(&self) -> Self {
        // Whoever clones has a reference, so the count cannot reach zero
        // meanwhile. References that were forgotten could make it wrap.
        let references = &self.header().references;
        if references.fetch_add(1, Ordering::Relaxed) >= MOST_REFERENCES {
            references.fetch_sub(1, Ordering::Relaxed);
            return self.copy();
        }
        Self {
            header: self.header,
        }
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        let references = &self.header().references;
        // The only reference needs no read-modify-write: nobody can add one.
        if references.load(Ordering::Acquire) != 1 {
            if references.fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
            fence(Ordering::Acquire);
        }
        let class = self.header().class;
        if class == NO_CLASS {
            return free_long(self.header, self.header().len);
        }
        give(class as usize, self.header);
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} bytes)", self.len())
    }
}

/// A free block: its memory, and that it is nobody's.
struct Free(NonNull<Header>);

// SAFETY: a free block is memory that nobody refers to.
unsafe impl Send for Free {}

type Magazine = Vec<Free>;

/// What one thread has at hand, for each class.
struct Cache([Pair; CLASSES]);

struct Pair {
    loaded: Magazine,
    spare: Magazine,
}

static DEPOT: [Mutex<Vec<Magazine>>; CLASSES] = [const { Mutex::new(Vec::new()) }; CLASSES];

thread_local! {
    static CACHE: RefCell<Cache> = const {
        RefCell::new(Cache(
            [const { Pair { loaded: Vec::new(), spare: Vec::new() } }; CLASSES],
        ))
    };
}

/// A block of `class` that nobody else has.
#[inline]
fn take(class: usize) -> NonNull<Header> {
    // Fails in a thread that is ending, which must not stop it from sending.
    let taken = CACHE.try_with(|cache| {
        let mut cache = cache.try_borrow_mut().ok()?;
        let pair = &mut cache.0[class];
        match pair.loaded.pop() {
            Some(block) => Some(block),
            None => pair.reload(class),
        }
    });
    match taken {
        Ok(Some(Free(block))) => block,
        _ => allocate(class),
    }
}

/// Puts back a block whose last reference is gone.
#[inline]
fn give(class: usize, block: NonNull<Header>) {
    let mut block = Some(Free(block));
    let _ = CACHE.try_with(|cache| {
        if let Ok(mut cache) = cache.try_borrow_mut() {
            let pair = &mut cache.0[class];
            if pair.loaded.len() >= magazine_len(class) {
                pair.unload(class);
            }
            pair.loaded.extend(block.take());
        }
    });
    if let Some(Free(block)) = block {
        free(class, block);
    }
}

impl Pair {
    #[cold]
    fn reload(&mut self, class: usize) -> Option<Free> {
        if self.spare.is_empty() {
            // A lock that is taken may be so for ever, after a fork.
            let full = DEPOT[class].try_lock().and_then(|mut depot| depot.pop());
            self.spare = full?;
        }
        std::mem::swap(&mut self.loaded, &mut self.spare);
        self.loaded.pop()
    }

    #[cold]
    fn unload(&mut self, class: usize) {
        std::mem::swap(&mut self.loaded, &mut self.spare);
        if self.loaded.is_empty() {
            self.loaded.reserve_exact(magazine_len(class));
            return;
        }
        let full = std::mem::take(&mut self.loaded);
        release(class, full);
        self.loaded.reserve_exact(magazine_len(class));
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        for (class, pair) in self.0.iter_mut().enumerate() {
            for magazine in [&mut pair.loaded, &mut pair.spare] {
                let magazine = std::mem::take(magazine);
                if !magazine.is_empty() {
                    release(class, magazine);
                }
            }
        }
    }
}

/// Hands a magazine to whoever needs one next, or frees it if there are many.
fn release(class: usize, magazine: Magazine) {
    let most = DEPOT_BYTES / (magazine_len(class) * layout(class).size());
    let surplus = match DEPOT[class].try_lock() {
        Some(mut depot) if depot.len() < most => {
            depot.push(magazine);
            return;
        }
        _ => magazine,
    };
    for Free(block) in surplus {
        free(class, block);
    }
}

#[cold]
fn allocate(class: usize) -> NonNull<Header> {
    let layout = layout(class);
    // SAFETY: the layout is not of size zero.
    let memory = unsafe { alloc_zeroed(layout) };
    NonNull::new(memory.cast()).unwrap_or_else(|| handle_alloc_error(layout))
}

#[cold]
fn free(class: usize, block: NonNull<Header>) {
    // SAFETY: every block comes from `allocate` with the layout of its class,
    // and this one has no references left.
    unsafe { dealloc(block.as_ptr().cast(), layout(class)) }
}

#[cold]
fn free_long(block: NonNull<Header>, len: usize) {
    let layout = long_layout(len).expect("there was one when it was allocated");
    // SAFETY: it was allocated with this layout and has no references left.
    unsafe { dealloc(block.as_ptr().cast(), layout) }
}

/// Of a block with `len` bytes that has no class, if there can be one.
fn long_layout(len: usize) -> Option<Layout> {
    let size = len.checked_add(size_of::<Header>())?;
    Layout::from_size_align(size, align_of::<Header>()).ok()
}

/// Where a block's payload begins.
#[inline]
fn bytes_of(header: NonNull<Header>) -> *mut u8 {
    // SAFETY: a block is longer than its header.
    unsafe { header.as_ptr().add(1).cast() }
}

#[inline]
fn class_of(len: usize) -> usize {
    let steps = len.saturating_sub(1) / SMALLEST;
    (usize::BITS - steps.leading_zeros()) as usize
}

const fn capacity(class: usize) -> usize {
    SMALLEST << class
}

#[inline]
fn layout(class: usize) -> Layout {
    let size = size_of::<Header>() + capacity(class);
    Layout::from_size_align(size, align_of::<Header>())
        .expect("no class comes near the largest size there is")
}

#[inline]
fn magazine_len(class: usize) -> usize {
    (MAGAZINE_BYTES / capacity(class)).clamp(2, MAGAZINE_BLOCKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_fits_its_class() {
        for len in (0..=LONGEST).step_by(if cfg!(miri) { 63 } else { 1 }) {
            let class = class_of(len);
            assert!(class < CLASSES, "{len}");
            assert!(len <= capacity(class), "{len}");
            assert!(class == 0 || len > capacity(class - 1), "{len}");
        }
    }

    #[test]
    fn holds_what_it_was_given() {
        for len in [0, 1, 63, 64, 65, 1000, LONGEST] {
            let payload: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let block = Block::copy_from(&payload);
            let copy = block.clone();
            drop(block);
            assert_eq!(&copy[..], &payload[..]);
        }
    }

    #[test]
    fn is_filled_after_it_was_made() {
        for len in [0, 1, 40, LONGEST, LONGEST + 1, 3_000_000] {
            let block = Block::with_len(len).expect("there is memory for it");
            assert_eq!(block.len(), len);
            // SAFETY: the block is so long, and nobody else has it.
            unsafe { ptr::write_bytes(block.data(), 9, len) };
            assert!(!block.is_shared());
            let mut copy = block.clone();
            assert!(block.is_shared());
            assert!(copy.unique().is_none());
            drop(block);
            assert_eq!(copy.unique().map(|bytes| bytes.len()), Some(len));
            assert!(copy.iter().all(|&byte| byte == 9));
        }
        assert!(Block::with_len(usize::MAX).is_none());
        assert!(Block::with_len(isize::MAX as usize - 64).is_none());
    }

    #[test]
    fn too_many_references_are_to_a_copy() {
        let block = Block::copy_from(&[7; 500]);
        // As if so many clones had been forgotten.
        block
            .header()
            .references
            .store(MOST_REFERENCES, Ordering::Relaxed);
        let copy = block.clone();
        assert_ne!(copy.header, block.header);
        assert_eq!(&copy[..], &block[..]);
        let count = block.header().references.load(Ordering::Relaxed);
        assert_eq!(count, MOST_REFERENCES);
        block.header().references.store(1, Ordering::Relaxed);
    }

    #[test]
    fn blocks_freed_elsewhere_are_used_again() {
        let (tx, rx) = std::sync::mpsc::sync_channel::<Block>(256);
        let reader = std::thread::spawn(move || {
            let mut sum = 0u64;
            for block in rx {
                assert!(block.iter().all(|&byte| byte == block[0]));
                sum += u64::from(block[0]);
            }
            sum
        });
        let mut expected = 0;
        // Miri takes a thousand times as long.
        for n in 0..if cfg!(miri) { 300 } else { 20_000u32 } {
            let byte = n as u8;
            expected += u64::from(byte);
            let payload = vec![byte; 1 + (n as usize * 37) % 3000];
            tx.send(Block::copy_from(&payload))
                .expect("the reader reads on");
        }
        drop(tx);
        assert_eq!(reader.join().expect("the reader does not panic"), expected);
    }

    #[test]
    fn shared_by_threads_and_dropped_once() {
        let block = Block::copy_from(&[7; 500]);
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let block = block.clone();
                std::thread::spawn(move || {
                    for _ in 0..1000 {
                        assert_eq!(block.clone()[499], 7);
                    }
                })
            })
            .collect();
        drop(block);
        for thread in threads {
            thread.join().expect("no reader panics");
        }
    }
}
