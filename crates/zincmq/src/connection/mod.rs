//! One peer's connection: a ZMTP engine or raw bytes on a stream, the far
//! ends of the two pipes that join it to its socket, and what keeps both
//! going. Names no socket type's rules.

mod buffer;
mod dialer;
mod gate;
mod listener;
mod session;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;
use zmtp::SocketType;

pub(crate) use dialer::{Dialer, Resolve};
pub(crate) use gate::{Application, Gate, Reply};
pub(crate) use listener::Acceptor;
pub(crate) use session::Session;

use crate::message::PeerInfo;
use crate::monitor::EventKind;
use crate::peer::Peer;
use crate::transport::TransportOptions;

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
    pub(crate) transport: TransportOptions,
}

/// The delays between attempts to connect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    /// Before the first new attempt.
    pub(crate) first: Duration,
    /// Where doubling stops; zero keeps the first delay for ever.
    pub(crate) longest: Duration,
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
    /// For the monitor, if there is one.
    fn event(&self, endpoint: &str, peer: Option<&Arc<PeerInfo>>, kind: EventKind);
}

/// A connection, as its socket knows it when it closes.
pub(crate) trait Link: Send + Sync {
    /// Sends what is queued, then ends.
    fn close(&self);
    /// Ends now.
    fn abort(&self);
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
}
