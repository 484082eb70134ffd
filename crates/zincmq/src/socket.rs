//! What a program holds of a socket.

mod admission;
mod closing;
mod core;
mod counters;
mod desk;
mod endpoints;
mod event_loop;
mod exchange;
mod future;
mod groups;
mod hold;
mod inproc;
mod port;
mod settings;
mod state;
mod transfer;
mod turns;
mod zap;

use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub(crate) use self::admission::Admission;
pub(crate) use self::core::Core;
pub use self::counters::{Counters, PeerCount};
pub(crate) use self::exchange::Patience;
pub use self::future::{MessageSink, MessageStream, RecvFuture, SendFuture};
pub(crate) use self::inproc::Inproc;
pub(crate) use self::transfer::{End, Transfer};

use crate::SocketType;
use crate::context::Shared;
use crate::error::{
    BindError, ConnectError, GroupError, PeerError, RecvError, SendError, SendFailure, SocketError,
    UnbindError,
};
use crate::message::Multipart;
use crate::monitor::Monitor;
use crate::options::opt::{self, ReadableOption, SocketOption};
use crate::options::{OptionError, OptionValue, SocketOptions, row_by_name, row_by_number};
use crate::pattern::pattern_of;

/// A socket of any type, chosen at run time.
///
/// All operations take `&self` and may be called from any thread; a message,
/// whatever its number of parts, is sent and received as a unit. Blocking and
/// `async` calls may be mixed on the same socket. Dropping it closes it: what
/// is queued is still sent within the linger time, in the background.
///
/// What parts a message has with each type is told in a table of the
/// [crate's documentation](crate#what-the-parts-are).
pub struct Socket {
    core: Arc<Core>,
}

impl Socket {
    pub(crate) fn core(
        id: u64,
        socket_type: SocketType,
        context: Arc<Shared>,
        options: SocketOptions,
    ) -> Result<Arc<Core>, SocketError> {
        let pattern = pattern_of(socket_type).ok_or(SocketError::Unsupported(socket_type))?;
        Ok(Core::new(id, socket_type, context, pattern, options))
    }

    pub(crate) fn from_core(core: Arc<Core>) -> Self {
        Self { core }
    }

    pub(crate) fn inner(&self) -> &Arc<Core> {
        &self.core
    }

    /// The type it was made as.
    #[must_use]
    pub fn socket_type(&self) -> SocketType {
        self.core.socket_type()
    }

    /// Listens at `endpoint` and returns the endpoint as it turned out to be,
    /// with wildcards filled in: `tcp://127.0.0.1:*` becomes
    /// `tcp://127.0.0.1:49213` (zmq_bind(3)).
    ///
    /// # Errors
    ///
    /// [`BindError`] names the endpoint and what was wrong with it.
    pub fn bind(&self, endpoint: &str) -> Result<String, BindError> {
        self.core.bind(endpoint)
    }

    /// Connects to `endpoint`, at once or as soon as somebody listens there,
    /// and again whenever the connection is lost (zmq_connect(3)).
    ///
    /// # Errors
    ///
    /// [`ConnectError`] for an endpoint that can never work. What the network
    /// does later is told by the [`Monitor`].
    pub fn connect(&self, endpoint: &str) -> Result<(), ConnectError> {
        self.core.connect(endpoint)
    }

    /// Stops listening at `endpoint`, given as to [`Socket::bind`] or as
    /// returned by it, and closes the connections that came in there once
    /// what is queued for them is sent (zmq_unbind(3)).
    ///
    /// # Errors
    ///
    /// [`UnbindError::Unknown`] if the socket is not bound to it.
    pub fn unbind(&self, endpoint: &str) -> Result<(), UnbindError> {
        self.core.unbind(endpoint)
    }

    /// Ends the connection to `endpoint` once what is queued for it is sent,
    /// and does not make it again (zmq_disconnect(3)).
    ///
    /// # Errors
    ///
    /// [`UnbindError::Unknown`] if the socket is not connected to it.
    pub fn disconnect(&self, endpoint: &str) -> Result<(), UnbindError> {
        self.core.disconnect(endpoint)
    }

