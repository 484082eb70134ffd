//! A peer that does what the test says, one step at a time.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use crate::stream::Stream;
use crate::wire::{self, Frame, Version};
use crate::{PATIENCE, Random};

/// The raw other end of a ZMTP connection.
///
/// Each step either does what it says within [`PATIENCE`] (or
/// [`set_patience`](ScriptedPeer::set_patience)) or fails the test. Dropping
/// it closes the connection.
#[derive(Debug)]
pub struct ScriptedPeer {
    stream: Stream,
    version: Version,
    patience: Duration,
}

/// What the other end said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// Its greeting, from the signature on; of 1.0, the signature only.
    pub greeting: Vec<u8>,
    /// Its routing id, in the frame before 3.0 or the property since; `None`
    /// if it has no such property.
    pub routing_id: Option<Vec<u8>>,
    /// The properties of its READY, in order.
    pub properties: Vec<(String, Vec<u8>)>,
}

impl Handshake {
    /// The property `name`.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&[u8]> {
        self.properties
            .iter()
            .find(|(each, _)| each == name)
            .map(|(_, value)| value.as_slice())
    }
}

impl ScriptedPeer {
    /// Connects to an endpoint of tcp or ipc, with nothing said yet.
    ///
    /// # Panics
    ///
    /// If nobody listens there.
    #[must_use]
    #[track_caller]
    pub fn connect(endpoint: &str) -> Self {
        match Stream::connect(endpoint) {
            Ok(stream) => Self::over(stream),
            Err(error) => panic!("cannot connect to {endpoint}: {error}"),
        }
    }

    /// Connects and shakes hands.
    #[must_use]
    #[track_caller]
    pub fn connect_as(endpoint: &str, version: Version, socket_type: &str) -> Self {
        let mut peer = Self::connect(endpoint);
        peer.shake_hands(version, socket_type, b"");
        peer
    }

    fn over(stream: Stream) -> Self {
        let peer = Self {
            stream,
            version: Version::V3_1,
            patience: PATIENCE,
        };
        peer.set_write_limit();
        peer
    }

