//! Nanoseconds a 64-byte item takes through a pipe.
//!
//! `cargo run --release -p zincmq-pipe --example pipe_speed`

use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

/// As big as a message.
type Item = [u64; 8];

const ITEMS: u64 = 20_000_000;

fn main() {
    println!(
        "one thread, push + publish + pop          {:6.1} ns",
        best(ping_pong)
    );
    println!(
        "one thread, the same + release            {:6.1} ns",
        best(with_release)
    );
    for batch in [16, 500] {
        let ns = best(|| batches(batch));
        println!("one thread, batches of {batch:<3}                {ns:6.1} ns");
    }
    for (high_water_mark, batch) in [(1000, 1), (1000, 16), (0, 1), (0, 16)] {
        let ns = best(|| two_threads(high_water_mark, batch));
        println!("two threads, HWM {high_water_mark:<4}, published by {batch:<3}   {ns:6.1} ns");
    }
}

/// The best of three runs, per item.
fn best(run: impl Fn() -> Duration) -> f64 {
    let best = (0..3).map(|_| run()).min().unwrap_or_default();
    best.as_nanos() as f64 / ITEMS as f64
}

fn ping_pong() -> Duration {
    let (mut producer, mut consumer) = pipe::bounded(0);
    let start = Instant::now();
    for number in 0..ITEMS {
        let _ = producer.push(black_box([number; 8]));
        let _ = black_box(producer.publish());
        black_box(consumer.pop());
    }
    start.elapsed()
}

fn with_release() -> Duration {
    let (mut producer, mut consumer) = pipe::bounded(1000);
    let start = Instant::now();
    for number in 0..ITEMS {
        let _ = producer.push(black_box([number; 8]));
        let _ = black_box(producer.publish());
        black_box(consumer.pop());
        let _ = black_box(consumer.release());
    }
    start.elapsed()
}

fn batches(batch: u64) -> Duration {
    let (mut producer, mut consumer) = pipe::bounded(1000);
    let start = Instant::now();
    for number in 0..ITEMS / batch {
        for _ in 0..batch {
            let _ = producer.push(black_box([number; 8]));
        }
        let _ = black_box(producer.publish());
        for _ in 0..batch {
            black_box(consumer.pop());
            let _ = black_box(consumer.release());
        }
    }
    start.elapsed()
}

/// The consumer spins and then parks; the producer parks when full.
fn two_threads(high_water_mark: usize, batch: u64) -> Duration {
    let (mut producer, mut consumer) = pipe::bounded(high_water_mark);
    let start = Instant::now();
    let sender_thread = thread::current();
    let receiver = thread::spawn(move || {
        let mut got = 0;
        while got < ITEMS {
            match consumer.pop() {
                Some(item) => {
                    black_box::<Item>(item);
                    got += 1;
                    if consumer.release() {
                        sender_thread.unpark();
                    }
                }
                None => {
                    for _ in 0..1000 {
                        if !consumer.is_empty_hint() {
                            break;
                        }
                        std::hint::spin_loop();
                    }
                    if !consumer.has_items() {
                        thread::park();
                    }
                }
            }
        }
    });
    for number in 0..ITEMS {
        while producer.push(black_box([number; 8])).is_err() {
            if producer.publish() {
                receiver.thread().unpark();
            }
            thread::park();
        }
        if (number + 1) % batch == 0 && producer.publish() {
            receiver.thread().unpark();
        }
    }
    if producer.publish() {
        receiver.thread().unpark();
    }
    let _ = receiver.join();
    start.elapsed()
}
