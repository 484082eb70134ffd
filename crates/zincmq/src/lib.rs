//! ZeroMQ in pure Rust.

pub mod error;
mod message;
mod pattern;
mod peer;
mod route;

pub use message::{INLINE_CAPACITY, Message, Multipart, PeerInfo};
pub use zmtp::SocketType;
