//! Virtual environments of Python, and the tests of our Python package in one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::command::Command;
use crate::made::made;
use crate::tally::Tally;
use crate::test::Run;
use crate::tools;
use crate::wheel;

const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// A virtual environment with packages in it.
pub struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// The one in `folder`, made if it is not there or has other packages. `requirements` is a
    /// file for pip.
    pub fn get(run: &Run, folder: &Path, requirements: &str) -> Result<Self> {
        made(folder, requirements, |venv| {
            tools::python(run)?;
            eprintln!("installing Python packages in {}", venv.display());
            let log = venv.with_extension("log");
            logged(
                &log,
                Command::new("python3")
                    .arguments(&["-m", "venv"])
                    .arguments(&[venv]),
            )?;
            let list = venv.join("requirements.txt");
            fs::write(&list, requirements)?;
            let install = Command::new(venv.join("bin/python"))
                .arguments(&["-m", "pip", "install", "--only-binary", ":all:", "-r"])
                .arguments(&[list]);
            logged(&log, install)
        })?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// A command that runs its Python.
    pub fn python(&self) -> Command {
        self.program("python")
    }

    /// A command that runs a program of it.
    pub fn program(&self, name: &str) -> Command {
        Command::new(self.folder.join("bin").join(name))
    }
}

/// Runs a command, all of whose output is in the error if it fails.
pub fn logged(log: &Path, command: Command) -> Result<()> {
    let output = command.run_logged(log, DEADLINE)?;
    match output.ok() {
        true => Ok(()),
        false => bail!("{}\n{}", output.summary(), output.text),
    }
}

/// What the tests of our Python package use.
const TESTING: &str = "\
mypy==2.4.1
numpy==2.4.6
pytest==9.2.0
pytest-timeout==2.4.0
pyzmq==27.3.0
uvloop==0.23.0
";

/// Runs the tests in `crates/python/tests` on the package as it is installed. What each of them
/// says is counted.
pub fn check(run: &Run) -> Result<Tally> {
    let folder = run.repo.target().join("python");
    fs::create_dir_all(&folder)?;
    let package = wheel::build(run, &run.repo.target().join("wheels"))?;
    let venv = Venv::get(run, &folder.join("venv"), TESTING)?;
    let install = venv
        .python()
        .arguments(&["-m", "pip", "install", "--no-deps", "--force-reinstall"])
        .arguments(&[package.wheel]);
    logged(&folder.join("install.log"), install)?;
    let tests = venv
        .python()
        .arguments(&["-m", "pytest", "-p", "no:cacheprovider", "--tb=short"])
        .arguments(&["--timeout=120", "-ra", "tests"])
        .folder(&run.repo.path("crates/python"))
        .variable("PYTHONDONTWRITEBYTECODE", "1");
    let output = run.command(tests, 10)?;
    let mut tally = of_pytest(&output.text);
    if tally.passed == 0 || (!output.ok() && tally.failed == 0) {
        tally += run.held(false, &output.summary());
    }
    Ok(tally)
}

/// The sum in the last line of pytest, such as `3 failed, 40 passed, 1 skipped in 2.10s`.
fn of_pytest(text: &str) -> Tally {
    let last = text.lines().rfind(|line| line.contains(" in "));
    let words: Vec<&str> = last.unwrap_or_default().split_whitespace().collect();
    let count = |what: &str| {
        let place = words.iter().position(|word| word.trim_matches(',') == what);
        let number = place.and_then(|place| words.get(place.checked_sub(1)?));
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    let skips = text.lines().filter(|line| line.starts_with("SKIPPED"));
    Tally {
        passed: count("passed"),
        failed: count("failed") + count("error") + count("errors"),
        skipped: skips.map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_sum_of_pytest() {
        let text = "SKIPPED [1] tests/test_a.py:3: no numpy\n\
                    === 3 failed, 40 passed, 1 skipped, 2 errors in 2.10s ===\n";
        let tally = of_pytest(text);
        assert_eq!((tally.passed, tally.failed), (40, 5));
        assert_eq!(tally.skipped.len(), 1);
        assert_eq!(of_pytest("nothing").passed, 0);
    }
}
