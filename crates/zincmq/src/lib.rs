//! ZeroMQ in pure Rust.

pub mod error;
mod message;
pub mod options;
mod pattern;
mod peer;
mod transport;

pub use message::{INLINE_CAPACITY, Message, Multipart, PeerInfo};
pub use options::ContextOptions;
pub use transport::ListeningFd;
pub use zmtp::SocketType;
