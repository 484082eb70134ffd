//! What one thread can see of a queue that keeps the newest item only.
#![cfg(not(loom))]

use std::rc::Rc;

use pipe::{PushError, conflated};

#[test]
fn only_the_newest_is_delivered_and_the_others_are_counted() {
    let (mut producer, mut consumer) = conflated();
    for item in 0..5 {
        producer.push(item).unwrap();
    }
    assert_eq!(consumer.len(), 0);
    assert!(!producer.publish(), "the consumer has not looked yet");
    assert_eq!((producer.len(), consumer.len()), (1, 1));
    producer.push(5).unwrap();
    assert_eq!(producer.len(), 2);
    assert!(!producer.publish());
    assert_eq!(producer.replaced(), 5);
    assert!(consumer.has_items());
    assert_eq!(consumer.pop(), Some(5));
    assert!(!consumer.release());
    assert_eq!(consumer.pop(), None);
    assert!(consumer.is_empty_hint());
    producer.push_over(6).unwrap();
    assert!(producer.publish(), "the consumer sleeps");
    producer.push(7).unwrap();
    assert!(!producer.publish(), "woken already");
    assert_eq!(consumer.pop(), Some(7));
    assert_eq!((producer.len(), producer.replaced()), (0, 6));
}

#[test]
fn never_full_whatever_the_mark() {
    let (mut producer, _consumer) = conflated();
    producer.set_high_water_mark(3);
    assert_eq!(producer.high_water_mark(), 1);
    for item in 0..10 {
        assert!(producer.has_room() && producer.has_room_hint());
        producer.push(item).unwrap();
        let _ = producer.publish();
    }
}

#[test]
fn close_of_the_producer_publishes_and_ends() {
    let (mut producer, mut consumer) = conflated();
    assert!(!consumer.has_items());
    producer.push(1).unwrap();
    assert!(producer.close(), "the consumer sleeps");
    assert!(!producer.close());
    assert_eq!(producer.push(2), Err(PushError::Closed(2)));
    assert!(!producer.has_room());
    assert!(!consumer.is_finished());
    assert_eq!(consumer.pop(), Some(1));
    assert!(consumer.is_finished());
    assert_eq!(consumer.pop(), None);
}

#[test]
fn close_of_the_consumer_refuses() {
    let (mut producer, mut consumer) = conflated();
    producer.push(1).unwrap();
    let _ = producer.publish();
    producer.push(2).unwrap();
    assert!(!consumer.close(), "a conflated producer never sleeps");
    assert_eq!(consumer.discarded(), 1);
    assert!(!producer.publish());
    assert_eq!(producer.len(), 1);
    assert!(producer.is_closed());
    assert_eq!(producer.push(3), Err(PushError::Closed(3)));
    assert_eq!(producer.push_over(3), Err(3));
    assert_eq!(consumer.pop(), None);
    drop(producer);
    assert!(consumer.is_finished());
}

#[test]
fn items_are_dropped_once() {
    let item = Rc::new(());
    let (mut producer, mut consumer) = conflated();
    for _ in 0..3 {
        producer.push(Rc::clone(&item)).unwrap();
        let _ = producer.publish();
    }
    assert_eq!(Rc::strong_count(&item), 2);
    drop(consumer.pop());
    assert_eq!(Rc::strong_count(&item), 1);
    producer.push(Rc::clone(&item)).unwrap();
    let _ = producer.publish();
    producer.push(Rc::clone(&item)).unwrap();
    drop((producer, consumer));
    assert_eq!(Rc::strong_count(&item), 1);
}
