//! Blocks of memory for payloads too long to live in the message and too
//! short to be worth the system allocator's time.
//!
//! A message is mostly made by one thread and dropped by another, the worst
//! case for a general allocator. Here each thread keeps what it frees in
//! magazines, and full ones change hands through a depot, so that the cost of
//! crossing threads is paid once for dozens of blocks.
//!
//! Programs are given blocks of any length to fill. Those too long for a class
//! come from the system and go back to it. No block has bytes in it that were
//! never written, as C may leave some out.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

use crate::sync::Mutex;

/// The shortest class holds this much payload, each next one twice the power
/// of two in it.
const SMALLEST: usize = 64;
const CLASSES: usize = 13;

/// The longest payload that fits into a block of a class: 256 KiB.
pub(crate) const LONGEST: usize = SMALLEST << (CLASSES - 1);

/// Blocks from this capacity on are mapped, where the system clears what of them
/// is used. The heap clears all of it where it had been in use before.
const MAPPED: usize = 128 * 1024;

/// Bytes in one magazine, and how many blocks that makes at least and at most.
const MAGAZINE_BYTES: usize = 128 * 1024;
const MAGAZINE_BLOCKS: (usize, usize) = (4, 64);
/// What the depot keeps of each class, bytes.
const DEPOT_BYTES: usize = 4 * 1024 * 1024;
/// What it keeps beyond that, of all classes together. Long queues that fill and
/// empty would have the system find, and clear, their memory each time.
const SURPLUS_BYTES: usize = 64 * 1024 * 1024;

/// The references to a block when it is filled. Who has it holds all of them, and
/// can hand them out without a look at the block.
const ALL: u32 = 1 << 20;
/// References to one block; further ones are to a copy. The rest of the count
/// is for threads that have added theirs and not yet taken it back.
const MOST_REFERENCES: u32 = u32::MAX / 2;

/// A reference-counted payload, unchanging once it is filled.
///
/// Who makes, moves or measures it does not look at its memory, which may be in
/// another processor's cache, and only who shares it writes to its header.
pub(super) struct Block {
    header: NonNull<Header>,
    len: usize,
    /// How many of the references are this one's.
    held: u32,
}

#[repr(C, align(16))]
struct Header {
    /// How many references there are beyond [`ALL`], modulo 2^32: 0 in fresh
    /// memory, and again whenever the block is free.
    beyond: AtomicU32,
    /// It is of a class that is mapped, and was not.
    on_heap: bool,
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
        let block = Self::new(take(class_of(payload.len())), payload.len());
        // SAFETY: `take` gives a block of this class that nobody else has. It
        // has room for `capacity(class)` bytes, which is no less than the
        // payload's length.
        unsafe { ptr::copy_nonoverlapping(payload.as_ptr(), block.data(), payload.len()) };
        block
    }

    /// A block of `len` bytes to be filled through [`Block::data`], or `None`
    /// if there is no memory for it.
    #[inline]
    pub(super) fn with_len(len: usize) -> Option<Self> {
        let header = if len <= LONGEST {
            take(class_of(len))
        } else {
            allocate_long(len)?
        };
        Some(Self::new(header, len))
    }

    /// The only one to refer to the `len` bytes behind `header`.
    #[inline]
    fn new(header: NonNull<Header>, len: usize) -> Self {
        Self {
            header,
            len,
            held: ALL,
        }
    }

    /// Where the payload is. Whoever writes there has to see to it that nobody
    /// reads it at the same time.
    #[inline]
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
        Some(unsafe { std::slice::from_raw_parts_mut(self.data(), self.len) })
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
        self.header().beyond.load(Ordering::Acquire) != beyond(self.held)
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
        unsafe { std::slice::from_raw_parts(self.data(), self.len) }
    }
}

impl Block {
    #[cold]
    fn copy(&self) -> Self {
        if self.len <= LONGEST {
            return Self::copy_from(self);
        }
        let Some(copy) = Self::with_len(self.len) else {
            handle_alloc_error(layout(CLASSES - 1))
        };
        // SAFETY: the copy is as long, and nobody else has it yet.
        unsafe { ptr::copy_nonoverlapping(self.as_ptr(), copy.data(), self.len) };
        copy
    }

    /// As a clone, mostly without a read-modify-write.
    #[inline]
    pub(super) fn share(&mut self) -> Self {
        if self.held == 1 {
            return self.clone();
        }
        self.held -= 1;
        Self {
            header: self.header,
            len: self.len,
            held: 1,
        }
    }

    /// Gives up the references; true if there are no others.
    #[inline]
    fn give_up(&self) -> bool {
        let count = &self.header().beyond;
        // The last needs no read-modify-write, as nobody can add one. Who holds
        // many was the first, and mostly is alone or is so again; of others it is
        // not worth a look.
        if self.held == 1 || count.load(Ordering::Acquire) != beyond(self.held) {
            if count.fetch_sub(self.held, Ordering::Release) != beyond(self.held) {
                return false;
            }
            fence(Ordering::Acquire);
            count.store(0, Ordering::Relaxed);
        } else if self.held != ALL {
            count.store(0, Ordering::Relaxed);
        }
        true
    }
}

