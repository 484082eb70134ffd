//! What the processes of a run used of the machine.

use anyhow::Result;
use nix::sys::resource::{Usage as Rusage, UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::figures::Figures;
use crate::machine::Load;
use crate::quantity::Quantity;

/// From a moment on. It counts processes that are waited for: start no others meanwhile.
pub struct Usage {
    start: Rusage,
    load: Load,
}

impl Usage {
    pub fn start() -> Result<Self> {
        Ok(Self {
            start: getrusage(UsageWho::RUSAGE_CHILDREN)?,
            load: Load::start()?,
        })
    }

    /// Adds what each of `count` messages or round trips took of the machine. Whoever knows their
    /// own processor time, without that of their start, says it as [`Quantity::CpuSeconds`].
    pub fn complete(&self, figures: &mut Figures, count: u64) -> Result<()> {
        let now = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let cpu_seconds = seconds(&now) - seconds(&self.start);
        let each = |after: i64, before: i64| (after - before) as f64 / count as f64;
        let own = figures.take(Quantity::CpuSeconds).unwrap_or(cpu_seconds);
        figures.set(Quantity::CpuSecondsPerMillion, own * 1e6 / count as f64);
        figures.set(
            Quantity::VoluntarySwitches,
            each(
                now.voluntary_context_switches(),
                self.start.voluntary_context_switches(),
            ),
        );
        figures.set(
            Quantity::InvoluntarySwitches,
            each(
                now.involuntary_context_switches(),
                self.start.involuntary_context_switches(),
            ),
        );
        let others = self.load.others_share(cpu_seconds)?;
        figures.set(Quantity::OthersShare, others);
        Ok(())
    }
}

fn seconds(usage: &Rusage) -> f64 {
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    micros as f64 / 1e6
}
