//! Our `zmq.h` beside libzmq's: the same macros with the same values, the same functions, the same
//! types. The compiler reads both. And our functions in Rust beside our `zmq.h`.

mod probe;
mod signatures;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::command::Command;
use crate::tally::Tally;
use crate::test::Run;
use crate::{lengths, libzmq, tools};
use probe::Macro;

/// What is compared: names, each with its value or its declaration.
type Facts = BTreeMap<String, String>;

/// One way to include the header.
struct Setting {
    name: &'static str,
    defines: &'static [&'static str],
    /// With an empty `errno.h`, so that the header has to name the error numbers itself.
    without_errno: bool,
    /// What ours has and libzmq's has not.
    extra: &'static [&'static str],
}

const SETTINGS: &[Setting] = &[
    Setting {
        name: "stable",
        defines: &[],
        without_errno: false,
        extra: &["ZINCMQ_SPIN"],
    },
    Setting {
        name: "drafts",
        defines: &["ZMQ_BUILD_DRAFT_API"],
        without_errno: false,
        // The second is newer than 4.3.5.
        extra: &["ZINCMQ_SPIN", "zmq_disconnect_peer"],
    },
    Setting {
        name: "without errno.h",
        defines: &[],
        without_errno: true,
        extra: &["ZINCMQ_SPIN"],
    },
    Setting {
        name: "ZMQ_NO_EXPORT",
        defines: &["ZMQ_NO_EXPORT"],
        without_errno: false,
        extra: &["ZINCMQ_SPIN"],
    },
];

/// Languages it must compile in without a warning, with the compiler for each.
const LANGUAGES: &[(&str, &str)] = &[
    ("gcc", "c89"),
    ("gcc", "c99"),
    ("gcc", "c17"),
    ("g++", "c++98"),
    ("g++", "c++11"),
    ("g++", "c++20"),
];

/// Compares the headers in every setting, and compiles ours in every language.
pub fn check(run: &Run) -> Result<Tally> {
    tools::cxx(run)?;
    let theirs = libzmq::sources(run.repo)?.join("include");
    let ours = run.repo.path("crates/capi/include");
    let folder = run.repo.target().join("xtask/header");
    fs::create_dir_all(folder.join("without_errno"))?;
    fs::write(folder.join("without_errno/errno.h"), "")?;

    let mut tally = Tally::default();
    for setting in SETTINGS {
        let broken = differences(
            &read(&folder, &theirs, setting).context("libzmq's zmq.h")?,
            &read(&folder, &ours, setting).context("our zmq.h")?,
            setting.extra,
        );
        let text = format!("{}, libzmq / ours:\n{}", setting.name, broken.join("\n"));
        tally += run.held(broken.is_empty(), &text);
    }
    tally += signatures(run, &folder, &ours)?;
    for (compiler, standard) in LANGUAGES {
        for header in ["zmq.h", "zmq_utils.h"] {
            for drafts in [false, true] {
                let command = compile(&folder, &ours, compiler, standard, header, drafts)?;
                tally += run.check(command, 1)?;
            }
        }
    }
    Ok(tally)
}

/// All functions a header declares, drafts included.
pub fn functions(folder: &Path, include: &Path) -> Result<BTreeSet<String>> {
    fs::create_dir_all(folder)?;
    Ok(with_drafts(folder, include)?.into_keys().collect())
}

fn with_drafts(folder: &Path, include: &Path) -> Result<Facts> {
    declarations(folder, include, &["-DZMQ_BUILD_DRAFT_API".to_owned()])
}

/// What the header declares and what the sources of the library define.
fn signatures(run: &Run, folder: &Path, include: &Path) -> Result<Tally> {
    let declared = signatures::of_c(&with_drafts(folder, include)?)?;
    let mut files = Vec::new();
    lengths::collect(&run.repo.path("crates/capi/src"), &mut files)?;
    let mut defined = Facts::new();
    for file in files {
        let found = signatures::of_rust(&fs::read_to_string(&file)?);
        defined.extend(found.with_context(|| file.display().to_string())?);
    }
    let broken = differences(&declared, &defined, &[]).join("\n");
    Ok(run.held(
        broken.is_empty(),
        &format!("zmq.h / the sources:\n{broken}"),
    ))
}

