//! The Python package beside pyzmq on libzmq, and beside pyomq where that is installed.
//!
//! All run the same program, `python/rows.py`, in one virtual environment; which library it imports
//! is all that differs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::case::{Case, Pattern, Style, Transport};
use crate::figures::Figures;
use crate::measure::{self, Runner};
use crate::report::Report;

/// Where things are, and how much is wanted.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The Python that has the packages
    #[arg(long)]
    python: PathBuf,
    /// rows.py
    #[arg(long)]
    script: PathBuf,
    /// How often each runs each case
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Only messages of 64 B, and the arrays
    #[arg(long)]
    quick: bool,
    /// A few messages for each case, compared byte by byte and not timed
    #[arg(long)]
    smoke: bool,
    /// Only cases whose name contains this, as in `asyncio` or "64 B"
    name: Option<String>,
}

const CASES: &[(Style, Pattern, usize)] = &[
    (Style::Blocking, Pattern::Throughput, 64),
    (Style::Blocking, Pattern::Throughput, 16 << 10),
    (Style::Blocking, Pattern::Latency, 64),
    (Style::Blocking, Pattern::Latency, 16 << 10),
    (Style::Array, Pattern::Throughput, 16 << 20),
    (Style::Asyncio, Pattern::Throughput, 64),
    (Style::Asyncio, Pattern::Throughput, 16 << 10),
    (Style::Asyncio, Pattern::Latency, 64),
    (Style::Asyncio, Pattern::Latency, 16 << 10),
];

/// Messages, or round trips, of a run that is not timed.
const FEW: u64 = 20;

/// Packages whose versions belong to a result.
const VERSIONS: &str = "\
import json, platform
from importlib.metadata import PackageNotFoundError, version
found = {'python': platform.python_version()}
for name in 'pyzmq', 'pyomq', 'numpy':
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))";

/// Measures all cases, or tries them.
pub fn run(arguments: &Arguments) -> Result<()> {
    let wanted = |case: &Case| {
        let quick = case.size == 64 || case.python == Some(Style::Array);
        (quick || !arguments.quick) && case.is_called(arguments.name.as_deref())
    };
    let cases = CASES.iter().map(|&(style, pattern, size)| Case {
        python: Some(style),
        ..Case::new(pattern, Transport::Tcp, size)
    });
    let cases: Vec<Case> = cases.filter(wanted).collect();
    if cases.is_empty() {
        bail!("no case to measure is called {:?}", arguments.name);
    }
    let versions = versions(arguments)?;
    let mut names = vec!["zincmq", "pyzmq"];
    match versions.contains_key("pyomq") {
        true => names.push("pyomq"),
        false => println!("skipped: pyomq, which is not installed"),
    }
    let libraries = |case: Case| -> Vec<Library<'_>> {
        // pyomq's sends copy.
        let names = names
            .iter()
            .filter(|&&name| name != "pyomq" || case.python != Some(Style::Array));
        names.map(|name| Library { name, arguments }).collect()
    };
    if arguments.smoke {
        let mut runs = 0;
        for &case in &cases {
            for library in libraries(case) {
                library
                    .play(case, FEW, true)
                    .with_context(|| format!("{case}, {}", library.name))?;
                runs += 1;
            }
        }
        println!("smoke: {runs} of {runs} ok");
        return Ok(());
    }
    Report::new("python", arguments.pairs)
        .with_versions(versions)
        .complete(&cases, |case| {
            measure::compare(case, &libraries(case), arguments.pairs)
        })
}

fn versions(arguments: &Arguments) -> Result<BTreeMap<String, String>> {
    let output = Command::new(&arguments.python)
        .args(["-c", VERSIONS])
        .output()
        .with_context(|| arguments.python.display().to_string())?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}\n{text}", arguments.python.display(), output.status);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A library as programs in Python see it.
struct Library<'a> {
    name: &'static str,
    arguments: &'a Arguments,
}

impl Runner for Library<'_> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, case: Case, count: u64) -> Result<Figures> {
        self.play(case, count, false)
    }
}

impl Library<'_> {
    fn play(&self, case: Case, count: u64, verify: bool) -> Result<Figures> {
        let style = case.python.context("the case is one of Python's")?.text();
        measure::play(case, count, "tcp://127.0.0.1:*", |role, endpoint| {
            let mut command = Command::new(&self.arguments.python);
            command
                .arg(&self.arguments.script)
                .args([self.name, style, role, endpoint])
                .args([case.size.to_string(), count.to_string()])
                .args(verify.then_some("--verify"))
                .env_remove("PYZMQ_BACKEND");
            Ok((format!("{} {style} {role}", self.name), command))
        })
    }
}
