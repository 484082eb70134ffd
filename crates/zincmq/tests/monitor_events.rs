//! What a monitor tells of a connection's life, on both of its sides: which
//! events, in which order, and what each of them carries.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::time::{Duration, Instant};

use rustix::io::Errno;
use testkit::{Deadline, Ending, FaultProxy, PATIENCE, PeerListener, ScriptedPeer, Version, wire};
use zincmq::error::SendFailure;
use zincmq::monitor::{Event, EventKind, Monitor};
use zincmq::options::opt;
use zincmq::{Context, Socket, SocketType};

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(20))
}

/// A socket that was watched from its first moment.
fn watched(context: &Context, socket_type: SocketType) -> (Socket, Events) {
    let socket = context.socket(socket_type).unwrap();
    let monitor = socket.monitor();
    (socket, Events(monitor))
}

struct Events(Monitor);

impl Events {
    #[track_caller]
    fn next(&mut self) -> Event {
        match self.0.next_timeout(PATIENCE) {
            Some(event) => event,
            None => panic!("no further event"),
        }
    }

    /// The next event, which is to be of that kind and endpoint.
    #[track_caller]
    fn expect(&mut self, kind: &EventKind, endpoint: &str) -> Event {
        let event = self.next();
        assert_eq!(event.kind, *kind);
        assert_eq!(event.endpoint, endpoint);
        event
    }

    #[track_caller]
    fn listening(&mut self, endpoint: &str) {
        let event = self.next();
        let EventKind::Listening { fd } = event.kind else {
            panic!("{event:?}");
        };
        assert!(fd > 2, "descriptor {fd}");
        assert_eq!(event.endpoint, endpoint);
        assert_eq!(event.peer, None);
    }

    #[track_caller]
    fn accepted(&mut self, endpoint: &str) {
        let event = self.next();
        let EventKind::Accepted { peer, fd } = event.kind else {
            panic!("{event:?}");
        };
        let port = peer.strip_prefix("tcp://127.0.0.1:").expect(&peer);
        assert_ne!(port.parse::<u16>().expect(&peer), 0);
        assert!(fd > 2, "descriptor {fd}");
        assert_eq!(event.endpoint, endpoint);
        assert_eq!(event.peer, None, "it has not introduced itself");
    }

    /// An attempt that reached somebody.
    #[track_caller]
    fn connected(&mut self, endpoint: &str) {
        self.expect(&EventKind::ConnectDelayed, endpoint);
        let event = self.next();
        let EventKind::Connected { peer, fd } = event.kind else {
            panic!("{event:?}");
        };
        assert_eq!(peer, endpoint.replace("localhost", "127.0.0.1"));
        assert!(fd > 2, "descriptor {fd}");
        assert_eq!(event.endpoint, endpoint);
        assert_eq!(event.peer, None, "it has not introduced itself");
    }

    #[track_caller]
    fn introduced(&mut self, endpoint: &str, socket_type: SocketType, routing_id: &str) {
        let event = self.expect(&EventKind::HandshakeSucceeded, endpoint);
        let peer = event.peer.expect("a handshake introduces the peer");
        assert_eq!(peer.address, "127.0.0.1");
        assert_eq!(peer.socket_type, Some(socket_type));
        assert_eq!(peer.routing_id, routing_id);
    }

    /// The end of a connection whose peer had introduced itself.
    #[track_caller]
    fn disconnected(&mut self, endpoint: &str, routing_id: &str, why: &str) {
        let event = self.next();
        let EventKind::Disconnected { reason, .. } = event.kind else {
            panic!("{event:?}");
        };
        assert!(reason.contains(why), "{reason}");
        assert_eq!(event.endpoint, endpoint);
        assert_eq!(event.peer.expect("it is known").routing_id, routing_id);
    }

    #[track_caller]
    fn handshake_failed(&mut self, endpoint: &str, number: Errno, code: Option<u32>, why: &[&str]) {
        let event = self.next();
        let EventKind::HandshakeFailed {
            code: got,
            status,
            errno,
            reason,
        } = event.kind
        else {
            panic!("{event:?}");
        };
        assert_eq!(got, code, "{reason}");
        assert_eq!(status, None, "{reason}");
        assert_eq!(errno, number.raw_os_error(), "{reason}");
        for part in why {
            assert!(reason.contains(part), "`{part}` is not in `{reason}`");
        }
        assert_eq!(event.endpoint, endpoint);
        assert_eq!(event.peer, None, "it has not introduced itself");
        let event = self.next();
        let EventKind::Disconnected {
            reason: again,
            deliberate: false,
            ..
        } = event.kind
        else {
            panic!("{event:?}");
        };
        assert_eq!(again, reason);
    }