    /// Lets every step take so long.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
        self.set_write_limit();
    }

    /// Makes the kernel keep little for a peer that does not read.
    ///
    /// # Panics
    ///
    /// If the system refuses.
    pub fn set_receive_buffer(&self, bytes: usize) {
        let set = self.stream.set_receive_buffer(bytes);
        set.expect("a receive buffer can be set");
    }

    fn set_write_limit(&self) {
        let set = self.stream.set_write_timeout(self.patience);
        set.expect("a stream takes a timeout");
    }

    /// Greets and introduces itself in `version`, and hears the other end out.
    #[track_caller]
    pub fn shake_hands(
        &mut self,
        version: Version,
        socket_type: &str,
        routing_id: &[u8],
    ) -> Handshake {
        let greeting = self.greet(version, socket_type);
        self.introduce(socket_type, routing_id, greeting)
    }

    /// Exchanges greetings, and returns the other end's. Of 1.0 there is none
    /// to send; the other end's is what it thinks one.
    ///
    /// Takes turns as the staged greeting wants it: nothing more is sent
    /// before the other end has answered to the last piece.
    #[track_caller]
    pub fn greet(&mut self, version: Version, socket_type: &str) -> Vec<u8> {
        self.version = version;
        let number = wire::type_number(socket_type);
        let ours = match version {
            Version::V1Unversioned => return self.read(10),
            Version::V1Revision0 => wire::old_greeting(0, number),
            Version::V2_0 => wire::old_greeting(1, number),
            Version::V3_0 => wire::greeting(0, "NULL", false),
            Version::V3_1 => wire::greeting(1, "NULL", false),
        };
        let mut theirs = self.read(10);
        self.send(&ours[..10]);
        theirs.extend(self.read(1));
        self.send(&ours[10..11]);
        theirs.extend(self.read(if version.has_handshake() { 53 } else { 1 }));
        self.send(&ours[11..]);
        theirs
    }

    #[track_caller]
    fn introduce(&mut self, socket_type: &str, routing_id: &[u8], greeting: Vec<u8>) -> Handshake {
        match self.version {
            Version::V1Unversioned => {
                self.send_frame(false, routing_id);
                // The greeting was the header of a long frame.
                let len = greeting[1..9]
                    .iter()
                    .fold(0, |len, byte| len << 8 | *byte as usize);
                Handshake {
                    greeting,
                    routing_id: Some(self.read(len - 1)),
                    properties: Vec::new(),
                }
            }
            Version::V1Revision0 | Version::V2_0 => {
                self.send_frame(false, routing_id);
                Handshake {
                    greeting,
                    routing_id: Some(self.read_frame().payload),
                    properties: Vec::new(),
                }
            }
            Version::V3_0 | Version::V3_1 => {
                self.send(&wire::ready(socket_type, routing_id));
                let properties = self.read_ready();
                let routing_id = properties
                    .iter()
                    .find(|(name, _)| name == "Identity")
                    .map(|(_, value)| value.clone());
                Handshake {
                    greeting,
                    routing_id,
                    properties,
                }
            }
        }
    }

    /// Reads READY and takes it apart.
    #[track_caller]
    pub fn read_ready(&mut self) -> Vec<(String, Vec<u8>)> {
        let frame = self.read_frame();
        let Some((b"READY", mut rest)) = frame.as_command() else {
            panic!("READY expected, not {frame:?}");
        };
        let mut properties = Vec::new();
        let mut take = |len: usize| {
            let (head, tail) = rest.split_at_checked(len).expect("metadata is whole");
            rest = tail;
            (head.to_vec(), tail.is_empty())
        };
        loop {
            let (len, _) = take(1);
            let (name, _) = take(usize::from(len[0]));
            let (len, _) = take(4);
            let len = len.iter().fold(0, |len, byte| len << 8 | *byte as usize);
            let (value, last) = take(len);
            properties.push((String::from_utf8_lossy(&name).into_owned(), value));
            if last {
                return properties;
            }
        }
    }

    /// Sends bytes, whatever they mean.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        if let Err(error) = self.try_send(bytes) {
            panic!("cannot send {} bytes: {error}", bytes.len());
        }
    }

    /// Sends bytes to a peer that may hang up meanwhile.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends bytes one at a time with a pause after each. Ends early if the
    /// peer hangs up, and tells how many went.
    pub fn dribble(&mut self, bytes: &[u8], pause: Duration) -> usize {
        for (index, byte) in bytes.iter().enumerate() {
            if self.try_send(&[*byte]).is_err() {
                return index;
            }
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
        }
        bytes.len()
    }

    /// Sends `len` bytes without meaning, the same for the same `seed`. The
    /// peer may hang up meanwhile.
    pub fn send_garbage(&mut self, seed: u64, len: usize) {
        let _ = self.try_send(&Random::new(seed).bytes(len));
    }

    /// Sends one message frame.
    #[track_caller]
    pub fn send_frame(&mut self, more: bool, payload: &[u8]) {
        let bytes = wire::frame(self.version, more, payload);
        self.send(&bytes);
    }

    /// Sends one message.
    #[track_caller]
    pub fn send_message(&mut self, parts: &[&[u8]]) {
        let bytes = wire::message(self.version, parts);
        self.send(&bytes);
    }

    /// Sends one command.
    #[track_caller]
    pub fn send_command(&mut self, name: &str, data: &[u8]) {
        self.send(&wire::command(name, data));
    }

    /// Subscribes, in the form of the version it greeted in.
    #[track_caller]
    pub fn subscribe(&mut self, topic: &[u8]) {
        let bytes = wire::subscribe(self.version, topic);
        self.send(&bytes);
    }

    /// Ends a subscription, in the form of the version it greeted in.
    #[track_caller]
    pub fn cancel(&mut self, topic: &[u8]) {
        let bytes = wire::cancel(self.version, topic);
        self.send(&bytes);
    }

    /// Reads exactly so many bytes.
    #[track_caller]
    pub fn read(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let mut filled = 0;
        let end = Instant::now() + self.patience;
        while filled < len {
            match self.read_some(&mut bytes[filled..], end) {
                Ok(0) => panic!(
                    "the peer closed after {filled} of {len} bytes: {}",
                    bytes[..filled].escape_ascii()
                ),
                Ok(n) => filled += n,
                Err(error) => panic!(
                    "{error} after {filled} of {len} bytes: {}",
                    bytes[..filled].escape_ascii()
                ),
            }
        }
        bytes
    }

    /// Reads one frame in the framing of the version it greeted in.
    #[track_caller]
    pub fn read_frame(&mut self) -> Frame {
        let first = self.read(1)[0];
        let long = |bytes: Vec<u8>| {
            bytes
                .iter()
                .fold(0, |len, byte| len << 8 | u64::from(*byte))
        };
        let (flags, len) = if self.version.has_old_framing() {
            let len = match first {
                0xff => long(self.read(8)),
                short => u64::from(short),
            };
            let len = len.checked_sub(1).expect("a 1.0 size counts the flags");
            (self.read(1)[0], len)
        } else {
            let len = match first & 2 {
                0 => u64::from(self.read(1)[0]),
                _ => long(self.read(8)),
            };
            (first, len)
        };
        assert!(len < 1 << 30, "a frame of {len} bytes");
        Frame {
            more: flags & 1 != 0,
            command: flags & 4 != 0 && !self.version.has_old_framing(),
            payload: self.read(len as usize),
        }
    }

    /// Reads one message, and its parts only.
    #[track_caller]
    pub fn read_message(&mut self) -> Vec<Vec<u8>> {
        let mut parts = Vec::new();
        loop {
            let frame = self.read_frame();
            assert!(!frame.command, "a message expected, not {frame:?}");
            parts.push(frame.payload);
            if !frame.more {
                return parts;
            }
        }
    }

    /// Expects these very bytes next.
    #[track_caller]
    pub fn expect(&mut self, expected: &[u8]) {
        let bytes = self.read(expected.len());
        assert!(
            bytes == expected,
            "expected {}\ngot      {}",
            expected.escape_ascii(),
            bytes.escape_ascii()
        );
    }

    /// Expects this very message next.
    #[track_caller]
    pub fn expect_message(&mut self, parts: &[&[u8]]) {
        assert_eq!(self.read_message(), parts);
    }

    /// Expects this very command next, and returns its data.
    #[track_caller]
    pub fn expect_command(&mut self, name: &str) -> Vec<u8> {
        let frame = self.read_frame();
        match frame.as_command() {
            Some((got, data)) if got == name.as_bytes() => data.to_vec(),
            _ => panic!("{name} expected, not {frame:?}"),
        }
    }

    /// Expects silence for so long.
    #[track_caller]
    pub fn expect_silence(&mut self, span: Duration) {
        let mut byte = [0];
        match self.read_some(&mut byte, Instant::now() + span) {
            Ok(0) => panic!("silence expected, not the end"),
            Ok(_) => panic!("silence expected, not byte {}", byte.escape_ascii()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}"),
        }
    }

    /// Expects that the peer closes or resets the connection, reads and drops
    /// what comes before that, and returns it.
    #[track_caller]
    pub fn expect_close(&mut self) -> Vec<u8> {
        let end = Instant::now() + self.patience;
        let mut rest = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.read_some(&mut buffer, end) {
                Ok(0) => return rest,
                Ok(n) => rest.extend_from_slice(&buffer[..n]),
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    panic!("the peer did not close, after {} bytes more", rest.len());
                }
                Err(_) => return rest,
            }
        }
    }

    /// Ends the connection in good order, whatever was left unsaid.
    pub fn close(self) {
        drop(self);
    }

    /// Says no more, and still reads.
    pub fn stop_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        let _ = self.stream.reset_on_close();
    }

    /// Reads what is there; `TimedOut` once `end` has come.
    fn read_some(&mut self, buffer: &mut [u8], end: Instant) -> std::io::Result<usize> {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(left)?;
            match self.stream.read(buffer) {
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                other => return other,
            }
        }
    }
}

