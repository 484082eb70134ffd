//! A connect under way.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use super::stream::{
    Accepted, SocketStream, check_not_self, credentials_text, endpoint_of, numeric_host,
};
use super::{Target, TransportOptions};

/// A connect that was started. Once it polls writable or in error,
/// [`Dialing::finish`] tells how it ended.
pub(crate) struct Dialing {
    socket: Socket,
    endpoint: String,
    under_way: bool,
}

/// A connect that failed at once.
pub(crate) struct Undialled {
    pub(crate) error: io::Error,
    /// The descriptor that was closed, if there was one already.
    pub(crate) fd: Option<RawFd>,
}

/// Starts to connect to `target` without waiting. An ipc listener whose
/// backlog is full makes it fail with `WouldBlock`: as with any failure, the
/// next attempt may do better.
pub(crate) fn dial(target: &Target, options: &TransportOptions) -> Result<Dialing, Undialled> {
    let domain = Domain::from(i32::from(target.address.family()));
    let socket =
        Socket::new(domain, Type::STREAM, None).map_err(|error| Undialled { error, fd: None })?;
    match start(&socket, domain, target, options) {
        Ok(under_way) => Ok(Dialing {
            socket,
            endpoint: target.endpoint.clone(),
            under_way,
        }),
        Err(error) => Err(Undialled {
            error,
            fd: Some(socket.as_raw_fd()),
        }),
    }
}

/// True if the outcome is still open.
fn start(
    socket: &Socket,
    domain: Domain,
    target: &Target,
    options: &TransportOptions,
) -> io::Result<bool> {
    socket.set_nonblocking(true)?;
    if domain != Domain::UNIX {
        options.tie_to_device(socket)?;
    }
    options.tune(socket, domain)?;
    if let Some(source) = &target.source {
        // One source port may serve connections to several peers.
        socket.set_reuse_address(true)?;
        socket.bind(source)?;
    }
    match socket.connect(&target.address) {
        Ok(()) => Ok(false),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::INPROGRESS | Errno::INTR) => Ok(true),
            _ => Err(error),
        },
    }
}

impl Dialing {
    /// Whether the outcome was open when it was started.
    pub(crate) fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// The connection, or why there is none. Before the descriptor polled
    /// writable this fails with `NotConnected`.
    pub(crate) fn finish(self) -> io::Result<Accepted> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        let peer = self.socket.peer_addr()?;
        let local = self.socket.local_addr()?;
        check_not_self(&local, &peer)?;
        Ok(Accepted {
            peer: match peer.as_socket() {
                Some(address) => numeric_host(address),
                None => rustix::net::sockopt::socket_peercred(&self.socket)
                    .map_or_else(|_| "localhost".to_owned(), |peer| credentials_text(&peer)),
            },
            peer_endpoint: self.endpoint,
            local_endpoint: endpoint_of(&local),
            stream: SocketStream::boxed(self.socket),
        })
    }
}

impl AsFd for Dialing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
