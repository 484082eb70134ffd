//! Why a part of the demonstration failed.

use std::fmt::Display;
use std::time::Duration;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum Failure {
    /// Something else happened than should have.
    #[error("{what}: expected {expected}, saw {seen}")]
    Unexpected {
        what: String,
        expected: String,
        seen: String,
    },
    /// The library or the system refused.
    #[error("cannot {doing}: {why}")]
    Call { doing: String, why: String },
    /// It was still busy when its time was long over.
    #[error("still running after {0:?}")]
    Endless(Duration),
    /// A bug.
    #[error("{0} panicked")]
    Panicked(&'static str),
}

impl Failure {
    pub fn call(doing: impl Display, why: impl Display) -> Self {
        Self::Call {
            doing: doing.to_string(),
            why: why.to_string(),
        }
    }

    pub fn unexpected(what: impl Display, expected: impl Display, seen: impl Display) -> Self {
        Self::Unexpected {
            what: what.to_string(),
            expected: expected.to_string(),
            seen: seen.to_string(),
        }
    }
}
