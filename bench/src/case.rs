//! What is measured.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::figures::Figures;
use crate::quantity::Quantity;

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    pub pattern: Pattern,
    pub transport: Transport,
    /// Bytes in a message.
    pub size: usize,
    /// Encrypted.
    #[serde(default)]
    pub curve: bool,
    /// Subscribers, topics or connections, where the pattern is about many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many: Option<u32>,
    /// From Python, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Style>,
}

/// How a program in Python sends and receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// Calls that wait.
    Blocking,
    /// Coroutines.
    Asyncio,
    /// NumPy arrays, not copied.
    Array,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// PUSH to PULL; messages a second at the receiver, from the first to the last.
    Throughput,
    /// REQ and REP; half a round trip.
    Latency,
    /// The same by libzmq's own programs, which know the mean only.
    MeanLatency,
    /// Two XPUBs through a proxy to a SUB.
    Proxy,
    /// As [`Self::Latency`], by threads that sleep at once.
    NoSpinLatency,
    /// As [`Self::Latency`], while other processes keep all processors busy.
    BusyLatency,
    /// PUB to many SUBs; messages published a second, each of which all get.
    Fanout,
    /// What it costs to publish when there are many subscriptions.
    Subscriptions,
    /// Many DEALERs to a ROUTER that sends back; round trips a second.
    Connections,
    /// Many connections on which nothing happens.
    Idle,
    /// A socket that waits in a receive.
    Blocked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Tcp,
    Ipc,
    Inproc,
}

/// What the programs of a run are told to do.
#[derive(Debug, Clone, Copy)]
pub enum Roles {
    /// Both sides are in one process.
    Alone(&'static str),
    /// Who binds, and who connects.
    Two(&'static str, &'static str),
}

/// Of messages, in throughput.
pub const SIZES: &[usize] = &[16, 64, 256, 1 << 10, 16 << 10, 128 << 10];

/// Of messages, by pattern and transport.
pub type Table = &'static [(Pattern, Transport, &'static [usize])];

const QUICK: Table = &[
    (
        Pattern::Throughput,
        Transport::Tcp,
        &[64, 1 << 10, 16 << 10],
    ),
    (
        Pattern::Throughput,
        Transport::Inproc,
        &[64, 1 << 10, 16 << 10],
    ),
    (Pattern::Latency, Transport::Tcp, &[64]),
];

const FULL: Table = &[
    (Pattern::Throughput, Transport::Tcp, SIZES),
    (Pattern::Throughput, Transport::Ipc, SIZES),
    (Pattern::Throughput, Transport::Inproc, SIZES),
    (Pattern::Latency, Transport::Tcp, &[64]),
    (Pattern::Latency, Transport::Ipc, &[64]),
    (Pattern::Latency, Transport::Inproc, &[64]),
];

/// The Rust library's cases of a quick or of a full run, in the order they are measured.
pub fn cases(quick: bool) -> impl Iterator<Item = Case> {
    all(if quick { QUICK } else { FULL })
}

/// The cases of a table.
pub fn all(table: Table) -> impl Iterator<Item = Case> {
    table.iter().flat_map(|&(pattern, transport, sizes)| {
        sizes
            .iter()
            .map(move |&size| Case::new(pattern, transport, size))
    })
}

impl Case {
    /// In the clear, and not from Python.
    pub const fn new(pattern: Pattern, transport: Transport, size: usize) -> Self {
        Self {
            pattern,
            transport,
            size,
            curve: false,
            many: None,
            python: None,
        }
    }

    /// Whether the name contains `part`; without one, always.
    pub fn is_called(&self, part: Option<&str>) -> bool {
        part.is_none_or(|part| self.to_string().contains(part))
    }

    pub fn roles(&self) -> Roles {
        use Pattern::{Fanout, Subscriptions, Throughput};
        match (self.pattern, self.transport) {
            (Subscriptions, _) => Roles::Alone("alone"),
            (Fanout, _) => Roles::Two("publish", "subscribe"),
            (Throughput, Transport::Inproc) => Roles::Alone("stream-inproc"),
            (Throughput, _) => Roles::Two("receive", "send"),
            (_, Transport::Inproc) => Roles::Alone("ask-inproc"),
            _ => Roles::Two("echo", "ask"),
        }
    }

