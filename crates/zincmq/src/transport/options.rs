//! What may be tuned below the protocol, and tuning it.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Socket, TcpKeepalive};

use crate::security::Network;
use crate::security::Password;

/// Settings of a transport. Each `None` leaves the system's default alone.
#[derive(Debug, Clone)]
pub(crate) struct TransportOptions {
    /// SO_SNDBUF, bytes.
    pub(crate) send_buffer: Option<usize>,
    /// SO_RCVBUF, bytes.
    pub(crate) receive_buffer: Option<usize>,
    /// Connections that may wait to be accepted (listen(2)).
    pub(crate) backlog: u32,
    /// IP_TOS or IPV6_TCLASS.
    pub(crate) tos: u32,
    /// SO_PRIORITY.
    pub(crate) priority: u32,
    /// SO_BUSY_POLL, microseconds.
    pub(crate) busy_poll: u32,
    /// SO_KEEPALIVE.
    pub(crate) tcp_keepalive: Option<bool>,
    /// TCP_KEEPCNT.
    pub(crate) tcp_keepalive_count: Option<u32>,
    /// TCP_KEEPIDLE, whole seconds.
    pub(crate) tcp_keepalive_idle: Option<Duration>,
    /// TCP_KEEPINTVL, whole seconds.
    pub(crate) tcp_keepalive_interval: Option<Duration>,
    /// TCP_USER_TIMEOUT: how long sent data may go unacknowledged.
    pub(crate) tcp_max_rt: Option<Duration>,
    /// How long the caller waits for a [`super::Dialing`].
    pub(crate) connect_timeout: Option<Duration>,
    /// SO_BINDTODEVICE.
    pub(crate) bind_to_device: Option<String>,
    /// The SOCKS5 proxy through which tcp connects, as [`super::parse_proxy`]
    /// takes it.
    pub(crate) socks_proxy: Option<String>,
    /// Whom to log in as there, in up to 255 bytes; `None` is not at all.
    pub(crate) socks_username: Option<String>,
    /// With which password, of up to 255 bytes.
    pub(crate) socks_password: Password,
    /// Whether tcp may use IPv6; IPv4 works either way.
    pub(crate) ipv6: bool,
    /// Networks whose peers may connect over tcp; empty admits all.
    pub(crate) tcp_accept_filters: Vec<Network>,
    /// Users, groups and processes that may connect over ipc; all empty admits all.
    pub(crate) ipc_uid_filters: Vec<u32>,
    pub(crate) ipc_gid_filters: Vec<u32>,
    pub(crate) ipc_pid_filters: Vec<i32>,
    /// A descriptor that already listens, used instead of binding one.
    pub(crate) use_fd: Option<ListeningFd>,
    /// Whether binding an ipc path takes it from a listener that is alive.
    /// zmq_ipc(7) promises that it does; without, the bind fails with
    /// [`crate::error::BindError::InUse`], as over tcp.
    pub(crate) steal_ipc: bool,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            send_buffer: None,
            receive_buffer: None,
            backlog: 100,
            tos: 0,
            priority: 0,
            busy_poll: 0,
            tcp_keepalive: None,
            tcp_keepalive_count: None,
            tcp_keepalive_idle: None,
            tcp_keepalive_interval: None,
            tcp_max_rt: None,
            connect_timeout: None,
            bind_to_device: None,
            socks_proxy: None,
            socks_username: None,
            socks_password: Password::default(),
            ipv6: false,
            tcp_accept_filters: Vec::new(),
            ipc_uid_filters: Vec::new(),
            ipc_gid_filters: Vec::new(),
            ipc_pid_filters: Vec::new(),
            use_fd: None,
            steal_ipc: true,
        }
    }
}

