//! What C holds of our objects: pointers into tables that are never freed.
//!
//! A pointer that was made up, is of another kind, or whose object was closed,
//! is recognised without reading through it. An object that one thread closes
//! while others are in calls on it lives until the last of them has left.

use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use zincmq::raw;

use crate::boundary::Outcome;
use crate::uses::{self, Use, Uses};

/// The first chunk has so many slots, each further one twice as many.
const FIRST_CHUNK: usize = 64;
const CHUNKS: usize = 24;
/// So many slots lie idle before the first of them is used again, so that a
/// pointer kept too long is likely to name nothing.
const RESTING: usize = 1024;

/// There is an object, and it may be used.
const LIVE: usize = 1 << (usize::BITS - 1);
/// There is an object.
const OCCUPIED: usize = 1 << (usize::BITS - 2);

/// All objects of one kind.
pub struct Table<T> {
    chunks: [AtomicPtr<Slot<T>>; CHUNKS],
    room: Mutex<Room>,
}

/// What is free.
struct Room {
    chunks: usize,
    /// Addresses of slots.
    free: VecDeque<usize>,
}

#[repr(align(64))]
struct Slot<T> {
    /// [`LIVE`], [`OCCUPIED`], and below them how many calls use the object.
    state: AtomicUsize,
    object: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: slots are written to by the one thread that has taken them from the
// free list, or that has counted the last user out; else objects are shared.
unsafe impl<T: Send + Sync> Sync for Table<T> {}

impl<T> Table<T> {
    /// An empty table.
    pub const fn new() -> Self {
        Self {
            chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS],
            room: Mutex::new(Room {
                chunks: 0,
                free: VecDeque::new(),
            }),
        }
    }

    /// Keeps `object` and returns what names it in C.
    pub fn insert(&'static self, object: T) -> *mut c_void {
        let address = self.with_room(|room| {
            if room.free.len() <= RESTING {
                self.grow(room);
            }
            room.free.pop_front()
        });
        let Some(address) = address else {
            return ptr::null_mut();
        };
        let pointer = address as *mut c_void;
        let Some(slot) = self.slot(pointer) else {
            return ptr::null_mut();
        };
        // SAFETY: the slot came from the free list, so nobody else writes to
        // it, and nobody reads it while it is not live.
        unsafe { (*slot.object.get()).write(object) };
        slot.state.fetch_or(LIVE | OCCUPIED, Ordering::Release);
        pointer
    }

    /// The object behind `pointer`, if it is of this table and still open.
    #[inline]
    pub fn get(&'static self, pointer: *mut c_void) -> Option<Ref<T>> {
        let slot = self.slot(pointer)?;
        let old = slot.state.fetch_add(1, Ordering::Acquire);
        let user = Ref { table: self, slot };
        // Without LIVE, dropping `user` counts it out again.
        (old & LIVE != 0).then_some(user)
    }

    /// As [`Table::get`], for one call by this thread: that costs less.
    #[inline(always)]
    pub fn call(&'static self, pointer: *mut c_void) -> Option<Call<T>> {
        let slot = self.slot(pointer)?;
        let noted = Uses::own().and_then(|own| own.enter(pointer as usize));
        let Some(noted) = noted else {
            let counted = self.get(pointer)?;
            return Some(Call::new(self, slot, Way::Counted(counted)));
        };
        // Without LIVE, dropping `call` sees to what was closed meanwhile.
        let call = Call::new(self, slot, Way::Noted(noted));
        (slot.state.load(Ordering::Acquire) & LIVE != 0).then_some(call)
    }

    /// Closes `pointer`: for all later calls there is no such object. Only one
    /// of those that close it at the same time gets it.
    pub fn remove(&'static self, pointer: *mut c_void) -> Option<Ref<T>> {
        let user = self.get(pointer)?;
        let old = user.slot.state.fetch_and(!LIVE, Ordering::AcqRel);
        (old & LIVE != 0).then_some(user)
    }

    /// As [`Table::insert`], or `full` where there is no room.
    pub fn keep(&'static self, object: T, full: c_int) -> Outcome<*mut c_void> {
        let pointer = self.insert(object);
        match pointer.is_null() {
            true => Err(full),
            false => Ok(pointer),
        }
    }

