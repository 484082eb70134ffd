//! The project's commands: `cargo xtask test` is the gate, `cargo xtask bench` the yardstick.

mod bench;
mod command;
mod conformance;
mod dist;
mod header;
mod imports;
mod lengths;
mod libzmq;
mod readme;
mod repo;
mod steps;
mod tally;
mod test;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use repo::Repo;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check of the project, or only those named; the last line tells the sum
    Test {
        /// Names of steps
        names: Vec<String>,
        /// List the steps instead
        #[arg(long)]
        list: bool,
    },
    /// Measure side by side; the arguments are those of the bench program (see `--help` there)
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run other people's test suites on our library, beside libzmq
    Conformance {
        #[command(subcommand)]
        suite: conformance::Suite,
    },
    /// Build the C library and install it with its header, for pkg-config and CMake
    Dist {
        /// The folder that gets `include` and `lib`
        #[arg(long)]
        prefix: PathBuf,
    },
    /// Build libzmq and print where its sources, headers, archive and shared library are
    Libzmq,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    let repo = Repo::find()?;
    command::stop_children_with_us()?;
    match cli.task {
        Task::Test { list: true, .. } => test::list(),
        Task::Test { names, .. } => return test::run(&repo, &names),
        Task::Bench { arguments } => bench::run(&repo, &arguments)?,
        Task::Conformance { suite } => return conformance::run(&repo, &suite),
        Task::Dist { prefix } => {
            for file in dist::install(&repo, &prefix)? {
                println!("{}", file.display());
            }
        }
        Task::Libzmq => libzmq::build(&repo)?.print(),
    }
    Ok(ExitCode::SUCCESS)
}
