//! Peers that try to get in without what it takes, over real connections.

use super::engine_client::EngineClient;
use super::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use testkit::{ScriptedPeer, wire};

/// For tests that measure memory, in processes of their own.
const LIMIT: Duration = Duration::from_secs(60);

fn address(server: &Server) -> &str {
    server.endpoint.strip_prefix("tcp://").unwrap()
}

/// An honest client's message arrives, whatever else is connected.
fn check_honest_client(server: &Server, mechanism: Mechanism) {
    let (client, _monitor) = server.client(mechanism, SocketType::Push);
    client.send("honest").unwrap();
    let message = server.socket.recv_timeout(PATIENCE).unwrap();
    assert_eq!(message[0], "honest");
}

#[test]
fn another_mechanism_is_told_by_both_ends() {
    let _deadline = deadline();
    for ours in [Plain, Curve] {
        for theirs in ALL.into_iter().filter(|theirs| *theirs != ours) {
            let mut server = Server::new(ours, SocketType::Pull, Some(let_in));
            let (client, mut monitor) = server.client(theirs, SocketType::Push);
            let _ = client.try_send("sneaky");
            for monitor in [&mut server.monitor, &mut monitor] {
                let (code, reason) = await_failure(monitor);
                // Whoever hangs up first, the other may only see that.
                assert!(matches!(code, Some(0x1100_0002) | None), "{reason}");
            }
            assert_eq!(server.asked(), 0);
            assert!(server.socket.try_recv().is_err());
        }
    }
}

#[test]
fn row_08_the_honest_are_served_after_a_downgrade_was_tried() {
    let _deadline = deadline();
    for mechanism in ALL {
        let server = Server::new(mechanism, SocketType::Pull, Some(let_in));
        let mut peer = ScriptedPeer::connect(&server.endpoint);
        peer.send(b"\x01\x00\x08\x00sneaky\0");
        peer.expect_close();
        check_honest_client(&server, mechanism);
        assert!(server.socket.try_recv().is_err());
        assert_eq!(server.asked(), 1);
    }
}

#[test]
fn row_02_what_a_stranger_claims_costs_nothing() {
    let name = "hostile::row_02_what_a_stranger_claims_costs_nothing";
    testkit::own_process(name, LIMIT, what_a_stranger_claims_costs_nothing);
}

fn what_a_stranger_claims_costs_nothing() {
    for (mechanism, name) in [(Plain, "PLAIN"), (Curve, "CURVE")] {
        let mut server = Server::new(mechanism, SocketType::Pull, Some(let_in));
        let before = testkit::resident_bytes();
        let mut streams = Vec::new();
        for _ in 0..50 {
            let mut stream = TcpStream::connect(address(&server)).unwrap();
            stream.write_all(&wire::greeting(1, name, false)).unwrap();
            // A command of 1 GiB, and some of it.
            stream.write_all(b"\x06\0\0\0\0\x40\0\0\0").unwrap();
            let _ = stream.write_all(&[0x2a; 256 * 1024]);
            streams.push(stream);
        }
        for _ in 0..50 {
            let (_, reason) = await_failure(&mut server.monitor);
            assert!(reason.contains("32768"), "{reason}");
        }
        let grown = testkit::resident_bytes().saturating_sub(before);
        assert!(grown < 16 * 1024 * 1024, "{grown} bytes more");
        check_honest_client(&server, mechanism);
    }
}

#[test]
fn row_03_any_command_instead_of_hello_ends_the_connection() {
    let _deadline = deadline();
    for (mechanism, mechanism_name) in [(Plain, "PLAIN"), (Curve, "CURVE")] {
        let server = Server::new(mechanism, SocketType::Pull, Some(let_in));
        for name in ["HELLO", "WELCOME", "INITIATE", "READY", "MESSAGE", "ERROR"] {
            for len in [0, 1, 2, 100, 193, 194, 195, 3000] {
                let mut peer = ScriptedPeer::connect(&server.endpoint);
                peer.send(&wire::greeting(1, mechanism_name, false));
                // PLAIN would take two empty strings for credentials.
                peer.send_command(name, &vec![0xff; len]);
                peer.expect_close();
            }
        }
        assert_eq!(server.asked(), 0);
        check_honest_client(&server, mechanism);
    }
}

#[test]
fn row_04_silent_connections_cost_the_honest_nothing() {
    let _deadline = deadline();
    for (mechanism, name) in [(Null, "NULL"), (Plain, "PLAIN"), (Curve, "CURVE")] {
        among_silent_connections(mechanism, name);
    }
}

/// So many who say nothing, or only greet.
pub(super) fn silent_connections(address: &str, name: &str, count: usize) -> Vec<TcpStream> {
    let connect = |index| {
        let mut stream = TcpStream::connect(address).unwrap();
        if index % 2 == 1 {
            stream.write_all(&wire::greeting(1, name, false)).unwrap();
        }
        stream
    };
    (0..count).map(connect).collect()
}

fn among_silent_connections(mechanism: Mechanism, name: &str) {
    let server = Server::new(mechanism, SocketType::Pull, Some(let_in));
    let silent = silent_connections(address(&server), name, 200);
    let (client, _monitor) = server.client(mechanism, SocketType::Push);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..10_000u32 {
                client.send(&number.to_be_bytes()[..]).unwrap();
            }
        });
        for number in 0..10_000u32 {
            let message = server.socket.recv_timeout(PATIENCE).unwrap();
            assert_eq!(message[0], number.to_be_bytes()[..]);
        }
    });
    for mut stream in silent {
        stream.set_nonblocking(true).unwrap();
        // Nobody was thrown out before its time.
        let read = stream.read(&mut [0; 256]);
        assert!(!matches!(read, Ok(0)));
    }
}