    /// Closes what the pointer at `place` names, and makes that pointer null.
    ///
    /// # Errors
    ///
    /// EFAULT if it names nothing.
    ///
    /// # Safety
    ///
    /// `place` is null or may be read and written.
    pub unsafe fn remove_at(&'static self, place: *mut *mut c_void) -> Outcome<Ref<T>> {
        if place.is_null() {
            return Err(libc::EFAULT);
        }
        // SAFETY: by the caller's promise, as is the next.
        let object = self.remove(unsafe { place.read() }).ok_or(libc::EFAULT)?;
        // SAFETY: see above.
        unsafe { place.write(ptr::null_mut()) };
        Ok(object)
    }

    /// The slot at an address, if there is one.
    #[inline]
    fn slot(&'static self, pointer: *mut c_void) -> Option<&'static Slot<T>> {
        let address = pointer as usize;
        for (index, chunk) in self.chunks.iter().enumerate() {
            let chunk = chunk.load(Ordering::Acquire);
            if chunk.is_null() {
                return None;
            }
            let offset = address.wrapping_sub(chunk as usize);
            if offset < (FIRST_CHUNK << index) * size_of::<Slot<T>>() {
                if !offset.is_multiple_of(size_of::<Slot<T>>()) {
                    return None;
                }
                // SAFETY: it is one of the slots of this chunk, which are
                // never freed.
                return Some(unsafe { &*chunk.add(offset / size_of::<Slot<T>>()) });
            }
        }
        None
    }

    /// Drops the object in `slot`, unless it is open or still used: then
    /// whoever uses it comes here when done.
    #[cold]
    fn vacate(&self, slot: &'static Slot<T>) {
        let address = ptr::from_ref(slot) as usize;
        let done = self.with_room(|_| {
            let state = &slot.state;
            !uses::is_used(address)
                && state
                    .compare_exchange(OCCUPIED, 0, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
        });
        if !done {
            return;
        }
        // SAFETY: the object was there, is not live, and has no users: none is
        // counted, and no thread has noted it, nor will as it is not live. The
        // exchange let only one thread come here.
        unsafe { (*slot.object.get()).assume_init_drop() };
        self.with_room(|room| room.free.push_back(address));
    }

    #[cold]
    fn grow(&self, room: &mut Room) {
        let Some(chunk) = self.chunks.get(room.chunks) else {
            return;
        };
        let slots: Vec<Slot<T>> = (0..FIRST_CHUNK << room.chunks)
            .map(|_| Slot {
                state: AtomicUsize::new(0),
                object: UnsafeCell::new(MaybeUninit::uninit()),
            })
            .collect();
        let slots = Box::leak(slots.into_boxed_slice());
        room.free
            .extend(slots.iter().map(|slot| ptr::from_ref(slot) as usize));
        chunk.store(slots.as_mut_ptr(), Ordering::Release);
        room.chunks += 1;
    }

    fn with_room<R>(&self, work: impl FnOnce(&mut Room) -> R) -> R {
        raw::undivided(|| work(&mut self.room.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The use of an object, which may go from thread to thread.
pub struct Ref<T: 'static> {
    table: &'static Table<T>,
    slot: &'static Slot<T>,
}

// SAFETY: it gives away no more than shares of the object, is counted by an
// atomic, and whoever comes last drops the object.
unsafe impl<T: Send + Sync> Send for Ref<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Ref<T> {}

impl<T> Ref<T> {
    /// What names the object in C.
    pub fn pointer(&self) -> *mut c_void {
        ptr::from_ref(self.slot).cast_mut().cast()
    }
}

impl<T> Deref for Ref<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the slot was live when this user was counted, and stays
        // occupied while it is.
        unsafe { (*self.slot.object.get()).assume_init_ref() }
    }
}

impl<T> Drop for Ref<T> {
    #[inline]
    fn drop(&mut self) {
        let old = self.slot.state.fetch_sub(1, Ordering::AcqRel);
        if old == OCCUPIED | 1 {
            self.table.vacate(self.slot);
        }
    }
}

/// The use of an object by one call, on the thread that makes it.
pub struct Call<T: 'static> {
    table: &'static Table<T>,
    slot: &'static Slot<T>,
    way: Way<T>,
    /// A thread's notes are its own.
    here: PhantomData<*const ()>,
}

enum Way<T: 'static> {
    Noted(Use),
    /// To be counted out when it is dropped.
    Counted(#[expect(dead_code, reason = "it is there to be dropped")] Ref<T>),
}

impl<T> Call<T> {
    #[inline(always)]
    fn new(table: &'static Table<T>, slot: &'static Slot<T>, way: Way<T>) -> Self {
        Self {
            table,
            slot,
            way,
            here: PhantomData,
        }
    }
}

impl<T> Deref for Call<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the slot was live after this use was noted or counted, and
        // stays occupied while it is.
        unsafe { (*self.slot.object.get()).assume_init_ref() }
    }
}

