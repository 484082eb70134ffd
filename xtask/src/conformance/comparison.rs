//! One program on our library beside the same on libzmq.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::expected::Expected;
use super::outcome::{Ending, Outcome, Verdict};

/// What passes on libzmq and did not pass on ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The case, or `end` for the program's own end.
    pub case: String,
    /// What happened instead.
    pub what: String,
}

/// One program on both libraries.
pub struct Comparison {
    /// Its name.
    pub program: String,
    /// What it is about; empty when the suite knows no groups.
    pub group: &'static str,
    /// What it does on libzmq.
    pub reference: Outcome,
    /// What it does on ours, once for each run.
    pub ours: Vec<Outcome>,
    /// By case: what happened, and in how many runs.
    failures: BTreeMap<String, (String, u32)>,
    /// What failed in a first try, and not in a later one.
    pub unsteady: Option<Failure>,
}

impl Comparison {
    /// Not run on ours yet.
    pub fn new(program: String, group: &'static str, reference: Outcome) -> Self {
        Self {
            program,
            group,
            reference,
            ours: Vec::new(),
            failures: BTreeMap::new(),
            unsteady: None,
        }
    }

    /// Adds a run on ours.
    pub fn add(&mut self, ours: Outcome) {
        for failure in failures(&self.reference, &ours) {
            let entry = self.failures.entry(failure.case);
            entry.or_insert((failure.what, 0)).1 += 1;
        }
        self.ours.push(ours);
    }

    /// Whether everything that counts passed in every run.
    pub fn passes(&self) -> bool {
        self.failures.is_empty()
    }

    /// Whether this case, or the whole for `*`, failed in a run.
    pub fn fails(&self, case: &str) -> bool {
        match case {
            "*" => !self.passes(),
            case => self.failures.contains_key(case),
        }
    }

    /// Cases that passed in every run, and cases that count.
    pub fn counts(&self) -> (usize, usize) {
        let counted = counted(&self.reference);
        let failed = |case: &&&str| self.failures.contains_key(**case);
        let lost = counted.iter().filter(failed).count();
        (counted.len() - lost, counted.len())
    }

    /// The failures in the program's order.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut names = counted(&self.reference);
        names.push(END);
        names.into_iter().filter_map(|name| {
            let (case, (what, _)) = self.failures.get_key_value(name)?;
            Some((case.as_str(), what.as_str()))
        })
    }

    /// A line for each of the failures, with the reason of those that `table` has: name and group,
    /// cases on both libraries, how it ended on ours, case and message. Of the failures only the
    /// first that is not in the table, if `is_short`.
    pub fn write(&self, text: &mut String, table: &[Expected], is_short: bool) -> Result<()> {
        let head = format!("{:<24} {:<10}", self.program, self.group);
        let head = head.trim_end();
        if let Some(failure) = &self.unsteady {
            let (case, what) = (&failure.case, &failure.what);
            writeln!(text, "{head} passes when tried again; {case}: {what}")?;
        }
        let reason = |case: &str| expectation(table, &self.program, case).map(|row| row.reason);
        let mut failures: Vec<_> = self.failures().collect();
        if is_short {
            failures.sort_by_key(|(case, _)| reason(case).is_some());
            failures.truncate(1);
        }
        let (passed, counted) = self.counts();
        for (case, what) in failures {
            let ending = self.ours.iter().map(|outcome| outcome.ending).max();
            let ending = ending.map_or("not run".to_owned(), |ending| ending.to_string());
            let runs = match (self.ours.len(), self.failures.get(case)) {
                (0 | 1, _) | (_, None) => String::new(),
                (runs, Some((_, count))) => format!(" in {count} of {runs} runs"),
            };
            let reason = match reason(case) {
                Some(reason) => format!(" [expected: {reason}]"),
                None => String::new(),
            };
            writeln!(
                text,
                "{head} libzmq {counted}/{counted} ours {passed}/{counted} {ending}{runs} \
                 {case}: {what}{reason}",
            )?;
        }
        Ok(())
    }
}

const END: &str = "end";

/// Cases that count: those that pass on libzmq.
pub fn counted(reference: &Outcome) -> Vec<&str> {
    let passed = reference
        .cases
        .iter()
        .filter(|case| case.verdict == Verdict::Passed);
    passed.map(|case| case.name.as_str()).collect()
}

