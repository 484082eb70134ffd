//! Peers that come in crowds.

use std::collections::VecDeque;
use std::time::Duration;

use testkit::{PATIENCE, ScriptedPeer, Version, eventually, own_process, resident_bytes, wire};
use zincmq::monitor::EventKind;
use zincmq::options::opt;
use zincmq::{Context, SocketType};

use super::{KIB, Siege, await_event};

#[test]
fn row_17_drip_fed_handshakes() {
    own_process(
        "crowds::row_17_drip_fed_handshakes",
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