    #[track_caller]
    fn retried(&mut self, endpoint: &str, why: &str) -> Duration {
        let event = self.next();
        let EventKind::ConnectRetried { after, reason } = event.kind else {
            panic!("{event:?}");
        };
        assert!(reason.contains(why), "{reason}");
        assert_eq!(event.endpoint, endpoint);
        after
    }

    #[track_caller]
    fn stopped(mut self) {
        let event = self.next();
        assert_eq!(event.kind, EventKind::MonitorStopped);
        assert!(self.0.next().is_none(), "it is the last");
    }
}

#[test]
fn a_wait_past_the_end_of_time_is_one_without_limit() {
    let _deadline = deadline();
    let context = Context::new();
    let (socket, mut events) = watched(&context, SocketType::Pull);
    socket.bind("tcp://127.0.0.1:*").unwrap();
    let event = events.0.next_timeout(Duration::MAX).unwrap();
    assert!(matches!(event.kind, EventKind::Listening { .. }));
}

#[test]
fn a_monitor_of_a_closed_socket_is_stopped() {
    let _deadline = deadline();
    let context = Context::new();
    let (socket, events) = watched(&context, SocketType::Pull);
    socket.close();
    events.stopped();
    Events(socket.monitor()).stopped();
}

#[test]
fn a_connection_from_its_first_moment_to_its_last() {
    let _deadline = deadline();
    let context = Context::new();
    let (router, mut of_router) = watched(&context, SocketType::Router);
    router.set(opt::RoutingId("the router".into())).unwrap();
    let endpoint = router.bind("tcp://127.0.0.1:*").unwrap();
    of_router.listening(&endpoint);
    let (dealer, mut of_dealer) = watched(&context, SocketType::Dealer);
    dealer.set(opt::RoutingId("the dealer".into())).unwrap();
    dealer.connect(&endpoint).unwrap();
    of_dealer.connected(&endpoint);
    of_dealer.introduced(&endpoint, SocketType::Router, "the router");
    of_router.accepted(&endpoint);
    of_router.introduced(&endpoint, SocketType::Dealer, "the dealer");
    drop(dealer);
    of_router.disconnected(&endpoint, "the dealer", "the peer closed the connection");
    of_dealer.disconnected(&endpoint, "the router", "");
    of_dealer.stopped();
    drop(router);
    let event = of_router.next();
    assert!(matches!(event.kind, EventKind::Closed { .. }), "{event:?}");
    assert_eq!(event.endpoint, endpoint);
    of_router.stopped();
}

#[test]
fn a_connection_is_told_by_both_its_ends_and_its_descriptor() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    let endpoint = pull.bind("tcp://0.0.0.0:*").unwrap();
    let event = of_pull.next();
    let EventKind::Listening { fd: listener } = event.kind else {
        panic!("{event:?}");
    };
    assert!(event.bound);
    assert_eq!((&*event.local, &*event.remote), ("", ""));
    let port = endpoint.rsplit(':').next().unwrap();
    let (here, there) = (
        format!("tcp://localhost:{port}"),
        format!("tcp://127.0.0.1:{port}"),
    );
    let (push, mut of_push) = watched(&context, SocketType::Push);
    push.connect(&here).unwrap();
    let event = of_push.expect(&EventKind::ConnectDelayed, &here);
    assert!(!event.bound);
    assert_eq!((&*event.local, &*event.remote), ("", ""));
    let event = of_push.next();
    let EventKind::Connected { fd, .. } = event.kind else {
        panic!("{event:?}");
    };
    assert_eq!(event.remote, there);
    assert!(event.local.starts_with("tcp://127.0.0.1:"), "{event:?}");
    let own = event.local;
    let event = of_push.next();
    assert_eq!(event.kind, EventKind::HandshakeSucceeded);
    assert_eq!((&event.local, &event.remote), (&own, &there));
    push.close();
    let event = of_push.next();
    let EventKind::Disconnected {
        fd: gone,
        deliberate: true,
        ..
    } = event.kind
    else {
        panic!("{event:?}");
    };
    assert_eq!(gone, fd);
    assert_eq!((&event.local, &event.remote), (&own, &there));
    of_push.stopped();

    let event = of_pull.next();
    let EventKind::Accepted { fd, .. } = event.kind else {
        panic!("{event:?}");
    };
    assert!(event.bound);
    assert_eq!((&event.local, &event.remote), (&there, &own));
    of_pull.expect(&EventKind::HandshakeSucceeded, &endpoint);
    let event = of_pull.next();
    let EventKind::Disconnected {
        fd: gone,
        deliberate: false,
        ..
    } = event.kind
    else {
        panic!("{event:?}");
    };
    assert_eq!(gone, fd);
    assert_eq!((&event.local, &event.remote), (&there, &own));
    pull.close();
    let event = of_pull.next();
    let EventKind::Closed { fd: gone, .. } = event.kind else {
        panic!("{event:?}");
    };
    assert_eq!(gone, listener);
    of_pull.stopped();
}

