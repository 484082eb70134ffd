//! The protocol under loom: every interleaving up to three preemptions.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p zincmq-pipe --test loom --release`
//!
//! A lost wake-up shows as a deadlock, which loom reports.
#![cfg(loom)]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::{
    Arc as StdArc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use loom::{
    sync::{Arc, Condvar, Mutex},
    thread,
};
use pipe::{Consumer, Producer, PushError, bounded, conflated};

#[test]
fn consumer_that_sleeps_is_woken_by_publish() {
    model(|| {
        let (producer, consumer) = bounded(0);
        let (consumers, producers) = (Doorbell::new(), Doorbell::new());
        let sender = {
            let (consumers, producers) = (consumers.clone(), producers.clone());
            thread::spawn(move || send(producer, 1..=3, 1, &consumers, &producers))
        };
        assert_eq!(receive(consumer, &consumers, &producers), [1, 2, 3]);
        sender.join().unwrap();
    });
}

/// Whether it goes to sleep before, between or after the publishes.
#[test]
fn consumer_that_attended_is_woken_by_publish() {
    model(|| {
        let (producer, mut consumer) = bounded(0);
        let (consumers, producers) = (Doorbell::new(), Doorbell::new());
        consumer.attend();
        let sender = {
            let (consumers, producers) = (consumers.clone(), producers.clone());
            thread::spawn(move || send(producer, 1..=2, 1, &consumers, &producers))
        };
        assert_eq!(receive(consumer, &consumers, &producers), [1, 2]);
        sender.join().unwrap();
    });
}

/// A consumer that attends anew, asleep or not, loses nothing either.
#[test]
fn consumer_that_attends_now_and_then_is_woken() {
    model(|| {
        let (producer, mut consumer) = bounded(0);
        let (consumers, producers) = (Doorbell::new(), Doorbell::new());
        let sender = {
            let (consumers, producers) = (consumers.clone(), producers.clone());
            thread::spawn(move || send(producer, 1..=2, 1, &consumers, &producers))
        };
        let mut received = Vec::new();
        while !consumer.is_finished() {
            consumer.attend();
            match consumer.pop() {
                Some(item) => received.push(item),
                None if consumer.is_finished() => break,
                None => consumers.wait(),
            }
        }
        assert_eq!(received, [1, 2]);
        sender.join().unwrap();
    });
}

#[test]
fn batches_become_visible_at_once() {
    model(|| {
        let (mut producer, mut consumer) = bounded(0);
        let bell = Doorbell::new();
        let sender = {
            let bell = bell.clone();
            thread::spawn(move || {
                for item in 1..=3 {
                    producer.push(item).unwrap();
                }
                bell.ring_if(producer.publish());
            })
        };
        while !consumer.has_items() {
            bell.wait();
        }
        assert_eq!(consumer.len(), 3);
        for item in 1..=3 {
            assert_eq!(consumer.pop(), Some(item));
        }
        sender.join().unwrap();
    });
}

#[test]
fn producer_of_a_queue_of_one_is_woken_by_release() {
    full_queue(1, 3);
}

#[test]
fn producer_of_a_queue_of_two_is_woken_by_release() {
    full_queue(2, 4);
}

#[test]
fn producer_of_a_queue_of_three_is_woken_by_release() {
    full_queue(3, 5);
}

/// The wake-up comes at the next step, even if that is one pop away and the
/// consumer stops there.
#[test]
fn release_at_the_next_step_is_enough() {
    model(|| {
        let (mut producer, mut consumer) = bounded(4);
        let bell = Doorbell::new();
        for item in 0..4 {
            producer.push(item).unwrap();
        }
        let _ = producer.publish();
        assert_eq!(consumer.pop(), Some(0));
        assert!(!consumer.release());
        let receiver = {
            let bell = bell.clone();
            thread::spawn(move || {
                assert_eq!(consumer.pop(), Some(1));
                bell.ring_if(consumer.release());
                consumer
            })
        };
        for item in 4..6 {
            while let Err(PushError::Full(_)) = producer.push(item) {
                bell.wait();
            }
        }
        drop(receiver.join().unwrap());
    });
}

/// The wake-up comes when the queue reopens, even if the consumer stops there.
#[test]
fn release_where_the_queue_reopens_is_enough() {
    model(|| {
        let (mut producer, mut consumer) = bounded(4);
        let bell = Doorbell::new();
        for item in 0..4 {
            producer.push(item).unwrap();
        }
        let _ = producer.publish();
        let receiver = {
            let bell = bell.clone();
            thread::spawn(move || {
                for item in 0..3 {
                    assert_eq!(consumer.pop(), Some(item));
                    bell.ring_if(consumer.release());
                }
                consumer
            })
        };
        for item in 4..6 {
            while let Err(PushError::Full(_)) = producer.push(item) {
                bell.wait();
            }
        }
        drop(receiver.join().unwrap());
    });
}

