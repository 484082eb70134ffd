//! Runs, and rounds of runs.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::calls;
use crate::case::{Case, Pattern, Roles, Transport};
use crate::figures::Figures;
use crate::library::Name;
use crate::process::Programs;
use crate::quantity::Quantity;
use crate::row::{Contender, Row};
use crate::usage::Usage;

/// How long one run is meant to take.
const RUN_SECONDS: f64 = 1.0;
/// How often one may try that is not the subject: libzmq's own programs lose messages over ipc
/// now and then, when the sender ends before the receiver.
const TRIES: usize = 3;
/// How long one run may take.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Something that can run a case.
pub trait Runner {
    /// As the table shows it.
    fn name(&self) -> &'static str;
    /// One run of `count` messages or round trips.
    fn run(&self, case: Case, count: u64) -> Result<Figures>;
}

impl Runner for Name {
    fn name(&self) -> &'static str {
        self.text()
    }

    fn run(&self, case: Case, count: u64) -> Result<Figures> {
        run(case, *self, count, false)
    }
}

impl<R: Runner + ?Sized> Runner for Box<R> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn run(&self, case: Case, count: u64) -> Result<Figures> {
        (**self).run(case, count)
    }
}

/// Runs each of `runners` `pairs` times, in turn and each round in another order; the first is the
/// subject. Where another loses messages in a run, the row says so, and goes on.
pub fn compare<R: Runner>(case: Case, runners: &[R], pairs: u32) -> Result<Row> {
    let mut contenders = Vec::new();
    for (place, runner) in runners.iter().enumerate() {
        let mut contender = Contender::new(runner.name());
        for _ in 0..TRIES {
            match calibrate(case, runner) {
                Ok(count) => {
                    contender.count = count;
                    break;
                }
                Err(error) if place == 0 => return Err(error),
                Err(error) => contender.failures.push(format!("{error:#}")),
            }
        }
        contenders.push(contender);
    }
    for round in 0..pairs as usize {
        let len = contenders.len();
        for i in 0..len {
            let turn = (i + round) % len;
            let contender = &mut contenders[turn];
            if contender.count == 0 {
                continue;
            }
            match runners[turn].run(case, contender.count) {
                Ok(sample) => contender.samples.push(sample),
                Err(error) if turn == 0 => return Err(error),
                Err(error) => contender.failures.push(format!("{error:#}")),
            }
        }
    }
    for (contender, runner) in contenders.iter_mut().zip(runners) {
        if contender.count > 0 && case.fixed_count().is_none() {
            // One that fails now has shown above that it can do it.
            let calls = calls::count(|| runner.run(case, contender.count).map(|_| ()));
            contender.system_calls = calls
                .ok()
                .flatten()
                .map(|all| all as f64 / contender.count as f64);
        }
    }
    Ok(Row { case, contenders })
}

/// A run of a few messages, which arrive. Who is not the subject may try more than once.
pub fn try_out<R: Runner>(case: Case, runners: &[R], count: u64) -> Result<usize> {
    for (place, runner) in runners.iter().enumerate() {
        let mut tries = if place == 0 { 1 } else { TRIES };
        loop {
            tries -= 1;
            match runner.run(case, count) {
                Ok(_) => break,
                Err(error) if tries == 0 => {
                    return Err(error.context(format!("{case}, {}", runner.name())));
                }
                Err(error) => println!("once more: {case}, {}: {error:#}", runner.name()),
            }
        }
    }
    Ok(runners.len())
}

/// A short run whose messages are compared byte by byte.
pub fn smoke(case: Case, library: Name) -> Result<()> {
    run(case, library, 50, true)
        .map(|_| ())
        .with_context(|| format!("{case}, {}", library.text()))
}

/// How many messages make a run of about a second: from a small run to a tenth of a second to it.
fn calibrate<R: Runner>(case: Case, runner: &R) -> Result<u64> {
    if let Some(count) = case.fixed_count() {
        return Ok(count);
    }
    let smallest = case.smallest_count();
    let mut count = smallest;
    for aim in [RUN_SECONDS / 10.0, RUN_SECONDS] {
        let figures = runner.run(case, count)?;
        let rate = case.pattern.rate(&figures);
        let rate = rate.with_context(|| format!("{case}, {}: no rate", runner.name()))?;
        count = ((rate * aim) as u64).max(smallest);
    }
    Ok(count)
}

/// One run.
fn run(case: Case, library: Name, count: u64, verify: bool) -> Result<Figures> {
    let folder = TempDir::new()?;
    let endpoint = endpoint(case.transport, folder.path());
    play(case, count, &endpoint, |role, endpoint| {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["role", library.text(), role, endpoint])
            .args([case.size.to_string(), count.to_string()])
            .args(case.many.map(|many| format!("--many={many}")))
            .args((case.pattern == Pattern::NoSpinLatency).then_some("--sleep"))
            .args(verify.then_some("--verify"));
        Ok((format!("{} {role}", library.text()), command))
    })
}

/// Where to bind; a path is in `folder`.
pub fn endpoint(transport: Transport, folder: &Path) -> String {
    match transport {
        Transport::Tcp => "tcp://127.0.0.1:*".to_owned(),
        Transport::Ipc => format!("ipc://{}", folder.join("socket").display()),
        Transport::Inproc => "inproc://bench".to_owned(),
    }
}

/// One run of programs that play roles as [`crate::role`] does. `program` names and makes the one
/// for a role at an endpoint.
pub fn play(
    case: Case,
    count: u64,
    endpoint: &str,
    program: impl Fn(&str, &str) -> Result<(String, Command)>,
) -> Result<Figures> {
    let usage = Usage::start()?;
    let mut programs = Programs::until(Instant::now() + DEADLINE);
    match case.roles() {
        Roles::Alone(role) => {
            let (name, command) = program(role, endpoint)?;
            programs.start(name, command)?;
        }
        Roles::Two(binder, connecter) => {
            let (name, command) = program(binder, endpoint)?;
            let binder = programs.start(name, command)?;
            let real = programs.line(binder, "ENDPOINT ")?;
            let (name, command) = program(connecter, &real)?;
            programs.start(name, command)?;
        }
    }
    let mut figures = finish(programs, count)?;
    usage.complete(&mut figures, count)?;
    Ok(figures)
}

/// What programs find that exchange `count` messages.
pub fn finish(programs: Programs, count: u64) -> Result<Figures> {
    let mut figures = Figures::default();
    for ended in programs.finish()? {
        figures.merge(ended.finding()?);
    }
    if let Some(seconds) = figures.take(Quantity::Seconds) {
        // The first message starts the clock.
        let per_second = count.saturating_sub(1) as f64 / seconds.max(1e-9);
        figures.set(Quantity::PerSecond, per_second);
    }
    Ok(figures)
}
