//! `cargo xtask dist`: the C library as programs expect to find it installed.

pub mod proofs;
mod secured;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command::{self, Command};
use crate::repo::Repo;

/// What programs that were linked to it ask for.
const SONAME: &str = "libzmq.so.5";
/// The file behind that name, as libzmq 4.3.5 calls it.
const SHARED: &str = "libzmq.so.5.2.5";
const STATIC: &str = "libzmq.a";
const HEADERS: &[&str] = &["zmq.h", "zmq_utils.h"];

/// Sections in which Rust's own objects carry bitcode. A linker with another LLVM's plugin would
/// take them for its own.
const BITCODE: &[&str] = &["--remove-section=.llvmbc", "--remove-section=.llvmcmd"];

/// Builds the library and installs it below `prefix`. Returns the files.
pub fn install(repo: &Repo, prefix: &Path) -> Result<Vec<PathBuf>> {
    if !cfg!(target_os = "linux") {
        bail!("the C library is built for Linux only");
    }
    let prefix = std::path::absolute(prefix)?;
    let built = build(repo)?;
    let mut place = Place {
        prefix: &prefix,
        files: Vec::new(),
    };

    for name in HEADERS {
        let text = fs::read(repo.path("crates/capi/include").join(name))?;
        place.text(&format!("include/{name}"), &text)?;
    }
    place.made(&format!("lib/{SHARED}"), |file| {
        objcopy(&built.shared, file, &["--strip-debug"])
    })?;
    place.link(&format!("lib/{SONAME}"), SHARED)?;
    place.link("lib/libzmq.so", SONAME)?;
    place.made(&format!("lib/{STATIC}"), |file| archive(&built, file))?;

    let words = Words {
        version: version(&fs::read_to_string(repo.path("crates/capi/include/zmq.h"))?)?,
        libraries: &built.libraries,
    };
    place.text(
        "lib/pkgconfig/libzmq.pc",
        words
            .fill(include_str!("dist/libzmq.pc.in"), " ")
            .as_bytes(),
    )?;
    place.text(
        "lib/cmake/ZeroMQ/ZeroMQConfig.cmake",
        words
            .fill(include_str!("dist/ZeroMQConfig.cmake.in"), ";")
            .as_bytes(),
    )?;
    place.text(
        "lib/cmake/ZeroMQ/ZeroMQConfigVersion.cmake",
        words
            .fill(include_str!("dist/ZeroMQConfigVersion.cmake.in"), ";")
            .as_bytes(),
    )?;
    Ok(place.files)
}

/// What cargo made.
struct Built {
    /// For what is made from it on the way.
    folder: PathBuf,
    shared: PathBuf,
    archive: PathBuf,
    /// What a program that takes the archive links besides: `-lm` and the like.
    libraries: Vec<String>,
}

fn build(repo: &Repo) -> Result<Built> {
    const MINUTES: Duration = Duration::from_secs(15 * 60);
    let arguments = ["rustc", "--release", "--locked", "--package", "zincmq-capi"];
    let output = repo
        .cargo(".", &arguments)?
        .arguments(&["--lib", "--", "--print", "native-static-libs"])
        .run_logged(&command::fresh_log(repo.target(), "dist-build")?, MINUTES)?;
    if !output.ok() {
        bail!("{}\n{}", output.summary(), output.text);
    }
    let folder = repo.target().join("release");
    Ok(Built {
        folder: repo.target().join("xtask"),
        shared: folder.join("libzmq.so"),
        archive: folder.join(STATIC),
        libraries: libraries(&output.text).with_context(|| output.text.clone())?,
    })
}

/// From what rustc says, without what a C compiler adds by itself: `-lgcc_s` has no static form.
fn libraries(text: &str) -> Result<Vec<String>> {
    let list = text
        .lines()
        .find_map(|line| line.split_once("native-static-libs: "))
        .context("rustc told no native-static-libs")?
        .1;
    let by_itself = ["-lgcc_s", "-lc"];
    let needed = list.split_whitespace().filter(|l| !by_itself.contains(l));
    Ok(needed.map(str::to_owned).collect())
}

/// One object whose only global symbols are those the shared library exports. The other symbols,
/// those of Rust's standard library above all, cannot clash with what else a program is made of.
fn archive(built: &Built, file: &Path) -> Result<()> {
    let names = exports(&built.shared, &["--dynamic"])?;
    let object = built.folder.join("libzmq.o");
    let list = built.folder.join("libzmq.names");
    fs::write(
        &list,
        names.iter().map(|n| format!("{n}\n")).collect::<String>(),
    )?;

    let roots: Vec<String> = names.iter().map(|n| format!("--undefined={n}")).collect();
    // A group kept as such would replace one of the same name in another library, and with its
    // symbols made local nothing there could refer to it.
    Command::new("ld")
        .arguments(&["--relocatable", "--gc-sections", "--force-group-allocation"])
        .arguments(&roots)
        .arguments(&["-o".as_ref(), object.as_os_str(), built.archive.as_os_str()])
        .capture()?;
    let keep = format!("--keep-global-symbols={}", list.display());
    objcopy(
        &object,
        &object,
        &[&[&*keep, "--strip-debug"], BITCODE].concat(),
    )?;
    // `ar` adds to an archive that is there already.
    remove(file)?;
    Command::new("ar")
        .arguments(&["rcsD"])
        .arguments(&[file, &object])
        .capture()
        .map(drop)
}