#[test]
fn chunks_go_round_while_both_ends_run() {
    model(|| {
        let (mut producer, mut consumer) = bounded(0);
        let sender = thread::spawn(move || {
            for item in 0..7 {
                producer.push(item).unwrap();
                let _ = producer.publish();
            }
            producer
        });
        let mut next = 0;
        for _ in 0..4 {
            if let Some(item) = consumer.pop() {
                assert_eq!(item, next);
                next += 1;
            }
        }
        let mut producer = sender.join().unwrap();
        while let Some(item) = consumer.pop() {
            assert_eq!(item, next);
            next += 1;
        }
        assert_eq!(next, 7);
        producer.push(7).unwrap();
    });
}

#[test]
fn close_of_the_producer_reaches_a_sleeping_consumer() {
    model(|| {
        let (mut producer, consumer) = bounded(0);
        let (consumers, producers) = (Doorbell::new(), Doorbell::new());
        let sender = {
            let consumers = consumers.clone();
            thread::spawn(move || {
                producer.push(1).unwrap();
                consumers.ring_if(producer.close());
            })
        };
        assert_eq!(receive(consumer, &consumers, &producers), [1]);
        sender.join().unwrap();
    });
}

#[test]
fn close_of_the_consumer_reaches_a_sleeping_producer() {
    model(|| {
        let drops = Drops::default();
        let (mut producer, mut consumer) = bounded(1);
        let bell = Doorbell::new();
        let receiver = {
            let bell = bell.clone();
            thread::spawn(move || {
                let popped = usize::from(consumer.pop().is_some());
                bell.ring_if(consumer.release());
                bell.ring_if(consumer.close());
                assert!(consumer.pop().is_none());
                (popped, consumer.discarded())
            })
        };
        let mut pushed = 0;
        let unsent = loop {
            match producer.push(drops.item()) {
                Ok(()) => pushed += 1,
                Err(PushError::Full(_)) => bell.wait(),
                Err(PushError::Closed(item)) => break item,
            }
            let _ = producer.publish();
        };
        let (popped, discarded) = receiver.join().unwrap();
        assert_eq!(pushed, popped + discarded as usize + producer.len());
        drop((producer, unsent));
        drops.check();
    });
}

#[test]
fn what_neither_end_took_is_dropped_once() {
    model(|| {
        let drops = Drops::default();
        let (mut producer, mut consumer) = bounded(0);
        let items: Vec<_> = (0..5).map(|_| drops.item()).collect();
        let sender = thread::spawn(move || {
            for item in items {
                if producer.push(item).is_err() {
                    break;
                }
                let _ = producer.publish();
            }
        });
        for _ in 0..3 {
            drop(consumer.pop());
        }
        drop(consumer);
        sender.join().unwrap();
        drops.check();
    });
}

#[test]
fn lowered_mark_loses_no_wake_up() {
    model(|| {
        let (mut producer, consumer) = bounded(6);
        let (consumers, producers) = (Doorbell::new(), Doorbell::new());
        for item in 1..=3 {
            producer.push(item).unwrap();
        }
        let _ = producer.publish();
        let sender = {
            let (consumers, producers) = (consumers.clone(), producers.clone());
            thread::spawn(move || {
                producer.set_high_water_mark(1);
                send(producer, 4..=4, 1, &consumers, &producers);
            })
        };
        let got = receive(consumer, &consumers, &producers);
        assert_eq!(got, [1, 2, 3, 4]);
        sender.join().unwrap();
    });
}

#[test]
fn limit_set_on_an_unlimited_queue_loses_no_wake_up() {
    model(|| {
        let (mut producer, consumer) = bounded(0);
        let (consumers, producers) = (Doorbell::new(), Doorbell::new());
        for item in 1..=2 {
            producer.push(item).unwrap();
        }
        let _ = producer.publish();
        let sender = {
            let (consumers, producers) = (consumers.clone(), producers.clone());
            thread::spawn(move || {
                producer.set_high_water_mark(2);
                send(producer, 3..=4, 1, &consumers, &producers);
            })
        };
        let got = receive(consumer, &consumers, &producers);
        assert_eq!(got, [1, 2, 3, 4]);
        sender.join().unwrap();
    });
}

#[test]
fn raised_mark_loses_no_wake_up() {
    model(|| {
        let (mut producer, consumer) = bounded(1);
        let (consumers, producers) = (Doorbell::new(), Doorbell::new());
        producer.push(1).unwrap();
        let _ = producer.publish();
        let sender = {
            let (consumers, producers) = (consumers.clone(), producers.clone());
            thread::spawn(move || {
                let _ = producer.has_room();
                producer.set_high_water_mark(2);
                send(producer, 2..=4, 1, &consumers, &producers);
            })
        };
        let got = receive(consumer, &consumers, &producers);
        assert_eq!(got, [1, 2, 3, 4]);
        sender.join().unwrap();
    });
}

