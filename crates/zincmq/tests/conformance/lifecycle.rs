use std::thread;
use std::time::Duration;

use zincmq::SocketType::{Dealer, Pair, Pull, Push, Router};
use zincmq::error::{BindError, OptionError, RecvError, SendFailure, SocketError, TermError};
use zincmq::opt;

use crate::support::{LIMIT, Transport, World};

const A_MOMENT: Duration = Duration::from_millis(10);

pub fn a_closed_socket_says_so(world: &World) {
    let (a, b) = world.join(Pair, Pair);
    world.send(&b, "x");
    a.close();
    assert!(matches!(
        world.try_recv(&a, LIMIT),
        Some(Err(RecvError::Closed))
    ));
    let refused = world.try_send(&a, "mine", LIMIT).unwrap().unwrap_err();
    assert_eq!(refused.failure(), SendFailure::Closed);
    assert_eq!(refused.into_message().first(), "mine");
    assert!(matches!(a.bind("inproc://x"), Err(BindError::Closed)));
    assert_eq!(a.set(opt::Linger(None)), Err(OptionError::Closed));
    assert!(!a.can_recv() && !a.can_send());
    a.close();
}

pub fn a_close_ends_waits(world: &World) {
    let (a, _b) = world.join(Pair, Pair);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| world.try_recv(&a, LIMIT));
        thread::sleep(A_MOMENT);
        a.close();
        assert!(matches!(
            waiting.join().unwrap(),
            Some(Err(RecvError::Closed))
        ));
    });
}

pub fn a_terminated_context_says_so(world: &World) {
    let (a, b) = world.join(Pair, Pair);
    world.ctx.shutdown();
    assert!(matches!(
        world.try_recv(&a, LIMIT),
        Some(Err(RecvError::Terminated))
    ));
    let refused = world.try_send(&a, "mine", LIMIT).unwrap().unwrap_err();
    assert_eq!(refused.failure(), SendFailure::Terminated);
    assert!(matches!(
        b.connect("inproc://x"),
        Err(BindError::Terminated)
    ));
    assert!(matches!(
        world.ctx.socket(Pair),
        Err(SocketError::Terminated)
    ));
    let open = world.ctx.term_timeout(A_MOMENT).unwrap_err();
    assert_eq!(open, TermError::TimedOut { open: 2 });
    drop((a, b));
    world.ctx.term_timeout(LIMIT).unwrap();
}

pub fn a_shutdown_ends_waits(world: &World) {
    let pull = world.socket(Pull);
    let push = world.socket(Push);
    world.bind(&pull);
    world.bind(&push);
    thread::scope(|scope| {
        let receiving = scope.spawn(|| world.try_recv(&pull, LIMIT));
        let sending = scope.spawn(|| world.try_send(&push, "x", LIMIT));
        thread::sleep(A_MOMENT);
        world.ctx.shutdown();
        assert!(matches!(
            receiving.join().unwrap(),
            Some(Err(RecvError::Terminated))
        ));
        let refused = sending.join().unwrap().unwrap().unwrap_err();
        assert_eq!(refused.failure(), SendFailure::Terminated);
    });
}

pub fn term_waits_for_what_is_queued(world: &World) {
    if world.transport == Transport::Inproc {
        // Both ends belong to the context that ends.
        return;
    }
    let far = World::new(world.transport, world.mode);
    let pull = far.socket(Pull);
    let endpoint = world.free_endpoint();
    let push = world.socket(Push);
    push.set(opt::Linger(None)).unwrap();
    push.connect(&endpoint).unwrap();
    for n in 0..200 {
        world.send(&push, n.to_string());
    }
    drop(push);
    thread::scope(|scope| {
        let ending = scope.spawn(|| world.ctx.term_timeout(LIMIT));
        thread::sleep(A_MOMENT);
        pull.bind(&endpoint).unwrap();
        for n in 0..200 {
            assert_eq!(far.recv(&pull).first(), &n.to_string());
        }
        ending.join().unwrap().unwrap();
    });
}

pub fn a_peer_that_comes_back(world: &World) {
    if world.transport == Transport::Inproc {
        // Without a connection there is none to make again.
        return;
    }
    let endpoint = world.free_endpoint();
    let dealer = world.socket(Dealer);
    dealer.set(opt::ReconnectInterval(Some(A_MOMENT))).unwrap();
    dealer.set(opt::RoutingId("again".into())).unwrap();
    dealer.connect(&endpoint).unwrap();
    for round in 0..3 {
        let far = World::new(world.transport, world.mode);
        let router = far.socket(Router);
        // The last one's address may be let go of a moment later.
        crate::support::eventually("the endpoint is free", || router.bind(&endpoint).is_ok());
        // What is sent as the last connection ends may go with it.
        let message = (0..500)
            .find_map(|_| {
                world.send(&dealer, round.to_string());
                far.try_recv(&router, A_MOMENT * 3)
            })
            .unwrap()
            .unwrap();
        assert_eq!(message[0], "again");
        world.send(&dealer, "enough");
        while far.recv(&router)[1] != "enough" {}
        far.send(&router, ["again".to_owned(), round.to_string()]);
        assert_eq!(world.recv(&dealer).first(), &round.to_string());
    }
}