#[test]
fn a_connect_that_is_given_up_is_told_of() {
    let _deadline = deadline();
    // A listener whose backlog is full leaves the next connect waiting.
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    listener.bind(&loopback.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let _waiting: Vec<_> = (0..8)
        .map(|_| {
            let socket =
                socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address);
            socket
        })
        .collect();
    let endpoint = format!("tcp://{}", address.as_socket().unwrap());
    let context = Context::new();
    let (push, mut of_push) = watched(&context, SocketType::Push);
    push.connect(&endpoint).unwrap();
    of_push.expect(&EventKind::ConnectDelayed, &endpoint);
    push.set(opt::Linger(Some(Duration::ZERO))).unwrap();
    drop(push);
    let event = of_push.next();
    let EventKind::Closed { fd, reason } = event.kind else {
        panic!("{event:?}");
    };
    assert!(fd > 2, "descriptor {fd}");
    assert!(reason.contains("given up"), "{reason}");
    of_push.stopped();
}

#[test]
fn what_stays_of_a_closed_endpoint_is_told_of() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    let endpoint = pull.bind("ipc://*").unwrap();
    of_pull.listening(&endpoint);
    let file = std::path::Path::new(endpoint.strip_prefix("ipc://").unwrap());
    let other = file.with_file_name("somebody else's");
    std::fs::write(&other, "").unwrap();
    pull.unbind(&endpoint).unwrap();
    let event = of_pull.next();
    let EventKind::CloseFailed { errno, .. } = event.kind else {
        panic!("{event:?}");
    };
    assert_eq!(errno, Errno::NOTEMPTY.raw_os_error());
    assert_eq!(event.endpoint, endpoint);
    assert!(!file.exists());
    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
}

#[test]
fn peers_of_the_same_host_are_told_apart() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    of_pull.listening(&endpoint);
    let address = endpoint.strip_prefix("tcp://").unwrap();
    let peers = [(); 2].map(|()| std::net::TcpStream::connect(address).unwrap());
    for peer in &peers {
        let event = of_pull.next();
        let EventKind::Accepted { peer: named, .. } = event.kind else {
            panic!("{event:?}");
        };
        assert_eq!(named, format!("tcp://{}", peer.local_addr().unwrap()));
    }
}

#[test]
fn a_peer_without_a_path_is_told_by_its_process() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    let endpoint = pull.bind("ipc://*").unwrap();
    of_pull.listening(&endpoint);
    let push = context.socket(SocketType::Push).unwrap();
    push.connect(&endpoint).unwrap();
    let event = of_pull.next();
    let EventKind::Accepted { peer, .. } = event.kind else {
        panic!("{event:?}");
    };
    let process = format!(":{}", std::process::id());
    assert!(peer.starts_with("localhost:"), "{peer}");
    assert!(peer.ends_with(&process), "{peer}");
}

