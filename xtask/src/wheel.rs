//! `cargo xtask wheel`: the Python package as pip takes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::python::Venv;
use crate::test::Run;

/// What builds it.
const REQUIREMENTS: &str = "maturin==1.16.0\n";
const DEADLINE: Duration = Duration::from_secs(30 * 60);

/// The files of the package.
pub struct Package {
    /// For the platform it was built on.
    pub wheel: PathBuf,
    /// The sources.
    pub sdist: PathBuf,
}

/// Builds the package into `folder`.
pub fn build(run: &Run, folder: &Path) -> Result<Package> {
    let tools = run.repo.target().join("tools");
    fs::create_dir_all(&tools).with_context(|| tools.display().to_string())?;
    let venv = Venv::get(run, &tools.join("maturin"), REQUIREMENTS)?;
    let out = std::path::absolute(folder)?;
    if out.exists() {
        // What an older version left would be found beside it.
        for file in ["whl", "tar.gz"].map(|ending| ours(&out, ending)) {
            file?.iter().try_for_each(fs::remove_file)?;
        }
    }
    let maturin = |arguments: &[&str]| {
        let command = venv.program("maturin").arguments(arguments);
        command
            .arguments(&["--out".as_ref(), out.as_os_str()])
            .folder(&run.repo.path("crates/python"))
            .variable("CARGO_TARGET_DIR", run.repo.target())
            .run_visible(DEADLINE)
    };
    maturin(&["sdist"])?;
    maturin(&["build", "--release", "--locked", "--features", "stable-abi"])?;
    match (found(&out, "whl"), found(&out, "tar.gz")) {
        (Ok(wheel), Ok(sdist)) => Ok(Package { wheel, sdist }),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// The one file of ours with this ending.
fn found(folder: &Path, ending: &str) -> Result<PathBuf> {
    let mut files = ours(folder, ending)?;
    match (files.pop(), files.is_empty()) {
        (Some(file), true) => Ok(file),
        (Some(_), false) => bail!("{}: several files *.{ending}", folder.display()),
        (None, _) => bail!("{}: no file *.{ending}", folder.display()),
    }
}

/// The files of ours with this ending.
fn ours(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("zincmq-") && name.ends_with(ending) {
            found.push(path);
        }
    }
    Ok(found)
}
