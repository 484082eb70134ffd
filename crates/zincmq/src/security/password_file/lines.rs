//! The lines of a file of passwords.

use std::collections::HashMap;

use argon2::password_hash::phc::PasswordHash;
use argon2::{ARGON2ID_IDENT, Params, Version};

use super::error::{PasswordFault, PasswordFileError};
use super::{LONGEST, PasswordFile};

/// What a file says.
pub(super) struct Lines {
    pub(super) entries: Vec<(Vec<u8>, PasswordHash)>,
    /// The lines that say nothing, counted from 1, and why.
    pub(super) faults: Faults,
}

/// What is wrong with lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// The first ones, by line.
    pub(super) first: Vec<(usize, PasswordFault)>,
    /// How many lines more have one.
    pub(super) more: usize,
}

impl Faults {
    /// A file that is something else may have millions.
    const MOST: usize = 100;

    fn push(&mut self, fault: (usize, PasswordFault)) {
        match self.first.len() < Self::MOST {
            true => self.first.push(fault),
            false => self.more += 1,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

pub(super) fn parse(text: &[u8]) -> Lines {
    let (mut entries, mut faults) = (Vec::new(), Faults::default());
    let mut seen = HashMap::new();
    for (line, number) in lines(text).zip(1..) {
        if is_remark(line) {
            continue;
        }
        match entry(line) {
            Ok((name, hash)) => match seen.insert(name, number) {
                None => entries.push((name.to_vec(), hash)),
                Some(first) => {
                    seen.insert(name, first);
                    faults.push((number, PasswordFault::Twice(first)));
                }
            },
            Err(fault) => faults.push((number, fault)),
        }
    }
    Lines { entries, faults }
}

/// `text` with that hash in the line of `name`, or in a new one.
pub(super) fn with(text: &[u8], name: &[u8], hash: &[u8]) -> Vec<u8> {
    let line = [name, b":", hash].concat();
    let mut written = Vec::with_capacity(text.len() + line.len() + 2);
    let mut is_there = false;
    for old in lines(text) {
        let is_its = is_line_of(old, name);
        if is_its && is_there {
            continue;
        }
        is_there |= is_its;
        written.extend_from_slice(if is_its { &line } else { old });
        written.push(b'\n');
    }
    if !is_there {
        written.extend_from_slice(&line);
        written.push(b'\n');
    }
    written
}

/// `text` without the line of `name`, if there is one.
pub(super) fn without(text: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let mut written = Vec::with_capacity(text.len());
    let mut is_there = false;
    for line in lines(text) {
        if is_line_of(line, name) {
            is_there = true;
            continue;
        }
        written.extend_from_slice(line);
        written.push(b'\n');
    }
    is_there.then_some(written)
}

/// Whether a line can begin with the name, PLAIN carry it, and who reads the
/// line know where it begins and ends.
pub(super) fn check_name(name: &[u8]) -> Result<(), PasswordFileError> {
    let fault = sendable(name).err().or_else(|| {
        if name.starts_with(b"#") {
            Some("begins with `#`, which makes the line a remark")
        } else if name.contains(&b':') {
            Some("has a colon in it")
        } else if name.iter().any(u8::is_ascii_control) {
            Some("has a control character in it")
        } else if name.starts_with(b" ") || name.ends_with(b" ") {
            Some("has a space at an end")
        } else {
            None
        }
    });
    fault.map_or(Ok(()), |fault| Err(PasswordFileError::BadName(fault)))
}

fn sendable(name: &[u8]) -> Result<(), &'static str> {
    match name.len() {
        0 => Err("is empty"),
        1..=LONGEST => Ok(()),
        _ => Err("has more than 255 bytes, which cannot be sent"),
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let lines = (!text.is_empty()).then(|| text.split(|byte| *byte == b'\n'));
    lines
        .into_iter()
        .flatten()
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn is_remark(line: &[u8]) -> bool {
    line.starts_with(b"#") || line.iter().all(u8::is_ascii_whitespace)
}

fn is_line_of(line: &[u8], name: &[u8]) -> bool {
    !is_remark(line) && split(line).is_some_and(|(its, _)| its == name)
}

/// A hash has no colon, but a name may have some.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().rposition(|byte| *byte == b':')?;
    Some((&line[..colon], &line[colon + 1..]))
}

fn entry(line: &[u8]) -> Result<(&[u8], PasswordHash), PasswordFault> {
    let (name, hash) = split(line).ok_or(PasswordFault::NoColon)?;
    sendable(name).map_err(PasswordFault::Name)?;
    Ok((name, self::hash(hash)?))
}

fn hash(text: &[u8]) -> Result<PasswordHash, PasswordFault> {
    let wrong = |what: &dyn ToString| PasswordFault::Hash(what.to_string());
    let text = std::str::from_utf8(text).map_err(|_| wrong(&"it is no text"))?;
    let hash = PasswordHash::new(text).map_err(|error| wrong(&error))?;
    if hash.algorithm != ARGON2ID_IDENT {
        return Err(PasswordFault::Function(hash.algorithm.to_string()));
    }
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(wrong(&"salt or hash are missing"));
    }
    let params = Params::try_from(&hash).map_err(|error| wrong(&error))?;
    check_costs(&params)?;
    if let Some(version) = hash.version {
        Version::try_from(version).map_err(|error| wrong(&error))?;
    }
    Ok(hash)
}

/// Whoever asks to be let in has the hash computed, and all others wait meanwhile.
fn check_costs(params: &Params) -> Result<(), PasswordFault> {
    let (memory, passes) = (params.m_cost(), params.t_cost());
    let work = u64::from(memory) * u64::from(passes);
    match memory <= PasswordFile::MAX_MEMORY && work <= PasswordFile::MAX_WORK {
        true => Ok(()),
        false => Err(PasswordFault::TooCostly { memory, passes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `secret`, by the reference implementation (argon2-cffi 25.1.0).
    const HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$a8d4VqwEiGlVgU5uzHlTtw$zh1V3EbKToJn/TnXEPgUn82rOHkdJjhxacOJtqOMMXo";

    fn faults(text: &str) -> Vec<(usize, String)> {
        let faults = parse(text.as_bytes()).faults.first;
        let shown = |(line, fault): (usize, PasswordFault)| (line, fault.to_string());
        faults.into_iter().map(shown).collect()
    }

    #[test]
    fn names_are_whatever_comes_before_the_last_colon() {
        let text = format!("# remark: no\n\n  \nanna:{HASH}\r\na b:c:{HASH}\n");
        let lines = parse(text.as_bytes());
        assert!(lines.faults.is_empty());
        let names: Vec<&[u8]> = lines.entries.iter().map(|(name, _)| &name[..]).collect();
        assert_eq!(names, [&b"anna"[..], b"a b:c"]);
        let bytes = [b"\xff\xfe:", HASH.as_bytes()].concat();
        assert_eq!(parse(&bytes).entries[0].0, b"\xff\xfe");
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told_and_its_text_is_not() {
        let long = "n".repeat(256);
        for (line, told) in [
            ("hunter2", "no `name:hash`"),
            (&format!(":{HASH}"), "the name is empty"),
            (&format!("{long}:{HASH}"), "more than 255 bytes"),
            ("anna:hunter2", "not as it must be"),
            ("anna:", "not as it must be"),
            ("anna:$argon2id$v=19$m=19456,t=2,p=1", "missing"),
            (
                "anna:$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
                "of argon2i,",
            ),
            (
                "anna:$argon2id$v=18$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
                "not as it must be",
            ),
            (
                "anna:$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
                "not as it must be",
            ),
        ] {
            let text = format!("ok:{HASH}\n{line}\n");
            let faults = faults(&text);
            assert_eq!(faults.len(), 1, "{line}");
            assert_eq!(faults[0].0, 2);
            assert!(faults[0].1.contains(told), "{line}: {}", faults[0].1);
            assert!(!faults[0].1.contains("hunter2"));
            assert_eq!(parse(text.as_bytes()).entries.len(), 1, "{line}");
        }
    }

    #[test]
    fn hashes_may_cost_only_so_much() {
        let fault = |costs: &str| {
            let hash = HASH.replace("m=64,t=1,p=1", costs);
            let text = format!("ok:{HASH}\nanna:{hash}\n");
            assert!(hash.contains(costs) && parse(text.as_bytes()).entries[0].0 == b"ok");
            faults(&text).pop()
        };
        for costs in [
            "m=262144,t=4,p=1",
            "m=64,t=16384,p=8",
            "m=8,t=131072,p=1",
            "m=262144,t=1,p=32768",
        ] {
            assert_eq!(fault(costs), None);
        }
        for costs in [
            "m=262145,t=1,p=1",
            "m=262144,t=5,p=1",
            "m=64,t=100000,p=1",
            "m=8,t=131073,p=1",
            "m=4294967295,t=4294967295,p=1",
        ] {
            let (line, told) = fault(costs).unwrap();
            assert_eq!(line, 2);
            let (memory, passes) = costs.split_once(',').unwrap();
            let passes = passes.split_once(',').unwrap().0;
            for part in [memory, passes, "m=262144", "1048576"] {
                assert!(told.contains(part), "{costs}: {told}");
            }
        }
    }

    #[test]
    fn of_many_faults_the_first_are_told() {
        let faults = parse(&b"x\n".repeat(1_000)).faults;
        assert_eq!((faults.first.len(), faults.more), (100, 900));
        let error = PasswordFileError::malformed("file".as_ref(), faults);
        let told = error.to_string();
        assert!(
            told.ends_with("line 10: no `name:hash`; and 990 more lines"),
            "{told}"
        );
    }

    #[test]
    fn of_two_lines_with_a_name_the_first_holds() {
        let text = format!("a:{HASH}\nb:{HASH}\na:{HASH}\na:{HASH}\n");
        let told = "the name is in line 1 already".to_owned();
        assert_eq!(faults(&text), [(3, told.clone()), (4, told)]);
        assert_eq!(parse(text.as_bytes()).entries.len(), 2);
    }

    #[test]
    fn a_line_is_set_in_its_place() {
        let text = with(b"", b"anna", b"1");
        assert_eq!(text, b"anna:1\n");
        let text = with(b"# first\nanna:1\nbert:2", b"bert", b"3");
        assert_eq!(text, b"# first\nanna:1\nbert:3\n");
        let text = with(&text, b"a:b", b"4");
        assert_eq!(text, b"# first\nanna:1\nbert:3\na:b:4\n");
        // One name, one line; a remark is none.
        assert_eq!(with(b"#a:1\na:2\na:3\n", b"a", b"4"), b"#a:1\na:4\n");
    }

    #[test]
    fn a_line_is_taken_out() {
        let left = without(b"# a:0\na:1\nab:2\n", b"a");
        assert_eq!(left.as_deref(), Some(&b"# a:0\nab:2\n"[..]));
        assert_eq!(without(b"ab:2\n", b"a"), None);
        assert_eq!(without(b"a:1\n", b"a"), Some(Vec::new()));
    }

    #[test]
    fn names_that_are_not_plain_to_see_are_refused() {
        for name in [
            &b""[..],
            b"#a",
            b"a\nb",
            b"a\r",
            b"\x1b",
            b"a:b",
            b" a",
            b"a ",
            &[b'x'; 256],
        ] {
            let error = check_name(name).unwrap_err().to_string();
            assert!(error.starts_with("the name "), "{error}");
        }
        for name in [&b"a"[..], b"a b", b"\xff", &[b'x'; 255]] {
            assert!(check_name(name).is_ok());
        }
    }
}
