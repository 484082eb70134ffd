//! Tests that need a process to themselves, and what a process uses.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Set in the process that runs one test alone.
const MARK: &str = "TESTKIT_OWN_PROCESS";

/// Runs `body`, the whole of the test called `test`, in a fresh process of
/// the same test program, with no other test beside it.
///
/// # Panics
///
/// If it fails there, or takes longer than `limit`.
#[track_caller]
pub fn own_process(test: &str, limit: Duration, body: impl FnOnce()) {
    if std::env::var_os(MARK).is_some() {
        body();
        return;
    }
    let program = std::env::current_exe().expect("the test program knows its path");
    let mut child = Command::new(program)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the test program starts again");
    let out = child.stdout.take().map(drain);
    let err = child.stderr.take().map(drain);
    let end = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break Some(status);
        }
        if Instant::now() > end {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let output: String = [out, err]
        .into_iter()
        .flatten()
        .map(|reader| reader.join().unwrap_or_default())
        .collect();
    match status {
        Some(status) => {
            assert!(status.success(), "{test} ended with {status}:\n{output}");
            assert!(output.contains("1 passed"), "{test} is no test:\n{output}");
        }
        None => panic!("{test} not done after {limit:?}:\n{output}"),
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = pipe.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// Memory of this process that is in RAM, in bytes.
///
/// # Panics
///
/// Where there is no `/proc`.
#[must_use]
pub fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("there is a /proc");
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|number| number.trim().parse::<u64>().ok())
        .expect("a process has a resident size");
    kibibytes * 1024
}

/// How many descriptors this process has open.
///
/// # Panics
///
/// Where there is no `/proc`.
#[must_use]
pub fn open_descriptors() -> usize {
    // One of them is the directory's own.
    std::fs::read_dir("/proc/self/fd")
        .expect("there is a /proc")
        .count()
        .saturating_sub(1)
}
