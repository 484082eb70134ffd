//! Dialing, and the bytes that follow.

use std::io::IoSlice;
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

use super::*;

/// A port on which nobody listens, and its holder, who keeps others off it.
fn silent_port() -> (Socket, u16) {
    let holder = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    holder.set_reuse_address(true).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    holder.bind(&any.into()).unwrap();
    let bound = holder.local_addr().unwrap().as_socket().unwrap();
    (holder, bound.port())
}

#[test]
fn names_resolve_to_something_to_dial() {
    let options = TransportOptions::default();
    let listener = listen_at("tcp://127.0.0.1:*", &options);
    let port = listener.endpoint().rsplit_once(':').unwrap().1;
    let mut dialed = try_dial(&format!("tcp://localhost:{port}"), &options).unwrap();
    assert_eq!(dialed.peer_endpoint, listener.endpoint());
    let mut accepted = accept_next(&listener).unwrap();
    bounce(&mut dialed, &mut accepted);
}

#[test]
fn a_source_is_where_the_connection_comes_from() {
    let options = TransportOptions::default();
    let listener = listen_at("tcp://127.0.0.1:*", &options);
    let to = listener.endpoint().strip_prefix("tcp://").unwrap();
    // Any of 127.0.0.0/8 is this host.
    let dialed = try_dial(&format!("tcp://127.0.0.2:0;{to}"), &options).unwrap();
    assert_eq!(accept_next(&listener).unwrap().peer, "127.0.0.2");
    assert!(dialed.local_endpoint.starts_with("tcp://127.0.0.2:"));

    let port = dialed.local_endpoint.rsplit_once(':').unwrap().1.to_owned();
    drop(dialed);
    let other = listen_at("tcp://127.0.0.1:*", &options);
    let to = other.endpoint().strip_prefix("tcp://").unwrap();
    let dialed = try_dial(&format!("tcp://127.0.0.2:{port};{to}"), &options).unwrap();
    assert_eq!(dialed.local_endpoint, format!("tcp://127.0.0.2:{port}"));
}

#[test]
fn nobody_listening_is_an_error() {
    let (_holder, port) = silent_port();
    let options = TransportOptions::default();
    let refused = try_dial(&format!("tcp://127.0.0.1:{port}"), &options);
    assert_eq!(
        refused.map(|_| ()).unwrap_err().kind(),
        io::ErrorKind::ConnectionRefused
    );
    let missing = try_dial("ipc:///nonexistent/zincmq/socket", &options);
    assert_eq!(
        missing.map(|_| ()).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
}

#[test]
fn a_connection_to_itself_is_refused() {
    let (_holder, port) = silent_port();
    let text = format!("tcp://127.0.0.1:{port};127.0.0.1:{port}");
    let itself = try_dial(&text, &TransportOptions::default());
    let error = itself.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains("itself"), "{error}");
}

#[test]
fn large_and_vectored_writes_arrive_in_order() {
    let options = TransportOptions::default();
    for bound in ["tcp://127.0.0.1:*", "ipc://*"] {
        let listener = listen_at(bound, &options);
        let (mut a, mut b) = connect(&listener, &options);
        let head = a
            .stream
            .write_vectored(&[
                IoSlice::new(b"one"),
                IoSlice::new(b""),
                IoSlice::new(b"two"),
            ])
            .unwrap();
        assert_eq!(head, 6);
        assert_eq!(read_exact(&mut *b.stream, 6), b"onetwo");

        let large: Vec<u8> = (0..4_000_000u32).map(|i| (i % 251) as u8).collect();
        let expected = large.clone();
        let mut sender = a.stream;
        let writing = std::thread::spawn(move || write_all(&mut *sender, &large));
        assert!(read_exact(&mut *b.stream, expected.len()) == expected);
        writing.join().unwrap();
    }
}

#[test]
fn nothing_to_read_and_no_room_to_write_would_block() {
    let options = TransportOptions::default();
    let listener = listen_at("tcp://127.0.0.1:*", &options);
    let (mut a, mut b) = connect(&listener, &options);
    let nothing = b.stream.read(&mut [0; 8]).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    let chunk = vec![0; 1 << 20];
    let full = loop {
        match a.stream.write(&chunk) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn the_end_is_seen_and_writing_past_it_raises_no_signal() {
    let options = TransportOptions::default();
    for bound in ["tcp://127.0.0.1:*", "ipc://*"] {
        let listener = listen_at(bound, &options);
        let (mut a, mut b) = connect(&listener, &options);
        b.stream.shutdown();
        wait(a.stream.fd(), PollFlags::IN);
        assert_eq!(a.stream.read(&mut [0; 8]).unwrap(), 0);
        b.stream.shutdown();
        let ended = b.stream.write(b"x").unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::BrokenPipe);
        let ended = b.stream.write_vectored(&[IoSlice::new(b"x")]).unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::BrokenPipe);
    }
}

#[test]
fn an_unfinished_dial_says_so() {
    // A listener whose backlog is full leaves the next connect waiting.
    let options = TransportOptions {
        backlog: 0,
        ..TransportOptions::default()
    };
    let listener = listen_at("tcp://127.0.0.1:*", &options);
    let target = &resolve(&endpoint(listener.endpoint()), &options).unwrap()[0];
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let Ok(dialing) = dial(target, &options) else {
            panic!("over tcp the outcome comes later");
        };
        assert!(dialing.is_under_way());
        waiting.push(dialing);
    }
    let last = waiting.pop().unwrap();
    let unfinished = last.finish().map(|_| ()).unwrap_err();
    assert_eq!(unfinished.kind(), io::ErrorKind::NotConnected);
}
