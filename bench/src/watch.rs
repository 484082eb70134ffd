//! What processes do while they are looked at, from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::figures::Figures;
use crate::quantity::Quantity;

/// All threads of some processes, at a moment.
#[derive(Debug, Default)]
struct Threads {
    sleeps: u64,
    cpu_nanos: u64,
}

/// How often the threads of `processes` wake up and how long they run, in a second, looked at for
/// so long.
pub fn watch(processes: &[u32], time: Duration) -> Result<Figures> {
    let before = Threads::of(processes)?;
    thread::sleep(time);
    let after = Threads::of(processes)?;
    let each = |before: u64, after: u64| (after - before) as f64 / time.as_secs_f64();
    let cpu_nanos = each(before.cpu_nanos, after.cpu_nanos);
    Ok(Figures::default()
        .with(
            Quantity::WakeUpsPerSecond,
            each(before.sleeps, after.sleeps),
        )
        .with(Quantity::CpuMicrosPerSecond, cpu_nanos / 1000.0))
}

/// Memory of a process that is in use and in the machine, its files included: proc(5), `status`.
pub fn resident_kib(process: u32) -> Result<f64> {
    let file = PathBuf::from(format!("/proc/{process}/status"));
    Ok(number(&file, "VmRSS:")? as f64)
}

impl Threads {
    fn of(processes: &[u32]) -> Result<Self> {
        let mut sum = Self::default();
        for process in processes {
            for entry in fs::read_dir(format!("/proc/{process}/task"))? {
                let folder = entry?.path();
                sum.sleeps += number(&folder.join("status"), "voluntary_ctxt_switches:")?;
                // The first of three: nanoseconds on a processor.
                sum.cpu_nanos += number(&folder.join("schedstat"), "")?;
            }
        }
        Ok(sum)
    }
}

/// The first number of the line that starts with `prefix`.
fn number(file: &Path, prefix: &str) -> Result<u64> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
    let number = lines.next().and_then(|line| line.split_whitespace().next());
    let number = number.with_context(|| format!("{}: no {prefix}", file.display()))?;
    Ok(number.parse()?)
}
