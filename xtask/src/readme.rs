//! README.md's commands do what README.md says.
//!
//! A block that starts with ```` ```sh run ```` is run line by line in the repository. A line
//! `# => TEXT` says what the command before it prints last.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::command::Command;
use crate::tally::Tally;
use crate::test::Run;

/// A command and what its last line must be.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    line: String,
    last: Option<String>,
}

/// Runs the demo and every marked block.
pub fn check(run: &Run) -> Result<Tally> {
    let demo = Example {
        line: "cargo run --release --bin zinc -- demo --fast".to_owned(),
        last: Some("demo: 6 of 6 ok".to_owned()),
    };
    let mut tally = execute(run, &demo)?;

    let text = fs::read_to_string(run.repo.path("README.md")).context("README.md")?;
    let examples = examples(&text)?;
    if examples.is_empty() {
        bail!("README.md has no block that starts with ```sh run");
    }
    for example in examples.iter().filter(|example| **example != demo) {
        tally += execute(run, example)?;
    }
    Ok(tally)
}

/// The lines of the marked blocks in `text`.
pub fn commands(text: &str) -> Result<Vec<String>> {
    let examples = examples(text)?.into_iter();
    Ok(examples.map(|example| example.line).collect())
}

fn execute(run: &Run, example: &Example) -> Result<Tally> {
    let command = Command::new("bash")
        .arguments(&["-euo", "pipefail", "-c", &example.line])
        .folder(&run.repo.path("."))
        .variable("CARGO_TARGET_DIR", run.repo.target())
        .variable("CARGO_TERM_COLOR", "never");
    let output = run.command(command, 10)?;
    let as_promised = example
        .last
        .as_deref()
        .is_none_or(|last| output.last_line() == last);
    let text = format!(
        "{}; last line {:?}, expected {:?}",
        output.summary(),
        output.last_line(),
        example.last
    );
    Ok(run.held(output.ok() && as_promised, &text))
}

fn examples(text: &str) -> Result<Vec<Example>> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        match line {
            "```sh run" => inside = true,
            "```" => inside = false,
            "" => {}
            _ if !inside => {}
            _ => match line.strip_prefix("# =>") {
                Some(last) => {
                    let example = examples.last_mut().context("`# =>` before any command")?;
                    example.last = Some(last.trim().to_owned());
                }
                None if line.starts_with('#') => {}
                None => examples.push(Example {
                    line: line.to_owned(),
                    last: None,
                }),
            },
        }
    }
    if inside {
        bail!("a block is not closed");
    }
    Ok(examples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_marked_blocks() {
        let text = "\
# Title
```sh
rm everything
```
```sh run
# a remark
zinc demo
# => demo: 6 of 6 ok

zinc --version
```
";
        let example = |line: &str, last: Option<&str>| Example {
            line: line.to_owned(),
            last: last.map(str::to_owned),
        };
        assert_eq!(
            examples(text).unwrap(),
            [
                example("zinc demo", Some("demo: 6 of 6 ok")),
                example("zinc --version", None)
            ]
        );
        assert!(examples("```sh run\nzinc").is_err());
    }
}