/// Where scripted peers wait to be connected to.
#[derive(Debug)]
pub struct PeerListener {
    listener: Listening,
    endpoint: String,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl PeerListener {
    /// Listens on a free port of the loopback interface.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn tcp() -> Self {
        Self::tcp_at("tcp://127.0.0.1:0")
    }

    /// An endpoint where nobody listens yet, and nobody will by chance: on an
    /// address of the loopback network that no test gets a free port of.
    ///
    /// # Panics
    ///
    /// If the system has no port left.
    #[must_use]
    pub fn unused_endpoint() -> String {
        Self::tcp_at("tcp://127.0.0.77:0").endpoint
    }

    /// Listens at `endpoint`, such as `tcp://127.0.0.1:5555`.
    ///
    /// # Panics
    ///
    /// If it is taken.
    #[must_use]
    #[track_caller]
    pub fn tcp_at(endpoint: &str) -> Self {
        let address = endpoint.strip_prefix("tcp://").unwrap_or(endpoint);
        let listener = match TcpListener::bind(address) {
            Ok(listener) => listener,
            Err(error) => panic!("cannot listen at {address}: {error}"),
        };
        let local = listener.local_addr().expect("a listener has an address");
        Self {
            listener: Listening::Tcp(listener),
            endpoint: format!("tcp://{local}"),
        }
    }

