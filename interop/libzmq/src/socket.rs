//! A libzmq socket.

use std::ffi::{CString, c_int, c_void};
use std::time::Duration;

use crate::{Context, Error, Message, Monitor, OptionKind, ffi, option};

/// A socket and a share of its context. It may move to another thread but is used by one at a time.
pub struct Socket {
    handle: *mut c_void,
    /// Alive until the socket is closed.
    context: Context,
}

/// The stable socket types, with libzmq's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[expect(missing_docs, reason = "the names are those of RFC 28 to 31")]
pub enum SocketType {
    Pair = 0,
    Pub = 1,
    Sub = 2,
    Req = 3,
    Rep = 4,
    Dealer = 5,
    Router = 6,
    Pull = 7,
    Push = 8,
    Xpub = 9,
    Xsub = 10,
    Stream = 11,
}

/// What a poll waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// A message to receive.
    In,
    /// Room to send.
    Out,
}

// SAFETY: zmq_socket(3): a socket may be migrated between threads with a full fence, which every
// safe way of moving a value between threads is.
unsafe impl Send for Socket {}

impl Socket {
    pub(crate) fn new(context: Context, kind: SocketType) -> Result<Self, Error> {
        // SAFETY: the context is live.
        let handle = unsafe { ffi::zmq_socket(context.as_ptr(), kind as c_int) };
        if handle.is_null() {
            return Err(Error::last("zmq_socket"));
        }
        Ok(Self { handle, context })
    }

    /// Binds and returns the endpoint libzmq resolved it to.
    pub fn bind(&self, endpoint: &str) -> Result<String, Error> {
        let c = c_string("zmq_bind", endpoint)?;
        // SAFETY: a live socket and a terminated string.
        check("zmq_bind", unsafe {
            ffi::zmq_bind(self.handle, c.as_ptr())
        })?;
        self.last_endpoint()
    }

    /// Starts connecting; libzmq goes on in the background.
    pub fn connect(&self, endpoint: &str) -> Result<(), Error> {
        let c = c_string("zmq_connect", endpoint)?;
        // SAFETY: a live socket and a terminated string.
        check("zmq_connect", unsafe {
            ffi::zmq_connect(self.handle, c.as_ptr())
        })
    }

    /// Tells of connections from now on. A socket has one monitor.
    pub fn monitor(&self) -> Result<Monitor, Error> {
        Monitor::of(self.handle, &self.context)
    }

    /// Sets an option to a C `int`.
    pub fn set_int(&self, number: i32, value: i32) -> Result<(), Error> {
        self.set_raw(number, &value.to_ne_bytes())
    }

    /// Sets an option to bytes.
    pub fn set_bytes(&self, number: i32, value: &[u8]) -> Result<(), Error> {
        self.set_raw(number, value)
    }

    /// Sets the option called `name` (see [`option`]) from its text.
    pub fn set_by_name(&self, name: &str, value: &str) -> Result<(), Error> {
        let refuse = |why: &str| {
            Err(Error::argument(
                "zmq_setsockopt",
                format!("{name}={value}: {why}"),
            ))
        };
        let Some((number, kind)) = option(name) else {
            return refuse("no such option in the table");
        };
        match kind {
            OptionKind::Bytes => self.set_raw(number, value.as_bytes()),
            OptionKind::Int => match value.parse::<i32>() {
                Ok(v) => self.set_raw(number, &v.to_ne_bytes()),
                Err(_) => refuse("not a 32-bit number"),
            },
            OptionKind::Int64 => match value.parse::<i64>() {
                Ok(v) => self.set_raw(number, &v.to_ne_bytes()),
                Err(_) => refuse("not a 64-bit number"),
            },
        }
    }

    /// Subscribes a SUB socket to a prefix.
    pub fn subscribe(&self, topic: &[u8]) -> Result<(), Error> {
        const SUBSCRIBE: i32 = 6;
        self.set_raw(SUBSCRIBE, topic)
    }

    /// Takes back one subscription to a prefix.
    pub fn unsubscribe(&self, topic: &[u8]) -> Result<(), Error> {
        const UNSUBSCRIBE: i32 = 7;
        self.set_raw(UNSUBSCRIBE, topic)
    }

