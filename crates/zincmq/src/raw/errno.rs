//! The errno table: which of C's error numbers tells of which error.

use std::ffi::{CStr, c_int};

use crate::error::{
    BindError, EndpointError, GroupError, OptionError, PeerError, PollError, ProxyError,
    RecvFailure, SendFailure, SettingError, SocketError, TermError, UnbindError,
};

/// Numbers of ZeroMQ's own start here.
const HAUSNUMERO: c_int = 156_384_712;
/// Not now: the socket's state forbids it.
pub const EFSM: c_int = HAUSNUMERO + 51;
/// The transport does not carry this socket type.
pub const ENOCOMPATPROTO: c_int = HAUSNUMERO + 52;
/// The context is terminated.
pub const ETERM: c_int = HAUSNUMERO + 53;
/// There is no I/O thread.
pub const EMTHREAD: c_int = HAUSNUMERO + 54;

/// What an object that was inherited through `fork` answers with.
const FORKED: c_int = ETERM;

/// What a call comes to: a value, or an errno.
pub type Outcome<T> = Result<T, c_int>;

/// The text for `code`, if ZeroMQ has one of its own: as libzmq has it, since
/// programs show it and compare it.
#[must_use]
pub fn own_text(code: c_int) -> Option<&'static CStr> {
    Some(match code {
        EFSM => c"Operation cannot be accomplished in current state",
        ENOCOMPATPROTO => c"The protocol is not compatible with the socket type",
        ETERM => c"Context was terminated",
        EMTHREAD => c"No thread available",
        libc::EHOSTUNREACH => c"Host unreachable",
        _ => return None,
    })
}

/// From an error of the engine to C's number for it.
pub trait Code {
    /// The number.
    fn code(&self) -> c_int;
}

impl Code for SendFailure {
    fn code(&self) -> c_int {
        match self {
            Self::WouldBlock | Self::TimedOut => libc::EAGAIN,
            Self::Interrupted => libc::EINTR,
            Self::CannotSend(_) => libc::ENOTSUP,
            Self::WrongState(_) => EFSM,
            Self::Unroutable => libc::EHOSTUNREACH,
            Self::TooLong => libc::EMSGSIZE,
            Self::Closed => libc::ENOTSOCK,
            Self::Terminated => ETERM,
            Self::Forked => FORKED,
            _ => libc::EINVAL,
        }
    }
}

impl Code for RecvFailure {
    fn code(&self) -> c_int {
        match self {
            Self::WouldBlock | Self::TimedOut => libc::EAGAIN,
            Self::Interrupted => libc::EINTR,
            Self::CannotReceive(_) => libc::ENOTSUP,
            Self::WrongState(_) => EFSM,
            Self::Closed => libc::ENOTSOCK,
            Self::Terminated => ETERM,
            Self::Forked => FORKED,
        }
    }
}

impl Code for EndpointError {
    fn code(&self) -> c_int {
        match self {
            Self::UnknownTransport { .. } | Self::Unsupported { .. } => libc::EPROTONOSUPPORT,
            Self::PathTooLong { .. } => libc::ENAMETOOLONG,
            Self::NoSuchInterface(_) => libc::ENODEV,
            _ => libc::EINVAL,
        }
    }
}

impl Code for BindError {
    fn code(&self) -> c_int {
        match self {
            Self::Endpoint(error) => error.code(),
            Self::InUse(_) => libc::EADDRINUSE,
            Self::System { source, .. } => of_system(source),
            Self::Incompatible { .. } => ENOCOMPATPROTO,
            Self::NoIoThread(_) => EMTHREAD,
            Self::NoNumbers(_) => libc::ENOTSUP,
            Self::NoNumberYet(_) => libc::EFAULT,
            Self::Security(_) => libc::EINVAL,
            Self::Closed => libc::ENOTSOCK,
            Self::Terminated => ETERM,
            Self::Forked => FORKED,
        }
    }
}

impl Code for UnbindError {
    fn code(&self) -> c_int {
        match self {
            Self::Endpoint(error) => error.code(),
            Self::Unknown(_) => libc::ENOENT,
            Self::Closed => libc::ENOTSOCK,
            Self::Terminated => ETERM,
            Self::Forked => FORKED,
        }
    }
}

impl Code for PeerError {
    fn code(&self) -> c_int {
        match self {
            Self::NoNumbers(_) => libc::ENOTSUP,
            Self::Unknown(_) => libc::EHOSTUNREACH,
            Self::Closed => libc::ENOTSOCK,
            Self::Terminated => ETERM,
            Self::Forked => FORKED,
        }
    }
}

impl Code for GroupError {
    fn code(&self) -> c_int {
        match self {
            Self::NoGroups(_) => libc::ENOTSUP,
            Self::Closed => libc::ENOTSOCK,
            Self::Terminated => ETERM,
            Self::Forked => FORKED,
            _ => libc::EINVAL,
        }
    }
}

impl Code for SocketError {
    fn code(&self) -> c_int {
        match self {
            Self::TooMany(_) => libc::EMFILE,
            Self::Unsupported(_) => libc::ENOTSUP,
            Self::Terminated => ETERM,
            Self::Forked => FORKED,
        }
    }
}

impl Code for OptionError {
    fn code(&self) -> c_int {
        match self {
            Self::Setting { source, .. } => source.code(),
            Self::System { code, .. } => *code,
            Self::Closed => libc::ENOTSOCK,
            Self::Terminated => ETERM,
            Self::Forked => FORKED,
            _ => libc::EINVAL,
        }
    }
}

impl Code for SettingError {
    fn code(&self) -> c_int {
        libc::EINVAL
    }
}

impl Code for PollError {
    fn code(&self) -> c_int {
        match self {
            Self::Empty => libc::EFAULT,
            Self::NoIoThread => EMTHREAD,
            Self::Interrupted => libc::EINTR,
            Self::Closed(_) => libc::ENOTSOCK,
            Self::Terminated(_) => ETERM,
            Self::Forked(_) => FORKED,
            Self::System(error) => of_system(error),
            _ => libc::EINVAL,
        }
    }
}

impl Code for ProxyError {
    fn code(&self) -> c_int {
        match self {
            Self::Receive(failure) => failure.code(),
            Self::Send(failure) => failure.code(),
            Self::Interrupted => libc::EINTR,
            Self::Closed => libc::ENOTSOCK,
            Self::Terminated => ETERM,
            Self::Forked => FORKED,
            Self::Poll(error) => error.code(),
        }
    }
}

impl Code for TermError {
    fn code(&self) -> c_int {
        match self {
            Self::TimedOut { .. } => libc::EAGAIN,
            Self::Interrupted => libc::EINTR,
            Self::Forked => FORKED,
        }
    }
}

/// The number of a system's error.
#[must_use]
pub fn of_system(error: &std::io::Error) -> c_int {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// For `map_err`.
pub fn code(error: impl Code) -> c_int {
    error.code()
}
