//! `cargo xtask bench`: builds and runs the bench program.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::libzmq::Libzmq;
use crate::python::{Venv, logged};
use crate::repo::Repo;
use crate::test::Run;
use crate::{dist, libzmq, wheel};

/// Runs the bench program with `arguments`; its output is ours.
pub fn run(repo: &Repo, arguments: &[String]) -> Result<()> {
    let command = repo.cargo("bench", &["run", "--release", "--quiet", "--"])?;
    let command = match arguments.split_first() {
        Some((kind, rest)) if CAPI_KINDS.contains(&kind.as_str()) => {
            command.arguments(&capi(repo, kind)?).arguments(rest)
        }
        Some((first, rest)) if first == "rivals" => {
            let rivals = rivals(repo)?;
            let command = command.arguments(&capi(repo, first)?);
            command
                .arguments(&["--rivals"])
                .arguments(&[rivals])
                .arguments(rest)
        }
        Some((first, rest)) if first == "python" => {
            let run = Run::new(repo, "bench-python")?;
            command.arguments(&python(&run)?).arguments(rest)
        }
        _ => command.arguments(arguments),
    };
    command.run_visible(Duration::from_secs(4 * 60 * 60))
}

/// What is measured through the C library; `bench/src/capi/cases.rs` has it.
pub const CAPI_KINDS: &[&str] = &["capi", "latency", "scale"];

/// What the Python package is measured with, and beside.
const PACKAGES: &str = "numpy==2.4.6\npyzmq==27.3.0\n";
/// Another ZeroMQ, not to be had everywhere.
const RIVAL: &str = "pyomq==0.21.0";

/// Installs the Python package as it is shipped, and the others, and returns the arguments that
/// tell the bench program where they are.
pub fn python(run: &Run) -> Result<Vec<OsString>> {
    let folder = run.repo.target().join("bench/python");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let package = wheel::build(run, &run.repo.target().join("wheels"))?;
    let venv = Venv::get(run, &folder.join("venv"), PACKAGES)?;
    let install = |arguments: &[&OsStr]| {
        let pip = venv.python().arguments(&["-m", "pip", "install"]);
        let pip = pip.arguments(&["--only-binary", ":all:", "--no-deps"]);
        logged(&folder.join("install.log"), pip.arguments(arguments))
    };
    install(&["--force-reinstall".as_ref(), package.wheel.as_os_str()])?;
    if let Err(error) = install(&[RIVAL.as_ref()]) {
        eprintln!("{RIVAL} cannot be installed: {error:#}");
    }
    Ok(vec![
        "python".into(),
        "--python".into(),
        folder.join("venv/bin/python").into(),
        "--script".into(),
        run.repo.path("bench/python/rows.py").into(),
    ])
}

/// Builds the C library as it is shipped, libzmq, its perf programs and ours, and returns the
/// arguments that tell the bench program where they are.
pub fn capi(repo: &Repo, kind: &str) -> Result<Vec<OsString>> {
    let prefix = repo.target().join("bench/capi");
    dist::install(repo, &prefix)?;
    let libzmq = libzmq::build(repo)?;
    Ok(vec![
        "capi".into(),
        "--kind".into(),
        kind.into(),
        "--programs".into(),
        libzmq.perf_programs()?.into(),
        "--c-programs".into(),
        c_programs(repo, &libzmq)?.into(),
        "--ours".into(),
        prefix.join("lib").into(),
        "--libzmq".into(),
        libzmq.library_folder().into(),
    ])
}

/// Packages of `bench/rivals`, and the file each makes.
const RIVALS: &[(&str, &str)] = &[
    ("rival-monocoque", "rival-monocoque"),
    ("rival-omq", "rival-omq"),
    ("rival-rzmq", "rival-rzmq"),
    ("rival-zeromq", "rival-zeromq"),
    ("omq-libzmq", "libomq_zmq.so"),
];

/// Builds the rivals' programs and a C library of theirs, and returns the folder. What does not
/// build is missing there.
fn rivals(repo: &Repo) -> Result<PathBuf> {
    let folder = repo.target().join("bench/rivals");
    let built = folder.join("release");
    for (package, file) in RIVALS {
        let build = ["build", "--release", "--locked", "--package", package];
        let build = repo
            .cargo("bench/rivals", &build)?
            .variable("CARGO_TARGET_DIR", &folder);
        if let Err(error) = build.run_visible(Duration::from_secs(30 * 60)) {
            eprintln!("{package} does not build: {error:#}");
            // An older one would be measured in its place. It may not be there.
            let _ = fs::remove_file(built.join(file));
        }
    }
    let library = built.join("libomq_zmq.so");
    let as_libzmq = built.join("omq-libzmq");
    fs::create_dir_all(&as_libzmq)?;
    match library.exists() {
        true => drop(fs::copy(&library, as_libzmq.join("libzmq.so.5"))?),
        false => drop(fs::remove_file(as_libzmq.join("libzmq.so.5"))),
    }
    Ok(built)
}

/// Compiles each `bench/c/NAME.c` for whichever `libzmq.so.5` the loader finds, and returns the
/// folder.
fn c_programs(repo: &Repo, libzmq: &Libzmq) -> Result<PathBuf> {
    let folder = repo.target().join("bench/c");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for entry in fs::read_dir(repo.path("bench/c"))? {
        let source = entry?.path();
        let (Some(name), Some("c")) = (
            source.file_stem(),
            source.extension().and_then(OsStr::to_str),
        ) else {
            continue;
        };
        // In place of one that may be running.
        let unfinished = folder.join("unfinished");
        libzmq.compile_c(&source, &unfinished)?;
        fs::rename(&unfinished, folder.join(name))?;
    }
    Ok(folder)
}
