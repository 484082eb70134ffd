//! `zinc password`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::run::{Outcome, zinc_reading};
use crate::terminal::Terminal;

/// `zinc password` with something on its standard input, which is no terminal.
fn password(folder: &tempfile::TempDir, arguments: &[&str], input: &str) -> Outcome {
    let file = path(folder);
    zinc_reading(&[&["password", &file], arguments].concat(), input)
}

fn path(folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("passwords");
    path.to_str().expect("it is text").to_owned()
}

/// The name and the hash in each line of the file.
fn users(folder: &tempfile::TempDir) -> Vec<(String, String)> {
    let text = fs::read_to_string(path(folder)).expect("it is there");
    let user = |line: &str| {
        let (name, hash) = line.split_once(':').expect("a name and a hash");
        (name.to_owned(), hash.to_owned())
    };
    text.lines().map(user).collect()
}

#[test]
fn passwords_are_set_changed_and_taken_away() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["anna", "bob"] {
        let outcome = password(&folder, &[name], "open sesame\nnever read\n");
        assert_eq!(outcome.code, Some(0), "{outcome}");
        assert!(
            outcome
                .output
                .ends_with(&format!("a new password for {name}\n"))
        );
        assert!(!format!("{outcome}").contains("sesame"), "{outcome}");
    }
    let mode = fs::metadata(path(&folder)).expect("it is there");
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let first = users(&folder);
    assert_eq!([&*first[0].0, &*first[1].0], ["anna", "bob"]);
    // The same password, and another salt.
    assert!(first[0].1.starts_with("$argon2id$") && first[0].1 != first[1].1);

    let outcome = password(&folder, &["anna"], "without an end");
    assert_eq!(outcome.code, Some(0), "{outcome}");
    let second = users(&folder);
    assert_ne!(second[0], first[0]);
    assert_eq!(second[1], first[1]);

    let outcome = password(&folder, &["anna", "--remove"], "");
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert_eq!(users(&folder), first[1..]);
    let outcome = password(&folder, &["anna", "--remove"], "");
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert!(
        outcome.errors.contains("no user is called `anna`"),
        "{outcome}"
    );
}

#[test]
fn what_is_no_password_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = "x".repeat(256);
    for (input, expected) in [("", "empty"), ("\nx", "empty"), (&long, "255")] {
        let outcome = password(&folder, &["anna"], input);
        assert_eq!(outcome.code, Some(1), "{outcome}");
        assert!(outcome.errors.contains(expected), "{outcome}");
        assert!(!outcome.errors.contains("xxx"), "{outcome}");
    }
    assert!(!folder.path().join("passwords").exists());
    let outcome = password(&folder, &["anna"], &long[1..]);
    assert_eq!(outcome.code, Some(0), "{outcome}");
    let outcome = password(&folder, &["anna", "secret"], "");
    assert_eq!(
        outcome.code,
        Some(2),
        "the password as an argument: {outcome}"
    );
}

#[test]
fn at_a_terminal_what_is_typed_is_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let type_in = |first: &str, second: &str| {
        let mut terminal = Terminal::start(&["password", &path(&folder), "anna"]);
        terminal.answer("Password for anna: ", first);
        terminal.answer("Once more: ", second);
        let (code, shown) = terminal.finish();
        assert!(!shown.contains("sesame"), "{shown}");
        (code, shown)
    };
    let (code, shown) = type_in("open sesame", "open sesame");
    assert_eq!(code, Some(0), "{shown}");
    let first = users(&folder);

    let (code, shown) = type_in("open sesame", "open sesam");
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("not the same"), "{shown}");
    assert_eq!(users(&folder), first);
}
