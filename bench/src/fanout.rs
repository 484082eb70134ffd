//! PUB to many SUBs through the Rust API, as `c/fanout.c` does it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use zincmq::{Context, Message, Socket, SocketType, opt};

use crate::library::{Announce, Job};

/// The number of what is published first, until every subscription is in force.
const PROBE: u64 = u64::MAX;
/// How often that is.
const PAUSE: Duration = Duration::from_millis(10);
/// So many messages are taken from one subscriber before it is the next one's turn.
const TURN: u64 = 100;

/// Publishes `job.count` messages, none of which any subscriber misses.
pub fn publish(job: &Job, announce: Announce) -> Result<()> {
    let context = Context::new();
    let publisher = context.socket(SocketType::Pub)?;
    publisher.set(opt::XpubNoDrop(true))?;
    let news = context.socket(SocketType::Pull)?;
    let endpoint = publisher.bind(&job.endpoint)?;
    let news_endpoint = news.bind("tcp://127.0.0.1:*")?;
    announce(&format!("{endpoint};{news_endpoint}"))?;
    let mut bytes = vec![0; job.size];
    loop {
        publisher.send(numbered(&mut bytes, PROBE))?;
        thread::sleep(PAUSE);
        if news.try_recv().is_ok() {
            break;
        }
    }
    for number in 0..job.count {
        publisher.send(numbered(&mut bytes, number))?;
    }
    news.recv()?;
    Ok(())
}

/// `many` subscribers, each of which gets all messages; from the first of the first one to the
/// last of the last one.
pub fn subscribe(job: &Job, many: u32) -> Result<Duration> {
    let (endpoint, news_endpoint) = job.endpoint.split_once(';').context("two endpoints")?;
    let context = Context::new();
    let news = context.socket(SocketType::Push)?;
    news.connect(news_endpoint)?;
    let mut subscribers = Vec::new();
    for _ in 0..many {
        let subscriber = context.socket(SocketType::Sub)?;
        subscriber.subscribe("")?;
        subscriber.connect(endpoint)?;
        subscribers.push(subscriber);
    }
    for subscriber in &subscribers {
        if number(subscriber, job.size)? != PROBE {
            bail!("something came before the first message");
        }
    }
    news.send("ready")?;

    let mut start = None;
    let mut done = 0;
    while done < job.count {
        let end = job.count.min(done + TURN);
        for subscriber in &subscribers {
            for expected in done..end {
                let mut found = PROBE;
                while found == PROBE {
                    found = number(subscriber, job.size)?;
                }
                if found != expected {
                    bail!("message {found} came instead of {expected}");
                }
                start.get_or_insert_with(Instant::now);
            }
        }
        done = end;
    }
    let elapsed = start.map(|start| start.elapsed()).unwrap_or_default();
    news.send("done")?;
    Ok(elapsed)
}

/// It begins with the number, as far as there is room.
fn numbered(bytes: &mut [u8], number: u64) -> Message {
    let number = number.to_ne_bytes();
    let len = bytes.len().min(number.len());
    bytes[..len].copy_from_slice(&number[..len]);
    Message::copy_from_slice(bytes)
}

fn number(subscriber: &Socket, size: usize) -> Result<u64> {
    let message = subscriber.recv()?;
    let bytes = message.first();
    if bytes.len() != size {
        bail!("a message of {} bytes, expected {size}", bytes.len());
    }
    let mut number = [0; 8];
    let len = bytes.len().min(number.len());
    number[..len].copy_from_slice(&bytes[..len]);
    Ok(u64::from_ne_bytes(number))
}
