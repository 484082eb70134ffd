//! One type for each socket type, with only the operations it has: a receive
//! on a [`Push`] does not compile.
//!
//! ```compile_fail,E0599
//! let ctx = zincmq::Context::new();
//! let push = zincmq::push(&ctx).unwrap();
//! push.recv();
//! ```
//!
//! ```compile_fail,E0599
//! let ctx = zincmq::Context::new();
//! let subscriber = zincmq::sub(&ctx).unwrap();
//! subscriber.send("nobody hears a subscriber");
//! ```
//!
//! ```compile_fail,E0599
//! let ctx = zincmq::Context::new();
//! let publisher = zincmq::publisher(&ctx).unwrap();
//! publisher.recv();
//! ```
//!
//! ```compile_fail,E0599
//! let ctx = zincmq::Context::new();
//! let pull = zincmq::pull(&ctx).unwrap();
//! pull.subscribe("weather");
//! ```
//!
//! ```compile_fail,E0599
//! let ctx = zincmq::Context::new();
//! let dealer = zincmq::dealer(&ctx).unwrap();
//! dealer.send_to("id", "only a router addresses its peers");
//! ```

mod methods;

use std::os::fd::BorrowedFd;
use std::time::Duration;

use bytes::Bytes;

use crate::SocketType;
use crate::builder::Builder;
use crate::context::Context;
use crate::error::{
    BindError, BuildError, ConnectError, GroupError, PeerError, RecvError, SendError, SendFailure,
    SocketError, UnbindError,
};
use crate::message::{Message, Multipart};
use crate::monitor::Monitor;
use crate::options::opt::{self, ReadableOption, SocketOption};
use crate::options::{OptionError, OptionValue};
use crate::socket::{Counters, MessageSink, MessageStream, RecvFuture, SendFuture, Socket};
use methods::{
    addressing_methods, common_methods, joining_methods, numbering_methods, peering_methods,
    publishing_methods, receiving_methods, sending_methods, subscribing_methods,
};

mod sealed {
    use crate::socket::Socket;

    /// What a builder can make.
    pub trait Wrap: Sized {
        fn wrap(socket: Socket) -> Self;
    }
}

pub(crate) use sealed::Wrap;

impl Wrap for Socket {
    fn wrap(socket: Socket) -> Self {
        socket
    }
}

/// A socket whose type is known when the program is compiled: [`Push`],
/// [`Pull`] and all others. What only a [`Socket`] offers is had through
/// `as_ref`.
///
/// ```
/// use zincmq::error::SendFailure;
///
/// let ctx = zincmq::Context::new();
/// let router = zincmq::router(&ctx)?;
/// router.set_by_name("ROUTER_MANDATORY", "on")?;
/// router.set_by_name("sndhwm", "500")?;
/// assert_eq!(router.option_by_name("SNDHWM")?.to_string(), "500");
/// assert!(!router.can_route("nobody"));
/// assert_eq!(router.route_state("nobody"), Err(SendFailure::Unroutable));
/// # Ok::<(), zincmq::Error>(())
/// ```
pub trait TypedSocket: Wrap + AsRef<Socket> + Into<Socket> {
    /// Its type.
    const TYPE: SocketType;
}

/// Declares a typed socket: its doc, type, constructor, and what it can do.
macro_rules! typed_sockets {
    ($($(#[$doc:meta])* $name:ident, $make:ident, [$($can:ident)*];)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(Socket);

        #[doc = concat!(
            "A new [`", stringify!($name), "`] with the usual options. [`",
            stringify!($name), "::builder`] makes one with others."
        )]
        ///
        /// # Errors
        ///
        /// [`SocketError`]: as many sockets as the context may have, or the
        /// context is terminated.
        pub fn $make(context: &Context) -> Result<$name, SocketError> {
            context.socket(SocketType::$name).map($name)
        }

        impl $name {
            common_methods!();
            $(typed_sockets!(@can $can);)*
        }

        impl Wrap for $name {
            fn wrap(socket: Socket) -> Self {
                Self(socket)
            }
        }

        impl TypedSocket for $name {
            const TYPE: SocketType = SocketType::$name;
        }

        impl AsRef<Socket> for $name {
            fn as_ref(&self) -> &Socket {
                &self.0
            }
        }

        impl From<$name> for Socket {
            fn from(socket: $name) -> Self {
                socket.0
            }
        }

        impl TryFrom<Socket> for $name {
            type Error = Socket;

            /// Gives the socket back if it is of another type.
            fn try_from(socket: Socket) -> Result<Self, Socket> {
                if socket.socket_type() == SocketType::$name {
                    Ok(Self(socket))
                } else {
                    Err(socket)
                }
            }
        }
    )*};
    (@can send) => { sending_methods!(); };
    (@can recv) => { receiving_methods!(); };
    (@can subscribe) => { subscribing_methods!(); };
    (@can address) => { addressing_methods!(); };
    (@can number) => { numbering_methods!(); };
    (@can peer) => { peering_methods!(); };
    (@can publish) => { publishing_methods!(); };
    (@can join) => { joining_methods!(); };
}

