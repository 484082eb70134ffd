//! The program: arguments, then a line in, a line out.

use std::io::{BufRead, Write};
use std::sync::{Arc, mpsc};

use anyhow::{Context as _, Result};

use crate::session::Session;
use crate::{Arguments, Command, Library, Socket};

/// Opens the socket the process arguments ask for, prints `ENDPOINT …` for each bind and `READY`,
/// then answers each line of standard input with `OK …` or `ERR …` until `quit`. The end of
/// standard input ends the process at once, so that no peer outlives the test that started it.
pub fn run<L: Library>(library: &L) -> Result<()> {
    let mut arguments = Arguments::parse(std::env::args().skip(1))?;
    let guard = arguments.guard.take().map(Arc::new);
    if let Some(guard) = &guard {
        library.set_guard(Arc::clone(guard))?;
    }
    let socket = library.socket(&arguments.kind)?;
    let events = arguments.watch.then(|| socket.events()).transpose()?;
    open(&socket, &arguments)?;
    say("READY")?;

    let lines = read_lines();
    let mut session = Session::new(socket, &arguments.kind, events, guard, &lines);
    while let Some(line) = session.next_line() {
        let answer = match line.parse::<Command>() {
            Ok(Command::Quit) => break,
            Ok(command) => session.execute(command),
            Err(error) => Err(error),
        };
        match answer {
            Ok(text) => say(&format!("OK {text}"))?,
            Err(error) => say(&format!("ERR {line}: {error:#}"))?,
        }
    }
    drop(session);
    say("OK quit")
}

fn open(socket: &impl Socket, arguments: &Arguments) -> Result<()> {
    for (name, value) in &arguments.options {
        socket
            .set(name, value)
            .with_context(|| format!("option {name}={value}"))?;
    }
    for endpoint in &arguments.bind {
        say(&format!("ENDPOINT {}", socket.bind(endpoint)?))?;
    }
    for endpoint in &arguments.connect {
        socket.connect(endpoint)?;
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

/// A thread reads, so that the end of input is noticed while the socket blocks.
fn read_lines() -> mpsc::Receiver<String> {
    let (lines, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            let last = line == "quit";
            if lines.send(line).is_err() || last {
                return;
            }
        }
        std::process::exit(0);
    });
    receiver
}
