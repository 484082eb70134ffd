//! The lock between threads of the system.
#![cfg(not(loom))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use biased::Lock;

#[test]
fn counts_each_use_once_whoever_comes_and_goes() {
    let lock = Arc::new(Lock::new(0u64));
    let mut expected = 0;
    for round in 1..=20u64 {
        let long = 2000 * round;
        let busy = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || (0..long).for_each(|_| *lock.lock() += 1))
        };
        let rare = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                let mut got = 0;
                for _ in 0..20 {
                    thread::yield_now();
                    if let Some(mut count) = lock.try_lock() {
                        *count += 1;
                        got += 1;
                    }
                }
                got
            })
        };
        busy.join().unwrap();
        expected += long + rare.join().unwrap();
    }
    assert_eq!(*lock.lock(), expected);
}

#[test]
fn is_locked_while_it_is_locked_with_and_without_the_bias() {
    let lock = Lock::new(());
    for _ in 0..1000 {
        let guard = lock.lock();
        assert!(lock.try_lock().is_none());
        drop(guard);
        assert!(lock.try_lock().is_some());
    }
    let guard = lock.lock();
    thread::scope(|scope| {
        let other = scope.spawn(|| lock.try_lock().is_none());
        assert!(other.join().unwrap());
    });
    drop(guard);
    assert!(lock.try_lock().is_some());
}

#[test]
fn a_panic_does_not_keep_it_locked() {
    let lock = Lock::new(1);
    for _ in 0..200 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _guard = lock.lock();
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(panicked.is_err());
        assert_eq!(*lock.lock(), 1);
    }
}

#[test]
fn many_threads_in_turn() {
    let lock = Lock::new(0u32);
    for _ in 0..40 {
        thread::scope(|scope| {
            let worker = scope.spawn(|| (0..500).for_each(|_| *lock.lock() += 1));
            worker.join().unwrap();
        });
    }
    assert_eq!(*lock.lock(), 20_000);
}
