use std::time::Duration;

use zincmq::SocketType::{Client, Dealer, Server};
use zincmq::error::{PeerError, SendFailure};
use zincmq::{Message, opt};

use crate::support::{LIMIT, Transport, World, eventually, text, within};

pub fn replies_go_to_the_client(world: &World) {
    let server = zincmq::Server::try_from(world.socket(Server)).unwrap();
    let endpoint = world.bind(server.as_ref());
    let clients: Vec<_> = (0..4).map(|_| world.socket(Client)).collect();
    for (n, client) in clients.iter().enumerate() {
        client.connect(&endpoint).unwrap();
        world.send(client, n.to_string());
    }
    for _ in &clients {
        let (id, request) = server.recv_from_timeout(LIMIT).unwrap();
        assert_ne!(id, 0);
        assert!(server.can_route(id));
        server.send_to(id, request).unwrap();
        within(server.send_to_async(id, "more"), LIMIT)
            .unwrap()
            .unwrap();
    }
    for (n, client) in clients.iter().enumerate() {
        assert_eq!(text(&world.recv(client)), [n.to_string()]);
        assert_eq!(text(&world.recv(client)), ["more"]);
    }
}

pub fn a_server_shows_the_number_as_four_bytes(world: &World) {
    let (server, client) = world.join(Server, Client);
    world.send(&client, "ask");
    let request = world.recv(&server);
    assert_eq!((request.len(), request[0].len()), (2, 4));
    assert_eq!(request[1], "ask");
    world.send(&server, [&request[0], &Message::from("answer")]);
    assert_eq!(text(&world.recv(&client)), ["answer"]);
}

pub fn nobody_of_that_number(world: &World) {
    let server = world.socket(Server);
    world.bind(&server);
    assert!(server.can_send());
    let refused = server.send(["\0\0\0\u{1}", "back"]).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::Unroutable);
    assert_eq!(text(&refused.into_message()), ["\0\0\0\u{1}", "back"]);
    let refused = server.send("no number").unwrap_err();
    assert_eq!(refused.failure(), SendFailure::MalformedEnvelope);
    assert_eq!(server.disconnect_peer(1), Err(PeerError::Unknown(1)));
    let client = world.socket(Client);
    let refused = client.disconnect_peer(1);
    assert_eq!(refused, Err(PeerError::NoNumbers(Client)));
}

pub fn a_server_waits_for_a_full_client(world: &World) {
    let server = world.socket(Server);
    server.set(opt::SendHighWaterMark(5)).unwrap();
    let client = world.socket(Client);
    client.set(opt::ReceiveHighWaterMark(5)).unwrap();
    client.connect(&world.bind(&server)).unwrap();
    world.send(&client, "ask");
    let id = world.recv(&server)[0].clone();
    let reply = [id, vec![0; 50_000].into()];
    let mut sent = 0_u64;
    loop {
        assert!(sent < 100_000, "the queue has no limit");
        if let Err(refused) = server.try_send(reply.clone()) {
            assert_eq!(refused.failure(), SendFailure::WouldBlock);
            let short = Duration::from_millis(30);
            if world.try_send(&server, reply.clone(), short).is_none() {
                break;
            }
        }
        sent += 1;
    }
    for _ in 0..sent {
        assert_eq!(world.recv(&client)[0].len(), 50_000);
    }
    world.send(&server, reply);
    assert_eq!(world.recv(&client)[0].len(), 50_000);
    assert_eq!(server.counters().messages_out, sent + 1);
    assert_eq!(server.counters().dropped_full, 0);
}

pub fn several_parts_are_neither_sent_nor_received(world: &World) {
    let (server, client) = world.join(Server, Client);
    let refused = client.send(["one", "two"]).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::MultipartUnsupported);
    assert_eq!(text(refused.message()), ["one", "two"]);
    world.send(&client, "ask");
    let id = world.recv(&server)[0].clone();
    let refused = server.send([id, "one".into(), "two".into()]).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::MultipartUnsupported);
    if world.transport == Transport::Inproc {
        // Where nobody looks at types, a peer of another one may come.
        let dealer = world.socket(Dealer);
        dealer.connect(&server.last_endpoint()).unwrap();
        world.send(&dealer, ["one", "two"]);
        world.send(&dealer, "three");
        assert_eq!(world.recv(&server)[1], "three");
        assert_eq!(server.counters().dropped_filtered, 1);
    }
}

pub fn a_server_parts_with_one_client(world: &World) {
    let server = zincmq::Server::try_from(world.socket(Server)).unwrap();
    let endpoint = world.bind(server.as_ref());
    server.set(opt::Linger(Some(LIMIT))).unwrap();
    let clients = [world.socket(Client), world.socket(Client)];
    let mut ids = Vec::new();
    for client in &clients {
        // Nobody is to come back under another number.
        client.set(opt::ReconnectInterval(None)).unwrap();
        client.connect(&endpoint).unwrap();
        world.send(client, "ask");
        ids.push(server.recv_from_timeout(LIMIT).unwrap().0);
    }
    server.send_to(ids[0], "farewell").unwrap();
    server.disconnect_peer(ids[0]).unwrap();
    assert_eq!(
        server.disconnect_peer(ids[0]),
        Err(PeerError::Unknown(ids[0]))
    );
    let refused = server.send_to(ids[0], "too late").unwrap_err();
    assert_eq!(refused.failure(), SendFailure::Unroutable);
    assert_eq!(text(&world.recv(&clients[0])), ["farewell"]);
    eventually("the client is alone", || !clients[0].can_send());
    server.send_to(ids[1], "still there").unwrap();
    assert_eq!(text(&world.recv(&clients[1])), ["still there"]);
}
