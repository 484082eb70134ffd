//! Runs the programs on a library.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::jobs;
use super::outcome::Outcome;
use super::programs::Program;
use crate::command::Command;

/// Where and on what to run.
pub struct Runner {
    /// The folder of the `libzmq.so.5`.
    pub library: PathBuf,
    /// Where to put logs.
    pub logs: PathBuf,
}

impl Runner {
    /// Runs each program once, those that may side by side. `expected` is how long it should take.
    pub fn run(
        &self,
        programs: &[Program],
        expected: impl Fn(&Program) -> Option<Duration> + Sync,
    ) -> Result<Vec<(Program, Outcome)>> {
        std::fs::create_dir_all(&self.logs)?;
        let once = |program: &Program| {
            let outcome = self.once(program, expected(program))?;
            Ok((program.clone(), outcome))
        };
        // The longest first, so that the end waits for none.
        let mut programs = programs.to_vec();
        programs.sort_by_key(|program| std::cmp::Reverse(expected(program)));
        let (greedy, others): (Vec<_>, Vec<_>) = programs.into_iter().partition(Program::is_greedy);
        let (fixed, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(Program::has_fixed_names);
        let mut chains = vec![fixed];
        chains.extend(others.into_iter().map(|program| vec![program]));

        let chain = |programs: &Vec<Program>| {
            let _others = match programs.iter().any(Program::has_fixed_names) {
                true => Some(one_at_a_time()?),
                false => None,
            };
            programs.iter().map(once).collect::<Result<Vec<_>>>()
        };
        // They wait most of the time, so there may be more of them than processors.
        let outcomes = jobs::each(&chains, 2 * jobs::processors() + 1, chain)?;
        let mut outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
        outcomes.extend(jobs::each(&greedy, 1, once)?);
        outcomes.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        Ok(outcomes)
    }

    /// Runs one program.
    pub fn once(&self, program: &Program, expected: Option<Duration>) -> Result<Outcome> {
        // Its own folder, with a short name: it has to fit into the address of a socket.
        let folder = tempfile::Builder::new().prefix("zmq").tempdir()?;
        let log = self.logs.join(format!("{}.log", program.name));
        std::fs::File::create(&log).with_context(|| log.display().to_string())?;
        let start = Instant::now();
        let output = Command::new(&program.path)
            .folder(folder.path())
            .variable("LD_LIBRARY_PATH", &self.library)
            .variable("TMPDIR", folder.path())
            .run_logged(&log, deadline(expected))?;
        let milliseconds = start.elapsed().as_millis() as u64;
        let ending = output.ending().into();
        Ok(Outcome::new(ending, milliseconds, output.text))
    }
}

/// Most programs stop themselves after a minute, some after two.
fn deadline(expected: Option<Duration>) -> Duration {
    match expected {
        Some(expected) => Duration::from_secs(40) + 3 * expected,
        None => Duration::from_secs(150),
    }
}

/// Waits for the same programs in other runs on this machine.
fn one_at_a_time() -> Result<std::fs::File> {
    let user = rustix::process::getuid().as_raw();
    let path = std::env::temp_dir().join(format!("zincmq-conformance-{user}.lock"));
    let file = std::fs::File::create(&path).with_context(|| path.display().to_string())?;
    file.lock()?;
    Ok(file)
}

/// Programs that die leave no images of their memory behind.
pub fn no_core_dumps() -> Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    Ok(setrlimit(Resource::Core, none)?)
}

/// The file that keeps what a program did.
pub fn result_file(folder: &Path, program: &Program) -> PathBuf {
    folder.join(format!("{}.result", program.name))
}
