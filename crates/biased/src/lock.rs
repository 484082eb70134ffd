//! The lock.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::barrier;
use crate::bias::{Bias, Entry};
use crate::sync::{Mutex, MutexGuard, UnsafeCell, yield_now};
use crate::token::token;

/// So many uses in a row by one thread are reason to give it the bias.
const ROW: u32 = if cfg!(loom) { 1 } else { 64 };
/// Each time the bias was taken away so many times more are needed.
const RELUCTANCE: u32 = if cfg!(loom) { 1 } else { 8 };
const LONGEST_ROW: u32 = 1 << 20;

/// A mutex that one thread may have the bias of. A panic while it is locked
/// does not keep others from it.
pub struct Lock<T> {
    bias: Bias,
    habit: Mutex<Habit>,
    value: UnsafeCell<T>,
}

/// Who has been using the lock.
#[derive(Debug)]
struct Habit {
    last: usize,
    in_a_row: u32,
    /// How many in a row it takes now.
    needed: u32,
    /// How often the bias was given.
    granted: usize,
}

// SAFETY: of all threads one at a time gets at the value: see `Guard`.
unsafe impl<T: Send> Sync for Lock<T> {}

/// As of std's mutex: what a panic left behind, all threads see.
impl<T> RefUnwindSafe for Lock<T> {}
impl<T> UnwindSafe for Lock<T> {}

impl<T> Lock<T> {
    /// An unlocked one.
    pub fn new(value: T) -> Self {
        Self {
            bias: Bias::new(),
            habit: Mutex::new(Habit {
                last: 0,
                in_a_row: 0,
                needed: ROW,
                granted: 0,
            }),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits until nobody else has it. A thread that has it already waits for
    /// ever, as with any mutex.
    #[inline(always)]
    pub fn lock(&self) -> Guard<'_, T> {
        let me = token();
        match self.bias.enter(me) {
            Entry::In(number) => Guard::biased(self, number),
            Entry::Already | Entry::Other => self.lock_shared(me),
        }
    }

    /// Locks if nobody has it, this thread included.
    ///
    /// Of a `None` it is certain that some thread leaves the lock after, or
    /// tries to get it, and sees then what was stored before this call with
    /// `SeqCst`.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        let me = token();
        match self.bias.enter(me) {
            Entry::In(number) => Some(Guard::biased(self, number)),
            Entry::Already => None,
            Entry::Other => self.try_lock_shared(me),
        }
    }

    #[inline(never)]
    fn lock_shared(&self, me: usize) -> Guard<'_, T> {
        let mut habit = match try_lock(&self.habit) {
            Some(habit) => habit,
            None => {
                let mut habit = lock(&self.habit);
                habit.last = 0;
                habit
            }
        };
        self.take_over(&mut habit, me);
        // Whoever is in is in the midst of something short.
        let mut looks = 0;
        while !self.bias.is_empty(habit.granted) {
            pause(looks);
            looks += 1;
        }
        Guard::shared(self, habit)
    }

    #[inline(never)]
    fn try_lock_shared(&self, me: usize) -> Option<Guard<'_, T>> {
        loop {
            let mut habit = try_lock(&self.habit)?;
            self.take_over(&mut habit, me);
            if self.bias.is_empty(habit.granted) {
                return Some(Guard::shared(self, habit));
            }
            let granted = habit.granted;
            drop(habit);
            // Callers count on whoever keeps them from the lock to look, once
            // out, for what they have left. So it must be in still when it can
            // see that, and when those who fail because of the mutex do so no
            // more.
            barrier::heavy();
            if !self.bias.is_empty(granted) {
                return None;
            }
        }
    }

    /// Takes the bias away, and notes who comes.
    #[inline]
    fn take_over(&self, habit: &mut Habit, me: usize) {
        if self.bias.revoke() {
            habit.needed = (habit.needed * RELUCTANCE).min(LONGEST_ROW);
        }
        if habit.last == me {
            habit.in_a_row = habit.in_a_row.saturating_add(1);
        } else {
            (habit.last, habit.in_a_row) = (me, 0);
        }
    }

    #[inline]
    fn note_habit(&self, habit: &mut Habit) {
        if habit.in_a_row >= habit.needed {
            self.give_bias(habit);
        }
    }

    #[cold]
    fn give_bias(&self, habit: &mut Habit) {
        habit.in_a_row = 0;
        if barrier::is_available() {
            self.bias.grant(habit.last, habit.granted);
            habit.granted = habit.granted.saturating_add(1);
        }
    }
}

/// The right to use what is locked; ends when it is dropped.
///
/// There is one at a time. One by the bias exists while its thread is in, with
/// the bias at hand when it went in; one by the mutex while that is locked,
/// after the bias was taken away and its thread was seen to be out. The bias is
/// given with the mutex locked, to the thread that has it so.
pub struct Guard<'a, T> {
    lock: &'a Lock<T>,
    way: Way<'a>,
}

enum Way<'a> {
    Biased(usize, std::marker::PhantomData<*const ()>),
    Shared(MutexGuard<'a, Habit>),
}

impl<'a, T> Guard<'a, T> {
    #[inline(always)]
    fn biased(lock: &'a Lock<T>, number: usize) -> Self {
        let way = Way::Biased(number, std::marker::PhantomData);
        Self { lock, way }
    }

    fn shared(lock: &'a Lock<T>, habit: MutexGuard<'a, Habit>) -> Self {
        let way = Way::Shared(habit);
        Self { lock, way }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        match &mut self.way {
            Way::Biased(number, _) => self.lock.bias.leave(*number),
            Way::Shared(habit) => self.lock.note_habit(habit),
        }
    }
}

#[cfg(not(loom))]
impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: there is one guard at a time, and this is it.
        unsafe { &*self.lock.value.get() }
    }
}

#[cfg(not(loom))]
impl<T> DerefMut for Guard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { &mut *self.lock.value.get() }
    }
}

#[cfg(loom)]
impl<T> Guard<'_, T> {
    /// loom watches who is at the value.
    pub fn with<R>(&mut self, work: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: as for `deref_mut`.
        self.lock
            .value
            .with_mut(|value| work(unsafe { &mut *value }))
    }
}

impl<T> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

/// Waits a little: the longer, the more often that was done in vain.
#[cfg(not(loom))]
fn pause(times: u32) {
    match times {
        0..16 => yield_now(),
        // A thread that the system prefers to the one it waits for must sleep.
        _ => std::thread::sleep(std::time::Duration::from_micros(50)),
    }
}

#[cfg(loom)]
fn pause(_: u32) {
    yield_now();
}

fn lock(mutex: &Mutex<Habit>) -> MutexGuard<'_, Habit> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn try_lock(mutex: &Mutex<Habit>) -> Option<MutexGuard<'_, Habit>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(std::sync::TryLockError::WouldBlock) => None,
    }
}
