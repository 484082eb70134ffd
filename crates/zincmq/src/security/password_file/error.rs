//! What can be wrong with a file of passwords. No error carries a line's text:
//! there is a hash in it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::lines::Faults;
use crate::security::file::{ReadFault, Writable};

/// Why a file of passwords was not read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PasswordFileError {
    /// The system does not let it be read.
    #[error("{}: cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Anybody on this machine may write to it.
    #[error("{}: anybody on this machine can write to it (mode {mode:04o}): it is not used until that is taken away (chmod o-w)", path.display())]
    Writable {
        /// The file, or the folder it is in.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is a directory, pipe or device.
    #[error("{}: not a file", path.display())]
    NotAFile {
        /// What was to be read.
        path: PathBuf,
    },
    /// It is too long.
    #[error("{}: longer than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// Lines are not as they must be.
    #[error("{}, {}", path.display(), listed(faults, *more))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which lines, counted from 1, and what is wrong with each: the first hundred.
        faults: Vec<(usize, PasswordFault)>,
        /// How many lines more are so.
        more: usize,
    },
    /// The name cannot stand in the file, or not be sent.
    #[error("the name {0}")]
    BadName(&'static str),
    /// The password cannot be sent.
    #[error("the password has {len} bytes; at most 255 can be sent")]
    PasswordTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The password could not be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// The system does not let it be written.
    #[error("{}: cannot be written: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// What is wrong with a line of a file of passwords.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PasswordFault {
    /// There is no colon in it.
    #[error("no `name:hash`")]
    NoColon,
    /// The name is none, or none that can be sent.
    #[error("the name {0}")]
    Name(&'static str),
    /// The name stands in an earlier line, which holds.
    #[error("the name is in line {0} already")]
    Twice(usize),
    /// The hash is no PHC string, or has parameters that argon2id does not have.
    #[error("the hash is not as it must be: {0}")]
    Hash(String),
    /// The hash is of another function.
    #[error("the hash is of {0}, not argon2id")]
    Function(String),
    /// To compare a password with the hash would take more than is spent on strangers:
    /// [`PasswordFile::MAX_MEMORY`], [`PasswordFile::MAX_WORK`].
    ///
    /// [`PasswordFile::MAX_MEMORY`]: super::PasswordFile::MAX_MEMORY
    /// [`PasswordFile::MAX_WORK`]: super::PasswordFile::MAX_WORK
    #[error(
        "the hash costs m={memory} (KiB) and t={passes} (passes), and at most m={} and m × t = {} are taken",
        super::PasswordFile::MAX_MEMORY,
        super::PasswordFile::MAX_WORK
    )]
    TooCostly {
        /// In KiB.
        memory: u32,
        /// How often it is gone over.
        passes: u32,
    },
}

impl PasswordFileError {
    pub(super) fn reading(path: &Path, fault: ReadFault) -> Self {
        let path = path.to_owned();
        match fault {
            ReadFault::NotAFile => Self::NotAFile { path },
            ReadFault::TooLarge(limit) => Self::TooLarge { path, limit },
            ReadFault::Writable(Writable { path, mode }) => Self::Writable { path, mode },
            ReadFault::System(error) => Self::Read { path, error },
        }
    }

    pub(super) fn writing(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        Self::Write { path, error }
    }

    pub(super) fn malformed(path: &Path, faults: Faults) -> Self {
        let path = path.to_owned();
        let Faults { first, more } = faults;
        Self::Malformed {
            path,
            faults: first,
            more,
        }
    }
}

/// The first ones: it may be a long file of something else.
fn listed(faults: &[(usize, PasswordFault)], more: usize) -> String {
    const MOST: usize = 10;
    let more = more + faults.len().saturating_sub(MOST);
    let rest = (more > 0).then(|| format!("and {more} more lines"));
    let faults = faults
        .iter()
        .take(MOST)
        .map(|(line, fault)| format!("line {line}: {fault}"))
        .chain(rest);
    faults.collect::<Vec<_>>().join("; ")
}
