//! One peer's connection: a ZMTP engine or raw bytes on a stream, the far
//! ends of the two pipes that join it to its socket, and what keeps both
//! going. Names no socket type's rules.

mod attempt;
mod backoff;
mod buffer;
mod dialer;
mod gate;
mod large;
mod listener;
mod session;
mod stock;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustix::io::Errno;
use thiserror::Error;
use zmtp::{SocketType, VerdictFault};

pub(crate) use backoff::Backoff;
pub(crate) use dialer::{Dialer, Resolve};
pub(crate) use gate::{Application, Gate, Reply};
pub(crate) use listener::Acceptor;
pub(crate) use session::Session;
pub(crate) use stock::Stock;

use crate::message::{Message, PeerInfo};
use crate::monitor::{EventKind, Place};
use crate::peer::Peer;
use crate::transport::{self, TransportOptions};

/// What a socket tells its connections when it makes them.
#[derive(Debug, Clone)]
pub(crate) struct LinkOptions {
    pub(crate) socket_type: SocketType,
    pub(crate) routing_id: Bytes,
    pub(crate) send_hwm: usize,
    pub(crate) recv_hwm: usize,
    /// The pipe to the peer keeps only the newest message.
    pub(crate) conflate_out: bool,
    /// The pipe from the peer does.
    pub(crate) conflate_in: bool,
    /// The stream carries bytes as they are, no ZMTP.
    pub(crate) raw: bool,
    /// Attach a dialled peer only once its handshake is over.
    pub(crate) attach_late: bool,
    /// Detach a dialled peer when its connection is lost.
    pub(crate) detach_on_loss: bool,
    pub(crate) max_message_size: Option<u64>,
    pub(crate) handshake_timeout: Option<Duration>,
    pub(crate) heartbeat: Option<zmtp::Heartbeat>,
    pub(crate) reconnect: Option<Backoff>,
    pub(crate) reconnect_stop: ReconnectStop,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) properties: Vec<(String, Vec<u8>)>,
    pub(crate) security: zmtp::Security,
    /// Peers of the NULL mechanism ask, too.
    pub(crate) authenticate_null: bool,
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) stock: Arc<Stock>,
    pub(crate) notices: Notices,
    /// The most to read at once, bytes; `None` for what is usual.
    pub(crate) in_batch: Option<usize>,
    /// How much to gather for a write, bytes; `None` for what is usual.
    pub(crate) out_batch: Option<usize>,
    pub(crate) transport: TransportOptions,
}

/// Messages that nobody sends, but that a connection makes by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notices {
    /// What the peer gets first over each connection (ZMQ_HELLO_MSG).
    pub(crate) hello: Option<Message>,
    /// What the socket gets from it when a handshake is over, and what at the
    /// end of a connection that came so far (ZMQ_ROUTER_NOTIFY,
    /// ZMQ_DISCONNECT_MSG, ZMQ_HICCUP_MSG).
    pub(crate) at_begin: Option<Message>,
    pub(crate) at_end: Vec<Message>,
}

/// After what a dialled endpoint is given up (ZMQ_RECONNECT_STOP).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ReconnectStop {
    /// Nobody listens there.
    pub(crate) refused: bool,
    /// The peer did not complete a handshake.
    pub(crate) handshake: bool,
    /// The application disconnects while there is no connection; what is
    /// queued is lost.
    pub(crate) disconnect: bool,
}

/// The socket, as its connections know it. Called with no lock of the
/// connection's pipes contended and never blocks for long.
pub(crate) trait Port: Send + Sync {
    /// A connection exists, though its peer may not have introduced itself.
    fn link_started(&self, key: u64, origin: u64, link: Arc<dyn Link>);
    /// A peer is there, with its pipe ends.
    fn attach(&self, peer: Peer);
    /// The handshake of an attached peer is over, maybe not for the first time.
    fn connected(&self, key: u64, info: Arc<PeerInfo>, again: bool);
    /// The pipe from the peer has something, and the socket did not know.
    fn readable(&self, key: u64);
    /// The pipe to the peer has room again, and the socket waits for it.
    fn writable(&self, key: u64);
    /// The peer's pipe to the socket has ended.
    fn ended(&self, key: u64);
    /// So many messages were taken from the socket and never reached the
    /// system.
    fn lost(&self, messages: u64);
    /// The connection is no more.
    fn link_ended(&self, key: u64);
    /// For the monitors, if there are any.
    fn event(&self, place: &Place, peer: Option<&Arc<PeerInfo>>, kind: EventKind);
}

/// A connection, as its socket knows it when it closes.
pub(crate) trait Link: Send + Sync {
    /// Sends what is queued, then ends.
    fn close(&self);
    /// Ends now.
    fn abort(&self);
    /// Has it judged once more whether the peer may be there, if anybody was
    /// asked about it.
    fn review(&self);
    /// A verdict that is being found now does not count: someone else is to find one.
    fn outdate(&self);
    /// How many messages from the peer may wait to be received.
    fn set_recv_hwm(&self, high_water_mark: usize);
}

/// Why a connection ended.
#[derive(Debug, Error)]
pub(crate) enum Ending {
    /// The peer closed it.
    #[error("the peer closed the connection")]
    PeerClosed,
    /// The system reported an error on it.
    #[error("{0}")]
    System(#[from] io::Error),
    /// The peer broke the protocol, or fell silent.
    #[error("{0}")]
    Protocol(#[from] zmtp::Error),
    /// The message does not fit into memory.
    #[error("a message of {0} bytes does not fit into memory")]
    OutOfMemory(u64),
    /// The socket hung up.
    #[error("the socket hung up")]
    HungUp,
    /// This side ended it, and all that was queued is sent.
    #[error("this side closed the connection")]
    Drained,
    /// Its peer was let in, and may not stay.
    #[error("the peer may no longer be connected: {0}")]
    Revoked(String),
    /// A bug of ours, confined to this connection.
    #[error("an internal error")]
    Panicked,
}

impl Ending {
    /// Whether there is no use in trying again: the peer has refused our
    /// credentials, or could not judge them (RFC 26, "General Design").
    fn is_final(&self) -> bool {
        match self {
            Self::Protocol(error @ zmtp::Error::PeerRefused { .. }) => {
                matches!(error.auth_status(), Some(400 | 500))
            }
            _ => false,
        }
    }

    /// Whether this side ended the connection because it wanted to.
    fn is_deliberate(&self) -> bool {
        matches!(self, Self::HungUp | Self::Drained | Self::Revoked(_))
    }

    /// The system's number that says the same.
    fn errno(&self) -> i32 {
        let errno = match self {
            Self::System(error) => return transport::errno(error),
            Self::PeerClosed => Errno::PIPE,
            Self::Protocol(
                zmtp::Error::HandshakeTimeout { .. } | zmtp::Error::HeartbeatTimeout { .. },
            ) => Errno::TIMEDOUT,
            Self::Protocol(zmtp::Error::NotJudged(VerdictFault::NoHandler)) => Errno::FAULT,
            Self::Protocol(zmtp::Error::NotJudged(VerdictFault::HandlerGone)) => Errno::PIPE,
            Self::Protocol(_) => Errno::PROTO,
            Self::OutOfMemory(_) => Errno::NOMEM,
            Self::HungUp | Self::Drained => Errno::CANCELED,
            Self::Revoked(_) => Errno::ACCESS,
            Self::Panicked => Errno::NOTRECOVERABLE,
        };
        errno.raw_os_error()
    }
}
