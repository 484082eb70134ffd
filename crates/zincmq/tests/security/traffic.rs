//! Those who are let in.

use super::*;
use zincmq::security::Grant;

#[test]
fn a_client_that_is_let_in_is_heard_and_known() {
    let _deadline = deadline();
    fn judge(request: &AuthRequest) -> Verdict {
        assert!(ALL.iter().any(|mechanism| mechanism.is_shown(request)));
        Verdict::Accept(Grant {
            user_id: b"alice".to_vec(),
            metadata: vec![("Hello".into(), b"World".to_vec())],
        })
    }
    for mechanism in ALL {
        let mut server = Server::new(mechanism, SocketType::Rep, Some(judge));
        let (client, mut monitor) = server.client(mechanism, SocketType::Req);
        for text in ["one", "two"] {
            client.send(text).unwrap();
            let request = server.socket.recv_timeout(PATIENCE).unwrap();
            assert_eq!(request[0], text);
            let peer = request.first().peer().unwrap();
            assert_eq!(
                peer.user_id.as_deref(),
                Some(&b"alice"[..]),
                "{mechanism:?}"
            );
            assert_eq!(peer.property("user-id").unwrap(), &b"alice"[..]);
            assert_eq!(peer.property("HELLO").unwrap(), &b"World"[..]);
            server.socket.send(text).unwrap();
            let reply = client.recv_timeout(PATIENCE).unwrap();
            assert_eq!(reply[0], text);
            // Who connects asks nobody.
            assert_eq!(reply.first().peer().unwrap().user_id, None);
        }
        await_event(&mut monitor, |kind| *kind == EventKind::HandshakeSucceeded);
        await_event(&mut server.monitor, |kind| {
            *kind == EventKind::HandshakeSucceeded
        });
        assert_eq!(server.asked(), 1);
        let asked = server.asked.lock().unwrap();
        assert_eq!(asked[0].address, "127.0.0.1");
        assert!(mechanism.is_shown(&asked[0]));
    }
}

#[test]
fn what_a_peer_says_of_itself_is_no_user_id() {
    let _deadline = deadline();
    let context = Context::new();
    let server = context.socket(SocketType::Pull).unwrap();
    let endpoint = server.bind("tcp://127.0.0.1:*").unwrap();
    let mut peer = testkit::ScriptedPeer::connect(&endpoint);
    peer.send(&testkit::wire::greeting(1, "NULL", false));
    let metadata = b"\x0bSocket-Type\0\0\0\x04PUSH\x07User-Id\0\0\0\x04root\
        \x07USER-ID\0\0\0\x04root\x0cPeer-Address\0\0\0\x09192.0.2.1";
    peer.send_command("READY", metadata);
    peer.send_message(&[b"believe me"]);
    let message = server.recv_timeout(PATIENCE).unwrap();
    let peer = message.first().peer().unwrap();
    assert_eq!(peer.user_id, None);
    assert_eq!(peer.property("User-Id"), None);
    assert_eq!(peer.granted_property("User-Id"), None);
    for spelt in ["User-Id", "USER-ID"] {
        assert_eq!(zincmq::raw::property(peer, spelt), None);
    }
    assert_eq!(peer.property("peer-address"), None);
    let address = zincmq::raw::property(peer, "Peer-Address").unwrap();
    assert_eq!(address.to_bytes(), b"127.0.0.1");
    // It is there for who wants to know what the peer said.
    assert!(peer.properties.iter().any(|(name, _)| name == "User-Id"));
}

#[test]
fn what_a_peer_says_of_itself_was_not_granted() {
    let _deadline = deadline();
    // The first is noted as nobody in particular, the second as Anna.
    for (granted, name) in [(None, &b"root"[..]), (Some("anna"), b"anna")] {
        let context = Context::new();
        context.set_authenticator(move |_: &AuthRequest| {
            let noted = granted.map(|name| ("Name".to_owned(), name.as_bytes().to_vec()));
            Verdict::Accept(Grant {
                user_id: b"7".to_vec(),
                metadata: noted.into_iter().collect(),
            })
        });
        let server = context.socket(SocketType::Pull).unwrap();
        server.set(opt::ZapDomain("global".into())).unwrap();
        let endpoint = server.bind("tcp://127.0.0.1:*").unwrap();
        let mut peer = testkit::ScriptedPeer::connect(&endpoint);
        peer.send(&testkit::wire::greeting(1, "NULL", false));
        let claims =
            b"\x0bSocket-Type\0\0\0\x04PUSH\x04Name\0\0\0\x04root\x07User-Id\0\0\0\x04root";
        peer.send_command("READY", claims);
        peer.send_message(&[b"believe me"]);
        let message = server.recv_timeout(PATIENCE).unwrap();
        let peer = message.first().peer().unwrap();
        let known = peer.granted_property("NAME").map(|name| &name[..]);
        assert_eq!(known, granted.map(str::as_bytes));
        assert_eq!(peer.property("name").unwrap(), name);
        for user_id in [peer.property("user-id"), peer.granted_property("User-Id")] {
            assert_eq!(user_id.unwrap(), &b"7"[..]);
        }
        let told = |name| zincmq::raw::property(peer, name).unwrap().to_bytes();
        assert_eq!(told("User-Id"), b"7");
        assert_eq!(told("Name"), name);
    }
}

