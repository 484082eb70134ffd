//! What came of a step: counts, and what was not run and why.

use std::fmt;
use std::ops::AddAssign;

/// Counts of single checks.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Checks that held.
    pub passed: u64,
    /// Checks that did not.
    pub failed: u64,
    /// Checks that did not run, each with its reason.
    pub skipped: Vec<String>,
}

impl Tally {
    /// One check.
    pub fn of(held: bool) -> Self {
        Self {
            passed: held.into(),
            failed: (!held).into(),
            skipped: Vec::new(),
        }
    }

    /// One check that did not run.
    pub fn skipped(reason: String) -> Self {
        Self {
            skipped: vec![reason],
            ..Self::default()
        }
    }

    /// Adds up the `test result:` lines of `cargo test`, and lists the ignored tests.
    pub fn of_tests(output: &str) -> Self {
        let mut sum = Self::default();
        for line in output.lines() {
            if let Some(counts) = line.strip_prefix("test result: ") {
                sum.passed += count_before(counts, " passed");
                sum.failed += count_before(counts, " failed");
            }
            // `test NAME ... ignored, REASON`
            if let Some((name, rest)) = line
                .strip_prefix("test ")
                .and_then(|test| test.split_once(" ... ignored"))
            {
                let reason = rest.trim_start_matches([',', ' ']);
                let reason = if reason.is_empty() {
                    "no reason given"
                } else {
                    reason
                };
                sum.skipped.push(format!("{name}: {reason}"));
            }
        }
        sum
    }
}

/// The number that ends where `word` starts.
fn count_before(text: &str, word: &str) -> u64 {
    let number = text
        .split(word)
        .next()
        .filter(|head| head.len() < text.len());
    number
        .and_then(|head| head.rsplit(' ').next())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        match self.skipped.len() {
            0 => Ok(()),
            n => write!(f, ", {n} skipped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_what_cargo_test_prints() {
        let output = "\
running 3 tests
test a ... ok
test b::c ... ignored, needs root
test d ... FAILED
test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s
running 12 tests
test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let tally = Tally::of_tests(output);
        assert_eq!(tally.passed, 13);
        assert_eq!(tally.failed, 1);
        assert_eq!(tally.skipped, ["b::c: needs root"]);
        assert_eq!(tally.to_string(), "13 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn counts_nothing_where_nothing_ran() {
        assert_eq!(
            Tally::of_tests("error: could not compile"),
            Tally::default()
        );
    }
}
