//! One side of one run, as a process of its own.

use std::io::{Write, stdout};
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::library::{self, Job, Name};
use crate::machine;

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    Receive,
    Send,
    Echo,
    Ask,
    StreamInproc,
    AskInproc,
}

/// A role and its parameters.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    pub library: Name,
    pub role: Role,
    pub endpoint: String,
    pub size: usize,
    pub count: u64,
    #[arg(long)]
    pub verify: bool,
}

/// What a process found out; printed as its last line.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Finding {
    /// From the first message to the last.
    pub seconds: Option<f64>,
    /// One way, in microseconds.
    pub latency: Option<Latency>,
    /// Processor time of the process, user and system.
    pub cpu_seconds: f64,
}

/// Of one run, one way, in microseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Latency {
    pub median: f64,
    pub p99: f64,
    pub max: f64,
}

/// Plays the role and prints `ENDPOINT …`, where it binds, and `FINDING …`.
pub fn play(arguments: &Arguments) -> Result<()> {
    let job = Job {
        endpoint: arguments.endpoint.clone(),
        size: arguments.size,
        count: arguments.count,
        verify: arguments.verify,
    };
    let library = library::open(arguments.library)?;
    let mut announce = |endpoint: &str| say(&format!("ENDPOINT {endpoint}"));
    let mut finding = Finding::default();
    match arguments.role {
        Role::Receive => finding.seconds = Some(seconds(library.receive(&job, &mut announce)?)),
        Role::Send => library.send(&job)?,
        Role::Echo => library.echo(&job, &mut announce)?,
        Role::Ask => finding.latency = Some(summary(&library.ask(&job)?)),
        Role::StreamInproc => finding.seconds = Some(seconds(library.stream_inproc(&job)?)),
        Role::AskInproc => finding.latency = Some(summary(&library.ask_inproc(&job)?)),
    }
    // Whatever is still queued goes out here, and counts.
    drop(library);
    finding.cpu_seconds = machine::cpu_seconds("self")?;
    say(&format!("FINDING {}", serde_json::to_string(&finding)?))
}

fn say(line: &str) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

fn seconds(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64()
}

fn summary(nanos: &Histogram<u64>) -> Latency {
    let micros = |nanos: u64| nanos as f64 / 1000.0;
    Latency {
        median: micros(nanos.value_at_quantile(0.5)),
        p99: micros(nanos.value_at_quantile(0.99)),
        max: micros(nanos.max()),
    }
}
