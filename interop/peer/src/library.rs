//! The library under a peer: libzmq or ZincMQ.

mod libzmq;
#[cfg(feature = "zincmq")]
mod ours;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::Guard;

pub use self::libzmq::LibzmqLibrary;
#[cfg(feature = "zincmq")]
pub use ours::ZincmqLibrary;

/// Opens sockets.
pub trait Library {
    /// Its sockets.
    type Socket: Socket;

    /// Opens a socket of the type called `kind`, as in `"PUSH"`.
    fn socket(&self, kind: &str) -> Result<Self::Socket>;
    /// Has clients judged from now on.
    fn set_guard(&self, guard: Arc<Guard>) -> Result<()>;
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
    /// Takes a subscription back.
    fn unsubscribe(&self, topic: &[u8]) -> Result<()>;
    /// Sends one message, waiting for room up to `timeout`.
    fn send(&self, parts: &[Vec<u8>], timeout: Duration) -> Result<()>;
    /// Receives one message; `None` when none came within `timeout`.
    fn recv(&self, timeout: Duration) -> Result<Option<Vec<Vec<u8>>>>;
    /// Receives one message and returns what is known of who sent it, property by property; `None` when
    /// none came within `timeout`.
    fn recv_from(&self, timeout: Duration, properties: &[String]) -> Result<Option<Values>>;
    /// What happens to its connections, from now on.
    fn events(&self) -> Result<Box<dyn Events>>;
}

/// The values of properties, as far as they are there.
pub type Values = Vec<Option<String>>;

/// What happens to the connections of one socket.
pub trait Events {
    /// The next event; `None` if there is none within `timeout`. It is the event's name in `zmq.h` without
    /// `ZMQ_EVENT_`; that of a failed handshake is followed by its number.
    fn next(&mut self, timeout: Duration) -> Result<Option<String>>;
}
