//! A library as programs see it, and what starts such programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::Arguments;

/// Which programs run, and what they load.
pub struct Face {
    pub name: &'static str,
    /// Of the perf programs' files, or this one.
    programs: PathBuf,
    /// Of our programs in C.
    ours: PathBuf,
    /// What the perf programs load; none for the ones in Rust.
    library: Option<PathBuf>,
}

/// The subject first.
pub fn faces(arguments: &Arguments) -> Result<Vec<Face>> {
    let c = |name: &'static str, library: &Path| -> Result<Face> {
        let library = library.canonicalize().with_context(|| name.to_owned())?;
        let face = Face::new(name, arguments, &library);
        face.check()?;
        Ok(face)
    };
    Ok(vec![
        c("C ABI", &arguments.ours)?,
        Face {
            name: "native",
            programs: std::env::current_exe()?,
            ours: PathBuf::new(),
            library: None,
        },
        c("libzmq", &arguments.libzmq)?,
    ])
}

impl Face {
    /// What the programs in C are with the `libzmq.so.5` in the folder `library`.
    pub fn new(name: &'static str, arguments: &Arguments, library: &Path) -> Self {
        Self {
            name,
            programs: arguments.programs.clone(),
            ours: arguments.c_programs.clone(),
            library: Some(library.to_owned()),
        }
    }

    /// Whether there are programs in Rust only.
    pub fn is_native(&self) -> bool {
        self.library.is_none()
    }

    /// The perf program called `tool`, still without arguments of its own.
    pub fn tool(&self, tool: &str) -> Command {
        match &self.library {
            Some(library) => {
                let mut command = Command::new(self.programs.join(tool));
                command.env("LD_LIBRARY_PATH", library);
                command
            }
            None => {
                let mut command = Command::new(&self.programs);
                command.args(["perf", tool]);
                command
            }
        }
    }

    /// The program of ours in C called `name`, likewise; not for the native face.
    pub fn ours(&self, name: &str) -> Command {
        let mut command = Command::new(self.ours.join(name));
        if let Some(library) = &self.library {
            command.env("LD_LIBRARY_PATH", library);
        }
        command
    }

    /// Whether the loader takes the library that is meant (ld.so(8)).
    fn check(&self) -> Result<()> {
        let mut command = self.tool("local_thr");
        let output = command
            .env("LD_TRACE_LOADED_OBJECTS", "1")
            .output()
            .with_context(|| format!("{command:?}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let library = self.library.as_deref().unwrap_or(Path::new(""));
        let library = library.join("libzmq.so.5");
        if !text.contains(&format!("=> {} ", library.display())) {
            bail!("{command:?} does not load {}:\n{text}", library.display());
        }
        Ok(())
    }
}
