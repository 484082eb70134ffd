//! What the Markdown files link to is there, and where they say it is.
//!
//! A link to a line of a source file has the item that is defined there as
//! its text: ``[`Core::send`](crates/zincmq/src/socket/core.rs#L245)``. When
//! lines have moved, `UPDATE_LINKS=1 cargo test -p zincmq-cli --test links`
//! writes the new numbers.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

#[test]
fn every_relative_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = root
        .ancestors()
        .nth(2)
        .expect("crates/cli lies in the repository");
    let update = std::env::var_os("UPDATE_LINKS").is_some();
    let mut files = Vec::new();
    markdown_below(root, &mut files);
    assert!(files.iter().any(|file| file.ends_with("README.md")));
    let mut broken = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file).display();
        let text = read(&file);
        let mut updated = text.clone();
        // From the last to the first, so that the places stay right.
        for link in links(&text).iter().rev() {
            match judge(&file, &text, link) {
                Verdict::Good => {}
                Verdict::Moved(line) if update => updated.replace_range(line.place, &line.target),
                Verdict::Moved(line) => {
                    broken.push(format!("{name}: {} is now at {}", link.text, line.target))
                }
                Verdict::Broken(why) => {
                    broken.push(format!("{name}: {}: {why}", link.target));
                }
            }
        }
        if updated != text {
            fs::write(&file, updated).expect("a file of ours");
        }
    }
    assert!(
        broken.is_empty(),
        "{}\n(UPDATE_LINKS=1 sets line numbers right)",
        broken.join("\n")
    );
}

#[derive(Debug, PartialEq, Eq)]
struct Link<'a> {
    text: &'a str,
    target: &'a str,
    /// Where the target stands.
    place: Range<usize>,
}

struct Moved {
    place: Range<usize>,
    target: String,
}

enum Verdict {
    Good,
    Moved(Moved),
    Broken(String),
}

fn judge(file: &Path, text: &str, link: &Link<'_>) -> Verdict {
    let (path, fragment) = link.target.split_once('#').unwrap_or((link.target, ""));
    if path.contains(':') {
        return Verdict::Good;
    }
    let folder = file.parent().expect("a file lies in a folder");
    let target = if path.is_empty() {
        file.to_owned()
    } else {
        folder.join(path)
    };
    if !target.exists() {
        return Verdict::Broken("there is no such file".to_owned());
    }
    if fragment.is_empty() {
        return Verdict::Good;
    }
    let Some(line) = fragment.strip_prefix('L') else {
        let content = if path.is_empty() {
            text.to_owned()
        } else {
            read(&target)
        };
        if headings(&content).any(|heading| heading == fragment) {
            return Verdict::Good;
        }
        return Verdict::Broken("there is no such heading".to_owned());
    };
    let item = link.text.trim_matches('`');
    let lines = definitions(&read(&target), item);
    match lines.first() {
        None => Verdict::Broken(format!("`{item}` is not defined there")),
        Some(_) if lines.iter().any(|n| n.to_string() == line) => Verdict::Good,
        Some(first) => Verdict::Moved(Moved {
            place: link.place.clone(),
            target: format!("{path}#L{first}"),
        }),
    }
}

/// The links in `text`, without those in blocks of code.
fn links(text: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    let mut start = 0;
    let mut in_code = false;
    for line in text.split_inclusive('\n') {
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
                        place: start + from..start + end,
                    });
                }
                from = end;
            }
        }
        start += line.len();
    }
    links
}

/// The lines, counted from 1, on which `item` is defined: a function, a type
/// or a field, called `name` or `Owner::name`.
fn definitions(source: &str, item: &str) -> Vec<usize> {
    let (owner, name) = match item.rsplit_once("::") {
        Some((owner, name)) => (Some(owner), name),
        None => (None, item),
    };
    let mut outer = "";
    let mut lines = Vec::new();
    for (index, line) in source.lines().enumerate() {
        if line.starts_with(|first: char| first.is_alphabetic()) {
            outer = line;
        }
        let nested = line.starts_with(' ');
        let owned = owner.is_none_or(|owner| nested && words(outer).any(|word| word == owner));
        if owned && defines(line, name) {
            lines.push(index + 1);
        }
    }
    lines
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
    let text = "See [`a`](b.rs#L1) and [c](d).\n```\n[e](f)\n```\n[g](h)\n";
    let found = links(text);
    let targets: Vec<_> = found.iter().map(|link| (link.text, link.target)).collect();
    assert_eq!(targets, [("`a`", "b.rs#L1"), ("c", "d"), ("g", "h")]);
    for link in found {
        assert_eq!(&text[link.place], link.target);
    }
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
/// fn act
impl Act for Two {
    fn act(&self) {}
}
pub(crate) const LIMIT: u8 = 1;
";
    assert_eq!(definitions(source, "One"), [1]);
    assert_eq!(definitions(source, "One::field"), [2]);
    assert_eq!(definitions(source, "One::act"), [5]);
    assert_eq!(definitions(source, "Two::act"), [11]);
    assert_eq!(definitions(source, "act"), [5, 11]);
    assert_eq!(definitions(source, "LIMIT"), [13]);
    assert_eq!(definitions(source, "Three"), []);
}

#[test]
fn headings_are_named_as_github_names_them() {
    let found: Vec<String> = headings("# One: two\n## Who's *there*?\ntext\n").collect();
    assert_eq!(found, ["one-two", "whos-there"]);
}
