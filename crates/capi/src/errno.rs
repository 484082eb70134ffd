//! The errno table: which of C's error numbers tells of which error.

use std::ffi::{CStr, c_char, c_int};

use errno::Errno;
use zincmq::error::{
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

/// Puts `code` where C programs look for it.
pub fn set(code: c_int) {
    errno::set_errno(Errno(code));
}

/// What C programs would read.
pub fn get() -> c_int {
    errno::errno().0
}

/// The text for `code`, if ZeroMQ has one of its own: as libzmq has it, since
/// programs show it and compare it.
fn own_text(code: c_int) -> Option<&'static CStr> {
    Some(match code {
        EFSM => c"Operation cannot be accomplished in current state",
        ENOCOMPATPROTO => c"The protocol is not compatible with the socket type",
        ETERM => c"Context was terminated",
        EMTHREAD => c"No thread available",
        libc::EHOSTUNREACH => c"Host unreachable",
        _ => return None,
    })
}

/// The text for `code`; the system's own for what is not ZeroMQ's.
pub fn text(code: c_int) -> *const c_char {
    match own_text(code) {
        Some(text) => text.as_ptr(),
        // SAFETY: it takes any number, and returns a text of the C library.
        None => unsafe { libc::strerror(code) },
    }
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
            _ => libc::EINVAL,
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
            Self::Closed => libc::ENOTSOCK,
            Self::Terminated => ETERM,
            Self::Forked => FORKED,
            _ => libc::EINVAL,
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
            _ => libc::EINVAL,
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
            _ => libc::EINVAL,
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
            _ => libc::EINVAL,
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
            _ => libc::EINVAL,
        }
    }
}

impl Code for TermError {
    fn code(&self) -> c_int {
        match self {
            Self::TimedOut { .. } => libc::EAGAIN,
            Self::Interrupted => libc::EINTR,
            Self::Forked => FORKED,
            _ => libc::EINVAL,
        }
    }
}

/// The number of a system's error.
pub fn of_system(error: &std::io::Error) -> c_int {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// For `map_err`.
pub fn code(error: impl Code) -> c_int {
    error.code()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_that_programs_know() {
        for (code, known) in [
            (ETERM, c"Context was terminated"),
            (libc::EHOSTUNREACH, c"Host unreachable"),
            (libc::EINVAL, c"Invalid argument"),
        ] {
            // SAFETY: the text stays.
            assert_eq!(unsafe { CStr::from_ptr(text(code)) }, known);
        }
    }
}
