//! libzmq 4.3.5 behind a safe face, just wide enough for the interop peer and the benches.
//!
//! [`Context`] and [`Socket`] own their handles; `ffi` holds the declarations, written by hand
//! from the man pages. The mechanisms NULL, PLAIN and CURVE are compiled in, and no draft API.

mod context;
mod error;
mod ffi;
mod message;
mod monitor;
mod options;
mod socket;

pub use context::{Context, version, z85};
pub use error::Error;
pub use message::Message;
pub use monitor::{Event, Monitor};
pub use options::{OptionKind, option};
pub use socket::{Socket, SocketType, Wait};
