//! The machine a result belongs to.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Machine {
    /// UTC.
    pub date: String,
    cpu: String,
    cores: usize,
    kernel: String,
    /// Of the contenders and of the compiler.
    versions: Versions,
}

#[derive(Debug, Serialize)]
struct Versions {
    /// The commit of this repository, with `+` when files differ from it.
    commit: String,
    libzmq: String,
    rustc: String,
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
            kernel: kernel.release().to_string_lossy().into_owned(),
            versions: Versions {
                commit: commit().unwrap_or_else(unknown),
                libzmq: format!("{major}.{minor}.{patch}"),
                rustc: output("rustc", &["--version"]).unwrap_or_else(unknown),
            },
        }
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
