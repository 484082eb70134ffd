//! libzmq itself, with the draft API, as a shared library and as a prefix to build against.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::jobs;
use crate::command::Command;
use crate::test::Run;
use crate::{libzmq, tools};

/// What libzmq's configure script finds on every Linux of today.
const FOUND_BY_CONFIGURE: &str = include_str!("../../../interop/libzmq/found_by_configure.txt");

/// What the build is asked for, besides. Not tipc: it needs a kernel that has it, which its
/// programs find out, but `zmq_has` does not.
const ASKED_FOR: &[&str] = &[
    "ZMQ_BUILD_DRAFT_API",
    "ZMQ_HAVE_LINUX",
    "ZMQ_IOTHREAD_POLLER_USE_EPOLL",
    "ZMQ_POLL_BASED_ON_POLL",
    "ZMQ_USE_CV_IMPL_STL11",
    "ZMQ_USE_BUILTIN_SHA1",
    "ZMQ_HAVE_BUSY_POLL",
    "ZMQ_HAVE_IPC",
    "ZMQ_HAVE_STRUCT_SOCKADDR_UN",
    "ZMQ_HAVE_UIO",
    "ZMQ_HAVE_WS",
    "HAVE_STRNLEN",
];

/// For the library and the programs alike.
pub const FLAGS: &[&str] = &[
    "-std=c++11",
    "-O2",
    "-fPIC",
    "-fvisibility=hidden",
    "-w",
    "-D_GNU_SOURCE",
    "-D_REENTRANT",
    "-DZMQ_CUSTOM_PLATFORM_HPP",
];

const COMPILATION: Duration = Duration::from_secs(10 * 60);

/// The reference and its parts.
pub struct Reference {
    /// `include/`, `lib/`, and what was compiled on the way.
    folder: PathBuf,
    /// The release's sources.
    sources: PathBuf,
    /// With CURVE: libsodium is there.
    pub curve: bool,
    /// With wss: GnuTLS is there.
    pub wss: bool,
}

impl Reference {
    /// Builds what is not there yet, below `folder`. A change of recipe starts anew.
    pub fn build(run: &Run, folder: &Path) -> Result<Self> {
        tools::cxx(run)?;
        let reference = Self {
            folder: folder.to_owned(),
            sources: libzmq::sources(run.repo)?,
            curve: tools::header(run, "sodium.h", "libsodium-dev"),
            wss: tools::header(run, "gnutls/gnutls.h", "libgnutls28-dev"),
        };
        let recipe = reference.recipe()?;
        let stamp = folder.join("recipe");
        if fs::read_to_string(&stamp).ok().as_deref() != Some(&recipe) {
            if folder.exists() {
                fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
            }
            for part in ["include", "objects", "lib/pkgconfig"] {
                fs::create_dir_all(folder.join(part))?;
            }
            fs::write(folder.join("platform.hpp"), reference.platform())?;
            fs::write(stamp, recipe)?;
        }
        if !reference.library().exists() {
            reference.compile()?;
        }
        Ok(reference)
    }

    /// The release's sources.
    pub fn sources(&self) -> &Path {
        &self.sources
    }

    /// The folder of `libzmq.so.5`.
    pub fn library_folder(&self) -> PathBuf {
        self.folder.join("lib")
    }

    /// A prefix with `include/`, `lib/` and `lib/pkgconfig/`.
    pub fn prefix(&self) -> &Path {
        &self.folder
    }

    fn library(&self) -> PathBuf {
        self.library_folder().join("libzmq.so.5")
    }

    /// All that decides what comes out.
    fn recipe(&self) -> Result<String> {
        let compiler = Command::new("g++").arguments(&["--version"]).capture()?;
        Ok(format!(
            "{}\n{}\n{compiler}\n{}",
            self.sources.display(),
            FLAGS.join(" "),
            self.platform()
        ))
    }

