//! What is measured.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

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
#[serde(rename_all = "lowercase")]
pub enum Pattern {
    /// PUSH to PULL; messages a second at the receiver, from the first to the last.
    Throughput,
    /// REQ and REP; half a round trip.
    Latency,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Tcp,
    Ipc,
    Inproc,
}

const QUICK: &[(Pattern, Transport, &[usize])] = &[
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

const SIZES: &[usize] = &[16, 64, 256, 1 << 10, 16 << 10, 128 << 10];
const FULL: &[(Pattern, Transport, &[usize])] = &[
    (Pattern::Throughput, Transport::Tcp, SIZES),
    (Pattern::Throughput, Transport::Ipc, SIZES),
    (Pattern::Throughput, Transport::Inproc, SIZES),
    (Pattern::Latency, Transport::Tcp, &[64]),
    (Pattern::Latency, Transport::Ipc, &[64]),
    (Pattern::Latency, Transport::Inproc, &[64]),
];

/// The cases of a quick or of a full run, in the order they are measured.
pub fn cases(quick: bool) -> impl Iterator<Item = Case> {
    let table = if quick { QUICK } else { FULL };
    table.iter().flat_map(|&(pattern, transport, sizes)| {
        sizes.iter().map(move |&size| Case {
            pattern,
            transport,
            size,
            curve: false,
            python: None,
        })
    })
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

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Tcp => "tcp",
            Transport::Ipc => "ipc",
            Transport::Inproc => "inproc",
        };
        let pattern = match self.pattern {
            Pattern::Throughput => "push-pull",
            Pattern::Latency => "req-rep",
        };
        if let Some(style) = self.python {
            write!(f, "{} ", style.text())?;
        }
        let curve = if self.curve { " curve" } else { "" };
        write!(f, "{transport}{curve} {pattern} ")?;
        match self.size {
            size if size >= 1 << 20 => write!(f, "{} MiB", size >> 20),
            size if size >= 1 << 10 => write!(f, "{} KiB", size >> 10),
            size => write!(f, "{size} B"),
        }
    }
}