#[test]
fn a_lost_connection_is_made_again() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    let bound = pull.bind("tcp://127.0.0.1:*").unwrap();
    of_pull.listening(&bound);
    let proxy = FaultProxy::new(&bound);
    let (push, mut of_push) = watched(&context, SocketType::Push);
    push.set(opt::ReconnectInterval(Some(Duration::from_millis(10))))
        .unwrap();
    push.connect(proxy.endpoint()).unwrap();
    for _ in 0..3 {
        of_push.connected(proxy.endpoint());
        of_push.introduced(proxy.endpoint(), SocketType::Pull, "");
        of_pull.accepted(&bound);
        of_pull.introduced(&bound, SocketType::Push, "");
        proxy.kill(Ending::Reset);
        of_push.disconnected(proxy.endpoint(), "", "reset");
        of_pull.disconnected(&bound, "", "reset");
        let after = of_push.retried(proxy.endpoint(), "reset");
        let range = Duration::from_millis(10)..Duration::from_millis(20);
        assert!(range.contains(&after), "{after:?}");
    }
}

#[test]
fn an_endpoint_nobody_listens_at_is_tried_again_and_again() {
    let _deadline = deadline();
    let endpoint = PeerListener::unused_endpoint();
    let context = Context::new();
    let (push, mut of_push) = watched(&context, SocketType::Push);
    push.set(opt::ReconnectInterval(Some(Duration::from_millis(4))))
        .unwrap();
    push.set(opt::ReconnectIntervalMax(Some(Duration::from_millis(16))))
        .unwrap();
    push.connect(&endpoint).unwrap();
    for least in [4, 8, 16, 16, 16] {
        // The refusal comes at once or a moment later.
        let mut event = of_push.next();
        if event.kind == EventKind::ConnectDelayed {
            event = of_push.next();
        }
        let EventKind::Closed { reason, fd } = &event.kind else {
            panic!("{event:?}");
        };
        assert!(reason.contains("refused"), "{reason}");
        assert!(*fd > 2, "descriptor {fd}");
        assert_eq!(event.endpoint, endpoint);
        event = of_push.next();
        let EventKind::ConnectRetried { after, reason } = event.kind else {
            panic!("{event:?}");
        };
        assert!(reason.contains("refused"), "{reason}");
        let range = Duration::from_millis(least)..Duration::from_millis(least + 4);
        assert!(range.contains(&after), "{after:?}, not in {range:?}");
    }
    // Somebody comes, and the events go on as ever.
    let listener = PeerListener::tcp_at(&endpoint);
    let mut peer = listener.accept_as(Version::V3_1, "PULL");
    let end = Instant::now() + PATIENCE;
    while of_push.next().kind != EventKind::HandshakeSucceeded {
        assert!(Instant::now() < end);
    }
    push.send_timeout("hello", PATIENCE).unwrap();
    peer.expect_message(&[b"hello"]);
}

#[test]
fn a_name_that_does_not_resolve_is_told_of() {
    let _deadline = deadline();
    let context = Context::new();
    let (push, mut of_push) = watched(&context, SocketType::Push);
    let endpoint = "tcp://no-such-host.invalid:5555";
    push.connect(endpoint).unwrap();
    of_push.retried(endpoint, "no-such-host.invalid");
}

#[test]
fn all_events_of_a_connection_name_the_endpoint_that_was_asked_for() {
    let _deadline = deadline();
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let bound = pull.bind("tcp://127.0.0.1:*").unwrap();
    let port = bound.rsplit(':').next().unwrap();
    let endpoint = format!("tcp://localhost:{port}");
    let (push, mut of_push) = watched(&context, SocketType::Push);
    push.connect(&endpoint).unwrap();
    of_push.connected(&endpoint);
    of_push.introduced(&endpoint, SocketType::Pull, "");
}

#[test]
fn peers_of_the_wrong_type_are_named_on_both_sides() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    of_pull.listening(&endpoint);
    let (publisher, mut of_publisher) = watched(&context, SocketType::Pub);
    publisher
        .set(opt::ReconnectInterval(Some(Duration::from_secs(3600))))
        .unwrap();
    publisher.connect(&endpoint).unwrap();
    of_pull.accepted(&endpoint);
    of_pull.handshake_failed(&endpoint, Errno::PROTO, None, &["PULL", "PUB"]);
    of_publisher.connected(&endpoint);
    // From its own look at the peer's type or from the peer's word.
    of_publisher.handshake_failed(&endpoint, Errno::PROTO, None, &["PULL", "PUB"]);
    of_publisher.retried(&endpoint, "PULL");
}

