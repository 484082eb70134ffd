//! ZeroMQ in pure Rust: sockets that carry whole messages between threads,
//! processes and machines, with the patterns of ZeroMQ built in.
//!
//! ```
//! let ctx = zincmq::Context::new();
//!
//! let server = zincmq::rep(&ctx)?;
//! let endpoint = server.bind("tcp://127.0.0.1:*")?;
//!
//! let client = zincmq::req(&ctx)?;
//! client.connect(&endpoint)?;
//! client.send("hello")?;
//!
//! let request = server.recv()?;
//! server.send(format!("{}, world", request.first().to_text()))?;
//! assert_eq!(client.recv()?.first(), "hello, world");
//! # Ok::<(), zincmq::Error>(())
//! ```
//!
//! # What the parts are
//!
//! - A [`Context`] is what sockets share: the threads that do their I/O, and
//!   the names of the inproc transport. One is enough for most programs.
//! - A socket has a type, which decides who it talks to and how. The typed
//!   ones ([`Push`], [`Pull`] and all others) have only the operations of
//!   their type, and come from a function each ([`push`], [`pull`], …); a [`Socket`] is for programs that choose at run time. A
//!   [`Builder`] sets options before it binds or connects.
//! - A [`Multipart`] is what one send hands over and one receive returns: one
//!   or more [`Message`]s, which arrive all together or not at all.
//! - A [`Poller`] waits for several sockets, and for descriptors that are
//!   none; [`poll`] does so once. A [`Proxy`] joins two sockets.
//! - A [`Monitor`](monitor::Monitor) tells what happens to a socket's
//!   connections, and [`Counters`] what became of its messages.
//!
//! | Pattern | Types | RFC |
//! |---|---|---|
//! | request and reply | [`Req`], [`Rep`], [`Dealer`], [`Router`] | [28](https://rfc.zeromq.org/spec/28/) |
//! | publish and subscribe | [`Pub`], [`Sub`], [`Xpub`], [`Xsub`] | [29](https://rfc.zeromq.org/spec/29/) |
//! | pipeline | [`Push`], [`Pull`] | [30](https://rfc.zeromq.org/spec/30/) |
//! | exclusive pair | [`Pair`] | [31](https://rfc.zeromq.org/spec/31/) |
//! | plain tcp | [`Stream`] | |
//! | client and server | [`Client`], [`Server`] | draft [41](https://rfc.zeromq.org/spec/41/) |
//! | radio and dish | [`Radio`], [`Dish`] | draft [48](https://rfc.zeromq.org/spec/48/) |
//! | scatter and gather | [`Scatter`], [`Gather`] | draft [49](https://rfc.zeromq.org/spec/49/) |
//! | peer to peer | [`Peer`] | draft [51](https://rfc.zeromq.org/spec/51/) |
//! | channel | [`Channel`] | draft [52](https://rfc.zeromq.org/spec/52/) |
//!
//! Messages have as many parts as the program likes, with these exceptions:
//!
//! | Type | Parts of a message |
//! |---|---|
//! | [`Router`] | the routing id of the peer, then any number |
//! | [`Stream`] | the routing id of the connection, bytes |
//! | [`Server`], [`Peer`] | the routing id of the peer, a number in four bytes, big-endian; the message |
//! | [`Radio`], [`Dish`] | the name of a group; the message |
//! | [`Client`], [`Scatter`], [`Gather`], [`Channel`] | the message |
//!
//! # Blocking and async
//!
//! Every socket does both, and both may be mixed on the same one. A receive
//! blocks ([`recv`](Socket::recv)), blocks for some time
//! ([`recv_timeout`](Socket::recv_timeout)), does not wait
//! ([`try_recv`](Socket::try_recv)), is a future
//! ([`recv_async`](Socket::recv_async)) or one item of a
//! [`stream`](Socket::stream); sends likewise. There is no executor inside:
//! the futures work under any. One that is dropped has taken nothing, or
//! handed over a whole message or none.
//!
//! ```
//! # futures_lite::future::block_on(async {
//! let ctx = zincmq::Context::new();
//! let (pull, push) = (zincmq::pull(&ctx)?, zincmq::push(&ctx)?);
//! pull.bind("inproc://work")?;
//! push.connect("inproc://work")?;
//! push.send_async(["a task", "and its details"]).await?;
//! assert_eq!(pull.recv_async().await?[0], "a task");
//! # Ok::<(), zincmq::Error>(())
//! # }).unwrap();
//! ```
//!
//! # Threads
//!
//! Sockets of every type may be used from any number of threads at once, by
//! reference or in an [`Arc`](std::sync::Arc). A message is sent and received
//! as a unit, so that parts of two never mix.
//!
//! # What is lost and what is not
//!
//! Each peer has a queue each way, of 1000 messages unless set otherwise. What
//! a full one does depends on the type: a [`Push`] waits, a [`Pub`] drops what
//! that one peer would have got. Nothing is dropped in silence: [`Counters`]
//! says how much and why. A closed socket sends what it has queued within its
//! linger time, for ever unless set otherwise; [`Context::term`] waits for that,
//! dropping the last handle of a context for 30 seconds at most.
//!
//! # Errors
//!
//! Each thing to be done has an error of its own, in [`error`], which names
//! who was at fault and carries what was asked; a message that was not sent
//! comes back in its [`SendError`](error::SendError). All turn into [`Error`].
//!
//! # Where to look
//!
//! The `examples` folder has a program for each pattern, a broker, a monitor,
//! a poller, and both tokio and smol. Options are in [`opt`], one type each,
//! with units and ranges.

mod builder;
mod connection;
mod context;
pub mod error;
mod fork_mutex;
mod message;
pub mod monitor;
pub mod options;
mod pattern;
mod peer;
mod poller;
mod proxy;
#[doc(hidden)]
pub mod raw;
mod reactor;
mod route;
pub mod security;
mod socket;
mod sync;
mod transport;
mod typed;
mod watch;

/// What long payloads share, from the crate [`bytes`](https://docs.rs/bytes): a
/// [`Message`] is made from it without a copy and turns into it, and options
/// and [`PeerInfo`] carry it.
pub use bytes::Bytes;

pub use builder::Builder;
pub use context::Context;
pub use error::Error;
pub use message::{INLINE_CAPACITY, Message, Multipart, Parts, PeerInfo};
pub use options::context::ContextOptions;
pub use options::opt;
pub use poller::{PollEvent, PollFuture, PollItem, Poller, poll};
pub use proxy::{Proxy, ProxyHandle, ProxyStatistics, SideStatistics, proxy};
pub use reactor::Readiness;
pub use socket::{Counters, MessageSink, MessageStream, PeerCount, RecvFuture, SendFuture, Socket};
pub use transport::ListeningFd;
pub use typed::{
    Channel, Client, Dealer, Dish, Gather, Pair, Peer, Pub, Pull, Push, Radio, Rep, Req, Router,
    Scatter, Server, Stream, Sub, TypedSocket, Xpub, Xsub, channel, client, dealer, dish, gather,
    pair, peer, publisher, pull, push, radio, rep, req, router, scatter, server, stream, sub, xpub,
    xsub,
};
pub use zmtp::SocketType;

/// Has the program in README.md compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