/// What the header in `include` says.
fn read(folder: &Path, include: &Path, setting: &Setting) -> Result<Facts> {
    let mut arguments: Vec<String> = Vec::new();
    arguments.extend(setting.defines.iter().map(|name| format!("-D{name}")));
    if setting.without_errno {
        arguments.push(format!("-I{}", folder.join("without_errno").display()));
    }

    let source = folder.join("include.c");
    fs::write(&source, "#include <zmq.h>\n")?;
    let text = gcc(include, &arguments)
        .arguments(&["-E", "-dD"])
        .arguments(&[&source])
        .capture()?;
    let macros = Macro::all(&text, &include.join("zmq.h"));
    if macros.is_empty() {
        bail!("no macros in {}", include.display());
    }

    let mut facts = declarations(folder, include, &arguments)?;
    facts.extend(values(folder, include, &arguments, &macros)?);
    for empty in macros.iter().filter(|one| one.body.is_empty()) {
        facts.insert(empty.name.clone(), String::new());
    }
    Ok(facts)
}

/// Functions, as the compiler understood them: without the names of parameters.
fn declarations(folder: &Path, include: &Path, arguments: &[String]) -> Result<Facts> {
    let (source, list) = (folder.join("include.c"), folder.join("declarations"));
    fs::write(&source, "#include <zmq.h>\n")?;
    gcc(include, arguments)
        .arguments(&["-fsyntax-only", "-aux-info"])
        .arguments(&[&list, &source])
        .capture()?;
    let facts = probe::declarations(&fs::read_to_string(&list)?, &include.join("zmq.h"));
    match facts.is_empty() {
        false => Ok(facts),
        true => bail!("no functions in {}", include.display()),
    }
}

/// Values of macros, and sizes and places of types, as a program finds them.
fn values(folder: &Path, include: &Path, arguments: &[String], macros: &[Macro]) -> Result<Facts> {
    let (source, program) = (folder.join("probe.c"), folder.join("probe"));
    let drafts = arguments.iter().any(|one| one.ends_with("DRAFT_API"));
    fs::write(&source, probe::program(macros, drafts))?;
    gcc(include, arguments)
        .arguments(&["-std=gnu11", "-Werror", "-o"])
        .arguments(&[&program, &source])
        .capture()?;
    let output = Command::new(&program).capture()?;
    let lines = output.lines().filter_map(|line| line.split_once(" = "));
    Ok(lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

fn differences(theirs: &Facts, ours: &Facts, extra: &[&str]) -> Vec<String> {
    let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let mut broken = Vec::new();
    for name in names {
        match (theirs.get(name), ours.get(name)) {
            (Some(theirs), Some(ours)) if theirs == ours => {}
            (None, Some(_)) if extra.contains(&name.as_str()) => {}
            (theirs, ours) => {
                let [theirs, ours] =
                    [theirs, ours].map(|one| one.map_or("missing", String::as_str));
                broken.push(format!("{name}: {theirs} / {ours}"));
            }
        }
    }
    broken
}

fn compile(
    folder: &Path,
    include: &Path,
    compiler: &str,
    standard: &str,
    header: &str,
    drafts: bool,
) -> Result<Command> {
    let suffix = if compiler == "g++" { "cc" } else { "c" };
    let source = folder.join(format!("alone.{suffix}"));
    // Twice, as programs do by way of other headers.
    let text = format!("#include <{header}>\n#include <zmq.h>\nint zmq_is_included;\n");
    fs::write(&source, text)?;
    let mut command = Command::new(compiler)
        .arguments(&[
            format!("-std={standard}"),
            format!("-I{}", include.display()),
        ])
        .arguments(&[
            "-pedantic",
            "-Wall",
            "-Wextra",
            "-Wundef",
            "-Wconversion",
            "-Werror",
        ])
        .arguments(&["-fsyntax-only"]);
    if drafts {
        command = command.arguments(&["-DZMQ_BUILD_DRAFT_API", "-D_POSIX_C_SOURCE=200112L"]);
    }
    Ok(command.arguments(&[&source]))
}

fn gcc(include: &Path, arguments: &[String]) -> Command {
    Command::new("gcc")
        .arguments(arguments)
        .arguments(&[format!("-I{}", include.display())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(rows: &[(&str, &str)]) -> Facts {
        let rows = rows.iter().map(|(name, value)| (*name, *value));
        rows.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn tells_what_differs_is_missing_or_too_much() {
        let theirs = facts(&[("A", "1"), ("B", "2"), ("C", "3")]);
        let ours = facts(&[("A", "1"), ("B", "4"), ("D", "5"), ("E", "6")]);
        assert_eq!(
            differences(&theirs, &ours, &["E"]),
            ["B: 2 / 4", "C: 3 / missing", "D: missing / 5"]
        );
    }
}
