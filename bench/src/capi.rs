//! ZincMQ through its C library, beside its Rust API and beside libzmq.
//!
//! The C library and libzmq run the very same programs, libzmq's own perf programs; which library
//! is loaded is all that differs. For the Rust API there are programs of the same shape.

pub mod perf;
mod program;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use self::perf::Role;
use self::program::Program;
use crate::case::{Case, Pattern, Transport};
use crate::machine::Load;
use crate::measure::{self, DEADLINE, Runner};
use crate::report::{Report, Sample};

/// Where things are, and how much is wanted.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder of libzmq's perf programs
    #[arg(long)]
    programs: PathBuf,
    /// The folder of our libzmq.so.5
    #[arg(long)]
    ours: PathBuf,
    /// The folder of libzmq's libzmq.so.5
    #[arg(long)]
    libzmq: PathBuf,
    /// How often each runs each case
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// A few messages for each case, not timed
    #[arg(long)]
    smoke: bool,
    /// Only cases whose name contains this, as in `curve` or "64 B"
    name: Option<String>,
}

const CASES: &[(Pattern, usize)] = &[
    (Pattern::Throughput, 64),
    (Pattern::Throughput, 1 << 10),
    (Pattern::Latency, 64),
    (Pattern::Latency, 1 << 10),
];

/// Throughput of these is measured with CURVE.
const CURVE_SIZES: &[usize] = &[64, 1 << 10, 16 << 10, 128 << 10];

/// Messages, or round trips, of a run that is not timed.
const FEW: u64 = 50;

/// Measures all cases, or tries them.
pub fn run(arguments: &Arguments) -> Result<()> {
    let case = |pattern, size, curve| Case {
        pattern,
        transport: Transport::Tcp,
        size,
        curve,
        python: None,
    };
    let plain = CASES
        .iter()
        .map(|&(pattern, size)| case(pattern, size, false));
    let curve = CURVE_SIZES
        .iter()
        .map(|&size| case(Pattern::Throughput, size, true));
    let cases: Vec<Case> = plain
        .chain(curve)
        .filter(|case| match &arguments.name {
            Some(part) => case.to_string().contains(part.as_str()),
            None => true,
        })
        .collect();
    if cases.is_empty() {
        bail!("no case to measure is called {:?}", arguments.name);
    }
    let faces = faces(arguments)?;
    if arguments.smoke {
        let mut runs = 0;
        for &case in &cases {
            for face in &faces {
                face.run(case, FEW)?;
                runs += 1;
            }
        }
        println!("smoke: {runs} of {runs} ok");
        return Ok(());
    }
    Report::new("capi", arguments.pairs).complete(&cases, |case| {
        measure::compare(case, &faces, arguments.pairs)
    })
}

/// A library as programs see it.
struct Face {
    name: &'static str,
    /// Of the perf programs' files, or of this one.
    programs: PathBuf,
    /// What the perf programs load; none for the ones in Rust.
    library: Option<PathBuf>,
}

/// The subject first.
fn faces(arguments: &Arguments) -> Result<Vec<Face>> {
    let c = |name, library: &Path| -> Result<Face> {
        let face = Face {
            name,
            programs: arguments.programs.clone(),
            library: Some(
                library
                    .canonicalize()
                    .with_context(|| library.display().to_string())?,
            ),
        };
        face.check()?;
        Ok(face)
    };
    Ok(vec![
        c("C ABI", &arguments.ours)?,
        Face {
            name: "native",
            programs: std::env::current_exe()?,
            library: None,
        },
        c("libzmq", &arguments.libzmq)?,
    ])
}

impl Runner for Face {
    fn name(&self) -> &'static str {
        self.name
    }

    /// The binder gets what the connecter sends, and says so by its exit code.
    fn run(&self, case: Case, count: u64) -> Result<Sample> {
        let load = Load::start()?;
        let end = Instant::now() + DEADLINE;
        let (binder, connecter) = match case.pattern {
            Pattern::Throughput => (Role::LocalThr, Role::RemoteThr),
            Pattern::Latency => (Role::LocalLat, Role::RemoteLat),
        };
        let port = free_port()?;
        let start = |role: Role| {
            let mut command = self.command(role);
            command
                .arg(format!("tcp://127.0.0.1:{port}"))
                .args([case.size.to_string(), count.to_string()])
                // Their fourth argument turns CURVE on; the latency programs have none.
                .args(case.curve.then_some("1"));
            Program::start(format!("{} {}", self.name, role.text()), command, end)
        };
        let mut binder = start(binder)?;
        // A connecter that comes too early waits before it tries again, and that would count.
        while !is_listened_on(port)? {
            binder.check_running()?;
            thread::sleep(Duration::from_millis(1));
        }
        let connecter = start(connecter)?;
        // Whichever fails tells why the other does not end.
        let (bound, connected) = program::wait_for_both(binder, connecter)?;

        let cpu_seconds = bound.cpu_seconds + connected.cpu_seconds;
        let cpu_seconds_per_million = cpu_seconds * 1e6 / count as f64;
        let others_share = load.others_share(cpu_seconds)?;
        Ok(match case.pattern {
            Pattern::Throughput => Sample::Throughput {
                // The program counts the first message, which starts its clock.
                per_second: bound.number("mean throughput: ", " [msg/s]")? * (count - 1) as f64
                    / count as f64,
                cpu_seconds_per_million,
                others_share,
            },
            Pattern::Latency => Sample::MeanLatency {
                mean: connected.number("average latency: ", " [us]")?,
                cpu_seconds_per_million,
                others_share,
            },
        })
    }
}

impl Face {
    /// The program for `role`, still without arguments of its own.
    fn command(&self, role: Role) -> Command {
        match &self.library {
            Some(library) => {
                let mut command = Command::new(self.programs.join(role.text()));
                command.env("LD_LIBRARY_PATH", library);
                command
            }
            None => {
                let mut command = Command::new(&self.programs);
                command.args(["perf", role.text()]);
                command
            }
        }
    }

    /// Whether the loader takes the library that is meant (ld.so(8)).
    fn check(&self) -> Result<()> {
        let mut command = self.command(Role::LocalThr);
        let output = command
            .env("LD_TRACE_LOADED_OBJECTS", "1")
            .output()
            .with_context(|| format!("{command:?}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let library = self.library.as_deref().unwrap_or(Path::new(""));
        let library = library.join("libzmq.so.5");
        if !text.contains(&format!("=> {} ", library.display())) {
            bail!("{command:?} does not load {}:\n{text}", library.display());
        }
        Ok(())
    }
}

/// The programs cannot tell which port they were given.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// proc(5): in `net/tcp` field 2 is the local address and port, in hexadecimal, and field 4 is 0A
/// where somebody listens.
fn is_listened_on(port: u16) -> Result<bool> {
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    let port = format!(":{port:04X}");
    Ok(table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields.next().unwrap_or_default();
        local.ends_with(&port) && fields.nth(1) == Some("0A")
    }))
}
