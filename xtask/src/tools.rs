//! Programs the steps need, installed where they are missing.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::command::Command;
use crate::test::Run;

/// A C++ compiler, for libzmq and the fuzzer's runtime.
pub fn cxx(run: &Run) -> Result<()> {
    program(run, "g++", "g++")
}

/// What libzmq is built with: a C++ compiler, and libsodium for its CURVE.
pub fn for_libzmq(run: &Run) -> Result<()> {
    cxx(run)?;
    match header(run, "sodium.h", "libsodium-dev") {
        true => Ok(()),
        false => bail!("libsodium-dev is missing (apt-get install libsodium-dev)"),
    }
}

/// `pkg-config`, likewise.
pub fn pkg_config(run: &Run) -> Result<()> {
    program(run, "pkg-config", "pkg-config")
}

/// `cmake`, likewise.
pub fn cmake(run: &Run) -> Result<()> {
    program(run, "cmake", "cmake")
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

/// `python3` with what it takes to make virtual environments and to compile against it, likewise.
pub fn python(run: &Run) -> Result<()> {
    const SCRIPT: &str = "import venv, ensurepip, sysconfig, os
assert os.path.exists(sysconfig.get_path('include') + '/Python.h')";
    let is_there = Command::new("python3")
        .arguments(&["-c", SCRIPT])
        .capture()
        .is_ok();
    if !is_there {
        from_distribution(run, "python3-venv")?;
        from_distribution(run, "python3-dev")?;
    }
    Ok(())
}

fn program(run: &Run, name: &str, package: &str) -> Result<()> {
    match answers(name) {
        true => Ok(()),
        false => from_distribution(run, package),
    }
}

/// The files of a Debian package in a folder of its own, without what it depends on: where it
/// would come with Debian's libzmq, ours is to be used. Returns the folder.
pub fn debian_package(run: &Run, name: &str) -> Result<PathBuf> {
    let folder = run.repo.target().join("tools/debian");
    let root = folder.join(name);
    if root.exists() {
        return Ok(root);
    }
    let new = folder.join(format!("{name}.new"));
    if new.exists() {
        fs::remove_dir_all(&new)?;
    }
    fs::create_dir_all(&new)?;
    let download = || {
        let command = Command::new("apt-get")
            .arguments(&["download", name])
            .folder(&new);
        run.command(command, 5).context("apt-get")
    };
    let mut output = download()?;
    if !output.ok() && rustix::process::getuid().is_root() {
        apt_get(run, &["update"])?;
        output = download()?;
    }
    let archive = fs::read_dir(&new)?.next().transpose()?;
    let Some(archive) = archive.filter(|_| output.ok()) else {
        bail!(output.summary());
    };
    let unpack = Command::new("dpkg").arguments(&[
        "-x".as_ref(),
        archive.path().as_os_str(),
        new.as_os_str(),
    ]);
    let output = run.command(unpack, 2)?;
    if !output.ok() {
        bail!(output.summary());
    }
    fs::rename(&new, &root)?;
    Ok(root)
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
