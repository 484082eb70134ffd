//! What Unity, the framework of libzmq's tests, prints.

use super::outcome::{Case, Ending, Verdict};

/// The cases in a program's output. One that runs twice is called `NAME` and `NAME#2`. A program
/// without cases of its own that ends well has one, called `main`.
pub fn cases(output: &str, ending: Ending) -> Vec<Case> {
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
    cases
}

/// `FILE:LINE:NAME:PASS`, or `FAIL` or `IGNORE` with a message.
fn case(line: &str) -> Option<(&str, Verdict)> {
    let at = line.find(".cpp:")?;
    let mut parts = line.get(at + ".cpp:".len()..)?.splitn(4, ':');
    let number = parts.next()?;
    let name = parts.next()?;
    let verdict = parts.next()?;
    let message = parts.next().unwrap_or_default();
    // Messages end with a line feed, written as one.
    let message = message.trim().trim_end_matches("\\n");
    let verdict = match verdict {
        "PASS" => Verdict::Passed,
        "FAIL" => Verdict::Failed(format!("line {number}: {message}")),
        "IGNORE" => Verdict::Ignored(message.to_owned()),
        _ => return None,
    };
    Some((name, verdict))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
something else: a.cpp: b
/src/tests/test_a.cpp:10:test_one:PASS
/src/tests/test_a.cpp:12:test_two:FAIL: Expected 1 Was 2. errno: 11
/src/tests/test_a.cpp:14:test_three:IGNORE: no IPv6\\n
/src/tests/test_a.cpp:10:test_one:PASS

-----------------------
4 Tests 1 Failures 1 Ignored
FAIL
";

    #[test]
    fn reads_the_lines_of_the_cases() {
        let cases = cases(OUTPUT, Ending::Exit(1));
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["test_one", "test_two", "test_three", "test_one#2"]);
        let failed = "line 12: Expected 1 Was 2. errno: 11".to_owned();
        assert_eq!(cases[1].verdict, Verdict::Failed(failed));
        assert_eq!(cases[2].verdict, Verdict::Ignored("no IPv6".to_owned()));
    }

    #[test]
    fn a_program_without_cases_is_one() {
        assert_eq!(cases("", Ending::Exit(0)).len(), 1);
        assert_eq!(cases("", Ending::Exit(1)), []);
        assert_eq!(cases("", Ending::Signal(6)), []);
    }
}