    /// Sends all parts as one message; blocks as `SNDTIMEO` says.
    pub fn send_multipart<P: AsRef<[u8]>>(&self, parts: &[P]) -> Result<(), Error> {
        for (i, part) in parts.iter().enumerate() {
            let more = i + 1 < parts.len();
            self.send(Message::copy_of(part.as_ref())?, more)?;
        }
        Ok(())
    }

    /// Receives all parts of one message; blocks as `RCVTIMEO` says.
    pub fn recv_multipart(&self) -> Result<Vec<Vec<u8>>, Error> {
        let mut parts = Vec::new();
        let mut part = Message::new();
        loop {
            self.recv(&mut part)?;
            parts.push(part.as_bytes().to_vec());
            if !part.more() {
                return Ok(parts);
            }
        }
    }

    /// Sends one part. A call cut short by a signal is repeated.
    pub fn send(&self, mut part: Message, more: bool) -> Result<(), Error> {
        let flags = if more { ffi::SNDMORE } else { 0 };
        loop {
            // SAFETY: a live socket and an initialised part. On failure the part stays ours; on
            // success it is left empty. Both are closed by its drop.
            let rc = unsafe { ffi::zmq_msg_send(part.as_mut_ptr(), self.handle, flags) };
            if rc >= 0 {
                return Ok(());
            }
            repeat_if_interrupted(Error::last("zmq_msg_send"))?;
        }
    }

    /// Receives one part into `part`, whose former content is released.
    pub fn recv(&self, part: &mut Message) -> Result<(), Error> {
        loop {
            // SAFETY: a live socket and an initialised part.
            let rc = unsafe { ffi::zmq_msg_recv(part.as_mut_ptr(), self.handle, 0) };
            if rc >= 0 {
                return Ok(());
            }
            repeat_if_interrupted(Error::last("zmq_msg_recv"))?;
        }
    }

    /// Waits up to `timeout` until the socket is ready; says whether it is.
    pub fn poll(&self, wait: Wait, timeout: Duration) -> Result<bool, Error> {
        let mut item = ffi::PollItem {
            socket: self.handle,
            fd: 0,
            events: match wait {
                Wait::In => ffi::POLLIN,
                Wait::Out => ffi::POLLOUT,
            },
            revents: 0,
        };
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: one valid item.
        let rc = unsafe { ffi::zmq_poll(&mut item, 1, millis.into()) };
        if rc < 0 {
            repeat_if_interrupted(Error::last("zmq_poll"))?;
        }
        Ok(rc > 0)
    }

    fn set_raw(&self, number: i32, value: &[u8]) -> Result<(), Error> {
        // SAFETY: a live socket; libzmq copies `len` bytes before it returns.
        check("zmq_setsockopt", unsafe {
            ffi::zmq_setsockopt(self.handle, number, value.as_ptr().cast(), value.len())
        })
    }

    fn last_endpoint(&self) -> Result<String, Error> {
        const LAST_ENDPOINT: c_int = 32;
        let mut buffer = [0u8; 512];
        let mut len = buffer.len();
        // SAFETY: `len` says how much room `buffer` has.
        check("zmq_getsockopt", unsafe {
            ffi::zmq_getsockopt(
                self.handle,
                LAST_ENDPOINT,
                buffer.as_mut_ptr().cast(),
                &mut len,
            )
        })?;
        let text = &buffer[..len.saturating_sub(1).min(buffer.len())];
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // SAFETY: the handle is live and not used again.
        unsafe { ffi::zmq_close(self.handle) };
    }
}

fn check(call: &'static str, rc: c_int) -> Result<(), Error> {
    match rc {
        0 => Ok(()),
        _ => Err(Error::last(call)),
    }
}

fn repeat_if_interrupted(error: Error) -> Result<(), Error> {
    match error.interrupted() {
        true => Ok(()),
        false => Err(error),
    }
}

fn c_string(call: &'static str, text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| Error::argument(call, format!("{text:?} has a NUL in it")))
}
