//! ZincMQ through its C library, beside its Rust API and beside libzmq.
//!
//! The C library and libzmq run the very same programs; which library is loaded is all that
//! differs. Some are libzmq's own perf programs, others ours. For the Rust API there are programs
//! of the same shape.

mod cases;
mod face;
mod in_c;
pub mod perf;
mod rivals;
mod tools;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use self::face::{Face, faces};
use self::in_c::InC;
use crate::busy::Busy;
use crate::case::{Case, Pattern, Transport};
use crate::figures::Figures;
use crate::library::{self, Name};
use crate::measure::{self, Runner};
use crate::report::Report;

/// Where things are, and how much is wanted.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What is measured
    #[arg(long, value_enum, default_value_t = Kind::Capi)]
    kind: Kind,
    /// The folder of libzmq's perf programs
    #[arg(long)]
    programs: PathBuf,
    /// The folder of our programs in C
    #[arg(long)]
    c_programs: PathBuf,
    /// The folder of our libzmq.so.5
    #[arg(long)]
    ours: PathBuf,
    /// The folder of libzmq's libzmq.so.5
    #[arg(long)]
    libzmq: PathBuf,
    /// The folder of the rivals' programs
    #[arg(long)]
    rivals: Option<PathBuf>,
    /// How often each runs each case: 5, or 3 if it is to be quick
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: Option<u32>,
    /// Only some cases, in less than five minutes
    #[arg(long)]
    quick: bool,
    /// A few messages for each case, not timed
    #[arg(long)]
    smoke: bool,
    /// Only cases whose name contains this, as in `curve` or "64 B"
    name: Option<String>,
}

/// Cases that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// By libzmq's perf programs
    Capi,
    /// Each round trip, also while the machine is busy
    Latency,
    /// Many subscribers, subscriptions and connections; rest
    Scale,
    /// Through the Rust API beside other crates
    Rivals,
}

/// Messages, or round trips, of a run that is not timed.
const FEW: u64 = 50;

/// Measures all cases, or tries them.
pub fn run(arguments: &Arguments) -> Result<()> {
    let pairs = if arguments.quick { 3 } else { 5 };
    let pairs = arguments.pairs.unwrap_or(pairs);
    let cases = match arguments.smoke {
        true => cases::smoke(arguments.kind),
        false => cases::cases(arguments.kind, arguments.quick),
    };
    let wanted = |case: &Case| case.is_called(arguments.name.as_deref());
    let cases: Vec<Case> = cases.into_iter().filter(wanted).collect();
    if cases.is_empty() {
        bail!("no case to measure is called {:?}", arguments.name);
    }
    let faces = faces(arguments)?;
    if arguments.smoke {
        let mut runs = 0;
        for &case in &cases {
            let contenders = contenders(case, &faces, arguments)?;
            if arguments.kind == Kind::Rivals {
                runs += try_rivals(case, &contenders)?;
            } else {
                runs += measure::try_out(case, &contenders, few(case))?;
            }
        }
        println!("smoke: {runs} of {runs} ok");
        return Ok(());
    }
    let kind = arguments.kind.text(arguments.quick);
    let mut report = Report::new(kind, pairs);
    if arguments.kind == Kind::Rivals {
        report = report.with_versions(rivals::versions()?);
    }
    report.complete(&cases, |case| {
        measure::compare(case, &contenders(case, &faces, arguments)?, pairs)
    })
}

/// What a rival cannot do is no failure of ours.
fn try_rivals(case: Case, contenders: &[Box<dyn Runner + '_>]) -> Result<usize> {
    let mut runs = 0;
    for (place, contender) in contenders.iter().enumerate() {
        match contender.run(case, few(case)) {
            Ok(_) => runs += 1,
            Err(error) if place == 0 => return Err(error),
            Err(error) => println!("cannot: {case}, {}: {error:#}", contender.name()),
        }
    }
    Ok(runs)
}

fn few(case: Case) -> u64 {
    match case.pattern {
        // Seconds.
        Pattern::Idle | Pattern::Blocked => 1,
        _ => FEW,
    }
}

impl Kind {
    fn text(self, quick: bool) -> &'static str {
        match (self, quick) {
            (Self::Capi, false) => "capi",
            (Self::Capi, true) => "capi-quick",
            (Self::Latency, false) => "latency",
            (Self::Latency, true) => "latency-quick",
            (Self::Scale, false) => "scale",
            (Self::Scale, true) => "scale-quick",
            (Self::Rivals, false) => "rivals",
            (Self::Rivals, true) => "rivals-quick",
        }
    }
}

/// The faces, or the rivals, and what the system itself can do.
fn contenders<'a>(
    case: Case,
    faces: &'a [Face],
    arguments: &Arguments,
) -> Result<Vec<Box<dyn Runner + 'a>>> {
    if arguments.kind == Kind::Rivals {
        let rivals = rivals::contenders(case, arguments)?.into_iter();
        return Ok(rivals.map(|it| it as Box<dyn Runner + 'a>).collect());
    }
    let mut list: Vec<Box<dyn Runner + '_>> = Vec::new();
    for face in faces {
        match (maker(case), face.is_native()) {
            (Maker::Libzmq, _) => list.push(Box::new(face)),
            (Maker::Us, false) => list.push(Box::new(InC(face))),
            (Maker::Us, true) => list.push(Box::new(Native)),
            (Maker::UsInC, false) => list.push(Box::new(InC(face))),
            (Maker::UsInC, true) => {}
        }
    }
    for &name in library::plain(case) {
        list.push(Box::new(name));
    }
    if case.pattern == Pattern::BusyLatency {
        let busy = |runner| Box::new(Busy(runner)) as Box<dyn Runner>;
        list = list.into_iter().map(busy).collect();
    }
    Ok(list)
}

/// Whose programs run a case.
enum Maker {
    /// libzmq's in C, and their likes in Rust.
    Libzmq,
    /// Ours in C and in Rust.
    Us,
    UsInC,
}

fn maker(case: Case) -> Maker {
    match (case.pattern, case.transport) {
        // Over ipc libzmq loses messages when the sender ends first, as its programs do.
        (Pattern::Throughput, Transport::Ipc) => Maker::Us,
        (Pattern::Throughput | Pattern::MeanLatency | Pattern::Proxy, _) => Maker::Libzmq,
        (Pattern::Latency | Pattern::NoSpinLatency | Pattern::BusyLatency | Pattern::Fanout, _) => {
            Maker::Us
        }
        _ => Maker::UsInC,
    }
}

/// The Rust API, in our programs.
struct Native;

impl Runner for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn run(&self, case: Case, count: u64) -> Result<Figures> {
        Name::Zincmq.run(case, count)
    }
}
