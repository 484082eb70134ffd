//! Connecting through a SOCKS5 proxy: what it is asked, what it may do, and
//! what that costs.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use testkit::{
    Deadline, Direction, Ending, FaultProxy, PATIENCE, PeerListener, ScriptedPeer, SocksHost,
    SocksProxy, SocksRequest, eventually, own_process, resident_bytes,
};
use zincmq::monitor::{Event, EventKind, Monitor};
use zincmq::options::{OptionError, opt};
use zincmq::{Context, Socket, SocketType};

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(40))
}

/// A bound PULL and a PUSH that connects through `proxy`, which is watched.
struct Pair {
    pull: Socket,
    push: Socket,
    events: Monitor,
    port: u16,
    // Last, so that the sockets close first.
    _context: Context,
}

impl Pair {
    fn new(proxy: &str) -> Self {
        let context = Context::new();
        let pull = context.socket(SocketType::Pull).unwrap();
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
        let push = context.socket(SocketType::Push).unwrap();
        push.set(opt::SocksProxy(Some(proxy.to_owned()))).unwrap();
        push.set(opt::ReconnectInterval(Some(Duration::from_millis(10))))
            .unwrap();
        Self {
            pull,
            events: push.monitor(),
            push,
            port: endpoint.rsplit_once(':').unwrap().1.parse().unwrap(),
            _context: context,
        }
    }

    fn connect(&self, host: &str) -> String {
        let endpoint = format!("tcp://{host}:{}", self.port);
        self.push.connect(&endpoint).unwrap();
        endpoint
    }

    #[track_caller]
    fn talk(&self, text: &str) {
        self.push.send_timeout(text, PATIENCE).unwrap();
        assert_eq!(self.pull.recv_timeout(PATIENCE).unwrap()[0], *text);
    }

    #[track_caller]
    fn next_event(&mut self) -> Event {
        match self.events.next_timeout(PATIENCE) {
            Some(event) => event,
            None => panic!("no further event"),
        }
    }

    /// An attempt that fails at the proxy, for a reason with `why` in it, and
    /// is followed by another.
    #[track_caller]
    fn fails(&mut self, why: &str) {
        let event = self.next_event();
        assert_eq!(event.kind, EventKind::ConnectDelayed);
        let event = self.next_event();
        let EventKind::Closed { reason, .. } = &event.kind else {
            panic!("{event:?}");
        };
        for part in [why, "the proxy at tcp://127.0.0.1:"] {
            assert!(reason.contains(part), "`{part}` is not in `{reason}`");
        }
        let event = self.next_event();
        let EventKind::ConnectRetried { reason: again, .. } = event.kind else {
            panic!("{event:?}");
        };
        assert!(again.contains(why), "{again}");
    }
}

fn asked(host: SocksHost, port: u16) -> SocksRequest {
    SocksRequest {
        login: None,
        host,
        port,
    }
}

#[test]
fn each_kind_of_address_goes_to_the_proxy_as_it_is() {
    let _deadline = deadline();
    for (host, expected) in [
        ("127.0.0.1", SocksHost::V4([127, 0, 0, 1].into())),
        // An address that only the proxy makes something of.
        ("192.0.2.7", SocksHost::V4([192, 0, 2, 7].into())),
        ("[::1]", SocksHost::V6("::1".parse().unwrap())),
        ("2001:db8::7", SocksHost::V6("2001:db8::7".parse().unwrap())),
        // A name that nobody else knows.
        (
            "nobody.invalid",
            SocksHost::Name("nobody.invalid".to_owned()),
        ),
    ] {
        let proxy = SocksProxy::new();
        let pair = Pair::new(&proxy.address().to_string());
        pair.connect(host);
        pair.talk("hello");
        assert_eq!(proxy.requests(), [asked(expected, pair.port)], "{host}");
    }
}

#[test]
fn a_proxy_has_a_name_and_a_source_as_endpoints_do() {
    let _deadline = deadline();
    let proxy = SocksProxy::new();
    let port = proxy.address().port();
    for text in [
        format!("localhost:{port}"),
        format!("127.0.0.1:0;127.0.0.1:{port}"),
    ] {
        let pair = Pair::new(&text);
        pair.connect("127.0.0.1");
        pair.talk("hello");
    }
    assert_eq!(proxy.requests().len(), 2);
}

