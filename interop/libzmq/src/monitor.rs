//! What happens to a socket's connections.

use std::ffi::CString;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::{Context, Error, Socket, SocketType, Wait, ffi};

/// The events of one socket, in order. To be dropped before the socket's context is.
pub struct Monitor(Socket);

/// One event: its name without `ZMQ_EVENT_`, and the number that comes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Such as `CONNECTED`.
    pub name: &'static str,
    /// What it says depends on the event (zmq_socket_monitor(3)).
    pub value: u32,
}

/// The bits of `ZMQ_EVENT_…`, from the lowest on.
const NAMES: [&str; 15] = [
    "CONNECTED",
    "CONNECT_DELAYED",
    "CONNECT_RETRIED",
    "LISTENING",
    "BIND_FAILED",
    "ACCEPTED",
    "ACCEPT_FAILED",
    "CLOSED",
    "CLOSE_FAILED",
    "DISCONNECTED",
    "MONITOR_STOPPED",
    "HANDSHAKE_FAILED_NO_DETAIL",
    "HANDSHAKE_SUCCEEDED",
    "HANDSHAKE_FAILED_PROTOCOL",
    "HANDSHAKE_FAILED_AUTH",
];

impl Monitor {
    /// Has the events of the socket `handle` sent to a new socket of `context`.
    pub(crate) fn of(handle: *mut std::ffi::c_void, context: &Context) -> Result<Self, Error> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let endpoint = format!("inproc://monitor-{number}");
        let c = CString::new(endpoint.as_str()).expect("it has no NUL in it");
        // SAFETY: the socket is live and the string terminated.
        let rc = unsafe { ffi::zmq_socket_monitor(handle, c.as_ptr(), ffi::EVENT_ALL) };
        if rc != 0 {
            return Err(Error::last("zmq_socket_monitor"));
        }
        let reader = context.socket(SocketType::Pair)?;
        reader.connect(&endpoint)?;
        Ok(Self(reader))
    }

    /// The next event; `None` if there is none within `timeout`.
    pub fn next(&self, timeout: Duration) -> Result<Option<Event>, Error> {
        if !self.0.poll(Wait::In, timeout)? {
            return Ok(None);
        }
        let parts = self.0.recv_multipart()?;
        let head: Option<&[u8; 6]> = parts
            .first()
            .and_then(|part| part.as_slice().try_into().ok());
        let Some([a, b, value @ ..]) = head else {
            let text = format!("an event of {} parts", parts.len());
            return Err(Error::argument("zmq_socket_monitor", text));
        };
        let bit = u16::from_ne_bytes([*a, *b]).trailing_zeros() as usize;
        Ok(Some(Event {
            name: NAMES.get(bit).copied().unwrap_or("UNKNOWN"),
            value: u32::from_ne_bytes(*value),
        }))
    }
}
