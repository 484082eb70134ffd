//! pyzmq from its source distribution, built against a C library, and what goes with it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::command::Command;
use crate::made::made;
use crate::python::{Venv, logged};
use crate::test::Run;

const VERSION: &str = "27.3.0";
/// What its tests use, in fixed versions.
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// Tells what came of the tests.
const PLUGIN: &str = include_str!("pytest_log.py");
/// Has our asyncio take the place of pyzmq's.
const SUBSTITUTE: &str = include_str!("our_asyncio.py");

/// pyzmq's tests and a Python that can run them.
pub struct Package {
    folder: PathBuf,
    venv: Venv,
}

/// pyzmq built against one library.
pub struct Build {
    /// Where Python finds it.
    pub site: PathBuf,
    /// For what came of its tests.
    pub results: PathBuf,
}

impl Package {
    /// Downloads and installs what is not there yet, below `folder`.
    pub fn get(run: &Run, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let package = Self {
            folder: folder.to_owned(),
            venv: Venv::get(run, &folder.join("python"), REQUIREMENTS)?,
        };
        let log = folder.join("build.log");
        made(&folder.join("source"), VERSION, |source| {
            let download = package
                .python()
                .arguments(&["-m", "pip", "download", "--no-binary", "pyzmq", "--no-deps"])
                .arguments(&[
                    "--no-build-isolation",
                    &format!("pyzmq=={VERSION}"),
                    "--dest",
                ])
                .arguments(&[folder]);
            logged(&log, download)?;
            let unpack = Command::new("tar")
                .arguments(&["-xzf"])
                .arguments(&[package.archive()])
                .arguments(&["--strip-components=1", "-C"])
                .arguments(&[source]);
            logged(&log, unpack)?;
            // The one that is installed is to be tested.
            fs::remove_dir_all(source.join("zmq"))?;
            Ok(())
        })?;
        fs::write(folder.join("pytest_log.py"), PLUGIN)?;
        fs::write(folder.join("our_asyncio.py"), SUBSTITUTE)?;
        Ok(package)
    }

    /// pyzmq built against `prefix`. The build is called `name`.
    pub fn build(&self, name: &str, prefix: &Path) -> Result<Build> {
        let header = prefix.join("include/zmq.h");
        let header = fs::read_to_string(&header).with_context(|| header.display().to_string())?;
        let folder = self.folder.join(name);
        let build = Build {
            site: folder.join("site"),
            results: folder.join("results"),
        };
        made(
            &folder,
            &format!("{VERSION}\n{REQUIREMENTS}\n{header}"),
            |_| {
                eprintln!("building pyzmq against {}", prefix.display());
                let install = self
                    .python()
                    .arguments(&["-m", "pip", "install", "--no-deps", "--no-build-isolation"])
                    .arguments(&["--target"])
                    .arguments(&[&build.site, &self.archive()])
                    .variable("ZMQ_PREFIX", prefix)
                    .variable("ZMQ_DRAFT_API", "1")
                    .variable("PYZMQ_NO_BUNDLE", "1")
                    // Found where `LD_LIBRARY_PATH` says, before the place it was built against.
                    .variable("LDFLAGS", "-Wl,--enable-new-dtags");
                logged(&self.folder.join("build.log"), install)
            },
        )?;
        Ok(build)
    }

    /// Installs a wheel of ours in a folder of its own, and returns that.
    pub fn with_wheel(&self, wheel: &Path) -> Result<PathBuf> {
        let site = self.folder.join("native/site");
        if site.exists() {
            fs::remove_dir_all(&site).with_context(|| site.display().to_string())?;
        }
        let install = self
            .python()
            .arguments(&["-m", "pip", "install", "--no-deps", "--target"])
            .arguments(&[&site, wheel]);
        logged(&self.folder.join("build.log"), install)?;
        Ok(site)
    }

    /// A command that runs Python.
    pub fn python(&self) -> Command {
        self.venv.python()
    }

    /// The folder of the plugins.
    pub fn plugins(&self) -> &Path {
        &self.folder
    }

    /// The folder with `tests/` in it.
    pub fn source(&self) -> PathBuf {
        self.folder.join("source")
    }

    fn archive(&self) -> PathBuf {
        self.folder.join(format!("pyzmq-{VERSION}.tar.gz"))
    }
}
