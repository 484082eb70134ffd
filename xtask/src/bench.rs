//! `cargo xtask bench`: builds and runs the bench program.

use std::time::Duration;

use anyhow::Result;

use crate::repo::Repo;

/// Runs the bench program with `arguments`; its output is ours.
pub fn run(repo: &Repo, arguments: &[String]) -> Result<()> {
    repo.cargo("bench", &["run", "--release", "--quiet", "--"])?
        .arguments(arguments)
        .run_visible(Duration::from_secs(4 * 60 * 60))
}