/// A count of so many references, as a header has it.
#[inline]
fn beyond(references: u32) -> u32 {
    references.wrapping_sub(ALL)
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
        let count = &self.header().beyond;
        let there_were = count.fetch_add(1, Ordering::Relaxed).wrapping_add(ALL);
        if there_were >= MOST_REFERENCES {
            count.fetch_sub(1, Ordering::Relaxed);
            return self.copy();
        }
        Self {
            header: self.header,
            len: self.len,
            held: 1,
        }
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        if !self.give_up() {
            return;
        }
        if self.len <= LONGEST {
            give(class_of(self.len), self.header);
        } else {
            free_long(self.header, self.len);
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} bytes)", self.len)
    }
}

/// A free block: its memory, and that it is nobody's.
struct Free(NonNull<Header>);

// SAFETY: a free block is memory that nobody refers to.
unsafe impl Send for Free {}

/// Blocks that change hands together.
type Magazine = Vec<Free>;

/// What one thread has at hand, for each class.
struct Cache([Pair; CLASSES]);

struct Pair {
    loaded: Magazine,
    spare: Magazine,
}

/// Magazines that no thread has.
struct Depot {
    full: Vec<Magazine>,
    empty: Vec<Magazine>,
}

static DEPOTS: [Mutex<Depot>; CLASSES] = [const {
    Mutex::new(Depot {
        full: Vec::new(),
        empty: Vec::new(),
    })
}; CLASSES];

/// Bytes of what the depot has too much of some classes.
static SURPLUS: AtomicUsize = AtomicUsize::new(0);

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
            if pair.loaded.len() == pair.loaded.capacity() {
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
    /// Changes the empty loaded magazine for a full one.
    #[cold]
    fn reload(&mut self, class: usize) -> Option<Free> {
        if self.spare.is_empty() {
            // A lock that is taken may be so for ever, after a fork.
            let mut depot = DEPOTS[class].try_lock()?;
            let full = depot.full.pop()?;
            if depot.full.len() >= depot_len(class) {
                SURPLUS.fetch_sub(magazine_bytes(class), Ordering::Relaxed);
            }
            depot.keep_empty(std::mem::replace(&mut self.spare, full));
        }
        std::mem::swap(&mut self.loaded, &mut self.spare);
        self.loaded.pop()
    }

    /// Changes the full loaded magazine for one with room.
    #[cold]
    fn unload(&mut self, class: usize) {
        std::mem::swap(&mut self.loaded, &mut self.spare);
        if !self.loaded.is_empty() {
            let full = std::mem::take(&mut self.loaded);
            self.loaded = release(class, full);
        }
        let missing = magazine_len(class).saturating_sub(self.loaded.capacity());
        self.loaded.reserve_exact(missing);
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

impl Depot {
    fn keep_empty(&mut self, magazine: Magazine) {
        // A moment ago there was one that was full.
        if magazine.capacity() > 0 && self.empty.len() <= self.full.len() {
            self.empty.push(magazine);
        }
    }
}

/// Hands a magazine to whoever needs one next, or frees its blocks if there are
/// many; gives an empty one for it, which may have no room at all.
fn release(class: usize, mut magazine: Magazine) -> Magazine {
    if let Some(mut depot) = DEPOTS[class].try_lock()
        && (depot.full.len() < depot_len(class) || has_room_for_surplus(class))
    {
        depot.full.push(magazine);
        return depot.empty.pop().unwrap_or_default();
    }
    for Free(block) in magazine.drain(..) {
        free(class, block);
    }
    magazine
}

/// Whether one more magazine may be kept than a class is to have; counts it then.
fn has_room_for_surplus(class: usize) -> bool {
    let bytes = magazine_bytes(class);
    if SURPLUS.fetch_add(bytes, Ordering::Relaxed) + bytes > SURPLUS_BYTES {
        SURPLUS.fetch_sub(bytes, Ordering::Relaxed);
        return false;
    }
    true
}

#[cold]
fn allocate(class: usize) -> NonNull<Header> {
    let is_mapped = capacity(class) >= MAPPED;
    if is_mapped && let Some(block) = map(layout(class).size()) {
        return block;
    }
    let layout = layout(class);
    // SAFETY: the layout is not of size zero.
    let memory = unsafe { alloc_zeroed(layout) }.cast::<Header>();
    let Some(block) = NonNull::new(memory) else {
        handle_alloc_error(layout)
    };
    if is_mapped {
        let header = Header {
            beyond: AtomicU32::new(0),
            on_heap: true,
        };
        // SAFETY: nobody else has the block yet, and it has room for a header.
        unsafe { block.write(header) };
    }
    block
}

#[cold]
fn free(class: usize, block: NonNull<Header>) {
    // SAFETY: the block has no references left, and a header, of zeros at least.
    let on_heap = capacity(class) < MAPPED || unsafe { block.as_ref() }.on_heap;
    // SAFETY: every block comes from `allocate` with the layout of its class,
    // from the heap if that is said here.
    unsafe {
        if on_heap {
            dealloc(block.as_ptr().cast(), layout(class));
        } else {
            // Cannot fail for what was mapped.
            libc::munmap(block.as_ptr().cast(), layout(class).size());
        }
    }
}

/// Zeroed memory straight from the system, if it gives any.
fn map(size: usize) -> Option<NonNull<Header>> {
    const NO_FILE: libc::c_int = -1;
    // SAFETY: a new mapping touches no memory that is in use.
    let memory = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            NO_FILE,
            0,
        )
    };
    if memory == libc::MAP_FAILED {
        return None;
    }
    NonNull::new(memory.cast())
}

