//! `cargo xtask conformance pyzmq`: the tests of pyzmq, which is built against our C library, or has
//! our Python package for a backend.

mod log;
mod package;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::comparison::{Comparison, counted};
use super::expected;
use super::ours;
use super::outcome::{Ending, Outcome};
use super::reference::{Reference, sources_in};
use super::report::Report;
use super::suite::{self, Arguments, Company};
use crate::command::Output;
use crate::test::Run;
use crate::wheel;
use package::Package;

/// What stands between pyzmq and the engine.
#[derive(clap::ValueEnum, Debug, Clone, Copy)]
pub enum Backend {
    /// pyzmq's own, on our C library
    Capi,
    /// That of our Python package
    Native,
    /// The same, with our asyncio for pyzmq's
    Asyncio,
}

/// One test may take so long. pyzmq's own alarm is at 60.
const TEST_SECONDS: u64 = 90;
/// A file of tests may take so long.
const FILE: Duration = Duration::from_secs(10 * 60);

/// Files whose tests have ports of their own choosing.
const FIXED_NAMES: &[&str] = &["monitor", "socket"];

/// Files whose tests are of asyncio.
const OF_ASYNCIO: &[&str] = &["asyncio", "auth"];

/// Builds what is missing and runs.
pub fn run(run: &Run, backend: Backend, arguments: &Arguments) -> Result<Report> {
    let folder = run.repo.target().join("conformance");
    let reference = Reference::build(run, &folder.join("libzmq"))?;
    let package = Package::get(run, &folder.join("pyzmq"))?;
    let build = package.build("on-libzmq", reference.prefix())?;
    let on_libzmq = Runner {
        sites: vec![build.site],
        backend: None,
        substitute: false,
        library: reference.library_folder(),
        include: reference.prefix().join("include"),
        logs: folder.join("logs/pyzmq-on-libzmq"),
        package: &package,
    };
    let mut known = files(&package)?;
    if matches!(backend, Backend::Asyncio) {
        known.retain(|file| OF_ASYNCIO.contains(&file.name.as_str()));
    }
    let files = arguments.chosen(known)?;
    let outcomes = suite::on_reference(&on_libzmq, &files, &build.results, arguments)?;
    let table = match backend {
        Backend::Capi => expected::PYZMQ,
        Backend::Native => expected::PYZMQ_NATIVE,
        Backend::Asyncio => &[],
    };
    let mut report = suite::report(&outcomes, table);
    if arguments.reference {
        return Ok(report);
    }

    let runner = match (backend, &arguments.library) {
        (Backend::Native | Backend::Asyncio, Some(_)) => {
            bail!("--library is for the backend capi")
        }
        (Backend::Native | Backend::Asyncio, None) => {
            let wheel = wheel::build(run, &folder.join("wheels"))?.wheel;
            let mut sites = vec![package.with_wheel(&wheel)?];
            // pyzmq's Python layer is there, its own backend beside it.
            sites.extend(on_libzmq.sites);
            Runner {
                sites,
                backend: Some("zincmq.backend"),
                substitute: matches!(backend, Backend::Asyncio),
                logs: folder.join(match backend {
                    Backend::Asyncio => "logs/pyzmq-asyncio",
                    _ => "logs/pyzmq-native",
                }),
                ..on_libzmq
            }
        }
        (Backend::Capi, Some(library)) => Runner {
            library: library.canonicalize()?,
            logs: folder.join("logs/pyzmq"),
            ..on_libzmq
        },
        (Backend::Capi, None) => {
            let prefix = ours::install(run.repo)?;
            Runner {
                sites: vec![package.build("on-ours", &prefix)?.site],
                backend: None,
                substitute: false,
                library: prefix.join("lib"),
                include: prefix.join("include"),
                logs: folder.join("logs/pyzmq"),
                package: &package,
            }
        }
    };
    suite::on_ours(&runner, &files, &mut report, arguments)?;
    Ok(report)
}

/// `pyzmq-suite: N passed, N failed, N skipped`: what came of the last run on ours; on libzmq if
/// nothing ran on ours. A test without result has failed.
pub fn last_line(report: &Report) -> String {
    let of_ours = |program: &Comparison| match program.ours.last() {
        Some(outcome) => {
            let (passed, failed, ignored) = outcome.counts();
            let ran = |name: &&str| outcome.cases.iter().any(|case| case.name == *name);
            let counted = counted(&program.reference);
            let missing = counted.iter().filter(|name| !ran(name)).count();
            (passed, failed + missing, ignored)
        }
        None => program.reference.counts(),
    };
    let ran = report.programs.iter().map(of_ours);
    let left_out = report
        .left_out
        .iter()
        .filter_map(|left_out| left_out.reference.as_ref());
    let left_out = left_out.map(Outcome::counts);
    let add = |sum: (usize, usize, usize), more: (usize, usize, usize)| {
        (sum.0 + more.0, sum.1 + more.1, sum.2 + more.2)
    };
    let (passed, failed, skipped) = ran.chain(left_out).fold((0, 0, 0), add);
    format!("pyzmq-suite: {passed} passed, {failed} failed, {skipped} skipped")
}

