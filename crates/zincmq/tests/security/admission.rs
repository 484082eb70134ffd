//! Those who are not let in, or not yet.

use super::*;
use std::sync::mpsc::channel;
use testkit::eventually;
use zincmq::security::{Denial, VerdictFault};

const EFAULT: i32 = 14;

/// No message from such a client comes through.
fn expect_nothing(server: &Server) {
    assert!(
        server
            .socket
            .recv_timeout(Duration::from_millis(200))
            .is_err(),
        "a message came from someone who was not let in"
    );
}

#[test]
fn refused_credentials_end_the_connection_for_good() {
    let _deadline = deadline();
    fn refuse(_: &AuthRequest) -> Verdict {
        Verdict::deny(Denial::Refused, "not on the list")
    }
    fn fail(_: &AuthRequest) -> Verdict {
        Verdict::deny(Denial::Failure, "the list is on fire")
    }
    for mechanism in ALL {
        for (judge, status) in [(refuse as fn(&AuthRequest) -> Verdict, 400), (fail, 500)] {
            let mut server = Server::new(mechanism, SocketType::Pull, Some(judge));
            let (client, mut monitor) = server.client(mechanism, SocketType::Push);
            let _ = client.try_send("let me in");
            assert_eq!(await_denial(&mut server.monitor), status);
            assert_eq!(await_denial(&mut monitor), status, "{mechanism:?}");
            expect_nothing(&server);
            // The same credentials are not tried again.
            let again = std::iter::from_fn(|| monitor.try_next())
                .any(|event| matches!(event.kind, EventKind::ConnectRetried { .. }));
            assert!(!again);
            assert_eq!(server.asked(), 1);
        }
    }
}

#[test]
fn who_is_to_come_later_comes_later() {
    let _deadline = deadline();
    for mechanism in ALL {
        let context = Context::new();
        let times = Mutex::new(0);
        context.set_authenticator(move |_: &AuthRequest| {
            let mut times = times.lock().unwrap();
            *times += 1;
            match *times {
                1 | 2 => Verdict::deny(Denial::Temporary, "not now"),
                _ => Verdict::accept("patient"),
            }
        });
        let socket = context.socket(SocketType::Rep).unwrap();
        mechanism.serve(&socket);
        let mut monitor = socket.monitor();
        let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
        let client = Context::new().socket(SocketType::Req).unwrap();
        mechanism.call(&client);
        let mut client_monitor = client.monitor();
        client.connect(&endpoint).unwrap();
        client.send("hello").unwrap();
        for _ in 0..2 {
            assert_eq!(await_denial(&mut monitor), 300);
            // The client was not told: to it, the connection was lost.
            let (code, _) = await_failure(&mut client_monitor);
            assert_eq!(code, None);
        }
        let request = socket.recv_timeout(PATIENCE).unwrap();
        let peer = request.first().peer().unwrap();
        assert_eq!(peer.user_id.as_deref(), Some(&b"patient"[..]));
    }
}

#[test]
fn row_11_where_nobody_is_asked_nobody_is_let_in() {
    let _deadline = deadline();
    for mechanism in ALL {
        let mut server = Server::new(mechanism, SocketType::Pull, None);
        let (client, _monitor) = server.client(mechanism, SocketType::Push);
        let _ = client.try_send("let me in");
        let (code, status, errno, reason) = await_failed_handshake(&mut server.monitor);
        assert_eq!((code, status, errno), (None, None, EFAULT));
        assert!(reason.contains("no authentication handler"), "{reason}");
        expect_nothing(&server);
        // As soon as there is somebody, the client's next attempt succeeds.
        server.context.set_authenticator(let_in);
        client.send_timeout("let me in", PATIENCE).unwrap();
        assert_eq!(
            server.socket.recv_timeout(PATIENCE).unwrap()[0],
            "let me in"
        );
    }
}

#[test]
fn row_11_lenient_contexts_let_in_as_libzmq_does() {
    let _deadline = deadline();
    for enforced in [false, true] {
        for mechanism in ALL {
            let context = Context::new();
            zincmq::raw::be_lenient(&context);
            let socket = context.socket(SocketType::Pull).unwrap();
            mechanism.serve(&socket);
            socket.set(opt::ZapDomain("global".into())).unwrap();
            socket.set(opt::ZapEnforceDomain(enforced)).unwrap();
            let mut monitor = socket.monitor();
            let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
            let client = Context::new().socket(SocketType::Push).unwrap();
            client.set(opt::Linger(Some(Duration::ZERO))).unwrap();
            mechanism.call(&client);
            client.connect(&endpoint).unwrap();
            let _ = client.try_send("let me in");
            if enforced || mechanism == Plain {
                let (_, reason) = await_failure(&mut monitor);
                assert!(reason.contains("no authentication handler"), "{reason}");
            } else {
                assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "let me in");
            }
        }
    }
}

