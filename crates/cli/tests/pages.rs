//! The pages in docs/security show their programs as they are, and make the
//! same keys.

use std::fs;
use std::path::{Path, PathBuf};

/// A page, the language of its program, and the program.
const PAGES: &[(&str, &str, &str)] = &[
    ("rust", "rust", "crates/zincmq/examples/secure.rs"),
    ("c", "c", "crates/capi/examples/secure.c"),
    ("python", "python", "crates/capi/examples/secure.py"),
];

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2);
    root.expect("crates/cli lies in the repository").to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn page(name: &str) -> String {
    read(&format!("docs/security/{name}.md"))
}

/// The block of code that starts with ```` ```LANGUAGE ````, of which there is one.
fn block<'a>(page: &'a str, language: &str) -> &'a str {
    let start = format!("\n```{language}\n");
    let mut parts = page.split(&start);
    let _ = parts.next();
    let block = parts.next().unwrap_or_else(|| panic!("no {language}"));
    assert_eq!(parts.next(), None, "{language} for the second time");
    let (block, _) = block.split_once("\n```").expect("a block ends");
    block
}

#[test]
fn pages_show_their_programs() {
    for (name, language, program) in PAGES {
        let page = page(name);
        assert_eq!(block(&page, language), read(program).trim_end(), "{name}");
        assert!(page.contains(&format!("[{program}](../../{program})")));
    }
    let pages = fs::read_dir(root().join("docs/security")).expect("a folder of ours");
    assert_eq!(pages.count(), PAGES.len());
}

#[test]
fn pages_make_the_same_keys_and_say_the_same() {
    let (first, ..) = PAGES[0];
    let first = page(first);
    for (name, ..) in PAGES {
        let page = page(name);
        for part in ["sh run", "text"] {
            assert_eq!(block(&page, part), block(&first, part), "{name}");
        }
    }
}