fn objcopy(from: &Path, to: &Path, arguments: &[&str]) -> Result<()> {
    Command::new("objcopy")
        .arguments(arguments)
        .arguments(&[from, to])
        .capture()
        .map(drop)
}

/// The global symbols that a library defines; of a shared one with `--dynamic`.
fn exports(library: &Path, arguments: &[&str]) -> Result<BTreeSet<String>> {
    let text = Command::new("nm")
        .arguments(&["--defined-only", "--extern-only", "--format=posix"])
        .arguments(arguments)
        .arguments(&[library])
        .capture()?;
    // An archive's members have a line of their own, `libzmq.a[libzmq.o]:`.
    let symbols = text.lines().filter(|line| !line.ends_with(':'));
    Ok(symbols
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}

/// The version `zmq.h` gives itself.
fn version(header: &str) -> Result<String> {
    let number = |part: &str| {
        let define = format!("#define ZMQ_VERSION_{part} ");
        let line = header.lines().find_map(|line| line.strip_prefix(&*define));
        line.with_context(|| format!("zmq.h has no {define}"))
    };
    let parts = [number("MAJOR")?, number("MINOR")?, number("PATCH")?];
    Ok(parts.join("."))
}

/// What stands for the words between `@` in the templates.
struct Words<'a> {
    version: String,
    libraries: &'a [String],
}

impl Words<'_> {
    fn fill(&self, template: &str, between: &str) -> String {
        template
            .replace("@VERSION@", &self.version)
            .replace("@LIBS_PRIVATE@", &self.libraries.join(between))
            .replace("@SONAME@", SONAME)
            .replace("@SHARED@", SHARED)
            .replace("@STATIC@", STATIC)
            .replace("@POINTER_BYTES@", &size_of::<usize>().to_string())
    }
}

/// The folder that is installed into. A file appears when it is complete, so that a running
/// program keeps the one it has.
struct Place<'a> {
    prefix: &'a Path,
    files: Vec<PathBuf>,
}

impl Place<'_> {
    fn text(&mut self, below: &str, text: &[u8]) -> Result<()> {
        self.made(below, |file| Ok(fs::write(file, text)?))
    }

    fn link(&mut self, below: &str, target: &str) -> Result<()> {
        self.made(below, |file| {
            remove(file)?;
            Ok(symlink(target, file)?)
        })
    }

    fn made(&mut self, below: &str, make: impl Fn(&Path) -> Result<()>) -> Result<()> {
        let file = self.prefix.join(below);
        let folder = file.parent().context("a file is in a folder")?;
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let name = file.file_name().context("a file has a name")?;
        let new = folder.join(format!(".{}.new", name.display()));
        make(&new)
            .and_then(|()| Ok(fs::rename(&new, &file)?))
            .with_context(|| file.display().to_string())?;
        self.files.push(file);
        Ok(())
    }
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| file.display().to_string())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_what_a_c_compiler_does_not_by_itself() {
        let text = "note: link against\n\nnote: native-static-libs: -lgcc_s -lutil -lm -lc\n";
        assert_eq!(libraries(text).unwrap(), ["-lutil", "-lm"]);
        assert!(libraries("Finished `release` profile").is_err());
    }

    #[test]
    fn takes_the_version_from_the_header() {
        let header = "\
#define ZMQ_VERSION_MAJOR 4
#define ZMQ_VERSION_MINOR 3
#define ZMQ_VERSION_PATCH 5
";
        assert_eq!(version(header).unwrap(), "4.3.5");
        assert!(version("#define ZMQ_VERSION_MAJOR 4\n").is_err());
    }

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = Place {
            prefix: folder.path(),
            files: Vec::new(),
        };
        place.text("lib/a", b"first").unwrap();
        place.link("lib/b", "a").unwrap();
        place.link("lib/b", "a").unwrap();
        let failed = place.made("lib/a", |file| {
            fs::write(file, "half")?;
            bail!("no room")
        });
        assert!(failed.is_err());
        let path = folder.path().join("lib/b");
        assert_eq!(fs::read_to_string(path).unwrap(), "first");
        assert_eq!(place.files.len(), 3);
    }
}