    /// Listens at an abstract unix name that nobody else has.
    ///
    /// # Panics
    ///
    /// If it is taken all the same.
    #[must_use]
    pub fn unix() -> Self {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::SocketAddr;
        use std::sync::atomic::{AtomicU32, Ordering};

        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("testkit-{}-{number}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a short name is one");
        let listener = UnixListener::bind_addr(&address).expect("a fresh name is free");
        Self {
            listener: Listening::Unix(listener),
            endpoint: format!("ipc://@{name}"),
        }
    }

    /// Where to connect to.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The next peer that connects.
    ///
    /// # Panics
    ///
    /// If none comes in time.
    #[must_use]
    #[track_caller]
    pub fn accept(&self) -> ScriptedPeer {
        match self.try_accept(PATIENCE) {
            Some(peer) => peer,
            None => panic!("nobody connected to {}", self.endpoint),
        }
    }

    /// The next peer that connects within `limit`.
    ///
    /// # Panics
    ///
    /// If the system refuses.
    #[must_use]
    pub fn try_accept(&self, limit: Duration) -> Option<ScriptedPeer> {
        let end = Instant::now() + limit;
        self.set_nonblocking();
        loop {
            let accepted = match &self.listener {
                Listening::Tcp(listener) => listener.accept().map(|(stream, _)| {
                    let _ = stream.set_nonblocking(false);
                    let _ = stream.set_nodelay(true);
                    Stream::Tcp(stream)
                }),
                Listening::Unix(listener) => listener.accept().map(|(stream, _)| {
                    let _ = stream.set_nonblocking(false);
                    Stream::Unix(stream)
                }),
            };
            match accepted {
                Ok(stream) => return Some(ScriptedPeer::over(stream)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("cannot accept: {error}"),
            }
            if Instant::now() > end {
                return None;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The next peer that connects, with its hands shaken.
    #[must_use]
    #[track_caller]
    pub fn accept_as(&self, version: Version, socket_type: &str) -> ScriptedPeer {
        let mut peer = self.accept();
        peer.shake_hands(version, socket_type, b"");
        peer
    }

    fn set_nonblocking(&self) {
        let set = match &self.listener {
            Listening::Tcp(listener) => listener.set_nonblocking(true),
            Listening::Unix(listener) => listener.set_nonblocking(true),
        };
        set.expect("a listener can be made non-blocking");
    }
}
