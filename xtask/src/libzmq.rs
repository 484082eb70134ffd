//! libzmq 4.3.5 as files: for its own test and perf programs, which are compiled against it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command::Command;
use crate::repo::Repo;

/// How long a compilation may take.
const MINUTES: Duration = Duration::from_secs(10 * 60);

/// What measures; the first two and the next two belong together.
const PERF_PROGRAMS: &[&str] = &[
    "local_thr",
    "remote_thr",
    "local_lat",
    "remote_lat",
    "inproc_thr",
    "inproc_lat",
    "proxy_thr",
];

/// Where libzmq's parts are.
pub struct Libzmq {
    /// The release's sources, with `tests/` and `perf/`.
    sources: PathBuf,
    /// The static archive.
    archive: PathBuf,
    /// `libzmq.so.5`, made from the archive.
    shared: PathBuf,
}

/// Builds what is not there yet.
pub fn build(repo: &Repo) -> Result<Libzmq> {
    repo.cargo("interop", &["build", "--quiet", "--package", "libzmq"])?
        .run_visible(MINUTES)?;
    let archive = archive(repo)?;
    let shared = archive.with_file_name("libzmq.so.5");
    if !shared.exists() {
        Command::new("g++")
            .arguments(&["-shared", "-Wl,-soname,libzmq.so.5", "-o"])
            .arguments(&[&shared])
            .arguments(&["-Wl,--whole-archive"])
            .arguments(&[&archive])
            .arguments(&["-Wl,--no-whole-archive", "-lsodium", "-lpthread"])
            .run_visible(MINUTES)?;
    }
    Ok(Libzmq {
        sources: sources(repo)?,
        archive,
        shared,
    })
}

impl Libzmq {
    /// The folder of `libzmq.so.5`.
    pub fn library_folder(&self) -> &Path {
        self.shared.parent().unwrap_or(Path::new("."))
    }

    /// The folder of `platform.hpp`, which the build writes.
    fn platform_folder(&self) -> &Path {
        self.library_folder().parent().unwrap_or(Path::new("."))
    }

    /// The folder of the perf programs, compiled once for whichever `libzmq.so.5` the loader
    /// finds. It lies beside the library, whose folder is another for another build.
    pub fn perf_programs(&self) -> Result<PathBuf> {
        let folder = self.library_folder().join("perf");
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for name in PERF_PROGRAMS {
            let program = folder.join(name);
            if program.exists() {
                continue;
            }
            let unfinished = folder.join(format!("{name}.unfinished"));
            Command::new("g++")
                .arguments(&["-O2", "-w", "-o"])
                .arguments(&[&unfinished])
                // It includes libzmq's header by its place.
                .arguments(&[self.sources.join(format!("perf/{name}.cpp"))])
                .arguments(&["-I"])
                .arguments(&[self.platform_folder()])
                .arguments(&["-L"])
                .arguments(&[self.library_folder()])
                .arguments(&["-l:libzmq.so.5", "-lpthread"])
                .run_visible(MINUTES)?;
            fs::rename(&unfinished, &program)?;
        }
        Ok(folder)
    }

    /// Compiles a C program for whichever `libzmq.so.5` the loader finds.
    pub fn compile_c(&self, source: &Path, program: &Path) -> Result<()> {
        Command::new("gcc")
            .arguments(&["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
            .arguments(&[program, source])
            .arguments(&["-I"])
            .arguments(&[self.sources.join("include")])
            .arguments(&["-L"])
            .arguments(&[self.library_folder()])
            .arguments(&["-l:libzmq.so.5", "-lpthread"])
            .run_visible(MINUTES)
    }

    /// One line for each part.
    pub fn print(&self) {
        println!("sources {}", self.sources.display());
        println!("include {}", self.sources.join("include").display());
        println!("archive {}", self.archive.display());
        println!("shared  {}", self.shared.display());
    }
}

/// The build script keeps one folder for each recipe; the newest is the one just built.
fn archive(repo: &Repo) -> Result<PathBuf> {
    let mut newest = None;
    for entry in fs::read_dir(repo.target())? {
        let path = entry?.path().join("lib/libzmq.a");
        let is_libzmq = path.to_string_lossy().contains("/libzmq-");
        if let (true, Ok(data)) = (is_libzmq, path.metadata()) {
            newest = newest.max(Some((data.modified()?, path)));
        }
    }
    match newest {
        Some((_, path)) => Ok(path),
        None => bail!("no libzmq archive below {}", repo.target().display()),
    }
}

/// The release's folder, with `include/`, `tests/` and `perf/`.
pub fn sources(repo: &Repo) -> Result<PathBuf> {
    let text = repo
        .cargo(
            "interop",
            &["metadata", "--locked", "--format-version", "1"],
        )?
        .capture()?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let manifest = packages
        .iter()
        .find(|package| package["name"] == "zeromq-src")
        .and_then(|package| package["manifest_path"].as_str())
        .context("interop does not use zeromq-src")?;
    Ok(PathBuf::from(manifest).with_file_name("vendor"))
}
