//! `cargo xtask bench`: builds and runs the bench program.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::Result;

use crate::repo::Repo;
use crate::{dist, libzmq};

/// Runs the bench program with `arguments`; its output is ours.
pub fn run(repo: &Repo, arguments: &[String]) -> Result<()> {
    let command = repo.cargo("bench", &["run", "--release", "--quiet", "--"])?;
    let command = match arguments.split_first() {
        Some((first, rest)) if first == "capi" => command.arguments(&capi(repo)?).arguments(rest),
        _ => command.arguments(arguments),
    };
    command.run_visible(Duration::from_secs(4 * 60 * 60))
}

/// Builds the C library as it is shipped, libzmq and its perf programs, and returns the arguments
/// that tell the bench program where they are.
pub fn capi(repo: &Repo) -> Result<Vec<OsString>> {
    let prefix = repo.target().join("bench/capi");
    dist::install(repo, &prefix)?;
    let libzmq = libzmq::build(repo)?;
    let mut arguments: Vec<OsString> = vec![
        "capi".into(),
        "--programs".into(),
        libzmq.perf_programs()?.into(),
        "--ours".into(),
        prefix.join("lib").into(),
        "--libzmq".into(),
        libzmq.library_folder().into(),
    ];
    if libzmq.curve {
        arguments.push("--curve".into());
    }
    Ok(arguments)
}
