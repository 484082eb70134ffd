//! Peers that break the protocol, stall, lie about sizes or come in crowds.
//! Each costs its own connection and nobody else's, and the monitor hears of
//! it. The rows are those of the project's list of faults.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use testkit::{
    Deadline, PATIENCE, PeerListener, Random, ScriptedPeer, Version, eventually, own_process,
    resident_bytes, wire,
};
use zincmq::monitor::{Event, EventKind, Monitor};
use zincmq::options::{OptionValue, opt};
use zincmq::{Context, Multipart, Socket, SocketType};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(30))
}

/// A bound socket under attack, its monitor, and an honest peer of it.
struct Siege {
    socket: Socket,
    endpoint: String,
    monitor: Monitor,
    honest: Socket,
    rounds: u32,
    // Last, so that the sockets close first.
    _context: Context,
}

impl Siege {
    /// Of a PULL, which takes what comes.
    fn of_pull(configure: impl Fn(&Socket)) -> Self {
        let siege = Self::new(SocketType::Pull, SocketType::Push, configure);
        siege.with_honest_peer()
    }

    fn new(ours: SocketType, honest: SocketType, configure: impl Fn(&Socket)) -> Self {
        let context = Context::new();
        let socket = context.socket(ours).unwrap();
        configure(&socket);
        let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
        let monitor = socket.monitor();
        let honest = context.socket(honest).unwrap();
        Self {
            socket,
            endpoint,
            monitor,
            honest,
            rounds: 0,
            _context: context,
        }
    }

    fn with_honest_peer(mut self) -> Self {
        self.honest.connect(&self.endpoint).unwrap();
        self.await_event(|kind| *kind == EventKind::HandshakeSucceeded);
        self.check_honest_peer();
        self
    }

    /// What the honest peer pushes arrives, whatever else does.
    fn check_honest_peer(&mut self) {
        self.rounds += 1;
        let token = format!("honest {}", self.rounds);
        self.honest.send_timeout(token.as_str(), PATIENCE).unwrap();
        while self.socket.recv_timeout(PATIENCE).unwrap()[0] != token.as_str() {}
    }

    fn connect_as_push(&self) -> ScriptedPeer {
        ScriptedPeer::connect_as(&self.endpoint, Version::V3_1, "PUSH")
    }

    fn await_event(&mut self, wanted: impl Fn(&EventKind) -> bool) -> Event {
        await_event(&mut self.monitor, wanted)
    }

    /// The connection ended, after its handshake, for a reason that says so.
    fn await_disconnect(&mut self, why: &str) -> Event {
        let event = self.await_event(|kind| matches!(kind, EventKind::Disconnected { .. }));
        match &event.kind {
            EventKind::Disconnected { reason } if reason.contains(why) => event,
            other => panic!("a disconnect for `{why}` expected, not {other:?}"),
        }
    }

    /// The connection ended, before its handshake, for a reason that says so.
    fn await_failed_handshake(&mut self, why: &str) {
        let event = self.await_event(|kind| matches!(kind, EventKind::HandshakeFailed { .. }));
        match event.kind {
            EventKind::HandshakeFailed { reason, .. } if reason.contains(why) => {}
            other => panic!("a handshake failed for `{why}` expected, not {other:?}"),
        }
    }
}

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

fn parts<const N: usize>(parts: [&str; N]) -> Multipart {
    parts.into_iter().map(Into::into).collect()
}

fn topics(socket: &Socket) -> i32 {
    match socket.option_by_name("TOPICS_COUNT").unwrap() {
        OptionValue::Int(count) => count,
        other => panic!("a count of topics, not {other:?}"),
    }
}