#[test]
fn conflated_consumer_gets_the_newest_and_sleeps_safely() {
    model(|| {
        let (mut producer, mut consumer) = conflated();
        let bell = Doorbell::new();
        let sender = {
            let bell = bell.clone();
            thread::spawn(move || {
                for item in 1..=3 {
                    producer.push(item).unwrap();
                    bell.ring_if(producer.publish());
                }
                let replaced = producer.replaced();
                bell.ring_if(producer.close());
                replaced
            })
        };
        let (mut seen, mut newest) = (0, 0);
        while !consumer.is_finished() {
            match consumer.pop() {
                Some(item) => {
                    assert!(item > newest);
                    newest = item;
                    seen += 1;
                }
                None if consumer.is_finished() => break,
                None => bell.wait(),
            }
        }
        assert_eq!(newest, 3);
        assert_eq!(seen + sender.join().unwrap(), 3);
    });
}

/// Runs cross chunk borders, and the room they take opens again.
#[test]
fn runs_come_in_order_and_leave_their_room() {
    model(|| {
        let (mut producer, consumer) = bounded(4);
        let (consumers, producers) = (Doorbell::new(), Doorbell::new());
        let sender = {
            let (consumers, producers) = (consumers.clone(), producers.clone());
            thread::spawn(move || {
                for (item, n) in [(1, 1), (2, 3), (3, 2)] {
                    while producer.push_run(item, n).is_err() {
                        // What marks the producer is to find no room for one.
                        let full = producer.push(0);
                        if full.is_ok() {
                            continue;
                        }
                        consumers.ring_if(producer.publish());
                        producers.wait();
                    }
                    consumers.ring_if(producer.publish());
                }
                consumers.ring_if(producer.close());
            })
        };
        let got = receive(consumer, &consumers, &producers);
        let runs: Vec<usize> = got.into_iter().filter(|item| *item != 0).collect();
        assert_eq!(runs, [1, 2, 3]);
        sender.join().unwrap();
    });
}

#[test]
fn runs_left_over_are_dropped_once() {
    model(|| {
        let drops = Drops::default();
        let (mut producer, mut consumer) = bounded(0);
        let items = [drops.item(), drops.item()];
        let sender = thread::spawn(move || {
            for item in items {
                let _ = producer.push_run(item, 3);
                let _ = producer.publish();
            }
        });
        drop(consumer.pop());
        drop(consumer);
        sender.join().unwrap();
        drops.check();
    });
}

fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    if builder.preemption_bound.is_none() {
        builder.preemption_bound = Some(3);
    }
    builder.check(f);
}

/// One thread sends `items` numbers, the other receives them.
fn full_queue(high_water_mark: usize, items: usize) {
    model(move || {
        let (producer, consumer) = bounded(high_water_mark);
        let (consumers, producers) = (Doorbell::new(), Doorbell::new());
        let sender = {
            let (consumers, producers) = (consumers.clone(), producers.clone());
            thread::spawn(move || {
                send(producer, 1..=items, high_water_mark, &consumers, &producers);
            })
        };
        let got = receive(consumer, &consumers, &producers);
        assert_eq!(got, (1..=items).collect::<Vec<_>>());
        sender.join().unwrap();
    });
}

/// Sends in batches, sleeps when full, closes at the end.
fn send(
    mut producer: Producer<usize>,
    items: impl Iterator<Item = usize>,
    batch: usize,
    consumers: &Doorbell,
    producers: &Doorbell,
) {
    for (sent, item) in items.enumerate() {
        while let Err(error) = producer.push(item) {
            assert!(error.is_full());
            consumers.ring_if(producer.publish());
            producers.wait();
        }
        if (sent + 1) % batch == 0 {
            consumers.ring_if(producer.publish());
        }
    }
    consumers.ring_if(producer.close());
}

/// Pops until the end, sleeps when empty.
fn receive(
    mut consumer: Consumer<usize>,
    consumers: &Doorbell,
    producers: &Doorbell,
) -> Vec<usize> {
    let mut got = Vec::new();
    loop {
        match consumer.pop() {
            Some(item) => {
                got.push(item);
                producers.ring_if(consumer.release());
            }
            None if consumer.is_finished() => return got,
            None => consumers.wait(),
        }
    }
}

/// Wakes one sleeper; a ring before the wait counts.
#[derive(Clone)]
struct Doorbell(Arc<(Mutex<bool>, Condvar)>);

impl Doorbell {
    fn new() -> Self {
        Self(Arc::new((Mutex::new(false), Condvar::new())))
    }

    fn ring_if(&self, wake: bool) {
        if wake {
            *self.0.0.lock().unwrap() = true;
            self.0.1.notify_one();
        }
    }

    fn wait(&self) {
        let mut rung = self.0.0.lock().unwrap();
        while !*rung {
            rung = self.0.1.wait(rung).unwrap();
        }
        *rung = false;
    }
}

/// Counts items made and dropped.
#[derive(Default)]
struct Drops {
    made: StdArc<AtomicUsize>,
    dropped: StdArc<AtomicUsize>,
}

struct Counted(StdArc<AtomicUsize>);

impl Drops {
    fn item(&self) -> Counted {
        self.made.fetch_add(1, Relaxed);
        Counted(StdArc::clone(&self.dropped))
    }

    fn check(&self) {
        assert_eq!(self.made.load(Relaxed), self.dropped.load(Relaxed));
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}
