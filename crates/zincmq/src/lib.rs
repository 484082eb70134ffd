//! ZeroMQ in pure Rust.

mod builder;
mod connection;
mod context;
pub mod error;
mod message;
pub mod monitor;
pub mod options;
mod pattern;
mod peer;
mod poller;
mod proxy;
mod reactor;
mod route;
mod socket;
mod sync;
mod transport;
mod typed;

pub use builder::Builder;
pub use context::Context;
pub use error::Error;
pub use message::{INLINE_CAPACITY, Message, Multipart, PeerInfo};
pub use options::context::ContextOptions;
pub use options::opt;
pub use poller::{PollEvent, PollFuture, PollItem, Poller, poll};
pub use proxy::{Proxy, ProxyHandle, ProxyStatistics, SideStatistics, proxy};
pub use reactor::Readiness;
pub use socket::{Counters, MessageSink, MessageStream, PeerCount, RecvFuture, SendFuture, Socket};
pub use transport::ListeningFd;
pub use typed::{
    Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Stream, Sub, TypedSocket, Xpub, Xsub, dealer,
    pair, publisher, pull, push, rep, req, router, stream, sub, xpub, xsub,
};
pub use zmtp::SocketType;

/// Has the program in README.md compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