#[test]
fn row_01_frame_size_2_pow_62() {
    let deadline = deadline();
    let mut siege = Siege::of_pull(|_| {});
    for version in [Version::V1Unversioned, Version::V2_0, Version::V3_1] {
        for size in [1 << 62, (1 << 62) + 1, 1 << 63, u64::MAX - 1] {
            for more in [false, true] {
                deadline.step(format!("{size} bytes, {version:?}"));
                let mut peer = ScriptedPeer::connect_as(&siege.endpoint, version, "PUSH");
                peer.send(&wire::header(version, more, size));
                peer.expect_close();
                siege.await_disconnect(&size.to_string());
            }
        }
    }
    // A command of that size is no better.
    let mut peer = siege.connect_as_push();
    peer.send(&[6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    peer.expect_close();
    siege.await_disconnect("frame of 18446744073709551615 bytes");
    // Nor is it one inside a handshake.
    let mut peer = ScriptedPeer::connect(&siege.endpoint);
    peer.greet(Version::V3_1, "PUSH");
    peer.send(&[6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    peer.expect_close();
    siege.await_failed_handshake("18446744073709551615");
    siege.check_honest_peer();
}

/// A size that could be true is not believed before the bytes come.
#[test]
fn row_01_nothing_is_allocated_for_a_claim() {
    own_process(
        "row_01_nothing_is_allocated_for_a_claim",
        Duration::from_secs(30),
        || {
            let mut siege = Siege::of_pull(|_| {});
            let before = resident_bytes();
            let peers: Vec<_> = (0..8)
                .map(|_| {
                    let mut peer = siege.connect_as_push();
                    peer.send(&wire::header(Version::V3_1, false, (1 << 62) - 1));
                    peer.send(&[1; 1000]);
                    peer
                })
                .collect();
            siege.check_honest_peer();
            std::thread::sleep(Duration::from_millis(50));
            siege.check_honest_peer();
            let held = resident_bytes().saturating_sub(before);
            assert!(held < 8 * 300 * KIB, "{held} bytes for 8 peers");
            drop(peers);
            for _ in 0..8 {
                siege.await_disconnect("the peer closed");
            }
        },
    );
}

#[test]
fn row_05_one_subscription_of_a_mebibyte() {
    own_process(
        "row_05_one_subscription_of_a_mebibyte",
        Duration::from_secs(30),
        || {
            let mut siege = Siege::new(SocketType::Pub, SocketType::Sub, |_| {});
            siege.honest.subscribe("t").unwrap();
            siege.honest.connect(&siege.endpoint).unwrap();
            let warm = ScriptedPeer::connect_as(&siege.endpoint, Version::V3_1, "SUB");
            eventually("the honest subscription", || topics(&siege.socket) == 1);
            drop(warm);
            siege.await_disconnect("the peer closed");
            for version in [Version::V3_1, Version::V3_0] {
                let topic = vec![b'x'; MIB as usize];
                let bytes = wire::subscribe(version, &topic);
                let mut peer = ScriptedPeer::connect_as(&siege.endpoint, version, "SUB");
                let before = resident_bytes();
                peer.send(&bytes);
                eventually("the long subscription", || topics(&siege.socket) == 2);
                let held = resident_bytes().saturating_sub(before);
                assert!(held <= 4 * MIB, "{held} bytes, {version:?}");
                drop(peer);
                eventually("it ends", || topics(&siege.socket) == 1);
                let held = resident_bytes().saturating_sub(before);
                assert!(held <= 4 * MIB, "{held} bytes after the close, {version:?}");
            }
            siege.socket.send("topic").unwrap();
            assert_eq!(siege.honest.recv_timeout(PATIENCE).unwrap()[0], "topic");
        },
    );
}

#[test]
fn row_06_old_frames_beyond_8192_bytes() {
    let deadline = deadline();
    for version in [Version::V1Unversioned, Version::V1Revision0, Version::V2_0] {
        let mut siege = Siege::new(SocketType::Dealer, SocketType::Dealer, |_| {});
        let mut peer = ScriptedPeer::connect_as(&siege.endpoint, version, "DEALER");
        siege.await_event(|kind| *kind == EventKind::HandshakeSucceeded);
        for len in [8191, 8192, 8193, 65_536, 1_000_003] {
            deadline.step(format!("{len} bytes, {version:?}"));
            let payload = Random::new(len as u64).bytes(len);
            peer.send_message(&[&payload, b"", &payload]);
            let message = siege.socket.recv_timeout(PATIENCE).unwrap();
            assert!(message.len() == 3 && message[0] == payload && message[2] == payload);
            siege.socket.send_timeout(message, PATIENCE).unwrap();
            peer.expect_message(&[&payload, b"", &payload]);
        }
    }
}

#[test]
fn row_07_disconnect_in_mid_message_1000_times() {
    own_process(
        "row_07_disconnect_in_mid_message_1000_times",
        Duration::from_secs(60),
        || {
            let mut siege = Siege::of_pull(|_| {});
            let first = vec![1; 5000];
            let round = |siege: &mut Siege, count: usize| {
                for index in 0..count {
                    let mut peer = siege.connect_as_push();
                    peer.send_frame(true, &first);
                    // In the middle of a short frame, of a long one, or between two.
                    match index % 3 {
                        0 => peer.send(&[0, 100, 1, 2, 3]),
                        1 => {
                            peer.send(&wire::header(Version::V3_1, false, 100_000));
                            peer.send(&[2; 50_000]);
                        }
                        _ => {}
                    }
                    if index % 2 == 0 {
                        peer.close()
                    } else {
                        peer.reset()
                    }
                    siege.await_event(|kind| matches!(kind, EventKind::Disconnected { .. }));
                }
                siege.check_honest_peer();
            };
            round(&mut siege, 200);
            let before = resident_bytes();
            round(&mut siege, 1000);
            let drift = resident_bytes().saturating_sub(before);
            assert!(drift < MIB, "{drift} bytes more than before");
            assert_eq!(siege.socket.counters().queued_in, 0);
        },
    );
}

#[test]
fn row_14_ping_shorter_than_its_ttl() {
    let _deadline = deadline();
    let mut siege = Siege::of_pull(|_| {});
    for data in [&b""[..], b"\x01"] {
        let mut peer = siege.connect_as_push();
        peer.send_command("PING", data);
        let answer = peer.expect_close();
        assert!(answer.is_empty(), "answered with {}", answer.escape_ascii());
        siege.await_disconnect("PING");
    }
    siege.check_honest_peer();
}

#[test]
fn row_15_ping_with_a_ttl_beyond_16_bits_of_milliseconds() {
    let _deadline = deadline();
    let mut siege = Siege::of_pull(|_| {});
    // In milliseconds these are 64, 164 and 65436 beyond 2^16.
    let mut peers: Vec<_> = [656, 657, u16::MAX]
        .into_iter()
        .map(|ttl| {
            let mut peer = siege.connect_as_push();
            peer.send(&wire::ping(ttl, b"context"));
            assert_eq!(peer.expect_command("PONG"), b"context");
            peer
        })
        .collect();
    std::thread::sleep(Duration::from_millis(400));
    for peer in &mut peers {
        peer.send_message(&[b"alive"]);
        assert_eq!(siege.socket.recv_timeout(PATIENCE).unwrap()[0], "alive");
    }
    // A short one is honoured as well.
    let mut peer = siege.connect_as_push();
    peer.send(&wire::ping(1, b""));
    peer.expect_command("PONG");
    peer.expect_close();
    siege.await_disconnect("nothing for 100ms");
    siege.check_honest_peer();
}

#[test]
fn row_16_greeting_garbage() {
    let deadline = deadline();
    let mut siege = Siege::of_pull(|socket| {
        let limit = Some(Duration::from_millis(300));
        socket.set(opt::HandshakeTimeout(limit)).unwrap();
        socket.set(opt::MaxMessageSize(Some(100_000))).unwrap();
    });
    let mut peers = Vec::new();
    for seed in 0..150 {
        let mut peer = ScriptedPeer::connect(&siege.endpoint);
        match seed % 3 {
            0 => {}
            // Behind a signature, and behind a whole greeting.
            1 => peer.send(&wire::signature(0)),
            _ => peer.send(&wire::greeting(1, "NULL", false)),
        }
        peer.send_garbage(seed, 1 + seed as usize * 7);
        peer.stop_sending();
        peers.push(peer);
    }
    siege.check_honest_peer();
    for (seed, mut peer) in peers.into_iter().enumerate() {
        deadline.step(format!("garbage {seed}"));
        peer.expect_close();
    }
    siege.check_honest_peer();
}

#[test]
fn row_16_http_is_not_zmtp() {
    let _deadline = deadline();
    let mut siege = Siege::of_pull(|socket| {
        let limit = Some(Duration::from_millis(200));
        socket.set(opt::HandshakeTimeout(limit)).unwrap();
    });
    let mut peer = ScriptedPeer::connect(&siege.endpoint);
    // Its first byte makes it a 1.0 peer with a routing id of 70 bytes.
    peer.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer.expect_close();
    siege.await_failed_handshake("did not finish within 200ms");
    siege.check_honest_peer();
}

#[test]
fn row_16_greeting_split_at_each_byte() {
    let deadline = deadline();
    let mut siege = Siege::of_pull(|_| {});
    let script = [
        wire::greeting(1, "NULL", false),
        wire::ready("PUSH", b""),
        wire::message(Version::V3_1, &[b"whole", b"message"]),
    ]
    .concat();
    for at in 1..script.len() {
        deadline.step(format!("split at {at}"));
        let mut peer = ScriptedPeer::connect(&siege.endpoint);
        peer.send(&script[..at]);
        // Has the first piece read before the second is there.
        peer.read(10);
        peer.send(&script[at..]);
        let message = siege.socket.recv_timeout(PATIENCE).unwrap();
        assert!(message.len() == 2 && message[0] == "whole" && message[1] == "message");
    }
    let mut peer = ScriptedPeer::connect(&siege.endpoint);
    assert_eq!(
        peer.dribble(&script, Duration::from_millis(1)),
        script.len()
    );
    assert_eq!(siege.socket.recv_timeout(PATIENCE).unwrap()[0], "whole");
    siege.check_honest_peer();
}

#[test]
fn row_17_drip_fed_handshakes() {
    own_process(
        "row_17_drip_fed_handshakes",
        Duration::from_secs(40),
        || {
            const CROWD: usize = 200;
            let mut siege = Siege::of_pull(|socket| {
                let limit = Some(Duration::from_millis(500));
                socket.set(opt::HandshakeTimeout(limit)).unwrap();
                socket.set(opt::Backlog(500)).unwrap();
            });
            let script = [wire::greeting(1, "NULL", false), wire::ready("PUSH", b"")].concat();
            let mut crowd: VecDeque<_> = (0..CROWD)
                .map(|_| ScriptedPeer::connect(&siege.endpoint))
                .collect();
            // A byte each every so often: never finished, never silent for long.
            let mut late = None;
            for byte in script.iter().take(script.len() - 1) {
                for peer in &mut crowd {
                    let _ = peer.try_send(&[*byte]);
                }
                if late.is_none() {
                    // Somebody honest comes in the middle of it.
                    late = Some(siege.connect_as_push());
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            for peer in &mut crowd {
                peer.expect_close();
            }
            for _ in 0..CROWD {
                siege.await_failed_handshake("did not finish within 500ms");
            }
            late.unwrap().send_message(&[b"late"]);
            assert_eq!(siege.socket.recv_timeout(PATIENCE).unwrap()[0], "late");
            siege.check_honest_peer();
        },
    );
}

#[test]
fn row_18_file_descriptors_exhausted() {
    own_process(
        "row_18_file_descriptors_exhausted",
        Duration::from_secs(60),
        || {
            for transport in ["tcp://127.0.0.1:*", "ipc://@*"] {
                exhaust_descriptors(transport);
            }
        },
    );
}

fn exhaust_descriptors(transport: &str) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let context = Context::new();
    let socket = context.socket(SocketType::Pull).unwrap();
    let endpoint = match transport {
        "ipc://@*" => socket.bind(&format!("ipc://@row-18-{}", std::process::id())),
        other => socket.bind(other),
    }
    .unwrap();
    let mut monitor = socket.monitor();
    let mut honest = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PUSH");
    let usual = getrlimit(Resource::Nofile);
    // Enough for 20 peers of which both ends are here.
    let lowered = Rlimit {
        current: Some(testkit::open_descriptors() as u64 + 41),
        maximum: usual.maximum,
    };
    setrlimit(Resource::Nofile, lowered).unwrap();
    // They come until no descriptor is left for either end.
    let mut crowd = Vec::new();
    while let Some(stream) = try_connect(&endpoint) {
        crowd.push(stream);
    }
    await_event(&mut monitor, |kind| {
        matches!(kind, EventKind::AcceptFailed { .. })
    });
    // Alive, and not busy.
    let before = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    std::thread::sleep(Duration::from_secs(1));
    let after = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let spent = (after.tv_sec - before.tv_sec) * 1_000_000_000 + after.tv_nsec - before.tv_nsec;
    assert!(
        spent < 50_000_000,
        "{spent} ns of processor time in a second"
    );
    honest.send_message(&[b"still served"]);
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "still served");
    // Some leave, and who comes then is served.
    crowd.clear();
    eventually("descriptors are free", || {
        testkit::open_descriptors() as u64 + 10 < lowered.current.unwrap()
    });
    let mut late = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PUSH");
    late.send_message(&[b"late"]);
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "late");
    setrlimit(Resource::Nofile, usual).unwrap();
}

/// A connection to nobody's harm, unless descriptors have run out.
fn try_connect(endpoint: &str) -> Option<Box<dyn std::any::Any>> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};

    let stream: std::io::Result<Box<dyn std::any::Any>> = match endpoint.strip_prefix("tcp://") {
        Some(address) => std::net::TcpStream::connect(address).map(|stream| Box::new(stream) as _),
        None => {
            let name = endpoint.strip_prefix("ipc://@").unwrap();
            let address = SocketAddr::from_abstract_name(name).unwrap();
            UnixStream::connect_addr(&address).map(|stream| Box::new(stream) as _)
        }
    };
    stream.ok()
}

#[test]
fn row_21_peer_killed_at_every_offset_of_a_message() {
    let deadline = deadline();
    let mut siege = Siege::of_pull(|_| {});
    let script = [
        wire::frame(Version::V3_1, true, b"first"),
        wire::frame(Version::V3_1, true, &[7; 260]),
        wire::frame(Version::V3_1, false, b"last"),
    ]
    .concat();
    for at in 0..=script.len() {
        deadline.step(format!("killed at {at}"));
        let mut peer = siege.connect_as_push();
        peer.send(&script[..at]);
        peer.close();
        siege.await_event(|kind| matches!(kind, EventKind::Disconnected { .. }));
        if at == script.len() {
            let message = siege.socket.recv_timeout(PATIENCE).unwrap();
            assert!(message.len() == 3 && message[0] == "first" && message[2] == "last");
        }
        assert_eq!(siege.socket.counters().queued_in, 0, "killed at {at}");
    }
    // Payloads that are read in place, cut here and there.
    for at in [1, 9, 10, 100_000, 2_000_008] {
        deadline.step(format!("large, killed at {at}"));
        let whole = wire::message(Version::V3_1, &[&[5; 2_000_000]]);
        let mut peer = siege.connect_as_push();
        peer.send(&whole[..at]);
        peer.close();
        siege.await_event(|kind| matches!(kind, EventKind::Disconnected { .. }));
        assert_eq!(siege.socket.counters().queued_in, 0, "killed at {at}");
    }
    siege.check_honest_peer();
    assert!(siege.socket.try_recv().is_err());
}

#[test]
fn row_24_partial_writes() {
    let deadline = deadline();
    for endpoint in ["tcp://127.0.0.1:*", "ipc://*"] {
        deadline.step(endpoint);
        write_in_pieces(endpoint);
    }
}

/// Small buffers below and a reader in no hurry: hardly a write goes whole.
fn write_in_pieces(endpoint: &str) {
    let context = Context::new();
    let socket = context.socket(SocketType::Push).unwrap();
    socket.set(opt::SendBuffer(Some(4096))).unwrap();
    let endpoint = socket.bind(endpoint).unwrap();
    let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PULL");
    let mut random = Random::new(24);
    let messages: Vec<Vec<Vec<u8>>> = (0..300)
        .map(|_| {
            let parts = 1 + random.below(3);
            (0..parts)
                .map(|_| {
                    let len = match random.below(4) {
                        0 => random.below(20),
                        1 => random.below(300),
                        2 => random.below(10_000),
                        _ => random.below(60_000),
                    };
                    random.bytes(len as usize)
                })
                .collect()
        })
        .collect();
    let expected: Vec<u8> = messages
        .iter()
        .flat_map(|parts| {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            wire::message(Version::V3_1, &parts)
        })
        .collect();
    let sender = std::thread::spawn(move || {
        for parts in messages {
            let message: Multipart = parts.into_iter().map(Into::into).collect();
            socket.send_timeout(message, PATIENCE).unwrap();
        }
        socket
    });
    let mut at = 0;
    while at < expected.len() {
        let len = (1 + random.below(50_000) as usize).min(expected.len() - at);
        assert!(
            peer.read(len) == expected[at..at + len],
            "wrong after byte {at}"
        );
        at += len;
    }
    let socket = sender.join().unwrap();
    peer.expect_silence(Duration::from_millis(20));
    assert_eq!(socket.counters().queued_out, 0);
}

#[test]
fn row_25_one_stalled_subscriber() {
    const HWM: u64 = 100;
    const ROUNDS: u64 = 200;
    const BURST: u64 = 40;
    let deadline = deadline();
    let mut siege = Siege::new(SocketType::Pub, SocketType::Sub, |socket| {
        socket.set(opt::SendHighWaterMark(HWM as usize)).unwrap();
    });
    siege.honest.subscribe("t").unwrap();
    siege.honest.connect(&siege.endpoint).unwrap();
    siege.await_event(|kind| *kind == EventKind::HandshakeSucceeded);
    let mut stalled = ScriptedPeer::connect(&siege.endpoint);
    stalled.set_receive_buffer(256 * 1024);
    stalled.shake_hands(Version::V3_1, "SUB", b"stalled");
    siege.await_event(|kind| *kind == EventKind::HandshakeSucceeded);
    stalled.subscribe(b"top");
    eventually("both subscriptions", || topics(&siege.socket) == 2);
    let mut body = vec![b'.'; 2000];
    body[..5].copy_from_slice(b"topic");
    for round in 0..ROUNDS {
        deadline.step(format!("round {round}"));
        for _ in 0..BURST {
            siege.socket.send(body.as_slice()).unwrap();
        }
        for _ in 0..BURST {
            assert_eq!(siege.honest.recv_timeout(PATIENCE).unwrap()[0], body);
        }
    }
    let total = ROUNDS * BURST;
    let counters = siege.socket.counters();
    let stalled_count = counters
        .peers
        .iter()
        .find(|peer| peer.dropped_full > 0)
        .expect("one peer drops");
    assert_eq!(counters.dropped_full, stalled_count.dropped_full);
    assert!(stalled_count.queued_out <= HWM, "{stalled_count:?}");
    assert_eq!(
        stalled_count.messages_out + stalled_count.dropped_full,
        total
    );
    let taken = stalled_count.messages_out;
    // When it wakes up it gets exactly the rest.
    deadline.step("the stalled peer reads on");
    for _ in 0..taken {
        stalled.expect_message(&[&body]);
    }
    stalled.expect_silence(Duration::from_millis(50));
}

#[test]
fn row_32_a_hundred_thousand_subscriptions() {
    own_process(
        "row_32_a_hundred_thousand_subscriptions",
        Duration::from_secs(60),
        || {
            const COUNT: u64 = 100_000;
            let socket_context = Context::new();
            let socket = socket_context.socket(SocketType::Pub).unwrap();
            let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
            let subscriptions: Vec<u8> = (0..COUNT)
                .flat_map(|index| {
                    wire::subscribe(Version::V3_1, format!("topic/{index:06}").as_bytes())
                })
                .collect();
            let most = COUNT * (100 + 12);
            let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "SUB");
            let before = resident_bytes();
            peer.send(&subscriptions);
            eventually("all are in force", || topics(&socket) == COUNT as i32);
            let peak = resident_bytes();
            let held = peak.saturating_sub(before);
            assert!(held <= most, "{held} bytes for {COUNT} subscriptions");
            socket.send("topic/099999").unwrap();
            peer.expect_message(&[b"topic/099999"]);
            drop(peer);
            eventually("all are gone", || topics(&socket) == 0);
            // What was freed serves again.
            for _ in 0..3 {
                let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "SUB");
                peer.send(&subscriptions);
                eventually("all are in force", || topics(&socket) == COUNT as i32);
                drop(peer);
                eventually("all are gone", || topics(&socket) == 0);
            }
            let grown = resident_bytes().saturating_sub(peak);
            assert!(grown < 2 * MIB, "{grown} bytes more than at the first peak");
        },
    );
}

