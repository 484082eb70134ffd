//! What one thread can see of a bounded queue.
#![cfg(not(loom))]

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use pipe::{Consumer, Producer, PushError, bounded};

#[test]
fn items_are_invisible_until_published_and_come_in_order() {
    let (mut producer, mut consumer) = bounded(0);
    for item in 0..1000 {
        producer.push(item).unwrap();
    }
    assert_eq!(consumer.pop(), None);
    assert_eq!((producer.len(), consumer.len()), (1000, 0));
    assert!(producer.publish(), "the consumer sleeps since the pop");
    assert_eq!((producer.len(), consumer.len()), (1000, 1000));
    for item in 0..1000 {
        assert_eq!(consumer.pop(), Some(item));
    }
    assert_eq!((producer.len(), consumer.len()), (0, 0));
}

#[test]
fn only_a_sleeping_consumer_is_woken_and_once() {
    let (mut producer, mut consumer) = bounded(0);
    assert!(!producer.publish(), "nothing to publish");
    producer.push(1).unwrap();
    assert!(!producer.publish(), "the consumer has not looked yet");
    assert!(consumer.has_items());
    assert_eq!(consumer.pop(), Some(1));
    assert!(consumer.is_empty_hint());
    producer.push(2).unwrap();
    assert!(!producer.publish(), "the hint marks nothing");
    assert_eq!(consumer.pop(), Some(2));
    assert!(!consumer.has_items());
    assert!(!consumer.has_items());
    assert!(!producer.publish(), "nothing to publish");
    producer.push(3).unwrap();
    assert!(producer.publish());
    producer.push(4).unwrap();
    assert!(!producer.publish(), "woken already");
}

#[test]
fn full_at_the_high_mark_and_open_at_each_half_of_it() {
    for high in 1..=70_usize {
        let mut popped = 0;
        let (mut producer, mut consumer) = bounded(high);
        assert_eq!(producer.high_water_mark(), high);
        for round in 0..5 {
            while producer.len() < high {
                producer.push(round).unwrap();
            }
            assert_eq!(producer.push(9), Err(PushError::Full(9)));
            assert!(!producer.has_room());
            let _ = producer.publish();
            let mut asleep = true;
            for left in (0..high).rev() {
                assert!(consumer.pop().is_some());
                popped += 1;
                let opens = asleep && popped % high.div_ceil(2) == 0;
                assert_eq!(consumer.release(), opens, "{left} left of {high}");
                asleep &= !opens;
            }
        }
    }
}

#[test]
fn producer_that_never_met_a_full_queue_is_not_woken() {
    let (mut producer, mut consumer) = bounded(4);
    for item in 0..100 {
        assert!(producer.has_room());
        producer.push(item).unwrap();
        let _ = producer.publish();
        assert_eq!(consumer.pop(), Some(item));
        assert!(!consumer.release());
    }
}

#[test]
fn room_found_withdraws_the_mark() {
    let (mut producer, mut consumer) = bounded(2);
    producer.push(1).unwrap();
    producer.push(2).unwrap();
    let _ = producer.publish();
    assert!(!producer.has_room());
    assert!(!producer.has_room_hint());
    assert_eq!(consumer.pop(), Some(1));
    assert!(producer.has_room_hint());
    assert!(producer.has_room(), "room is seen before it is released");
    assert!(!consumer.release(), "the producer does not sleep any more");
}

#[test]
fn unlimited_queue_never_fills() {
    let (mut producer, mut consumer) = bounded(0);
    assert_eq!(producer.high_water_mark(), 0);
    // Miri takes a thousand times as long.
    for item in 0..if cfg!(miri) { 1000 } else { 100_000 } {
        producer.push(item).unwrap();
    }
    let _ = producer.publish();
    while consumer.pop().is_some() {
        assert!(!consumer.release());
    }
    assert_eq!(producer.len(), 0);
}

