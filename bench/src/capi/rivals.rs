//! Other people's ZeroMQ, as published: the programs of `bench/rivals`, and a C library.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use super::Arguments;
use super::face::Face;
use super::in_c::InC;
use crate::case::{Case, Pattern};
use crate::figures::Figures;
use crate::library::{self, Name};
use crate::measure::{self, Runner};

/// Names, programs, and a variable that is set.
const PROGRAMS: &[(&str, &str, Option<&str>)] = &[
    ("monocoque", "rival-monocoque", None),
    ("omq-tokio", "rival-omq", None),
    ("rzmq", "rival-rzmq", None),
    ("rzmq io_uring", "rival-rzmq", Some("RZMQ_IO_URING")),
    ("zeromq", "rival-zeromq", None),
];

/// Crates whose versions belong to a result.
const CRATES: &[&str] = &["monocoque-rs", "omq-libzmq", "omq-tokio", "rzmq", "zeromq"];

/// ZincMQ first, through its Rust API.
pub fn contenders(case: Case, arguments: &Arguments) -> Result<Vec<Box<dyn Runner>>> {
    let folder = arguments.rivals.as_ref().context("--rivals is missing")?;
    let mut list: Vec<Box<dyn Runner>> = vec![Box::new(super::Native), Box::new(Name::Libzmq)];
    for &(name, program, variable) in PROGRAMS {
        list.push(Box::new(Rival {
            name,
            program: folder.join(program),
            variable,
        }));
    }
    list.push(Box::new(OmqLibzmq {
        library: folder.join("omq-libzmq"),
        face: Face::new("omq-libzmq", arguments, &folder.join("omq-libzmq")),
    }));
    for &name in library::plain(case) {
        list.push(Box::new(name));
    }
    Ok(list)
}

/// Of the crates, as `Cargo.lock` has them.
pub fn versions() -> Result<BTreeMap<String, String>> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("rivals/Cargo.lock");
    let text = fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
    let version = |name: &str| {
        let (_, rest) = text.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        let (version, _) = rest.split_once('"')?;
        Some((name.to_owned(), version.to_owned()))
    };
    Ok(CRATES.iter().filter_map(|name| version(name)).collect())
}

/// A crate with a program of ours.
struct Rival {
    name: &'static str,
    program: PathBuf,
    variable: Option<&'static str>,
}

impl Runner for Rival {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, case: Case, count: u64) -> Result<Figures> {
        if !self.program.exists() {
            bail!("it does not build");
        }
        let folder = TempDir::new()?;
        let endpoint = measure::endpoint(case.transport, folder.path());
        measure::play(case, count, &endpoint, |role, endpoint| {
            let mut command = Command::new(&self.program);
            command
                .args([role, endpoint])
                .args([case.size.to_string(), count.to_string()])
                .envs(self.variable.map(|name| (name, "1")));
            Ok((format!("{} {role}", self.name), command))
        })
    }
}

/// In place of libzmq, for the same programs.
struct OmqLibzmq {
    library: PathBuf,
    face: Face,
}

impl Runner for OmqLibzmq {
    fn name(&self) -> &'static str {
        self.face.name
    }

    fn run(&self, case: Case, count: u64) -> Result<Figures> {
        if !self.library.join("libzmq.so.5").exists() {
            bail!("it does not build");
        }
        match case.pattern {
            Pattern::Throughput => (&self.face).run(case, count),
            _ => InC(&self.face).run(case, count),
        }
    }
}
