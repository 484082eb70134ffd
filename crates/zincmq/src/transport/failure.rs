//! What went wrong, told apart: with an accept it decides between going on,
//! backing off and giving up.

use std::error::Error;
use std::fmt;
use std::io;

use rustix::io::Errno;

/// Descriptors or memory have run out: accepting again at once fails again.
pub(crate) fn is_resource_exhaustion(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

/// An accept filter turned this peer away; others may wait behind it.
pub(crate) fn is_refused_peer(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<RefusedPeer>())
}

/// One connection failed and the listener is sound. Errors that are neither
/// this nor exhaustion are the listener's own.
pub(crate) fn is_transient_accept(error: &io::Error) -> bool {
    is_refused_peer(error) || !(is_resource_exhaustion(error) || is_own_fault(error))
}

/// The system's number for `error`, or the one that says the same.
pub(crate) fn errno(error: &io::Error) -> i32 {
    let errno = Errno::from_io_error(error).unwrap_or(match error.kind() {
        io::ErrorKind::TimedOut => Errno::TIMEDOUT,
        io::ErrorKind::ConnectionRefused => Errno::CONNREFUSED,
        io::ErrorKind::PermissionDenied => Errno::ACCESS,
        io::ErrorKind::InvalidInput => Errno::INVAL,
        _ => Errno::IO,
    });
    errno.raw_os_error()
}

fn is_own_fault(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::OPNOTSUPP | Errno::FAULT)
    )
}

#[derive(Debug)]
struct RefusedPeer(String);

impl fmt::Display for RefusedPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no accept filter admits {}", self.0)
    }
}

impl Error for RefusedPeer {}

pub(super) fn refused_peer(peer: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, RefusedPeer(peer))
}
