//! Programs that run together, and what they print.

use std::io::{BufRead as _, BufReader, PipeReader, Write as _, pipe};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::calls;
use crate::figures::Figures;

/// How much longer the others may take when one has ended: what it sent is almost there.
const REST: Duration = Duration::from_secs(5);

/// Running programs. Whichever fails tells why the others do not end. Dropped, all are killed.
pub struct Programs {
    end: Instant,
    list: Vec<Program>,
    events: Receiver<Event>,
    sender: Sender<Event>,
}

/// One of [`Programs`].
#[derive(Debug, Clone, Copy)]
pub struct Id(usize);

struct Program {
    name: String,
    child: Child,
    /// Whether it has children of its own, which end with it.
    is_group: bool,
    stdin: Option<ChildStdin>,
    said: Vec<String>,
    /// So many lines were looked at.
    heard: usize,
    has_ended: bool,
}

/// What a program that has ended well leaves.
pub struct Ended {
    name: String,
    said: Vec<String>,
}

enum Event {
    Line(Id, String),
    End(Id),
}

impl Programs {
    /// None yet; they will have until `end`.
    pub fn until(end: Instant) -> Self {
        let (sender, events) = mpsc::channel();
        Self {
            end,
            list: Vec::new(),
            events,
            sender,
        }
    }

    pub fn start(&mut self, name: String, command: Command) -> Result<Id> {
        let mut command = calls::counted(command)?;
        let (reader, writer) = pipe()?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .spawn()
            .with_context(|| name.clone())?;
        // It holds the writing end, and the end of what is printed is to be seen.
        drop(command);
        let id = Id(self.list.len());
        self.list.push(Program {
            name,
            is_group: calls::are_counted(),
            stdin: child.stdin.take(),
            child,
            said: Vec::new(),
            heard: 0,
            has_ended: false,
        });
        let sender = self.sender.clone();
        thread::spawn(move || pass_on(id, reader, &sender));
        Ok(id)
    }

    /// Waits until the program prints a line that starts with `prefix`, after those that were
    /// waited for before, and returns the rest.
    pub fn line(&mut self, id: Id, prefix: &str) -> Result<String> {
        loop {
            let program = &mut self.list[id.0];
            while let Some(line) = program.said.get(program.heard) {
                program.heard += 1;
                if let Some(rest) = line.strip_prefix(prefix) {
                    return Ok(rest.to_owned());
                }
            }
            if program.has_ended {
                bail!(
                    "{}: it did not say {prefix}{}",
                    program.name,
                    program.told()
                );
            }
            self.take_in_one()?;
        }
    }

    /// Sends the program an empty line.
    pub fn prod(&mut self, id: Id) -> Result<()> {
        let program = &mut self.list[id.0];
        let stdin = program.stdin.as_mut().context("stdin is open")?;
        let written = stdin.write_all(b"\n").and_then(|()| stdin.flush());
        written.with_context(|| program.name.clone())
    }

    /// The number the system knows the program by.
    pub fn pid(&self, id: Id) -> u32 {
        self.list[id.0].child.id()
    }

    /// Fails if a program has failed, or has no more time.
    pub fn check(&mut self) -> Result<()> {
        while let Ok(event) = self.events.try_recv() {
            self.take_in(event)?;
        }
        match Instant::now() < self.end {
            true => Ok(()),
            false => Err(self.overdue()),
        }
    }

    /// Waits until all have ended well; what they read ends here. In the order they were started.
    pub fn finish(mut self) -> Result<Vec<Ended>> {
        for program in &mut self.list {
            program.stdin = None;
        }
        while self.list.iter().any(|program| !program.has_ended) {
            self.take_in_one()?;
        }
        let list = std::mem::take(&mut self.list);
        let ended = |program: Program| Ended {
            name: program.name,
            said: program.said,
        };
        Ok(list.into_iter().map(ended).collect())
    }

    fn take_in_one(&mut self) -> Result<()> {
        let left = self.end.saturating_duration_since(Instant::now());
        match self.events.recv_timeout(left) {
            Ok(event) => self.take_in(event),
            Err(_) => Err(self.overdue()),
        }
    }

