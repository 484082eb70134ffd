//! What peers cost that have not been let in, or may never be: in bytes, as the
//! allocator counts them, and in timers. One test for each mechanism and end, in a
//! process of its own, as the counting is for the whole of it.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use testkit::{eventually, own_process, wire};
use zincmq::options::opt;
use zincmq::security::{AuthRequest, KeyPair, SecretKey, Verdict};
use zincmq::{Context, Socket, SocketType};

struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

const PEERS: usize = 500;
const MOST: usize = 64 * 1024;
const LIMIT: Duration = Duration::from_secs(60);

fn keys(byte: u8) -> KeyPair {
    KeyPair::from(SecretKey::from_bytes([byte; 32]))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Null,
    Plain,
    Curve,
}

impl Mechanism {
    fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Plain => "PLAIN",
            Self::Curve => "CURVE",
        }
    }

    fn set(self, socket: &Socket, server: bool) {
        match (self, server) {
            (Self::Null, _) => {}
            (Self::Plain, true) => socket.set(opt::PlainServer(true)).unwrap(),
            (Self::Plain, false) => {
                socket.set(opt::PlainUsername("admin".into())).unwrap();
                socket.set(opt::PlainPassword("secret".into())).unwrap();
            }
            (Self::Curve, true) => {
                socket.set(opt::CurveServer(true)).unwrap();
                socket
                    .set(opt::CurveSecretKey(keys(4).secret().clone()))
                    .unwrap();
            }
            (Self::Curve, false) => {
                socket.set(opt::CurveServerKey(*keys(4).public())).unwrap();
                socket.set(opt::CurvePublicKey(*keys(3).public())).unwrap();
                socket
                    .set(opt::CurveSecretKey(keys(3).secret().clone()))
                    .unwrap();
            }
        }
    }
}

/// What peers say and then stop: nothing, some of a greeting, all of it, and in front of
/// a frame of 32,000 bytes that comes in part, or all but the last byte.
fn openings(mechanism: Mechanism, server: bool) -> Vec<(&'static str, Vec<u8>)> {
    let greeting = wire::greeting(1, mechanism.name(), server);
    let mut claim = greeting.clone();
    claim.extend_from_slice(b"\x06\0\0\0\0\0\0\x7d\x00\x05HELLO");
    let mut flood = claim.clone();
    flood.resize(greeting.len() + 9 + 31_999, b'x');
    let mut beyond = greeting.clone();
    beyond.extend_from_slice(b"\x06\0\0\0\0\x40\0\0\0");
    beyond.resize(200_000, b'x');
    vec![
        ("silence", Vec::new()),
        ("half a greeting", greeting[..11].to_vec()),
        ("a greeting", greeting),
        ("a claim", claim),
        ("a claim and its bytes", flood),
        (BEYOND, beyond),
    ]
}

/// What nobody waits for.
const BEYOND: &str = "a GiB claimed, and some of it";

/// Bytes held for each of the peers that `come` makes, while they are there.
fn held_for_each<T>(what: &str, come: impl FnOnce() -> Vec<T>, settled: impl Fn() -> bool) {
    let before = BYTES.load(Relaxed);
    let peers = come();
    eventually(what, settled);
    // What is read, is read.
    let mut last = 0;
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(20));
        let now = BYTES.load(Relaxed);
        if now == last {
            break;
        }
        last = now;
    }
    let held = BYTES.load(Relaxed).saturating_sub(before) / PEERS;
    println!("{what}: {held} bytes each");
    assert!(held <= MOST, "{what}: {held} bytes for each peer");
    drop(peers);
}

/// A listening socket that lets nobody in, and how many peers it has met.
struct Server {
    context: Context,
    socket: Socket,
    address: String,
}

impl Server {
    fn new(mechanism: Mechanism) -> Self {
        let context = Context::new();
        let socket = context.socket(SocketType::Pull).unwrap();
        mechanism.set(&socket, true);
        socket.set(opt::Backlog(1000)).unwrap();
        let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
        let address = endpoint.strip_prefix("tcp://").unwrap().to_owned();
        Self {
            context,
            socket,
            address,
        }
    }

