//! What the plugin of pytest tells, a line for each event.

use anyhow::Result;
use serde::Deserialize;

use crate::conformance::outcome::{Case, Ending, Verdict};

#[derive(Deserialize)]
struct Event {
    event: Kind,
    /// `tests/FILE::CLASS::NAME`, or the file when it cannot be loaded.
    test: String,
    message: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Started,
    Passed,
    Failed,
    Skipped,
    /// All tests have run.
    Finished,
}

/// The test during which the process ended that wrote these lines.
pub fn unfinished(lines: &str) -> Result<Option<String>> {
    let events = events(lines)?;
    if events.iter().any(|event| event.event == Kind::Finished) {
        return Ok(None);
    }
    let mut started = events
        .into_iter()
        .rev()
        .filter(|e| e.event == Kind::Started);
    Ok(started.next().map(|event| event.test))
}

/// The tests in the order they ran. `deaths` are those that a process ended in, with its end.
pub fn cases(lines: &str, deaths: &[(String, Ending)]) -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for event in events(lines)? {
        let name = event.test.split_once("::").map_or("load", |(_, name)| name);
        // The line that matters is the first.
        let message = event.message.lines().next().unwrap_or_default().to_owned();
        let verdict = match event.event {
            Kind::Started | Kind::Finished => continue,
            Kind::Passed => Verdict::Passed,
            Kind::Failed => Verdict::Failed(message),
            Kind::Skipped => Verdict::Ignored(message),
        };
        match cases.iter_mut().find(|case| case.name == name) {
            // It passed, and then failed to clean up.
            Some(case) => case.verdict = verdict,
            None => cases.push(Case {
                name: name.to_owned(),
                verdict,
            }),
        }
    }
    for (test, ending) in deaths {
        let name = test.split_once("::").map_or("load", |(_, name)| name);
        cases.retain(|case| case.name != name);
        cases.push(Case {
            name: name.to_owned(),
            verdict: Verdict::Failed(format!("the process ended in it: {ending}")),
        });
    }
    Ok(cases)
}

fn events(lines: &str) -> Result<Vec<Event>> {
    let events = lines.lines().map(serde_json::from_str);
    Ok(events.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(event: &str, test: &str, message: &str) -> String {
        let value = serde_json::json!({"event": event, "test": test, "message": message});
        format!("{value}\n")
    }

    #[test]
    fn tells_the_last_word_on_each_test() {
        let lines = [
            line("started", "tests/test_a.py::T::one", ""),
            line("passed", "tests/test_a.py::T::one", ""),
            line("failed", "tests/test_a.py::T::one", "not closed\nmore"),
            line("started", "tests/test_a.py::two[x y]", ""),
            line("skipped", "tests/test_a.py::two[x y]", "no gevent"),
            line("started", "tests/test_a.py::three", ""),
            line("passed", "tests/test_a.py::three", ""),
            line("finished", "", ""),
        ];
        let cases = cases(&lines.concat(), &[]).unwrap();
        let told: Vec<_> = cases
            .iter()
            .map(|c| (c.name.as_str(), &c.verdict))
            .collect();
        let failed = Verdict::Failed("not closed".to_owned());
        let ignored = Verdict::Ignored("no gevent".to_owned());
        let passed = Verdict::Passed;
        assert_eq!(
            told,
            [
                ("T::one", &failed),
                ("two[x y]", &ignored),
                ("three", &passed)
            ]
        );
        assert_eq!(unfinished(&lines.concat()).unwrap(), None);
    }

    #[test]
    fn names_the_test_a_process_died_in() {
        let lines = [
            line("started", "tests/test_a.py::one", ""),
            line("passed", "tests/test_a.py::one", ""),
            line("started", "tests/test_a.py::two", ""),
        ];
        let test = unfinished(&lines.concat()).unwrap().unwrap();
        assert_eq!(test, "tests/test_a.py::two");
        let cases = cases(&lines.concat(), &[(test, Ending::Signal(11))]).unwrap();
        let died = Verdict::Failed("the process ended in it: signal 11".to_owned());
        assert_eq!(cases[1].verdict, died);
    }

    #[test]
    fn a_file_that_cannot_be_loaded_is_a_case() {
        let lines = line("failed", "tests/test_a.py", "undefined symbol: zmq_poll");
        let cases = cases(&lines, &[]).unwrap();
        assert_eq!(cases[0].name, "load");
    }
}
