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
    /// How many numbers the item in a slot takes, its own included. One unless a
    /// run was ever pushed.
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

    /// Says that the item after number `number` is `span` further.
    ///
    /// # Safety
    /// As for [`Chunk::write`].
    pub(super) unsafe fn set_span(&self, number: u64, span: u16) {
        self.spans[slot(number)].with_mut(|to| {
            // SAFETY: nobody else touches what belongs to an unpublished slot.
            unsafe { *to = span };
        });
    }

    /// How far from item number `number` the next is.
    ///
    /// # Safety
    /// As for [`Chunk::read`], but that it may have been read.
    pub(super) unsafe fn span(&self, number: u64) -> u64 {
        let span = self.spans[slot(number)].with(|span| {
            // SAFETY: written before the slot was published, and the writer
            // leaves it alone until the item is popped.
            unsafe { *span }
        });
        u64::from(span)
    }

    /// Item number `number`, which stays in its slot.
    ///
    /// # Safety
    /// As for [`Chunk::read`], and the item is not read or dropped meanwhile.
    pub(super) unsafe fn peek(&self, number: u64) -> &T {
        self.slots[slot(number)].with(|slot| {
            // SAFETY: as in `read`; the caller promises that it stays.
            unsafe { (*slot).assume_init_ref() }
        })
    }

    /// Puts item number `number` into its slot.
    ///
    /// # Safety
    /// Only the writer calls this, the slot is empty, and the reader does not
    /// look at it before it is published.
    #[inline(always)]
    pub(super) unsafe fn write(&self, number: u64, item: T) {
        self.slots[slot(number)].with_mut(|slot| {
            // SAFETY: nobody else touches an unpublished slot.
            unsafe { (*slot).write(item) };
        });
    }

    /// Moves item number `number` out of its slot.
    ///
    /// # Safety
    /// Only the reader calls this (or who has both ends), the item is published
    /// and was not read before.
    #[inline(always)]
    pub(super) unsafe fn read(&self, number: u64) -> T {
        self.slots[slot(number)].with(|slot| {
            // SAFETY: the slot was written before it was published, and the
            // writer leaves it alone until it is popped.
            unsafe { (*slot).assume_init_read() }
        })
    }

    /// Where item number `number` is.
    ///
    /// # Safety
    /// Only the reader calls this, the item is published and was not read, and
    /// `work` neither moves it out nor keeps the pointer.
    #[inline(always)]
    pub(super) unsafe fn at<R>(&self, number: u64, work: impl FnOnce(*mut T) -> R) -> R {
        self.slots[slot(number)].with_mut(|slot| work(slot.cast()))
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
#[inline(always)]
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
