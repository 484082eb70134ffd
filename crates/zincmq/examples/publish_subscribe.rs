//! Publish and subscribe (PUB and SUB): each subscriber gets what starts with
//! a prefix it asked for.
//!
//! Run with `cargo run --example publish_subscribe`.

use std::error::Error;
use std::thread;

fn main() -> Result<(), Box<dyn Error>> {
    let ctx = zincmq::Context::new();

    // An XPUB is a PUB that is told of its subscribers, so that this example
    // can wait for them. A PUB sends to whoever is there, be it nobody.
    let publisher = zincmq::xpub(&ctx)?;
    let endpoint = publisher.bind("tcp://127.0.0.1:*")?;

    let mut subscribers = Vec::new();
    for city in ["oslo", "rome"] {
        let subscriber = zincmq::sub(&ctx)?;
        subscriber.subscribe(city)?;
        subscriber.connect(&endpoint)?;
        subscribers.push(thread::spawn(move || -> Result<(), zincmq::Error> {
            for _ in 0..2 {
                // The first part is what was subscribed to, the rest is free.
                let report = subscriber.recv()?;
                println!("{}: {}", report[0].to_text(), report[1].to_text());
            }
            Ok(())
        }));
    }
    for _ in &subscribers {
        // `\x01` and the prefix.
        publisher.recv()?;
    }

    for (city, weather) in [
        ("oslo", "snow"),
        ("paris", "nobody hears of this"),
        ("rome", "sun"),
        ("oslo", "more snow"),
        ("rome", "more sun"),
    ] {
        publisher.send([city, weather])?;
    }

    for subscriber in subscribers {
        subscriber.join().expect("a subscriber does not panic")?;
    }
    Ok(())
}
