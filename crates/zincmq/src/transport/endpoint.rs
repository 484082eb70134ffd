//! `transport://address`, taken apart once so that nothing later has to look
//! at the text again.

use std::fmt;

use super::tcp_endpoint::TcpEndpoint;
use crate::error::EndpointError;

/// Transports that ZeroMQ knows and this build does not have.
const NOT_BUILT_IN: [&str; 9] = [
    "udp", "ws", "wss", "pgm", "epgm", "norm", "tipc", "vmci", "vsock",
];

/// `sizeof(sun_path)` less the terminating NUL: 107 on Linux (unix(7)).
pub(super) const MAX_IPC_PATH: usize = if cfg!(any(target_os = "linux", target_os = "android")) {
    107
} else {
    103
};

/// Where to listen or whom to dial.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    Tcp(TcpEndpoint),
    Ipc(IpcEndpoint),
    /// A name within the context; no bytes travel, so nothing here serves it.
    Inproc(String),
}

impl Endpoint {
    pub(crate) fn parse(text: &str) -> Result<Self, EndpointError> {
        let (scheme, address) = text
            .split_once("://")
            .filter(|(scheme, address)| !scheme.is_empty() && !address.is_empty())
            .ok_or_else(|| EndpointError::Malformed(text.to_owned()))?;
        match scheme {
            "tcp" => TcpEndpoint::parse(address).map(Self::Tcp),
            "ipc" => IpcEndpoint::parse(address).map(Self::Ipc),
            "inproc" => Ok(Self::Inproc(address.to_owned())),
            _ => Err(match NOT_BUILT_IN.iter().find(|&&known| known == scheme) {
                Some(transport) => EndpointError::Unsupported {
                    transport,
                    endpoint: text.to_owned(),
                },
                None => EndpointError::UnknownTransport {
                    scheme: scheme.to_owned(),
                    endpoint: text.to_owned(),
                },
            }),
        }
    }

    /// Refuses what can be bound but not connected to: wildcards. A connect
    /// calls this at once; what the network says comes later.
    pub(crate) fn check_connect(&self) -> Result<(), EndpointError> {
        match self {
            Self::Tcp(tcp) => tcp.check_connect(),
            Self::Ipc(IpcEndpoint::Wildcard) => Err(EndpointError::BadAddress {
                transport: "ipc",
                address: "*".to_owned(),
                reason: "a wildcard can only be bound".to_owned(),
            }),
            Self::Ipc(_) | Self::Inproc(_) => Ok(()),
        }
    }

    /// Refuses what can be connected to but not bound: a source address.
    pub(crate) fn check_bind(&self) -> Result<(), EndpointError> {
        match self {
            Self::Tcp(tcp) => tcp.check_bind(),
            Self::Ipc(_) | Self::Inproc(_) => Ok(()),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(tcp) => write!(f, "tcp://{tcp}"),
            Self::Ipc(ipc) => write!(f, "ipc://{ipc}"),
            Self::Inproc(name) => write!(f, "inproc://{name}"),
        }
    }
}

/// What stands behind `ipc://`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum IpcEndpoint {
    /// A socket file, absolute or relative to the working directory.
    Path(String),
    /// A name in Linux's abstract namespace, written behind `@`.
    Abstract(String),
    /// `*`: a fresh file in a directory only this user can enter.
    Wildcard,
}

impl IpcEndpoint {
    fn parse(address: &str) -> Result<Self, EndpointError> {
        let bad = |reason: &str| EndpointError::BadAddress {
            transport: "ipc",
            address: address.to_owned(),
            reason: reason.to_owned(),
        };
        if address == "*" {
            return Ok(Self::Wildcard);
        }
        if address.contains('\0') {
            return Err(bad("a path holds no NUL"));
        }
        // The abstract `@` takes the place of the leading NUL in sun_path, and
        // libzmq keeps room for a trailing one in both forms.
        if address.len() > MAX_IPC_PATH {
            return Err(EndpointError::PathTooLong {
                path: address.to_owned(),
                limit: MAX_IPC_PATH,
            });
        }
        match address.strip_prefix('@') {
            None => Ok(Self::Path(address.to_owned())),
            Some("") => Err(bad("the abstract name is empty")),
            Some(_) if !cfg!(any(target_os = "linux", target_os = "android")) => {
                Err(bad("only Linux has abstract names"))
            }
            Some(name) => Ok(Self::Abstract(name.to_owned())),
        }
    }
}

impl fmt::Display for IpcEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Abstract(name) => write!(f, "@{name}"),
            Self::Wildcard => f.write_str("*"),
        }
    }
}
