//! The fault proxy does what it says, shown with plain streams.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use testkit::{Direction, Ending, FaultProxy, eventually};

struct Rig {
    proxy: FaultProxy,
    listener: TcpListener,
}

impl Rig {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = FaultProxy::new(&format!("tcp://{}", listener.local_addr().unwrap()));
        Self { proxy, listener }
    }

    fn connect(&self) -> (TcpStream, TcpStream) {
        let address = self.proxy.endpoint().strip_prefix("tcp://").unwrap();
        let client = TcpStream::connect(address).unwrap();
        let (server, _) = self.listener.accept().unwrap();
        for stream in [&client, &server] {
            stream.set_read_timeout(Some(testkit::PATIENCE)).unwrap();
        }
        eventually("the proxy joins them", || self.proxy.connections() > 0);
        (client, server)
    }
}

fn read(stream: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn bytes_pass_in_both_directions() {
    let rig = Rig::new();
    let (mut client, mut server) = rig.connect();
    client.write_all(b"question").unwrap();
    assert_eq!(read(&mut server, 8), b"question");
    server.write_all(b"answer").unwrap();
    assert_eq!(read(&mut client, 6), b"answer");
    assert_eq!(rig.proxy.forwarded(Direction::ToServer), 8);
    assert_eq!(rig.proxy.forwarded(Direction::ToClient), 6);
}

#[test]
fn a_close_passes_and_the_other_direction_stays_open() {
    let rig = Rig::new();
    let (client, mut server) = rig.connect();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    server.write_all(b"late").unwrap();
    let mut client = client;
    assert_eq!(read(&mut client, 4), b"late");
    drop(server);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    eventually("the link is gone", || rig.proxy.connections() == 0);
    assert_eq!(rig.proxy.killed(), 0);
}

#[test]
fn a_cut_is_exact() {
    let rig = Rig::new();
    for (at, ending) in [(1, Ending::Close), (5, Ending::Close), (9, Ending::Close)] {
        rig.proxy.cut_at(Direction::ToServer, at, ending);
        let (mut client, mut server) = rig.connect();
        client.write_all(b"0123456789").unwrap();
        let mut got = Vec::new();
        server.read_to_end(&mut got).unwrap();
        assert_eq!(got, b"0123456789"[..at as usize]);
    }
    assert_eq!(rig.proxy.killed(), 3);
    rig.proxy.no_cut();
    let (mut client, mut server) = rig.connect();
    client.write_all(b"0123456789").unwrap();
    assert_eq!(read(&mut server, 10).len(), 10);
}

#[test]
fn a_kill_can_be_a_reset_or_not() {
    let rig = Rig::new();
    let (mut client, mut server) = rig.connect();
    assert_eq!(rig.proxy.kill(Ending::Reset), 1);
    for stream in [&mut client, &mut server] {
        let error = stream.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    let (mut client, mut server) = rig.connect();
    assert_eq!(rig.proxy.kill(Ending::Close), 1);
    for stream in [&mut client, &mut server] {
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    assert_eq!(rig.proxy.kill(Ending::Close), 0);
}

#[test]
fn stopped_bytes_wait_and_delayed_ones_are_late() {
    let rig = Rig::new();
    let (mut client, mut server) = rig.connect();
    rig.proxy.stop(Direction::ToServer);
    client.write_all(b"x").unwrap();
    server
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    assert!(server.read(&mut [0]).is_err());
    server.set_read_timeout(Some(testkit::PATIENCE)).unwrap();
    rig.proxy.resume();
    assert_eq!(read(&mut server, 1), b"x");
    rig.proxy.delay(Duration::from_millis(80));
    rig.proxy.split(1);
    let start = Instant::now();
    client.write_all(b"ab").unwrap();
    assert_eq!(read(&mut server, 2), b"ab");
    assert!(start.elapsed() >= Duration::from_millis(160));
}

#[test]
fn a_refusing_proxy_ends_what_comes() {
    let rig = Rig::new();
    rig.proxy.refuse(true);
    let address = rig.proxy.endpoint().strip_prefix("tcp://").unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(testkit::PATIENCE)).unwrap();
    assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
    rig.proxy.refuse(false);
    rig.connect();
    assert_eq!(rig.proxy.accepted(), 2);
}
