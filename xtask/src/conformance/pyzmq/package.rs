//! pyzmq from its source distribution, built against a C library.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command::Command;
use crate::test::Run;
use crate::tools;

const VERSION: &str = "27.3.0";
/// What its tests use, in fixed versions.
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// Tells what came of the tests.
const PLUGIN: &str = include_str!("pytest_log.py");

const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// pyzmq's tests and a Python that can run them.
pub struct Package {
    folder: PathBuf,
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
        let package = Self {
            folder: folder.to_owned(),
        };
        fs::create_dir_all(folder)?;
        made(&folder.join("python"), REQUIREMENTS, |venv| {
            tools::python(run)?;
            eprintln!("installing what pyzmq's tests use");
            logged(
                folder,
                Command::new("python3")
                    .arguments(&["-m", "venv"])
                    .arguments(&[venv]),
            )?;
            let list = folder.join("requirements.txt");
            fs::write(&list, REQUIREMENTS)?;
            let install = Command::new(venv.join("bin/python"))
                .arguments(&["-m", "pip", "install", "--only-binary", ":all:", "-r"])
                .arguments(&[list]);
            logged(folder, install)
        })?;
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
            logged(folder, download)?;
            let unpack = Command::new("tar")
                .arguments(&["-xzf"])
                .arguments(&[package.archive()])
                .arguments(&["--strip-components=1", "-C"])
                .arguments(&[source]);
            logged(folder, unpack)?;
            // The one that is installed is to be tested.
            fs::remove_dir_all(source.join("zmq"))?;
            Ok(())
        })?;
        fs::write(folder.join("pytest_log.py"), PLUGIN)?;
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
                logged(&self.folder, install)
            },
        )?;
        Ok(build)
    }

    /// A command that runs Python.
    pub fn python(&self) -> Command {
        Command::new(self.folder.join("python/bin/python"))
    }

    /// The folder of the plugin.
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

/// Has `make` make the folder, unless it is there and `recipe` is what it was made from. One that
/// was not finished is made anew.
fn made(folder: &Path, recipe: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let stamp = folder.with_extension("recipe");
    if fs::read_to_string(&stamp).ok().as_deref() == Some(recipe) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    make(folder)?;
    fs::write(&stamp, recipe).with_context(|| stamp.display().to_string())
}

fn logged(folder: &Path, command: Command) -> Result<()> {
    let log = folder.join("build.log");
    let output = command.run_logged(&log, DEADLINE)?;
    match output.ok() {
        true => Ok(()),
        false => bail!("{}\n{}", output.summary(), output.text),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn makes_again_what_was_not_finished_or_has_another_recipe() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("made");
        let count = Cell::new(0);
        let make = |recipe, ends_well| {
            made(&folder, recipe, |folder| {
                assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
                fs::write(folder.join("file"), recipe)?;
                count.set(count.get() + 1);
                match ends_well {
                    true => Ok(()),
                    false => bail!("half way"),
                }
            })
        };
        make("one", false).unwrap_err();
        make("one", true).unwrap();
        make("one", true).unwrap();
        assert_eq!(count.get(), 2);
        make("two", true).unwrap();
        assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "two");
    }
}
