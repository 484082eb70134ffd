//! libzmq's perf programs, and their counterparts in Rust, as runs.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tempfile::TempDir;

use super::face::Face;
use super::perf::Role;
use crate::case::{Case, Pattern, Transport};
use crate::figures::Figures;
use crate::measure::{DEADLINE, Runner};
use crate::process::{Ended, Programs};
use crate::quantity::Quantity;
use crate::usage::Usage;

impl Runner for &Face {
    fn name(&self) -> &'static str {
        self.name
    }

    /// Each program gets what it is sent, and says so by its exit code.
    fn run(&self, case: Case, count: u64) -> Result<Figures> {
        let usage = Usage::start()?;
        let folder = TempDir::new()?;
        let ended = match (case.transport, case.pattern) {
            (Transport::Inproc, pattern) => self.run_inproc(pattern, case, count)?,
            (transport, pattern) => {
                let place = match transport {
                    Transport::Ipc => Place::Path(folder.path().join("socket")),
                    _ => Place::Port(free_port()?),
                };
                self.run_both(pattern, &place, case, count)?
            }
        };
        let teller = match case.pattern {
            Pattern::MeanLatency => ended.last(),
            _ => ended.first(),
        };
        let Some(teller) = teller else {
            bail!("no program ran");
        };
        let mut figures = match case.pattern {
            Pattern::MeanLatency => {
                let mean = teller.number("average latency: ", " [us]")?;
                Figures::default().with(Quantity::Mean, mean)
            }
            _ => {
                let per_second = teller.number("mean throughput: ", " [msg/s]")?;
                Figures::default().with(Quantity::PerSecond, per_second)
            }
        };
        usage.complete(&mut figures, count)?;
        Ok(figures)
    }
}

impl Face {
    fn run_inproc(&self, pattern: Pattern, case: Case, count: u64) -> Result<Vec<Ended>> {
        let role = match pattern {
            Pattern::Throughput => Role::InprocThr,
            Pattern::MeanLatency => Role::InprocLat,
            Pattern::Proxy => Role::ProxyThr,
            other => bail!("libzmq has no program for {other:?} over inproc"),
        };
        let mut command = self.tool(role.text());
        command
            // Ours have one form for all.
            .args(self.is_native().then_some("inproc://"))
            .args([case.size.to_string(), count.to_string()]);
        let mut programs = Programs::until(Instant::now() + DEADLINE);
        programs.start(format!("{} {}", self.name, role.text()), command)?;
        programs.finish()
    }

    fn run_both(
        &self,
        pattern: Pattern,
        place: &Place,
        case: Case,
        count: u64,
    ) -> Result<Vec<Ended>> {
        let (binder, connecter) = match pattern {
            Pattern::Throughput => (Role::LocalThr, Role::RemoteThr),
            Pattern::MeanLatency => (Role::LocalLat, Role::RemoteLat),
            other => bail!("libzmq has no programs for {other:?}"),
        };
        let mut programs = Programs::until(Instant::now() + DEADLINE);
        let start = |programs: &mut Programs, role: Role| {
            let mut command = self.tool(role.text());
            command
                .arg(place.endpoint())
                .args([case.size.to_string(), count.to_string()])
                // Their fourth argument turns CURVE on; the latency programs have none.
                .args(case.curve.then_some("1"));
            programs.start(format!("{} {}", self.name, role.text()), command)
        };
        start(&mut programs, binder)?;
        // A connecter that comes too early waits before it tries again, and that would count.
        while !place.is_listened_on()? {
            programs.check()?;
            thread::sleep(Duration::from_millis(1));
        }
        start(&mut programs, connecter)?;
        programs.finish()
    }
}

/// Where both sides meet. The programs cannot tell which port they were given.
enum Place {
    Port(u16),
    Path(std::path::PathBuf),
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Place {
    fn endpoint(&self) -> String {
        match self {
            Self::Port(port) => format!("tcp://127.0.0.1:{port}"),
            Self::Path(path) => format!("ipc://{}", path.display()),
        }
    }

    fn is_listened_on(&self) -> Result<bool> {
        match self {
            Self::Port(port) => is_port_listened_on(*port),
            Self::Path(path) => is_path_listened_on(path),
        }
    }
}

/// proc(5): in `net/tcp` field 2 is the local address and port, in hexadecimal, and field 4 is 0A
/// where somebody listens.
fn is_port_listened_on(port: u16) -> Result<bool> {
    let table = fs::read_to_string("/proc/net/tcp")?;
    let port = format!(":{port:04X}");
    Ok(table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields.next().unwrap_or_default();
        local.ends_with(&port) && fields.nth(1) == Some("0A")
    }))
}

/// proc(5): in `net/unix` field 4 has a flag where somebody listens, and the path comes last.
fn is_path_listened_on(path: &Path) -> Result<bool> {
    let table = fs::read_to_string("/proc/net/unix")?;
    let path = path.to_string_lossy();
    Ok(table.lines().any(|line| {
        let flags = line.split_whitespace().nth(3);
        line.ends_with(&*path) && flags == Some("00010000")
    }))
}