#[test]
fn row_33_second_peer_with_a_used_routing_id() {
    let _deadline = deadline();
    let mut siege = Siege::new(SocketType::Router, SocketType::Dealer, |socket| {
        socket.set(opt::RouterMandatory(true)).unwrap();
    });
    let mut first = ScriptedPeer::connect(&siege.endpoint);
    first.shake_hands(Version::V3_1, "DEALER", b"same");
    first.send_message(&[b"first"]);
    let message = siege.socket.recv_timeout(PATIENCE).unwrap();
    assert!(message[0] == "same" && message[1] == "first");
    let mut second = ScriptedPeer::connect(&siege.endpoint);
    second.shake_hands(Version::V3_1, "DEALER", b"same");
    for _ in 0..200 {
        let _ = second.try_send(&wire::message(Version::V3_1, &[b"second"]));
    }
    second.expect_close();
    let event = siege.await_disconnect("");
    assert_eq!(event.peer.unwrap().routing_id, "same");
    // Nothing of it was delivered, and nothing crossed over.
    assert!(siege.socket.try_recv().is_err());
    siege.socket.send(parts(["same", "to the first"])).unwrap();
    first.expect_message(&[b"to the first"]);
    first.send_message(&[b"first again"]);
    assert_eq!(
        siege.socket.recv_timeout(PATIENCE).unwrap()[1],
        "first again"
    );
}

