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
        assert!(is_as_before(&shown), "{shown}");
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

/// What `stty -a` says of a terminal that shows what is typed, line by line, and heeds Ctrl-C.
fn is_as_before(shown: &str) -> bool {
    ["echo", "icanon", "isig"]
        .iter()
        .all(|mode| shown.split_whitespace().any(|word| word == *mode))
}

#[test]
fn the_terminal_shows_again_what_is_typed_after_ctrl_c() {
    let folder = tempfile::tempdir().expect("a folder");
    for answers in 0..2 {
        let mut terminal = Terminal::start(&["password", &path(&folder), "anna"]);
        if answers == 1 {
            terminal.answer("Password for anna: ", "open sesame");
        }
        terminal.interrupt(["Password for anna: ", "Once more: "][answers]);
        let (code, shown) = terminal.finish();
        assert_eq!(code, Some(130), "{shown}");
        assert!(is_as_before(&shown), "{shown}");
        assert!(!folder.path().join("passwords").exists());
    }
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "root:x:0:0:root:/root:/bin/sh\n# remark\nanna:x:1:1::/:/bin/sh\n";
    fs::write(path(&folder), text).expect("a folder of ours");
    for arguments in [&["anna"][..], &["anna:x:1:1::/", "--remove"]] {
        let outcome = password(&folder, arguments, "open sesame\n");
        assert_eq!(outcome.code, Some(1), "{outcome}");
        assert!(outcome.errors.contains("line 1: "), "{outcome}");
        assert!(outcome.errors.contains("nothing is changed"), "{outcome}");
        let left = fs::read_to_string(path(&folder)).expect("it is there");
        assert_eq!(left, text);
    }
}

#[test]
fn an_end_of_line_is_no_part_of_a_password() {
    let folder = tempfile::tempdir().expect("a folder");
    for input in ["\r\n", "\n"] {
        let outcome = password(&folder, &["anna"], input);
        assert!(outcome.errors.contains("empty"), "{outcome}");
    }
    // 255 bytes, as many as there may be.
    let long = format!("{}\r\nmore\r\n", "x".repeat(255));
    let outcome = password(&folder, &["anna"], &long);
    assert_eq!(outcome.code, Some(0), "{outcome}");
    let outcome = password(&folder, &["anna"], &long.replace('\r', "xx"));
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert_eq!(outcome.output, "", "{outcome}");
}

#[test]
fn names_that_are_easily_taken_for_others_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["", "a:b", " anna", "anna ", "an\u{1b}na", "an\tna", "#anna"] {
        let outcome = password(&folder, &[name], "open sesame\n");
        assert_eq!(outcome.code, Some(1), "{name:?}: {outcome}");
        assert!(outcome.errors.contains("the name "), "{outcome}");
    }
    assert!(!folder.path().join("passwords").exists());
}

#[test]
fn a_file_that_others_can_read_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(path(&folder), "").expect("a folder of ours");
    fs::set_permissions(path(&folder), fs::Permissions::from_mode(0o640)).expect("a file of ours");
    let outcome = password(&folder, &["anna"], "open sesame\n");
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert!(outcome.errors.contains("passwords: others"), "{outcome}");
}
