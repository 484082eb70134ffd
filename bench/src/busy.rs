//! Processes that want every processor, and what they lose to what is measured meanwhile.

use std::io::{Write as _, stdin, stdout};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::case::{Case, Pattern};
use crate::figures::Figures;
use crate::measure::{DEADLINE, Runner};
use crate::process::{Id, Programs};
use crate::quantity::Quantity;

/// How long they are looked at undisturbed.
const ALONE: Duration = Duration::from_millis(700);

/// A contender measured while other processes work.
pub struct Busy<R>(pub R);

impl<R: Runner> Runner for Busy<R> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn run(&self, case: Case, count: u64) -> Result<Figures> {
        let mut burners = Burners::start()?;
        let begin = burners.mark()?;
        thread::sleep(ALONE);
        let alone = burners.mark()?;
        let case = Case {
            pattern: Pattern::Latency,
            ..case
        };
        let mut figures = self.0.run(case, count)?;
        let end = burners.mark()?;
        thread::sleep(ALONE);
        let last = burners.mark()?;
        burners.programs.finish()?;
        // Before and after.
        let undisturbed = (begin.rate_until(&alone) + end.rate_until(&last)) / 2.0;
        let loss = 1.0 - alone.rate_until(&end) / undisturbed;
        figures.set(Quantity::OthersLoss, loss);
        Ok(figures)
    }
}

/// As many as there are processors.
struct Burners {
    programs: Programs,
    ids: Vec<Id>,
}

/// How much was done at a moment.
struct Mark {
    time: Instant,
    done: u64,
}

impl Burners {
    fn start() -> Result<Self> {
        let mut programs = Programs::until(Instant::now() + 2 * DEADLINE);
        let mut ids = Vec::new();
        for _ in 0..thread::available_parallelism()?.get() {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("burn");
            let id = programs.start("burn".to_owned(), command)?;
            programs.line(id, "READY")?;
            ids.push(id);
        }
        Ok(Self { programs, ids })
    }

    fn mark(&mut self) -> Result<Mark> {
        let time = Instant::now();
        for &id in &self.ids {
            self.programs.prod(id)?;
        }
        let mut done = 0;
        for &id in &self.ids {
            done += self.programs.line(id, "DONE ")?.parse::<u64>()?;
        }
        Ok(Mark { time, done })
    }
}

impl Mark {
    /// Of work a second.
    fn rate_until(&self, later: &Self) -> f64 {
        let time = later.time - self.time;
        (later.done - self.done) as f64 / time.as_secs_f64()
    }
}

/// Works until nobody asks any more how much is done; each empty line is a question.
pub fn burn() -> Result<()> {
    let done = Arc::new(AtomicU64::new(0));
    let worker = Arc::clone(&done);
    thread::spawn(move || {
        let mut state = 1_u64;
        loop {
            for _ in 0..1000 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
            }
            std::hint::black_box(state);
            worker.fetch_add(1, Ordering::Relaxed);
        }
    });
    let say = |line: String| {
        let mut out = stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush())
    };
    say("READY".to_owned())?;
    for line in stdin().lines() {
        line.context("stdin")?;
        say(format!("DONE {}", done.load(Ordering::Relaxed)))?;
    }
    Ok(())
}