#[test]
fn control_frames_pass_the_high_mark() {
    let (mut producer, mut consumer) = bounded(2);
    producer.push(1).unwrap();
    producer.push(2).unwrap();
    producer.push_over(3).unwrap();
    assert_eq!(producer.push(4), Err(PushError::Full(4)));
    let _ = producer.publish();
    assert_eq!(producer.len(), 3);
    assert_eq!(consumer.pop(), Some(1));
    assert!(!consumer.release(), "two left, open at one");
    assert_eq!(producer.push(4), Err(PushError::Full(4)));
    assert_eq!(consumer.pop(), Some(2));
    assert!(consumer.release());
}

#[test]
fn high_mark_changes_live() {
    let (mut producer, mut consumer) = bounded(2);
    producer.push(1).unwrap();
    producer.push(2).unwrap();
    assert!(!producer.has_room());
    producer.set_high_water_mark(3);
    producer.push(3).unwrap();
    assert!(producer.push(4).is_err());
    producer.set_high_water_mark(0);
    for item in 4..=40 {
        producer.push(item).unwrap();
    }
    producer.set_high_water_mark(10);
    assert!(!producer.has_room());
    let _ = producer.publish();
    for left in (0..40).rev() {
        assert!(consumer.pop().is_some());
        assert_eq!(consumer.release(), left == 5);
    }
}

/// What a consumer took that stopped in between makes room, whatever the
/// producer knew of it when it found the queue full.
#[test]
fn whole_steps_taken_are_room() {
    for early in 0..10 {
        let (mut producer, mut consumer) = bounded(10);
        let mut pushed = 0;
        let mut fill = |producer: &mut Producer<u32>| {
            while producer.push(pushed).is_ok() {
                pushed += 1;
            }
            let _ = producer.publish();
            pushed
        };
        fill(&mut producer);
        let mut woken = 0;
        for popped in 1..=23 {
            assert!(consumer.pop().is_some());
            // At first the producer looks again without being woken.
            if consumer.release() || popped == early {
                woken = fill(&mut producer);
            }
        }
        assert!(woken >= 30, "{woken} pushed, woken for the last time");
    }
}

/// A lowered mark may bring the wake-up late, but never later than on empty.
#[test]
fn mark_lowered_after_a_check_still_wakes() {
    let (mut producer, mut consumer) = bounded(1000);
    for item in 0..10 {
        producer.push(item).unwrap();
    }
    let _ = producer.publish();
    assert_eq!(consumer.pop(), Some(0));
    assert!(!consumer.release());
    producer.set_high_water_mark(4);
    assert!(!producer.has_room());
    let mut wakes = 0;
    while consumer.pop().is_some() {
        wakes += u32::from(consumer.release());
    }
    assert_eq!(wakes, 1);
}

#[test]
fn close_of_the_producer_publishes_and_ends() {
    let (mut producer, mut consumer) = bounded(1);
    assert_eq!(consumer.pop(), None);
    producer.push(1).unwrap();
    assert!(!consumer.is_finished());
    assert!(producer.close(), "the consumer sleeps");
    assert!(!producer.close());
    assert!(!producer.publish());
    assert_eq!(producer.push(2), Err(PushError::Closed(2)));
    assert_eq!(producer.push_over(2), Err(2));
    assert!(!producer.has_room());
    producer.set_high_water_mark(7);
    assert_eq!(producer.push(2), Err(PushError::Closed(2)));
    assert!(!consumer.is_finished());
    assert_eq!(consumer.pop(), Some(1));
    assert!(!consumer.release());
    assert_eq!(consumer.pop(), None);
    assert!(consumer.is_finished());
    assert!(!producer.is_closed());
}

#[test]
fn dropped_producer_ends_the_queue() {
    let (mut producer, mut consumer) = bounded(0);
    producer.push(1).unwrap();
    drop(producer);
    assert_eq!(consumer.pop(), Some(1));
    assert!(consumer.is_finished());
}

