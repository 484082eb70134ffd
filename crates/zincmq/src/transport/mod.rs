//! Bytes between endpoints: listen, dial, read, write. Nothing here knows
//! ZMTP, waits, or starts a thread: descriptors are non-blocking, and whoever
//! holds them waits where it likes.
//!
//! Once an [`Endpoint`] is parsed and resolved, every transport is a stream
//! socket with an address; they differ in how the address is found
//! ([`resolve`]), in what may be tuned and in which peers are refused. Between
//! tcp and the peer there may be a SOCKS5 proxy, of which nobody else sees
//! more than that the connect takes longer. A new transport adds a variant to [`Endpoint`] and its own [`ByteStream`].

mod dialing;
mod endpoint;
pub(crate) mod failure;
mod filter;
mod listener;
mod options;
mod resolve;
mod socket_file;
mod socks;
mod stream;
mod tcp_endpoint;
#[cfg(test)]
mod tests;

pub(crate) use dialing::{Dialing, Progress, Undialled, dial};
pub(crate) use endpoint::Endpoint;
pub(crate) use failure::{errno, is_transient_accept};
pub(crate) use listener::{Listener, listen};
pub use options::ListeningFd;
pub(crate) use options::TransportOptions;
pub(crate) use resolve::{Target, check_dial, needs_resolver, resolve};
pub(crate) use socks::parse_proxy;
pub(crate) use stream::{Accepted, ByteStream};