    /// Of the shortest run that is worth a look.
    pub fn smallest_count(&self) -> u64 {
        match self.pattern {
            Pattern::Throughput | Pattern::Proxy if self.size >= 1 << 20 => 10,
            Pattern::Throughput | Pattern::Proxy => {
                ((16 << 20) / self.size).clamp(1000, 20_000) as u64
            }
            Pattern::Fanout => 2000,
            Pattern::Connections => 5000,
            _ => 500,
        }
    }

    /// What a run counts, where that is not found out by trying: messages, or seconds.
    pub fn fixed_count(&self) -> Option<u64> {
        match self.pattern {
            Pattern::Subscriptions => Some(200_000),
            Pattern::Idle | Pattern::Blocked => Some(3),
            _ => None,
        }
    }
}

impl Pattern {
    /// What the table shows; the first decides.
    pub fn quantities(self) -> &'static [Quantity] {
        use Quantity::*;
        match self {
            Self::Throughput | Self::Proxy => &[PerSecond, CpuSecondsPerMillion],
            Self::Latency | Self::NoSpinLatency => &[Median, P99, CpuSecondsPerMillion],
            Self::MeanLatency => &[Mean, CpuSecondsPerMillion],
            Self::BusyLatency => &[Median, P99, OthersLoss],
            Self::Fanout => &[PerSecond, CpuSecondsPerMillion],
            Self::Subscriptions => &[PublishNanos, PublishNanosUnmatched, BytesPerSubscription],
            Self::Connections => &[PerSecond, KibPerConnection, CpuSecondsPerMillion],
            Self::Idle | Self::Blocked => &[WakeUpsPerSecond, CpuMicrosPerSecond],
        }
    }

    /// Messages or round trips a second.
    pub fn rate(self, figures: &Figures) -> Option<f64> {
        let deciding = *self.quantities().first()?;
        let value = figures.value(deciding)?;
        Some(match deciding {
            Quantity::PerSecond => value,
            _ => 1e6 / (2.0 * value),
        })
    }

    fn text(self) -> &'static str {
        match self {
            Self::Throughput => "push-pull",
            Self::Latency => "req-rep",
            Self::NoSpinLatency => "req-rep without spinning",
            Self::MeanLatency => "mean req-rep",
            Self::Proxy => "proxy",
            Self::BusyLatency => "busy req-rep",
            Self::Fanout => "pub-sub",
            Self::Subscriptions => "subscriptions",
            Self::Connections => "connections",
            Self::Idle => "idle",
            Self::Blocked => "blocked",
        }
    }
}

impl Style {
    /// As `rows.py` and the table have it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Asyncio => "asyncio",
            Self::Array => "array",
        }
    }
}

impl Transport {
    /// As an endpoint begins.
    pub fn text(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
            Self::Inproc => "inproc",
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(style) = self.python {
            write!(f, "{} ", style.text())?;
        }
        let curve = if self.curve { " curve" } else { "" };
        let (transport, pattern) = (self.transport.text(), self.pattern.text());
        write!(f, "{transport}{curve} {pattern} ")?;
        match (self.pattern, self.many) {
            (Pattern::Blocked, _) => return write!(f, "in a receive"),
            (Pattern::Idle, Some(many)) => return write!(f, "{many} connections"),
            (Pattern::Fanout, Some(many)) => write!(f, "to {many}, ")?,
            (_, Some(many)) => write!(f, "{many}, ")?,
            (_, None) => {}
        }
        f.write_str(&size(self.size))
    }
}

/// `64 B`, `16 KiB`.
pub fn size(bytes: usize) -> String {
    match bytes {
        n if n >= 1 << 20 => format!("{} MiB", n >> 20),
        n if n >= 1 << 10 => format!("{} KiB", n >> 10),
        n => format!("{n} B"),
    }
}