    fn take_in(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Line(id, line) => self.list[id.0].said.push(line),
            Event::End(id) => {
                let program = &mut self.list[id.0];
                let status = loop {
                    match program.child.try_wait()? {
                        Some(status) => break status,
                        None if Instant::now() >= self.end => return Err(self.overdue()),
                        // It printed its last, and is about to end.
                        None => thread::sleep(Duration::from_micros(200)),
                    }
                };
                program.has_ended = true;
                if !status.success() {
                    bail!("{}: {status}{}", program.name, program.told());
                }
                self.end = self.end.min(Instant::now() + REST);
            }
        }
        Ok(())
    }

    fn overdue(&self) -> anyhow::Error {
        let running = self.list.iter().filter(|program| !program.has_ended);
        let texts = running.map(|program| format!("{}{}", program.name, program.told()));
        let texts: Vec<String> = texts.collect();
        anyhow!("it does not end: {}", texts.join("\n"))
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        for program in &mut self.list {
            // All fail only if it is gone already.
            if program.is_group && !program.has_ended {
                let _ = kill_process_group(Pid::from_child(&program.child), Signal::KILL);
            }
            let _ = program.child.kill();
            let _ = program.child.wait();
        }
    }
}

impl Program {
    fn told(&self) -> String {
        match self.said.join("\n").trim() {
            "" => "; it printed nothing".to_owned(),
            text => format!("; it printed:\n{text}"),
        }
    }
}

impl Ended {
    /// The number between `before` and `after` on a line of what it printed.
    pub fn number(&self, before: &str, after: &str) -> Result<f64> {
        let number = self.said.iter().find_map(|line| {
            let number = line.strip_prefix(before)?.strip_suffix(after)?;
            number.parse().ok()
        });
        number.with_context(|| self.missing(&format!("{before}…{after}")))
    }

    /// What it found out, on a line `FINDING …`.
    pub fn finding(&self) -> Result<Figures> {
        let mut lines = self.said.iter();
        let json = lines.find_map(|line| line.strip_prefix("FINDING "));
        let json = json.with_context(|| self.missing("FINDING …"))?;
        serde_json::from_str(json).with_context(|| format!("{}: {json}", self.name))
    }

    fn missing(&self, line: &str) -> String {
        format!(
            "{}: no line {line} in:\n{}",
            self.name,
            self.said.join("\n")
        )
    }
}

fn pass_on(id: Id, reader: PipeReader, events: &Sender<Event>) {
    for line in BufReader::new(reader).lines().map_while(Result::ok) {
        if events.send(Event::Line(id, line)).is_err() {
            return;
        }
    }
    // Whoever would hear it may be gone.
    let _ = events.send(Event::End(id));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(scripts: &[&str], seconds: u64) -> Programs {
        let mut programs = Programs::until(Instant::now() + Duration::from_secs(seconds));
        for &script in scripts {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            programs.start(script.to_owned(), command).unwrap();
        }
        programs
    }

    fn error(scripts: &[&str], seconds: u64) -> String {
        let result = programs(scripts, seconds).finish().map(|_| ());
        format!("{:#}", result.unwrap_err())
    }

    #[test]
    fn finds_the_number() {
        let scripts = ["echo size: 64 [B]; echo mean: 12.5 [us]", "true"];
        let ended = programs(&scripts, 30).finish().unwrap();
        assert_eq!(ended[0].number("mean: ", " [us]").unwrap(), 12.5);
        let missing = ended[0].number("median: ", " [us]").unwrap_err();
        assert!(missing.to_string().contains("size: 64 [B]"), "{missing}");
    }

    #[test]
    fn a_program_is_heard_and_told() {
        let scripts = ["echo READY 5; read line; echo 'FINDING {\"seconds\": 2}'"];
        let mut programs = programs(&scripts, 30);
        assert_eq!(programs.line(Id(0), "READY ").unwrap(), "5");
        programs.prod(Id(0)).unwrap();
        let ended = programs.finish().unwrap();
        let seconds = ended[0].finding().unwrap();
        assert_eq!(seconds.value(crate::quantity::Quantity::Seconds), Some(2.0));
    }

    #[test]
    fn what_is_not_said_before_the_end_is_missed() {
        let result = programs(&["echo something else"], 30).line(Id(0), "READY ");
        let text = result.unwrap_err().to_string();
        assert!(text.contains("did not say READY"), "{text}");
        assert!(text.contains("something else"), "{text}");
    }

    #[test]
    fn a_failure_shows_what_was_printed_and_stops_the_other() {
        let text = error(&["sleep 60", "echo no socket >&2; exit 3"], 60);
        assert!(text.contains("exit status: 3"), "{text}");
        assert!(text.contains("no socket"), "{text}");
    }

    #[test]
    fn what_takes_too_long_shows_what_was_printed() {
        let text = error(&["echo begun; sleep 60", "sleep 60"], 2);
        assert!(text.contains("does not end"), "{text}");
        assert!(text.contains("begun"), "{text}");
    }
}