    /// What libzmq's configure script would write.
    fn platform(&self) -> String {
        let mut defines: Vec<&str> = FOUND_BY_CONFIGURE.split_whitespace().collect();
        defines.extend(ASKED_FOR);
        if self.curve {
            defines.extend(["ZMQ_HAVE_CURVE", "ZMQ_USE_LIBSODIUM"]);
        }
        if self.wss {
            defines.extend(["ZMQ_HAVE_WSS", "ZMQ_USE_GNUTLS"]);
        }
        let line = |define: &str| match define.split_once('=') {
            Some((name, value)) => format!("#define {name} {value}\n"),
            None => format!("#define {define} 1\n"),
        };
        defines.into_iter().map(line).collect()
    }

    fn compile(&self) -> Result<()> {
        let mut sources = sources_in(&self.sources.join("src"), "cpp")?;
        sources.push(self.sources.join("external/sha1/sha1.c"));
        eprintln!("compiling libzmq: {} files", sources.len());
        let objects = self.folder.join("objects");
        let objects = jobs::each(&sources, jobs::processors(), |source| {
            self.object(source, &objects)
        })?;

        for header in ["zmq.h", "zmq_utils.h"] {
            let from = self.sources.join("include").join(header);
            fs::copy(&from, self.folder.join("include").join(header))?;
        }
        let library = self.library();
        let unfinished = library.with_extension("unfinished");
        let mut link = Command::new("g++")
            .arguments(&["-shared", "-Wl,-soname,libzmq.so.5", "-o"])
            .arguments(&[&unfinished])
            .arguments(&objects)
            .arguments(&["-lpthread"]);
        if self.curve {
            link = link.arguments(&["-lsodium"]);
        }
        if self.wss {
            link = link.arguments(&["-lgnutls"]);
        }
        finish(link, &unfinished, &library)?;
        let link = self.library_folder().join("libzmq.so");
        if !link.is_symlink() {
            std::os::unix::fs::symlink("libzmq.so.5", link)?;
        }
        let description = format!(
            "prefix={}\nName: libzmq\nDescription: libzmq with the draft API\nVersion: 4.3.5\n\
             Libs: -L${{prefix}}/lib -lzmq\nCflags: -I${{prefix}}/include -DZMQ_BUILD_DRAFT_API=1\n",
            self.folder.display()
        );
        fs::write(
            self.library_folder().join("pkgconfig/libzmq.pc"),
            description,
        )?;
        Ok(())
    }

    /// Compiles one source into `folder`, if that is not done yet.
    pub fn object(&self, source: &Path, folder: &Path) -> Result<PathBuf> {
        let name = source.file_name().context("a source has a name")?;
        let object = folder.join(name).with_extension("o");
        if object.exists() {
            return Ok(object);
        }
        let unfinished = object.with_extension("unfinished");
        let is_c = source.extension().is_some_and(|extension| extension == "c");
        let command = match is_c {
            true => Command::new("gcc").arguments(&["-O2", "-fPIC", "-w"]),
            false => Command::new("g++").arguments(FLAGS),
        };
        let includes = [
            self.folder.clone(),
            self.sources.join("include"),
            self.sources.join("src"),
            self.sources.join("external/unity"),
        ];
        let includes = includes.map(|folder| format!("-I{}", folder.display()));
        let command = command
            .arguments(&includes)
            // As libzmq builds Unity for its tests.
            .arguments(&["-DUNITY_USE_COMMAND_LINE_ARGS", "-DUNITY_EXCLUDE_FLOAT"])
            .arguments(&["-c", "-o"])
            .arguments(&[unfinished.as_path(), source]);
        finish(command, &unfinished, &object)?;
        Ok(object)
    }
}

/// Runs a compiler. What it made is there under its name only when it is whole.
pub fn finish(command: Command, unfinished: &Path, result: &Path) -> Result<()> {
    let log = result.with_extension("log");
    let output = command.run_logged(&log, COMPILATION)?;
    if !output.ok() {
        bail!("{}\n{}", output.summary(), output.text);
    }
    fs::remove_file(log)?;
    fs::rename(unfinished, result).with_context(|| result.display().to_string())
}

/// The files in `folder` with this extension, sorted.
pub fn sources_in(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
