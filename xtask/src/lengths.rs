//! No source file may grow past what a reader can hold.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::tally::Tally;
use crate::test::Run;

/// Lines a `.rs` file may have.
const LIMIT: usize = 900;

/// Counts the lines of every source file.
pub fn check(run: &Run) -> Result<Tally> {
    let mut files = Vec::new();
    collect(&run.repo.path("."), &mut files)?;
    if files.is_empty() {
        bail!("no source files found");
    }
    let mut long = String::new();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let lines = text.lines().count();
        if lines > LIMIT {
            long += &format!("{}: {lines} lines, more than {LIMIT}\n", file.display());
        }
    }
    Ok(run.held(long.is_empty(), &long))
}

/// All `.rs` files below `folder`, without build output and hidden folders.
pub fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') && !matches!(&*name, "target" | "node_modules") {
                collect(&path, files)?;
            }
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    Ok(())
}
