//! Several sockets, and a descriptor that is none, waited for at once.
//!
//! Run with `cargo run --example poller`.

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use zincmq::{Poller, Readiness};

const TASKS: usize = 0;
const WEATHER: usize = 1;
const STOP: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let ctx = zincmq::Context::new();
    let tasks = zincmq::pull(&ctx)?;
    let weather = zincmq::sub(&ctx)?;
    weather.subscribe("")?;
    let tasks_at = tasks.bind("tcp://127.0.0.1:*")?;
    let weather_at = weather.bind("tcp://127.0.0.1:*")?;
    let (mut stop, mut stopped) = UnixStream::pair()?;

    let sending = thread::spawn(move || -> Result<(), zincmq::Error> {
        let work = zincmq::push(&ctx)?;
        work.connect(&tasks_at)?;
        let station = zincmq::xpub(&ctx)?;
        station.connect(&weather_at)?;
        // Its subscriber is there.
        station.recv()?;
        for n in 0..3 {
            work.send(format!("task {n}"))?;
            station.send(format!("{} degrees", 20 + n))?;
            thread::sleep(Duration::from_millis(50));
        }
        let _ = stop.write_all(b"!");
        Ok(())
    });

    let poller = Poller::new()?;
    poller.add(&tasks, TASKS, Readiness::READABLE)?;
    poller.add(&weather, WEATHER, Readiness::READABLE)?;
    poller.add_fd(&stopped, STOP, Readiness::READABLE)?;

    let mut running = true;
    while running {
        // Tells of all that is ready, again and again until it is seen to.
        for event in poller.wait(Some(Duration::from_secs(5)))? {
            match event.key {
                TASKS => println!("work: {}", tasks.recv()?.first().to_text()),
                WEATHER => println!("weather: {}", weather.recv()?.first().to_text()),
                _ => {
                    stopped.read_exact(&mut [0])?;
                    running = false;
                }
            }
        }
    }
    sending.join().expect("sending does not panic")?;
    Ok(())
}