#[test]
fn a_login_is_given_where_there_is_one() {
    let _deadline = deadline();
    for (username, password) in [("someuser", "somepass"), ("someuser", ""), ("ü", "π:\0")] {
        let proxy = SocksProxy::new();
        proxy.require(username, password);
        let pair = Pair::new(&proxy.address().to_string());
        pair.push
            .set(opt::SocksUsername(Some(username.to_owned())))
            .unwrap();
        pair.push.set(opt::SocksPassword(password.into())).unwrap();
        pair.connect("127.0.0.1");
        pair.talk("hello");
        let login = Some((username.to_owned(), password.to_owned()));
        assert_eq!(proxy.requests()[0].login, login);
    }
    // A password alone is none.
    let proxy = SocksProxy::new();
    let pair = Pair::new(&proxy.address().to_string());
    pair.push
        .set(opt::SocksPassword("somepass".into()))
        .unwrap();
    pair.connect("127.0.0.1");
    pair.talk("hello");
    assert_eq!(proxy.requests()[0].login, None);
}

#[test]
fn a_login_that_is_refused_or_missing_is_tried_again() {
    let _deadline = deadline();
    let proxy = SocksProxy::new();
    proxy.require("someuser", "somepass");
    let mut pair = Pair::new(&proxy.address().to_string());
    pair.connect("127.0.0.1");
    pair.fails("login");
    pair.fails("login");
    assert_eq!(proxy.requests(), []);

    let mut pair = Pair::new(&proxy.address().to_string());
    pair.push
        .set(opt::SocksUsername(Some("someuser".to_owned())))
        .unwrap();
    pair.push.set(opt::SocksPassword("guess".into())).unwrap();
    pair.connect("127.0.0.1");
    pair.fails("refused the username or password");
    pair.push.send("kept").unwrap();
    // The proxy changes its mind; what was queued is still there.
    proxy.require("someuser", "guess");
    assert_eq!(pair.pull.recv_timeout(PATIENCE).unwrap()[0], *"kept");
}

#[test]
fn the_monitor_tells_of_the_peer_once_the_proxy_has_connected_it() {
    let _deadline = deadline();
    let proxy = SocksProxy::new();
    proxy.refuse(&[1, 5]);
    let mut pair = Pair::new(&proxy.address().to_string());
    let endpoint = pair.connect("nobody.invalid");
    pair.fails("general failure");
    pair.fails("connection refused");
    assert_eq!(pair.next_event().kind, EventKind::ConnectDelayed);
    let event = pair.next_event();
    let EventKind::Connected { peer, fd } = event.kind else {
        panic!("{event:?}");
    };
    assert_eq!(peer, format!("tcp://{}", proxy.address()));
    assert_eq!(event.remote, peer);
    assert_eq!(event.endpoint, endpoint);
    assert!(fd > 2, "descriptor {fd}");
    let event = pair.next_event();
    assert_eq!(event.kind, EventKind::HandshakeSucceeded);
    assert_eq!(event.endpoint, endpoint);
    assert_eq!(proxy.requests().len(), 3);

    // Once lost, it is asked for again.
    drop(proxy);
    let event = pair.next_event();
    assert!(matches!(event.kind, EventKind::Disconnected { .. }));
    let event = pair.next_event();
    assert!(matches!(event.kind, EventKind::ConnectRetried { .. }));
    pair.fails("refused");
}

#[test]
fn replies_may_come_late_in_pieces_and_with_the_peers_first_words() {
    let _deadline = deadline();
    let login = || {
        let proxy = SocksProxy::new();
        proxy.require("someuser", "somepass");
        let before = FaultProxy::new(&format!("tcp://{}", proxy.address()));
        let address = before.endpoint().strip_prefix("tcp://").unwrap().to_owned();
        let pair = Pair::new(&address);
        let username = Some("someuser".to_owned());
        pair.push.set(opt::SocksUsername(username)).unwrap();
        pair.push
            .set(opt::SocksPassword("somepass".into()))
            .unwrap();
        (proxy, before, pair)
    };
    let (_proxy, before, pair) = login();
    before.split(1);
    before.delay(Duration::from_micros(200));
    pair.connect("nobody.invalid");
    pair.talk("byte by byte");

    let (_proxy, before, pair) = login();
    before.stop(Direction::ToClient);
    pair.connect("nobody.invalid");
    eventually("the proxy is greeted", || {
        before.forwarded(Direction::ToServer) > 0
    });
    std::thread::sleep(Duration::from_millis(50));
    before.resume();
    pair.talk("late");

    // A connection that starts with what was sent behind the reply.
    let proxy = SocksProxy::new();
    proxy.be_eager();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let context = Context::new();
    let stream = context.socket(SocketType::Stream).unwrap();
    let address = proxy.address().to_string();
    stream.set(opt::SocksProxy(Some(address))).unwrap();
    stream.set(opt::StreamNotify(false)).unwrap();
    stream.connect(&endpoint).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.write_all(b"first words").unwrap();
    let message = stream.recv_timeout(PATIENCE).unwrap();
    assert_eq!(message[1], *"first words");
    stream
        .send(vec![message[0].clone(), "answer".into()])
        .unwrap();
    let mut answer = [0; 6];
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    peer.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"answer");

    let pair = Pair::new(&proxy.address().to_string());
    pair.connect("127.0.0.1");
    pair.talk("a greeting behind the reply");
}

