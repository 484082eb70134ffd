//! What came of one test program: its cases and its end.

use std::fmt;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::command;

/// What one program did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Distinct within the program.
    pub name: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not, with the place and the message.
    Failed(String),
    /// The program leaves it out, with its reason.
    Ignored(String),
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Ending {
    /// With this exit code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// It was still running at its deadline.
    Overdue,
}

impl Outcome {
    /// How long it took.
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }

    /// How many cases passed, failed, and were left out.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |matches: fn(&Verdict) -> bool| {
            let verdicts = self.cases.iter().map(|case| &case.verdict);
            verdicts.filter(|verdict| matches(verdict)).count()
        };
        (
            count(|verdict| matches!(verdict, Verdict::Passed)),
            count(|verdict| matches!(verdict, Verdict::Failed(_))),
            count(|verdict| matches!(verdict, Verdict::Ignored(_))),
        )
    }

    /// Keeps it in a file.
    pub fn save(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(file, text).with_context(|| file.display().to_string())
    }

    /// What [`save`](Self::save) kept, if it did.
    pub fn load(file: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
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
