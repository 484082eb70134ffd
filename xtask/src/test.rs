//! `cargo xtask test`: the steps, one after the other, and their sum.

use std::io::{Write as _, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::command::{self, Command, Output};
use crate::repo::Repo;
use crate::tally::Tally;
use crate::{conformance, dist, header, imports, lengths, python, readme, steps};

/// One row of the table.
pub struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&Run) -> Result<Tally>,
}

/// Quick ones first: what is wrong should show early.
const STEPS: &[Step] = &[
    step("lengths", "no source file over 900 lines", lengths::check),
    step("imports", "who may import whom", imports::check),
    step("fmt", "cargo fmt --check", steps::fmt),
    step("clippy", "clippy, no warnings", steps::clippy),
    step("deny", "licences, sources, bans, advisories", steps::deny),
    step("unit", "unit, integration and property tests", steps::unit),
    step("doc", "examples in the documentation", steps::doc),
    step(
        "loom",
        "every interleaving of the pipe and of the biased lock",
        steps::loom,
    ),
    step("header", "zmq.h beside libzmq's", header::check),
    step(
        "dist",
        "the installed C library in use",
        dist::proofs::check,
    ),
    step("interop", "real libzmq peers, both ways", steps::interop),
    step(
        "conformance",
        "libzmq's own tests on our C library",
        conformance::libzmq,
    ),
    step(
        "pyzmq",
        "pyzmq's own tests on our C library",
        conformance::pyzmq,
    ),
    step("python", "the Python package's own tests", python::check),
    step(
        "native",
        "pyzmq's own tests on the Python package",
        conformance::pyzmq_native,
    ),
    step(
        "asyncio",
        "pyzmq's own tests of asyncio on zincmq.asyncio",
        conformance::pyzmq_asyncio,
    ),
    step("fuzz", "each fuzz target for a while", steps::fuzz),
    step("readme", "the commands in README.md", readme::check),
    step("bench", "the benches deliver right results", steps::benches),
];

const fn step(name: &'static str, what: &'static str, run: fn(&Run) -> Result<Tally>) -> Step {
    Step { name, what, run }
}

/// What a step works with.
pub struct Run<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// Keeps all the step prints.
    log: PathBuf,
}

/// Prints the table.
pub fn list() {
    for step in STEPS {
        println!("{:<10} {}", step.name, step.what);
    }
}

/// Runs the steps called `names`, all if there are none. The last line printed is the sum.
pub fn run(repo: &Repo, names: &[String]) -> Result<ExitCode> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !STEPS.iter().any(|s| s.name == **name))
    {
        list();
        bail!("no step is called {unknown}");
    }
    let start = Instant::now();
    let mut sum = Tally::default();
    for step in STEPS {
        if names.is_empty() || names.iter().any(|name| name == step.name) {
            sum += run_step(repo, step)?;
        }
    }
    if !sum.skipped.is_empty() {
        println!("\nskipped:");
        for reason in &sum.skipped {
            println!("  {reason}");
        }
    }
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    println!("\n{minutes:.1} minutes\n{sum}");
    // A run that checked nothing proves nothing.
    match sum.failed == 0 && sum.passed > 0 {
        true => Ok(ExitCode::SUCCESS),
        false => Ok(ExitCode::FAILURE),
    }
}

fn run_step(repo: &Repo, step: &Step) -> Result<Tally> {
    print!("{:<10} {:<42}", step.name, step.what);
    stdout().flush()?;
    let start = Instant::now();
    let run = Run::new(repo, step.name)?;
    let (tally, error) = match (step.run)(&run) {
        Ok(tally) => (tally, None),
        Err(error) => (Tally::of(false), Some(error)),
    };
    println!("{tally} ({:.0} s)", start.elapsed().as_secs_f64());
    if tally.failed > 0 {
        print!("{}", std::fs::read_to_string(&run.log).unwrap_or_default());
    }
    if let Some(error) = error {
        println!("{}: {error:#}", step.name);
    }
    let with_name = |reason| format!("{}: {reason}", step.name);
    Ok(Tally {
        skipped: tally.skipped.into_iter().map(with_name).collect(),
        ..tally
    })
}

impl<'a> Run<'a> {
    /// A run of the step or command called `name`.
    pub fn new(repo: &'a Repo, name: &str) -> Result<Self> {
        let log = command::fresh_log(repo.target(), name)?;
        Ok(Self { repo, log })
    }

    /// Runs a command as a part of this step.
    pub fn command(&self, command: Command, minutes: u64) -> Result<Output> {
        command.run_logged(&self.log, std::time::Duration::from_secs(60 * minutes))
    }

    /// Runs a command that is one check by itself.
    pub fn check(&self, command: Command, minutes: u64) -> Result<Tally> {
        let output = self.command(command, minutes)?;
        Ok(self.held(output.ok(), &output.summary()))
    }

    /// Runs `cargo test …` and counts its tests.
    pub fn tests(&self, command: Command, minutes: u64) -> Result<Tally> {
        let output = self.command(command, minutes)?;
        let mut tally = Tally::of_tests(&output.text);
        if !output.ok() && tally.failed == 0 {
            // It did not compile, ran too long or died.
            tally += self.held(false, &output.summary());
        } else if tally.passed + tally.failed == 0 {
            tally += self.held(false, "no test ran");
        }
        Ok(tally)
    }

    /// Counts a check; what did not hold goes to the log, which is printed at the end of the step.
    pub fn held(&self, held: bool, text: &str) -> Tally {
        if !held {
            self.note(text);
        }
        Tally::of(held)
    }

    /// Writes to the log.
    pub fn note(&self, text: &str) {
        let file = std::fs::File::options().append(true).open(&self.log);
        if let Err(error) = file.and_then(|mut file| writeln!(file, "{text}")) {
            eprintln!("{}: {error}\n{text}", self.log.display());
        }
    }
}
