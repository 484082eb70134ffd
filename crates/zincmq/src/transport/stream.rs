//! Bytes to and from one peer.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::io::retry_on_intr;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};
use socket2::{SockAddr, Socket};

use super::TransportOptions;

/// From here on a write is a long one, bytes.
const LONG: usize = 1024 * 1024;
/// What the system may hold of what goes to a peer on the same host, bytes. With
/// the usual megabytes, bytes have left the caches before the peer reads them.
const NEAR_BUFFER: usize = 384 * 1024;

/// A connected, non-blocking stream. Nothing here raises SIGPIPE.
pub(crate) trait ByteStream: Send {
    /// Reads what is there, up to `buf`; 0 is the end. `WouldBlock` when
    /// nothing is there.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;

    /// As [`ByteStream::read`], to the end of `payload`: `most` bytes at most,
    /// and no more than it has memory for.
    fn read_onto(&mut self, payload: &mut Vec<u8>, most: usize) -> io::Result<usize>;

    /// Writes as much as fits; `WouldBlock` when nothing does.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// As [`ByteStream::write`], of several slices in one system call.
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// What to poll.
    fn fd(&self) -> BorrowedFd<'_>;

    /// Ends both directions: reads give the end, writes fail.
    fn shutdown(&mut self);
}

/// A connection and who is at its other end.
pub(crate) struct Accepted {
    pub(crate) stream: Box<dyn ByteStream>,
    /// ZeroMQ's `Peer-Address`: over tcp the numeric address without port,
    /// over ipc `localhost:uid:gid:pid`.
    pub(crate) peer: String,
    /// Such as `tcp://127.0.0.1:40000`; `ipc://` for an unnamed ipc peer.
    pub(crate) peer_endpoint: String,
    /// This side's address of the connection.
    pub(crate) local_endpoint: String,
}

impl Accepted {
    /// What tells the peer from others on the same host: over tcp its endpoint
    /// with port, over ipc, where most have no path, its process.
    pub(crate) fn distinct_peer(&self) -> &str {
        if self.peer_endpoint.starts_with("ipc://") {
            &self.peer
        } else {
            &self.peer_endpoint
        }
    }
}

/// A stream socket of any family.
pub(super) struct SocketStream {
    fd: OwnedFd,
    /// Nobody has said how large the send buffer is to be.
    is_unsized: bool,
}

impl SocketStream {
    pub(super) fn new(socket: Socket, options: &TransportOptions) -> Self {
        Self {
            fd: socket.into(),
            is_unsized: options.send_buffer.is_none(),
        }
    }

    /// Sizes the send buffer for long writes.
    #[cold]
    fn size_buffer(&mut self) {
        self.is_unsized = false;
        if self.is_near() {
            // It works either way.
            let _ = rustix::net::sockopt::set_socket_send_buffer_size(&self.fd, NEAR_BUFFER);
        }
    }

