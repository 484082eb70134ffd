//! A context, a transport and a way to wait: what a case runs in.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_lite::future;
use smol::Timer;
use zincmq::error::{RecvError, SendError};
use zincmq::{Context, ContextOptions, Multipart, Socket, SocketType};

/// Nothing that works takes as long as this.
pub const LIMIT: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Inproc,
    Ipc,
    Tcp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Blocking,
    Async,
}

pub struct World {
    pub ctx: Context,
    pub transport: Transport,
    pub mode: Mode,
    directory: tempfile::TempDir,
}

impl World {
    pub fn new(transport: Transport, mode: Mode) -> Self {
        Self {
            // A case that ends early must not wait for what it has queued.
            ctx: Context::with_options(ContextOptions::default().blocky(false)),
            transport,
            mode,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub fn socket(&self, socket_type: SocketType) -> Socket {
        self.ctx.socket(socket_type).unwrap()
    }

    /// Binds to an endpoint of its own and tells it.
    pub fn bind(&self, socket: &Socket) -> String {
        let endpoint = match self.transport {
            Transport::Tcp => "tcp://127.0.0.1:*".to_owned(),
            _ => self.free_endpoint(),
        };
        socket.bind(&endpoint).unwrap()
    }

    /// An endpoint nobody has bound.
    pub fn free_endpoint(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        match self.transport {
            Transport::Inproc => format!("inproc://case-{number}"),
            Transport::Ipc => format!("ipc://{}/{number}", self.directory.path().display()),
            Transport::Tcp => {
                let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                format!("tcp://{}", listener.local_addr().unwrap())
            }
        }
    }

    /// A bound socket and one that is connected to it.
    pub fn join(&self, bound: SocketType, connected: SocketType) -> (Socket, Socket) {
        let bound = self.socket(bound);
        let connected = self.socket(connected);
        connected.connect(&self.bind(&bound)).unwrap();
        (bound, connected)
    }

    pub fn try_send(
        &self,
        socket: &Socket,
        message: impl Into<Multipart>,
        limit: Duration,
    ) -> Option<Result<(), SendError>> {
        match self.mode {
            Mode::Blocking => match socket.send_timeout(message, limit) {
                Err(error) if error.failure() == zincmq::error::SendFailure::TimedOut => None,
                other => Some(other),
            },
            Mode::Async => within(socket.send_async(message), limit),
        }
    }

    pub fn try_recv(
        &self,
        socket: &Socket,
        limit: Duration,
    ) -> Option<Result<Multipart, RecvError>> {
        match self.mode {
            Mode::Blocking => match socket.recv_timeout(limit) {
                Err(RecvError::TimedOut) => None,
                other => Some(other),
            },
            Mode::Async => within(socket.recv_async(), limit),
        }
    }

    pub fn send(&self, socket: &Socket, message: impl Into<Multipart>) {
        match self.try_send(socket, message, LIMIT) {
            Some(result) => result.unwrap(),
            None => panic!("{socket:?} does not send"),
        }
    }

    pub fn recv(&self, socket: &Socket) -> Multipart {
        match self.try_recv(socket, LIMIT) {
            Some(result) => result.unwrap(),
            None => panic!("{socket:?} receives nothing"),
        }
    }

    /// Nothing comes, as far as a short wait can tell.
    pub fn recv_nothing(&self, socket: &Socket) {
        let received = self.try_recv(socket, Duration::from_millis(30));
        assert!(received.is_none(), "{received:?}");
    }
}

/// What `future` comes to within `limit`.
pub fn within<T>(work: impl Future<Output = T>, limit: Duration) -> Option<T> {
    smol::block_on(future::or(async { Some(work.await) }, async {
        Timer::after(limit).await;
        None
    }))
}

/// Waits for something that has no event of its own.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until a publisher knows so many topics.
pub fn topics(publisher: &Socket, count: i32) {
    eventually("the subscriptions arrive", || {
        publisher.option_by_name("TOPICS_COUNT").unwrap() == count.into()
    });
}

/// The parts as text.
pub fn text(message: &Multipart) -> Vec<String> {
    message.iter().map(|part| part.to_text()).collect()
}
