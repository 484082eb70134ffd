//! An exclusive pair (PAIR): two threads that talk to each other, and to
//! nobody else.
//!
//! Run with `cargo run --example pair`.

use std::error::Error;
use std::thread;
use std::time::Duration;

use zincmq::error::RecvError;

fn main() -> Result<(), Box<dyn Error>> {
    let ctx = zincmq::Context::new();

    // Over inproc nothing is copied and no thread is started.
    let here = zincmq::pair(&ctx)?;
    here.bind("inproc://pair")?;
    let there = zincmq::pair(&ctx)?;
    there.connect("inproc://pair")?;

    let working = thread::spawn(move || -> Result<(), zincmq::Error> {
        for step in 1..=3 {
            there.send(["step".to_owned(), step.to_string()])?;
        }
        // Waits until it may go.
        there.recv()?;
        Ok(())
    });

    loop {
        // A receive can wait for ever, for some time, or not at all.
        match here.recv_timeout(Duration::from_millis(100)) {
            Ok(news) => println!("{} {}", news[0].to_text(), news[1].to_text()),
            Err(RecvError::TimedOut) => break,
            Err(error) => return Err(error.into()),
        }
    }
    here.send("you may go")?;
    working.join().expect("the worker does not panic")?;
    Ok(())
}
