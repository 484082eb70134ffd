//! One program on our library beside the same on libzmq.

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
            case: "end".to_owned(),
            what: format!("{} instead of {}", ours.ending, reference.ending),
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

/// The exit code is the number of failed cases. Where some fail on libzmq, another number will do.
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
    use super::*;

    fn outcome(ending: Ending, verdicts: &[(&str, &str)]) -> Outcome {
        let line = |(name, verdict): &(&str, &str)| format!("test_a.cpp:1:{name}:{verdict}\n");
        Outcome::new(ending, 0, verdicts.iter().map(line).collect())
    }

    fn cases(failures: &[Failure]) -> Vec<&str> {
        failures.iter().map(|f| f.case.as_str()).collect()
    }

    #[test]
    fn counts_what_passes_on_libzmq() {
        let verdicts = [
            ("a", "PASS"),
            ("b", "FAIL: no"),
            ("c", "IGNORE"),
            ("d", "PASS"),
        ];
        let reference = outcome(Ending::Exit(1), &verdicts);
        assert_eq!(counted(&reference), ["a", "d"]);
        assert_eq!(failures(&reference, &reference), []);

        let ours = outcome(Ending::Signal(6), &[("a", "FAIL: no")]);
        let failures = failures(&reference, &ours);
        assert_eq!(cases(&failures), ["a", "d"]);
        assert_eq!(failures[0].what, "line 1: no");
        assert_eq!(
            failures[1].what,
            "no result: signal 6: test_a.cpp:1:a:FAIL: no"
        );
    }

    #[test]
    fn the_end_counts_when_all_cases_pass() {
        let reference = outcome(Ending::Exit(0), &[("a", "PASS")]);
        let ours = outcome(Ending::Signal(11), &[("a", "PASS")]);
        assert_eq!(cases(&failures(&reference, &ours)), ["end"]);

        let reference = outcome(Ending::Exit(2), &[("a", "PASS"), ("b", "FAIL")]);
        for ending in [Ending::Exit(0), Ending::Exit(1), Ending::Exit(2)] {
            let ours = outcome(ending, &[("a", "PASS")]);
            assert_eq!(failures(&reference, &ours), []);
        }
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