#[test]
fn row_33_with_handover_the_second_peer_takes_over() {
    let _deadline = deadline();
    let mut siege = Siege::new(SocketType::Router, SocketType::Dealer, |socket| {
        socket.set(opt::RouterHandover(true)).unwrap();
    });
    let mut first = ScriptedPeer::connect(&siege.endpoint);
    first.shake_hands(Version::V3_1, "DEALER", b"same");
    first.send_message(&[b"first"]);
    assert_eq!(siege.socket.recv_timeout(PATIENCE).unwrap()[1], "first");
    let mut second = ScriptedPeer::connect(&siege.endpoint);
    second.shake_hands(Version::V3_1, "DEALER", b"same");
    second.send_message(&[b"second"]);
    assert_eq!(siege.socket.recv_timeout(PATIENCE).unwrap()[1], "second");
    first.expect_close();
    siege.await_disconnect("");
    siege.socket.send(parts(["same", "to the second"])).unwrap();
    second.expect_message(&[b"to the second"]);
}

#[test]
fn row_34_hundreds_of_peers() {
    own_process("row_34_hundreds_of_peers", Duration::from_secs(40), || {
        const CROWD: u64 = 400;
        let context = Context::new();
        let socket = context.socket(SocketType::Router).unwrap();
        socket.set(opt::Backlog(500)).unwrap();
        let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
        let mut monitor = socket.monitor();
        let connect = |index: u64| {
            let mut peer = ScriptedPeer::connect(&endpoint);
            peer.shake_hands(Version::V3_1, "DEALER", &index.to_be_bytes());
            peer
        };
        let warm: Vec<_> = (CROWD..CROWD + 10).map(connect).collect();
        let before = resident_bytes();
        let mut crowd: Vec<_> = (0..CROWD).map(connect).collect();
        for _ in 0..CROWD + 10 {
            await_event(&mut monitor, |kind| *kind == EventKind::HandshakeSucceeded);
        }
        for round in 0..3u32 {
            for peer in &mut crowd {
                peer.send_message(&[&round.to_be_bytes()]);
            }
            for _ in 0..CROWD {
                let request = socket.recv_timeout(PATIENCE).unwrap();
                assert_eq!(request[1], round.to_be_bytes());
                socket.send(request).unwrap();
            }
            for peer in &mut crowd {
                peer.expect_message(&[&round.to_be_bytes()]);
            }
        }
        let each = resident_bytes().saturating_sub(before) / CROWD;
        assert!(each <= 16 * KIB, "{each} bytes for each peer");
        drop((warm, crowd));
        eventually("all are gone", || socket.counters().peers.is_empty());
    });
}