impl<T> Drop for Call<T> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Way::Noted(noted) = &self.way {
            noted.leave();
            let state = self.slot.state.load(Ordering::Acquire);
            if state & (LIVE | OCCUPIED) == OCCUPIED {
                self.table.vacate(self.slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn knows_its_own_pointers_only() {
        static TABLE: Table<u32> = Table::new();
        assert!(TABLE.get(ptr::null_mut()).is_none());
        let seven = TABLE.insert(7);
        let eight = TABLE.insert(8);
        assert_eq!(TABLE.get(seven).map(|n| *n), Some(7));
        assert_eq!(TABLE.get(eight).map(|n| *n), Some(8));
        assert!(TABLE.get(seven.wrapping_byte_add(1)).is_none());
        assert!(TABLE.get(seven.wrapping_byte_add(1 << 20)).is_none());
        let mut foreign = 9u32;
        assert!(TABLE.get(ptr::from_mut(&mut foreign).cast()).is_none());
        assert_eq!(TABLE.remove(seven).map(|n| *n), Some(7));
        assert!(TABLE.get(seven).is_none());
        assert!(TABLE.remove(seven).is_none());
    }

    #[test]
    fn an_object_lives_until_its_last_user_has_left() {
        struct Bell(Arc<AtomicBool>);
        impl Drop for Bell {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        static TABLE: Table<Bell> = Table::new();
        let rung = Arc::new(AtomicBool::new(false));
        let pointer = TABLE.insert(Bell(Arc::clone(&rung)));
        let user = TABLE.get(pointer).expect("it was just inserted");
        drop(TABLE.remove(pointer));
        assert!(!rung.load(Ordering::SeqCst));
        assert!(TABLE.get(pointer).is_none());
        assert!(!rung.load(Ordering::SeqCst));
        drop(user);
        assert!(rung.load(Ordering::SeqCst));
    }

    #[test]
    fn an_object_lives_until_its_last_call_has_ended() {
        struct Bell(Arc<AtomicBool>);
        impl Drop for Bell {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        static TABLE: Table<Bell> = Table::new();
        let rung = Arc::new(AtomicBool::new(false));
        let pointer = TABLE.insert(Bell(Arc::clone(&rung)));
        // More calls than a thread has room for.
        let calls: Vec<_> = (0..6).map_while(|_| TABLE.call(pointer)).collect();
        assert_eq!(calls.len(), 6);
        let address = pointer as usize;
        let closer = std::thread::spawn(move || {
            let closed = TABLE.remove(address as *mut c_void);
            closed.is_some()
        });
        assert!(closer.join().expect("it does not panic"));
        assert!(TABLE.call(pointer).is_none());
        for call in calls {
            assert!(!rung.load(Ordering::SeqCst));
            drop(call);
        }
        assert!(rung.load(Ordering::SeqCst));
    }

    #[test]
    fn threads_that_open_use_and_close() {
        static TABLE: Table<Arc<u64>> = Table::new();
        let shared = Arc::new(AtomicUsize::new(TABLE.insert(Arc::new(0)) as usize));
        let threads: Vec<_> = (0..4u64)
            .map(|n| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    for round in 0..20_000 {
                        let pointer = shared.load(Ordering::SeqCst) as *mut c_void;
                        if let Some(object) = TABLE.get(pointer) {
                            assert!(Arc::strong_count(&object) >= 1);
                        }
                        if let Some(object) = TABLE.call(pointer) {
                            assert_eq!(Arc::strong_count(&object), 1);
                        }
                        if round % 4 == n {
                            let fresh = TABLE.insert(Arc::new(round)) as usize;
                            let old = shared.swap(fresh, Ordering::SeqCst) as *mut c_void;
                            drop(TABLE.remove(old));
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no user panics");
        }
    }
}
