//! What is measured through the C library.

use super::Kind;
use crate::case::{self, Case, Pattern, SIZES, Table, Transport};

const THROUGHPUT: Table = &[
    (Pattern::Throughput, Transport::Tcp, SIZES),
    (Pattern::Throughput, Transport::Ipc, SIZES),
    (Pattern::Throughput, Transport::Inproc, SIZES),
    (Pattern::MeanLatency, Transport::Tcp, &[64, 1 << 10]),
    (Pattern::MeanLatency, Transport::Ipc, &[64]),
    (Pattern::MeanLatency, Transport::Inproc, SIZES),
    (Pattern::Proxy, Transport::Inproc, &[64, 1 << 10]),
];
const QUICK_THROUGHPUT: Table = &[
    (
        Pattern::Throughput,
        Transport::Tcp,
        &[64, 1 << 10, 16 << 10],
    ),
    (Pattern::Throughput, Transport::Ipc, &[64, 16 << 10]),
    (Pattern::Throughput, Transport::Inproc, &[64, 1 << 10]),
    (Pattern::MeanLatency, Transport::Tcp, &[64]),
    (Pattern::MeanLatency, Transport::Ipc, &[64]),
    (Pattern::MeanLatency, Transport::Inproc, &[64]),
    (Pattern::Proxy, Transport::Inproc, &[64]),
];
const SMOKE_THROUGHPUT: Table = &[
    (Pattern::Throughput, Transport::Tcp, SIZES),
    (Pattern::Throughput, Transport::Ipc, &[64, 128 << 10]),
    (Pattern::Throughput, Transport::Inproc, &[64, 128 << 10]),
    (Pattern::MeanLatency, Transport::Tcp, &[64]),
    (Pattern::MeanLatency, Transport::Ipc, &[64]),
    (Pattern::MeanLatency, Transport::Inproc, &[64]),
    (Pattern::Proxy, Transport::Inproc, &[64]),
];

/// Throughput of these is measured with CURVE.
const CURVE: &[usize] = &[64, 1 << 10, 16 << 10, 128 << 10];
const QUICK_CURVE: &[usize] = &[64, 16 << 10];

const LATENCY: Table = &[
    (Pattern::Latency, Transport::Tcp, &[64]),
    (Pattern::Latency, Transport::Ipc, &[64]),
    (Pattern::Latency, Transport::Inproc, &[64]),
    (Pattern::NoSpinLatency, Transport::Tcp, &[64]),
    (Pattern::NoSpinLatency, Transport::Ipc, &[64]),
    (Pattern::BusyLatency, Transport::Tcp, &[64]),
    (Pattern::BusyLatency, Transport::Ipc, &[64]),
];

const RIVALS: Table = &[
    (Pattern::Throughput, Transport::Tcp, SIZES),
    (Pattern::Latency, Transport::Tcp, &[64]),
];
const QUICK_RIVALS: Table = &[
    (
        Pattern::Throughput,
        Transport::Tcp,
        &[64, 1 << 10, 16 << 10],
    ),
    (Pattern::Latency, Transport::Tcp, &[64]),
];

/// Pattern, transport, sizes, and how many there are.
type Many = (Pattern, Transport, &'static [usize], &'static [u32]);

const SCALE: &[Many] = &[
    (Pattern::Fanout, Transport::Tcp, &[64, 1 << 10], &[1, 8, 64]),
    (
        Pattern::Subscriptions,
        Transport::Inproc,
        &[64],
        &[1, 1000, 100_000, 1_000_000],
    ),
    (Pattern::Connections, Transport::Tcp, &[64], &[100, 5000]),
    (Pattern::Idle, Transport::Tcp, &[64], &[1000]),
    (Pattern::Blocked, Transport::Tcp, &[64], &[1]),
];
const QUICK_SCALE: &[Many] = &[
    (Pattern::Fanout, Transport::Tcp, &[64], &[1, 8, 64]),
    (
        Pattern::Subscriptions,
        Transport::Inproc,
        &[64],
        &[1, 1000, 100_000],
    ),
    (Pattern::Connections, Transport::Tcp, &[64], &[100, 5000]),
    (Pattern::Idle, Transport::Tcp, &[64], &[1000]),
    (Pattern::Blocked, Transport::Tcp, &[64], &[1]),
];
const SMOKE_SCALE: &[Many] = &[
    (Pattern::Fanout, Transport::Tcp, &[64], &[1, 8]),
    (Pattern::Subscriptions, Transport::Inproc, &[64], &[1000]),
    (Pattern::Connections, Transport::Tcp, &[64], &[300]),
    (Pattern::Idle, Transport::Tcp, &[64], &[50]),
    (Pattern::Blocked, Transport::Tcp, &[64], &[1]),
];

/// What belongs together, all of it or some.
pub fn cases(kind: Kind, quick: bool) -> Vec<Case> {
    match (kind, quick) {
        (Kind::Capi, false) => throughput(THROUGHPUT, CURVE),
        (Kind::Capi, true) => throughput(QUICK_THROUGHPUT, QUICK_CURVE),
        (Kind::Latency, _) => case::all(LATENCY).collect(),
        (Kind::Scale, false) => scale(SCALE),
        (Kind::Scale, true) => scale(QUICK_SCALE),
        (Kind::Rivals, false) => case::all(RIVALS).collect(),
        (Kind::Rivals, true) => case::all(QUICK_RIVALS).collect(),
    }
}

/// One of each that differs in more than a number.
pub fn smoke(kind: Kind) -> Vec<Case> {
    match kind {
        Kind::Capi => throughput(SMOKE_THROUGHPUT, QUICK_CURVE),
        Kind::Latency => case::all(LATENCY).collect(),
        Kind::Scale => scale(SMOKE_SCALE),
        Kind::Rivals => case::all(QUICK_RIVALS).collect(),
    }
}

fn throughput(table: Table, curve: &[usize]) -> Vec<Case> {
    let curve = curve.iter().map(|&size| Case {
        curve: true,
        ..Case::new(Pattern::Throughput, Transport::Tcp, size)
    });
    case::all(table).chain(curve).collect()
}

fn scale(table: &[Many]) -> Vec<Case> {
    let mut cases = Vec::new();
    for &(pattern, transport, sizes, numbers) in table {
        for &size in sizes {
            cases.extend(numbers.iter().map(|&many| Case {
                many: Some(many),
                ..Case::new(pattern, transport, size)
            }));
        }
    }
    cases
}