#[test]
fn much_goes_through_and_back() {
    let _deadline = deadline();
    let proxy = SocksProxy::new();
    let context = Context::new();
    let reply = context.socket(SocketType::Rep).unwrap();
    let endpoint = reply.bind("tcp://127.0.0.1:*").unwrap();
    let request = context.socket(SocketType::Req).unwrap();
    let address = proxy.address().to_string();
    request.set(opt::SocksProxy(Some(address))).unwrap();
    request.connect(&endpoint).unwrap();
    let large: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
    for _ in 0..3 {
        request.send_timeout(large.clone(), PATIENCE).unwrap();
        let asked = reply.recv_timeout(PATIENCE).unwrap();
        reply.send_timeout(asked, PATIENCE).unwrap();
        let answer = request.recv_timeout(PATIENCE).unwrap();
        assert!(answer[0] == *large);
    }
}

#[test]
fn a_proxy_that_goes_away_at_any_byte_is_asked_again() {
    let deadline = deadline();
    let proxy = SocksProxy::new();
    let before = FaultProxy::new(&format!("tcp://{}", proxy.address()));
    let address = before.endpoint().strip_prefix("tcp://").unwrap().to_owned();
    // Its whole reply, and the first byte of the peer's.
    for at in [1, 2, 3, 6, 7, 100, 263, 264, 265] {
        for ending in [Ending::Close, Ending::Reset] {
            deadline.step(format!("{ending:?} at {at}"));
            before.cut_at(Direction::ToClient, at, ending);
            let pair = Pair::new(&address);
            pair.connect("nobody.invalid");
            let killed = before.killed();
            eventually("it is cut twice", || before.killed() > killed + 1);
            before.no_cut();
            pair.talk("after all");
        }
    }
}

#[test]
fn answers_that_are_none_are_tried_again() {
    let deadline = deadline();
    let hostile = PeerListener::tcp();
    let address = hostile.endpoint().strip_prefix("tcp://").unwrap();
    let mut pair = Pair::new(address);
    pair.connect("nobody.invalid");
    for (answers, why) in [
        (&[&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..]][..], "no SOCKS5"),
        (&[b"\x04\x5a\0\0\0\0\0\0"], "no SOCKS5"),
        (&[b"\x05\xff"], "login"),
        (&[b"\x05\x02"], "not offered"),
        (&[b"\x05\x00", b"\x05\x00\x00\x07"], "unknown type 7"),
        (&[b"\x05\x00", b"\x05\x00\x01"], "reserved"),
        (&[b"\x05\x00", b"\x05\x02"], "rules"),
        (&[b"\x05\x00", b"\x05\x2a"], "42"),
        (&[], "hung up"),
        (&[b"\x05\x00", b"\x05\x00\x00\x03\xff"], "hung up"),
    ] {
        deadline.step(why);
        let mut peer = hostile.accept();
        assert_eq!(peer.read(3), b"\x05\x01\x00");
        for (index, answer) in answers.iter().enumerate() {
            if index == 1 {
                peer.expect(b"\x05\x01\x00\x03\x0enobody.invalid");
                peer.expect(&pair.port.to_be_bytes());
            }
            peer.send(answer);
        }
        peer.stop_sending();
        pair.fails(why);
    }
}

/// Accepts, reads the greeting, and says nothing.
fn stay_silent(proxy: &PeerListener) -> ScriptedPeer {
    let mut peer = proxy.accept();
    assert_eq!(peer.read(3), b"\x05\x01\x00");
    peer
}

#[test]
fn a_silent_proxy_has_as_long_as_a_handshake_or_a_connect() {
    let _deadline = deadline();
    let brief = Some(Duration::from_millis(100));
    for (handshake, connect) in [(brief, None), (None, brief), (brief, brief)] {
        let silent = PeerListener::tcp();
        let address = silent.endpoint().strip_prefix("tcp://").unwrap();
        let mut pair = Pair::new(address);
        pair.push.set(opt::HandshakeTimeout(handshake)).unwrap();
        pair.push.set(opt::ConnectTimeout(connect)).unwrap();
        pair.connect("127.0.0.1");
        for _ in 0..2 {
            let mut peer = stay_silent(&silent);
            pair.fails("timed out");
            peer.expect_close();
        }
        // Halfway through is silent as well.
        let mut peer = stay_silent(&silent);
        peer.send(b"\x05\x00\x05\x00\x00");
        pair.fails("timed out");
    }
}

