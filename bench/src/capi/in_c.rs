//! Our own programs in C, which run with either library.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tempfile::TempDir;

use super::face::Face;
use crate::case::{Case, Pattern};
use crate::figures::Figures;
use crate::measure::{self, DEADLINE, Runner};
use crate::process::Programs;
use crate::quantity::Quantity;
use crate::usage::Usage;
use crate::watch;

/// How long a new connection is left alone before it counts as idle.
const SETTLE: Duration = Duration::from_millis(500);

/// A face, whose programs are ours.
pub struct InC<'a>(pub &'a Face);

impl Runner for InC<'_> {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn run(&self, case: Case, count: u64) -> Result<Figures> {
        let folder = TempDir::new()?;
        let endpoint = measure::endpoint(case.transport, folder.path());
        let program = match case.pattern {
            Pattern::Throughput => "throughput",
            Pattern::Latency | Pattern::NoSpinLatency => "latency",
            Pattern::Fanout => "fanout",
            Pattern::Subscriptions => "match",
            Pattern::Connections => return self.connections(case, &endpoint, count),
            Pattern::Idle => return self.idle(case, &endpoint, count),
            Pattern::Blocked => return self.blocked(case, &endpoint, count),
            other => bail!("there is no program for {other:?}"),
        };
        measure::play(case, count, &endpoint, |role, endpoint| {
            let mut command = self.0.ours(program);
            command
                .args([role, endpoint])
                .args([case.size.to_string(), count.to_string()])
                .args(case.many.map(|many| many.to_string()))
                .args((case.pattern == Pattern::NoSpinLatency).then_some("sleep"));
            Ok((self.title(program, role), command))
        })
    }
}

impl InC<'_> {
    fn title(&self, program: &str, role: &str) -> String {
        format!("{} {program} {role}", self.0.name)
    }

    fn program(
        &self,
        name: &str,
        role: &str,
        endpoint: &str,
        numbers: &[u64],
    ) -> (String, Command) {
        let mut command = self.0.ours(name);
        command
            .args([role, endpoint])
            .args(numbers.iter().map(u64::to_string));
        (self.title(name, role), command)
    }

    /// The clock of a run begins when all connections are there.
    fn connections(&self, case: Case, endpoint: &str, count: u64) -> Result<Figures> {
        let usage = Usage::start()?;
        let many = u64::from(case.many.unwrap_or(1));
        let numbers = [case.size as u64, count, many];
        let mut programs = Programs::until(Instant::now() + DEADLINE);
        let (name, command) = self.program("connections", "serve", endpoint, &numbers);
        let server = programs.start(name, command)?;
        let real = programs.line(server, "ENDPOINT ")?;
        let before = watch::resident_kib(programs.pid(server))?;
        let (name, command) = self.program("connections", "connect", &real, &numbers);
        let client = programs.start(name, command)?;
        programs.line(client, "READY")?;
        let after = watch::resident_kib(programs.pid(server))?;
        programs.prod(client)?;
        let mut figures = measure::finish(programs, count)?;
        figures.set(Quantity::KibPerConnection, (after - before) / many as f64);
        // With the time it took to connect: each connection carries a message then, too.
        usage.complete(&mut figures, count + many)?;
        Ok(figures)
    }

    /// For so many seconds.
    fn idle(&self, case: Case, endpoint: &str, seconds: u64) -> Result<Figures> {
        let many = u64::from(case.many.unwrap_or(1));
        let numbers = [case.size as u64, many, many];
        let mut programs = Programs::until(Instant::now() + DEADLINE);
        let (name, command) = self.program("connections", "serve", endpoint, &numbers);
        let server = programs.start(name, command)?;
        let real = programs.line(server, "ENDPOINT ")?;
        let (name, command) = self.program("connections", "connect", &real, &numbers);
        let client = programs.start(name, command)?;
        programs.line(client, "READY")?;
        thread::sleep(SETTLE);
        let processes = [programs.pid(server), programs.pid(client)];
        let figures = watch::watch(&processes, Duration::from_secs(seconds))?;
        // All are still there.
        programs.prod(client)?;
        programs.finish()?;
        Ok(figures)
    }

    /// For so many seconds.
    fn blocked(&self, case: Case, endpoint: &str, seconds: u64) -> Result<Figures> {
        let numbers = [case.size as u64];
        let mut programs = Programs::until(Instant::now() + DEADLINE);
        let (name, command) = self.program("blocked", "wait", endpoint, &numbers);
        let waiter = programs.start(name, command)?;
        let real = programs.line(waiter, "ENDPOINT ")?;
        let (name, command) = self.program("blocked", "send", &real, &numbers);
        let sender = programs.start(name, command)?;
        programs.line(waiter, "READY")?;
        thread::sleep(SETTLE);
        let processes = [programs.pid(waiter), programs.pid(sender)];
        let figures = watch::watch(&processes, Duration::from_secs(seconds))?;
        programs.prod(sender)?;
        programs.finish()?;
        Ok(figures)
    }
}
