//! A pipeline (PUSH and PULL): work is handed out to workers in turn, and the
//! results are gathered as they come.
//!
//! Run with `cargo run --example pipeline`.

use std::error::Error;
use std::thread;

const TASKS: u64 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let ctx = zincmq::Context::new();

    // A builder sets options first. A full queue of 10 holds `send` up, so
    // that work is not made faster than it is done.
    let work = zincmq::Push::builder(&ctx)
        .send_high_water_mark(10)
        .bind("inproc://work")?;
    let results = zincmq::pull(&ctx)?;
    results.bind("inproc://results")?;

    let mut workers = Vec::new();
    for _ in 0..3 {
        let work = zincmq::pull(&ctx)?;
        work.connect("inproc://work")?;
        let results = zincmq::push(&ctx)?;
        results.connect("inproc://results")?;
        workers.push(thread::spawn(move || -> Result<(), zincmq::Error> {
            loop {
                let task = work.recv()?;
                let Ok(n) = task.first()[..].try_into().map(u64::from_le_bytes) else {
                    // Anything else means that there is no more to do.
                    return Ok(());
                };
                results.send((n * n).to_le_bytes())?;
            }
        }));
    }

    let adding = thread::spawn(move || -> Result<u64, zincmq::Error> {
        let mut sum = 0;
        for _ in 0..TASKS {
            let square = results.recv()?;
            sum += square.first()[..].try_into().map_or(0, u64::from_le_bytes);
        }
        Ok(sum)
    });

    for n in 1..=TASKS {
        work.send(n.to_le_bytes())?;
    }
    println!(
        "the sum of the squares to {TASKS} is {}",
        adding.join().expect("adding does not panic")?
    );

    for _ in &workers {
        work.send("done")?;
    }
    for worker in workers {
        worker.join().expect("a worker does not panic")?;
    }
    Ok(())
}
