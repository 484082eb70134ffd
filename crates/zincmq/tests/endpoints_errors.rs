//! Each way to be refused has a variant of its own, which carries what was
//! asked for; what a peer does wrong is told by the monitor.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::io::ErrorKind;
use std::time::Duration;

use testkit::{Deadline, PATIENCE, PeerListener, ScriptedPeer, Version, wire};
use zincmq::error::{
    BindError, EndpointError, OptionError, RecvFailure, SendFailure, SettingError, SocketError,
    TermError, UnbindError,
};
use zincmq::monitor::{Event, EventKind, Monitor};
use zincmq::options::{OptionValue, opt};
use zincmq::{Context, Multipart, Socket, SocketType};

const SHORT: Duration = Duration::from_millis(20);

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(20))
}

fn socket(socket_type: SocketType) -> (Context, Socket) {
    let context = Context::new();
    let socket = context.socket(socket_type).unwrap();
    (context, socket)
}

/// What both a bind and a connect say of an endpoint.
fn refused_by_both(endpoint: &str) -> EndpointError {
    let (_context, socket) = socket(SocketType::Pair);
    let of_bind = match socket.bind(endpoint) {
        Err(BindError::Endpoint(error)) => error,
        other => panic!("bind to `{endpoint}`: {other:?}"),
    };
    match socket.connect(endpoint) {
        Err(BindError::Endpoint(error)) => assert_eq!(error, of_bind),
        other => panic!("connect to `{endpoint}`: {other:?}"),
    }
    assert_eq!(socket.last_endpoint(), "");
    of_bind
}

#[test]
fn an_unknown_scheme_is_named() {
    for scheme in ["carrot", "TCP", "tcp4", "http"] {
        let endpoint = format!("{scheme}://127.0.0.1:5555");
        let error = refused_by_both(&endpoint);
        assert_eq!(
            error,
            EndpointError::UnknownTransport {
                scheme: scheme.to_owned(),
                endpoint: endpoint.clone(),
            }
        );
        assert!(error.to_string().contains(&endpoint), "{error}");
    }
}

#[test]
fn a_transport_that_is_not_built_in_is_told_from_one_that_is_unknown() {
    for known in ["pgm", "epgm", "norm", "tipc", "vmci", "vsock"] {
        let endpoint = format!("{known}://address");
        let EndpointError::Unsupported {
            transport,
            endpoint: named,
        } = refused_by_both(&endpoint)
        else {
            panic!("{endpoint} is not among those known");
        };
        assert_eq!((transport, named), (known, endpoint));
    }
}

#[test]
fn a_malformed_endpoint_is_named() {
    for endpoint in [
        "", "nothing", "tcp", "tcp:", "tcp:/", "tcp://", "://", "://x", "tcp:x//y",
    ] {
        let error = refused_by_both(endpoint);
        assert_eq!(error, EndpointError::Malformed(endpoint.to_owned()));
    }
}