/// A file of tests.
#[derive(Debug, Clone)]
struct TestFile {
    name: String,
}

impl suite::Program for TestFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn group(&self) -> &'static str {
        ""
    }

    fn company(&self) -> Company {
        match FIXED_NAMES.contains(&self.name.as_str()) {
            true => Company::NoFixedNames,
            false => Company::Any,
        }
    }
}

fn files(package: &Package) -> Result<Vec<TestFile>> {
    let names = sources_in(&package.source().join("tests"), "py")?;
    let name = |path: &PathBuf| {
        let stem = path.file_stem()?.to_str()?;
        Some(TestFile {
            name: stem.strip_prefix("test_")?.to_owned(),
        })
    };
    Ok(names.iter().filter_map(name).collect())
}

/// Runs files of tests with one build of pyzmq on one library.
struct Runner<'a> {
    package: &'a Package,
    /// The folders of packages.
    sites: Vec<PathBuf>,
    /// What pyzmq is told to use; else its own.
    backend: Option<&'static str>,
    /// Our asyncio takes the place of pyzmq's.
    substitute: bool,
    /// The folder of the library.
    library: PathBuf,
    /// The folder of its headers, for tests that compile.
    include: PathBuf,
    /// Where what they print is kept.
    logs: PathBuf,
}

impl Runner<'_> {
    /// Starts pytest on the tests of the file that are not in `log` yet.
    fn pytest(&self, file: &TestFile, log: &Path, rest: Duration) -> Result<Output> {
        let plugins = self.package.plugins().to_owned();
        let path = std::env::join_paths(self.sites.iter().chain([&plugins]))?;
        let python = match self.backend {
            Some(backend) => self.package.python().variable("PYZMQ_BACKEND", backend),
            None => self.package.python(),
        };
        let substitute: &[&str] = match self.substitute {
            true => &["-p", "our_asyncio"],
            false => &[],
        };
        python
            // Not as `-m pytest`: that would add the folder to the places of modules.
            .arguments(&["-c", "import sys, pytest; sys.exit(pytest.main())"])
            .arguments(&[format!("tests/test_{}.py", file.name)])
            .arguments(substitute)
            .arguments(&[
                "-p",
                "pytest_log",
                "-p",
                "no:cacheprovider",
                "-v",
                "--tb=short",
            ])
            .arguments(&[format!("--timeout={TEST_SECONDS}")])
            // Signals are not for it, as tests use them. It ends the process.
            .arguments(&["--timeout-method=thread"])
            .folder(&self.package.source())
            .variable("PYTHONPATH", path)
            .variable("PYTHONDONTWRITEBYTECODE", "1")
            .variable("PYTEST_LOG", log)
            .variable("LD_LIBRARY_PATH", &self.library)
            .variable("CPATH", &self.include)
            .run_logged(&self.logs.join(format!("{}.log", file.name)), rest)
    }
}

impl suite::Runner for Runner<'_> {
    type Program = TestFile;

    fn once(&self, file: &TestFile, _: Option<Duration>) -> Result<Outcome> {
        fs::create_dir_all(&self.logs).with_context(|| self.logs.display().to_string())?;
        let printed = self.logs.join(format!("{}.log", file.name));
        let events = self.logs.join(format!("{}.events", file.name));
        fs::write(&printed, "")?;
        fs::write(&events, "")?;
        let start = Instant::now();
        let mut text = String::new();
        let mut deaths = Vec::new();
        // Each death takes one test with it. The others have their turn in a new process.
        let ending = loop {
            let before = fs::read_to_string(&events)?;
            let rest = FILE.saturating_sub(start.elapsed());
            let output = self.pytest(file, &events, rest)?;
            let ending = output.ending().into();
            text.push_str(&output.text);
            let after = fs::read_to_string(&events)?;
            match log::unfinished(&after[before.len()..])? {
                Some(test) if ending != Ending::Overdue => deaths.push((test, ending)),
                _ => break ending,
            }
        };
        Ok(Outcome {
            ending,
            milliseconds: start.elapsed().as_millis() as u64,
            output: text,
            cases: log::cases(&fs::read_to_string(&events)?, &deaths)?,
        })
    }
}