#[test]
fn row_07_disconnect_in_mid_message_10_000_times_with_plain() {
    let name = "hostile::row_07_disconnect_in_mid_message_10_000_times_with_plain";
    testkit::own_process(name, 2 * LIMIT, || disconnect_in_mid_message(Plain));
}

#[test]
fn row_07_disconnect_in_mid_message_10_000_times_with_curve() {
    let name = "hostile::row_07_disconnect_in_mid_message_10_000_times_with_curve";
    testkit::own_process(name, 2 * LIMIT, || disconnect_in_mid_message(Curve));
}

/// Some at a time, so that the handshakes of some are judged while others leave.
fn disconnect_in_mid_message(mechanism: Mechanism) {
    const AT_ONCE: usize = 50;
    let mut server = Server::new(mechanism, SocketType::Pull, Some(let_in));
    let rounds = |server: &mut Server, rounds: usize| {
        for _ in 0..rounds {
            for index in 0..AT_ONCE {
                let client = EngineClient::connect(address(server), mechanism);
                client.leave_in_mid_message(index);
            }
            for _ in 0..AT_ONCE {
                let gone = |kind: &EventKind| matches!(kind, EventKind::Disconnected { .. });
                await_event(&mut server.monitor, gone);
            }
        }
        // Of all these messages, none.
        assert!(server.socket.try_recv().is_err());
        check_honest_client(server, mechanism);
        await_event(&mut server.monitor, |kind| {
            matches!(kind, EventKind::Disconnected { .. })
        });
        // All were let in.
        let asked = std::mem::take(&mut *server.asked.lock().unwrap()).len();
        assert_eq!(asked, rounds * AT_ONCE + 1);
    };
    rounds(&mut server, 10);
    // What is kept to be used again settles at some megabytes, at once or
    // later; what is lost with each connection grows every time.
    let start = testkit::resident_bytes();
    let mut drifts = Vec::new();
    while drifts.last().is_none_or(|&drift| drift >= 1024 * 1024) {
        assert!(drifts.len() < 4, "so many bytes more each time: {drifts:?}");
        let before = testkit::resident_bytes();
        rounds(&mut server, 10_000 / AT_ONCE);
        drifts.push(testkit::resident_bytes().saturating_sub(before));
    }
    let kept = testkit::resident_bytes().saturating_sub(start);
    assert!(kept < 8 * 1024 * 1024, "{kept} bytes more than at first");
    assert_eq!(server.socket.counters().queued_in, 0);
}

#[test]
fn a_client_that_floods_while_it_waits_is_left_unread() {
    let name = "hostile::a_client_that_floods_while_it_waits_is_left_unread";
    testkit::own_process(name, LIMIT, a_flood_is_left_unread);
}

fn a_flood_is_left_unread() {
    fn never(_: &AuthRequest) -> Verdict {
        std::thread::sleep(Duration::from_millis(500));
        Verdict::accept("")
    }
    let server = Server::new(Plain, SocketType::Pull, Some(never));
    let mut stream = TcpStream::connect(address(&server)).unwrap();
    stream
        .write_all(&wire::greeting(1, "PLAIN", false))
        .unwrap();
    stream.write_all(b"\x04\x0a\x05HELLO\x01a\x01b").unwrap();
    testkit::eventually("the authenticator is asked", || server.asked() == 1);
    let before = testkit::resident_bytes();
    stream.set_nonblocking(true).unwrap();
    let mut sent = 0;
    while let Ok(n) = stream.write(&[0; 64 * 1024]) {
        sent += n;
        assert!(sent < 256 * 1024 * 1024, "all of it was read");
    }
    let grown = testkit::resident_bytes().saturating_sub(before);
    assert!(grown < 8 * 1024 * 1024, "{grown} bytes more");
}

#[test]
fn a_wrong_key_on_either_side_is_told_as_cryptographic() {
    let _deadline = deadline();
    let mut server = Server::new(Curve, SocketType::Pull, Some(let_in));
    // A client that takes the server for another.
    let client = Context::new().socket(SocketType::Push).unwrap();
    Curve.call(&client);
    client.set(opt::CurveServerKey(*keys(9).public())).unwrap();
    client.set(opt::ReconnectInterval(None)).unwrap();
    client.connect(&server.endpoint).unwrap();
    assert_eq!(await_failure(&mut server.monitor).0, Some(0x1100_0001));
    // One that shows a public key whose secret it does not have, as only C can.
    let context = Context::new();
    zincmq::raw::be_lenient(&context);
    let client = context.socket(SocketType::Push).unwrap();
    Curve.call(&client);
    client.set(opt::CurvePublicKey(*keys(9).public())).unwrap();
    client.set(opt::ReconnectInterval(None)).unwrap();
    client.connect(&server.endpoint).unwrap();
    assert_eq!(await_failure(&mut server.monitor).0, Some(0x1100_0001));
    assert_eq!(server.asked(), 0);
    check_honest_client(&server, Curve);
}
