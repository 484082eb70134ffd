//! One side of one run, as a process of its own.

use std::io::{Write, stdout};
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;

#[cfg(feature = "zincmq")]
use crate::fanout;
use crate::figures::Figures;
use crate::library::{self, Job, Name};
use crate::machine;
use crate::quantity::Quantity;

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    Receive,
    Send,
    Echo,
    Ask,
    StreamInproc,
    AskInproc,
    /// ZincMQ only.
    #[cfg(feature = "zincmq")]
    Publish,
    #[cfg(feature = "zincmq")]
    Subscribe,
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
    /// Threads that wait sleep at once
    #[arg(long)]
    pub sleep: bool,
    /// Subscribers
    #[arg(long, default_value_t = 1)]
    pub many: u32,
}

/// Plays the role and prints `ENDPOINT …`, where it binds, and `FINDING …`.
pub fn play(arguments: &Arguments) -> Result<()> {
    let job = Job {
        endpoint: arguments.endpoint.clone(),
        size: arguments.size,
        count: arguments.count,
        verify: arguments.verify,
    };
    let library = library::open(arguments.library, arguments.sleep)?;
    let mut announce = |endpoint: &str| say(&format!("ENDPOINT {endpoint}"));
    let mut finding = match arguments.role {
        Role::Receive => seconds(library.receive(&job, &mut announce)?),
        Role::Send => library.send(&job).map(|()| Figures::default())?,
        Role::Echo => library
            .echo(&job, &mut announce)
            .map(|()| Figures::default())?,
        Role::Ask => summary(&library.ask(&job)?),
        Role::StreamInproc => seconds(library.stream_inproc(&job)?),
        Role::AskInproc => summary(&library.ask_inproc(&job)?),
        #[cfg(feature = "zincmq")]
        Role::Publish => fanout::publish(&job, &mut announce).map(|()| Figures::default())?,
        #[cfg(feature = "zincmq")]
        Role::Subscribe => seconds(fanout::subscribe(&job, arguments.many)?),
    };
    // Whatever is still queued goes out here, and counts.
    drop(library);
    finding.set(Quantity::CpuSeconds, machine::cpu_seconds("self")?);
    say(&format!("FINDING {}", serde_json::to_string(&finding)?))
}

fn say(line: &str) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

fn seconds(elapsed: Duration) -> Figures {
    Figures::default().with(Quantity::Seconds, elapsed.as_secs_f64())
}

fn summary(nanos: &Histogram<u64>) -> Figures {
    let micros = |nanos: u64| nanos as f64 / 1000.0;
    Figures::default()
        .with(Quantity::Median, micros(nanos.value_at_quantile(0.5)))
        .with(Quantity::P99, micros(nanos.value_at_quantile(0.99)))
        .with(Quantity::Max, micros(nanos.max()))
        .with(Quantity::Mean, nanos.mean() / 1000.0)
}