#[test]
fn messages_of_every_size_go_both_ways_in_their_order() {
    let _deadline = deadline();
    for mechanism in [Plain, Curve] {
        let server = Server::new(mechanism, SocketType::Dealer, Some(let_in));
        let (client, _monitor) = server.client(mechanism, SocketType::Dealer);
        let sizes = [
            0, 1, 33, 221, 222, 223, 255, 256, 8191, 8192, 65_535, 300_000, 3_000_000,
        ];
        let part = |size: usize| -> Vec<u8> { (0..size).map(|i| (i * 31 + size) as u8).collect() };
        for (from, to) in [(&client, &server.socket), (&server.socket, &client)] {
            for size in sizes {
                from.send([part(size), part(7), part(size / 2)]).unwrap();
            }
            for size in sizes {
                let message = to.recv_timeout(PATIENCE).unwrap();
                assert_eq!(message.len(), 3);
                for (index, size) in [size, 7, size / 2].into_iter().enumerate() {
                    assert!(
                        message[index] == part(size)[..],
                        "{mechanism:?}, {size} bytes"
                    );
                }
            }
        }
    }
}

#[test]
fn a_stream_of_small_messages_arrives_whole() {
    let _deadline = deadline();
    let server = Server::new(Curve, SocketType::Pull, Some(let_in));
    let (client, _monitor) = server.client(Curve, SocketType::Push);
    const COUNT: u32 = 100_000;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..COUNT {
                client.send(&number.to_be_bytes()[..]).unwrap();
            }
        });
        for number in 0..COUNT {
            let message = server.socket.recv_timeout(PATIENCE).unwrap();
            assert_eq!(message[0], number.to_be_bytes()[..]);
        }
    });
}

#[test]
fn subscriptions_are_sealed_too() {
    let _deadline = deadline();
    // The role is independent of who binds: here the subscriber is the server.
    for publisher_serves in [true, false] {
        let types = match publisher_serves {
            true => (SocketType::Xpub, SocketType::Sub),
            false => (SocketType::Sub, SocketType::Xpub),
        };
        let server = Server::new(Curve, types.0, Some(let_in));
        let (client, _monitor) = server.client(Curve, types.1);
        let (publisher, subscriber) = match publisher_serves {
            true => (&server.socket, &client),
            false => (&client, &server.socket),
        };
        subscriber.subscribe("news").unwrap();
        let subscription = publisher.recv_timeout(PATIENCE).unwrap();
        assert_eq!(subscription[0], b"\x01news"[..]);
        publisher.send("other").unwrap();
        publisher.send("news of today").unwrap();
        let news = subscriber.recv_timeout(PATIENCE).unwrap();
        assert_eq!(news[0], "news of today");
        subscriber.unsubscribe("news").unwrap();
        let subscription = publisher.recv_timeout(PATIENCE).unwrap();
        assert_eq!(subscription[0], b"\x00news"[..]);
    }
}

#[test]
fn ipc_is_secured_as_tcp_is() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    for mechanism in ALL {
        let mut server = Server::new(mechanism, SocketType::Rep, Some(let_in));
        let path = folder.path().join(format!("{mechanism:?}"));
        server.endpoint = format!("ipc://{}", path.display());
        server.socket.bind(&server.endpoint).unwrap();
        let (client, _monitor) = server.client(mechanism, SocketType::Req);
        client.send("hello").unwrap();
        assert_eq!(server.socket.recv_timeout(PATIENCE).unwrap()[0], "hello");
        let asked = server.asked.lock().unwrap();
        assert!(asked[0].address.starts_with("localhost:"), "{asked:?}");
    }
}

#[test]
fn heartbeats_keep_a_sealed_connection() {
    let _deadline = deadline();
    let mut server = Server::new(Curve, SocketType::Rep, Some(let_in));
    let client = Context::new().socket(SocketType::Req).unwrap();
    Curve.call(&client);
    let moment = Some(Duration::from_millis(50));
    client.set(opt::HeartbeatInterval(moment)).unwrap();
    client.set(opt::HeartbeatTimeout(Some(PATIENCE))).unwrap();
    client.connect(&server.endpoint).unwrap();
    await_event(&mut server.monitor, |kind| {
        *kind == EventKind::HandshakeSucceeded
    });
    std::thread::sleep(Duration::from_millis(500));
    client.send("still here").unwrap();
    assert_eq!(
        server.socket.recv_timeout(PATIENCE).unwrap()[0],
        "still here"
    );
    let events: Vec<_> = std::iter::from_fn(|| server.monitor.try_next()).collect();
    assert!(events.is_empty(), "{events:?}");
}