#[cold]
fn free_long(block: NonNull<Header>, len: usize) {
    let layout = long_layout(len).expect("there was one when it was allocated");
    // SAFETY: it was allocated with this layout and has no references left.
    unsafe { dealloc(block.as_ptr().cast(), layout) }
}

/// Memory for `len` bytes that no class has room for, if there is any.
#[cold]
fn allocate_long(len: usize) -> Option<NonNull<Header>> {
    let layout = long_layout(len)?;
    // SAFETY: the layout is not of size zero.
    NonNull::new(unsafe { alloc_zeroed(layout) }.cast())
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
    let (least, most) = MAGAZINE_BLOCKS;
    (MAGAZINE_BYTES / capacity(class)).clamp(least, most)
}

/// Of a full one. That of a thread that has ended may have had fewer blocks.
fn magazine_bytes(class: usize) -> usize {
    magazine_len(class) * layout(class).size()
}

/// So many magazines of `class` the depot keeps in any case.
fn depot_len(class: usize) -> usize {
    DEPOT_BYTES / magazine_bytes(class)
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
        let count = &block.header().beyond;
        count.store(beyond(MOST_REFERENCES), Ordering::Relaxed);
        let copy = block.clone();
        assert_ne!(copy.header, block.header);
        assert_eq!(&copy[..], &block[..]);
        let count = &block.header().beyond;
        assert_eq!(count.load(Ordering::Relaxed), beyond(MOST_REFERENCES));
        count.store(beyond(ALL), Ordering::Relaxed);
    }

    #[test]
    fn whoever_is_last_leaves_the_block_as_it_was() {
        let mut block = Block::copy_from(&[7; 500]);
        let place = block.header;
        for round in 0..3 {
            let mut clone = block.share();
            let mut clones: Vec<_> = (0..100).map(|_| clone.clone()).collect();
            clones.extend((0..100).map(|_| clone.share()));
            clones.extend((0..100).map(|_| block.share()));
            assert!(block.is_shared() && clone.is_shared() && clones[0].is_shared());
            assert!(clones.iter().all(|clone| clone.header == place));
            let last = clones.last().cloned().expect("there are many");
            match round {
                0 => drop((clone, clones, last)),
                1 => (block, _, _) = (last, clone, clones),
                _ => (block, _, _) = (clone, clones, last),
            }
            assert!(!block.is_shared());
            assert!(block.unique().is_some());
        }
        assert_eq!(&block[..], &[7; 500]);
        drop(block);
        let again = Block::copy_from(&[8; 500]);
        assert_eq!(again.header, place);
        assert_eq!(again.header().beyond.load(Ordering::Relaxed), 0);
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
    fn whichever_thread_is_last_leaves_the_block_as_it_was() {
        const ROUNDS: usize = if cfg!(miri) { 20 } else { 20_000 };
        let (tx, rx) = std::sync::mpsc::sync_channel::<Block>(0);
        let (given, dropped) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let await_round = |of: &AtomicUsize, round| {
            for look in 1.. {
                if of.load(Ordering::SeqCst) >= round {
                    return;
                }
                match look % 1000 {
                    0 => std::thread::yield_now(),
                    _ => std::hint::spin_loop(),
                }
            }
        };
        std::thread::scope(|scope| {
            let (given, dropped) = (&given, &dropped);
            scope.spawn(move || {
                for (block, round) in rx.into_iter().zip(1..) {
                    await_round(given, round);
                    drop(block);
                    let free = std::panic::catch_unwind(assert_blocks_are_free);
                    dropped.store(round, Ordering::SeqCst);
                    if let Err(panic) = free {
                        std::panic::resume_unwind(panic);
                    }
                }
            });
            for round in 1..=ROUNDS {
                let block = Block::copy_from(&[7; 500]);
                if tx.send(block.clone()).is_err() {
                    return;
                }
                // Both are dropped at the same time, as nearly as can be.
                given.store(round, Ordering::SeqCst);
                drop(block);
                await_round(dropped, round);
                assert_blocks_are_free();
            }
            drop(tx);
        });
    }

    /// What this thread has at hand, and gives to the next message.
    fn assert_blocks_are_free() {
        CACHE.with_borrow(|cache| {
            for Free(block) in &cache.0[class_of(500)].loaded {
                // SAFETY: a free block is memory with a header, which nobody changes.
                let count = unsafe { block.as_ref() }.beyond.load(Ordering::Relaxed);
                assert_eq!(count, 0);
            }
        });
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
