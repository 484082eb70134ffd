//! What the Markdown files link to is there.
//!
//! A link to a source file whose text is an item names what that file defines:
//! ``[`Core::send`](crates/zincmq/src/socket/core.rs)``. Lines are not named,
//! as they move with every change.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_relative_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = root
        .ancestors()
        .nth(2)
        .expect("crates/cli lies in the repository");
    let mut files = Vec::new();
    markdown_below(root, &mut files);
    assert!(files.iter().any(|file| file.ends_with("README.md")));
    let mut broken = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file).display();
        let text = read(&file);
        for link in links(&text) {
            if let Err(why) = judge(&file, &text, &link) {
                broken.push(format!("{name}: [{}]({}): {why}", link.text, link.target));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[derive(Debug, PartialEq, Eq)]
struct Link<'a> {
    text: &'a str,
    target: &'a str,
}

fn judge(file: &Path, text: &str, link: &Link<'_>) -> Result<(), String> {
    let (path, fragment) = link.target.split_once('#').unwrap_or((link.target, ""));
    if path.contains(':') {
        return Ok(());
    }
    let folder = file.parent().expect("a file lies in a folder");
    let target = if path.is_empty() {
        file.to_owned()
    } else {
        folder.join(path)
    };
    if !target.exists() {
        return Err("there is no such file".to_owned());
    }
    let is_source = target
        .extension()
        .is_some_and(|extension| extension == "rs");
    if is_source && !fragment.is_empty() {
        return Err("name the item, not its line".to_owned());
    }
    if is_source && let Some(item) = item(link.text) {
        return match defined(&read(&target), item) {
            true => Ok(()),
            false => Err(format!("`{item}` is not defined there")),
        };
    }
    if fragment.is_empty() {
        return Ok(());
    }
    let content = if path.is_empty() {
        text.to_owned()
    } else {
        read(&target)
    };
    match headings(&content).any(|heading| heading == fragment) {
        true => Ok(()),
        false => Err("there is no such heading".to_owned()),
    }
}

/// The item that a link's text names: a path in backticks. A file's name, with
/// a dot or a slash in it, is none, nor is prose.
fn item(text: &str) -> Option<&str> {
    let item = text.strip_prefix('`')?.strip_suffix('`')?;
    let is_path = item
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | ':'));
    is_path.then_some(item)
}

/// The links in `text`, without those in blocks of code.
fn links(text: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            let mut from = 0;
            while let Some(middle) = line[from..].find("](").map(|at| from + at) {
                from = middle + 2;
                let Some(end) = line[from..].find(')').map(|at| from + at) else {
                    break;
                };
                if let Some(open) = line[..middle].rfind('[') {
                    links.push(Link {
                        text: &line[open + 1..middle],
                        target: &line[from..end],
                    });
                }
                from = end;
            }
        }
    }
    links
}

/// Whether `source` defines `item`: a function, a type, a module or a field,
/// called `name` or `Owner::name`.
fn defined(source: &str, item: &str) -> bool {
    let (owner, name) = match item.rsplit_once("::") {
        Some((owner, name)) => (Some(owner), name),
        None => (None, item),
    };
    let mut outer = "";
    source.lines().any(|line| {
        if line.starts_with(|first: char| first.is_alphabetic()) {
            outer = line;
        }
        let nested = line.starts_with(' ');
        let owned = owner.is_none_or(|owner| nested && words(outer).any(|word| word == owner));
        owned && defines(line, name)
    })
}

fn defines(line: &str, name: &str) -> bool {
    const KEYWORDS: [&str; 9] = [
        "fn",
        "struct",
        "enum",
        "trait",
        "const",
        "static",
        "type",
        "mod",
        "macro_rules",
    ];
    let code = line.trim_start();
    if code.starts_with("//") {
        return false;
    }
    let all: Vec<&str> = words(code).collect();
    let item = all
        .windows(2)
        .any(|pair| KEYWORDS.contains(&pair[0]) && pair[1] == name);
    // A field: `name: Type`, perhaps with `pub(crate)` in front.
    let field = code.split_once(": ").is_some_and(|(front, _)| {
        let declared = front.strip_prefix("pub").map_or(front, |rest| {
            rest.split_once(' ').map_or(rest, |(_, name)| name)
        });
        declared == name
    });
    item || field
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// What GitHub calls the headings of `text` in links.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
}

fn markdown_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of ours") {
        let path = entry.expect("a folder of ours").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let built = matches!(&*name, "target" | "node_modules") || name.starts_with('.');
        if path.is_dir() && !path.is_symlink() {
            if !built {
                markdown_below(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn links_are_found_outside_of_code() {
    let text = "See [`a`](b.rs) and [c](d).\n```\n[e](f)\n```\n[g](h)\n";
    let found = links(text);
    let targets: Vec<_> = found.iter().map(|link| (link.text, link.target)).collect();
    assert_eq!(targets, [("`a`", "b.rs"), ("c", "d"), ("g", "h")]);
}

#[test]
fn items_are_told_from_file_names_and_prose() {
    assert_eq!(item("`Core::send`"), Some("Core::send"));
    assert_eq!(item("`lost`"), Some("lost"));
    assert_eq!(item("`socket.rs`"), None);
    assert_eq!(item("is finished"), None);
}

#[test]
fn definitions_are_told_from_uses_and_from_each_other() {
    let source = "\
struct One {
    field: u8,
}
impl One {
    fn act(&self) {
        act();
    }
}
/// fn other
impl Act for Two {
    fn act_too(&self) {}
}
pub(crate) const LIMIT: u8 = 1;
";
    for item in [
        "One",
        "One::field",
        "One::act",
        "Two::act_too",
        "act",
        "LIMIT",
    ] {
        assert!(defined(source, item), "{item}");
    }
    for item in ["Three", "Two::act", "One::act_too", "other", "Two::field"] {
        assert!(!defined(source, item), "{item}");
    }
}

#[test]
fn headings_are_named_as_github_names_them() {
    let found: Vec<String> = headings("# One: two\n## Who's *there*?\ntext\n").collect();
    assert_eq!(found, ["one-two", "whos-there"]);
}