#[test]
fn close_of_the_consumer_refuses_and_wakes() {
    let (mut producer, mut consumer) = bounded(2);
    producer.push(1).unwrap();
    producer.push(2).unwrap();
    let _ = producer.publish();
    assert!(producer.push(3).is_err());
    assert!(!producer.is_closed());
    assert!(consumer.close(), "the producer sleeps");
    assert!(!consumer.close());
    assert_eq!(consumer.discarded(), 2);
    assert!(producer.is_closed());
    assert_eq!(producer.push(3), Err(PushError::Closed(3)));
    assert_eq!(producer.push_over(3), Err(3));
    assert!(!producer.has_room());
    assert!(!producer.has_room_hint());
    assert_eq!(consumer.pop(), None);
    assert!(!consumer.release());
}

#[test]
fn items_published_to_a_closed_consumer_are_not_delivered() {
    let (mut producer, mut consumer) = bounded(0);
    producer.push(1).unwrap();
    assert_eq!(consumer.pop(), None);
    assert!(!consumer.close());
    assert!(!producer.publish(), "nobody sleeps on a closed queue");
    assert_eq!(producer.len(), 1);
    assert!(!consumer.has_items());
    assert_eq!((consumer.discarded(), producer.len()), (1, 0));
    assert!(!consumer.is_finished());
    drop(producer);
    assert!(consumer.is_finished());
}

#[test]
fn items_are_dropped_once_wherever_they_are() {
    for pushed in [0, 1, 31, 32, 33, 64, 100, 200] {
        for popped in [0, 1, 31, 32, 33, 64, 99] {
            for producer_first in [true, false] {
                let item = Rc::new(());
                let (mut producer, mut consumer) = bounded(0);
                for n in 0..pushed {
                    producer.push(Rc::clone(&item)).unwrap();
                    if n < pushed * 2 / 3 {
                        let _ = producer.publish();
                    }
                }
                for _ in 0..popped {
                    drop(consumer.pop());
                }
                if producer_first {
                    drop(producer);
                    drop(consumer);
                } else {
                    drop(consumer);
                    drop(producer);
                }
                assert_eq!(
                    Rc::strong_count(&item),
                    1,
                    "{pushed} pushed, {popped} popped"
                );
            }
        }
    }
}

#[test]
fn items_of_any_size_pass() {
    let (mut producer, mut consumer) = bounded(0);
    for _ in 0..100 {
        producer.push(()).unwrap();
    }
    let _ = producer.publish();
    assert_eq!(std::iter::from_fn(|| consumer.pop()).count(), 100);

    #[derive(Debug, PartialEq, Clone, Copy)]
    #[repr(align(256))]
    struct Wide(u8);
    let (mut producer, mut consumer) = bounded(0);
    for n in 0..100 {
        producer.push(Wide(n)).unwrap();
    }
    let _ = producer.publish();
    for n in 0..100 {
        assert_eq!(consumer.pop(), Some(Wide(n)));
    }
}

#[test]
fn ends_can_change_threads() {
    fn is_send<T: Send>(_: &T) {}
    let (producer, consumer) = bounded::<Cell<u8>>(1);
    is_send(&producer);
    is_send(&consumer);
}

#[test]
fn ends_and_errors_print_without_their_items() {
    struct Silent;
    let (mut producer, consumer): (Producer<Silent>, Consumer<Silent>) = bounded(1);
    producer.push(Silent).unwrap();
    let error = producer.push(Silent).unwrap_err();
    assert_eq!(format!("{error:?}"), "Full(..)");
    assert_eq!(error.to_string(), "the queue is at its high-water mark");
    assert!(format!("{producer:?}").contains("len: 1"));
    assert!(format!("{consumer:?}").contains("len: 0"));
    let Silent = error.into_inner();
}

/// Panics when it is dropped, if it is to.
struct Loud {
    panics: bool,
    dropped: Rc<Cell<u64>>,
}

impl Drop for Loud {
    fn drop(&mut self) {
        self.dropped.set(self.dropped.get() + 1);
        assert!(!self.panics, "as it was told to");
    }
}

