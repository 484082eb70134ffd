//! A bound endpoint and the peers that come to it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};

use super::endpoint::{Endpoint, IpcEndpoint};
use super::failure::refused_peer;
use super::filter::{admits_address, admits_peer};
use super::resolve::{DialError, ipc_address, local_addresses, no_stream};
use super::socket_file::{PrivateDirectory, SocketFile, make_way};
use super::stream::{Accepted, SocketStream, credentials_text, endpoint_of, numeric_host};
use super::tcp_endpoint::TcpEndpoint;
use super::{ListeningFd, TransportOptions};
use crate::error::{BindError, EndpointError};

/// Takes connections at one endpoint. Dropping it closes the endpoint and
/// removes an ipc path that it made.
pub(crate) struct Listener {
    // First, so that the path is gone before the endpoint stops answering:
    // whoever finds the path finds somebody behind it.
    file: Option<SocketFile>,
    socket: Socket,
    domain: Domain,
    endpoint: String,
    options: TransportOptions,
}

/// Binds `endpoint` and listens. A host name in a tcp endpoint is looked up,
/// which blocks.
pub(crate) fn listen(
    endpoint: &Endpoint,
    options: &TransportOptions,
) -> Result<Listener, BindError> {
    endpoint.check_bind()?;
    if let Some(fd) = &options.use_fd
        && !matches!(endpoint, Endpoint::Inproc(_))
    {
        return adopt(fd, endpoint, options).map_err(|error| failed(endpoint, error));
    }
    match endpoint {
        Endpoint::Tcp(tcp) => listen_tcp(tcp, endpoint, options),
        Endpoint::Ipc(ipc) => listen_ipc(ipc, endpoint, options),
        Endpoint::Inproc(name) => Err(no_stream(name).into()),
    }
}

