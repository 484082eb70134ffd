//! What came of a suite, held against the table of what is expected not to pass.

use std::fmt::Write as _;

use anyhow::Result;

use super::comparison::{Comparison, counted, expectation};
use super::expected::Expected;
use super::outcome::{Ending, Outcome, Verdict};
use crate::tally::Tally;

/// What came of a suite.
pub struct Report {
    /// Programs that count.
    pub programs: Vec<Comparison>,
    /// Programs that do not.
    pub left_out: Vec<LeftOut>,
    /// What is expected not to pass.
    pub table: &'static [Expected],
}

/// A program that does not count.
pub struct LeftOut {
    /// Its name.
    pub program: String,
    /// The reason.
    pub why: String,
    /// What it does on libzmq, if it can be run.
    pub reference: Option<Outcome>,
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
    /// not to pass, and what does not pass every time.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            failed: self.outdated().len() as u64,
            skipped: self.left_out.iter().map(LeftOut::line).collect(),
            ..Tally::default()
        };
        for program in &self.programs {
            tally.passed += program.counts().0 as u64;
            if let Some(failure) = &program.unsteady {
                let (name, case, what) = (&program.program, &failure.case, &failure.what);
                let line = format!("{name} {case}: passes, but not at the first try: {what}");
                tally.skipped.push(line);
            }
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
            writeln!(text, "left out: {}", left_out.line())?;
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

    /// Rows of the table for what ran and passed.
    fn outdated(&self) -> Vec<&'static Expected> {
        let passes = |row: &&Expected| {
            let mut programs = self.programs.iter();
            let Some(program) = programs.find(|program| program.program == row.program) else {
                return false;
            };
            let counts = row.case == "*" || counted(&program.reference).contains(&row.case);
            counts && !program.ours.is_empty() && !program.fails(row.case)
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

impl LeftOut {
    /// One of whose cases none passes on libzmq.
    pub fn of_reference(program: String, reference: Outcome) -> Self {
        let ignored = reference.cases.iter().find_map(|case| match &case.verdict {
            Verdict::Ignored(reason) => Some(reason.as_str()),
            Verdict::Passed | Verdict::Failed(_) => None,
        });
        let why = match (reference.ending, ignored) {
            // What libzmq's tests say when the system lacks something.
            (Ending::Exit(77), _) => "libzmq skips it on this machine".to_owned(),
            (_, Some(reason)) => format!("libzmq ignores its cases: {reason}"),
            (ending, None) => format!("no case passes on libzmq: {ending}"),
        };
        Self {
            program,
            why,
            reference: Some(reference),
        }
    }

    fn line(&self) -> String {
        format!("{}: {}", self.program, self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Case;
    use super::*;

    const TABLE: &[Expected] = &[Expected {
        program: "p",
        case: "b",
        reason: "to come",
    }];

    fn outcome(verdicts: [Verdict; 2]) -> Outcome {
        let names = ["a", "b"];
        let cases = names.into_iter().zip(verdicts);
        Outcome {
            ending: Ending::Exit(0),
            milliseconds: 0,
            output: String::new(),
            cases: cases
                .map(|(name, verdict)| Case {
                    name: name.to_owned(),
                    verdict,
                })
                .collect(),
        }
    }

    fn report(reference: [Verdict; 2], ours: [Verdict; 2]) -> Report {
        let mut program = Comparison::new("p".to_owned(), "", outcome(reference));
        program.add(outcome(ours));
        Report {
            programs: vec![program],
            left_out: Vec::new(),
            table: TABLE,
        }
    }

    fn failed() -> Verdict {
        Verdict::Failed("no".to_owned())
    }

    #[test]
    fn what_is_expected_to_fail_may_and_nothing_else() {
        use Verdict::Passed;
        let report_of = |ours| report([Passed, Passed], ours);
        assert!(report_of([Passed, failed()]).holds());
        assert!(!report_of([failed(), failed()]).holds());
    }

    #[test]
    fn what_passes_has_to_leave_the_table() {
        use Verdict::Passed;
        let report = report([Passed, Passed], [Passed, Passed]);
        assert!(!report.holds());
        let text = report.text(true).unwrap();
        assert_eq!(text, "p b passes and is listed as not passing\n");
    }

    #[test]
    fn what_does_not_pass_on_libzmq_is_no_matter() {
        use Verdict::Passed;
        let report_of = |ours| report([Passed, Verdict::Ignored(String::new())], ours);
        assert!(report_of([Passed, failed()]).holds());
        assert!(report_of([Passed, Passed]).holds());
    }
}
