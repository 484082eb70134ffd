//! What the C and Python faces of ZincMQ need beyond the public API. For them
//! alone: it changes without notice.

mod birth;
pub mod errno;
pub mod events;
/// What tells one thread of another's stores at no cost to the other.
pub mod barrier {
    pub use biased::{heavy, is_available, light};
}
pub mod exchange;
pub mod label;
mod listener;
mod owner;
mod part_socket;
mod relay;
pub mod report;
mod turns;
mod watch;

use std::ffi::CStr;
use std::time::Duration;

use crate::SocketType;
use crate::context::Context;
use crate::error::{
    PollError, ProxyError, RecvError, SendError, SendFailure, SocketError, TermError,
};
use crate::message::{Message, Multipart, PeerInfo};
use crate::poller::{PollEvent, PollItem, Poller, poll_heeding};
use crate::proxy::Proxy;
use crate::reactor::{Readiness, Signals};
use crate::socket::{Patience, Socket};

pub use birth::Birth;
pub use listener::Listener;
pub use part_socket::PartSocket;

/// The release of libzmq whose interface the C and Python faces have.
pub const VERSION: (i32, i32, i32) = (4, 3, 5);

/// Whether the library has `capability` (zmq_has(3)). `zincmq` is a name of our
/// own, by which programs can tell which library it is.
#[must_use]
pub fn has(capability: &[u8]) -> bool {
    matches!(capability, b"ipc" | b"draft" | b"curve" | b"zincmq")
}

/// A message of `len` bytes to be filled through [`data`]; `None` if there is
/// no memory for it.
#[must_use]
pub fn message_with_len(len: usize) -> Option<Message> {
    Message::with_len(len)
}

/// A message whose payload stays where it is, however short, until the last
/// share of it is dropped, on whichever thread that is.
#[must_use]
pub fn message_owning(owner: impl AsRef<[u8]> + Send + 'static) -> Message {
    Message::owning(owner)
}

/// Where the payload is: inside the message if it is short. Writing there is
/// writing to every share of it, and is allowed only where that memory may be
/// written to: of what [`message_with_len`] gave, of what came over a
/// connection, and of an owner that allows it.
#[must_use]
#[inline]
pub fn data(message: &mut Message) -> *mut u8 {
    message.data()
}

/// Another share in the payload, as a clone of the message is.
#[must_use]
#[inline]
pub fn share(message: &mut Message) -> Message {
    message.share()
}

/// Whether other messages have a share in the payload.
#[must_use]
pub fn is_shared(message: &Message) -> bool {
    message.is_shared()
}

/// What zmq_msg_gets(3) calls `name`.
#[must_use]
pub fn property<'a>(peer: &'a PeerInfo, name: &str) -> Option<&'a CStr> {
    peer.c_text(name)
}

/// The descriptor of the connection to `peer`, if it had one. It may be
/// another's by now.
#[must_use]
pub fn descriptor(peer: &PeerInfo) -> Option<i32> {
    peer.fd
}

/// Whether a message that begins with `first` would be taken now.
///
/// # Errors
///
/// As a send of it that does not wait.
pub fn admits(socket: &Socket, first: &Message) -> Result<(), SendFailure> {
    socket.inner().admits(first)
}

/// As [`admits`], for one who is woken when that changes.
///
/// # Errors
///
/// As a send of it that does not wait.
pub fn admits_now(socket: &Socket, first: &Message) -> Result<(), SendFailure> {
    socket.inner().attempt_admission(first, false)
}

/// As [`admits`], waiting as [`send`] does.
///
/// # Errors
///
/// As [`send`].
pub fn await_admission(socket: &Socket, first: &Message) -> Result<(), SendFailure> {
    socket.inner().await_admission(first, |options| {
        Patience::heeding(options.send_timeout(), Signals::EndWaits)
    })
}

/// As [`await_admission`], waiting for at most `limit`.
///
/// # Errors
///
/// As [`send`].
pub fn await_admission_within(
    socket: &Socket,
    first: &Message,
    limit: Option<Duration>,
) -> Result<(), SendFailure> {
    socket
        .inner()
        .await_admission(first, |_| Patience::heeding(limit, Signals::EndWaits))
}

/// As [`Socket::send`], but a signal handler that runs on this thread while it
/// waits ends the wait, whatever SA_RESTART says.
///
/// # Errors
///
/// [`SendFailure::Interrupted`] then; else as [`Socket::send`].
#[inline]
pub fn send(socket: &Socket, message: Multipart) -> Result<(), SendError> {
    socket.inner().send(message, |options| {
        Patience::heeding(options.send_timeout(), Signals::EndWaits)
    })
}

/// As [`send`], waiting for at most `limit`, or without end.
///
/// # Errors
///
/// As [`send`].
pub fn send_within(
    socket: &Socket,
    message: Multipart,
    limit: Option<Duration>,
) -> Result<(), SendError> {
    socket
        .inner()
        .send(message, |_| Patience::heeding(limit, Signals::EndWaits))
}

/// As [`Socket::recv`], ending at a signal as [`send`] does.
///
/// # Errors
///
/// [`RecvError::Interrupted`] then; else as [`Socket::recv`].
#[inline]
pub fn recv(socket: &Socket) -> Result<Multipart, RecvError> {
    socket
        .inner()
        .recv::<true>(|options| Patience::heeding(options.recv_timeout(), Signals::EndWaits))
}

