//! The installed C library in the hands of programs and tools that know libzmq only.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{SHARED, SONAME, STATIC, exports, install, secured};
use crate::command::Command;
use crate::header;
use crate::tally::Tally;
use crate::test::Run;
use crate::tools;

/// The programs in `crates/capi/examples` and what they print.
const EXAMPLES: &[(&str, &str)] = &[
    ("request_reply", CONVERSATION),
    (
        "publish_subscribe",
        "paris 20\nparis 21\nparis 22\nparis 23\nparis 24\n",
    ),
    ("pipeline", "sum 449985000, 300 pieces given back\n"),
];
const CONVERSATION: &str = "hello, world\nhow are you, world\ngoodbye, world\n";

/// Another library in Rust, for the same program. It brings a standard library of its own.
const OTHER_LIBRARY: &str = r#"
#[unsafe(no_mangle)]
pub extern "C" fn other(number: i32) -> i32 {
    let result = std::panic::catch_unwind(|| match number {
        0 => panic!("caught"),
        number => number + 1,
    });
    result.unwrap_or(-1)
}
"#;
const TWO_LIBRARIES: &str = r#"
#include <stdio.h>
#include <zmq.h>
int other (int number);
int main (void)
{
    void *context = zmq_ctx_new ();
    printf ("%d %d %d\n", context != NULL, other (1), other (0));
    return zmq_ctx_term (context);
}
"#;

/// Runs the example, and prints which libzmq is in this process.
const PYTHON: &str = r#"
import runpy, sys
runpy.run_path(sys.argv[1])
with open("/proc/self/maps") as maps:
    print(*{line.split()[-1] for line in maps if "libzmq" in line})
"#;

/// Installs the library into a fresh folder and puts it to use.
pub fn check(run: &Run) -> Result<Tally> {
    tools::cxx(run)?;
    let folder = run.repo.target().join("xtask/dist");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let prefix = folder.join("prefix");
    install(run.repo, &prefix)?;
    let proofs = Proofs {
        run,
        examples: run.repo.path("crates/capi/examples"),
        library: prefix.join("lib"),
        prefix,
        folder,
    };

    let mut tally = proofs.symbols()?;
    tally += proofs.dynamic()?;
    tally += proofs.two_rust_libraries()?;
    tally += proofs.pkg_config()?;
    tally += proofs.cmake()?;
    tally += proofs.cppzmq()?;
    tally += proofs.pyzmq()?;
    tally += secured::check(&proofs)?;
    Ok(tally)
}

pub(super) struct Proofs<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) examples: PathBuf,
    /// Where the programs are built.
    pub(super) folder: PathBuf,
    pub(super) prefix: PathBuf,
    /// `lib` below the prefix.
    pub(super) library: PathBuf,
}