    fn timers(&self) -> usize {
        zincmq::raw::timers(&self.context)
    }

    /// One peer to begin with, so that what is made once is there.
    fn warm_up(&self) {
        drop(TcpStream::connect(&self.address).unwrap());
        self.empty();
    }

    fn empty(&self) {
        eventually("all are gone", || self.timers() == 0);
    }
}

fn strangers_at_a_server(mechanism: Mechanism) {
    let server = Server::new(mechanism);
    server.warm_up();
    for (what, opening) in openings(mechanism, false) {
        let come = || {
            let come = |_| {
                let mut stream = TcpStream::connect(&server.address).unwrap();
                // What is beyond bounds may be cut off.
                let _ = stream.write_all(&opening);
                stream
            };
            (0..PEERS).map(come).collect()
        };
        // Who is refused is gone, the others have a timer each.
        let expected = if what == BEYOND { 0 } else { PEERS };
        held_for_each(&format!("{mechanism:?} server, {what}"), come, || {
            server.timers() == expected
        });
        server.empty();
    }
    assert!(server.socket.try_recv().is_err());
}

#[test]
fn row_02_what_strangers_cost_a_null_server() {
    let name = "row_02_what_strangers_cost_a_null_server";
    own_process(name, LIMIT, || strangers_at_a_server(Mechanism::Null));
}

#[test]
fn row_02_what_strangers_cost_a_plain_server() {
    let name = "row_02_what_strangers_cost_a_plain_server";
    own_process(name, LIMIT, || strangers_at_a_server(Mechanism::Plain));
}

#[test]
fn row_02_what_strangers_cost_a_curve_server() {
    let name = "row_02_what_strangers_cost_a_curve_server";
    own_process(name, LIMIT, || strangers_at_a_server(Mechanism::Curve));
}

/// Goes as far with a server as it can without being let in, with as much metadata as
/// the handshake has room for; may say more then than is read.
fn come_and_wait(address: &str, mechanism: Mechanism, says_more: bool) -> TcpStream {
    let mut config = zmtp::Config::new(SocketType::Push);
    match mechanism {
        Mechanism::Null => {}
        Mechanism::Plain => {
            let login = zmtp::Login::new(vec![b'u'; 255], vec![b'p'; 255]).unwrap();
            config.security = zmtp::Security::PlainClient(login);
        }
        Mechanism::Curve => {
            let client = zmtp::CurveClient::new(&keys(3), *keys(4).public());
            config.security = zmtp::Security::CurveClient(client);
            // As many as are taken, and as long as is taken.
            let room = zmtp::Engine::MAX_HANDSHAKE as usize - 1000;
            let each = room / 250;
            config.properties = (0..250)
                .map(|index| (format!("X-{index:03}"), vec![b'v'; each - 5 - 4]))
                .collect();
        }
    }
    let now = std::time::Instant::now();
    let mut engine = zmtp::Engine::new(config, now);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(testkit::PATIENCE)).unwrap();
    let mut input = Vec::new();
    let mut sent = 0;
    // Greeting, HELLO and INITIATE; of READY nothing comes.
    let last = if mechanism == Mechanism::Curve {
        20_000
    } else {
        64
    };
    loop {
        let mut out = Vec::new();
        engine.transmit(&mut out);
        stream.write_all(&out).unwrap();
        sent += out.len();
        let (used, event) = engine.step(&input, now).unwrap();
        if let zmtp::Event::NeedMore { .. } = event {
            if sent > last {
                break;
            }
            let mut buffer = [0; 4096];
            let n = stream.read(&mut buffer).unwrap();
            assert!(n > 0, "closed in the handshake");
            input.extend_from_slice(&buffer[..n]);
        }
        input.drain(..used);
    }
    stream.set_nonblocking(true).unwrap();
    if says_more {
        let _ = stream.write(&[b'x'; 100_000]);
    }
    stream
}

