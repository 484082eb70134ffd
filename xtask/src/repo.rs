//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::command::Command;

/// The repository's folders.
#[derive(Debug)]
pub struct Repo {
    root: PathBuf,
    target: PathBuf,
}

/// The cargo workspaces, main one first. The others need what the main one must not: a C++
/// compiler, other people's libraries, sanitizers.
pub const WORKSPACES: &[&str] = &[".", "interop", "bench", "fuzz"];

impl Repo {
    /// The repository this program was built from; `CARGO_TARGET_DIR` is respected.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask lies in the repository")?
            .to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => root.join(dir),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// A path below the root.
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// The target folder all workspaces share.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The folder of a workspace, which must be there.
    pub fn workspace(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join(name);
        if !folder.join("Cargo.toml").exists() {
            bail!("{name}/Cargo.toml is missing");
        }
        Ok(folder)
    }

    /// `cargo ARGUMENTS` in the workspace called `name`, building into the shared target folder.
    pub fn cargo(&self, name: &str, arguments: &[&str]) -> Result<Command> {
        Ok(Command::new("cargo")
            .arguments(arguments)
            .folder(&self.workspace(name)?)
            .variable("CARGO_TARGET_DIR", &self.target)
            .variable("CARGO_TERM_COLOR", "never"))
    }
}
