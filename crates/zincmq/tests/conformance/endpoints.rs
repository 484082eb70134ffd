use std::time::Duration;

use zincmq::SocketType::{Dealer, Pair, Pull, Push, Rep, Req};
use zincmq::error::{BindError, UnbindError};
use zincmq::opt;

use crate::support::{Transport, World, eventually};

pub fn a_connect_before_its_bind(world: &World) {
    let endpoint = world.free_endpoint();
    let req = world.socket(Req);
    req.connect(&endpoint).unwrap();
    world.send(&req, "early");
    let rep = world.socket(Rep);
    rep.bind(&endpoint).unwrap();
    assert_eq!(world.recv(&rep).first(), "early");
    world.send(&rep, "late");
    assert_eq!(world.recv(&req).first(), "late");
}

pub fn an_endpoint_is_bound_once(world: &World) {
    let first = world.socket(Pull);
    let endpoint = world.bind(&first);
    assert_eq!(first.last_endpoint(), endpoint);
    if world.transport == Transport::Ipc {
        // As with libzmq, the newest binder of a path has it.
        return;
    }
    let second = world.socket(Pull);
    let error = second.bind(&endpoint).unwrap_err();
    assert!(
        matches!(error, BindError::InUse(ref at) if *at == endpoint),
        "{error}"
    );
    first.unbind(&endpoint).unwrap();
    second.bind(&endpoint).unwrap();
}

pub fn an_unbound_endpoint_takes_nobody(world: &World) {
    let pull = world.socket(Pull);
    let endpoint = world.bind(&pull);
    let push = world.socket(Push);
    push.connect(&endpoint).unwrap();
    world.send(&push, "1");
    assert_eq!(world.recv(&pull).first(), "1");
    pull.unbind(&endpoint).unwrap();
    let late = world.socket(Push);
    late.connect(&endpoint).unwrap();
    let _ = late.try_send("2");
    world.recv_nothing(&pull);
    // It can be bound again, and who waited gets in.
    pull.bind(&endpoint).unwrap();
    assert_eq!(world.recv(&pull).first(), "2");
}

pub fn an_unbound_endpoint_leaves_what_came(world: &World) {
    let (pull, push) = world.join(Pull, Push);
    for n in 0..5_u8 {
        world.send(&push, [n]);
    }
    eventually("it has arrived", || pull.counters().queued_in == 5);
    pull.unbind(&pull.last_endpoint()).unwrap();
    for n in 0..5_u8 {
        assert_eq!(world.recv(&pull)[0], [n]);
    }
}

pub fn a_disconnected_peer_is_gone(world: &World) {
    let (pull, push) = world.join(Pull, Push);
    let endpoint = push.last_endpoint();
    push.set(opt::Linger(None)).unwrap();
    for n in 0..100 {
        world.send(&push, n.to_string());
    }
    push.disconnect(&endpoint).unwrap();
    // What was queued still goes.
    for n in 0..100 {
        assert_eq!(world.recv(&pull).first(), &n.to_string());
    }
    assert!(
        world
            .try_send(&push, "x", Duration::from_millis(20))
            .is_none()
    );
    eventually("it is gone here", || push.counters().peers.is_empty());
    eventually("it is gone there", || {
        let _ = pull.can_recv();
        pull.counters().peers.is_empty()
    });
    push.connect(&endpoint).unwrap();
    world.send(&push, "back");
    assert_eq!(world.recv(&pull).first(), "back");
}

pub fn unknown_endpoints_are_named(world: &World) {
    let socket = world.socket(Pair);
    let endpoint = world.free_endpoint();
    let unknown = |error| matches!(error, UnbindError::Unknown(at) if at == endpoint);
    assert!(unknown(socket.unbind(&endpoint).unwrap_err()));
    assert!(unknown(socket.disconnect(&endpoint).unwrap_err()));
    for wrong in ["", "tcp", "nowhere://x", "tcp://", "tcp://127.0.0.1:port"] {
        let error = socket.bind(wrong).unwrap_err();
        assert!(matches!(error, BindError::Endpoint(_)), "{wrong}: {error}");
        assert!(socket.connect(wrong).is_err());
    }
}

pub fn a_socket_with_several_endpoints(world: &World) {
    let dealer = world.socket(Dealer);
    let first = world.bind(&dealer);
    let second = world.bind(&dealer);
    let third = world.socket(Dealer);
    dealer.connect(&world.bind(&third)).unwrap();
    let peers = [world.socket(Dealer), world.socket(Dealer), third];
    peers[0].connect(&first).unwrap();
    peers[1].connect(&second).unwrap();
    for (n, peer) in peers.iter().enumerate() {
        world.send(peer, n.to_string());
    }
    let mut heard: Vec<_> = (0..3)
        .map(|_| world.recv(&dealer).first().to_text())
        .collect();
    heard.sort();
    assert_eq!(heard, ["0", "1", "2"]);
}
