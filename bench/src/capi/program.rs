//! A program that runs for a while, and what it prints.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tempfile::NamedTempFile;

use crate::machine;

/// A running program. Dropped, it is killed.
pub struct Program {
    name: String,
    child: Child,
    printed: NamedTempFile,
    end: Instant,
}

/// What a program that has ended well leaves.
pub struct Ended {
    name: String,
    text: String,
    /// Processor time, user and system.
    pub cpu_seconds: f64,
}

impl Program {
    /// Starts it; it has until `end`.
    pub fn start(name: String, mut command: Command, end: Instant) -> Result<Self> {
        let printed = NamedTempFile::new()?;
        command
            .stdin(Stdio::null())
            .stdout(printed.reopen()?)
            .stderr(printed.reopen()?);
        let child = command.spawn().with_context(|| name.clone())?;
        Ok(Self {
            name,
            child,
            printed,
            end,
        })
    }

    /// Fails if it has ended, or has no more time.
    pub fn check_running(&mut self) -> Result<()> {
        match self.has_ended()? {
            true => bail!("{}: it ended too early{}", self.name, self.said()),
            false => Ok(()),
        }
    }

    /// It is not waited for yet: its processor time can still be asked for.
    fn has_ended(&self) -> Result<bool> {
        let pid = Pid::from_child(&self.child);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let ended = waitid(WaitId::Pid(pid), options)?.is_some();
        if !ended && Instant::now() >= self.end {
            bail!("{}: it took too long{}", self.name, self.said());
        }
        Ok(ended)
    }

    /// Of one that has ended.
    fn finish(mut self) -> Result<Ended> {
        let cpu_seconds = machine::cpu_seconds(&self.child.id().to_string())?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("{}: {status}{}", self.name, self.said());
        }
        Ok(Ended {
            text: fs::read_to_string(self.printed.path())?,
            name: std::mem::take(&mut self.name),
            cpu_seconds,
        })
    }

    fn said(&self) -> String {
        let text = fs::read(self.printed.path()).unwrap_or_default();
        match String::from_utf8_lossy(&text).trim() {
            "" => "; it printed nothing".to_owned(),
            text => format!("; it printed:\n{text}"),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until both have ended well, or one has not.
pub fn wait_for_both(first: Program, second: Program) -> Result<(Ended, Ended)> {
    let (mut first, mut second) = (Side::Running(first), Side::Running(second));
    loop {
        first = first.look()?;
        second = second.look()?;
        match (first, second) {
            (Side::Ended(first), Side::Ended(second)) => return Ok((first, second)),
            (one, other) => (first, second) = (one, other),
        }
        thread::sleep(Duration::from_millis(2));
    }
}

enum Side {
    Running(Program),
    Ended(Ended),
}

impl Side {
    fn look(self) -> Result<Self> {
        Ok(match self {
            Self::Running(program) if program.has_ended()? => Self::Ended(program.finish()?),
            side => side,
        })
    }
}

impl Ended {
    /// The number between `before` and `after` on a line of what it printed.
    pub fn number(&self, before: &str, after: &str) -> Result<f64> {
        let number = self.text.lines().find_map(|line| {
            let number = line.strip_prefix(before)?.strip_suffix(after)?;
            number.parse().ok()
        });
        let (name, text) = (&self.name, &self.text);
        number.with_context(|| format!("{name}: no line {before}…{after} in:\n{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, seconds: u64) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let end = Instant::now() + Duration::from_secs(seconds);
        Program::start(script.to_owned(), command, end).unwrap()
    }

    fn error(first: Program, second: Program) -> String {
        let result = wait_for_both(first, second).map(|_| ());
        result.unwrap_err().to_string()
    }

    #[test]
    fn finds_the_number() {
        let (first, _) = wait_for_both(
            shell("echo size: 64 [B]; echo mean: 12.5 [us]", 30),
            shell("true", 30),
        )
        .unwrap();
        assert_eq!(first.number("mean: ", " [us]").unwrap(), 12.5);
        let missing = first.number("median: ", " [us]").unwrap_err();
        assert!(missing.to_string().contains("size: 64 [B]"), "{missing}");
    }

    #[test]
    fn a_failure_shows_what_was_printed_and_stops_the_other() {
        let text = error(
            shell("sleep 60", 60),
            shell("echo no socket >&2; exit 3", 60),
        );
        assert!(text.contains("exit status: 3"), "{text}");
        assert!(text.contains("no socket"), "{text}");
    }

    #[test]
    fn what_takes_too_long_shows_what_was_printed() {
        let slow = shell("echo begun; sleep 60", 2);
        let text = error(slow, shell("sleep 60", 60));
        assert!(
            text.contains("too long") && text.contains("begun"),
            "{text}"
        );
    }
}
