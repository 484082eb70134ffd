//! ZeroMQ in pure Rust.

mod connection;
mod context;
pub mod error;
mod message;
pub mod monitor;
pub mod options;
mod pattern;
mod peer;
mod reactor;
mod route;
mod socket;
mod sync;
mod transport;

pub use context::Context;
pub use message::{INLINE_CAPACITY, Message, Multipart, PeerInfo};
pub use options::context::ContextOptions;
pub use socket::{Counters, MessageSink, MessageStream, PeerCount, RecvFuture, SendFuture, Socket};
pub use transport::ListeningFd;
pub use zmtp::SocketType;

/// Has the program in README.md compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