typed_sockets! {
    /// Talks to one peer, both ways (PAIR, RFC 31). Sends wait while the peer
    /// is full or not there.
    Pair, pair, [send recv];
    /// Sends each message to every subscriber of a prefix of it (PUB, RFC 29).
    /// A subscriber that is full misses the message; nobody waits.
    Pub, publisher, [send];
    /// Receives what it subscribed to (SUB, RFC 29).
    Sub, sub, [recv subscribe];
    /// Sends a request, receives its reply, and so on in turn (REQ, RFC 28).
    Req, req, [send recv];
    /// Receives a request, sends its reply, and so on in turn (REP, RFC 28).
    Rep, rep, [send recv];
    /// Sends to its peers in turn and receives from them in turn, both at any
    /// time (DEALER, RFC 28).
    Dealer, dealer, [send recv];
    /// Sends to the peer named by the message's first part, and receives with
    /// the peer's name before each message (ROUTER, RFC 28). What cannot be
    /// sent is dropped and counted: a message for a peer that is not there or
    /// is full, and a routing id with nothing behind it. With
    /// [`RouterMandatory`](opt::RouterMandatory) the first and the last are
    /// errors, [`Unroutable`](SendFailure::Unroutable) and
    /// [`MalformedEnvelope`](SendFailure::MalformedEnvelope), and a full peer
    /// is waited for.
    Router, router, [send recv address];
    /// Receives what [`Push`] peers send, from each in turn (PULL, RFC 30).
    Pull, pull, [recv];
    /// Sends to [`Pull`] peers in turn (PUSH, RFC 30): to those that are
    /// connected. Tasks sent before all workers are there go to whoever is
    /// connected first, as many as its queue takes; those that come later
    /// share the rest.
    Push, push, [send];
    /// A [`Pub`] that receives its peers' subscriptions as messages, `\x01` or
    /// `\x00` before the prefix (XPUB, RFC 29). `subscribe` and `unsubscribe`
    /// decide what the last of them gets, if XPUB_MANUAL is set.
    Xpub, xpub, [send recv subscribe];
    /// A [`Sub`] that sends its subscriptions as messages, `\x01` or `\x00`
    /// before the prefix (XSUB, RFC 29).
    Xsub, xsub, [send recv];
    /// Talks to plain tcp peers, each named by a routing id as with
    /// [`Router`] (STREAM). A message of no bytes tells of a connect or a
    /// disconnect, and sent to a peer closes its connection.
    Stream, stream, [send recv address];
    /// Sends to [`Server`] peers in turn and receives from them in turn
    /// (CLIENT, RFC 41, a draft). Messages have one part: one of several is
    /// [not sent](SendFailure::MultipartUnsupported), and dropped if it comes.
    Client, client, [send recv];
    /// Receives from [`Client`] peers, and sends to the one whose routing id,
    /// four bytes, is the message's first part (SERVER, RFC 41, a draft). The
    /// second part is the message. Nothing is dropped: a peer that is full is
    /// waited for, and one that is not there is an
    /// [error](SendFailure::Unroutable).
    Server, server, [send recv number];
    /// Sends to [`Gather`] peers in turn, as a [`Push`] does (SCATTER, RFC 49,
    /// a draft). Messages have one part.
    Scatter, scatter, [send];
    /// Receives what [`Scatter`] peers send, as a [`Pull`] does (GATHER,
    /// RFC 49, a draft).
    Gather, gather, [recv];
    /// Talks to others of its kind as a [`Server`] does to its clients, and
    /// may be the one that connects (PEER, RFC 51, a draft).
    Peer, peer, [send recv number peer];
    /// Talks to one peer of its kind, as a [`Pair`] does (CHANNEL, RFC 52, a
    /// draft). Messages have one part.
    Channel, channel, [send recv];
    /// Sends each message to all [`Dish`] peers that joined its group (RADIO,
    /// RFC 48, a draft). The first of the message's two parts is the group's
    /// name. A peer that is full misses the message; nobody waits, unless
    /// [`XpubNoDrop`](opt::XpubNoDrop) is set.
    Radio, radio, [send publish];
    /// Receives what is sent to the groups it joined, each message behind the
    /// name of its group (DISH, RFC 48, a draft).
    Dish, dish, [recv join];
}

/// A RADIO's message, taken apart.
fn group_and_body(message: Multipart) -> (Message, Message) {
    let (group, body) = message.split_first();
    let body = body.into_single();
    (
        group,
        body.expect("a DISH drops what has other than two parts"),
    )
}

/// A SERVER's message: the number of a peer, and what it is to get.
fn numbered(number: u32, body: Message) -> Multipart {
    [number.to_be_bytes().into(), body].into()
}

fn number_and_body(message: Multipart) -> (u32, Message) {
    let (number, body) = message.split_first();
    let number = number[..].try_into().map(u32::from_be_bytes);
    let number = number.expect("a SERVER puts four bytes before each message");
    let body = body.into_single();
    (number, body.expect("a SERVER drops what has several parts"))
}
