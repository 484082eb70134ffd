//! A connect under way.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use rustix::io::Errno;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::socks::{Handshake, Turn};
use super::stream::{
    Accepted, ByteStream, SocketStream, check_not_self, credentials_text, endpoint_of, numeric_host,
};
use super::{Target, TransportOptions};

/// A connect that was started. Whenever it polls ready, [`Dialing::advance`]
/// goes on; in the end, [`Dialing::finish`] has the connection.
pub(crate) struct Dialing {
    stream: SocketStream,
    endpoint: String,
    under_way: bool,
    /// What has to be said if a proxy is at the other end.
    proxy: Option<Box<Handshake>>,
}

/// How far a connect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// [`Dialing::finish`] tells how it ended.
    Done,
    /// Connected to a proxy, which has to say something.
    NeedsRead,
    /// Connected to a proxy, which takes no more for now.
    NeedsWrite,
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
            stream: SocketStream::new(socket, options),
            endpoint: target.endpoint.clone(),
            under_way,
            proxy: target
                .destination
                .as_ref()
                .map(|destination| Box::new(Handshake::new(destination, options))),
        }),
        Err(error) => Err(Undialled {
            error: match target.destination {
                Some(_) => name_proxy(&target.endpoint, &error),
                None => error,
            },
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

    /// Goes on as far as it can without waiting.
    pub(crate) fn advance(&mut self) -> io::Result<Progress> {
        if self.proxy.is_none() {
            return Ok(Progress::Done);
        }
        self.talk().map_err(|error| self.blame(error))
    }

    fn talk(&mut self) -> io::Result<Progress> {
        self.ends()?;
        let Some(proxy) = &mut self.proxy else {
            return Ok(Progress::Done);
        };
        let would_block = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        loop {
            match proxy.turn() {
                Turn::Write(bytes) => match self.stream.write(bytes) {
                    Ok(count) => proxy.wrote(count),
                    Err(error) if would_block(&error) => return Ok(Progress::NeedsWrite),
                    Err(error) => return Err(error),
                },
                Turn::Read(room) => match self.stream.read(room) {
                    Ok(count) => proxy.read(count)?,
                    Err(error) if would_block(&error) => return Ok(Progress::NeedsRead),
                    Err(error) => return Err(error),
                },
                Turn::Done => return Ok(Progress::Done),
            }
        }
    }

    /// The connection, or why there is none. Before the descriptor polled
    /// writable this fails with `NotConnected`.
    pub(crate) fn finish(self) -> io::Result<Accepted> {
        let (local, peer) = self.ends()?;
        Ok(Accepted {
            peer: match peer.as_socket() {
                Some(address) => numeric_host(address),
                None => rustix::net::sockopt::socket_peercred(self.stream.fd())
                    .map_or_else(|_| "localhost".to_owned(), |peer| credentials_text(&peer)),
            },
            peer_endpoint: self.endpoint,
            local_endpoint: endpoint_of(&local),
            stream: Box::new(self.stream),
        })
    }

    /// What to say of a connect that took too long.
    pub(crate) fn timed_out(&self) -> io::Error {
        self.blame(io::ErrorKind::TimedOut.into())
    }

    /// This side's address and the other's, if they are connected.
    fn ends(&self) -> io::Result<(SockAddr, SockAddr)> {
        let fd = self.stream.fd();
        let socket = SockRef::from(&fd);
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        let peer = socket.peer_addr()?;
        let local = socket.local_addr()?;
        check_not_self(&local, &peer)?;
        Ok((local, peer))
    }

    fn blame(&self, error: io::Error) -> io::Error {
        match self.proxy {
            Some(_) => name_proxy(&self.endpoint, &error),
            None => error,
        }
    }
}

/// It is not the peer that failed, of which nothing is known yet.
fn name_proxy(proxy: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the proxy at {proxy}: {error}"))
}

impl AsFd for Dialing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.fd()
    }
}