/// Puts whoever judges to a server; what has to stay for that.
type Judge<'a> = &'a dyn Fn(&Server) -> Option<Socket>;

/// With an authenticator that takes its time, and with a handler of ZAP.
fn applicants_at_a_server(mechanism: Mechanism) {
    let zap = |server: &Server| {
        let handler = server.context.socket(SocketType::Router).unwrap();
        handler.set(opt::ReceiveHighWaterMark(0)).unwrap();
        handler.bind("inproc://zeromq.zap.01").unwrap();
        Some(handler)
    };
    let sleepy = |server: &Server| {
        server.context.set_authenticator(|_: &AuthRequest| {
            std::thread::sleep(LIMIT);
            Verdict::accept("")
        });
        None
    };
    let servers: [(&str, Judge<'_>); 2] =
        [("a handler of ZAP", &zap), ("an authenticator", &sleepy)];
    for (whom, judge) in servers {
        let server = Server::new(mechanism);
        if mechanism == Mechanism::Null {
            server.socket.set(opt::ZapDomain("all".into())).unwrap();
        }
        // With the domain, for what comes from here on.
        let endpoint = server.socket.bind("tcp://127.0.0.1:*").unwrap();
        let address = endpoint.strip_prefix("tcp://").unwrap();
        let handler = judge(&server);
        server.warm_up();
        drop(come_and_wait(address, mechanism, false));
        server.empty();
        held_for_each(
            &format!("{mechanism:?} server, waiting for {whom}"),
            || {
                (0..PEERS)
                    .map(|_| come_and_wait(address, mechanism, true))
                    .collect()
            },
            || server.timers() == PEERS,
        );
        drop(handler);
        std::mem::forget(server);
    }
}

#[test]
fn row_02_what_applicants_cost_a_null_server() {
    let name = "row_02_what_applicants_cost_a_null_server";
    own_process(name, LIMIT, || applicants_at_a_server(Mechanism::Null));
}

#[test]
fn row_02_what_applicants_cost_a_plain_server() {
    let name = "row_02_what_applicants_cost_a_plain_server";
    own_process(name, LIMIT, || applicants_at_a_server(Mechanism::Plain));
}

#[test]
fn row_02_what_applicants_cost_a_curve_server() {
    let name = "row_02_what_applicants_cost_a_curve_server";
    own_process(name, LIMIT, || applicants_at_a_server(Mechanism::Curve));
}

/// A socket that dials so many servers, none of which is one.
fn hostile_servers(mechanism: Mechanism) {
    for (what, opening) in openings(mechanism, true) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        let context = Context::new();
        let socket = context.socket(SocketType::Push).unwrap();
        mechanism.set(&socket, false);
        socket.set(opt::Linger(Some(Duration::ZERO))).unwrap();
        socket.set(opt::ReconnectInterval(None)).unwrap();
        socket.connect("tcp://127.0.0.1:9").unwrap();
        let come = || {
            let come = |_| {
                socket.connect(&endpoint).unwrap();
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.write_all(&opening);
                stream
            };
            (0..PEERS).map(come).collect()
        };
        let expected = if what == BEYOND { 0 } else { PEERS };
        held_for_each(&format!("{mechanism:?} client, {what}"), come, || {
            zincmq::raw::timers(&context) == expected
        });
    }
}

#[test]
fn row_02_what_hostile_servers_cost_a_null_client() {
    let name = "row_02_what_hostile_servers_cost_a_null_client";
    own_process(name, LIMIT, || hostile_servers(Mechanism::Null));
}

#[test]
fn row_02_what_hostile_servers_cost_a_plain_client() {
    let name = "row_02_what_hostile_servers_cost_a_plain_client";
    own_process(name, LIMIT, || hostile_servers(Mechanism::Plain));
}

#[test]
fn row_02_what_hostile_servers_cost_a_curve_client() {
    let name = "row_02_what_hostile_servers_cost_a_curve_client";
    own_process(name, LIMIT, || hostile_servers(Mechanism::Curve));
}
