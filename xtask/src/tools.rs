//! Programs the steps need, installed where they are missing.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::command::Command;
use crate::test::Run;

/// A C++ compiler, for libzmq and the fuzzer's runtime.
pub fn cxx(run: &Run) -> Result<()> {
    match answers("g++") {
        true => Ok(()),
        false => from_distribution(run, "g++"),
    }
}

/// Whether the C header `header` is there. It is in the distribution's package `package`, which is
/// installed if it is not.
pub fn header(run: &Run, header: &str, package: &str) -> bool {
    let found = || {
        let arguments = ["-x", "c", "-fsyntax-only", "-include", header, "/dev/null"];
        let compile = Command::new("g++").arguments(&arguments);
        run.command(compile, 1).is_ok_and(|output| output.ok())
    };
    found() || (from_distribution(run, package).is_ok() && found())
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

/// Installs a package of the distribution, as root.
fn from_distribution(run: &Run, package: &str) -> Result<()> {
    if !rustix::process::getuid().is_root() {
        bail!("{package} is missing (apt-get install {package})");
    }
    apt_get(run, &["update"])?;
    apt_get(run, &["install", "-y", "--no-install-recommends", package])
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
