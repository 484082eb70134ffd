//! The library under a peer: libzmq or ZincMQ.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use libzmq::SocketType;

/// Opens sockets.
pub trait Library {
    /// Its sockets.
    type Socket: Socket;

    /// Opens a socket of the type called `kind`, as in `"PUSH"`.
    fn socket(&self, kind: &str) -> Result<Self::Socket>;
}

/// One socket, used by one thread.
pub trait Socket {
    /// Sets the option called `name`, as in `"SNDHWM"`.
    fn set(&self, name: &str, value: &str) -> Result<()>;
    /// Binds and returns the real endpoint.
    fn bind(&self, endpoint: &str) -> Result<String>;
    /// Connects, in the background.
    fn connect(&self, endpoint: &str) -> Result<()>;
    /// Subscribes a SUB socket.
    fn subscribe(&self, topic: &[u8]) -> Result<()>;
    /// Sends one message, waiting for room up to `timeout`.
    fn send(&self, parts: &[Vec<u8>], timeout: Duration) -> Result<()>;
    /// Receives one message; `None` when none came within `timeout`.
    fn recv(&self, timeout: Duration) -> Result<Option<Vec<Vec<u8>>>>;
}

/// libzmq 4.3.5.
pub struct LibzmqLibrary(libzmq::Context);

/// A libzmq socket and the timeouts it was last given.
pub struct LibzmqSocket {
    socket: libzmq::Socket,
    send_timeout: Cell<Duration>,
    recv_timeout: Cell<Duration>,
}

impl LibzmqLibrary {
    /// Over a new context.
    pub fn new() -> Result<Self> {
        Ok(Self(libzmq::Context::new()?))
    }
}

impl Library for LibzmqLibrary {
    type Socket = LibzmqSocket;

    fn socket(&self, kind: &str) -> Result<LibzmqSocket> {
        let kind = match kind {
            "PAIR" => SocketType::Pair,
            "PUB" => SocketType::Pub,
            "SUB" => SocketType::Sub,
            "REQ" => SocketType::Req,
            "REP" => SocketType::Rep,
            "DEALER" => SocketType::Dealer,
            "ROUTER" => SocketType::Router,
            "PULL" => SocketType::Pull,
            "PUSH" => SocketType::Push,
            "XPUB" => SocketType::Xpub,
            "XSUB" => SocketType::Xsub,
            "STREAM" => SocketType::Stream,
            _ => bail!("unknown socket type {kind}"),
        };
        Ok(LibzmqSocket {
            socket: self.0.socket(kind)?,
            send_timeout: Cell::new(Duration::MAX),
            recv_timeout: Cell::new(Duration::MAX),
        })
    }
}

impl LibzmqSocket {
    fn set_timeout(&self, number: i32, last: &Cell<Duration>, timeout: Duration) -> Result<()> {
        if last.replace(timeout) != timeout {
            let millis = timeout.as_millis().try_into().unwrap_or(i32::MAX);
            self.socket.set_int(number, millis)?;
        }
        Ok(())
    }
}

impl Socket for LibzmqSocket {
    fn set(&self, name: &str, value: &str) -> Result<()> {
        Ok(self.socket.set_by_name(name, value)?)
    }

    fn bind(&self, endpoint: &str) -> Result<String> {
        self.socket
            .bind(endpoint)
            .with_context(|| endpoint.to_owned())
    }

    fn connect(&self, endpoint: &str) -> Result<()> {
        self.socket
            .connect(endpoint)
            .with_context(|| endpoint.to_owned())
    }

    fn subscribe(&self, topic: &[u8]) -> Result<()> {
        Ok(self.socket.subscribe(topic)?)
    }

    fn send(&self, parts: &[Vec<u8>], timeout: Duration) -> Result<()> {
        const SNDTIMEO: i32 = 28;
        self.set_timeout(SNDTIMEO, &self.send_timeout, timeout)?;
        Ok(self.socket.send_multipart(parts)?)
    }

    fn recv(&self, timeout: Duration) -> Result<Option<Vec<Vec<u8>>>> {
        const RCVTIMEO: i32 = 27;
        self.set_timeout(RCVTIMEO, &self.recv_timeout, timeout)?;
        match self.socket.recv_multipart() {
            Ok(parts) => Ok(Some(parts)),
            Err(error) if error.would_block() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(feature = "zincmq")]
pub use ours::ZincmqLibrary;

#[cfg(feature = "zincmq")]
mod ours {
    use anyhow::Context as _;
    use zincmq::error::RecvFailure;

    use super::{Duration, Library, Result, Socket, bail};

    /// ZincMQ.
    pub struct ZincmqLibrary(zincmq::Context);

    impl ZincmqLibrary {
        /// Over a new context.
        pub fn new() -> Self {
            Self(zincmq::Context::new())
        }
    }

    impl Default for ZincmqLibrary {
        fn default() -> Self {
            Self::new()
        }
    }

    impl Library for ZincmqLibrary {
        type Socket = zincmq::Socket;

        fn socket(&self, kind: &str) -> Result<zincmq::Socket> {
            use zincmq::SocketType;
            let kind = match kind {
                "PAIR" => SocketType::Pair,
                "PUB" => SocketType::Pub,
                "SUB" => SocketType::Sub,
                "REQ" => SocketType::Req,
                "REP" => SocketType::Rep,
                "DEALER" => SocketType::Dealer,
                "ROUTER" => SocketType::Router,
                "PULL" => SocketType::Pull,
                "PUSH" => SocketType::Push,
                "XPUB" => SocketType::Xpub,
                "XSUB" => SocketType::Xsub,
                "STREAM" => SocketType::Stream,
                _ => bail!("unknown socket type {kind}"),
            };
            Ok(self.0.socket(kind)?)
        }
    }

    impl Socket for zincmq::Socket {
        fn set(&self, name: &str, value: &str) -> Result<()> {
            Ok(self.set_by_name(name, value)?)
        }

        fn bind(&self, endpoint: &str) -> Result<String> {
            zincmq::Socket::bind(self, endpoint).with_context(|| endpoint.to_owned())
        }

        fn connect(&self, endpoint: &str) -> Result<()> {
            zincmq::Socket::connect(self, endpoint).with_context(|| endpoint.to_owned())
        }

        fn subscribe(&self, topic: &[u8]) -> Result<()> {
            Ok(zincmq::Socket::subscribe(self, topic)?)
        }

        fn send(&self, parts: &[Vec<u8>], timeout: Duration) -> Result<()> {
            let parts: zincmq::Multipart = parts.iter().map(|p| p.as_slice().into()).collect();
            Ok(self.send_timeout(parts, timeout)?)
        }

        fn recv(&self, timeout: Duration) -> Result<Option<Vec<Vec<u8>>>> {
            match self.recv_timeout(timeout) {
                Ok(message) => Ok(Some(message.iter().map(|part| part.to_vec()).collect())),
                Err(RecvFailure::TimedOut) => Ok(None),
                Err(error) => Err(error.into()),
            }
        }
    }
}