#[test]
fn a_socket_can_close_while_a_proxy_keeps_it_waiting() {
    let _deadline = deadline();
    let silent = PeerListener::tcp();
    let address = silent.endpoint().strip_prefix("tcp://").unwrap();
    let mut pair = Pair::new(address);
    let endpoint = pair.connect("127.0.0.1");
    let mut first = stay_silent(&silent);
    pair.push.disconnect(&endpoint).unwrap();
    first.expect_close();
    let event = pair.next_event();
    assert_eq!(event.kind, EventKind::ConnectDelayed);
    let event = pair.next_event();
    assert!(matches!(event.kind, EventKind::Closed { .. }), "{event:?}");

    pair.connect("127.0.0.1");
    let mut second = stay_silent(&silent);
    pair.push.set(opt::Linger(Some(Duration::ZERO))).unwrap();
    pair.push.send("lost").unwrap();
    drop(pair);
    second.expect_close();
}

#[test]
fn a_proxys_refusal_counts_as_that_of_the_endpoint() {
    let _deadline = deadline();
    let proxy = SocksProxy::new();
    proxy.refuse(&[4, 5]);
    let mut pair = Pair::new(&proxy.address().to_string());
    pair.push.set(opt::ReconnectStop(1)).unwrap();
    pair.connect("nobody.invalid");
    pair.fails("host unreachable");
    eventually("the endpoint is given up", || {
        pair.push.counters().peers.is_empty()
    });
    assert_eq!(proxy.requests().len(), 2);
}

#[test]
fn floods_and_hang_ups_cost_no_memory() {
    own_process(
        "floods_and_hang_ups_cost_no_memory",
        Duration::from_secs(40),
        || {
            let flooding = PeerListener::tcp();
            let address = flooding.endpoint().strip_prefix("tcp://").unwrap();
            let pair = Pair::new(address);
            pair.push
                .set(opt::ReconnectInterval(Some(Duration::from_millis(1))))
                .unwrap();
            pair.connect("nobody.invalid");
            let flood = |rounds: usize| {
                for _ in 0..rounds {
                    let mut peer = flooding.accept();
                    // A reply that never ends, as far as the client lets it.
                    let _ = peer.try_send(b"\x05\x00\x05\x00\x00\x09");
                    let _ = peer.try_send(&[5; 200_000]);
                }
            };
            flood(100);
            let before = resident_bytes();
            flood(300);
            let drift = resident_bytes().saturating_sub(before);
            assert!(drift < 1 << 20, "{drift} bytes more than before");
        },
    );
}

#[test]
fn the_proxy_counts_for_what_is_connected_afterwards_over_tcp() {
    let _deadline = deadline();
    let proxy = SocksProxy::new();
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let push = context.socket(SocketType::Push).unwrap();
    let address = proxy.address().to_string();
    push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap())
        .unwrap();
    push.set(opt::SocksProxy(Some(address.clone()))).unwrap();
    push.connect(&pull.bind("ipc://*").unwrap()).unwrap();
    push.connect(&pull.bind("inproc://a").unwrap()).unwrap();
    assert_eq!(push.option::<opt::SocksProxy>().unwrap(), Some(address));
    // Each of the three has its turn.
    for _ in 0..3 {
        push.send_timeout("straight", PATIENCE).unwrap();
        pull.recv_timeout(PATIENCE).unwrap();
    }
    assert_eq!(proxy.requests(), []);

    push.set(opt::SocksProxy(None)).unwrap();
    assert_eq!(push.option::<opt::SocksProxy>().unwrap(), None);
    push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap())
        .unwrap();
    for _ in 0..4 {
        push.send_timeout("straight", PATIENCE).unwrap();
        pull.recv_timeout(PATIENCE).unwrap();
    }
    assert_eq!(proxy.requests(), []);
}

#[test]
fn what_is_no_proxy_or_cannot_be_asked_for_is_refused_at_once() {
    let _deadline = deadline();
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    for text in [
        "somehost",
        ":1080",
        "tcp://somehost:1080",
        "somehost:*",
        "*:1080",
        "somehost:99999",
        "some host:1080",
    ] {
        let refused = push.set(opt::SocksProxy(Some(text.to_owned())));
        let error = refused.unwrap_err();
        assert!(matches!(error, OptionError::OutOfRange { .. }), "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
    push.set(opt::SocksProxy(Some("somehost:1080".to_owned())))
        .unwrap();
    for (endpoint, why) in [
        ("tcp://host:0", "0 is no port"),
        ("tcp://[fe80::1%eth0]:5", "zone"),
    ] {
        let error = push.connect(endpoint).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}
