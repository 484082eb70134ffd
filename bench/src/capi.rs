//! ZincMQ through its C library, beside its Rust API and beside libzmq.
//!
//! The C library and libzmq run the very same programs, libzmq's own perf programs; which library
//! is loaded is all that differs. For the Rust API there are programs of the same shape.

mod face;
pub mod perf;
mod tools;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use self::face::{Face, faces};
use crate::case::{self, Case, Pattern, SIZES, Table, Transport};
use crate::library::{self, Name};
use crate::measure::{self, Runner};
use crate::report::Report;

/// Where things are, and how much is wanted.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder of libzmq's perf programs
    #[arg(long)]
    programs: PathBuf,
    /// The folder of our libzmq.so.5
    #[arg(long)]
    ours: PathBuf,
    /// The folder of libzmq's libzmq.so.5
    #[arg(long)]
    libzmq: PathBuf,
    /// How often each runs each case: 5, or 3 if it is to be quick
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: Option<u32>,
    /// Only some sizes, in less than five minutes
    #[arg(long)]
    quick: bool,
    /// A few messages for each case, not timed
    #[arg(long)]
    smoke: bool,
    /// Only cases whose name contains this, as in `curve` or "64 B"
    name: Option<String>,
}

const FULL: Table = &[
    (Pattern::Throughput, Transport::Tcp, SIZES),
    (Pattern::Throughput, Transport::Ipc, SIZES),
    (Pattern::Throughput, Transport::Inproc, SIZES),
    (Pattern::MeanLatency, Transport::Tcp, &[64, 1 << 10]),
    (Pattern::MeanLatency, Transport::Ipc, &[64]),
    (Pattern::MeanLatency, Transport::Inproc, SIZES),
    (Pattern::Proxy, Transport::Inproc, &[64, 1 << 10]),
];

const QUICK: Table = &[
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

/// Throughput of these is measured with CURVE.
const CURVE_SIZES: &[usize] = &[64, 1 << 10, 16 << 10, 128 << 10];
const QUICK_CURVE_SIZES: &[usize] = &[64, 16 << 10];

/// Messages, or round trips, of a run that is not timed.
const FEW: u64 = 50;

/// Measures all cases, or tries them.
pub fn run(arguments: &Arguments) -> Result<()> {
    let (kind, table, curve, pairs) = match arguments.quick {
        true => ("capi-quick", QUICK, QUICK_CURVE_SIZES, 3),
        false => ("capi", FULL, CURVE_SIZES, 5),
    };
    let curve = curve.iter().map(|&size| Case {
        curve: true,
        ..Case::new(Pattern::Throughput, Transport::Tcp, size)
    });
    let cases: Vec<Case> = case::all(table)
        .chain(curve)
        .filter(|case| case.is_called(arguments.name.as_deref()))
        .collect();
    if cases.is_empty() {
        bail!("no case to measure is called {:?}", arguments.name);
    }
    let faces = faces(arguments)?;
    if arguments.smoke {
        let mut runs = 0;
        for &case in &cases {
            runs += measure::try_out(case, &contenders(case, &faces), FEW)?;
        }
        println!("smoke: {runs} of {runs} ok");
        return Ok(());
    }
    let pairs = arguments.pairs.unwrap_or(pairs);
    Report::new(kind, pairs).complete(&cases, |case| {
        measure::compare(case, &contenders(case, &faces), pairs)
    })
}

/// The faces, and what the system itself can do.
fn contenders(case: Case, faces: &[Face]) -> Vec<Box<dyn Runner + '_>> {
    let mut list: Vec<Box<dyn Runner + '_>> = Vec::new();
    for face in faces {
        list.push(Box::new(face));
    }
    let plain = library::plain(case);
    list.extend(
        plain
            .iter()
            .map(|&name: &Name| Box::new(name) as Box<dyn Runner>),
    );
    list
}
