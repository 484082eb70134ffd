//! ZincMQ's C library, where a loader or a compiler finds it.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::dist;
use crate::repo::Repo;
use crate::test::Run;

/// Builds the library with the checks of a debug build; its folder holds `libzmq.so.5`.
pub fn build(run: &Run) -> Result<PathBuf> {
    const DEADLINE: Duration = Duration::from_secs(20 * 60);
    let arguments = ["build", "--quiet", "--package", "zincmq-capi", "--locked"];
    run.repo.cargo(".", &arguments)?.run_visible(DEADLINE)?;
    let folder = run.repo.target().join("conformance/ours");
    std::fs::create_dir_all(&folder)?;
    let library = folder.join("libzmq.so.5");
    if !library.is_symlink() {
        symlink(run.repo.target().join("debug/libzmq.so"), library)?;
    }
    Ok(folder)
}

/// Builds the library as it is shipped, and installs it. Returns the prefix.
pub fn install(repo: &Repo) -> Result<PathBuf> {
    let prefix = repo.target().join("conformance/capi");
    dist::install(repo, &prefix)?;
    Ok(prefix)
}