#[test]
fn row_13_a_domain_that_must_be_there_and_is_not_keeps_everybody_out() {
    let _deadline = deadline();
    for (mechanism, lenient) in [(Plain, false), (Curve, false), (Plain, true), (Curve, true)] {
        let context = Context::new();
        context.set_authenticator(let_in);
        if lenient {
            // As the C library is.
            zincmq::raw::be_lenient(&context);
        }
        let socket = context.socket(SocketType::Pull).unwrap();
        mechanism.serve(&socket);
        socket.set(opt::ZapEnforceDomain(true)).unwrap();
        let mut monitor = socket.monitor();
        let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
        let client = Context::new().socket(SocketType::Push).unwrap();
        client.set(opt::Linger(Some(Duration::ZERO))).unwrap();
        mechanism.call(&client);
        client.connect(&endpoint).unwrap();
        await_failure(&mut monitor);
    }
}

#[test]
fn the_authenticator_sees_the_domain_and_the_socket() {
    let _deadline = deadline();
    let server = Server::new(Plain, SocketType::Router, Some(let_in));
    server.socket.set(opt::ZapDomain("north".into())).unwrap();
    server.socket.set(opt::RoutingId("gate".into())).unwrap();
    let endpoint = server.socket.bind("tcp://127.0.0.1:*").unwrap();
    let client = Context::new().socket(SocketType::Dealer).unwrap();
    Plain.call(&client);
    client.connect(&endpoint).unwrap();
    eventually("the authenticator is asked", || server.asked() == 1);
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked[0].domain, "north");
    assert_eq!(asked[0].routing_id, &b"gate"[..]);
}

#[test]
fn where_a_client_comes_from_is_the_same_on_sockets_of_both_families() {
    let _deadline = deadline();
    let server = Server::new(Plain, SocketType::Pull, Some(let_in));
    server.socket.set(opt::Ipv6(true)).unwrap();
    let endpoint = server.socket.bind("tcp://[::]:*").unwrap();
    let (_, port) = endpoint.rsplit_once(':').unwrap();
    for endpoint in [&server.endpoint, &format!("tcp://127.0.0.1:{port}")] {
        let client = Context::new().socket(SocketType::Push).unwrap();
        Plain.call(&client);
        client.connect(endpoint).unwrap();
        client.send("hello").unwrap();
        server.socket.recv_timeout(PATIENCE).unwrap();
    }
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked[0].address, "127.0.0.1");
    assert_eq!(asked[1].address, "::ffff:127.0.0.1");
    for request in &*asked {
        assert_eq!(request.ip(), Some("127.0.0.1".parse().unwrap()));
    }
}

#[test]
fn an_authenticator_that_holds_its_context_is_let_go_with_it() {
    let _deadline = deadline();
    for (name, end) in [
        ("term", (|context| context.term().unwrap()) as fn(&Context)),
        ("remove", Context::remove_authenticator),
    ] {
        let server = Server::new(Plain, SocketType::Pull, None);
        let held = Arc::new(());
        let (inner, kept) = (server.context.clone(), Arc::clone(&held));
        server.context.set_authenticator(move |_: &AuthRequest| {
            assert_eq!(Arc::strong_count(&kept), 2);
            inner.review_peers();
            Verdict::accept("guest")
        });
        let (client, _monitor) = server.client(Plain, SocketType::Push);
        client.send("hello").unwrap();
        assert_eq!(server.socket.recv_timeout(PATIENCE).unwrap()[0], "hello");
        let Server {
            socket, context, ..
        } = server;
        drop(socket);
        assert_eq!(Arc::strong_count(&held), 2);
        end(&context);
        eventually(name, || Arc::strong_count(&held) == 1);
    }
}

