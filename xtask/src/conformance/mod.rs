//! `cargo xtask conformance`: other people's test suites on our libraries, beside what they say of
//! libzmq. Their sources are unpacked and built below the target folder.

mod comparison;
mod expected;
mod jobs;
mod libzmq;
mod ours;
mod outcome;
mod programs;
mod pyzmq;
mod reference;
mod report;
mod seeds;
mod suite;
mod unity;

use std::process::ExitCode;

use anyhow::Result;

use crate::repo::Repo;
use crate::tally::Tally;
use crate::test::Run;
use report::Report;

use suite::Arguments;

/// The suites.
#[derive(clap::Subcommand)]
pub enum Suite {
    /// libzmq's own test programs; the last line is `libzmq-suite: P of T programs, p of t cases`
    Libzmq(Arguments),
    /// pyzmq's own tests; the last line is `pyzmq-suite: N passed, N failed, N skipped`
    Pyzmq {
        /// What stands between pyzmq and the engine
        #[arg(long, value_enum, default_value = "capi")]
        backend: pyzmq::Backend,
        #[command(flatten)]
        arguments: Arguments,
    },
}

/// Runs a suite and prints what differs.
pub fn run(repo: &Repo, suite: &Suite) -> Result<ExitCode> {
    suite::no_core_dumps()?;
    let (report, last_line, arguments) = match suite {
        Suite::Libzmq(arguments) => {
            let report = libzmq::run(&Run::new(repo, "conformance-libzmq")?, arguments)?;
            let last_line = libzmq::last_line(&report);
            (report, last_line, arguments)
        }
        Suite::Pyzmq { backend, arguments } => {
            let run = Run::new(repo, "conformance-pyzmq")?;
            let report = pyzmq::run(&run, *backend, arguments)?;
            let last_line = pyzmq::last_line(&report);
            (report, last_line, arguments)
        }
    };
    if arguments.verbose {
        report.print_outputs();
    }
    println!("{}{last_line}", report.text(!arguments.verbose)?);
    Ok(match report.holds() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The step of `cargo xtask test`.
pub fn libzmq(run: &Run) -> Result<Tally> {
    suite::no_core_dumps()?;
    let report = libzmq::run(run, &Arguments::all())?;
    step(run, &report, &libzmq::last_line(&report))
}

/// The step of `cargo xtask test`.
pub fn pyzmq(run: &Run) -> Result<Tally> {
    pyzmq_on(run, pyzmq::Backend::Capi)
}

/// The step of `cargo xtask test`.
pub fn pyzmq_native(run: &Run) -> Result<Tally> {
    pyzmq_on(run, pyzmq::Backend::Native)
}

/// The step of `cargo xtask test`.
pub fn pyzmq_asyncio(run: &Run) -> Result<Tally> {
    pyzmq_on(run, pyzmq::Backend::Asyncio)
}

fn pyzmq_on(run: &Run, backend: pyzmq::Backend) -> Result<Tally> {
    suite::no_core_dumps()?;
    let report = pyzmq::run(run, backend, &Arguments::all())?;
    step(run, &report, &pyzmq::last_line(&report))
}

fn step(run: &Run, report: &Report, last_line: &str) -> Result<Tally> {
    run.note(&format!("{}{last_line}", report.text(false)?));
    Ok(report.tally())
}
