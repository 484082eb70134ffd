//! What is measured.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

use crate::figures::Figures;
use crate::quantity::Quantity;

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Case {
    pub pattern: Pattern,
    pub transport: Transport,
    /// Bytes in a message.
    pub size: usize,
    /// Encrypted.
    pub curve: bool,
    /// From Python, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub python: Option<Style>,
}

/// How a program in Python sends and receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// Calls that wait.
    Blocking,
    /// Coroutines.
    Asyncio,
    /// NumPy arrays, not copied.
    Array,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Tcp,
    Ipc,
    Inproc,
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
            python: None,
        }
    }

    /// Whether the name contains `part`; without one, always.
    pub fn is_called(&self, part: Option<&str>) -> bool {
        part.is_none_or(|part| self.to_string().contains(part))
    }

    /// Of the shortest run that is worth a look.
    pub fn smallest_count(&self) -> u64 {
        match self.pattern {
            Pattern::Throughput | Pattern::Proxy if self.size >= 1 << 20 => 10,
            Pattern::Throughput | Pattern::Proxy => {
                ((16 << 20) / self.size).clamp(1000, 20_000) as u64
            }
            Pattern::Latency | Pattern::MeanLatency => 500,
        }
    }
}

impl Pattern {
    /// What the table shows; the first decides.
    pub fn quantities(self) -> &'static [Quantity] {
        use Quantity::*;
        match self {
            Self::Throughput | Self::Proxy => &[PerSecond, CpuSecondsPerMillion],
            Self::Latency => &[Median, P99, CpuSecondsPerMillion],
            Self::MeanLatency => &[Mean, CpuSecondsPerMillion],
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
            Self::MeanLatency => "mean req-rep",
            Self::Proxy => "proxy",
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
        match self.size {
            size if size >= 1 << 20 => write!(f, "{} MiB", size >> 20),
            size if size >= 1 << 10 => write!(f, "{} KiB", size >> 10),
            size => write!(f, "{size} B"),
        }
    }
}
