//! Runs, and rounds of runs.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use tempfile::TempDir;

use crate::case::{Case, Pattern, Transport};
use crate::library::Name;
use crate::machine::Load;
use crate::report::{Contender, Row, Sample};
use crate::role::Finding;

/// How long one run is meant to take.
const RUN_SECONDS: f64 = 1.0;
/// How long one run may take.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Something that can run a case.
pub trait Runner {
    /// As the table shows it.
    fn name(&self) -> &'static str;
    /// One run of `count` messages or round trips.
    fn run(&self, case: Case, count: u64) -> Result<Sample>;
}

impl Runner for Name {
    fn name(&self) -> &'static str {
        self.text()
    }

    fn run(&self, case: Case, count: u64) -> Result<Sample> {
        run(case, *self, count, false)
    }
}

/// Runs each of `runners` `pairs` times, in turn and each round in another order; the first is the
/// subject.
pub fn compare<R: Runner>(case: Case, runners: &[R], pairs: u32) -> Result<Row> {
    let mut contenders = Vec::new();
    for runner in runners {
        contenders.push(Contender {
            library: runner.name(),
            count: calibrate(case, runner)?,
            samples: Vec::new(),
        });
    }
    for round in 0..pairs as usize {
        let len = contenders.len();
        for i in 0..len {
            let turn = (i + round) % len;
            let contender = &mut contenders[turn];
            let sample = runners[turn].run(case, contender.count)?;
            contender.samples.push(sample);
        }
    }
    Ok(Row { case, contenders })
}

/// A short run whose messages are compared byte by byte.
pub fn smoke(case: Case, library: Name) -> Result<()> {
    run(case, library, 50, true)
        .map(|_| ())
        .with_context(|| format!("{case}, {}", library.text()))
}

/// How many messages make a run of about a second: from a small run to a tenth of a second to it.
fn calibrate<R: Runner>(case: Case, runner: &R) -> Result<u64> {
    let smallest = match case.pattern {
        Pattern::Throughput if case.size >= 1 << 20 => 10,
        Pattern::Throughput => ((16 << 20) / case.size).clamp(1000, 20_000) as u64,
        Pattern::Latency => 500,
    };
    let mut count = smallest;
    for aim in [RUN_SECONDS / 10.0, RUN_SECONDS] {
        let value = runner.run(case, count)?.value();
        let rate = match case.pattern {
            Pattern::Throughput => value,
            Pattern::Latency => 1e6 / (2.0 * value),
        };
        count = ((rate * aim) as u64).max(smallest);
    }
    Ok(count)
}

/// One run.
fn run(case: Case, library: Name, count: u64, verify: bool) -> Result<Sample> {
    let folder = TempDir::new()?;
    let endpoint = match case.transport {
        Transport::Tcp => "tcp://127.0.0.1:*".to_owned(),
        Transport::Ipc => format!("ipc://{}", folder.path().join("socket").display()),
        Transport::Inproc => "inproc://bench".to_owned(),
    };
    play(case, count, &endpoint, |role, endpoint| {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["role", library.text(), role, endpoint])
            .args([case.size.to_string(), count.to_string()])
            .args(verify.then_some("--verify"));
        Ok((format!("{} {role}", library.text()), command))
    })
}

/// One run of programs that play roles as [`crate::role`] does. `program` names and makes the one
/// for a role at an endpoint.
pub fn play(
    case: Case,
    count: u64,
    endpoint: &str,
    program: impl Fn(&str, &str) -> Result<(String, Command)>,
) -> Result<Sample> {
    let load = Load::start()?;
    let end = Instant::now() + DEADLINE;
    let start = |role: &str, endpoint: &str| {
        let (name, command) = program(role, endpoint)?;
        Process::start(name, command, end)
    };
    let findings = match (case.transport, case.pattern) {
        (Transport::Inproc, Pattern::Throughput) => {
            vec![start("stream-inproc", endpoint)?.finding()?]
        }
        (Transport::Inproc, Pattern::Latency) => vec![start("ask-inproc", endpoint)?.finding()?],
        (_, pattern) => {
            let (binder, connecter) = match pattern {
                Pattern::Throughput => ("receive", "send"),
                Pattern::Latency => ("echo", "ask"),
            };
            let mut first = start(binder, endpoint)?;
            let real = first.line_after("ENDPOINT ")?;
            let second = start(connecter, &real)?;
            vec![first.finding()?, second.finding()?]
        }
    };
    sample(&findings, count, &load)
}

fn sample(findings: &[Finding], count: u64, load: &Load) -> Result<Sample> {
    let cpu_seconds: f64 = findings.iter().map(|finding| finding.cpu_seconds).sum();
    let cpu_seconds_per_million = cpu_seconds * 1e6 / count as f64;
    let others_share = load.others_share(cpu_seconds)?;
    if let Some(seconds) = findings.iter().find_map(|finding| finding.seconds) {
        return Ok(Sample::Throughput {
            // The first message starts the clock.
            per_second: count.saturating_sub(1) as f64 / seconds.max(1e-9),
            cpu_seconds_per_million,
            others_share,
        });
    }
    let latency = findings.iter().find_map(|finding| finding.latency);
    let latency = latency.context("neither process measured anything")?;
    Ok(Sample::Latency {
        median: latency.median,
        p99: latency.p99,
        max: latency.max,
        cpu_seconds_per_million,
        others_share,
    })
}

/// A program in a role. Dropped, it is killed.
struct Process {
    name: String,
    child: Child,
    stdout: Receiver<String>,
    end: Instant,
}

impl Process {
    fn start(name: String, mut command: Command, end: Instant) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| name.clone())?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        Ok(Self {
            name,
            child,
            stdout: read_lines(stdout),
            end,
        })
    }

    fn line_after(&mut self, prefix: &str) -> Result<String> {
        let left = self.end.saturating_duration_since(Instant::now());
        let line = self
            .stdout
            .recv_timeout(left)
            .map_err(|error| match error {
                mpsc::RecvTimeoutError::Timeout => {
                    anyhow!("{}: not done after {DEADLINE:?}", self.name)
                }
                mpsc::RecvTimeoutError::Disconnected => anyhow!("{}: it failed", self.name),
            })?;
        match line.strip_prefix(prefix) {
            Some(rest) => Ok(rest.to_owned()),
            None => bail!("{}: it says {line}, expected {prefix}…", self.name),
        }
    }

    fn finding(mut self) -> Result<Finding> {
        let json = self.line_after("FINDING ")?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("{}: {status}", self.name);
        }
        Ok(serde_json::from_str(&json)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(stdout: ChildStdout) -> Receiver<String> {
    let (lines, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