impl Listener {
    /// The endpoint with its wildcards filled in, such as
    /// `tcp://127.0.0.1:49213` or `ipc:///tmp/zmq-x/socket`.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Closes it, and tells if what it made in the file system stays there.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), SocketFile::remove)
    }

    /// The next connection, or `None` when none waits. An error concerns the
    /// listener or one connection: [`super::failure`] tells which.
    pub(crate) fn accept(&self) -> io::Result<Option<Accepted>> {
        let (socket, address) = loop {
            match self.socket.accept() {
                Ok(accepted) => break accepted,
                Err(error) => match Errno::from_io_error(&error) {
                    Some(Errno::INTR) => {}
                    Some(Errno::AGAIN) => return Ok(None),
                    _ => return Err(error),
                },
            }
        };
        socket.set_nonblocking(true)?;
        let peer = self.admit(&socket, &address)?;
        self.options.tune(&socket, self.domain)?;
        Ok(Some(Accepted {
            peer,
            peer_endpoint: endpoint_of(&address),
            local_endpoint: socket
                .local_addr()
                .map_or_else(|_| self.endpoint.clone(), |local| endpoint_of(&local)),
            stream: Box::new(SocketStream::new(socket, &self.options)),
        }))
    }

    /// The peer's address, if the filters admit it.
    fn admit(&self, socket: &Socket, address: &SockAddr) -> io::Result<String> {
        match address.as_socket() {
            Some(address) => {
                let peer = numeric_host(address);
                if admits_address(&self.options, address.ip()) {
                    Ok(peer)
                } else {
                    Err(refused_peer(peer))
                }
            }
            None => {
                let credentials = rustix::net::sockopt::socket_peercred(socket)?;
                let peer = credentials_text(&credentials);
                if admits_peer(&self.options, &credentials) {
                    Ok(peer)
                } else {
                    Err(refused_peer(peer))
                }
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn listen_tcp(
    tcp: &TcpEndpoint,
    endpoint: &Endpoint,
    options: &TransportOptions,
) -> Result<Listener, BindError> {
    let addresses = local_addresses(tcp.place(), options.ipv6).map_err(|error| match error {
        DialError::Endpoint(error) => error,
        DialError::Lookup { host, .. } | DialError::NoAddress { host, .. } => {
            EndpointError::NoSuchInterface(host)
        }
    })?;
    let mut last = None;
    for address in addresses {
        match bind_tcp(address, options) {
            Ok((socket, domain)) => {
                return finish(socket, domain, None, options)
                    .map_err(|error| failed(endpoint, error));
            }
            // Of a wildcard or a name, another address may do.
            Err(error)
                if matches!(
                    Errno::from_io_error(&error),
                    Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL)
                ) =>
            {
                last = Some(error);
            }
            Err(error) => return Err(failed(endpoint, error)),
        }
    }
    let error = last.unwrap_or_else(|| Errno::ADDRNOTAVAIL.into());
    Err(failed(endpoint, error))
}

fn bind_tcp(address: SocketAddr, options: &TransportOptions) -> io::Result<(Socket, Domain)> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, None)?;
    if domain == Domain::IPV6 {
        // The wildcard serves both families.
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    options.tie_to_device(&socket)?;
    // Whatever the system refuses shows here and not with each peer.
    options.tune(&socket, domain)?;
    socket.bind(&address.into())?;
    Ok((socket, domain))
}

fn listen_ipc(
    ipc: &IpcEndpoint,
    endpoint: &Endpoint,
    options: &TransportOptions,
) -> Result<Listener, BindError> {
    let system = |error| failed(endpoint, error);
    let (ipc, directory) = match ipc {
        IpcEndpoint::Wildcard => {
            let directory = PrivateDirectory::new().map_err(system)?;
            let path = directory.path().join("socket");
            let path = IpcEndpoint::Path(path.to_string_lossy().into_owned());
            (path, Some(directory))
        }
        given => (given.clone(), None),
    };
    let address = ipc_address(&ipc)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(system)?;
    options.tune(&socket, Domain::UNIX).map_err(system)?;
    let file = match &ipc {
        IpcEndpoint::Path(path) => {
            let path = Path::new(path);
            make_way(path, options.steal_ipc).map_err(system)?;
            socket.bind(&address).map_err(system)?;
            Some(SocketFile::of_bound(path, directory).map_err(system)?)
        }
        IpcEndpoint::Abstract(_) | IpcEndpoint::Wildcard => {
            socket.bind(&address).map_err(system)?;
            None
        }
    };
    finish(socket, Domain::UNIX, file, options).map_err(system)
}

fn finish(
    socket: Socket,
    domain: Domain,
    file: Option<SocketFile>,
    options: &TransportOptions,
) -> io::Result<Listener> {
    socket.set_nonblocking(true)?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok(Listener {
        endpoint: endpoint_of(&socket.local_addr()?),
        file,
        socket,
        domain,
        options: options.clone(),
    })
}

/// Uses a descriptor that somebody else made listen.
fn adopt(
    fd: &ListeningFd,
    endpoint: &Endpoint,
    options: &TransportOptions,
) -> io::Result<Listener> {
    let wrong = |what: &str| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("descriptor {} {what}", fd.number()),
        )
    };
    let owned = fd.take().ok_or_else(|| wrong("is bound already"))?;
    let socket = Socket::from(owned);
    let local = socket.local_addr()?;
    let domain = Domain::from(i32::from(local.family()));
    let fits = match endpoint {
        Endpoint::Tcp(_) => domain == Domain::IPV4 || domain == Domain::IPV6,
        Endpoint::Ipc(_) => domain == Domain::UNIX,
        Endpoint::Inproc(_) => false,
    };
    if !fits {
        return Err(wrong("is of another transport"));
    }
    if !socket.is_listener()? {
        return Err(wrong("does not listen"));
    }
    socket.set_cloexec(true)?;
    socket.set_nonblocking(true)?;
    let mut options = options.clone();
    options.use_fd = None;
    Ok(Listener {
        file: None,
        endpoint: endpoint_of(&local),
        socket,
        domain,
        options,
    })
}

fn failed(endpoint: &Endpoint, source: io::Error) -> BindError {
    if Errno::from_io_error(&source) == Some(Errno::ADDRINUSE) {
        BindError::InUse(endpoint.to_string())
    } else {
        BindError::System {
            endpoint: endpoint.to_string(),
            source,
        }
    }
}
