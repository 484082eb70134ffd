//! Messages that nobody sends: options have connections make them.

use std::io::Write;

use zincmq::SocketType::{Client, Dealer, Peer, Router, Server};
use zincmq::{Socket, opt};

use crate::support::{Transport, World, text};

/// Binds again where `endpoint` was bound before.
fn rebind(world: &World, socket: &Socket, endpoint: &str) {
    crate::support::eventually("the endpoint is free", || socket.bind(endpoint).is_ok());
    assert_ne!(world.transport, Transport::Inproc);
}

pub fn a_hello_comes_first(world: &World) {
    for (bound, connected) in [(Router, Dealer), (Server, Client), (Peer, Peer)] {
        let connected = world.socket(connected);
        connected.set(opt::HelloMessage("from me".into())).unwrap();
        let endpoint = world.free_endpoint();
        connected.connect(&endpoint).unwrap();
        if connected.socket_type() != Peer {
            connected.send("a message").unwrap();
        }
        let bound = world.socket(bound);
        bound
            .set(opt::HelloMessage("from the other".into()))
            .unwrap();
        bound.bind(&endpoint).unwrap();
        assert_eq!(world.recv(&bound)[1], "from me");
        if connected.socket_type() != Peer {
            assert_eq!(world.recv(&bound)[1], "a message");
        }
        assert_eq!(world.recv(&connected).last(), "from the other");
    }
}

pub fn each_new_connection_starts_with_a_hello(world: &World) {
    if world.transport == Transport::Inproc {
        return;
    }
    let client = world.socket(Client);
    client.set(opt::HelloMessage("hello".into())).unwrap();
    let endpoint = world.free_endpoint();
    client.connect(&endpoint).unwrap();
    for message in ["one", "two"] {
        let server = world.socket(Server);
        rebind(world, &server, &endpoint);
        assert_eq!(world.recv(&server)[1], "hello");
        world.send(&client, message);
        assert_eq!(world.recv(&server)[1], message);
    }
}

pub fn who_leaves_is_told_of(world: &World) {
    let server = world.socket(Server);
    server.set(opt::DisconnectMessage("gone".into())).unwrap();
    let endpoint = world.bind(&server);
    for closes in [true, false] {
        let client = world.socket(Client);
        client.connect(&endpoint).unwrap();
        world.send(&client, "here");
        let here = world.recv(&server);
        assert_eq!(here[1], "here");
        if closes {
            client.close();
        } else {
            client.disconnect(&endpoint).unwrap();
        }
        let gone = world.recv(&server);
        assert_eq!((&gone[0], gone[1].to_text()), (&here[0], "gone".into()));
    }
    world.recv_nothing(&server);
}

pub fn a_lost_connection_is_told_of(world: &World) {
    let client = world.socket(Client);
    client.set(opt::HiccupMessage("lost".into())).unwrap();
    let server = world.socket(Server);
    let endpoint = world.bind(&server);
    client.connect(&endpoint).unwrap();
    world.send(&client, "ask");
    let id = world.recv(&server)[0].clone();
    world.send(&server, [id, "answer".into()]);
    assert_eq!(text(&world.recv(&client)), ["answer"]);
    server.close();
    if world.transport == Transport::Inproc {
        // There is no connection.
        world.recv_nothing(&client);
    } else {
        assert_eq!(text(&world.recv(&client)), ["lost"]);
    }
}

pub fn a_router_hears_of_connects_and_disconnects(world: &World) {
    for (notify, connects, disconnects) in [(1, true, false), (2, false, true), (3, true, true)] {
        let router = world.socket(Router);
        router.set(opt::RouterNotify(notify)).unwrap();
        let endpoint = world.bind(&router);
        let dealer = world.socket(Dealer);
        dealer.set(opt::RoutingId("X".into())).unwrap();
        dealer.connect(&endpoint).unwrap();
        let told = world.transport != Transport::Inproc;
        if connects && told {
            assert_eq!(text(&world.recv(&router)), ["X", ""]);
        }
        world.send(&dealer, "hello");
        assert_eq!(text(&world.recv(&router)), ["X", "hello"]);
        dealer.disconnect(&endpoint).unwrap();
        if disconnects && told {
            assert_eq!(text(&world.recv(&router)), ["X", ""]);
        }
        world.recv_nothing(&router);
    }
}

pub fn a_router_hears_nothing_of_strangers(world: &World) {
    let router = world.socket(Router);
    router.set(opt::RouterNotify(3)).unwrap();
    let endpoint = world.bind(&router);
    if let Some(address) = endpoint.strip_prefix("tcp://") {
        let mut stranger = std::net::TcpStream::connect(address).unwrap();
        stranger.write_all(b"not a handshake, not at all").unwrap();
        drop(stranger);
    }
    world.recv_nothing(&router);
}

pub fn small_batches_carry_everything(world: &World) {
    let router = world.socket(Router);
    let dealer = world.socket(Dealer);
    for socket in [&router, &dealer] {
        socket.set(opt::InBatchSize(Some(1))).unwrap();
        socket.set(opt::OutBatchSize(Some(1))).unwrap();
    }
    dealer.connect(&world.bind(&router)).unwrap();
    let sizes = [0, 1, 39, 40, 255, 256, 9000, 40_000];
    for size in sizes {
        world.send(&dealer, vec![vec![1; size], vec![2; size / 2]]);
    }
    for size in sizes {
        let message = world.recv(&router);
        assert_eq!((message[1].len(), message[2].len()), (size, size / 2));
        world.send(&router, message);
    }
    for size in sizes {
        assert_eq!(world.recv(&dealer)[0].len(), size);
    }
}
