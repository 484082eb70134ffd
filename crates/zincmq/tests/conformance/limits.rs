use std::time::{Duration, Instant};

use zincmq::SocketType::{
    self, Channel, Client, Dealer, Dish, Gather, Pair, Peer, Pub, Pull, Push, Radio, Rep, Req,
    Router, Scatter, Server, Sub, Xpub, Xsub,
};
use zincmq::error::{RecvError, SendFailure};
use zincmq::opt;

use crate::support::{LIMIT, Mode, Transport, World, eventually};

const SHORT: Duration = Duration::from_millis(30);

pub fn who_waits_for_a_peer(world: &World) {
    for socket_type in [Push, Dealer, Pair, Req, Scatter, Client, Channel] {
        let socket = world.socket(socket_type);
        world.bind(&socket);
        assert!(!socket.can_send(), "{socket_type}");
        let refused = socket.try_send("x").unwrap_err();
        assert_eq!(refused.failure(), SendFailure::WouldBlock, "{socket_type}");
        assert!(
            world.try_send(&socket, "x", SHORT).is_none(),
            "{socket_type}"
        );
    }
    for socket_type in [Pub, Xpub, Xsub, Router, Radio] {
        let socket = world.socket(socket_type);
        world.bind(&socket);
        assert!(socket.can_send(), "{socket_type}");
        world.send(&socket, ["x", "y"]);
    }
    for socket_type in [
        Pull, Sub, Dealer, Pair, Rep, Router, Xpub, Xsub, Gather, Client, Server, Peer, Channel,
        Dish,
    ] {
        let socket = world.socket(socket_type);
        world.bind(&socket);
        assert!(!socket.can_recv(), "{socket_type}");
        assert_eq!(socket.try_recv().unwrap_err(), RecvError::WouldBlock);
        world.recv_nothing(&socket);
    }
}

pub fn who_cannot_send_or_receive(world: &World) {
    for socket_type in [Pull, Sub, Gather, Dish] {
        let refused = world.try_send(&world.socket(socket_type), "x", LIMIT);
        let failure = refused.unwrap().unwrap_err().failure();
        assert_eq!(
            failure,
            SendFailure::CannotSend(socket_type),
            "{socket_type}"
        );
    }
    for socket_type in [Push, Pub, Scatter, Radio] {
        let refused = world.try_recv(&world.socket(socket_type), LIMIT);
        let failure = refused.unwrap().unwrap_err();
        assert_eq!(
            failure,
            RecvError::CannotReceive(socket_type),
            "{socket_type}"
        );
    }
    assert!(world.ctx.socket(SocketType::Dgram).is_err());
}

pub fn a_full_queue_blocks_and_opens_again(world: &World) {
    let pull = world.socket(Pull);
    pull.set(opt::ReceiveHighWaterMark(10)).unwrap();
    let push = world.socket(Push);
    push.set(opt::SendHighWaterMark(10)).unwrap();
    push.connect(&world.bind(&pull)).unwrap();
    for round in 0..3 {
        let mut sent = 0;
        while world.try_send(&push, vec![round; 50_000], SHORT).is_some() {
            sent += 1;
            assert!(sent < 100_000, "the queue has no limit");
        }
        if world.transport == Transport::Inproc {
            assert_eq!(sent, 20);
            assert!(!push.can_send());
        }
        for _ in 0..sent {
            assert_eq!(world.recv(&pull).first()[0], round);
        }
        eventually("there is room", || push.can_send());
    }
}

pub fn marks_of_both_ends_add_up_while_they_change(world: &World) {
    if world.transport != Transport::Inproc {
        // What the system buffers is nobody's mark.
        return;
    }
    for bind_first in [true, false] {
        let (pull, push) = (world.socket(Pull), world.socket(Push));
        pull.set(opt::ReceiveHighWaterMark(1)).unwrap();
        push.set(opt::SendHighWaterMark(1)).unwrap();
        let endpoint = world.free_endpoint();
        if bind_first {
            pull.bind(&endpoint).unwrap();
        }
        push.connect(&endpoint).unwrap();
        if !bind_first {
            pull.bind(&endpoint).unwrap();
        }
        let fill = |expected: usize| {
            while push.try_send("x").is_ok() {}
            assert_eq!(push.counters().queued_out, expected as u64, "{bind_first}");
        };
        fill(2);
        push.set(opt::SendHighWaterMark(5)).unwrap();
        fill(6);
        pull.set(opt::ReceiveHighWaterMark(7)).unwrap();
        fill(12);
        push.set(opt::SendHighWaterMark(0)).unwrap();
        for _ in 0..1000 {
            push.try_send("x").unwrap();
        }
    }
}

pub fn waits_end_in_time(world: &World) {
    let push = world.socket(Push);
    let pull = world.socket(Pull);
    world.bind(&push);
    world.bind(&pull);
    let start = Instant::now();
    assert_eq!(pull.recv_timeout(SHORT).unwrap_err(), RecvError::TimedOut);
    assert!(start.elapsed() >= SHORT);
    let start = Instant::now();
    let refused = push.send_timeout("x", SHORT).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::TimedOut);
    assert!(start.elapsed() >= SHORT);

    pull.set(opt::ReceiveTimeout(Some(SHORT))).unwrap();
    push.set(opt::SendTimeout(Some(SHORT))).unwrap();
    let start = Instant::now();
    assert_eq!(pull.recv().unwrap_err(), RecvError::TimedOut);
    let refused = push.send("x").unwrap_err();
    assert_eq!(refused.failure(), SendFailure::TimedOut);
    assert!(start.elapsed() >= SHORT * 2);
    pull.set(opt::ReceiveTimeout(Some(Duration::ZERO))).unwrap();
    assert_eq!(pull.recv().unwrap_err(), RecvError::WouldBlock);
}

pub fn a_socket_lingers(world: &World) {
    let (pull, push) = world.join(Pull, Push);
    push.set(opt::Linger(None)).unwrap();
    for n in 0..500 {
        world.send(&push, n.to_string());
    }
    drop(push);
    for n in 0..500 {
        assert_eq!(world.recv(&pull).first(), &n.to_string());
    }
}

pub fn a_socket_that_does_not_linger(world: &World) {
    if world.transport == Transport::Inproc {
        // There is nothing to linger for: a queue is the peer's already.
        return;
    }
    let push = world.socket(Push);
    assert_eq!(push.option::<opt::Linger>().unwrap(), Some(Duration::ZERO));
    push.connect(&world.free_endpoint()).unwrap();
    world.send(&push, "lost");
    drop(push);
    world.ctx.term_timeout(LIMIT).unwrap();

    let lingering = World::new(world.transport, Mode::Blocking);
    let push = lingering.socket(Push);
    push.connect(&lingering.free_endpoint()).unwrap();
    push.set(opt::Linger(Some(SHORT))).unwrap();
    push.send("lost in time").unwrap();
    let start = Instant::now();
    drop(push);
    lingering.ctx.term_timeout(LIMIT).unwrap();
    assert!(start.elapsed() >= SHORT);
}

pub fn conflate_keeps_the_newest(world: &World) {
    let pull = world.socket(Pull);
    let push = world.socket(Push);
    pull.set(opt::Conflate(true)).unwrap();
    push.set(opt::Conflate(true)).unwrap();
    push.connect(&world.bind(&pull)).unwrap();
    for n in 0..500 {
        world.send(&push, n.to_string());
    }
    let mut last = 0;
    while last < 499 {
        let next: u32 = world.recv(&pull).first().to_text().parse().unwrap();
        assert!(next >= last);
        last = next;
    }
    world.recv_nothing(&pull);
}
