//! The lock under loom: every interleaving up to three preemptions.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p zincmq-biased --test loom --release`
#![cfg(loom)]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use biased::Lock;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering, fence};
use loom::thread;

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

/// A lock whose bias the calling thread has.
fn biased_lock() -> Arc<Lock<u32>> {
    let lock = Arc::new(Lock::new(0));
    for _ in 0..3 {
        lock.lock().with(|_| {});
    }
    lock
}

fn add(lock: &Lock<u32>, times: u32) {
    for _ in 0..times {
        lock.lock().with(|count| *count += 1);
    }
}

#[test]
fn one_at_a_time() {
    model(|| {
        let lock = biased_lock();
        let other = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || add(&lock, 1))
        };
        add(&lock, 2);
        other.join().unwrap();
        lock.lock().with(|count| assert_eq!(*count, 3));
    });
}

#[test]
fn one_at_a_time_while_the_bias_moves() {
    model(|| {
        let lock = biased_lock();
        let other = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || add(&lock, 3))
        };
        add(&lock, 1);
        other.join().unwrap();
        lock.lock().with(|count| assert_eq!(*count, 4));
    });
}

#[test]
fn a_third_finds_the_one_who_lost_the_bias_still_in() {
    model(|| {
        let lock = biased_lock();
        let others = [(); 2].map(|()| {
            let lock = Arc::clone(&lock);
            thread::spawn(move || add(&lock, 1))
        });
        add(&lock, 1);
        for other in others {
            other.join().unwrap();
        }
        lock.lock().with(|count| assert_eq!(*count, 3));
    });
}

#[test]
fn who_has_it_does_not_get_it_again() {
    model(|| {
        let lock = biased_lock();
        let guard = lock.lock();
        assert!(lock.try_lock().is_none());
        drop(guard);
        assert!(lock.try_lock().is_some());
    });
}

/// As a socket does with what its connections leave in its inbox.
struct Desk {
    lock: Lock<u32>,
    has_notes: AtomicBool,
}

impl Desk {
    fn work(&self) {
        let mut guard = self.lock.lock();
        guard.with(|seen| self.absorb(seen));
        drop(guard);
        self.look_again();
    }

    fn post(&self) {
        self.has_notes.store(true, Ordering::SeqCst);
        self.look_again();
    }

    fn look_again(&self) {
        loop {
            // loom takes an access of this order for one that acquires or
            // releases.
            fence(Ordering::SeqCst);
            if !self.has_notes.load(Ordering::SeqCst) {
                return;
            }
            let Some(mut guard) = self.lock.try_lock() else {
                return;
            };
            guard.with(|seen| self.absorb(seen));
        }
    }

    fn absorb(&self, seen: &mut u32) {
        if self.has_notes.swap(false, Ordering::SeqCst) {
            *seen += 1;
        }
    }
}

#[test]
fn no_note_is_left_behind() {
    model(|| {
        let desk = Arc::new(Desk {
            lock: Lock::new(0),
            has_notes: AtomicBool::new(false),
        });
        for _ in 0..3 {
            desk.lock.lock().with(|_| {});
        }
        let other = {
            let desk = Arc::clone(&desk);
            thread::spawn(move || desk.post())
        };
        desk.work();
        other.join().unwrap();
        assert!(!desk.has_notes.load(Ordering::SeqCst));
    });
}

#[test]
fn no_note_is_left_behind_by_two() {
    model(|| {
        let desk = Arc::new(Desk {
            lock: Lock::new(0),
            has_notes: AtomicBool::new(false),
        });
        for _ in 0..3 {
            desk.lock.lock().with(|_| {});
        }
        let others = [(); 2].map(|()| {
            let desk = Arc::clone(&desk);
            thread::spawn(move || desk.post())
        });
        desk.work();
        for other in others {
            other.join().unwrap();
        }
        assert!(!desk.has_notes.load(Ordering::SeqCst));
    });
}