/// A peer that misbehaves, and what the listening side says of it.
#[test]
fn each_failed_handshake_has_its_reason_and_code() {
    let deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    of_pull.listening(&endpoint);
    let greeting = wire::greeting(1, "NULL", false);
    let cases: [(Vec<u8>, Option<u32>, &[&str]); 9] = [
        (
            wire::greeting(1, "PLAIN", false),
            Some(0x1100_0002),
            &["NULL", "PLAIN"],
        ),
        (
            [&greeting[..], &wire::command("HELLO", b"")].concat(),
            Some(0x1000_0001),
            &["HELLO"],
        ),
        (
            [&greeting[..], &wire::ready("SUB", b"")].concat(),
            None,
            &["PULL", "SUB"],
        ),
        (
            [&greeting[..], &wire::ready("CARROT", b"")].concat(),
            None,
            &["PULL", "CARROT"],
        ),
        (
            [&greeting[..], &wire::command("READY", b"\x0bSocket-Type")].concat(),
            Some(0x1000_0018),
            &["metadata"],
        ),
        (
            [&greeting[..], &wire::error("go away")].concat(),
            None,
            &["go away"],
        ),
        (
            [&greeting[..], b"\x04\x05\x09READ"].concat(),
            Some(0x1000_0011),
            &["command"],
        ),
        (
            [&greeting[..], b"\x06\0\0\0\0\x40\0\0\0"].concat(),
            None,
            &["1073741897"],
        ),
        (greeting[..30].to_vec(), None, &["the peer closed"]),
    ];
    for (script, code, why) in cases {
        deadline.step(format!("{}", script.escape_ascii()));
        let errno = match why {
            ["the peer closed"] => Errno::PIPE,
            _ => Errno::PROTO,
        };
        let mut peer = ScriptedPeer::connect(&endpoint);
        peer.send(&script);
        peer.stop_sending();
        of_pull.accepted(&endpoint);
        of_pull.handshake_failed(&endpoint, errno, code, why);
        peer.expect_close();
    }
}

#[test]
fn a_handshake_that_takes_too_long_fails() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    pull.set(opt::HandshakeTimeout(Some(Duration::from_millis(50))))
        .unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    of_pull.listening(&endpoint);
    let mut peer = ScriptedPeer::connect(&endpoint);
    of_pull.accepted(&endpoint);
    of_pull.handshake_failed(&endpoint, Errno::TIMEDOUT, None, &["50ms"]);
    peer.expect_close();
}

/// Row 23 of the list of faults, with a peer that is merely silent.
#[test]
fn a_peer_that_answers_no_ping_is_given_up() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    pull.set(opt::HeartbeatInterval(Some(Duration::from_millis(30))))
        .unwrap();
    pull.set(opt::HeartbeatTimeout(Some(Duration::from_millis(90))))
        .unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    of_pull.listening(&endpoint);
    let mut peer = ScriptedPeer::connect(&endpoint);
    peer.shake_hands(Version::V3_1, "PUSH", b"silent");
    of_pull.accepted(&endpoint);
    of_pull.introduced(&endpoint, SocketType::Push, "silent");
    // Whatever it says is a sign of life, PONG or not.
    for _ in 0..8 {
        std::thread::sleep(Duration::from_millis(20));
        peer.send_message(&[b"alive"]);
        assert_eq!(pull.recv_timeout(PATIENCE).unwrap()[0], "alive");
    }
    of_pull.disconnected(&endpoint, "silent", "nothing for 90ms");
    peer.expect_close();
}

#[test]
fn a_bind_that_fails_is_told_of() {
    let _deadline = deadline();
    let context = Context::new();
    let taken = PeerListener::tcp();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    pull.bind(taken.endpoint()).unwrap_err();
    let event = of_pull.next();
    let EventKind::BindFailed { errno, reason } = &event.kind else {
        panic!("{event:?}");
    };
    assert_eq!(*errno, Errno::ADDRINUSE.raw_os_error());
    assert!(reason.contains("in use"), "{reason}");
    assert_eq!(event.endpoint, taken.endpoint());
}

#[test]
fn a_peer_that_the_filter_refuses_is_told_of() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    pull.set(opt::TcpAcceptFilter("10.0.0.0/8".into())).unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    of_pull.listening(&endpoint);
    let mut peer = ScriptedPeer::connect(&endpoint);
    let event = of_pull.next();
    let EventKind::AcceptFailed { errno, reason } = &event.kind else {
        panic!("{event:?}");
    };
    assert_eq!(*errno, Errno::ACCESS.raw_os_error());
    assert!(reason.contains("127.0.0.1"), "{reason}");
    assert_eq!(event.endpoint, endpoint);
    peer.expect_close();
}