/// Compares. Nothing is said of cases that do not pass on libzmq.
pub fn failures(reference: &Outcome, ours: &Outcome) -> Vec<Failure> {
    let mut failures = Vec::new();
    for name in counted(reference) {
        let case = ours.cases.iter().find(|case| case.name == name);
        let what = match case.map(|case| &case.verdict) {
            Some(Verdict::Passed) => continue,
            Some(Verdict::Failed(message)) => message.clone(),
            Some(Verdict::Ignored(message)) => format!("ignored: {message}"),
            None => format!("no result: {}", end_of(ours)),
        };
        failures.push(Failure {
            case: name.to_owned(),
            what,
        });
    }
    if failures.is_empty() && !ends_alike(reference.ending, ours.ending) {
        failures.push(Failure {
            case: END.to_owned(),
            what: format!("{} instead of {}", end_of(ours), reference.ending),
        });
    }
    failures
}

/// How the program ended and what it said last.
fn end_of(outcome: &Outcome) -> String {
    let mut lines = outcome.output.lines().rev().map(str::trim);
    match lines.find(|line| !line.is_empty()) {
        // The loader's complaint, without its paths.
        Some(line) => {
            let start = line.find("undefined symbol").unwrap_or(0);
            let line = line.get(start..).unwrap_or(line);
            format!("{}: {line}", outcome.ending)
        }
        None => outcome.ending.to_string(),
    }
}

/// The exit code tells of failed cases. Where some fail on libzmq, another one will do.
fn ends_alike(reference: Ending, ours: Ending) -> bool {
    match (reference, ours) {
        (_, Ending::Exit(0)) => true,
        (Ending::Exit(code), Ending::Exit(_)) if code != 0 => true,
        (reference, ours) => reference == ours,
    }
}

/// The row that says that this failure is expected.
pub fn expectation<'a>(table: &'a [Expected], program: &str, case: &str) -> Option<&'a Expected> {
    table
        .iter()
        .find(|row| row.program == program && (row.case == case || row.case == "*"))
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Case;
    use super::*;

    fn outcome(ending: Ending, cases: &[(&str, bool)]) -> Outcome {
        let case = |(name, passes): &(&str, bool)| Case {
            name: (*name).to_owned(),
            verdict: match passes {
                true => Verdict::Passed,
                false => Verdict::Failed("no".to_owned()),
            },
        };
        Outcome {
            ending,
            milliseconds: 0,
            output: "first\nlast\n\n".to_owned(),
            cases: cases.iter().map(case).collect(),
        }
    }

    fn cases(failures: &[Failure]) -> Vec<&str> {
        failures.iter().map(|f| f.case.as_str()).collect()
    }

    #[test]
    fn counts_what_passes_on_libzmq() {
        let reference = outcome(Ending::Exit(1), &[("a", true), ("b", false), ("c", true)]);
        assert_eq!(counted(&reference), ["a", "c"]);
        assert_eq!(failures(&reference, &reference), []);

        let ours = outcome(Ending::Signal(6), &[("a", false)]);
        let failures = failures(&reference, &ours);
        assert_eq!(cases(&failures), ["a", "c"]);
        assert_eq!(failures[0].what, "no");
        assert_eq!(failures[1].what, "no result: signal 6: last");
    }

    #[test]
    fn the_end_counts_when_all_cases_pass() {
        let reference = outcome(Ending::Exit(0), &[("a", true)]);
        let ours = outcome(Ending::Signal(11), &[("a", true)]);
        assert_eq!(cases(&failures(&reference, &ours)), ["end"]);

        let reference = outcome(Ending::Exit(2), &[("a", true), ("b", false)]);
        for ending in [Ending::Exit(0), Ending::Exit(1), Ending::Exit(2)] {
            let ours = outcome(ending, &[("a", true)]);
            assert_eq!(failures(&reference, &ours), []);
        }
    }

    #[test]
    fn a_case_passes_that_passes_in_every_run() {
        let reference = outcome(Ending::Exit(0), &[("a", true), ("b", true)]);
        let mut comparison = Comparison::new("p".to_owned(), "", reference.clone());
        comparison.add(reference.clone());
        assert!(comparison.passes());
        comparison.add(outcome(Ending::Exit(1), &[("a", false), ("b", true)]));
        assert_eq!(comparison.counts(), (1, 2));
        assert!(comparison.fails("a") && comparison.fails("*") && !comparison.fails("b"));

        let mut text = String::new();
        comparison.write(&mut text, &[], true).unwrap();
        assert_eq!(text, "p libzmq 2/2 ours 1/2 exit 1 in 1 of 2 runs a: no\n");
    }

    #[test]
    fn a_row_covers_a_case_or_the_whole_program() {
        let row = |program, case| Expected {
            program,
            case,
            reason: "to come",
        };
        let table = [row("a", "one"), row("b", "*")];
        assert!(expectation(&table, "a", "one").is_some());
        assert!(expectation(&table, "a", "two").is_none());
        assert!(expectation(&table, "b", "two").is_some());
    }
}
