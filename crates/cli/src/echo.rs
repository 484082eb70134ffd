//! A terminal that is left as it was found.

use std::fs::File;
use std::io;
use std::process;

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// As shells have it for what SIGINT ended.
pub const INTERRUPTED: u8 = 130;

/// From now on Ctrl-C, SIGTERM and SIGHUP end the program with the terminal as it
/// is now, whatever a prompt has changed of it.
pub fn keep() -> io::Result<()> {
    let terminal = File::open("/dev/tty")?;
    let found = tcgetattr(&terminal)?;
    ctrlc::set_handler(move || {
        // There is nothing else to be done for it.
        let _ = tcsetattr(&terminal, OptionalActions::Now, &found);
        process::exit(INTERRUPTED.into());
    })
    .map_err(io::Error::other)
}
