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
        })
    })
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
        let curve = if self.curve { " curve" } else { "" };
        match self.size {
            kib if kib >= 1024 => write!(f, "{transport}{curve} {pattern} {} KiB", kib / 1024),
            size => write!(f, "{transport}{curve} {pattern} {size} B"),
        }
    }
}
