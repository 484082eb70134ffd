use zincmq::SocketType::{Peer, Server};
use zincmq::error::{ConnectError, PeerError, SendFailure};
use zincmq::opt;

use crate::support::{LIMIT, World, text};

fn peer(world: &World) -> zincmq::Peer {
    zincmq::Peer::try_from(world.socket(Peer)).unwrap()
}

pub fn both_know_each_other_by_number(world: &World) {
    let (one, other) = (peer(world), peer(world));
    let endpoint = world.bind(one.as_ref());
    let its = other.connect_peer(&endpoint).unwrap();
    assert_ne!(its, 0);
    other.send_to(its, "hello").unwrap();
    let (mine, hello) = one.recv_from_timeout(LIMIT).unwrap();
    assert_eq!(hello, "hello");
    one.send_to(mine, "back").unwrap();
    let back = other.recv_from_timeout(LIMIT).unwrap();
    assert_eq!(back, (its, "back".into()));
}

pub fn a_number_comes_before_its_peer(world: &World) {
    let other = peer(world);
    let endpoint = world.free_endpoint();
    let id = other.connect_peer(&endpoint).unwrap();
    let another = other.connect_peer(&world.free_endpoint()).unwrap();
    assert_ne!(id, another);
    other.send_to(id, "early").unwrap();
    let one = world.socket(Peer);
    one.bind(&endpoint).unwrap();
    assert_eq!(text(&world.recv(&one))[1], "early");
}

pub fn a_peer_that_is_left_is_not_connected_again(world: &World) {
    let (one, other) = (world.socket(Peer), peer(world));
    let endpoint = world.bind(&one);
    other.set(opt::Linger(Some(LIMIT))).unwrap();
    let id = other.connect_peer(&endpoint).unwrap();
    other.send_to(id, "farewell").unwrap();
    other.disconnect_peer(id).unwrap();
    assert_eq!(other.disconnect_peer(id), Err(PeerError::Unknown(id)));
    let farewell = world.recv(&one);
    assert_eq!(farewell[1], "farewell");
    assert!(other.as_ref().disconnect(&endpoint).is_err());
    // Nobody is there to connect to, so this one is left before it comes.
    let id = other.connect_peer(&world.free_endpoint()).unwrap();
    other.disconnect_peer(id).unwrap();
    let refused = other.send_to(id, "too late").unwrap_err();
    assert_eq!(refused.failure(), SendFailure::Unroutable);
}

pub fn numbers_are_not_for_everyone(world: &World) {
    let endpoint = world.free_endpoint();
    let refused = world.socket(Server).connect_peer(&endpoint);
    assert!(matches!(refused, Err(ConnectError::NoNumbers(Server))));
    let late = world.socket(Peer);
    late.set(opt::Immediate(true)).unwrap();
    let refused = late.connect_peer(&endpoint);
    assert!(matches!(refused, Err(ConnectError::NoNumberYet(at)) if at == endpoint));
    assert!(late.connect_peer("nowhere").is_err());
}
