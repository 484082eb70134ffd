//! Side by side: ZincMQ, libzmq 4.3.5 and plain sockets, on one machine in one run.
//!
//! Runs of the libraries alternate, and medians are compared. Over tcp and ipc each run is two
//! processes (this program again, in the role its arguments give it), over inproc two threads of
//! one.

mod busy;
mod calls;
#[cfg(feature = "zincmq")]
mod capi;
mod case;
#[cfg(feature = "zincmq")]
mod fanout;
mod figures;
mod library;
mod machine;
mod measure;
mod plain;
mod plot;
mod process;
mod python;
mod quantity;
mod report;
mod role;
mod row;
mod saved;
mod sockets;
mod svg;
mod table;
mod usage;
mod watch;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use case::Case;
use report::Report;

#[derive(Parser)]
#[command(about, disable_help_subcommand = true)]
struct Cli {
    /// The cases a change is judged by, in less than five minutes
    #[arg(long)]
    quick: bool,
    /// A few messages for each case, checked byte by byte and not timed
    #[arg(long)]
    smoke: bool,
    /// How often each library runs each case
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Only cases whose name contains this, as in `tcp` or "64 B"
    name: Option<String>,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Subcommand)]
enum Other {
    /// One side of one run
    #[command(hide = true)]
    Role(role::Arguments),
    /// The C library beside the Rust one and libzmq, by libzmq's perf programs
    #[cfg(feature = "zincmq")]
    Capi(capi::Arguments),
    /// The Python package beside pyzmq and pyomq
    Python(python::Arguments),
    /// Draws what the newest results have into `bench/plots`
    Plots,
    /// Puts the newest results into `bench/README.md`
    Tables,
    /// Keeps a processor busy
    #[command(hide = true)]
    Burn,
    /// What one of libzmq's perf programs does, in Rust
    #[cfg(feature = "zincmq")]
    #[command(hide = true)]
    Perf(capi::perf::Arguments),
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    match cli.other {
        Some(Other::Role(arguments)) => return role::play(&arguments),
        Some(Other::Plots) => return plot::plot_all(),
        Some(Other::Tables) => return table::fill_readme(),
        Some(Other::Burn) => return busy::burn(),
        Some(Other::Python(arguments)) => return python::run(&arguments),
        #[cfg(feature = "zincmq")]
        Some(Other::Capi(arguments)) => return capi::run(&arguments),
        #[cfg(feature = "zincmq")]
        Some(Other::Perf(arguments)) => return capi::perf::run(&arguments),
        None => {}
    }
    let wanted = |case: &Case| case.is_called(cli.name.as_deref());
    let cases: Vec<Case> = case::cases(cli.quick).filter(wanted).collect();
    if cases.is_empty() {
        bail!("no case is called {}", cli.name.unwrap_or_default());
    }
    if cli.smoke {
        return smoke(&cases);
    }
    let report = Report::new(if cli.quick { "quick" } else { "full" }, cli.pairs);
    report.complete(&cases, |case| {
        measure::compare(case, &library::for_case(case), cli.pairs)
    })
}

/// One short run of each library in each case.
fn smoke(cases: &[Case]) -> Result<()> {
    let mut runs = 0;
    for &case in cases {
        for library in library::for_case(case) {
            measure::smoke(case, library)?;
            runs += 1;
        }
    }
    println!("smoke: {runs} of {runs} ok");
    Ok(())
}
