//! Lines on standard output.

use std::fmt::Display;
use std::io::{self, ErrorKind, StdoutLock, Write as _};
use std::process;

/// Prints a line. Lines of two threads never mix.
pub fn say(line: impl Display) {
    Console::lock().say(line);
}

/// Standard output, held by one thread: whoever else wants to print waits.
pub struct Console(StdoutLock<'static>);

impl Console {
    /// Waits for the other threads' lines to be out.
    pub fn lock() -> Self {
        Self(io::stdout().lock())
    }

    /// Prints a line. If it cannot be written the program ends: all that it
    /// does, it does to be read.
    pub fn say(&mut self, line: impl Display) {
        // Standard output is line-buffered wherever it leads.
        if let Err(error) = writeln!(self.0, "{line}") {
            // A reader that left early, such as `head`, wants no more, and no
            // complaint either.
            if error.kind() != ErrorKind::BrokenPipe {
                eprintln!("zinc: cannot write to standard output: {error}");
            }
            process::exit(1);
        }
    }
}
