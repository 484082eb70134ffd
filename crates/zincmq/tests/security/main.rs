//! Mechanisms and authenticators over real connections: who gets in, who does
//! not and hears why, and what a peer that is not let in can do meanwhile. The
//! rows are those of the project's list of faults.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

mod access_rules;
mod admission;
mod downgrade;
mod engine_client;
mod hostile;
mod key_directory;
#[cfg(feature = "password-file")]
mod password_file;
mod pressure;
mod revocation;
mod settings;
mod traffic;
mod zap;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use testkit::{Deadline, PATIENCE};
use zincmq::monitor::{Event, EventKind, Monitor};
use zincmq::options::opt;
use zincmq::security::{AuthRequest, Credentials, KeyPair, SecretKey, Verdict};
use zincmq::{Context, Socket, SocketType};

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(60))
}

/// A pair of keys, always the same for the same byte.
fn keys(byte: u8) -> KeyPair {
    KeyPair::from(SecretKey::from_bytes([byte; 32]))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Null,
    Plain,
    Curve,
}

use Mechanism::{Curve, Null, Plain};

const ALL: [Mechanism; 3] = [Null, Plain, Curve];

impl Mechanism {
    /// Makes the socket a server; with NULL, one that asks.
    fn serve(self, socket: &Socket) {
        match self {
            Null => socket.set(opt::ZapDomain("global".into())).unwrap(),
            Plain => socket.set(opt::PlainServer(true)).unwrap(),
            Curve => {
                socket.set(opt::CurveServer(true)).unwrap();
                let secret = keys(4).secret().clone();
                socket.set(opt::CurveSecretKey(secret)).unwrap();
            }
        }
    }

    /// Makes the socket a client.
    fn call(self, socket: &Socket) {
        match self {
            Null => {}
            Plain => {
                socket.set(opt::PlainUsername("admin".into())).unwrap();
                socket.set(opt::PlainPassword("secret".into())).unwrap();
            }
            Curve => {
                socket.set(opt::CurveServerKey(*keys(4).public())).unwrap();
                socket.set(opt::CurvePublicKey(*keys(3).public())).unwrap();
                let secret = keys(3).secret().clone();
                socket.set(opt::CurveSecretKey(secret)).unwrap();
            }
        }
    }

    /// What such a client shows.
    fn is_shown(self, request: &AuthRequest) -> bool {
        match request.credentials() {
            Credentials::Null => self == Null,
            Credentials::Plain { username, password } => {
                self == Plain && (username, password) == (b"admin", b"secret")
            }
            Credentials::Curve { public_key } => self == Curve && public_key == keys(3).public(),
            _ => false,
        }
    }
}

/// A server, its monitor and the requests its authenticator has seen. The
/// sockets close before their context.
struct Server {
    socket: Socket,
    endpoint: String,
    monitor: Monitor,
    asked: Arc<Mutex<Vec<AuthRequest>>>,
    context: Context,
}

impl Server {
    /// One that answers as `judge` says, or has nobody to ask.
    fn new(
        mechanism: Mechanism,
        socket_type: SocketType,
        judge: Option<fn(&AuthRequest) -> Verdict>,
    ) -> Self {
        let context = Context::new();
        let asked = Arc::new(Mutex::new(Vec::new()));
        if let Some(judge) = judge {
            let asked = Arc::clone(&asked);
            context.set_authenticator(move |request: &AuthRequest| {
                asked.lock().unwrap().push(request.clone());
                judge(request)
            });
        }
        let socket = context.socket(socket_type).unwrap();
        mechanism.serve(&socket);
        let monitor = socket.monitor();
        let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
        Self {
            socket,
            endpoint,
            monitor,
            asked,
            context,
        }
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// A client of another context, connected, and its monitor.
    fn client(&self, mechanism: Mechanism, socket_type: SocketType) -> (Socket, Monitor) {
        let client = Context::new().socket(socket_type).unwrap();
        mechanism.call(&client);
        client.set(opt::Linger(Some(Duration::ZERO))).unwrap();
        let monitor = client.monitor();
        client.connect(&self.endpoint).unwrap();
        (client, monitor)
    }
}

fn let_in(_: &AuthRequest) -> Verdict {
    Verdict::accept("somebody")
}

#[track_caller]
fn await_event(monitor: &mut Monitor, wanted: impl Fn(&EventKind) -> bool) -> Event {
    let end = Instant::now() + PATIENCE;
    let mut others = Vec::new();
    while let Some(event) = monitor.next_timeout(end.saturating_duration_since(Instant::now())) {
        if wanted(&event.kind) {
            return event;
        }
        others.push(event.kind);
    }
    panic!("the event did not come, only {others:?}");
}

/// The next failed handshake: its code and why.
#[track_caller]
fn await_failure(monitor: &mut Monitor) -> (Option<u32>, String) {
    let (code, _, _, reason) = await_failed_handshake(monitor);
    (code, reason)
}

/// The next denial: its status.
#[track_caller]
fn await_denial(monitor: &mut Monitor) -> u16 {
    let (code, status, _, reason) = await_failed_handshake(monitor);
    assert_eq!(code, None);
    status.unwrap_or_else(|| panic!("{reason}"))
}

/// The next failed handshake: code, status, errno and why.
#[track_caller]
fn await_failed_handshake(monitor: &mut Monitor) -> (Option<u32>, Option<u16>, i32, String) {
    let failed = |kind: &EventKind| matches!(kind, EventKind::HandshakeFailed { .. });
    match await_event(monitor, failed).kind {
        EventKind::HandshakeFailed {
            code,
            status,
            errno,
            reason,
        } => (code, status, errno, reason),
        other => panic!("{other:?}"),
    }
}
