//! Counters that threads share (zmq_atomic_counter_new(3) and its like).

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI32, Ordering};

use crate::boundary::{Outcome, guard};
use crate::handle::{Ref, Table};

static COUNTERS: Table<AtomicI32> = Table::new();

fn counter(pointer: *mut c_void) -> Outcome<Ref<AtomicI32>> {
    COUNTERS.get(pointer).ok_or(libc::EFAULT)
}

/// A new counter, at zero.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_new() -> *mut c_void {
    guard(|| COUNTERS.keep(AtomicI32::new(0), libc::ENOMEM))
}

/// Sets the counter.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_set(pointer: *mut c_void, value: c_int) {
    guard(|| {
        counter(pointer)?.store(value, Ordering::SeqCst);
        Ok(())
    })
}

/// Adds one, and returns the value before.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_inc(pointer: *mut c_void) -> c_int {
    guard(|| Ok(counter(pointer)?.fetch_add(1, Ordering::SeqCst)))
}

/// Takes one away, and returns 0 if that made it zero, else 1.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_dec(pointer: *mut c_void) -> c_int {
    guard(|| {
        let before = counter(pointer)?.fetch_sub(1, Ordering::SeqCst);
        Ok(c_int::from(before != 1))
    })
}

/// The value.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_value(pointer: *mut c_void) -> c_int {
    guard(|| Ok(counter(pointer)?.load(Ordering::SeqCst)))
}

/// Gives up the counter that the pointer at `place` names, and makes that
/// pointer null.
///
/// # Safety
///
/// `place` is null or points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_destroy(place: *mut *mut c_void) {
    guard(|| {
        // SAFETY: by the caller's promise.
        drop(unsafe { COUNTERS.remove_at(place) }?);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_up_and_down() {
        let mut counter = zmq_atomic_counter_new();
        assert_eq!(zmq_atomic_counter_inc(counter), 0);
        assert_eq!(zmq_atomic_counter_inc(counter), 1);
        assert_eq!(zmq_atomic_counter_value(counter), 2);
        assert_eq!(zmq_atomic_counter_dec(counter), 1);
        assert_eq!(zmq_atomic_counter_dec(counter), 0);
        assert_eq!(zmq_atomic_counter_dec(counter), 1);
        assert_eq!(zmq_atomic_counter_value(counter), -1);
        zmq_atomic_counter_set(counter, c_int::MAX);
        assert_eq!(zmq_atomic_counter_inc(counter), c_int::MAX);
        assert_eq!(zmq_atomic_counter_value(counter), c_int::MIN);
        // SAFETY: it points to a pointer.
        unsafe { zmq_atomic_counter_destroy(&raw mut counter) };
        assert!(counter.is_null());
    }

    #[test]
    fn loses_no_count_of_several_threads() {
        let mut counter = zmq_atomic_counter_new();
        let address = counter as usize;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(move || {
                    for _ in 0..1000 {
                        zmq_atomic_counter_inc(address as *mut c_void);
                    }
                });
            }
        });
        assert_eq!(zmq_atomic_counter_value(counter), 4000);
        // SAFETY: it points to a pointer.
        unsafe { zmq_atomic_counter_destroy(&raw mut counter) };
    }
}
