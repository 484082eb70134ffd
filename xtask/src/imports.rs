//! Who may import whom: the crates by their manifests, the layers inside `zincmq` by their sources.
//!
//! The sources are read as tokens, so that neither a comment nor a string counts as an import, and
//! a path inside a macro call does. Test modules are left out.

mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::lengths;
use crate::tally::Tally;
use crate::test::Run;
use paths::{Named, Source};

/// Our crates and those of ours each may depend on. Development dependencies may also be
/// `testkit`.
const CRATES: &[(&str, &[&str])] = &[
    ("zincmq-biased", &[]),
    ("zincmq-salsa", &[]),
    ("zincmq-zmtp", &["zincmq-salsa"]),
    ("zincmq-pipe", &["zincmq-biased"]),
    ("zincmq", &["zincmq-biased", "zincmq-zmtp", "zincmq-pipe"]),
    ("zincmq-capi", &["zincmq"]),
    ("zincmq-python", &["zincmq"]),
    ("zincmq-cli", &["zincmq"]),
    ("zincmq-testkit", &["zincmq-zmtp", "zincmq"]),
    ("xtask", &[]),
];

/// A module at the root of `zincmq` and what it never names. `zmtp` is the crate.
struct Layer {
    name: &'static str,
    never: &'static [&'static str],
}

/// Only `context` and `socket` may put these together.
const LAYERS: &[Layer] = &[
    Layer {
        name: "pattern",
        never: &["connection", "transport", "reactor", "context", "socket"],
    },
    Layer {
        name: "route",
        never: &[
            "pattern",
            "connection",
            "transport",
            "reactor",
            "context",
            "socket",
        ],
    },
    Layer {
        name: "connection",
        never: &["pattern", "context", "socket"],
    },
    Layer {
        name: "transport",
        never: &[
            "zmtp",
            "pattern",
            "connection",
            "route",
            "context",
            "socket",
        ],
    },
    Layer {
        name: "reactor",
        never: &[
            "zmtp",
            "pattern",
            "route",
            "connection",
            "transport",
            "context",
            "socket",
        ],
    },
];

/// The table everything else reads. It holds the settings of patterns and transports, and so names
/// these two.
const OPTIONS: Layer = Layer {
    name: "options",
    never: &["route", "connection", "reactor", "context", "socket"],
};

/// What everything else is made of names no layer at all.
const GROUND: &[&str] = &["message", "error", "peer", "security"];

/// Where layers are wired together.
const WIRING: &[&str] = &["context", "socket"];

/// Checks the manifests and the sources; each broken rule is one line.
pub fn check(run: &Run) -> Result<Tally> {
    let text = run
        .repo
        .cargo(".", &["metadata", "--no-deps", "--format-version", "1"])?
        .capture()?;
    let mut broken = check_crates(&serde_json::from_str(&text)?)?;
    let mut tally = run.held(broken.is_empty(), &broken.join("\n"));

    broken = check_sources(&read_sources(&run.repo.path("crates/zincmq/src"))?);
    tally += run.held(broken.is_empty(), &broken.join("\n"));

    broken = check_document(&fs::read_to_string(run.repo.path("ARCHITECTURE.md"))?);
    tally += run.held(broken.is_empty(), &broken.join("\n"));
    Ok(tally)
}

/// `metadata` is what `cargo metadata --no-deps` prints.
fn check_crates(metadata: &serde_json::Value) -> Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("no packages")?;
    let names: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let mut broken = Vec::new();
    for package in packages {
        let name = package["name"].as_str().context("a package without name")?;
        let Some((_, may)) = CRATES.iter().find(|(listed, _)| *listed == name) else {
            broken.push(format!("{name} is not in the table of crates"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let other = dependency["name"].as_str().unwrap_or_default();
            let for_tests = dependency["kind"] == "dev";
            let allowed = may.contains(&other) || (for_tests && other == "zincmq-testkit");
            if names.contains(other) && !allowed {
                broken.push(format!("{name} depends on {other}"));
            }
        }
    }
    Ok(broken)
}

fn check_sources(sources: &[Source]) -> Vec<String> {
    let tests: BTreeSet<&[String]> = sources
        .iter()
        .flat_map(|source| source.test_modules.iter().map(Vec::as_slice))
        .collect();
    let root_names = root_names(sources);
    let mut broken = Vec::new();
    let mut layers_named: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let is_test = (0..=source.module.len()).any(|n| tests.contains(&source.module[..n]));
        let Some(module) = source.module.first().filter(|_| !is_test) else {
            continue;
        };
        if WIRING.contains(&module.as_str()) {
            continue;
        }
        for named in &source.named {
            let Some(target) = target(named, &root_names) else {
                continue;
            };
            let is_layer = LAYERS.iter().any(|layer| layer.name == target);
            let wrong = match rules().find(|layer| layer.name == *module) {
                Some(layer) => layer.never.contains(&target) || target == "*",
                None if GROUND.contains(&module.as_str()) => {
                    is_layer || WIRING.contains(&target) || target == "*"
                }
                None => {
                    if is_layer {
                        layers_named
                            .entry(module)
                            .or_default()
                            .insert(target.to_owned());
                    }
                    false
                }
            };
            if wrong {
                broken.push(format!(
                    "{}:{}: {module} names {target} ({})",
                    source.file,
                    named.line,
                    named.path.join("::")
                ));
            }
        }
    }
    for (module, layers) in layers_named {
        if layers.len() > 1 {
            broken.push(format!("{module} wires {layers:?} together"));
        }
    }
    for layer in LAYERS {
        let exists = |source: &Source| source.module.first().is_some_and(|m| m == layer.name);
        if !sources.iter().any(exists) {
            broken.push(format!(
                "there is no module {}: its rule holds nothing",
                layer.name
            ));
        }
    }
    broken
}