impl Proofs<'_> {
    /// Both libraries define the functions of `zmq.h` and nothing else.
    fn symbols(&self) -> Result<Tally> {
        let include = self.prefix.join("include");
        let declared = header::functions(&self.folder.join("header"), &include)?;
        let mut tally = Tally::default();
        for (name, arguments) in [(SHARED, &["--dynamic"] as &[&str]), (STATIC, &[])] {
            let defined = exports(&self.library.join(name), arguments)?;
            let missing: Vec<_> = declared.difference(&defined).collect();
            let more: Vec<_> = defined.difference(&declared).collect();
            tally += self.run.held(
                missing.is_empty() && more.is_empty(),
                &format!("{name}: missing {missing:?}, more than there should be {more:?}"),
            );
        }
        Ok(tally)
    }

    /// The name in it, and that it stays where threads may run in it.
    fn dynamic(&self) -> Result<Tally> {
        let dynamic = Command::new("readelf")
            .arguments(&["--dynamic", "--wide"])
            .arguments(&[self.library.join(SHARED)])
            .capture()?;
        let expected = [format!("Library soname: [{SONAME}]"), "NODELETE".to_owned()];
        let held = expected.iter().all(|text| dynamic.contains(text));
        Ok(self.run.held(held, &dynamic))
    }

    /// In one program, none of whose symbols may clash.
    fn two_rust_libraries(&self) -> Result<Tally> {
        let path = |name: &str| self.folder.join(name);
        fs::write(path("other.rs"), OTHER_LIBRARY)?;
        fs::write(path("two_libraries.c"), TWO_LIBRARIES)?;
        let other = Command::new("rustc")
            .arguments(&["--edition=2024", "--crate-type=staticlib", "-o"])
            .arguments(&[path("libother.a"), path("other.rs")]);
        let output = self.run.command(other, 2)?;
        if !output.ok() {
            return Ok(self.run.held(false, &output.summary()));
        }
        let program = path("two_libraries");
        let build = Command::new("gcc")
            .arguments(&[format!("-I{}", self.prefix.join("include").display())])
            .arguments(&[path("two_libraries.c"), self.library.join(STATIC)])
            .arguments(&["-Wl,--whole-archive"])
            .arguments(&[path("libother.a")])
            .arguments(&["-Wl,--no-whole-archive", "-lm", "-o"])
            .arguments(&[&program]);
        // The panic that is caught tells of itself on standard error.
        self.program(build, &program, "1 2 -1\n", Linked::Static)
    }

    /// The C examples with what `pkg-config` says: shared, and all static.
    fn pkg_config(&self) -> Result<Tally> {
        if let Err(error) = tools::pkg_config(self.run) {
            return Ok(Tally::skipped(format!("pkg-config: {error:#}")));
        }
        let flags = |arguments: &[&str]| {
            let text = Command::new("pkg-config")
                .arguments(arguments)
                .arguments(&["--cflags", "--libs", "libzmq"])
                .variable("PKG_CONFIG_PATH", self.library.join("pkgconfig"))
                .capture()?;
            let flags = text.split_whitespace().map(str::to_owned);
            Ok::<_, anyhow::Error>(flags.collect::<Vec<_>>())
        };
        let (shared, fixed) = (flags(&[])?, flags(&["--static"])?);
        let mut tally = Tally::default();
        for (name, prints) in EXAMPLES {
            let source = self.examples.join(format!("{name}.c"));
            // What the header declares is visible also where nothing else is.
            let (program, build) = self.gcc(&format!("{name}-shared"), &source);
            let build = build.arguments(&["-fvisibility=hidden"]).arguments(&shared);
            tally += self.program(build, &program, prints, Linked::Shared)?;

            let (program, build) = self.gcc(&format!("{name}-static"), &source);
            let build = build.arguments(&["-static"]).arguments(&fixed);
            tally += self.program(build, &program, prints, Linked::Static)?;
        }
        Ok(tally)
    }

    /// All examples with CMake's `find_package(ZeroMQ)`, the one in C++ with
    /// `find_package(cppzmq)`.
    fn cmake(&self) -> Result<Tally> {
        if let Err(error) = tools::cmake(self.run) {
            return Ok(Tally::skipped(format!("cmake: {error:#}")));
        }
        let mut programs: Vec<(String, &str, Linked)> = Vec::new();
        for (name, prints) in EXAMPLES {
            programs.push(((*name).to_owned(), prints, Linked::Shared));
            programs.push((format!("{name}_static"), prints, Linked::Static));
        }
        let mut path = self.prefix.display().to_string();
        let mut tally = Tally::default();
        match tools::debian_package(self.run, "cppzmq-dev") {
            Ok(root) => {
                path += &format!(";{}", root.join("usr").display());
                programs.push(("request_reply_cpp".to_owned(), CONVERSATION, Linked::Shared));
            }
            Err(error) => tally += Tally::skipped(format!("cmake with cppzmq: {error:#}")),
        }

        let folder = self.folder.join("cmake");
        let configure = Command::new("cmake")
            .arguments(&["-S".as_ref(), self.examples.as_os_str()])
            .arguments(&["-B".as_ref(), folder.as_os_str()])
            .arguments(&[format!("-DCMAKE_PREFIX_PATH={path}")]);
        let output = self.run.command(configure, 2)?;
        if !output.ok() {
            return Ok(self.run.held(false, &output.summary()));
        }
        for (name, prints, linked) in programs {
            let build = Command::new("cmake")
                .arguments(&["--build".as_ref(), folder.as_os_str()])
                .arguments(&["--target", &name]);
            tally += self.program(build, &folder.join(&name), prints, linked)?;
        }
        Ok(tally)
    }

    /// The example in C++, with the header of cppzmq from Debian.
    fn cppzmq(&self) -> Result<Tally> {
        let root = match tools::debian_package(self.run, "cppzmq-dev") {
            Ok(root) => root,
            Err(error) => return Ok(Tally::skipped(format!("cppzmq: {error:#}"))),
        };
        let program = self.folder.join("request_reply-cpp");
        let build = Command::new("g++")
            .arguments(&["-Wall", "-Wextra", "-Werror", "-pthread", "-isystem"])
            .arguments(&[root.join("usr/include")])
            .arguments(&[format!("-I{}", self.prefix.join("include").display())])
            .arguments(&[self.examples.join("request_reply.cpp")])
            .arguments(&[format!("-L{}", self.library.display())])
            .arguments(&["-lzmq", "-o"])
            .arguments(&[&program]);
        self.program(build, &program, CONVERSATION, Linked::Shared)
    }

    /// pyzmq as Debian compiled it for its libzmq, under Debian's Python.
    fn pyzmq(&self) -> Result<Tally> {
        let python = Path::new("/usr/bin/python3");
        if !python.exists() {
            let reason = format!("pyzmq: {} is missing", python.display());
            return Ok(Tally::skipped(reason));
        }
        let root = match tools::debian_package(self.run, "python3-zmq") {
            Ok(root) => root,
            Err(error) => return Ok(Tally::skipped(format!("pyzmq: {error:#}"))),
        };
        let command = Command::new(python)
            .arguments(&["-c", PYTHON])
            .arguments(&[self.examples.join("request_reply.py")])
            .variable("PYTHONPATH", root.join("usr/lib/python3/dist-packages"))
            .variable("LD_LIBRARY_PATH", &self.library);
        let output = self.run.command(command, 1)?;
        let loaded = self.library.join(SHARED);
        let expected = format!("{CONVERSATION}{}\n", loaded.display());
        let held = output.ok() && output.text == expected;
        let text = format!("{}; expected {expected:?}", output.summary());
        Ok(self.run.held(held, &text))
    }

    /// Where to build a C program, and the command up to the libraries.
    pub(super) fn gcc(&self, name: &str, source: &Path) -> (PathBuf, Command) {
        let program = self.folder.join(name);
        let command = Command::new("gcc")
            .arguments(&["-std=c99", "-pedantic", "-Wall", "-Wextra", "-o"])
            .arguments(&[&*program, source]);
        (program, command)
    }

    /// Builds a program, looks what it is linked to, runs it.
    fn program(
        &self,
        build: Command,
        program: &Path,
        prints: &str,
        linked: Linked,
    ) -> Result<Tally> {
        let built = self.run.command(build, 3)?;
        if !built.ok() {
            return Ok(self.run.held(false, &built.summary()));
        }
        let mut tally = self.linked(program, linked)?;
        let mut command = Command::new(program);
        if linked == Linked::Shared {
            command = command.variable("LD_LIBRARY_PATH", &self.library);
        }
        let output = self.run.command(command, 1)?;
        let text = format!("{}; expected {prints:?}", output.summary());
        tally += self
            .run
            .held(output.ok() && output.text.ends_with(prints), &text);
        Ok(tally)
    }

    /// Whether the library that will be loaded is ours, or none.
    fn linked(&self, program: &Path, linked: Linked) -> Result<Tally> {
        let (tool, held, needs) = match linked {
            Linked::Shared => {
                let path = self.library.join(SONAME);
                ("ldd", true, format!("{SONAME} => {} ", path.display()))
            }
            Linked::Static => ("readelf", false, "Shared library: [libzmq".to_owned()),
        };
        let mut command = Command::new(tool).variable("LD_LIBRARY_PATH", &self.library);
        if tool == "readelf" {
            command = command.arguments(&["--dynamic"]);
        }
        let text = command.arguments(&[program]).capture()?;
        // CMake links to the file itself and leaves out the directory's other name for it.
        let text = text.replace(SHARED, SONAME);
        Ok(self.run.held(text.contains(&needs) == held, &text))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Linked {
    Shared,
    Static,
}
