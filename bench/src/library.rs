//! What can be measured, and what each must be able to do.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::case::{Case, Pattern, Transport};
use crate::plain::Plain;
use crate::sockets::{Libzmq, Sockets};

/// The contenders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Name {
    #[cfg(feature = "zincmq")]
    Zincmq,
    Libzmq,
    /// Plain sockets: 64 KiB writes, or a blocking ping-pong.
    Raw,
    /// Plain sockets whose reader looks for up to 20 µs before it sleeps.
    RawSpin,
}

/// One run's parameters.
#[derive(Debug, Clone)]
pub struct Job {
    pub endpoint: String,
    /// Bytes in a message.
    pub size: usize,
    /// Messages, or round trips.
    pub count: u64,
    /// Whether each message has its own content, compared at the receiver.
    pub verify: bool,
}

/// Tells the other process where to connect to.
pub type Announce<'a> = &'a mut dyn FnMut(&str) -> Result<()>;

/// One side of each kind of run.
pub trait Library {
    /// Binds, announces, receives `count` messages; the time from the first to the last.
    fn receive(&self, job: &Job, announce: Announce) -> Result<Duration>;
    /// Connects and sends `count` messages; returns when none of them can be lost any more.
    fn send(&self, job: &Job) -> Result<()>;
    /// Binds, announces, sends `count` messages back.
    fn echo(&self, job: &Job, announce: Announce) -> Result<()>;
    /// Connects and makes `count` round trips; halves of their times in nanoseconds.
    fn ask(&self, job: &Job) -> Result<Histogram<u64>>;
    /// Sender and receiver as two threads; as [`receive`](Self::receive).
    fn stream_inproc(&self, job: &Job) -> Result<Duration>;
    /// Both sides as two threads; as [`ask`](Self::ask).
    fn ask_inproc(&self, job: &Job) -> Result<Histogram<u64>>;
}

/// Who takes part, the subject first.
pub fn for_case(case: Case) -> Vec<Name> {
    let mut names = Vec::new();
    #[cfg(feature = "zincmq")]
    names.push(Name::Zincmq);
    names.push(Name::Libzmq);
    names.extend(plain(case));
    names
}

/// Plain sockets, where they can do the case.
pub fn plain(case: Case) -> &'static [Name] {
    match (case.transport, case.pattern) {
        (Transport::Inproc, _) => &[],
        _ if case.curve => &[],
        (_, Pattern::Throughput) => &[Name::Raw],
        (_, Pattern::NoSpinLatency) => &[Name::Raw],
        (_, Pattern::Latency | Pattern::MeanLatency | Pattern::BusyLatency) => {
            &[Name::Raw, Name::RawSpin]
        }
        _ => &[],
    }
}

/// The contender called `name`. Where that can be told, its threads `sleep` at once.
pub fn open(name: Name, sleep: bool) -> Result<Box<dyn Library>> {
    Ok(match name {
        #[cfg(feature = "zincmq")]
        Name::Zincmq => Box::new(Sockets(crate::sockets::Zincmq::new(sleep))),
        Name::Libzmq => Box::new(Sockets(Libzmq::new()?)),
        Name::Raw => Box::new(Plain { spin: None }),
        Name::RawSpin => Box::new(Plain {
            spin: Some(Duration::from_micros(20)),
        }),
    })
}

impl Name {
    /// As the table shows it.
    pub fn text(self) -> &'static str {
        match self {
            #[cfg(feature = "zincmq")]
            Self::Zincmq => "zincmq",
            Self::Libzmq => "libzmq",
            Self::Raw => "raw",
            Self::RawSpin => "raw-spin",
        }
    }
}

/// Measures from the first message to the last.
#[derive(Debug, Default)]
pub struct Stopwatch {
    first: Option<Instant>,
}

impl Stopwatch {
    /// A message is here; only the first counts.
    pub fn start(&mut self) {
        self.first.get_or_insert_with(Instant::now);
    }

    /// The last message is here.
    pub fn stop(self) -> Duration {
        self.first.map(|first| first.elapsed()).unwrap_or_default()
    }
}

/// Times of round trips, halved, in nanoseconds.
pub struct Latencies(Histogram<u64>);

impl Latencies {
    /// Up to ten seconds, three digits.
    pub fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, 10_000_000_000, 3)?))
    }

    /// Runs `trip` some times untimed and then `job.count` times.
    pub fn measure(
        mut self,
        job: &Job,
        mut trip: impl FnMut(u64) -> Result<()>,
    ) -> Result<Histogram<u64>> {
        let warm_up = warm_up(job);
        for seq in 0..warm_up + job.count {
            let start = Instant::now();
            trip(seq)?;
            if seq >= warm_up {
                let half = start.elapsed().as_nanos() / 2;
                self.0
                    .saturating_record(half.try_into().unwrap_or(u64::MAX));
            }
        }
        Ok(self.0)
    }
}

/// Round trips before the first that counts.
pub fn warm_up(job: &Job) -> u64 {
    (job.count / 10).min(1000)
}

/// Fills `buffer` with the content of message `seq`.
pub fn fill(buffer: &mut [u8], seq: u64) {
    for (i, byte) in buffer.iter_mut().enumerate() {
        *byte = (seq as usize).wrapping_mul(31).wrapping_add(i * 7) as u8;
    }
}

/// Compares `bytes` with message `seq`, where the job asks for it; the size always.
pub fn check(job: &Job, bytes: &[u8], seq: u64) -> Result<()> {
    if bytes.len() != job.size {
        bail!(
            "message {seq}: {} bytes, expected {}",
            bytes.len(),
            job.size
        );
    }
    if job.verify {
        let mut expected = vec![0; job.size];
        fill(&mut expected, seq);
        if bytes != expected {
            bail!("message {seq}: wrong content");
        }
    }
    Ok(())
}
