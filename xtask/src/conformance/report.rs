//! What came of a suite, held against the table of what is expected not to pass.

use std::fmt::Write as _;

use anyhow::Result;

use super::comparison::{Comparison, expectation};
use super::expected::Expected;
use super::outcome::{Ending, Outcome, Verdict};
use crate::tally::Tally;

/// What came of a suite.
pub struct Report {
    /// Programs that count.
    pub programs: Vec<Comparison>,
    /// Programs that do not, as no case of theirs passes on libzmq.
    pub left_out: Vec<(String, Outcome)>,
    /// What is expected not to pass.
    pub table: &'static [Expected],
}

impl Report {
    /// The program of this name.
    pub fn program(&mut self, name: &str) -> Option<&mut Comparison> {
        self.programs
            .iter_mut()
            .find(|program| program.program == name)
    }

    /// Whether what fails is what is expected to.
    pub fn holds(&self) -> bool {
        let tally = self.tally();
        tally.failed == 0 && tally.passed > 0
    }

    /// Cases that pass; cases that should, and rows of the table that should go; what is expected
    /// not to pass.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            failed: self.outdated().len() as u64,
            skipped: self.left_out.iter().map(why_left_out).collect(),
            ..Tally::default()
        };
        for program in &self.programs {
            tally.passed += program.counts().0 as u64;
            for (case, _) in program.failures() {
                match expectation(self.table, &program.program, case) {
                    Some(row) => {
                        let reason = format!("{} {}: {}", row.program, row.case, row.reason);
                        if !tally.skipped.contains(&reason) {
                            tally.skipped.push(reason);
                        }
                    }
                    None => tally.failed += 1,
                }
            }
        }
        tally
    }

    /// All but the last line: what is left out, what fails on libzmq, what differs.
    pub fn text(&self, is_short: bool) -> Result<String> {
        let mut text = String::new();
        for left_out in &self.left_out {
            writeln!(text, "left out: {}", why_left_out(left_out))?;
        }
        for program in &self.programs {
            for case in &program.reference.cases {
                if let Verdict::Failed(what) = &case.verdict {
                    writeln!(text, "on libzmq: {} {}: {what}", program.program, case.name)?;
                }
            }
        }
        for program in &self.programs {
            program.write(&mut text, self.table, is_short)?;
        }
        for row in self.outdated() {
            let (program, case) = (row.program, row.case);
            writeln!(text, "{program} {case} passes and is listed as not passing")?;
        }
        Ok(text)
    }

    /// Rows of the table for programs that ran, and passed.
    fn outdated(&self) -> Vec<&'static Expected> {
        let passes = |row: &&Expected| {
            let ran =
                |program: &&Comparison| program.program == row.program && !program.ours.is_empty();
            let program = self.programs.iter().find(ran);
            program.is_some_and(|program| !program.fails(row.case))
        };
        self.table.iter().filter(passes).collect()
    }

    /// The whole output of what fails.
    pub fn print_outputs(&self) {
        for program in self.programs.iter().filter(|program| !program.passes()) {
            for outcome in &program.ours {
                println!("--- {} ({})", program.program, outcome.ending);
                println!("{}", outcome.output);
            }
        }
    }
}

fn why_left_out((program, outcome): &(String, Outcome)) -> String {
    let ignored = outcome.cases.iter().find_map(|case| match &case.verdict {
        Verdict::Ignored(reason) => Some(reason.as_str()),
        Verdict::Passed | Verdict::Failed(_) => None,
    });
    let why = match (outcome.ending, ignored) {
        // What libzmq's tests say when the system lacks something.
        (Ending::Exit(77), _) => "libzmq skips it on this machine".to_owned(),
        (_, Some(reason)) => format!("libzmq ignores its cases: {reason}"),
        (ending, None) => format!("no case passes on libzmq: {ending}"),
    };
    format!("{program}: {why}")
}
