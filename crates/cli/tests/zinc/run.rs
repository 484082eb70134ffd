//! Runs the binary, and stops it when it takes too long.

use std::fmt;
use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub const BINARY: &str = env!("CARGO_BIN_EXE_zinc");
pub const DEADLINE: Duration = Duration::from_secs(120);

pub struct Outcome {
    pub code: Option<i32>,
    pub output: String,
    pub errors: String,
}

impl Outcome {
    pub fn lines(&self) -> Vec<&str> {
        self.output.lines().collect()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code {:?}", self.code)?;
        write!(f, "{}\n{}", self.output, self.errors)
    }
}

/// Runs `zinc` to its end.
pub fn zinc(arguments: &[&str]) -> Outcome {
    finish(start(Command::new(BINARY).args(arguments), Stdio::null()))
}

/// Runs `zinc` to its end, with `input` to read.
pub fn zinc_reading(arguments: &[&str], input: &str) -> Outcome {
    let mut child = start(Command::new(BINARY).args(arguments), Stdio::piped());
    let mut stdin = child.stdin.take().expect("it is piped");
    match stdin.write_all(input.as_bytes()) {
        // It may have read enough, or nothing.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("{error}"),
        _ => drop(stdin),
    }
    finish(child)
}

/// Runs a shell that is given `zinc` as `$0`.
pub fn shell(script: &str) -> Outcome {
    let mut command = Command::new("sh");
    finish(start(command.args(["-c", script, BINARY]), Stdio::null()))
}

/// Runs `zinc`, and reads no more than the first line.
pub fn first_line_of(arguments: &[&str]) -> Outcome {
    let mut child = start(Command::new(BINARY).args(arguments), Stdio::null());
    let mut output = String::new();
    let stdout = child.stdout.take().expect("it is piped");
    BufReader::new(stdout)
        .read_line(&mut output)
        .expect("the first line is text");
    Outcome {
        output,
        ..finish(child)
    }
}

fn start(command: &mut Command, input: Stdio) -> Child {
    command
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn finish(mut child: Child) -> Outcome {
    let output = child.stdout.take().map(collect);
    let errors = child.stderr.take().map(collect);
    let end = Instant::now() + DEADLINE;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            break Some(status);
        }
        if Instant::now() >= end {
            child.kill().expect("a child of ours");
            child.wait().expect("a child of ours");
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let text = |reader: Option<JoinHandle<String>>| {
        reader.map_or_else(String::new, |reader| {
            reader.join().expect("the output is text")
        })
    };
    let outcome = Outcome {
        code: status.and_then(|status| status.code()),
        output: text(output),
        errors: text(errors),
    };
    assert!(status.is_some(), "not done within {DEADLINE:?}: {outcome}");
    outcome
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).expect("the output is text");
        text
    })
}
