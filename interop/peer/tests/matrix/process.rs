//! One peer process.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// What went wrong, in words.
pub type Failure = String;

/// A running peer. Dropped, it is killed.
pub struct Process {
    name: String,
    child: Child,
    stdin: ChildStdin,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    transcript: Transcript,
    deadline: Instant,
}

/// What was said to and by the processes of one case, in the order it was seen.
#[derive(Clone, Default)]
pub struct Transcript(Arc<Mutex<String>>);

impl Process {
    /// Starts `program` with `arguments` and returns it with the endpoint it bound, if any, once it
    /// says that it is ready.
    pub fn start(
        name: &str,
        program: &str,
        arguments: &[String],
        transcript: &Transcript,
        deadline: Instant,
    ) -> Result<(Self, Option<String>), Failure> {
        transcript.note(name, "starts", &arguments.join(" "));
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{program}: {e}"))?;
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = read_lines(child.stdout.take().expect("stdout is piped"), |_| {});
        let errors = transcript.clone();
        let whose = name.to_owned();
        let stderr = read_lines(child.stderr.take().expect("stderr is piped"), move |line| {
            errors.note(&whose, "stderr", line);
        });
        let mut process = Self {
            name: name.to_owned(),
            child,
            stdin,
            stdout,
            stderr,
            transcript: transcript.clone(),
            deadline,
        };
        let endpoint = process.await_ready()?;
        Ok((process, endpoint))
    }

    /// Says `line` and returns what follows `OK` in the answer.
    pub fn ask(&mut self, line: &str) -> Result<String, Failure> {
        self.tell(line)?;
        self.answer()
    }

    /// Says `line`; the answer is left for [`answer`](Self::answer).
    pub fn tell(&mut self, line: &str) -> Result<(), Failure> {
        self.transcript.note(&self.name, "is told", line);
        writeln!(self.stdin, "{line}").map_err(|e| format!("{}: stdin: {e}", self.name))
    }

    /// Waits for the answer to the oldest line that has none yet.
    pub fn answer(&mut self) -> Result<String, Failure> {
        let line = self.line()?;
        self.parse_answer(&line)
    }

    /// The answer, if it is there.
    pub fn answer_if_ready(&mut self) -> Result<Option<String>, Failure> {
        match self.stdout.try_recv() {
            Ok(line) => {
                self.transcript.note(&self.name, "says", &line);
                self.parse_answer(&line).map(Some)
            }
            Err(TryRecvError::Empty) if Instant::now() < self.deadline => Ok(None),
            Err(TryRecvError::Empty) => Err(self.silent()),
            Err(TryRecvError::Disconnected) => Err(format!("{} is gone", self.name)),
        }
    }

    /// Ends it as `kill -9` does, and waits until it is gone.
    pub fn kill(mut self) {
        self.transcript.note(&self.name, "is killed", "");
        self.end();
    }

    /// Stops it as `kill -STOP` does.
    pub fn freeze(&self) -> Result<(), Failure> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn thaw(&self) -> Result<(), Failure> {
        self.signal(Signal::CONT)
    }

    /// Closes its socket, its context and ends it in order.
    pub fn quit(mut self) -> Result<(), Failure> {
        self.ask("quit")?;
        let status = self.child.wait().map_err(|e| e.to_string())?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("{} ends with {status}", self.name)),
        }
    }

    fn await_ready(&mut self) -> Result<Option<String>, Failure> {
        let mut endpoint = None;
        loop {
            let line = self.line()?;
            match line.strip_prefix("ENDPOINT ") {
                Some(bound) => endpoint = Some(bound.to_owned()),
                None if line == "READY" => return Ok(endpoint),
                None => return Err(format!("{} says {line:?} before READY", self.name)),
            }
        }
    }

    fn line(&mut self) -> Result<String, Failure> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.stdout.recv_timeout(left) {
            Ok(line) => {
                self.transcript.note(&self.name, "says", &line);
                Ok(line)
            }
            Err(RecvTimeoutError::Timeout) => Err(self.silent()),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().map_err(|e| e.to_string())?;
                // Its last words belong to the transcript.
                while self.stderr.recv_timeout(Duration::from_secs(1)).is_ok() {}
                Err(format!("{} ended by itself with {status}", self.name))
            }
        }
    }

    fn parse_answer(&self, line: &str) -> Result<String, Failure> {
        match line.strip_prefix("OK ") {
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("{} says {line}", self.name)),
        }
    }

    fn silent(&self) -> Failure {
        format!("{} said nothing until the case's deadline", self.name)
    }

    fn signal(&self, signal: Signal) -> Result<(), Failure> {
        self.transcript
            .note(&self.name, "gets signal", &format!("{signal:?}"));
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or("a process id out of range")?;
        kill_process(pid, signal).map_err(|e| format!("signal to {}: {e}", self.name))
    }

    fn end(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

impl Transcript {
    fn note(&self, who: &str, what: &str, text: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "  {who} {what} {text}");
    }

    /// Everything so far; long ones without their middle.
    pub fn text(&self) -> String {
        const KEEP: usize = 20;
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() <= 2 * KEEP {
            return lines.join("\n");
        }
        let head = lines[..KEEP].join("\n");
        let tail = lines[lines.len() - KEEP..].join("\n");
        format!("{head}\n  … {} lines …\n{tail}", lines.len() - 2 * KEEP)
    }
}

fn read_lines(
    pipe: impl Read + Send + 'static,
    note: impl Fn(&str) + Send + 'static,
) -> Receiver<String> {
    let (lines, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            note(&line);
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
