//! `cargo xtask conformance`: other people's test suites on our C library, beside what they say of
//! libzmq. Their sources are unpacked and built below the target folder.

mod expected;
mod jobs;
mod libzmq;
mod ours;
mod outcome;
mod programs;
mod reference;
mod runner;
mod verdict;

use std::process::ExitCode;

use anyhow::Result;

use crate::repo::Repo;
use crate::tally::Tally;
use crate::test::Run;

/// The suites.
#[derive(clap::Subcommand)]
pub enum Suite {
    /// libzmq's own test programs; the last line is `libzmq-suite: P of T programs, p of t cases`
    Libzmq(libzmq::Arguments),
}

/// Runs a suite and prints what differs.
pub fn run(repo: &Repo, suite: &Suite) -> Result<ExitCode> {
    match suite {
        Suite::Libzmq(arguments) => {
            let report = libzmq::run(&Run::new(repo, "conformance-libzmq")?, arguments)?;
            println!("{}", report.text()?);
            Ok(match report.holds() {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            })
        }
    }
}

/// The step of `cargo xtask test`.
pub fn libzmq(run: &Run) -> Result<Tally> {
    let report = libzmq::run(run, &libzmq::Arguments::all())?;
    run.note(&report.text()?);
    Ok(report.tally())
}
