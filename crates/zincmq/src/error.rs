//! One small error for each thing a socket can be asked to do. Each names
//! who was at fault and carries what was asked.

use std::{fmt, io};

use thiserror::Error;

use crate::SocketType;
use crate::message::Multipart;
pub use crate::options::OptionError;
#[cfg(feature = "password-file")]
pub use crate::security::PasswordFileError;
pub use crate::security::{
    CertificateError, KeyDirectoryError, MetadataError, NotAnAddress, SecurityFault,
};

/// Any error of this library, for programs that pass them all on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// No socket was made.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// No socket was built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// An endpoint was not bound or connected.
    #[error(transparent)]
    Endpoint(#[from] BindError),
    /// An endpoint was not given up.
    #[error(transparent)]
    Unbind(#[from] UnbindError),
    /// A peer was not given up.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// A group was not joined or left.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// A message was not sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// Nothing was received.
    #[error(transparent)]
    Recv(#[from] RecvError),
    /// An option was not set or read.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// Nothing was polled.
    #[error(transparent)]
    Poll(#[from] PollError),
    /// A proxy ended.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// A context's end was not waited for.
    #[error(transparent)]
    Term(#[from] TermError),
    /// A certificate was not loaded or saved.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A directory of keys was not read, or not all of it.
    #[error(transparent)]
    KeyDirectory(#[from] KeyDirectoryError),
    /// A file of passwords was not read or written.
    #[cfg(feature = "password-file")]
    #[error(transparent)]
    PasswordFile(#[from] PasswordFileError),
    /// Text was to be an address and is none.
    #[error(transparent)]
    Address(#[from] NotAnAddress),
    /// The system refused.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Why a message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendFailure {
    /// Nobody can take a message now; try again later (EAGAIN).
    #[error("no peer can take a message now")]
    WouldBlock,
    /// The time given ran out (EAGAIN).
    #[error("timed out before a peer could take the message")]
    TimedOut,
    /// A signal handler ran during the wait (EINTR). For C and Python alone:
    /// in Rust a wait goes on.
    #[error("a signal interrupted the wait for a peer")]
    Interrupted,
    /// This socket type never sends (ENOTSUP).
    #[error("a {0} socket cannot send")]
    CannotSend(SocketType),
    /// Not now: REQ awaits a reply, REP has no request to answer (EFSM).
    #[error("the socket is not in a state to send: {0}")]
    WrongState(&'static str),
    /// ROUTER with MANDATORY, STREAM, SERVER or PEER: no such peer
    /// (EHOSTUNREACH).
    #[error("no peer has the routing id that the message names")]
    Unroutable,
    /// The message has too few parts for this pattern (EINVAL).
    #[error("the message has too few parts for this socket type")]
    MalformedEnvelope,
    /// The first part cannot be a group's name: it is longer than 255 bytes,
    /// or has a zero byte (EINVAL).
    #[error("the message's first part is no name of a group")]
    NotAGroup,
    /// More parts than this socket type or option allows (EINVAL).
    #[error("this socket takes messages of one part only")]
    MultipartUnsupported,
    /// A part is longer than the context allows, MAX_MSGSZ (EMSGSIZE).
    #[error("a part of the message is longer than the context allows")]
    TooLong,
    /// The socket is closed (ENOTSOCK).
    #[error("the socket is closed")]
    Closed,
    /// The context is shutting down (ETERM).
    #[error("the context is terminated")]
    Terminated,
    /// The socket was made in the parent of this forked process.
    #[error("the socket belongs to the process that forked this one")]
    Forked,
}

/// A message that was not sent, with the reason.
#[derive(Debug, Error)]
pub struct SendError(Box<Unsent>);

/// Apart, as what succeeds should not carry room for it about.
#[derive(Debug)]
struct Unsent {
    failure: SendFailure,
    message: Multipart,
}

impl SendError {
    #[cold]
    pub(crate) fn new(failure: SendFailure, message: Multipart) -> Self {
        Self(Box::new(Unsent { failure, message }))
    }

    /// The same message, with another reason.
    pub(crate) fn because(mut self, failure: SendFailure) -> Self {
        self.0.failure = failure;
        self
    }

    /// Why it was not sent.
    #[must_use]
    pub fn failure(&self) -> SendFailure {
        self.0.failure
    }

    /// What was not sent.
    #[must_use]
    pub fn message(&self) -> &Multipart {
        &self.0.message
    }

    /// The message back, whole.
    #[must_use]
    pub fn into_message(self) -> Multipart {
        self.0.message
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// No routing id is longer, but a program may send anything.
        const SHOWN: usize = 255;
        write!(f, "{}", self.0.failure)?;
        if self.0.failure == SendFailure::Unroutable {
            let id = self.0.message.first();
            write!(f, ": \"{}\"", id[..id.len().min(SHOWN)].escape_ascii())?;
        }
        Ok(())
    }
}

/// Why nothing was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecvFailure {
    /// No message is there now (EAGAIN).
    #[error("no message is there now")]
    WouldBlock,
    /// The time given ran out (EAGAIN).
    #[error("timed out before a message came")]
    TimedOut,
    /// A signal handler ran during the wait (EINTR). For C and Python alone:
    /// in Rust a wait goes on.
    #[error("a signal interrupted the wait for a message")]
    Interrupted,
    /// This socket type never receives (ENOTSUP).
    #[error("a {0} socket cannot receive")]
    CannotReceive(SocketType),
    /// Not now: REQ has not sent, REP owes a reply (EFSM).
    #[error("the socket is not in a state to receive: {0}")]
    WrongState(&'static str),
    /// The socket is closed (ENOTSOCK).
    #[error("the socket is closed")]
    Closed,
    /// The context is shutting down (ETERM).
    #[error("the context is terminated")]
    Terminated,
    /// The socket was made in the parent of this forked process.
    #[error("the socket belongs to the process that forked this one")]
    Forked,
}

/// Nothing was received, for this reason.
pub type RecvError = RecvFailure;

/// An endpoint that is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Without `://`, or nothing behind it (EINVAL).
    #[error("`{0}` is not an endpoint of the form transport://address")]
    Malformed(String),
    /// A transport nobody knows (EPROTONOSUPPORT).
    #[error("`{scheme}` in `{endpoint}` is not a transport of this library")]
    UnknownTransport {
        /// What stood before `://`.
        scheme: String,
        /// The endpoint as given.
        endpoint: String,
    },
    /// A transport of ZeroMQ that this build does not have (EPROTONOSUPPORT).
    #[error("transport {transport} of `{endpoint}` is not built in")]
    Unsupported {
        /// The transport, such as `udp`.
        transport: &'static str,
        /// The endpoint as given.
        endpoint: String,
    },
    /// The address does not fit its transport (EINVAL).
    #[error("`{address}` is not an address of transport {transport}: {reason}")]
    BadAddress {
        /// The transport, such as `tcp`.
        transport: &'static str,
        /// What stood behind `://`.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An ipc path longer than the system allows (ENAMETOOLONG).
    #[error("the path `{path}` is longer than the {limit} bytes the system allows")]
    PathTooLong {
        /// The path.
        path: String,
        /// The longest there may be.
        limit: usize,
    },
    /// Nothing of that name to bind: no network interface, host or address, or
    /// only addresses of a family that the options do not allow (ENODEV).
    #[error("`{0}` is no interface or address of this host; IPv6 needs the option IPV6")]
    NoSuchInterface(String),
}

/// Why a bind failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The endpoint is none, or not for binding.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Somebody has it (EADDRINUSE).
    #[error("`{0}` is in use")]
    InUse(String),
    /// The system refused.
    #[error("cannot bind `{endpoint}`: {source}")]
    System {
        /// The endpoint as given.
        endpoint: String,
        /// What the system said.
        source: io::Error,
    },
    /// This transport does not carry this socket type (ENOCOMPATPROTO).
    #[error("{socket_type} cannot use `{endpoint}`")]
    Incompatible {
        /// The socket's type.
        socket_type: SocketType,
        /// The endpoint as given.
        endpoint: String,
    },
    /// The context has no I/O threads, IO_THREADS being 0 (EMTHREAD).
    #[error("`{0}` needs an I/O thread, and the context has none")]
    NoIoThread(String),
    /// Only a PEER numbers the peers it connects to (ENOTSUP).
    #[error("a {0} socket does not number the peers it connects to")]
    NoNumbers(SocketType),
    /// A PEER that is IMMEDIATE knows a peer only once it is connected, and
    /// has no number for it before (EFAULT).
    #[error("a peer at `{0}` has no number before it is connected, because of IMMEDIATE")]
    NoNumberYet(String),
    /// The options of security do not go together, or a key is missing. Contexts
    /// of the C library take them as they are.
    #[error(transparent)]
    Security(#[from] SecurityFault),
    /// The socket is closed (ENOTSOCK).
    #[error("the socket is closed")]
    Closed,
    /// The context is shutting down (ETERM).
    #[error("the context is terminated")]
    Terminated,
    /// The socket was made in the parent of this forked process.
    #[error("the socket belongs to the process that forked this one")]
    Forked,
}

/// Why a connect failed. What the network does later is retried and told by
/// the monitor.
pub type ConnectError = BindError;

/// Why an endpoint was not given up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnbindError {
    /// The endpoint is none.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The socket is not bound or connected to it (ENOENT).
    #[error("the socket has no endpoint `{0}`")]
    Unknown(String),
    /// The socket is closed (ENOTSOCK).
    #[error("the socket is closed")]
    Closed,
    /// The context is shutting down (ETERM).
    #[error("the context is terminated")]
    Terminated,
    /// The socket was made in the parent of this forked process.
    #[error("the socket belongs to the process that forked this one")]
    Forked,
}

/// Why the conversation with a peer was not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerError {
    /// Sockets of this type do not number their peers (ENOTSUP).
    #[error("a {0} socket does not number its peers")]
    NoNumbers(SocketType),
    /// No peer has this number (EHOSTUNREACH).
    #[error("no peer has the routing id {0}")]
    Unknown(u32),
    /// The socket is closed (ENOTSOCK).
    #[error("the socket is closed")]
    Closed,
    /// The context is shutting down (ETERM).
    #[error("the context is terminated")]
    Terminated,
    /// The socket was made in the parent of this forked process.
    #[error("the socket belongs to the process that forked this one")]
    Forked,
}

/// Why a group was not joined or left.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GroupError {
    /// Only a DISH is in groups (ENOTSUP).
    #[error("a {0} socket is in no groups")]
    NoGroups(SocketType),
    /// No group has a name as long as this, in bytes (EINVAL).
    #[error("the name of a group has up to 255 bytes, not {0}")]
    TooLong(usize),
    /// No group has a zero byte in its name (EINVAL).
    #[error("the name `{0}` of a group has a zero byte")]
    HasZero(String),
    /// The socket is in this group already (EINVAL).
    #[error("the socket is in group `{0}` already")]
    Joined(String),
    /// The socket is not in this group (EINVAL).
    #[error("the socket is not in group `{0}`")]
    NotJoined(String),
    /// The socket is closed (ENOTSOCK).
    #[error("the socket is closed")]
    Closed,
    /// The context is shutting down (ETERM).
    #[error("the context is terminated")]
    Terminated,
    /// The socket was made in the parent of this forked process.
    #[error("the socket belongs to the process that forked this one")]
    Forked,
}

/// Why a socket was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SocketError {
    /// The context has as many sockets as it may (EMFILE).
    #[error("the context has its most sockets open, {0}")]
    TooMany(usize),
    /// The type is not built in (EINVAL).
    #[error("socket type {0} is not built into this library")]
    Unsupported(SocketType),
    /// The context is shutting down (ETERM).
    #[error("the context is terminated")]
    Terminated,
    /// The context was made in the parent of this forked process.
    #[error("the context belongs to the process that forked this one")]
    Forked,
}

/// Why a builder made no socket.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An option's value does not fit, or the type has no such option.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The context gave no socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The endpoint could not be bound or connected.
    #[error(transparent)]
    Endpoint(#[from] BindError),
}

/// Why nothing was polled, or a poller was not changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PollError {
    /// A wait without limit with nothing to wait for (EFAULT).
    #[error("there is nothing to poll and no limit to the wait")]
    Empty,
    /// The poller has something under this key (EINVAL).
    #[error("the poller has something under key {0} already")]
    KeyInUse(usize),
    /// The poller has this socket, under this key (EINVAL).
    #[error("the poller has this socket already, under key {0}")]
    AlreadyAdded(usize),
    /// The poller has nothing under this key (EINVAL).
    #[error("the poller has nothing under key {0}")]
    UnknownKey(usize),
    /// A future that waits for descriptors needs an I/O thread to watch them,
    /// and none of the poller's sockets has one.
    #[error("no socket of the poller has an I/O thread that could watch its descriptors")]
    NoIoThread,
    /// The socket under this key, or of this index, is closed (ENOTSOCK).
    #[error("the socket under key {0} is closed")]
    Closed(usize),
    /// Its context is shutting down (ETERM).
    #[error("the context of the socket under key {0} is terminated")]
    Terminated(usize),
    /// It was made in the parent of this forked process.
    #[error("the socket under key {0} belongs to the process that forked this one")]
    Forked(usize),
    /// A signal handler ran during the wait (EINTR). For C and Python alone:
    /// in Rust a wait goes on.
    #[error("a signal interrupted the wait")]
    Interrupted,
    /// The system refused.
    #[error("cannot poll: {0}")]
    System(#[from] io::Error),
}

/// Why a proxy ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// One of its sockets cannot be used this way.
    #[error("a socket of the proxy cannot receive: {0}")]
    Receive(RecvFailure),
    /// One of its sockets cannot be used this way.
    #[error("a socket of the proxy cannot send: {0}")]
    Send(SendFailure),
    /// One of its sockets was closed (ENOTSOCK).
    #[error("a socket of the proxy is closed")]
    Closed,
    /// A context is shutting down (ETERM).
    #[error("the context is terminated")]
    Terminated,
    /// A socket was made in the parent of this forked process.
    #[error("a socket of the proxy belongs to the process that forked this one")]
    Forked,
    /// A signal handler ran while it waited (EINTR). For C and Python alone: in
    /// Rust a proxy goes on.
    #[error("a signal interrupted the proxy")]
    Interrupted,
    /// The sockets could not be waited for.
    #[error(transparent)]
    Poll(PollError),
}

impl ProxyError {
    pub(crate) fn of_recv(failure: RecvFailure) -> Self {
        match failure {
            RecvFailure::Closed => Self::Closed,
            RecvFailure::Terminated => Self::Terminated,
            RecvFailure::Forked => Self::Forked,
            other => Self::Receive(other),
        }
    }

    pub(crate) fn of_send(failure: SendFailure) -> Self {
        match failure {
            SendFailure::Closed => Self::Closed,
            SendFailure::Terminated => Self::Terminated,
            SendFailure::Forked => Self::Forked,
            other => Self::Send(other),
        }
    }
}

impl From<PollError> for ProxyError {
    fn from(error: PollError) -> Self {
        match error {
            PollError::Closed(_) => Self::Closed,
            PollError::Terminated(_) => Self::Terminated,
            PollError::Forked(_) => Self::Forked,
            PollError::Interrupted => Self::Interrupted,
            other => Self::Poll(other),
        }
    }
}

/// Why a context's end was not waited for to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TermError {
    /// Sockets were still open or lingering when the time was up.
    #[error("sockets that are still open or lingering: {open}")]
    TimedOut {
        /// How many.
        open: usize,
    },
    /// A signal handler ran during the wait (EINTR), which may be begun again.
    /// For C and Python alone: in Rust it goes on.
    #[error("a signal interrupted the wait for the context's sockets")]
    Interrupted,
    /// The context was made in the parent of this forked process.
    #[error("the context belongs to the process that forked this one")]
    Forked,
}

/// A setting refused by a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingError {
    /// This socket type has no such option (EINVAL).
    #[error("this socket type has no such option")]
    NotForThisType,
    /// Only while XPUB_MANUAL is on and a subscription awaits judgement (EINVAL).
    #[error("only in manual mode, after a subscription was received")]
    NotManual,
}
