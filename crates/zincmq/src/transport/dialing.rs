//! A connect under way.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::socks::{Handshake, Turn};
use super::stream::{
    Accepted, ByteStream, SocketStream, check_not_self, credentials_text, endpoint_of, numeric_host,
};
use super::{Target, TransportOptions};

/// A connect that was started. Whenever it polls ready, [`Dialing::advance`]
/// goes on; after that, [`Dialing::finish`] has the connection.
pub(crate) struct Dialing {
    stream: SocketStream,
    endpoint: String,
    /// What has to be said to the proxy at the other end.
    proxy: Option<Box<Handshake>>,
}

/// How far a connect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// [`Dialing::finish`] tells how it ended.
    Done,
    /// Connected to a proxy that will say something.
    NeedsRead,
    /// Connected to a proxy that takes no more for now.
    NeedsWrite,
}

/// Starts to connect to `target` without waiting. An ipc listener whose
/// backlog is full makes it fail with `WouldBlock`: as with any failure, the
/// next attempt may do better.
pub(crate) fn dial(target: &Target, options: &TransportOptions) -> io::Result<Dialing> {
    let domain = Domain::from(i32::from(target.address.family()));
    let socket = Socket::new(domain, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if domain != Domain::UNIX {
        options.tie_to_device(&socket)?;
    }
    options.tune(&socket, domain)?;
    if let Some(source) = &target.source {
        // One source port may serve connections to several peers.
        socket.set_reuse_address(true)?;
        socket.bind(source)?;
    }
    let started = socket.connect(&target.address);
    let proxy = target
        .destination
        .as_ref()
        .map(|destination| Box::new(Handshake::new(destination, options)));
    let dialing = Dialing {
        stream: SocketStream::new(socket),
        endpoint: target.endpoint.clone(),
        proxy,
    };
    match started {
        Ok(()) => Ok(dialing),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::INPROGRESS | Errno::INTR) => Ok(dialing),
            _ => Err(dialing.blame(error)),
        },
    }
}

impl Dialing {
    /// Goes on as far as it can without waiting. Before the descriptor first
    /// polled writable this fails with `NotConnected`.
    pub(crate) fn advance(&mut self) -> io::Result<Progress> {
        self.try_advance().map_err(|error| self.blame(error))
    }

    fn try_advance(&mut self) -> io::Result<Progress> {
        if self.proxy.is_some() {
            self.ends()?;
        }
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

    /// The connection, or why there is none.
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

    /// The connection took too long.
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

    /// Names the proxy, if it is one that failed.
    fn blame(&self, error: io::Error) -> io::Error {
        if self.proxy.is_none() {
            return error;
        }
        let proxy = &self.endpoint;
        io::Error::new(error.kind(), format!("the proxy at {proxy}: {error}"))
    }
}

impl AsFd for Dialing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.fd()
    }
}
