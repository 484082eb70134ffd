//! What can be wrong with a certificate. No error carries a line's text: there
//! may be a secret in it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use zmtp::Z85Error;

use crate::security::file::{ReadFault, Writable};

/// Why a certificate was not loaded or saved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
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
    /// It is longer than any certificate.
    #[error("{}: longer than {limit} bytes, which no certificate is", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// A line is not as it must be.
    #[error("{}, line {line}: {fault}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// There is no key in it.
    #[error("{}: no public-key in a section `curve`", path.display())]
    NoPublicKey {
        /// The file.
        path: PathBuf,
    },
    /// Its public key is not the one that goes with its secret key.
    #[error("{}: the public key is not the secret key's", path.display())]
    KeysDiffer {
        /// The file.
        path: PathBuf,
    },
    /// A certificate without a secret key was to be saved with it.
    #[error("the certificate has no secret key")]
    NoSecretKey,
    /// There is something already where it was to be saved.
    #[error("{}: exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system does not let it be written.
    #[error("{}: cannot be written: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl CertificateError {
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
        match error.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            _ => Self::Write { path, error },
        }
    }
}

/// What is wrong with a line of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineFault {
    /// It is not in UTF-8.
    #[error("not in UTF-8")]
    NotText,
    /// It has a control character other than a tab.
    #[error("a control character")]
    ControlCharacter,
    /// It does not start with a name, made of letters, digits and `$-_@.&+/`.
    #[error("a line starts with a name, of letters, digits and $-_@.&+/")]
    NoName,
    /// Something follows the name that is neither `=` nor a comment.
    #[error("after the name comes `=` and a value, or nothing")]
    NoEqualsSign,
    /// It is indented and follows no line that is not.
    #[error("indented, and belongs to no section")]
    NoSection,
    /// The name has been there before in this section.
    #[error("the same name for the second time")]
    Twice,
    /// The key is none.
    #[error("the key is not 40 characters of Z85 (quote it if it has a #): {0}")]
    NoKey(Z85Error),
    /// The metadata could not be written again.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// Why something cannot be a certificate's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The name is empty or has a character that no name has.
    #[error("`{}` is no name for metadata: it takes letters, digits and $-_@.&+/", name.escape_debug())]
    BadName {
        /// The name.
        name: String,
    },
    /// The name starts like that of a key.
    #[error("`{name}` is no name for metadata: some readers would take it for a key")]
    KeyName {
        /// The name.
        name: String,
    },
    /// The value has a control character, such as a newline.
    #[error("the value of `{name}` has a control character, such as a newline")]
    ControlCharacter {
        /// Whose value it is.
        name: String,
    },
    /// The value has both kinds of quotes and could only be written between some.
    #[error("the value of `{name}` has both kinds of quotes and would need a third")]
    Quotes {
        /// Whose value it is.
        name: String,
    },
    /// All of it together is too much.
    #[error("all metadata together would take more than {limit} bytes")]
    TooMuch {
        /// The most there may be, in bytes.
        limit: usize,
    },
}