    /// Connects a PEER to `endpoint`, as [`Socket::connect`] does, and returns
    /// the routing id of the peer there, to which messages may be sent at once
    /// (zmq_connect_peer(3)). A message's first part is the id in four bytes,
    /// big-endian: [`u32::to_be_bytes`].
    ///
    /// # Errors
    ///
    /// [`ConnectError::NoNumbers`] on other types than PEER,
    /// [`ConnectError::NoNumberYet`] if IMMEDIATE is set; else as
    /// [`Socket::connect`].
    pub fn connect_peer(&self, endpoint: &str) -> Result<u32, ConnectError> {
        self.core.connect_peer(endpoint)
    }

    /// Ends the conversation of a SERVER or PEER with the peer of this routing
    /// id: what is queued for it is still sent, within the linger time; what
    /// it sent is discarded. If this side connected, it does not connect again
    /// (zmq_disconnect_peer(3)).
    ///
    /// # Errors
    ///
    /// [`PeerError::Unknown`] if there is no such peer,
    /// [`PeerError::NoNumbers`] on other types.
    pub fn disconnect_peer(&self, routing_id: u32) -> Result<(), PeerError> {
        self.core.disconnect_peer(routing_id)
    }

    /// The endpoint of the last bind or connect, empty before the first.
    #[must_use]
    pub fn last_endpoint(&self) -> String {
        self.core.last_endpoint()
    }

    /// Sends a message, and waits while the socket's mute state demands it
    /// (zmq_msg_send(3)), for at most SNDTIMEO if that is set.
    ///
    /// # Errors
    ///
    /// [`SendError`] says why, and gives the message back.
    pub fn send(&self, message: impl Into<Multipart>) -> Result<(), SendError> {
        self.core.send(message.into(), |options| {
            Patience::from_limit(options.send_timeout())
        })
    }

    /// Sends a message if that is possible without waiting.
    ///
    /// # Errors
    ///
    /// [`SendFailure::WouldBlock`](crate::error::SendFailure::WouldBlock) if
    /// it is not; else as [`Socket::send`].
    pub fn try_send(&self, message: impl Into<Multipart>) -> Result<(), SendError> {
        self.core.send(message.into(), |_| Patience::None)
    }

    /// Sends a message, and waits for at most `limit`; a limit of zero is
    /// [`Socket::try_send`].
    ///
    /// # Errors
    ///
    /// [`SendFailure::TimedOut`](crate::error::SendFailure::TimedOut) if the
    /// time passed first; else as [`Socket::send`].
    pub fn send_timeout(
        &self,
        message: impl Into<Multipart>,
        limit: Duration,
    ) -> Result<(), SendError> {
        self.core
            .send(message.into(), |_| Patience::from_limit(Some(limit)))
    }

    /// Receives the next message, and waits for it (zmq_msg_recv(3)), for at
    /// most RCVTIMEO if that is set.
    ///
    /// # Errors
    ///
    /// [`RecvError`] says why there is none.
    pub fn recv(&self) -> Result<Multipart, RecvError> {
        self.core
            .recv::<true>(|options| Patience::from_limit(options.recv_timeout()))
    }

    /// Receives the next message if it is there.
    ///
    /// # Errors
    ///
    /// [`RecvError::WouldBlock`] if it is not; else as [`Socket::recv`].
    pub fn try_recv(&self) -> Result<Multipart, RecvError> {
        self.core.recv::<false>(|_| Patience::None)
    }

    /// Receives the next message, and waits for at most `limit`; a limit of
    /// zero is [`Socket::try_recv`].
    ///
    /// # Errors
    ///
    /// [`RecvError::TimedOut`] if the time passed first; else as
    /// [`Socket::recv`].
    pub fn recv_timeout(&self, limit: Duration) -> Result<Multipart, RecvError> {
        self.core
            .recv::<true>(|_| Patience::from_limit(Some(limit)))
    }

