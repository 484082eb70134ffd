//! Two threads that sleep whenever they may. A lost wake-up ends in a panic of
//! the sleeper after `DEADLINE`, not in a hang.
#![cfg(not(loom))]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use pipe::{Consumer, Producer, PushError, bounded, conflated};

const DEADLINE: Duration = Duration::from_secs(60);
/// Miri takes a thousand times as long.
const FEWER: u64 = if cfg!(miri) { 200 } else { 1 };

#[test]
fn every_item_arrives_once_and_in_order() {
    for (high_water_mark, batch, items) in [
        (1, 1, 5_000),
        (2, 1, 5_000),
        (3, 2, 10_000),
        (10, 3, 30_000),
        (64, 64, 100_000),
        (1000, 1, 200_000),
        (1000, 100, 400_000),
        (0, 1, 200_000),
        (0, 50, 400_000),
    ] {
        let items = items / FEWER;
        let (producer, consumer) = bounded(high_water_mark);
        let bells = Bells::default();
        let sender = {
            let bells = bells.clone();
            thread::spawn(move || send(producer, items, batch, 0, &bells))
        };
        assert_eq!(receive(consumer, &bells), items, "HWM {high_water_mark}");
        sender.join().unwrap();
    }
}

#[test]
fn changing_the_high_water_mark_loses_nothing() {
    let (producer, consumer) = bounded(100);
    let bells = Bells::default();
    let items = 200_000 / FEWER;
    let sender = {
        let bells = bells.clone();
        thread::spawn(move || send(producer, items, 7, 50, &bells))
    };
    assert_eq!(receive(consumer, &bells), items);
    sender.join().unwrap();
}

#[test]
fn closing_either_end_at_any_time_accounts_for_every_item() {
    for round in (0..2_000_u64).step_by(FEWER as usize) {
        let dropped = Arc::new(AtomicU64::new(0));
        let (mut producer, mut consumer) = bounded(1 + (round as usize % 7) * 10);
        let bells = Bells::default();
        let sender = {
            let (bells, dropped) = (bells.clone(), Arc::clone(&dropped));
            thread::spawn(move || {
                let (mut pushed, mut returned) = (0, 0);
                while pushed < 150 {
                    match producer.push(Counted(Arc::clone(&dropped))) {
                        Ok(()) => pushed += 1,
                        Err(error) => {
                            returned += 1;
                            if !error.is_full() {
                                break;
                            }
                            bells.consumer.ring_if(producer.publish());
                            bells.producer.wait();
                        }
                    }
                    if pushed % 3 == 0 {
                        bells.consumer.ring_if(producer.publish());
                    }
                }
                bells.consumer.ring_if(producer.close());
                (pushed, returned, producer)
            })
        };
        let stop_at = round % 160;
        let mut popped = 0;
        while popped < stop_at && !consumer.is_finished() {
            match consumer.pop() {
                Some(_) => popped += 1,
                None if consumer.is_finished() => {}
                None => bells.consumer.wait(),
            }
            bells.producer.ring_if(consumer.release());
        }
        bells.producer.ring_if(consumer.close());
        let (pushed, returned, producer) = sender.join().unwrap();
        let left = producer.len() as u64;
        assert_eq!(
            pushed,
            popped + consumer.discarded() + left,
            "round {round}"
        );
        drop((producer, consumer));
        assert_eq!(dropped.load(Relaxed), pushed + returned, "round {round}");
    }
}

#[test]
fn conflated_ends_with_the_newest() {
    const ITEMS: u64 = 100_000 / FEWER;
    let (mut producer, mut consumer) = conflated();
    let bells = Bells::default();
    let sender = {
        let bells = bells.clone();
        thread::spawn(move || {
            for item in 1..=ITEMS {
                producer.push(item).unwrap();
                bells.consumer.ring_if(producer.publish());
            }
            let replaced = producer.replaced();
            bells.consumer.ring_if(producer.close());
            replaced
        })
    };
    let (mut seen, mut newest) = (0, 0);
    loop {
        match consumer.pop() {
            Some(item) => {
                assert!(item > newest);
                newest = item;
                seen += 1;
            }
            None if consumer.is_finished() => break,
            None => bells.consumer.wait(),
        }
    }
    assert_eq!(newest, ITEMS);
    assert_eq!(seen + sender.join().unwrap(), ITEMS);
}

/// Sends 0, 1, 2, … and closes. `wobble` > 0 changes the high-water mark every
/// so many items.
fn send(mut producer: Producer<[u64; 8]>, items: u64, batch: u64, wobble: u64, bells: &Bells) {
    for number in 0..items {
        while let Err(error) = producer.push([number; 8]) {
            assert!(matches!(error, PushError::Full(_)));
            bells.consumer.ring_if(producer.publish());
            bells.producer.wait();
        }
        if (number + 1) % batch == 0 {
            bells.consumer.ring_if(producer.publish());
        }
        if wobble > 0 && number % wobble == 0 {
            let marks = [1, 300, 2, 0, 17];
            producer.set_high_water_mark(marks[(number / wobble) as usize % marks.len()]);
        }
    }
    bells.consumer.ring_if(producer.close());
}

/// Pops until the end and returns how many there were.
fn receive(mut consumer: Consumer<[u64; 8]>, bells: &Bells) -> u64 {
    let mut next = 0;
    loop {
        match consumer.pop() {
            Some(item) => {
                assert_eq!(item, [next; 8]);
                next += 1;
                bells.producer.ring_if(consumer.release());
            }
            None if consumer.is_finished() => return next,
            None => bells.consumer.wait(),
        }
    }
}

struct Counted(Arc<AtomicU64>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// What the two owners wake each other with.
#[derive(Clone, Default)]
struct Bells {
    consumer: Arc<Bell>,
    producer: Arc<Bell>,
}

#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    change: Condvar,
}

impl Bell {
    fn ring_if(&self, wake: bool) {
        if wake {
            *self.rung.lock().unwrap() = true;
            self.change.notify_one();
        }
    }

    fn wait(&self) {
        let rung = self.rung.lock().unwrap();
        let (mut rung, timeout) = self
            .change
            .wait_timeout_while(rung, DEADLINE, |rung| !*rung)
            .unwrap();
        assert!(!timeout.timed_out(), "a wake-up was lost");
        *rung = false;
    }
}