impl TransportOptions {
    /// Applies what every connection gets, before it is bound or connected
    /// or just after it was accepted.
    pub(super) fn tune(&self, socket: &Socket, domain: Domain) -> io::Result<()> {
        if let Some(bytes) = self.send_buffer {
            socket.set_send_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if domain == Domain::IPV4 || domain == Domain::IPV6 {
            self.tune_tcp(socket, domain)?;
        }
        // After the TOS, which sets a priority of its own (ip(7)).
        #[cfg(target_os = "linux")]
        if self.priority != 0 {
            socket.set_priority(self.priority)?;
        }
        Ok(())
    }

    fn tune_tcp(&self, socket: &Socket, domain: Domain) -> io::Result<()> {
        socket.set_tcp_nodelay(true)?;
        if let Some(on) = self.tcp_keepalive {
            socket.set_keepalive(on)?;
            if on {
                self.tune_keepalive(socket)?;
            }
        }
        if self.tos != 0 {
            if domain == Domain::IPV6 {
                socket.set_tclass_v6(self.tos)?;
            } else {
                socket.set_tos_v4(self.tos)?;
            }
        }
        #[cfg(target_os = "linux")]
        {
            if self.tcp_max_rt.is_some() {
                socket.set_tcp_user_timeout(self.tcp_max_rt)?;
            }
            if self.busy_poll != 0 {
                socket.set_busy_poll(self.busy_poll)?;
            }
        }
        Ok(())
    }

    fn tune_keepalive(&self, socket: &Socket) -> io::Result<()> {
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = self.tcp_keepalive_idle {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = self.tcp_keepalive_interval {
            keepalive = keepalive.with_interval(interval);
        }
        if let Some(count) = self.tcp_keepalive_count {
            keepalive = keepalive.with_retries(count);
        }
        socket.set_tcp_keepalive(&keepalive)
    }

    /// Ties a socket that is not yet bound to one interface.
    pub(super) fn tie_to_device(&self, socket: &Socket) -> io::Result<()> {
        let Some(device) = &self.bind_to_device else {
            return Ok(());
        };
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return socket.bind_device(Some(device.as_bytes()));
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("cannot tie a socket to the device {device} on this system"),
        ))
    }
}

/// A descriptor on which somebody else already called bind(2) and listen(2),
/// such as a service manager. The first bind takes it over and closes it in
/// the end; clones share the one descriptor.
#[derive(Clone)]
pub struct ListeningFd(Arc<Handover>);

struct Handover {
    raw: RawFd,
    fd: Mutex<Option<OwnedFd>>,
    keep_open: bool,
}

impl ListeningFd {
    /// As `From<OwnedFd>`, but a descriptor that is never bound stays open
    /// with its old owner: the rule of libzmq's ZMQ_USE_FD.
    #[must_use]
    pub fn kept_open_until_bound(fd: OwnedFd) -> Self {
        Self::new(fd, true)
    }

    fn new(fd: OwnedFd, keep_open: bool) -> Self {
        Self(Arc::new(Handover {
            raw: fd.as_raw_fd(),
            fd: Mutex::new(Some(fd)),
            keep_open,
        }))
    }

    /// The descriptor's number.
    #[must_use]
    pub fn number(&self) -> RawFd {
        self.0.raw
    }

    /// The descriptor, to the first who asks, if it is open.
    pub(super) fn take(&self) -> Option<OwnedFd> {
        let fd = self
            .0
            .fd
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        if rustix::io::fcntl_getfd(&fd).is_err() {
            // C may have given any number, and closing it would be wrong.
            let _ = fd.into_raw_fd();
            return None;
        }
        Some(fd)
    }
}

impl From<OwnedFd> for ListeningFd {
    fn from(fd: OwnedFd) -> Self {
        Self::new(fd, false)
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        let fd = self.fd.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(fd) = fd.take()
            && self.keep_open
        {
            let _ = fd.into_raw_fd();
        }
    }
}

impl fmt::Debug for ListeningFd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ListeningFd({})", self.0.raw)
    }
}

impl PartialEq for ListeningFd {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ListeningFd {}