/// Every module with a list of its own.
fn rules() -> impl Iterator<Item = &'static Layer> {
    LAYERS.iter().chain([&OPTIONS])
}

/// Compares the table in ARCHITECTURE.md with the rules held here.
fn check_document(text: &str) -> Vec<String> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let mut told = told(text);
    let broken = rules()
        .map(|rule| (rule.name, names(rule.never)))
        .chain(GROUND.iter().map(|name| (*name, names(&["a layer"]))))
        .chain(["biased", "salsa"].map(|name| (name, names(&["anything of ours"]))))
        .chain([
            ("pipe", names(&["anything of ours but `biased`"])),
            ("zmtp", names(&["anything of ours but `salsa`"])),
        ])
        .filter_map(
            |(name, never): (_, BTreeSet<String>)| match told.remove(name) {
                Some(row) if row == never => None,
                Some(row) => Some(format!(
                    "ARCHITECTURE.md: {name} never names {row:?}, but held is {never:?}"
                )),
                None => Some(format!("ARCHITECTURE.md: no row for {name}")),
            },
        );
    let mut broken: Vec<String> = broken.collect();
    let strays = told.keys();
    broken.extend(strays.map(|name| format!("ARCHITECTURE.md: nothing holds the row of {name}")));
    broken
}

/// The rows of the table: who, and what it never names.
fn told(text: &str) -> BTreeMap<&str, BTreeSet<String>> {
    let section = text
        .lines()
        .skip_while(|line| *line != "## Who may import whom")
        .skip(1)
        .take_while(|line| !line.starts_with("## "));
    let mut rows = BTreeMap::new();
    for line in section.filter(|line| line.starts_with("| `")) {
        let mut cells = line.trim_matches(['|', ' ']).split(" | ");
        let (who, never) = (cells.next().unwrap_or(""), cells.next().unwrap_or(""));
        for name in who.split(", ") {
            let never = never.split(", ").map(|name| match name {
                "the protocol" => "zmtp".to_owned(),
                name => name.to_owned(),
            });
            rows.insert(name.trim_matches('`'), never.collect());
        }
    }
    rows
}

/// The root module, or crate of ours, that a path leads to.
fn target<'a>(named: &'a Named, root_names: &'a BTreeMap<String, String>) -> Option<&'a str> {
    match named.path.first().map(String::as_str)? {
        "crate" => {
            let name = named.path.get(1)?;
            Some(root_names.get(name).unwrap_or(name))
        }
        name @ "zmtp" => Some(name),
        _ => None,
    }
}

/// What `lib.rs` re-exports: name to root module.
fn root_names(sources: &[Source]) -> BTreeMap<String, String> {
    let root = sources.iter().filter(|source| source.module.is_empty());
    root.flat_map(|source| &source.imports)
        .filter_map(|import| {
            let path = import.path.strip_prefix(&["crate".to_owned()]);
            let module = path.unwrap_or(&import.path).first()?;
            (import.alias != "*").then(|| (import.alias.clone(), module.clone()))
        })
        .collect()
}

fn read_sources(root: &Path) -> Result<Vec<Source>> {
    let mut files: Vec<PathBuf> = Vec::new();
    lengths::collect(root, &mut files)?;
    if files.is_empty() {
        bail!("{}: no source files", root.display());
    }
    files
        .iter()
        .map(|file| {
            let text = fs::read_to_string(file)?;
            let below = file.strip_prefix(root)?;
            Source::parse(below, &text).with_context(|| file.display().to_string())
        })
        .collect()
}

#[cfg(test)]
mod tests;