#[test]
fn an_item_that_panics_as_it_is_dropped_takes_no_other_along() {
    const ITEMS: u64 = 200;
    // In the first chunk, in a later one, in the last.
    for loud in [0, 100, ITEMS - 1] {
        let dropped = Rc::new(Cell::new(0));
        let (mut producer, consumer) = bounded(0);
        for number in 0..ITEMS {
            let item = Loud {
                panics: number == loud,
                dropped: Rc::clone(&dropped),
            };
            assert!(producer.push(item).is_ok());
        }
        let _ = producer.publish();
        let closed = catch_unwind(AssertUnwindSafe(|| drop(consumer)));
        assert!(closed.is_err());
        drop(producer);
        assert_eq!(dropped.get(), ITEMS);
    }
}

#[test]
fn a_run_is_one_item_that_counts_as_many() {
    let (mut producer, mut consumer) = bounded(100);
    assert_eq!(producer.room(), 100);
    producer.push("first").unwrap();
    producer.push_run("seventy", 70).unwrap();
    producer.push("last").unwrap();
    let _ = producer.publish();
    assert_eq!((producer.len(), consumer.len()), (72, 72));
    assert_eq!(producer.room(), 28);
    assert_eq!(producer.push_run("long", 29), Err(PushError::Full("long")));
    producer.push_run("just", 28).unwrap();
    assert_eq!(producer.push("more"), Err(PushError::Full("more")));
    assert_eq!(consumer.pop(), Some("first"));
    assert!(!consumer.release(), "not half of the mark");
    assert_eq!(consumer.pop(), Some("seventy"));
    assert!(consumer.release(), "more than half of it");
    assert_eq!(consumer.pop(), Some("last"));
    assert_eq!(consumer.pop(), None, "the rest is not published");
    let _ = producer.publish();
    assert_eq!(consumer.pop(), Some("just"));
    assert_eq!((producer.len(), consumer.len()), (0, 0));
    assert_eq!(producer.room(), 100);
    let _ = consumer.close();
    assert_eq!(producer.push_run("x", 2), Err(PushError::Closed("x")));
}

#[test]
fn runs_left_over_are_counted_and_dropped_once() {
    for read in 0..3 {
        for close in [false, true] {
            let item = Rc::new(());
            let (mut producer, mut consumer) = bounded(0);
            for n in [1, 33, 64, 5] {
                producer.push_run(Rc::clone(&item), n).unwrap();
            }
            let _ = producer.publish();
            let mut left = 103;
            for n in [1, 33, 64].into_iter().take(read) {
                drop(consumer.pop());
                left -= n;
            }
            assert_eq!(producer.len(), left);
            if close {
                let _ = consumer.close();
                assert_eq!(consumer.discarded(), left as u64);
            }
            drop((producer, consumer));
            assert_eq!(Rc::strong_count(&item), 1);
        }
    }
}

#[test]
fn a_peek_shows_what_a_pop_returns() {
    let (mut producer, mut consumer) = bounded(0);
    for item in 0..200 {
        producer.push(item).unwrap();
    }
    assert_eq!(consumer.peek(0), None, "not published");
    let _ = producer.publish();
    let mut shown = 0;
    for item in 0..200 {
        for ahead in 0..3 {
            if let Some(&peeked) = consumer.peek(ahead) {
                assert_eq!(peeked, item + ahead);
                shown += 1;
            }
        }
        assert_eq!(consumer.pop(), Some(item));
    }
    assert!(shown > 500);
    // The slots that a run counts for are empty.
    producer.push_run(7, 10).unwrap();
    producer.push(8).unwrap();
    let _ = producer.publish();
    while let Some(item) = consumer.pop() {
        assert!(item == 7 || item == 8);
        assert_eq!(consumer.peek(1), None);
    }
}

#[test]
fn a_run_is_popped_in_place_as_a_whole() {
    let (mut producer, mut consumer) = bounded(0);
    assert_eq!(consumer.pop(), None);
    // Published either way.
    for attended in [true, false] {
        if attended {
            consumer.attend();
        }
        for item in 0..20 {
            producer.push_run(item, 7).unwrap();
        }
        let _ = producer.publish();
        for item in 0..20 {
            assert_eq!(consumer.pop_in_place(|item| *item), Some(item));
            assert_eq!(consumer.len(), 7 * (19 - item));
        }
        assert_eq!(consumer.pop(), None);
    }
}

