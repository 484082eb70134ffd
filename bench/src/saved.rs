//! Results that were saved.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::row::Row;

/// What a call measured.
#[derive(Debug, Deserialize)]
pub struct Saved {
    kind: String,
    pub pairs: u32,
    pub machine: Machine,
    pub rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
pub struct Machine {
    pub date: String,
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
}

/// Where results are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results")
}

/// The newest whose kind is `kind`, if there is one.
pub fn newest(kind: &str) -> Result<Option<(PathBuf, Saved)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
    // Names begin with the date.
    files.sort();
    for path in files.into_iter().rev() {
        let saved = read(&path);
        // What an older program saved may have another form.
        if let Ok(saved) = saved.with_context(|| path.display().to_string())
            && saved.kind == kind
        {
            return Ok(Some((path, saved)));
        }
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Saved> {
    Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
}