#[test]
fn a_bad_address_is_named_with_its_fault() {
    for address in [
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:http",
        "[::1:5555",
        ":",
    ] {
        let error = refused_by_both(&format!("tcp://{address}"));
        let EndpointError::BadAddress {
            transport: "tcp",
            address: named,
            reason,
        } = &error
        else {
            panic!("{address}: {error:?}");
        };
        assert_eq!(named, address);
        assert!(!reason.is_empty());
    }
    let error = refused_by_both("ipc://@");
    assert!(
        matches!(
            &error,
            EndpointError::BadAddress {
                transport: "ipc",
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_wildcard_cannot_be_connected_to() {
    let (_context, socket) = socket(SocketType::Pair);
    for (endpoint, wildcard) in [("tcp://127.0.0.1:*", "127.0.0.1:*"), ("ipc://*", "*")] {
        match socket.connect(endpoint) {
            Err(BindError::Endpoint(EndpointError::BadAddress { address, .. })) => {
                assert_eq!(address, wildcard);
            }
            other => panic!("{endpoint}: {other:?}"),
        }
    }
}

#[test]
fn a_path_that_is_too_long_is_named_with_the_limit() {
    let path = format!("/tmp/{}", "x".repeat(200));
    let error = refused_by_both(&format!("ipc://{path}"));
    let EndpointError::PathTooLong { path: named, limit } = error else {
        panic!("{error:?}");
    };
    assert_eq!(named, path);
    assert!((100..=108).contains(&limit));
}

#[test]
fn an_unknown_interface_is_named() {
    let (_context, socket) = socket(SocketType::Pair);
    match socket.bind("tcp://no-such-interface0:5555") {
        Err(BindError::Endpoint(EndpointError::NoSuchInterface(name))) => {
            assert_eq!(name, "no-such-interface0");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_endpoint_in_use_is_named() {
    let (context, first) = socket(SocketType::Pair);
    let second = context.socket(SocketType::Pair).unwrap();
    let abstract_name = format!("ipc://@taken-{}", std::process::id());
    for endpoint in ["tcp://127.0.0.1:*", &abstract_name, "inproc://taken"] {
        let endpoint = first.bind(endpoint).unwrap();
        match second.bind(&endpoint) {
            Err(BindError::InUse(named)) => assert_eq!(named, endpoint),
            other => panic!("{endpoint}: {other:?}"),
        }
        first.unbind(&endpoint).unwrap();
        assert_eq!(
            second.bind(&endpoint).unwrap(),
            endpoint,
            "it is free again"
        );
    }
}

#[test]
fn what_the_system_refuses_comes_with_its_word() {
    let (_context, socket) = socket(SocketType::Pair);
    // Set aside for documentation, so no host has it.
    match socket.bind("tcp://192.0.2.1:5555") {
        Err(BindError::System { endpoint, source }) => {
            assert_eq!(endpoint, "tcp://192.0.2.1:5555");
            assert_eq!(source.kind(), ErrorKind::AddrNotAvailable);
        }
        other => panic!("{other:?}"),
    }
    match socket.bind("ipc:///no/such/directory/socket") {
        Err(BindError::System { endpoint, source }) => {
            assert_eq!(endpoint, "ipc:///no/such/directory/socket");
            assert_eq!(source.kind(), ErrorKind::NotFound);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_transport_that_does_not_carry_the_type_is_named_with_it() {
    let (_context, socket) = socket(SocketType::Stream);
    for endpoint in ["inproc://stream", "ipc://@stream"] {
        for result in [socket.bind(endpoint).map(drop), socket.connect(endpoint)] {
            match result {
                Err(BindError::Incompatible {
                    socket_type: SocketType::Stream,
                    endpoint: named,
                }) => assert_eq!(named, endpoint),
                other => panic!("{endpoint}: {other:?}"),
            }
        }
    }
}

#[test]
fn an_endpoint_the_socket_has_not_is_named() {
    let (_context, socket) = socket(SocketType::Pair);
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    for other in ["tcp://127.0.0.1:1", "ipc://@other", "inproc://other"] {
        let unknown = Err(UnbindError::Unknown(other.to_owned()));
        assert_eq!(socket.unbind(other), unknown);
        assert_eq!(socket.disconnect(other), unknown);
    }
    let unknown = Err(UnbindError::Unknown(endpoint.clone()));
    assert_eq!(
        socket.disconnect(&endpoint),
        unknown,
        "bound is not connected"
    );
    assert_eq!(socket.unbind(&endpoint), Ok(()));
    assert_eq!(socket.unbind(&endpoint), unknown, "once is enough");
    assert_eq!(
        socket.unbind("nonsense"),
        Err(UnbindError::Endpoint(EndpointError::Malformed(
            "nonsense".to_owned()
        )))
    );
}

#[test]
fn types_that_cannot_send_give_the_message_back() {
    for socket_type in [SocketType::Pull, SocketType::Sub] {
        let (_context, socket) = socket(socket_type);
        let message: Multipart = ["a", "", "b"].into_iter().map(Into::into).collect();
        for result in [
            socket.send(message.clone()),
            socket.try_send(message.clone()),
            socket.send_timeout(message.clone(), SHORT),
        ] {
            let error = result.unwrap_err();
            let failure = error.failure();
            assert_eq!(failure, SendFailure::CannotSend(socket_type));
            let said = format!("a {socket_type} socket cannot send");
            assert_eq!(failure.to_string(), said);
            assert_eq!(error.into_message(), message);
        }
    }
}

#[test]
fn types_that_cannot_receive_say_so() {
    for socket_type in [SocketType::Push, SocketType::Pub] {
        let (_context, socket) = socket(socket_type);
        let failure = RecvFailure::CannotReceive(socket_type);
        assert_eq!(socket.recv(), Err(failure));
        assert_eq!(socket.try_recv(), Err(failure));
        assert_eq!(socket.recv_timeout(SHORT), Err(failure));
        let said = format!("a {socket_type} socket cannot receive");
        assert_eq!(failure.to_string(), said);
    }
}

#[test]
fn the_wrong_turn_is_told_with_whose_it_is() {
    let _deadline = deadline();
    let (context, req) = socket(SocketType::Req);
    let rep = context.socket(SocketType::Rep).unwrap();
    req.connect(&rep.bind("tcp://127.0.0.1:*").unwrap())
        .unwrap();
    let wrong =
        |failure: RecvFailure| matches!(failure, RecvFailure::WrongState(why) if !why.is_empty());
    assert!(wrong(req.recv().unwrap_err()));
    let error = rep.send("unasked").unwrap_err();
    assert!(matches!(error.failure(), SendFailure::WrongState(why) if !why.is_empty()));
    assert_eq!(error.into_message()[0], "unasked");
    req.send_timeout("question", PATIENCE).unwrap();
    let error = req.send("once more").unwrap_err();
    assert!(matches!(error.failure(), SendFailure::WrongState(why) if !why.is_empty()));
    assert_eq!(error.into_message()[0], "once more");
    assert_eq!(rep.recv_timeout(PATIENCE).unwrap()[0], "question");
    assert!(wrong(rep.try_recv().unwrap_err()));
    // No turn was lost by it.
    rep.send("answer").unwrap();
    assert_eq!(req.recv_timeout(PATIENCE).unwrap()[0], "answer");
}

#[test]
fn without_a_peer_a_send_blocks_and_gives_the_message_back() {
    for socket_type in [
        SocketType::Push,
        SocketType::Dealer,
        SocketType::Req,
        SocketType::Pair,
    ] {
        let (_context, socket) = socket(socket_type);
        let error = socket.try_send("nobody there").unwrap_err();
        assert_eq!(error.failure(), SendFailure::WouldBlock);
        assert_eq!(error.into_message()[0], "nobody there");
        let error = socket.send_timeout("nobody there", SHORT).unwrap_err();
        assert_eq!(error.failure(), SendFailure::TimedOut);
        assert_eq!(error.into_message()[0], "nobody there");
        socket.set(opt::SendTimeout(Some(SHORT))).unwrap();
        let error = socket.send("nobody there").unwrap_err();
        assert_eq!(error.failure(), SendFailure::TimedOut);
    }
    let (_context, socket) = socket(SocketType::Pull);
    assert_eq!(socket.try_recv(), Err(RecvFailure::WouldBlock));
    assert_eq!(socket.recv_timeout(SHORT), Err(RecvFailure::TimedOut));
    socket.set(opt::ReceiveTimeout(Some(SHORT))).unwrap();
    assert_eq!(socket.recv(), Err(RecvFailure::TimedOut));
}

#[test]
fn an_unroutable_message_comes_back_whole() {
    let _deadline = deadline();
    let (_context, router) = socket(SocketType::Router);
    router.set(opt::RouterMandatory(true)).unwrap();
    let endpoint = router.bind("tcp://127.0.0.1:*").unwrap();
    let message: Multipart = ["nobody", "", "body"].into_iter().map(Into::into).collect();
    let error = router.send(message.clone()).unwrap_err();
    assert_eq!(error.failure(), SendFailure::Unroutable);
    assert!(error.to_string().ends_with(": \"nobody\""), "{error}");
    assert_eq!(*error.message(), message);
    assert_eq!(error.into_message(), message);
    assert_eq!(router.counters().dropped_no_route, 0);
    // Whoever is there can be reached meanwhile.
    let mut peer = ScriptedPeer::connect(&endpoint);
    peer.shake_hands(Version::V3_1, "DEALER", b"somebody");
    peer.send_message(&[b"hello"]);
    let hello = router.recv_timeout(PATIENCE).unwrap();
    router.send(hello).unwrap();
    peer.expect_message(&[b"hello"]);
    // Without MANDATORY it is dropped, and counted.
    router.set(opt::RouterMandatory(false)).unwrap();
    router.send(message).unwrap();
    assert_eq!(router.counters().dropped_no_route, 1);
}

#[test]
fn an_option_out_of_range_is_named_with_value_and_range() {
    let (_context, socket) = socket(SocketType::Dealer);
    for (name, value) in [
        ("SNDHWM", "-1"),
        ("LINGER", "-2"),
        ("RECONNECT_IVL", "-2"),
        ("ROUTING_ID", ""),
        ("IPV6", "2"),
        ("HEARTBEAT_TTL", "6553600"),
    ] {
        match socket.set_by_name(name, value) {
            Err(OptionError::OutOfRange {
                option,
                value: named,
                range,
            }) => {
                assert_eq!(option, name);
                assert!(named.contains(value), "{name}: {named}");
                assert!(!range.is_empty());
            }
            other => panic!("{name} to {value}: {other:?}"),
        }
    }
    for (name, said) in [
        (
            "LINGER",
            "LINGER takes a number of milliseconds from -1, not -2",
        ),
        (
            "TCP_KEEPALIVE_IDLE",
            "TCP_KEEPALIVE_IDLE takes a number of seconds from -1, not -2",
        ),
        ("SNDHWM", "SNDHWM takes a number from 0, not -2"),
    ] {
        let error = socket.set_by_name(name, "-2").unwrap_err();
        assert_eq!(error.to_string(), said);
    }
    // It stayed as it was.
    assert_eq!(socket.option_by_name("SNDHWM"), Ok(OptionValue::Int(1000)));
}

#[test]
fn an_option_that_cannot_be_set_says_why() {
    let (_context, dealer) = socket(SocketType::Dealer);
    assert_eq!(
        dealer.set_by_name("NO_SUCH_OPTION", "1"),
        Err(OptionError::Unknown("NO_SUCH_OPTION".to_owned()))
    );
    assert_eq!(
        dealer.set_by_number(9999, OptionValue::Int(1)),
        Err(OptionError::Unknown("9999".to_owned()))
    );
    match dealer.set_by_name("SNDHWM", "many") {
        Err(OptionError::WrongType {
            option: "SNDHWM",
            given,
            ..
        }) => {
            assert!(given.contains("many"), "{given}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        dealer.set_by_name("TYPE", "1"),
        Err(OptionError::ReadOnly("TYPE"))
    );
    let (_context, sub) = socket(SocketType::Sub);
    assert_eq!(
        sub.option_by_name("SUBSCRIBE"),
        Err(OptionError::WriteOnly("SUBSCRIBE"))
    );
    assert_eq!(sub.unsubscribe("never"), Ok(()), "as libzmq has it");
    let (_context, xpub) = socket(SocketType::Xpub);
    assert_eq!(
        xpub.subscribe("x"),
        Err(OptionError::Setting {
            option: "SUBSCRIBE",
            source: SettingError::NotManual,
        })
    );
    for refused in [dealer.subscribe("x"), dealer.set(opt::ReqRelaxed(true))] {
        match refused {
            Err(OptionError::NotForThisType {
                socket_type: SocketType::Dealer,
                ..
            }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_closed_socket_says_so_to_every_call() {
    let (_context, socket) = socket(SocketType::Pair);
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    socket.close();
    socket.close();
    let error = socket.send("late").unwrap_err();
    assert_eq!(error.failure(), SendFailure::Closed);
    assert_eq!(error.into_message()[0], "late");
    assert_eq!(
        socket.try_send("late").unwrap_err().failure(),
        SendFailure::Closed
    );
    assert_eq!(socket.recv(), Err(RecvFailure::Closed));
    assert_eq!(socket.try_recv(), Err(RecvFailure::Closed));
    assert!(matches!(
        socket.bind("tcp://127.0.0.1:*"),
        Err(BindError::Closed)
    ));
    assert!(matches!(socket.connect(&endpoint), Err(BindError::Closed)));
    assert_eq!(socket.unbind(&endpoint), Err(UnbindError::Closed));
    assert_eq!(socket.disconnect(&endpoint), Err(UnbindError::Closed));
    assert_eq!(
        socket.set(opt::SendHighWaterMark(1)),
        Err(OptionError::Closed)
    );
    assert_eq!(
        socket.option::<opt::SendHighWaterMark>(),
        Err(OptionError::Closed)
    );
    assert!(!socket.can_send() && !socket.can_recv());
}

#[test]
fn a_terminated_context_says_so_to_every_call() {
    let _deadline = deadline();
    let (context, socket) = socket(SocketType::Pair);
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    context.shutdown();
    let error = socket.send("late").unwrap_err();
    assert_eq!(error.failure(), SendFailure::Terminated);
    assert_eq!(error.into_message()[0], "late");
    assert_eq!(socket.recv(), Err(RecvFailure::Terminated));
    assert_eq!(socket.try_recv(), Err(RecvFailure::Terminated));
    assert!(matches!(
        socket.bind("tcp://127.0.0.1:*"),
        Err(BindError::Terminated)
    ));
    assert!(matches!(
        socket.connect(&endpoint),
        Err(BindError::Terminated)
    ));
    assert_eq!(socket.unbind(&endpoint), Err(UnbindError::Terminated));
    assert_eq!(
        socket.set(opt::SendHighWaterMark(1)),
        Err(OptionError::Terminated)
    );
    assert!(matches!(
        context.socket(SocketType::Pair),
        Err(SocketError::Terminated)
    ));
    assert_eq!(
        context.term_timeout(SHORT),
        Err(TermError::TimedOut { open: 1 })
    );
    drop(socket);
    assert_eq!(context.term(), Ok(()));
    assert_eq!(context.term(), Ok(()), "twice does no harm");
}

#[test]
fn a_type_that_is_not_built_in_is_named() {
    match Context::new().socket(SocketType::Dgram) {
        Err(SocketError::Unsupported(SocketType::Dgram)) => {}
        other => panic!("{other:?}"),
    }
}

/// A bound PULL and its monitor.
fn bound(configure: impl Fn(&Socket)) -> (Context, Socket, String, Monitor) {
    let (context, socket) = socket(SocketType::Pull);
    configure(&socket);
    let monitor = socket.monitor();
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    (context, socket, endpoint, monitor)
}

/// Why the next connection to end did so; whether it had been introduced.
fn ended(monitor: &mut Monitor) -> (bool, String) {
    loop {
        let Event { kind, peer, .. } = monitor.next_timeout(PATIENCE).expect("an event");
        if let EventKind::Disconnected { reason, .. } = kind {
            return (peer.is_some(), reason);
        }
    }
}

#[test]
fn an_oversized_message_ends_its_connection_with_both_sizes() {
    let _deadline = deadline();
    let (_context, pull, endpoint, mut monitor) =
        bound(|socket| socket.set(opt::MaxMessageSize(Some(100))).unwrap());
    for version in Version::ALL {
        let mut peer = ScriptedPeer::connect_as(&endpoint, version, "PUSH");
        peer.send_message(&[&[1; 100], &[2; 100]]);
        assert_eq!(pull.recv_timeout(PATIENCE).unwrap().size(), 200);
        peer.send_message(&[b"fine", &[1; 101]]);
        peer.expect_close();
        let (known, reason) = ended(&mut monitor);
        assert!(
            known && reason.contains("101") && reason.contains("100"),
            "{reason}"
        );
    }
    assert!(pull.try_recv().is_err(), "not even the part that was fine");
}

#[test]
fn an_oversized_message_ends_a_dialled_connection_too_and_it_comes_back() {
    let _deadline = deadline();
    let listener = PeerListener::tcp();
    let (_context, pull) = socket(SocketType::Pull);
    pull.set(opt::MaxMessageSize(Some(1000))).unwrap();
    pull.set(opt::ReconnectInterval(Some(Duration::from_millis(2))))
        .unwrap();
    pull.connect(listener.endpoint()).unwrap();
    let mut peer = listener.accept_as(Version::V3_1, "PUSH");
    peer.send(&wire::header(Version::V3_1, false, 1001));
    peer.expect_close();
    let mut peer = listener.accept_as(Version::V3_1, "PUSH");
    peer.send_message(&[b"smaller"]);
    assert_eq!(pull.recv_timeout(PATIENCE).unwrap()[0], "smaller");
}

#[test]
fn an_incompatible_peer_is_named_with_both_types() {
    let _deadline = deadline();
    let (_context, _pull, endpoint, mut monitor) = bound(|_| {});
    for theirs in ["PULL", "SUB", "ROUTER", "PAIR", "NOVELTY"] {
        let mut peer = ScriptedPeer::connect(&endpoint);
        peer.greet(Version::V3_1, "PAIR");
        peer.send(&wire::ready(theirs, b""));
        // READY first, then word of why it ends here.
        peer.read_ready();
        let word = peer.expect_command("ERROR");
        let word = String::from_utf8(word).unwrap();
        assert!(word.contains("PULL") && word.contains(theirs), "{word}");
        peer.expect_close();
        let (known, reason) = ended(&mut monitor);
        assert!(
            !known && reason.contains("PULL") && reason.contains(theirs),
            "{reason}"
        );
    }
}

#[test]
fn garbage_half_a_greeting_and_a_peer_that_vanishes_are_told_apart() {
    let _deadline = deadline();
    let (_context, pull, endpoint, mut monitor) = bound(|_| {});
    // Garbage, behind a greeting.
    let mut peer = ScriptedPeer::connect(&endpoint);
    peer.greet(Version::V3_1, "PUSH");
    peer.send(b"\x04\x03\xff\xff\xff");
    peer.expect_close();
    let (known, reason) = ended(&mut monitor);
    assert!(!known && reason.contains("malformed"), "{reason}");
    // Half a greeting.
    let mut peer = ScriptedPeer::connect(&endpoint);
    peer.send(&wire::greeting(1, "NULL", false)[..32]);
    peer.stop_sending();
    let (known, reason) = ended(&mut monitor);
    assert!(!known && reason.contains("the peer closed"), "{reason}");
    // Garbage, where messages should be.
    let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PUSH");
    peer.send(b"\x04\x05\x07PING");
    peer.expect_close();
    let (known, reason) = ended(&mut monitor);
    assert!(known && reason.contains("malformed"), "{reason}");
    // Gone in the middle of a frame.
    for reset in [false, true] {
        let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PUSH");
        peer.send(b"\x00\x10half");
        if reset {
            peer.reset()
        } else {
            peer.close()
        }
        let (known, reason) = ended(&mut monitor);
        let why = if reset { "reset" } else { "the peer closed" };
        assert!(known && reason.contains(why), "{reason}");
    }
    assert!(pull.try_recv().is_err());
}
