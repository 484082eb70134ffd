//! `zinc password`: the users in a file of hashed passwords.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use thiserror::Error;
use zeroize::Zeroizing;
use zincmq::security::{PasswordFile, PasswordFileError};

use crate::console::say;
use crate::echo;

/// What `zinc password` can be told.
///
/// The password is no argument: others could read it in the list of processes.
#[derive(clap::Args)]
pub struct Arguments {
    /// The file; made, for its owner alone, if there is none
    file: PathBuf,
    /// Whose password it is
    ///
    /// The password is asked for, without showing what is typed. If standard input is no
    /// terminal, its first line is the password, without its end (LF or CR LF). An
    /// empty password is refused.
    name: String,
    /// Take the user out of the file; no password is asked for
    #[arg(long)]
    remove: bool,
}

/// One more than PLAIN carries, and the end of the line.
const LONGEST: usize = 258;

#[derive(Debug, Error)]
enum Failure {
    #[error("{error}{}", hint(error))]
    File {
        #[from]
        error: PasswordFileError,
    },
    #[error("{}: no user is called `{name}`", file.display())]
    Nobody { file: PathBuf, name: String },
    #[error("the password cannot be read: {0}")]
    Unread(#[from] io::Error),
    #[error("the two are not the same")]
    Differ,
    #[error("the password is empty")]
    Empty,
}

fn hint(error: &PasswordFileError) -> &'static str {
    match error {
        PasswordFileError::Malformed { .. } => {
            " (nothing is changed: if it is a file of passwords, mend these lines first)"
        }
        _ => "",
    }
}

/// Sets a password, or takes it away.
pub fn run(arguments: &Arguments) -> ExitCode {
    let done = match arguments.remove {
        true => remove(arguments),
        false => set(arguments),
    };
    match done {
        Ok(what) => {
            warn_if_exposed(&arguments.file);
            say(format_args!(
                "{}: {what} {}",
                arguments.file.display(),
                arguments.name
            ));
            ExitCode::SUCCESS
        }
        Err(Failure::Unread(error)) if error.kind() == io::ErrorKind::Interrupted => {
            ExitCode::from(echo::INTERRUPTED)
        }
        Err(failure) => {
            eprintln!("zinc: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The hashes are of use to whoever guesses passwords.
fn warn_if_exposed(file: &Path) {
    let mode = file.metadata().map(|metadata| metadata.mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        eprintln!(
            "zinc: warning: {}: others on this machine can read or write it (chmod 600 it)",
            file.display()
        );
    }
}

fn set(arguments: &Arguments) -> Result<&'static str, Failure> {
    // Before anything is typed in vain.
    PasswordFile::check(&arguments.file, &arguments.name)?;
    let password = match io::stdin().is_terminal() {
        true => ask(&arguments.name)?,
        false => first_line()?,
    };
    if password.is_empty() {
        return Err(Failure::Empty);
    }
    PasswordFile::set(&arguments.file, &arguments.name, &password[..])?;
    Ok("a new password for")
}

fn remove(arguments: &Arguments) -> Result<&'static str, Failure> {
    match PasswordFile::remove(&arguments.file, &arguments.name)? {
        true => Ok("no password any more for"),
        false => Err(Failure::Nobody {
            file: arguments.file.clone(),
            name: arguments.name.clone(),
        }),
    }
}

/// Asks twice, as what is typed cannot be seen.
fn ask(name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    echo::keep()?;
    let prompt = |text: &str| -> io::Result<Zeroizing<Vec<u8>>> {
        let typed = rpassword::prompt_password(text)?;
        Ok(Zeroizing::new(typed.into_bytes()))
    };
    let password = prompt(&format!("Password for {name}: "))?;
    let again = prompt("Once more: ")?;
    match password == again {
        true => Ok(password),
        false => Err(Failure::Differ),
    }
}

/// The first line of standard input, or as much of it as shows that it is too long.
fn first_line() -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let input = io::stdin().lock();
    input.take(LONGEST as u64).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    Ok(line)
}