/// As [`recv`], `within` a time or without end if that is given; or what
/// `elsewhere` has, before it waits. Who puts something there has to
/// [wake](Listener::wake_all) those who wait.
///
/// # Errors
///
/// As [`recv`].
#[inline]
pub fn recv_or(
    socket: &Socket,
    within: Option<Option<Duration>>,
    elsewhere: &dyn Fn() -> Option<Multipart>,
) -> Result<Multipart, RecvError> {
    socket.inner().recv_or::<true>(
        |options| {
            let limit = within.unwrap_or_else(|| options.recv_timeout());
            Patience::heeding(limit, Signals::EndWaits)
        },
        elsewhere,
    )
}

/// As [`poll`](crate::poll), ending at a signal as [`send`] does. While it
/// sleeps `mask`, if there is one, is the thread's signal mask, and what that
/// lets through and has come before ends it at once, whatever is ready
/// (zmq_ppoll(3)).
///
/// # Errors
///
/// [`PollError::Interrupted`] then; else as [`poll`](crate::poll).
pub fn poll(
    items: &mut [PollItem<'_>],
    limit: Option<Duration>,
    mask: Option<&libc::sigset_t>,
) -> Result<usize, PollError> {
    poll_heeding(items, limit, Signals::EndWaits, mask)
}

/// As [`PollItem::ready`], in the words of zmq_poll(3): a descriptor whose far
/// side is gone is [`Readiness::ERROR`], and readable only if there are bytes,
/// or the end of a stream, to be read.
#[must_use]
pub fn reported(item: &PollItem<'_>) -> Readiness {
    item.reported()
}

/// As [`Poller::wait`], ending at a signal as [`send`] does.
///
/// # Errors
///
/// [`PollError::Interrupted`] then; else as [`Poller::wait`].
pub fn wait(poller: &Poller, limit: Option<Duration>) -> Result<Vec<PollEvent>, PollError> {
    poller.wait_heeding(limit, Signals::EndWaits)
}

/// As [`Proxy::run`], ending at a signal as [`send`] does.
///
/// # Errors
///
/// [`ProxyError::Interrupted`] then; else as [`Proxy::run`].
pub fn run(proxy: &Proxy<'_>) -> Result<(), ProxyError> {
    proxy.run_heeding(Signals::EndWaits)
}

/// As [`Context::term`], ending at a signal as [`send`] does. To be called
/// again.
///
/// # Errors
///
/// [`TermError::Interrupted`] then; else as [`Context::term`].
pub fn term(context: &Context) -> Result<(), TermError> {
    context.shared().term(None, Signals::EndWaits)
}

/// A send that does not wait, as C programs know it: of more messages in one
/// go than the high-water mark allows, to peers that must lose none, one comes
/// back even if there is room by now.
///
/// # Errors
///
/// As [`Socket::try_send`].
pub fn try_send(socket: &Socket, message: Multipart) -> Result<(), SendError> {
    socket.inner().send_hastily(message)
}

/// Why nothing can be done with the socket any more, if so.
///
/// # Errors
///
/// As a send of anything.
pub fn check_usable(socket: &Socket) -> Result<(), SendFailure> {
    socket.inner().check_alive()
}

/// Whether a ROUTER's peer with `routing_id` has room for a message.
///
/// # Errors
///
/// [`SendFailure::Unroutable`] if there is no such peer.
pub fn peer_state(socket: &Socket, routing_id: &[u8]) -> Result<bool, SendFailure> {
    match socket.inner().peer_state(routing_id) {
        Ok(()) => Ok(true),
        Err(SendFailure::WouldBlock) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Lets peers in as libzmq does where nobody is there to ask about them:
/// clients of CURVE, and with a domain those of NULL, unless ZAP_ENFORCE_DOMAIN
/// is set.
pub fn be_lenient(context: &Context) {
    context.shared().admission().be_lenient();
}

/// Another socket of the same context.
///
/// # Errors
///
/// As [`Context::socket`](crate::Context::socket).
pub fn sibling(socket: &Socket, socket_type: SocketType) -> Result<Socket, SocketError> {
    socket.inner().sibling(socket_type)
}

/// The pipes between a socket and one of its peers.
#[derive(Debug)]
pub struct Pipes {
    /// This side's end of the connection; empty without one.
    pub local: String,
    /// The peer's end, or the endpoint that was connected to; empty over inproc.
    pub remote: String,
    /// Messages towards the peer, as libzmq counts them: what the peer's side
    /// took is counted off in steps of half the high-water mark.
    pub outbound: u64,
    /// Messages from the peer.
    pub inbound: u64,
}

/// The pipes to all peers, also to those that are not reached yet.
#[must_use]
pub fn pipes(socket: &Socket) -> Vec<Pipes> {
    socket.inner().pipes()
}

/// Has the thread that `spawn` starts handle none of the signals that are sent
/// to the process, as the engine's own threads do.
pub fn deaf<T>(spawn: impl FnOnce() -> T) -> T {
    crate::reactor::deaf(spawn)
}

/// Runs `work` so that no other thread forks in the midst of it, and a child
/// does not inherit what is half done. It must wait for nothing but locks that
/// are taken in such work only.
pub fn undivided<R>(work: impl FnOnce() -> R) -> R {
    crate::reactor::undivided(work)
}

/// Has every I/O thread call `work` between what it does, while it holds no
/// lock. The first one given stays.
pub fn between_io(work: fn()) {
    crate::reactor::set_between(work);
}

/// How many timers the context's I/O threads have set.
#[must_use]
pub fn timers(context: &Context) -> usize {
    context.shared().timers()
}
