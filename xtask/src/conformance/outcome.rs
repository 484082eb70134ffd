//! What came of one test program: its cases as Unity prints them, and its end.

use std::fmt;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::command;

/// What one program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How the program ended.
    pub ending: Ending,
    /// Milliseconds from start to end.
    pub milliseconds: u64,
    /// All it printed.
    pub output: String,
    /// In the order they ran.
    pub cases: Vec<Case>,
}

/// One test case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The function's name; with `#2` when it runs a second time.
    pub name: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not, with the place and the message.
    Failed(String),
    /// The program leaves it out, with its reason.
    Ignored(String),
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// With this exit code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// It was still running at its deadline.
    Overdue,
}

impl Outcome {
    /// From what the program printed. One without cases of its own has one, called `main`.
    pub fn new(ending: Ending, milliseconds: u64, output: String) -> Self {
        let mut cases: Vec<Case> = Vec::new();
        for (name, verdict) in output.lines().filter_map(case) {
            let earlier = cases
                .iter()
                .filter(|case| case.name.split('#').next() == Some(name));
            let name = match earlier.count() {
                0 => name.to_owned(),
                count => format!("{name}#{}", count + 1),
            };
            cases.push(Case { name, verdict });
        }
        if cases.is_empty() && ending == Ending::Exit(0) {
            cases.push(Case {
                name: "main".to_owned(),
                verdict: Verdict::Passed,
            });
        }
        Self {
            ending,
            milliseconds,
            output,
            cases,
        }
    }

    /// How long it took.
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }

    /// How many cases passed.
    pub fn passed(&self) -> usize {
        let passed = |case: &&Case| case.verdict == Verdict::Passed;
        self.cases.iter().filter(passed).count()
    }

    /// How many cases ran.
    pub fn ran(&self) -> usize {
        let ran = |case: &&Case| !matches!(case.verdict, Verdict::Ignored(_));
        self.cases.iter().filter(ran).count()
    }

    /// Keeps it in a file.
    pub fn save(&self, file: &Path) -> Result<()> {
        let text = format!("{} {}\n{}", self.ending, self.milliseconds, self.output);
        fs::write(file, text).with_context(|| file.display().to_string())
    }

    /// What [`save`](Self::save) kept, if it did.
    pub fn load(file: &Path) -> Option<Self> {
        let text = fs::read_to_string(file).ok()?;
        let (head, output) = text.split_once('\n')?;
        let (ending, milliseconds) = head.rsplit_once(' ')?;
        let ending = Ending::parse(ending)?;
        Some(Self::new(
            ending,
            milliseconds.parse().ok()?,
            output.to_owned(),
        ))
    }
}

/// `FILE:LINE:NAME:PASS`, or `FAIL` or `IGNORE` with a message.
fn case(line: &str) -> Option<(&str, Verdict)> {
    let at = line.find(".cpp:")?;
    let mut parts = line.get(at + ".cpp:".len()..)?.splitn(4, ':');
    let number = parts.next()?;
    let name = parts.next()?;
    let verdict = parts.next()?;
    let message = parts.next().unwrap_or_default().trim();
    let verdict = match verdict {
        "PASS" => Verdict::Passed,
        "FAIL" => Verdict::Failed(format!("line {number}: {message}")),
        "IGNORE" => Verdict::Ignored(message.to_owned()),
        _ => return None,
    };
    Some((name, verdict))
}

impl Ending {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            Some(("exit", code)) => Some(Self::Exit(code.parse().ok()?)),
            Some(("signal", number)) => Some(Self::Signal(number.parse().ok()?)),
            None if text == "overdue" => Some(Self::Overdue),
            _ => None,
        }
    }
}

impl From<command::Ending> for Ending {
    fn from(ending: command::Ending) -> Self {
        match ending {
            command::Ending::Overdue(_) => Self::Overdue,
            command::Ending::Exit(status) => match (status.code(), status.signal()) {
                (Some(code), _) => Self::Exit(code),
                (None, signal) => Self::Signal(signal.unwrap_or_default()),
            },
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit {code}"),
            Self::Signal(number) => write!(f, "signal {number}"),
            Self::Overdue => write!(f, "overdue"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
something else: a.cpp: b
/src/tests/test_a.cpp:10:test_one:PASS
/src/tests/test_a.cpp:12:test_two:FAIL: Expected 1 Was 2. errno: 11
/src/tests/test_a.cpp:14:test_three:IGNORE: no IPv6
/src/tests/test_a.cpp:10:test_one:PASS

-----------------------
4 Tests 1 Failures 1 Ignored
FAIL
";

    #[test]
    fn reads_unitys_lines() {
        let outcome = Outcome::new(Ending::Exit(1), 7, OUTPUT.to_owned());
        let names: Vec<_> = outcome.cases.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["test_one", "test_two", "test_three", "test_one#2"]);
        let failed = "line 12: Expected 1 Was 2. errno: 11".to_owned();
        assert_eq!(outcome.cases[1].verdict, Verdict::Failed(failed));
        assert_eq!((outcome.passed(), outcome.ran()), (2, 3));
    }

    #[test]
    fn a_program_without_cases_is_one() {
        let passed = |ending| Outcome::new(ending, 1, String::new()).passed();
        assert_eq!(passed(Ending::Exit(0)), 1);
        assert_eq!(passed(Ending::Exit(1)), 0);
        assert_eq!(passed(Ending::Signal(6)), 0);
    }

    #[test]
    fn comes_back_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outcome");
        for ending in [Ending::Exit(1), Ending::Signal(14), Ending::Overdue] {
            let outcome = Outcome::new(ending, 1234, OUTPUT.to_owned());
            outcome.save(&file).unwrap();
            assert_eq!(Outcome::load(&file), Some(outcome));
        }
    }
}
