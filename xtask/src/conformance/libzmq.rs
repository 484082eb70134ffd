//! `cargo xtask conformance libzmq`: libzmq's own test programs on our library.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::comparison::Comparison;
use super::expected;
use super::ours;
use super::outcome::Outcome;
use super::programs::{self, Program};
use super::reference::Reference;
use super::report::Report;
use super::seeds;
use super::suite::{self, Arguments};
use super::unity;
use crate::command::Command;
use crate::test::Run;

/// Builds what is missing and runs.
pub fn run(run: &Run, arguments: &Arguments) -> Result<Report> {
    let folder = run.repo.target().join("conformance");
    let reference = Reference::build(run, &folder.join("libzmq"))?;
    let (programs, left_out) = programs::build(&reference)?;
    let programs = arguments.chosen(programs)?;
    let results = reference.prefix().join("results");
    let runner = Runner {
        library: reference.library_folder(),
        logs: folder.join("logs/libzmq-itself"),
    };
    let outcomes = suite::on_reference(&runner, &programs, &results, arguments)?;
    let mut report = suite::report(&outcomes, expected::LIBZMQ);
    report.left_out.extend(left_out);
    if arguments.reference {
        return Ok(report);
    }

    let library = match &arguments.library {
        Some(folder) => folder.canonicalize()?,
        None => ours::build(run)?,
    };
    if !library.join("libzmq.so.5").exists() {
        bail!("{} has no libzmq.so.5", library.display());
    }
    let runner = Runner {
        library,
        logs: folder.join("logs/libzmq"),
    };
    suite::on_ours(&runner, &programs, &mut report, arguments)?;
    Ok(report)
}

/// `libzmq-suite: P of T programs, p of t cases`.
pub fn last_line(report: &Report) -> String {
    let programs = report.programs.iter();
    let passing = programs.clone().filter(|program| program.passes()).count();
    let counts = programs.map(Comparison::counts);
    let (cases, all_cases) = counts.fold((0, 0), |sum, (p, t)| (sum.0 + p, sum.1 + t));
    let all = report.programs.len();
    format!("libzmq-suite: {passing} of {all} programs, {cases} of {all_cases} cases")
}

/// Runs programs on the `libzmq.so.5` in a folder.
struct Runner {
    library: PathBuf,
    /// Where what they print is kept.
    logs: PathBuf,
}

impl suite::Runner for Runner {
    type Program = Program;

    fn once(&self, program: &Program, usual: Option<Duration>) -> Result<Outcome> {
        std::fs::create_dir_all(&self.logs)?;
        // Its own folder, with a short name: it has to fit into the address of a socket.
        let folder = tempfile::Builder::new().prefix("zmq").tempdir()?;
        seeds::write(&program.name, folder.path())?;
        let log = self.logs.join(format!("{}.log", program.name));
        File::create(&log).with_context(|| log.display().to_string())?;
        let start = Instant::now();
        let output = Command::new(&program.path)
            .folder(folder.path())
            .variable("LD_LIBRARY_PATH", &self.library)
            .variable("TMPDIR", folder.path())
            .run_logged(&log, deadline(usual))?;
        let ending = output.ending().into();
        Ok(Outcome {
            ending,
            milliseconds: start.elapsed().as_millis() as u64,
            cases: unity::cases(&output.text, ending),
            output: output.text,
        })
    }
}

/// Most programs stop themselves after a minute, some after two.
fn deadline(usual: Option<Duration>) -> Duration {
    match usual {
        Some(usual) => Duration::from_secs(40) + 3 * usual,
        None => Duration::from_secs(150),
    }
}
