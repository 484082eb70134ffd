use std::{array, mem::MaybeUninit, ptr};

use crate::sync::UnsafeCell;

/// Items in a chunk. Two under loom, so that its models cross chunk borders.
pub(super) const SLOTS: u64 = if cfg!(loom) { 2 } else { 32 };

/// Room for `SLOTS` items and the way to the chunk after it.
///
/// Items are named by their number since the queue began. A border is the
/// number of a chunk's first item.
#[repr(C)]
pub(super) struct Chunk<T> {
    slots: [UnsafeCell<MaybeUninit<T>>; SLOTS as usize],
    /// How many numbers the item in a slot takes, its own included.
    spans: [UnsafeCell<u16>; SLOTS as usize],
    /// The chunk that begins at a border, used in turn for even and odd
    /// borders: a chunk can follow itself, and then the writer may store the
    /// next link before the reader has followed this one. It never stores the
    /// one after next that early, because it starts a chunk over only when
    /// everything in it has been read.
    links: [UnsafeCell<*mut Chunk<T>>; 2],
}

impl<T> Chunk<T> {
    /// An empty chunk on the heap, to be given back to [`Chunk::free`].
    pub(super) fn allocate() -> *mut Self {
        Box::into_raw(Box::new(Self {
            slots: array::from_fn(|_| UnsafeCell::new(MaybeUninit::uninit())),
            spans: array::from_fn(|_| UnsafeCell::new(1)),
            links: array::from_fn(|_| UnsafeCell::new(ptr::null_mut())),
        }))
    }

    /// Frees the chunk and forgets what is in it.
    ///
    /// # Safety
    /// `chunk` came from [`Chunk::allocate`], was not freed, and nobody uses it
    /// any more.
    pub(super) unsafe fn free(chunk: *mut Self) {
        // SAFETY: by the caller's promise the box is whole and ours.
        drop(unsafe { Box::from_raw(chunk) });
    }

    /// Puts item number `number` into its slot; the next item's is `span` further.
    ///
    /// # Safety
    /// Only the writer calls this, the slot is empty, and the reader does not
    /// look at it before it is published.
    #[inline(always)]
    pub(super) unsafe fn write(&self, number: u64, item: T, span: u16) {
        self.spans[slot(number)].with_mut(|to| {
            // SAFETY: as for the slot.
            unsafe { *to = span };
        });
        self.slots[slot(number)].with_mut(|slot| {
            // SAFETY: nobody else touches an unpublished slot.
            unsafe { (*slot).write(item) };
        });
    }

    /// Moves item number `number` out of its slot, and says how far from it the next is.
    ///
    /// # Safety
    /// Only the reader calls this (or who has both ends), the item is published
    /// and was not read before.
    #[inline(always)]
    pub(super) unsafe fn read(&self, number: u64) -> (T, u64) {
        let span = self.spans[slot(number)].with(|span| {
            // SAFETY: as for the slot.
            unsafe { *span }
        });
        let item = self.slots[slot(number)].with(|slot| {
            // SAFETY: the slot was written before it was published, and the
            // writer leaves it alone until it is popped.
            unsafe { (*slot).assume_init_read() }
        });
        (item, u64::from(span))
    }

    /// Says which chunk begins at `border`.
    ///
    /// # Safety
    /// Only the writer calls this, on the chunk that ends at `border`, before
    /// it publishes item number `border`.
    pub(super) unsafe fn set_next(&self, border: u64, next: *mut Self) {
        self.links[link(border)].with_mut(|link| {
            // SAFETY: the reader does not follow this link before the item
            // behind it is published, and is done with the link stored here
            // two borders ago (see `links`).
            unsafe { *link = next };
        });
    }

    /// The chunk that begins at `border`.
    ///
    /// # Safety
    /// Only the reader calls this (or who has both ends), on the chunk that
    /// ends at `border`, after item number `border` was published.
    pub(super) unsafe fn next(&self, border: u64) -> *mut Self {
        self.links[link(border)].with(|link| {
            // SAFETY: stored before item `border` was published.
            unsafe { *link }
        })
    }
}

/// Whether item number `number` is the first of its chunk.
#[inline(always)]
pub(super) fn is_border(number: u64) -> bool {
    number.is_multiple_of(SLOTS)
}

/// The first number after `number` that is the first of its chunk.
pub(super) fn next_border(number: u64) -> u64 {
    number - number % SLOTS + SLOTS
}

#[inline(always)]
fn slot(number: u64) -> usize {
    (number % SLOTS) as usize
}

fn link(border: u64) -> usize {
    (border / SLOTS % 2) as usize
}
