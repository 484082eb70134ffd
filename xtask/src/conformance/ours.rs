//! ZincMQ's C library, where a loader finds it.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::test::Run;

/// Builds the library; its folder holds `libzmq.so.5`.
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