    /// Whether the peer is on this host, by tcp.
    fn is_near(&self) -> bool {
        let ip = |address| SocketAddr::try_from(address).map(|address| address.ip());
        let local = rustix::net::getsockname(&self.fd).map(ip);
        match (local, rustix::net::getpeername(&self.fd)) {
            (Ok(Ok(local)), Ok(Some(peer))) => ip(peer) == Ok(local),
            _ => false,
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;
// Elsewhere socket2 sets SO_NOSIGPIPE when it makes or accepts a socket.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const NO_SIGNAL: SendFlags = SendFlags::empty();

impl ByteStream for SocketStream {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (_, read) =
            retry_on_intr(|| rustix::net::recv(&self.fd, &mut *buf, RecvFlags::empty()))?;
        Ok(read)
    }

    fn read_onto(&mut self, payload: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let (len, spare) = (payload.len(), payload.capacity() - payload.len());
        if spare > most {
            // Reads to memory that was never written to fill all there is.
            payload.resize(len + most, 0);
            let read = self.read(&mut payload[len..]);
            payload.truncate(len + read.as_ref().map_or(0, |&n| n));
            return read;
        }
        let (read, _) = retry_on_intr(|| {
            rustix::net::recv(&self.fd, spare_capacity(payload), RecvFlags::empty())
        })?;
        Ok(read)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(retry_on_intr(|| {
            rustix::net::send(&self.fd, bytes, NO_SIGNAL)
        })?)
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.is_unsized && slices.iter().any(|slice| slice.len() >= LONG) {
            self.size_buffer();
        }
        Ok(retry_on_intr(|| {
            rustix::net::sendmsg(
                &self.fd,
                slices,
                &mut SendAncillaryBuffer::default(),
                NO_SIGNAL,
            )
        })?)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn shutdown(&mut self) {
        // Fails only if the peer has gone already.
        let _ = rustix::net::shutdown(&self.fd, Shutdown::Both);
    }
}

/// An address as an endpoint.
pub(super) fn endpoint_of(address: &SockAddr) -> String {
    if let Some(address) = address.as_socket() {
        return match zone_of(address) {
            Some(zone) => format!("tcp://[{}%{zone}]:{}", address.ip(), address.port()),
            None => format!("tcp://{address}"),
        };
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = address.as_abstract_namespace() {
        return format!("ipc://@{}", String::from_utf8_lossy(name));
    }
    match address.as_pathname() {
        Some(path) => format!("ipc://{}", path.display()),
        None => "ipc://".to_owned(),
    }
}

/// An address without its port, as getnameinfo(3) would print it.
pub(super) fn numeric_host(address: SocketAddr) -> String {
    match zone_of(address) {
        Some(zone) => format!("{}%{zone}", address.ip()),
        None => address.ip().to_string(),
    }
}

/// The zone of a scoped IPv6 address, by name where the interface is known.
fn zone_of(address: SocketAddr) -> Option<String> {
    let SocketAddr::V6(v6) = address else {
        return None;
    };
    let index = v6.scope_id();
    if index == 0 {
        return None;
    }
    Some(getifaddrs::if_indextoname(index).unwrap_or_else(|_| index.to_string()))
}

/// Who is at the other end of a unix socket, as libzmq writes it.
pub(super) fn credentials_text(peer: &rustix::net::UCred) -> String {
    format!(
        "localhost:{}:{}:{}",
        peer.uid.as_raw(),
        peer.gid.as_raw(),
        peer.pid.as_raw_pid()
    )
}

/// Fails if a connection reached itself, as tcp can when it dials a port of
/// the ephemeral range on its own host (simultaneous open, RFC 9293 3.5).
pub(super) fn check_not_self(local: &SockAddr, peer: &SockAddr) -> io::Result<()> {
    let ip = |address: &SockAddr| address.as_socket().map(|a| (a.ip(), a.port()));
    match (ip(local), ip(peer)) {
        (Some(local), Some(peer)) if local == peer => Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            format!(
                "nobody listens there: the connection to {} reached itself",
                display(peer)
            ),
        )),
        _ => Ok(()),
    }
}

fn display((ip, port): (IpAddr, u16)) -> SocketAddr {
    SocketAddr::new(ip, port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    /// What the system holds, after a short write and after a long one.
    fn buffers(options: &TransportOptions) -> (usize, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let socket = Socket::from(TcpStream::connect(address).expect("somebody listens"));
        let _peer = listener.accept().expect("somebody connects");
        socket.set_nonblocking(true).expect("it is open");
        let mut stream = SocketStream::new(socket, options);
        let mut size_after = |len| {
            let payload = vec![0; len];
            // The system takes some of it.
            let _ = stream.write_vectored(&[IoSlice::new(&payload)]);
            rustix::net::sockopt::socket_send_buffer_size(&stream.fd).expect("it is open")
        };
        (size_after(LONG - 1), size_after(LONG))
    }

    #[test]
    fn a_long_write_to_a_peer_on_this_host_sizes_the_buffer() {
        let (before, after) = buffers(&TransportOptions::default());
        assert_ne!(before, after);
        // Linux counts its own needs in.
        assert!(after == NEAR_BUFFER || after == 2 * NEAR_BUFFER, "{after}");
        let options = TransportOptions {
            send_buffer: Some(100_000),
            ..TransportOptions::default()
        };
        let (before, after) = buffers(&options);
        assert_eq!(before, after);
    }
}
