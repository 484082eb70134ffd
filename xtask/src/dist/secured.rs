//! What docs/security says of the installed C library: its commands are run, then its programs
//! with the keys that those made. Certificate files go back and forth between `zinc`, pyzmq and CZMQ.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::proofs::Proofs;
use crate::command::Command;
use crate::readme;
use crate::tally::Tally;
use crate::tools;

/// Files of CZMQ's and pyzmq's making under `zinc`, and files of `zinc` under them.
const PYZMQ: &str = include_str!("secured/pyzmq.py");
const CZMQ: &str = include_str!("secured/czmq.py");

/// Everything that has to do with keys.
pub fn check(proofs: &Proofs) -> Result<Tally> {
    let build = ["build", "--release", "--bin", "zinc", "--locked"];
    let built = proofs
        .run
        .command(proofs.run.repo.cargo(".", &build)?, 10)?;
    if !built.ok() {
        return Ok(proofs.run.held(false, &built.summary()));
    }
    let programs = proofs.run.repo.target().join("release").canonicalize()?;
    let secured = Secured { proofs, programs };
    let mut tally = secured.c()?;
    let python = Path::new("/usr/bin/python3");
    if !python.exists() {
        tally += Tally::skipped(format!("secured: {} is missing", python.display()));
        return Ok(tally);
    }
    tally += secured.pyzmq(python)?;
    tally += secured.czmq(python)?;
    Ok(tally)
}

struct Secured<'a> {
    proofs: &'a Proofs<'a>,
    /// Where `zinc` is.
    programs: PathBuf,
}

impl Secured<'_> {
    /// The page's program, with the library and without.
    fn c(&self) -> Result<Tally> {
        let page = self.page("c")?;
        let source = self.proofs.examples.join("secure.c");
        let (program, build) = self.proofs.gcc("secure", &source);
        let build = build
            .arguments(&["-Werror", "-fvisibility=hidden"])
            .arguments(&[format!(
                "-I{}",
                self.proofs.prefix.join("include").display()
            )])
            .arguments(&[
                format!("-L{}", self.proofs.library.display()),
                "-lzmq".to_owned(),
            ]);
        let built = self.proofs.run.command(build, 2)?;
        if !built.ok() {
            return Ok(self.proofs.run.held(false, &built.summary()));
        }
        self.prints(Command::new(program), &page)
    }

    /// The page's program, and files, under Debian's Python.
    fn pyzmq(&self, python: &Path) -> Result<Tally> {
        let root = match tools::debian_package(self.proofs.run, "python3-zmq") {
            Ok(root) => root,
            Err(error) => return Ok(Tally::skipped(format!("secured: pyzmq: {error:#}"))),
        };
        let modules = root.join("usr/lib/python3/dist-packages");
        let page = self.page("python")?;
        let program = Command::new(python)
            .arguments(&[self.proofs.examples.join("secure.py")])
            .variable("PYTHONPATH", &modules);
        let mut tally = self.prints(program, &page)?;
        let files = Command::new(python)
            .arguments(&["-c", PYZMQ])
            .variable("PYTHONPATH", &modules);
        tally += self.files(files, "pyzmq")?;
        Ok(tally)
    }

    /// Files of the library that the format comes from, which runs on ours.
    fn czmq(&self, python: &Path) -> Result<Tally> {
        let root = match tools::debian_package(self.proofs.run, "libczmq4") {
            Ok(root) => root,
            Err(error) => return Ok(Tally::skipped(format!("secured: CZMQ: {error:#}"))),
        };
        let mut libraries = fs::read_dir(root.join("usr/lib"))?;
        let folder = libraries.next().transpose()?.context("libczmq4 is empty")?;
        let library = folder.path().join("libczmq.so.4");
        let load = Command::new(python)
            .arguments(&["-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])"])
            .arguments(&[&library])
            .variable("LD_LIBRARY_PATH", &self.proofs.library);
        let loaded = self.proofs.run.command(load, 1)?;
        if !loaded.ok() {
            // It needs libsystemd and libuuid as well.
            let reason = format!("secured: CZMQ: {}", loaded.text.trim_end());
            return Ok(Tally::skipped(reason));
        }
        let files = Command::new(python)
            .arguments(&["-c", CZMQ])
            .arguments(&[library]);
        self.files(files, "czmq")
    }

    /// Runs a script that says `ok` at its end in an empty folder.
    fn files(&self, script: Command, name: &str) -> Result<Tally> {
        let folder = self.fresh(&format!("files-{name}"))?;
        let output = self.proofs.run.command(self.within(script, &folder)?, 1)?;
        let held = output.ok() && output.last_line() == "ok";
        Ok(self.proofs.run.held(held, &output.summary()))
    }

    /// Runs a page's program on its keys.
    fn prints(&self, program: Command, page: &Page) -> Result<Tally> {
        let output = self
            .proofs
            .run
            .command(self.within(program, &page.folder)?, 1)?;
        let held = output.ok() && output.text == page.prints;
        let text = format!("{}; expected {:?}", output.summary(), page.prints);
        Ok(self.proofs.run.held(held, &text))
    }

    /// Runs the commands of a page, in an empty folder.
    fn page(&self, name: &str) -> Result<Page> {
        let file = format!("docs/security/{name}.md");
        let text = fs::read_to_string(self.proofs.run.repo.path(&file)).context(file.clone())?;
        let folder = self.fresh(name)?;
        let commands = readme::commands(&text)?.join("\n");
        let command = Command::new("bash").arguments(&["-euo", "pipefail", "-c", &commands]);
        let output = self.proofs.run.command(self.within(command, &folder)?, 1)?;
        anyhow::ensure!(output.ok() && !commands.is_empty(), output.summary());
        let (_, after) = text.split_once("```text\n").context(file.clone())?;
        let (prints, _) = after.split_once("```").context(file)?;
        Ok(Page {
            folder,
            prints: prints.to_owned(),
        })
    }

    fn fresh(&self, name: &str) -> Result<PathBuf> {
        let folder = self.proofs.folder.join("secured").join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The command in that folder, with `zinc` and the library at hand.
    fn within(&self, command: Command, folder: &Path) -> Result<Command> {
        let old = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::env::split_paths(&old);
        let path = std::env::join_paths([self.programs.clone()].into_iter().chain(paths))?;
        Ok(command
            .folder(folder)
            .variable("PATH", path)
            .variable("LD_LIBRARY_PATH", &self.proofs.library))
    }
}

struct Page {
    /// Where its keys are.
    folder: PathBuf,
    /// What it says its program prints.
    prints: String,
}
