//! Programs the steps need, installed where they are missing.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::command::Command;
use crate::test::Run;

/// A C++ compiler, for libzmq and the fuzzer's runtime. As root it is installed from the
/// distribution.
pub fn cxx(run: &Run) -> Result<()> {
    if answers("g++") {
        return Ok(());
    }
    if !rustix::process::getuid().is_root() {
        bail!("g++ is missing (apt-get install g++)");
    }
    apt_get(run, &["update"])?;
    apt_get(run, &["install", "-y", "--no-install-recommends", "g++"])
}

/// cargo-deny, in the target folder.
pub fn cargo_deny(run: &Run) -> Result<PathBuf> {
    installed(run, "cargo-deny")
}

/// cargo-fuzz, in the target folder.
pub fn cargo_fuzz(run: &Run) -> Result<PathBuf> {
    installed(run, "cargo-fuzz")
}

fn installed(run: &Run, name: &str) -> Result<PathBuf> {
    let folder = run.repo.target().join("tools");
    let program = folder.join("bin").join(name);
    if !program.exists() {
        let install = run
            .repo
            .cargo(".", &["install", name, "--locked", "--root"])?
            .arguments(&[&folder])
            .variable("CARGO_TARGET_DIR", run.repo.target().join("tools-build"));
        let output = run.command(install, 15)?;
        if !output.ok() {
            bail!("{name} cannot be installed: {}", output.summary());
        }
    }
    Ok(program)
}

fn apt_get(run: &Run, arguments: &[&str]) -> Result<()> {
    let command = Command::new("apt-get")
        .arguments(arguments)
        .variable("DEBIAN_FRONTEND", "noninteractive");
    let output = run.command(command, 10).context("apt-get")?;
    match output.ok() {
        true => Ok(()),
        false => bail!(output.summary()),
    }
}

fn answers(program: &str) -> bool {
    Command::new(program)
        .arguments(&["--version"])
        .capture()
        .is_ok()
}