    /// Sends a message without blocking the thread. A dropped future has
    /// handed over the whole message or nothing.
    pub fn send_async(&self, message: impl Into<Multipart>) -> SendFuture<'_> {
        SendFuture::new(&self.core, message.into())
    }

    /// Receives the next message without blocking the thread. A dropped future
    /// has taken nothing.
    pub fn recv_async(&self) -> RecvFuture<'_> {
        RecvFuture::new(&self.core)
    }

    /// The messages to come, as a [`Stream`](futures_core::Stream). Ends when
    /// the socket is closed or its context terminated. `next` and the other
    /// methods come from `StreamExt` of the crate `futures` or `futures-lite`.
    pub fn stream(&self) -> MessageStream<'_> {
        MessageStream::new(&self.core)
    }

    /// A [`Sink`](futures_sink::Sink) that sends what is put into it. `send`
    /// and the other methods come from `SinkExt` of the crate `futures`, or of
    /// `futures-util` with its feature `sink`.
    pub fn sink(&self) -> MessageSink<'_> {
        MessageSink::new(&self.core)
    }

    /// Sets an option: `socket.set(opt::SendHighWaterMark(500))`. The types
    /// are in [`options::opt`](crate::options::opt), each with its unit and
    /// range (zmq_setsockopt(3)). Most take effect for binds and connects that
    /// come after.
    ///
    /// # Errors
    ///
    /// [`OptionError`] names the option, the value and what would be taken.
    pub fn set<O: SocketOption>(&self, option: O) -> Result<(), OptionError> {
        self.core.set_option(O::row(), option.into_value())
    }

    /// Reads an option: `socket.option::<opt::SendHighWaterMark>()`.
    ///
    /// # Errors
    ///
    /// [`OptionError::Closed`] once the socket is closed.
    pub fn option<O: ReadableOption>(&self) -> Result<O::Value, OptionError> {
        let value = self.core.option(O::row())?;
        O::from_value(&value).ok_or_else(|| O::row().wrong_type(O::row().show(&value)))
    }

    /// Sets the option called `name`, as in `zmq.h` without `ZMQ_`, to the
    /// value that `text` describes: `socket.set_by_name("SNDHWM", "500")`.
    ///
    /// # Errors
    ///
    /// As [`Socket::set`]; [`OptionError::Unknown`] for a name there is not.
    pub fn set_by_name(&self, name: &str, text: &str) -> Result<(), OptionError> {
        let row = row_by_name(name).ok_or_else(|| OptionError::Unknown(name.to_owned()))?;
        self.core.set_option(row, OptionValue::parse(row, text)?)
    }

    /// Sets the option with libzmq's `number`.
    ///
    /// # Errors
    ///
    /// As [`Socket::set_by_name`].
    pub fn set_by_number(&self, number: i32, value: OptionValue) -> Result<(), OptionError> {
        let row = row_by_number(number).ok_or_else(|| OptionError::Unknown(number.to_string()))?;
        self.core.set_option(row, value)
    }

    /// Reads the option called `name`, as in `zmq.h` without `ZMQ_`.
    ///
    /// # Errors
    ///
    /// As [`Socket::set_by_name`].
    pub fn option_by_name(&self, name: &str) -> Result<OptionValue, OptionError> {
        let row = row_by_name(name).ok_or_else(|| OptionError::Unknown(name.to_owned()))?;
        self.core.option(row)
    }

    /// Reads the option with libzmq's `number`.
    ///
    /// # Errors
    ///
    /// As [`Socket::set_by_name`].
    pub fn option_by_number(&self, number: i32) -> Result<OptionValue, OptionError> {
        let row = row_by_number(number).ok_or_else(|| OptionError::Unknown(number.to_string()))?;
        self.core.option(row)
    }

    /// Subscribes a SUB to messages that start with `prefix`; the empty one
    /// means all. Counted: as many [`Socket::unsubscribe`] undo it.
    ///
    /// # Errors
    ///
    /// [`OptionError::NotForThisType`] on other types than SUB and XPUB;
    /// [`OptionError::Setting`] on an XPUB that is not in manual mode, or has
    /// received no subscription.
    pub fn subscribe(&self, prefix: impl AsRef<[u8]>) -> Result<(), OptionError> {
        self.set(opt::Subscribe(Bytes::copy_from_slice(prefix.as_ref())))
    }

    /// Takes back one [`Socket::subscribe`] of the same prefix; if there is
    /// none, does nothing, as libzmq does.
    ///
    /// # Errors
    ///
    /// As [`Socket::subscribe`].
    pub fn unsubscribe(&self, prefix: impl AsRef<[u8]>) -> Result<(), OptionError> {
        self.set(opt::Unsubscribe(Bytes::copy_from_slice(prefix.as_ref())))
    }

    /// Has a DISH receive what is sent to `group` (zmq_join(3)).
    ///
    /// # Errors
    ///
    /// [`GroupError::Joined`] if it does already, [`GroupError::TooLong`] and
    /// [`GroupError::HasZero`] for what is no name of a group,
    /// [`GroupError::NoGroups`] on other types.
    pub fn join(&self, group: impl AsRef<[u8]>) -> Result<(), GroupError> {
        self.core.join(group.as_ref())
    }

    /// Takes back [`Socket::join`] (zmq_leave(3)).
    ///
    /// # Errors
    ///
    /// [`GroupError::NotJoined`] if the DISH is not in `group`; else as
    /// [`Socket::join`].
    pub fn leave(&self, group: impl AsRef<[u8]>) -> Result<(), GroupError> {
        self.core.leave(group.as_ref())
    }

    /// Whether a receive would return a message now.
    #[must_use]
    pub fn can_recv(&self) -> bool {
        self.core.can_recv()
    }

    /// Whether a send would be taken now.
    #[must_use]
    pub fn can_send(&self) -> bool {
        self.core.can_send()
    }

    /// Whether a send to the peer with `routing_id` would be taken now;
    /// [`Socket::route_state`] says why not.
    #[must_use]
    pub fn can_route(&self, routing_id: impl AsRef<[u8]>) -> bool {
        self.route_state(routing_id).is_ok()
    }

    /// Whether a STREAM, SERVER or PEER, or a ROUTER with ROUTER_MANDATORY, has
    /// a peer with `routing_id` that can take a message now (zmq_socket_get_peer_state(3)).
    /// A ROUTER without it takes and drops what cannot be sent, and other
    /// types choose their peers themselves: these always say yes.
    ///
    /// # Errors
    ///
    /// [`SendFailure::Unroutable`] if there is no such peer,
    /// [`SendFailure::WouldBlock`] if it is at its high-water mark;
    /// [`SendFailure::Closed`], [`SendFailure::Terminated`] or
    /// [`SendFailure::Forked`] if the socket can no longer be used.
    pub fn route_state(&self, routing_id: impl AsRef<[u8]>) -> Result<(), SendFailure> {
        self.core.route_state(routing_id.as_ref())
    }

    /// A descriptor to wait for in an event loop (ZMQ_FD in
    /// zmq_getsockopt(3)): readable once something may have changed, be it
    /// that a message came, that there is room for one, or that the socket is
    /// of no more use. Not to be read, written or closed. It is the same one
    /// each time, valid for as long as the socket object is there.
    ///
    /// It tells of changes and not of how things are: a look makes it
    /// unreadable, also if there is more to do. A look is the option EVENTS,
    /// [`Socket::can_recv`], [`Socket::can_send`], and a [`Socket::try_recv`]
    /// or [`Socket::try_send`] that would have had to wait. So a loop looks
    /// after whatever it did with the socket last, and sleeps once a look has
    /// shown that there is nothing left to do. Other threads may send and
    /// receive meanwhile, but not ask for EVENTS. It is readable from the
    /// beginning, and for ever once the socket is of no more use.
    ///
    /// ```
    /// use rustix::event::{PollFd, PollFlags, poll};
    /// use zincmq::error::RecvError;
    ///
    /// # let ctx = zincmq::Context::new();
    /// # let (pull, push) = (zincmq::pull(&ctx)?, zincmq::push(&ctx)?);
    /// # pull.bind("inproc://work")?;
    /// # push.connect("inproc://work")?;
    /// # push.send("something")?;
    /// let message = loop {
    ///     match pull.try_recv() {
    ///         Err(RecvError::WouldBlock) => {
    ///             let fd = pull.readiness_fd()?;
    ///             poll(&mut [PollFd::new(&fd, PollFlags::IN)], None)?;
    ///         }
    ///         other => break other?,
    ///     }
    /// };
    /// assert_eq!(message.first(), "something");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OptionError::System`] when the system has no descriptor left;
    /// [`OptionError::Closed`], [`OptionError::Terminated`] or
    /// [`OptionError::Forked`] if the socket can no longer be used.
    pub fn readiness_fd(&self) -> Result<BorrowedFd<'_>, OptionError> {
        self.core.readiness_fd()
    }

    /// What the socket has sent, received and dropped.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.core.counters()
    }

    /// What happens to the socket's connections from now on. Each call gives
    /// a reader of its own.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        let (monitor, queue) = Monitor::new();
        self.core.add_monitor(queue);
        monitor
    }

    /// Closes the socket for all threads, as dropping it does.
    pub fn close(&self) {
        self.core.close();
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.core.close();
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("type", &self.socket_type())
            .field("last_endpoint", &self.last_endpoint())
            .finish_non_exhaustive()
    }
}

impl AsRef<Self> for Socket {
    fn as_ref(&self) -> &Self {
        self
    }
}
