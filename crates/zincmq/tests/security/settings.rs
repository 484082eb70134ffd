//! Options that would leave a socket other than it was meant.

use super::*;
use zincmq::error::{BindError, BuildError, SecurityFault};
use zincmq::options::SocketConfig;
use zincmq::{Rep, Req};

/// What a builder's bind, or connect, was refused for.
#[track_caller]
fn fault<S: std::fmt::Debug>(made: Result<S, BuildError>) -> SecurityFault {
    match made.unwrap_err() {
        BuildError::Endpoint(BindError::Security(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

const ANYWHERE: &str = "tcp://127.0.0.1:*";
const NOBODY: &str = "tcp://127.0.0.1:9";

#[test]
fn switching_off_another_mechanism_leaves_a_server_shut() {
    let _deadline = deadline();
    let secret = keys(4).secret().clone();
    let context = Context::new();
    let late = context.socket(SocketType::Rep).unwrap();
    late.set(opt::CurveServer(true)).unwrap();
    late.set(opt::CurveSecretKey(secret.clone())).unwrap();
    late.set(opt::PlainServer(false)).unwrap();
    late.set(opt::PlainUsername(String::new())).unwrap();
    late.bind(ANYWHERE).unwrap();
    let plain = Rep::builder(&context)
        .plain_server(true)
        .curve_server(false)
        .bind(ANYWHERE)
        .unwrap();
    let curve = Rep::builder(&context)
        .curve_server(true)
        .curve_secret_key(secret)
        .plain_server(false)
        .plain_username("")
        .plain_password("")
        .bind(ANYWHERE)
        .unwrap();
    for server in [&late, plain.as_ref(), curve.as_ref()] {
        let mut monitor = server.monitor();
        // It shows nothing.
        let client = Context::new().socket(SocketType::Req).unwrap();
        client.set(opt::Linger(Some(Duration::ZERO))).unwrap();
        client.connect(&server.last_endpoint()).unwrap();
        client.send("let me in").unwrap();
        await_failure(&mut monitor);
        assert!(server.try_recv().is_err());
    }
}

#[test]
fn a_socket_of_two_minds_is_neither_bound_nor_connected() {
    let _deadline = deadline();
    let context = Context::new();
    let both = Rep::builder(&context)
        .curve_server(true)
        .curve_secret_key(keys(4).secret().clone())
        .plain_server(true);
    let both = fault(both.bind(ANYWHERE));
    assert_eq!(
        both,
        SecurityFault::TwoMechanisms("PLAIN_SERVER", "CURVE_SERVER")
    );
    let config = SocketConfig::new()
        .plain_username("anna")
        .curve_key_pair(&keys(3));
    let both = fault(Req::builder(&context).config(&config).connect(NOBODY));
    assert_eq!(
        both,
        SecurityFault::TwoMechanisms("PLAIN_USERNAME", "CURVE_PUBLICKEY")
    );
    let sides = Rep::builder(&context)
        .plain_server(true)
        .plain_username("anna");
    let sides = fault(sides.bind(ANYWHERE));
    assert_eq!(
        sides,
        SecurityFault::BothSides("PLAIN_SERVER", "PLAIN_USERNAME")
    );

    // Over inproc as well: it would be another socket than was meant.
    let socket = context.socket(SocketType::Rep).unwrap();
    socket.set(opt::PlainServer(true)).unwrap();
    socket.set(opt::CurveServer(true)).unwrap();
    for endpoint in [ANYWHERE, "inproc://two-minds"] {
        let error = socket.bind(endpoint).unwrap_err();
        assert!(matches!(error, BindError::Security(_)), "{error:?}");
    }
    // And is the one that is left.
    socket.set(opt::CurveServer(false)).unwrap();
    socket.bind(ANYWHERE).unwrap();
    assert!(socket.option::<opt::PlainServer>().unwrap());
}

#[test]
fn a_key_that_is_missing_or_of_another_pair_is_named() {
    let _deadline = deadline();
    let context = Context::new();
    let missing = |option, side| SecurityFault::NoKey { option, side };
    let server = Rep::builder(&context).curve_server(true);
    assert_eq!(
        fault(server.bind(ANYWHERE)),
        missing("CURVE_SECRETKEY", "server")
    );
    let client = || Req::builder(&context).curve_server_key(*keys(4).public());
    assert_eq!(
        fault(client().connect(NOBODY)),
        missing("CURVE_SECRETKEY", "client")
    );
    let nowhere = Req::builder(&context).curve_key_pair(&keys(3));
    assert_eq!(
        fault(nowhere.connect(NOBODY)),
        missing("CURVE_SERVERKEY", "client")
    );
    let mixed = client()
        .curve_key_pair(&keys(3))
        .curve_public_key(*keys(5).public());
    let mixed = fault(mixed.connect(NOBODY));
    let expected = *keys(3).public();
    let given = *keys(5).public();
    assert_eq!(mixed, SecurityFault::NoPair { given, expected });
}

#[test]
fn a_secret_key_has_its_public_one_with_it() {
    let _deadline = deadline();
    let server = Server::new(Curve, SocketType::Rep, Some(let_in));
    let context = Context::new();
    let client = || Req::builder(&context).curve_server_key(*keys(4).public());
    for client in [
        client().curve_secret_key(keys(3).secret().clone()),
        client().curve_key_pair(&keys(3)),
    ] {
        let client = client.connect(&server.endpoint).unwrap();
        client.send("hello").unwrap();
        server.socket.recv_timeout(PATIENCE).unwrap();
        server.socket.send("hello").unwrap();
        client.recv_timeout(PATIENCE).unwrap();
    }
    let asked = server.asked.lock().unwrap();
    assert!(asked.iter().all(|request| Curve.is_shown(request)));
    assert_eq!(asked.len(), 2);
}

#[test]
fn contexts_of_c_take_the_last_option_as_libzmq_does() {
    let _deadline = deadline();
    let context = Context::new();
    zincmq::raw::be_lenient(&context);
    let server = Rep::builder(&context)
        .curve_server(true)
        .plain_server(false)
        .bind(ANYWHERE)
        .unwrap();
    // It is open.
    let client = Req::builder(&Context::new())
        .connect(&server.last_endpoint())
        .unwrap();
    client.send("hello").unwrap();
    assert_eq!(server.recv_timeout(PATIENCE).unwrap()[0], "hello");
    let both = Rep::builder(&context)
        .plain_server(true)
        .curve_server(true)
        .bind(ANYWHERE)
        .unwrap();
    assert!(both.as_ref().option::<opt::CurveServer>().unwrap());
}
