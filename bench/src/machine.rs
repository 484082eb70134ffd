//! The machine a result belongs to.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Machine {
    /// UTC.
    pub date: String,
    cpu: String,
    cores: usize,
    /// Without what a distributor or host adds: `6.18`.
    kernel: String,
    /// Of the contenders and of the compiler.
    pub versions: Versions,
}

#[derive(Debug, Serialize)]
pub struct Versions {
    /// The commit of this repository, with `+` when files differ from it.
    commit: String,
    libzmq: String,
    rustc: String,
    /// Of what else took part, by name.
    #[serde(flatten)]
    pub others: BTreeMap<String, String>,
}

impl Machine {
    /// This one, now. What cannot be found out is `unknown`.
    pub fn this() -> Self {
        let (major, minor, patch) = libzmq::version();
        let kernel = rustix::system::uname();
        Self {
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            cpu: cpu().unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, |n| n.get()),
            kernel: series(&kernel.release().to_string_lossy()),
            versions: Versions {
                commit: commit().unwrap_or_else(unknown),
                libzmq: format!("{major}.{minor}.{patch}"),
                rustc: output("rustc", &["--version"]).unwrap_or_else(unknown),
                others: BTreeMap::new(),
            },
        }
    }
}

/// How busy the machine was since a moment, and with whose work.
#[derive(Debug)]
pub struct Load {
    start: Ticks,
}

/// Clock ticks of all processors together.
#[derive(Debug, Clone, Copy)]
struct Ticks {
    busy: u64,
    all: u64,
}

impl Load {
    /// From now on.
    pub fn start() -> Result<Self> {
        Ok(Self {
            start: Ticks::now()?,
        })
    }

    /// The part of the machine that was busy since the start, without `ours`, in processor seconds.
    pub fn others_share(&self, ours: f64) -> Result<f64> {
        let now = Ticks::now()?;
        let busy = now.busy.saturating_sub(self.start.busy) as f64;
        let all = now.all.saturating_sub(self.start.all) as f64;
        let ours = ours * rustix::param::clock_ticks_per_second() as f64;
        Ok(((busy - ours) / all.max(1.0)).max(0.0))
    }
}

impl Ticks {
    /// proc(5): the first line of `stat` is `cpu`, then user, nice, system, idle, iowait, irq,
    /// softirq, steal; what follows is contained in these.
    fn now() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().context("/proc/stat")?;
        let fields = line.split_whitespace().skip(1).take(8);
        let ticks = fields.map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let all: u64 = ticks.iter().sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        Ok(Self {
            busy: all - idle,
            all,
        })
    }
}

/// Processor time of a process that was not waited for yet, user and system; `self` is this one.
///
/// proc(5): fields 14 and 15 of `stat`, in clock ticks; the name in field 2 may hold anything but
/// ends with the last parenthesis.
pub fn cpu_seconds(process: &str) -> Result<f64> {
    let file = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&file).with_context(|| file.clone())?;
    let (_, after_name) = stat.rsplit_once(')').with_context(|| file.clone())?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || -> Result<f64> {
        let field = fields.next().with_context(|| file.clone())?;
        Ok(field.parse()?)
    };
    Ok((ticks()? + ticks()?) / rustix::param::clock_ticks_per_second() as f64)
}

/// Of a kernel's release, major and minor only.
fn series(release: &str) -> String {
    let mut numbers = release.split(['.', '-']);
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => format!("{major}.{minor}"),
        _ => unknown(),
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn commit() -> Option<String> {
    let folder = env!("CARGO_MANIFEST_DIR");
    let head = output("git", &["-C", folder, "rev-parse", "--short=12", "HEAD"])?;
    let changes = output("git", &["-C", folder, "status", "--porcelain"])?;
    Some(head + if changes.is_empty() { "" } else { "+" })
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