#[test]
fn what_is_popped_in_place_is_dropped_once() {
    let dropped = Rc::new(Cell::new(0));
    let (mut producer, mut consumer) = bounded(0);
    for _ in 0..100 {
        let item = Loud {
            panics: false,
            dropped: Rc::clone(&dropped),
        };
        assert!(producer.push(item).is_ok());
    }
    let _ = producer.publish();
    for number in 0..100 {
        let worked = catch_unwind(AssertUnwindSafe(|| {
            consumer.pop_in_place(|item| {
                assert_eq!(item.dropped.get(), number);
                assert!(number % 33 != 0, "some work fails");
                number
            })
        }));
        match number % 33 {
            0 => assert!(worked.is_err()),
            _ => assert_eq!(worked.ok(), Some(Some(number))),
        }
        assert_eq!(dropped.get(), number + 1);
    }
    assert!(consumer.pop_in_place(|_| ()).is_none());
    assert!(consumer.pop().is_none());
}

#[test]
fn an_item_that_panics_after_it_was_popped_in_place_is_gone() {
    let dropped = Rc::new(Cell::new(0));
    let (mut producer, mut consumer) = bounded(0);
    for panics in [true, false] {
        let dropped = Rc::clone(&dropped);
        assert!(producer.push(Loud { panics, dropped }).is_ok());
    }
    let _ = producer.publish();
    let popped = catch_unwind(AssertUnwindSafe(|| consumer.pop_in_place(|_| ())));
    assert!(popped.is_err());
    assert_eq!(consumer.len(), 1);
    assert!(consumer.pop_in_place(|_| ()).is_some());
    assert_eq!((dropped.get(), producer.len()), (2, 0));
    // The last there is.
    let last = Loud {
        panics: true,
        dropped: Rc::clone(&dropped),
    };
    assert!(producer.push(last).is_ok());
    let _ = producer.publish();
    let popped = catch_unwind(AssertUnwindSafe(|| consumer.pop_in_place(|_| ())));
    assert!(popped.is_err());
    drop((producer, consumer));
    assert_eq!(dropped.get(), 3);
}

#[test]
fn who_attends_is_not_woken_before_a_pop_finds_nothing() {
    let (mut producer, mut consumer) = bounded(2);
    assert_eq!(consumer.pop(), None);
    consumer.attend();
    for item in 0..100 {
        assert!(producer.push(item).is_ok());
        // Where the system has no such barrier the first one wakes.
        assert!(!producer.publish() || item == 0);
        assert_eq!((consumer.len(), consumer.is_empty_hint()), (1, false));
        assert_eq!(consumer.pop(), Some(item));
        assert!(!consumer.release());
        assert!(consumer.is_empty_hint());
    }
    assert_eq!(consumer.pop(), None);
    assert!(producer.push(100).is_ok());
    assert!(producer.publish());
    assert_eq!(consumer.pop(), Some(100));
    // Known from then on: it is not found a second time.
    assert!(consumer.is_empty_hint());
    assert_eq!((consumer.len(), consumer.pop()), (0, None));
    assert!(producer.close());
    assert!(consumer.is_finished());
}

#[test]
fn what_was_published_to_who_attended_is_dropped_with_the_ends() {
    let dropped = Rc::new(Cell::new(0));
    let (mut producer, mut consumer) = bounded(0);
    consumer.attend();
    for _ in 0..40 {
        let item = Loud {
            panics: false,
            dropped: Rc::clone(&dropped),
        };
        assert!(producer.push(item).is_ok());
        let _ = producer.publish();
    }
    drop(consumer.pop());
    drop(consumer);
    assert_eq!(dropped.get(), 40);
    drop(producer);
    assert_eq!(dropped.get(), 40);
}
