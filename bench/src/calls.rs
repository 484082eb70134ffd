//! System calls, counted by perf(1) where it is there and may.

use std::cell::RefCell;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use tempfile::NamedTempFile;

const EVENT: &str = "raw_syscalls:sys_enter";

thread_local! {
    /// A file for each program that was started, while they are counted.
    static FILES: RefCell<Option<Vec<NamedTempFile>>> = const { RefCell::new(None) };
}

/// How many the programs make that `run` starts; none if nobody can tell.
pub fn count(run: impl FnOnce() -> Result<()>) -> Result<Option<u64>> {
    if !perf_works() {
        return Ok(None);
    }
    FILES.set(Some(Vec::new()));
    let ran = run();
    let files = FILES.take().unwrap_or_default();
    ran?;
    let mut sum = 0;
    for file in files {
        sum += calls(&fs::read_to_string(file.path())?)?;
    }
    Ok(Some(sum))
}

/// The program as it was, or as one whose system calls are counted.
pub fn counted(command: Command) -> Result<Command> {
    FILES.with_borrow_mut(|files| {
        let Some(files) = files else {
            return Ok(command);
        };
        let file = NamedTempFile::new()?;
        let mut perf = Command::new("perf");
        perf.args(["stat", "-x", ",", "-e", EVENT, "-o"])
            .arg(file.path())
            .arg("--")
            .arg(command.get_program())
            .args(command.get_args())
            // Killed, it leaves no program behind.
            .process_group(0);
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => perf.env(name, value),
                None => perf.env_remove(name),
            };
        }
        files.push(file);
        Ok(perf)
    })
}

/// Whether programs are started through perf.
pub fn are_counted() -> bool {
    FILES.with_borrow(Option::is_some)
}

fn perf_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| {
        let perf = Command::new("perf")
            .args(["stat", "-e", EVENT, "true"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        perf.is_ok_and(|status| status.success())
    })
}

/// perf-stat(1), CSV: the number comes first on the line, and the event third.
fn calls(text: &str) -> Result<u64> {
    let line = text.lines().find(|line| line.contains(EVENT));
    let number = line.and_then(|line| line.split(',').next());
    let number = number.with_context(|| format!("perf says:\n{text}"))?;
    number.parse().with_context(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_perf_says() {
        let text = "# started on Tue\n\n145,,raw_syscalls:sys_enter,848286,100.00,,\n";
        assert_eq!(calls(text).unwrap(), 145);
        let error = calls("<not supported>,,raw_syscalls:sys_enter,0\n").unwrap_err();
        assert!(error.to_string().contains("not supported"));
    }
}
