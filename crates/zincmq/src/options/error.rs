//! Why an option was not set or read.

use thiserror::Error;

use crate::SocketType;
use crate::error::SettingError;

/// An option that was not set or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OptionError {
    /// No option has this name or number (EINVAL).
    #[error("there is no option `{0}`")]
    Unknown(String),
    /// The value is not one the option takes (EINVAL).
    #[error("{option} takes {range}, not {value}")]
    OutOfRange {
        /// The option's name.
        option: &'static str,
        /// The value as given.
        value: String,
        /// What would be taken.
        range: String,
    },
    /// The value is of another kind, or of another size in C (EINVAL).
    #[error("{option} takes {expected}, not {given}")]
    WrongType {
        /// The option's name.
        option: &'static str,
        /// The kind of value it takes.
        expected: String,
        /// What was given.
        given: String,
    },
    /// The option can only be read (EINVAL).
    #[error("{0} can only be read")]
    ReadOnly(&'static str),
    /// The option can only be set (EINVAL).
    #[error("{0} can only be set")]
    WriteOnly(&'static str),
    /// Sockets of this type have no such option (EINVAL).
    #[error("a {socket_type} socket has no {option}")]
    NotForThisType {
        /// The option's name.
        option: &'static str,
        /// The socket's type.
        socket_type: SocketType,
    },
    /// The option belongs to something this build does not have (EINVAL).
    #[error("{option} needs {needs}, which is not built in")]
    NotBuiltIn {
        /// The option's name.
        option: &'static str,
        /// What it belongs to.
        needs: &'static str,
    },
    /// The socket's pattern refused the value (EINVAL).
    #[error("{option}: {source}")]
    Setting {
        /// The option's name.
        option: &'static str,
        /// Why.
        source: SettingError,
    },
    /// The system refused.
    #[error("{option}: {}", std::io::Error::from_raw_os_error(*code))]
    System {
        /// The option's name.
        option: &'static str,
        /// The errno.
        code: i32,
    },
    /// The socket is closed (ENOTSOCK).
    #[error("the socket is closed")]
    Closed,
    /// The context is shutting down (ETERM).
    #[error("the context is terminated")]
    Terminated,
    /// The socket was made in the parent of this forked process.
    #[error("the socket belongs to the process that forked this one")]
    Forked,
}
