//! The project's commands: `cargo xtask test` is the gate, `cargo xtask bench` the yardstick.

mod bench;
mod command;
mod conformance;
mod dist;
mod header;
mod imports;
mod lengths;
mod libzmq;
mod made;
mod python;
mod readme;
mod repo;
mod steps;
mod tally;
mod test;
mod tools;
mod wheel;

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
    /// Build the Python package and print where its wheel and its source distribution are
    Wheel {
        /// The folder that gets them; `wheels` in the target folder if it is not named
        #[arg(long)]
        out: Option<PathBuf>,
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
        Task::Wheel { out } => {
            let out = out.unwrap_or_else(|| repo.target().join("wheels"));
            let package = wheel::build(&test::Run::new(&repo, "wheel")?, &out)?;
            println!("{}\n{}", package.sdist.display(), package.wheel.display());
        }
        Task::Libzmq => libzmq::build(&repo)?.print(),
    }
    Ok(ExitCode::SUCCESS)
}
