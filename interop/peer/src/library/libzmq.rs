//! libzmq under a peer.

use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use libzmq::{Message, SocketType};

use super::{Events, Library, Socket, Values};
use crate::{Guard, PROPERTY, Question};

/// libzmq 4.3.5.
pub struct LibzmqLibrary {
    context: libzmq::Context,
    handler: RefCell<Option<JoinHandle<Result<(), libzmq::Error>>>>,
}

struct LibzmqEvents(libzmq::Monitor);

/// A libzmq socket and the timeouts it was last given.
pub struct LibzmqSocket {
    socket: libzmq::Socket,
    send_timeout: Cell<Duration>,
    recv_timeout: Cell<Duration>,
}

impl LibzmqLibrary {
    /// Over a new context.
    pub fn new() -> Result<Self> {
        Ok(Self {
            context: libzmq::Context::new()?,
            handler: RefCell::new(None),
        })
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
            socket: self.context.socket(kind)?,
            send_timeout: Cell::new(Duration::MAX),
            recv_timeout: Cell::new(Duration::MAX),
        })
    }

    fn set_guard(&self, guard: Arc<Guard>) -> Result<()> {
        let handler = self.context.socket(SocketType::Rep)?;
        handler.bind("inproc://zeromq.zap.01")?;
        let thread = std::thread::spawn(move || serve(&handler, &guard));
        self.handler.replace(Some(thread));
        Ok(())
    }
}

impl Drop for LibzmqLibrary {
    fn drop(&mut self) {
        let Some(handler) = self.handler.take() else {
            return;
        };
        // Both can only fail if the context is over already.
        let _ = self.context.shutdown();
        let _ = handler.join();
    }
}

/// Handles ZAP (RFC 27) until the context ends.
fn serve(handler: &libzmq::Socket, guard: &Guard) -> Result<(), libzmq::Error> {
    loop {
        let request = handler.recv_multipart()?;
        let text = |part: usize| match request.get(part) {
            Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            None => String::new(),
        };
        // "1.0", the number, the domain, the address, the routing id, the mechanism, the credentials.
        let credentials = request.get(6..).unwrap_or_default().iter();
        let mechanism = text(5);
        let answer = guard.judge(Question {
            mechanism: mechanism.clone(),
            domain: text(2),
            address: text(3),
            credentials: credentials
                .map(|part| match mechanism.as_str() {
                    "CURVE" => libzmq::z85(part).unwrap_or_default(),
                    _ => String::from_utf8_lossy(part).into_owned(),
                })
                .collect(),
        });
        let mut metadata = Vec::new();
        if answer.status == 200 {
            // Both are short.
            metadata.push(PROPERTY.len() as u8);
            metadata.extend_from_slice(PROPERTY.as_bytes());
            metadata.extend_from_slice(&(mechanism.len() as u32).to_be_bytes());
            metadata.extend_from_slice(mechanism.as_bytes());
        }
        handler.send_multipart::<&[u8]>(&[
            b"1.0",
            request.get(1).map_or(&[], Vec::as_slice),
            answer.status.to_string().as_bytes(),
            b"",
            answer.user.as_bytes(),
            &metadata,
        ])?;
    }
}

impl Events for LibzmqEvents {
    fn next(&mut self, timeout: Duration) -> Result<Option<String>> {
        let event = self.0.next(timeout)?;
        Ok(event.map(|event| match event.name {
            "HANDSHAKE_FAILED_PROTOCOL" => format!("{} {:#x}", event.name, event.value),
            name if name.starts_with("HANDSHAKE_FAILED") => format!("{name} {}", event.value),
            name => name.to_owned(),
        }))
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

    fn unsubscribe(&self, topic: &[u8]) -> Result<()> {
        Ok(self.socket.unsubscribe(topic)?)
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

    fn recv_from(&self, timeout: Duration, properties: &[String]) -> Result<Option<Values>> {
        if !self.socket.poll(libzmq::Wait::In, timeout)? {
            return Ok(None);
        }
        let mut part = Message::new();
        self.socket.recv(&mut part)?;
        let value = |name: &String| Ok(part.property(&CString::new(name.as_str())?));
        let values = properties.iter().map(value).collect::<Result<_>>()?;
        while part.more() {
            self.socket.recv(&mut part)?;
        }
        Ok(Some(values))
    }

    fn events(&self) -> Result<Box<dyn Events>> {
        Ok(Box::new(LibzmqEvents(self.socket.monitor()?)))
    }
}