/// The same from the other side: a server that answers with nonsense. The
/// client says so and keeps coming back.
#[test]
fn row_16_a_hostile_server_is_retried() {
    let deadline = deadline();
    let listener = PeerListener::tcp();
    let context = Context::new();
    let socket = context.socket(SocketType::Push).unwrap();
    socket
        .set(opt::ReconnectInterval(Some(Duration::from_millis(5))))
        .unwrap();
    let mut monitor = socket.monitor();
    socket.connect(listener.endpoint()).unwrap();
    let scripts = [
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01PLAIN".to_vec(),
        [wire::greeting(1, "NULL", false), wire::ready("PUB", b"")].concat(),
        [wire::greeting(1, "NULL", false), wire::error("no")].concat(),
        [
            wire::greeting(1, "NULL", false),
            wire::command("HELLO", b""),
        ]
        .concat(),
        [wire::greeting(1, "NULL", false), b"\x04\x00".to_vec()].concat(),
    ];
    for script in scripts {
        deadline.step(format!("{}", script.escape_ascii()));
        let mut peer = listener.accept();
        peer.send(&script);
        peer.stop_sending();
        peer.expect_close();
        await_event(&mut monitor, |kind| {
            matches!(kind, EventKind::HandshakeFailed { .. })
        });
        await_event(&mut monitor, |kind| {
            matches!(kind, EventKind::ConnectRetried { .. })
        });
    }
    let mut peer = listener.accept_as(Version::V3_1, "PULL");
    socket.send_timeout("at last", PATIENCE).unwrap();
    peer.expect_message(&[b"at last"]);
}
