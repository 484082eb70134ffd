//! ZincMQ under a peer.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use zincmq::error::RecvFailure;
use zincmq::monitor::{EventKind, Monitor};
use zincmq::security::{AuthRequest, Credentials, Denial, Grant, Verdict};

use super::{Events, Library, Socket, Values};
use crate::{Guard, PROPERTY, Question};

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

    fn set_guard(&self, guard: Arc<Guard>) -> Result<()> {
        self.0
            .set_authenticator(move |request: &AuthRequest| judge(&guard, request));
        Ok(())
    }
}

fn judge(guard: &Guard, request: &AuthRequest) -> Verdict {
    let shown = request.credentials();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mechanism = shown.mechanism().to_owned();
    let answer = guard.judge(Question {
        mechanism: mechanism.clone(),
        domain: request.domain.clone(),
        address: request.address.clone(),
        credentials: match shown {
            Credentials::Plain { username, password } => vec![text(username), text(password)],
            Credentials::Curve { public_key } => vec![public_key.to_string()],
            _ => Vec::new(),
        },
    });
    match Denial::from_code(answer.status) {
        Some(status) => Verdict::deny(status, "as it was told"),
        None => Verdict::Accept(Grant {
            user_id: answer.user.into_bytes(),
            metadata: vec![(PROPERTY.to_owned(), mechanism.into_bytes())],
        }),
    }
}

impl Events for Monitor {
    fn next(&mut self, timeout: Duration) -> Result<Option<String>> {
        Ok(self.next_timeout(timeout).map(|event| name(&event.kind)))
    }
}

/// The event of the C library that says the same.
fn name(kind: &EventKind) -> String {
    let name = match kind {
        EventKind::Connected { .. } => "CONNECTED",
        EventKind::ConnectDelayed => "CONNECT_DELAYED",
        EventKind::ConnectRetried { .. } => "CONNECT_RETRIED",
        EventKind::Listening { .. } => "LISTENING",
        EventKind::Accepted { .. } => "ACCEPTED",
        EventKind::Closed { .. } => "CLOSED",
        EventKind::Disconnected { .. } => "DISCONNECTED",
        EventKind::HandshakeSucceeded => "HANDSHAKE_SUCCEEDED",
        EventKind::HandshakeFailed {
            code,
            status,
            errno,
            ..
        } => {
            return match (status, code) {
                (Some(status), _) => format!("HANDSHAKE_FAILED_AUTH {status}"),
                (None, Some(code)) => format!("HANDSHAKE_FAILED_PROTOCOL {code:#x}"),
                (None, None) => format!("HANDSHAKE_FAILED_NO_DETAIL {errno}"),
            };
        }
        other => return format!("{other:?}"),
    };
    name.to_owned()
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

    fn unsubscribe(&self, topic: &[u8]) -> Result<()> {
        Ok(zincmq::Socket::unsubscribe(self, topic)?)
    }

    fn send(&self, parts: &[Vec<u8>], timeout: Duration) -> Result<()> {
        let parts: zincmq::Multipart = parts.iter().map(|p| p.as_slice().into()).collect();
        Ok(self.send_timeout(parts, timeout)?)
    }

    fn recv(&self, timeout: Duration) -> Result<Option<Vec<Vec<u8>>>> {
        match self.recv_timeout(timeout) {
            Ok(message) => Ok(Some(message.iter().map(|part| part.to_vec()).collect())),
            Err(RecvFailure::TimedOut | RecvFailure::WouldBlock) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn recv_from(&self, timeout: Duration, properties: &[String]) -> Result<Option<Values>> {
        let message = match self.recv_timeout(timeout) {
            Ok(message) => message,
            Err(RecvFailure::TimedOut | RecvFailure::WouldBlock) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let peer = message.peer().context("it is known of no peer")?;
        let value = |name: &String| {
            let value = match name.as_str() {
                "Peer-Address" => peer.address.as_bytes(),
                name => peer.property(name)?,
            };
            Some(String::from_utf8_lossy(value).into_owned())
        };
        Ok(Some(properties.iter().map(value).collect()))
    }

    fn events(&self) -> Result<Box<dyn Events>> {
        Ok(Box::new(self.monitor()))
    }
}