#[test]
fn giving_up_an_endpoint_is_told_of() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    of_pull.listening(&endpoint);
    let (push, mut of_push) = watched(&context, SocketType::Push);
    push.set(opt::ReconnectInterval(Some(Duration::from_secs(3600))))
        .unwrap();
    push.connect(&endpoint).unwrap();
    of_push.connected(&endpoint);
    of_push.introduced(&endpoint, SocketType::Pull, "");
    of_pull.accepted(&endpoint);
    of_pull.introduced(&endpoint, SocketType::Push, "");
    push.disconnect(&endpoint).unwrap();
    of_push.disconnected(&endpoint, "", "");
    of_pull.disconnected(&endpoint, "", "the peer closed");
    pull.unbind(&endpoint).unwrap();
    let event = of_pull.next();
    let EventKind::Closed { reason, .. } = &event.kind else {
        panic!("{event:?}");
    };
    assert!(reason.contains("unbound"), "{reason}");
    assert_eq!(event.endpoint, endpoint);
    // Nothing further happens to either: it does not connect again.
    assert!(of_push.0.next_timeout(Duration::from_millis(50)).is_none());
    assert!(of_pull.0.try_next().is_none());
}

#[test]
fn every_monitor_is_told_and_a_late_one_from_then_on() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut first) = watched(&context, SocketType::Pull);
    let mut second = Events(pull.monitor());
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let mut third = Events(pull.monitor());
    for monitor in [&mut first, &mut second] {
        monitor.listening(&endpoint);
    }
    let _peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PUSH");
    for monitor in [&mut first, &mut second, &mut third] {
        monitor.accepted(&endpoint);
        monitor.introduced(&endpoint, SocketType::Push, "");
        assert_eq!(monitor.0.missed(), 0);
    }
    drop(second);
    context.shutdown();
    drop(pull);
    for mut monitor in [first, third] {
        loop {
            let event = monitor.next();
            if event.kind == EventKind::MonitorStopped {
                break;
            }
        }
        assert!(monitor.0.next().is_none());
    }
}

#[test]
fn events_of_ipc_are_those_of_tcp() {
    let _deadline = deadline();
    let context = Context::new();
    let (pull, mut of_pull) = watched(&context, SocketType::Pull);
    let endpoint = pull.bind("ipc://*").unwrap();
    of_pull.listening(&endpoint);
    let (push, mut of_push) = watched(&context, SocketType::Push);
    push.connect(&endpoint).unwrap();
    // The outcome is known at once.
    let event = of_push.next();
    assert!(
        matches!(event.kind, EventKind::Connected { .. }),
        "{event:?}"
    );
    assert_eq!(event.endpoint, endpoint);
    of_push.expect(&EventKind::HandshakeSucceeded, &endpoint);
    let event = of_pull.next();
    assert!(
        matches!(event.kind, EventKind::Accepted { .. }),
        "{event:?}"
    );
    assert_eq!(event.endpoint, endpoint);
    of_pull.expect(&EventKind::HandshakeSucceeded, &endpoint);
    drop(push);
    let event = of_pull.next();
    assert!(
        matches!(event.kind, EventKind::Disconnected { .. }),
        "{event:?}"
    );
    assert_eq!(event.endpoint, endpoint);
}

/// Who hears that a peer has gone sends nothing to it any more.
#[test]
fn a_peer_is_gone_when_its_end_is_told() {
    let _deadline = deadline();
    let context = Context::new();
    let (push, mut events) = watched(&context, SocketType::Push);
    let endpoint = push.bind("tcp://127.0.0.1:*").unwrap();
    for round in 0..100 {
        let pull = context.socket(SocketType::Pull).unwrap();
        pull.connect(&endpoint).unwrap();
        while events.next().kind != EventKind::HandshakeSucceeded {}
        pull.close();
        while !matches!(events.next().kind, EventKind::Disconnected { .. }) {}
        let sent = push.try_send("to nobody").map_err(|error| error.failure());
        assert_eq!(sent, Err(SendFailure::WouldBlock), "round {round}");
    }
}