#[test]
fn row_12_a_slow_authenticator_holds_up_only_who_waits_for_it() {
    let _deadline = deadline();
    let (release, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let context = Context::new();
    context.set_authenticator(move |_: &AuthRequest| {
        let _ = wait.lock().unwrap().recv();
        Verdict::accept("at last")
    });
    let secured = context.socket(SocketType::Pull).unwrap();
    Curve.serve(&secured);
    let endpoint = secured.bind("tcp://127.0.0.1:*").unwrap();
    let waiting = Context::new().socket(SocketType::Push).unwrap();
    Curve.call(&waiting);
    waiting.connect(&endpoint).unwrap();
    waiting.send("held up").unwrap();

    // Sockets of the same context, with and without connections to come.
    let open = context.socket(SocketType::Rep).unwrap();
    let open_endpoint = open.bind("tcp://127.0.0.1:*").unwrap();
    for _ in 0..10 {
        let client = Context::new().socket(SocketType::Req).unwrap();
        client.connect(&open_endpoint).unwrap();
        client.send("hello").unwrap();
        assert_eq!(open.recv_timeout(PATIENCE).unwrap()[0], "hello");
        open.send("hello").unwrap();
        client.recv_timeout(PATIENCE).unwrap();
    }
    assert!(secured.try_recv().is_err());
    release.send(()).unwrap();
    assert_eq!(secured.recv_timeout(PATIENCE).unwrap()[0], "held up");
}

#[test]
fn row_12_a_dead_authenticator_costs_the_handshake_s_time_and_no_more() {
    let _deadline = deadline();
    for mechanism in ALL {
        let (release, wait) = channel::<()>();
        let wait = Mutex::new(wait);
        let context = Context::new();
        context.set_authenticator(move |_: &AuthRequest| {
            let _ = wait.lock().unwrap().recv();
            Verdict::accept("too late")
        });
        let socket = context.socket(SocketType::Pull).unwrap();
        mechanism.serve(&socket);
        let limit = Duration::from_millis(300);
        socket.set(opt::HandshakeTimeout(Some(limit))).unwrap();
        let mut monitor = socket.monitor();
        let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
        let client = Context::new().socket(SocketType::Push).unwrap();
        client.set(opt::Linger(Some(Duration::ZERO))).unwrap();
        mechanism.call(&client);
        client.set(opt::ReconnectInterval(None)).unwrap();
        client.connect(&endpoint).unwrap();
        let (code, reason) = await_failure(&mut monitor);
        assert_eq!(code, None);
        assert!(reason.contains("300ms"), "{reason}");
        // The late verdict finds nobody.
        release.send(()).unwrap();
        drop(client);
        assert!(socket.recv_timeout(Duration::from_millis(100)).is_err());
        drop(release);
    }
}

#[test]
fn row_38_a_panicking_authenticator_keeps_its_client_out_and_goes_on() {
    let _deadline = deadline();
    let context = Context::new();
    let times = Mutex::new(0);
    context.set_authenticator(move |_: &AuthRequest| {
        let first = {
            let mut times = times.lock().unwrap();
            *times += 1;
            *times == 1
        };
        assert!(!first, "a bug in the program");
        Verdict::accept("second try")
    });
    let socket = context.socket(SocketType::Pull).unwrap();
    Curve.serve(&socket);
    let mut monitor = socket.monitor();
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    let client = Context::new().socket(SocketType::Push).unwrap();
    Curve.call(&client);
    client.connect(&endpoint).unwrap();
    client.send("hello").unwrap();
    let (_, reason) = await_failure(&mut monitor);
    let expected = VerdictFault::HandlerGone.to_string();
    assert!(reason.contains(&expected), "{reason}");
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "hello");
}

#[test]
fn an_authenticator_may_use_the_context_it_judges_for() {
    let _deadline = deadline();
    let context = Context::new();
    let inner = context.clone();
    context.set_authenticator(move |_: &AuthRequest| {
        let pair = inner.socket(SocketType::Pair).unwrap();
        pair.bind("inproc://within").unwrap();
        Verdict::accept("")
    });
    let socket = context.socket(SocketType::Pull).unwrap();
    Plain.serve(&socket);
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    let client = Context::new().socket(SocketType::Push).unwrap();
    Plain.call(&client);
    client.connect(&endpoint).unwrap();
    client.send("hello").unwrap();
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "hello");
    // It holds the context; without it, the context can go.
    context.remove_authenticator();
}

#[test]
fn closing_while_a_verdict_is_out_waits_for_nobody() {
    let _deadline = deadline();
    let (release, wait) = channel::<()>();
    let (asked, is_asked) = channel();
    let wait = Mutex::new((wait, asked));
    let context = Context::new();
    context.set_authenticator(move |_: &AuthRequest| {
        let wait = wait.lock().unwrap();
        wait.1.send(()).unwrap();
        let _ = wait.0.recv();
        Verdict::accept("nobody")
    });
    let socket = context.socket(SocketType::Pull).unwrap();
    Curve.serve(&socket);
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    let client = Context::new().socket(SocketType::Push).unwrap();
    client.set(opt::Linger(Some(Duration::ZERO))).unwrap();
    Curve.call(&client);
    client.connect(&endpoint).unwrap();
    is_asked.recv_timeout(PATIENCE).unwrap();
    drop(socket);
    context.term_timeout(PATIENCE).unwrap();
    drop(context);
    drop(client);
    release.send(()).unwrap();
}
