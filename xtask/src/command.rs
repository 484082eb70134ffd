//! A child process with a deadline, whose output is kept.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// The children that are running, as their process groups.
static RUNNING: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// A command line to be run.
#[derive(Debug)]
pub struct Command {
    command: process::Command,
}

/// How a command ended and what it printed on both channels.
#[derive(Debug)]
pub struct Output {
    line: String,
    ending: Ending,
    /// Standard output and standard error, in the order they were written.
    pub text: String,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, or by a signal.
    Exit(ExitStatus),
    /// It took longer than this and was killed.
    Overdue(Duration),
}

impl Command {
    /// The program, found through `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            command: process::Command::new(program),
        }
    }

    /// Runs `program` instead, in the same folder and environment.
    pub fn program(self, program: &Path) -> Self {
        let mut command = process::Command::new(program);
        if let Some(folder) = self.command.get_current_dir() {
            command.current_dir(folder);
        }
        for (name, value) in self.command.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        Self { command }
    }

    /// Adds arguments.
    pub fn arguments<A: AsRef<OsStr>>(mut self, arguments: &[A]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Runs it in `folder`.
    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Sets an environment variable.
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it with its output appended to the file `log`; kills it, and all it started, when it
    /// takes longer than `deadline`.
    pub fn run_logged(mut self, log: &Path, deadline: Duration) -> Result<Output> {
        let line = self.line();
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| log.display().to_string())?;
        writeln!(file, "$ {line}")?;
        let start = file.metadata()?.len();
        self.command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let ending = self.supervise(&line, deadline)?;
        let written = fs::read(log)?;
        let text = String::from_utf8_lossy(written.get(start as usize..).unwrap_or_default());
        Ok(Output {
            text: text.into_owned(),
            line,
            ending,
        })
    }

    /// Runs it with our own standard output and error.
    pub fn run_visible(mut self, deadline: Duration) -> Result<()> {
        let line = self.line();
        match self.supervise(&line, deadline)? {
            Ending::Exit(status) if status.success() => Ok(()),
            Ending::Exit(status) => bail!("{line}: {status}"),
            Ending::Overdue(after) => bail!("{line}: stopped after {after:?}"),
        }
    }

    /// Runs it and returns its standard output, which must be text.
    pub fn capture(mut self) -> Result<String> {
        let line = self.line();
        let output = self.command.output().with_context(|| line.clone())?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!("{line}: {}\n{error}", output.status);
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn supervise(&mut self, line: &str, deadline: Duration) -> Result<Ending> {
        let end = Instant::now() + deadline;
        // A group of its own, so that what it starts can be stopped with it.
        let mut child = self
            .command
            .process_group(0)
            .spawn()
            .with_context(|| line.to_owned())?;
        let group = child.id() as i32;
        running(|groups| groups.push(group));
        let ending = wait(&mut child, end, deadline);
        running(|groups| groups.retain(|other| *other != group));
        ending
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        words
            .map(|word| word.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl Output {
    /// Whether it ended in time and with exit code 0.
    pub fn ok(&self) -> bool {
        matches!(self.ending, Ending::Exit(status) if status.success())
    }

    /// How it ended.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// The command line and how it ended.
    pub fn summary(&self) -> String {
        match self.ending {
            Ending::Exit(status) => format!("{}: {status}", self.line),
            Ending::Overdue(after) => format!("{}: stopped after {after:?}", self.line),
        }
    }

    /// The last line that is not empty.
    pub fn last_line(&self) -> &str {
        let mut lines = self.text.lines().rev().map(str::trim);
        lines.find(|line| !line.is_empty()).unwrap_or_default()
    }
}

/// When this program is interrupted or terminated, its children go with it.
pub fn stop_children_with_us() -> Result<()> {
    ctrlc::set_handler(|| {
        running(|groups| groups.drain(..).for_each(kill_group));
        process::exit(130);
    })?;
    Ok(())
}

/// The file that keeps a step's output; emptied.
pub fn fresh_log(target: &Path, step: &str) -> Result<PathBuf> {
    let folder = target.join("xtask");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let log = folder.join(format!("{step}.log"));
    File::create(&log).with_context(|| log.display().to_string())?;
    Ok(log)
}

fn running<T>(use_groups: impl FnOnce(&mut Vec<i32>) -> T) -> T {
    use_groups(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner))
}

fn wait(child: &mut Child, end: Instant, deadline: Duration) -> Result<Ending> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ending::Exit(status));
        }
        if Instant::now() >= end {
            kill_group(child.id() as i32);
            child.wait()?;
            return Ok(Ending::Overdue(deadline));
        }
        sleep(Duration::from_millis(20));
    }
}

fn kill_group(group: i32) {
    if let Some(pid) = Pid::from_raw(group) {
        // It fails only if the group is gone already.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, deadline: Duration) -> Output {
        let folder = tempfile::tempdir().unwrap();
        let log = fresh_log(folder.path(), "shell").unwrap();
        Command::new("sh")
            .arguments(&["-c", script])
            .run_logged(&log, deadline)
            .unwrap()
    }

    #[test]
    fn keeps_both_channels_and_the_exit_code() {
        let output = shell("echo out; echo err >&2; exit 3", Duration::from_secs(20));
        assert!(!output.ok());
        assert_eq!(output.text, "out\nerr\n");
        assert_eq!(output.last_line(), "err");
        assert!(output.summary().contains("exit status: 3"));
    }

    #[test]
    fn stops_what_is_overdue_with_all_it_started() {
        let start = Instant::now();
        let output = shell("sleep 60 & wait", Duration::from_millis(100));
        assert!(!output.ok());
        assert!(output.summary().contains("stopped after"));
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
