//! A ZeroMQ process that does what it is told, line by line, and checks every byte it receives.
//!
//! [`run`] is the whole program, generic over the [`Library`] under it; [`Command`] says what it
//! understands; [`payload`] computes what each message must contain, so that two processes agree
//! on it without talking.

mod arguments;
mod command;
mod guard;
mod library;
pub mod payload;
mod run;
mod session;

pub use arguments::Arguments;
pub use command::Command;
pub use guard::{Answer, Guard, PROPERTY, Question};
#[cfg(feature = "zincmq")]
pub use library::ZincmqLibrary;
pub use library::{Events, Library, LibzmqLibrary, Socket};
pub use run::run;
