//! Peers that come in crowds.

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use testkit::{PATIENCE, ScriptedPeer, Version, eventually, own_process, resident_bytes, wire};
use zincmq::monitor::EventKind;
use zincmq::options::opt;
use zincmq::{Context, SocketType};

use super::{KIB, Siege, await_event};

/// A byte each in turn, so that nobody finishes and nobody is silent for long. On top of
/// the tenth that the list allows, and of the second for an honest connect, there are two
/// seconds for whatever else runs on the same cores; that the time limit itself is kept to
/// the instant is tested in virtual time.
#[test]
fn row_17_drip_fed_handshakes() {
    own_process(
        "crowds::row_17_drip_fed_handshakes",
        Duration::from_secs(120),
        drip_fed_handshakes,
    );
}

fn drip_fed_handshakes() {
    const CROWD: usize = 5000;
    const LIMIT: Duration = Duration::from_secs(4);
    const SLACK: Duration = Duration::from_secs(2);
    let mut siege = Siege::of_pull(|socket| {
        socket.set(opt::HandshakeTimeout(Some(LIMIT))).unwrap();
        socket.set(opt::Backlog(CROWD as u32)).unwrap();
    });
    let mut monitor = siege.socket.monitor();
    let lasted = std::thread::spawn(move || {
        let mut came = HashMap::new();
        let mut lasted = Vec::new();
        while lasted.len() < CROWD {
            let event = monitor.next_timeout(2 * PATIENCE).expect("all go");
            match event.kind {
                EventKind::Accepted { .. } => {
                    came.insert(event.remote, Instant::now());
                }
                EventKind::HandshakeFailed { reason, .. } => {
                    assert!(reason.contains("did not finish within 4s"), "{reason}");
                    lasted.push(came[&event.remote].elapsed());
                }
                _ => {}
            }
        }
        lasted
    });
    let script = [wire::greeting(1, "NULL", false), wire::ready("PUSH", b"")].concat();
    let address = siege.endpoint.strip_prefix("tcp://").unwrap();
    let mut crowd: Vec<_> = (0..CROWD)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    let mut honest = 0;
    for byte in &script[..script.len() - 1] {
        if lasted.is_finished() {
            break;
        }
        let round = Instant::now();
        for stream in &mut crowd {
            let _ = stream.write(&[*byte]);
        }
        let before = Instant::now();
        let mut late = siege.connect_as_push();
        late.send_message(&[b"late"]);
        assert_eq!(siege.socket.recv_timeout(PATIENCE).unwrap()[0], "late");
        let took = before.elapsed();
        assert!(took < Duration::from_secs(1) + SLACK, "{took:?}");
        honest += 1;
        // The bytes last for longer than the limit.
        let pause = (LIMIT + SLACK) / script.len() as u32;
        std::thread::sleep(pause.saturating_sub(round.elapsed()));
    }
    let lasted = lasted.join().expect("the monitor's thread");
    for each in lasted {
        assert!(each < LIMIT * 11 / 10 + SLACK, "closed after {each:?}");
    }
    assert!(honest > 10);
    siege.check_honest_peer();
}

#[test]
fn row_18_file_descriptors_exhausted() {
    own_process(
        "crowds::row_18_file_descriptors_exhausted",
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
        Some(address) => TcpStream::connect(address).map(|stream| Box::new(stream) as _),
        None => {
            let name = endpoint.strip_prefix("ipc://@").unwrap();
            let address = SocketAddr::from_abstract_name(name).unwrap();
            UnixStream::connect_addr(&address).map(|stream| Box::new(stream) as _)
        }
    };
    stream.ok()
}

#[test]
fn row_34_hundreds_of_peers() {
    own_process(
        "crowds::row_34_hundreds_of_peers",
        Duration::from_secs(40),
        || {
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
        },
    );
}
