//! Streams to many subscribers at once, of which each gets every message in
//! order, whatever it speaks and however fast it is.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::time::Duration;

use testkit::{Deadline, PATIENCE, ScriptedPeer, Version, eventually};
use zincmq::options::{OptionValue, opt};
use zincmq::security::{AuthRequest, KeyPair, SecretKey, Verdict};
use zincmq::{Context, Multipart, Socket, SocketType};

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(60))
}

fn await_subscribers(publisher: &Socket, count: usize) {
    eventually("all are there", || {
        publisher.counters().peers.len() == count
    });
    // A subscription comes right behind the handshake.
    eventually("they have subscribed", || {
        publisher.option_by_name("TOPICS_COUNT").unwrap() == OptionValue::Int(1)
    });
}

/// One that subscribes to all of what is bound at `endpoint`.
fn subscriber(context: &Context, endpoint: &str, prepare: impl Fn(&Socket)) -> Socket {
    let sub = context.socket(SocketType::Sub).unwrap();
    prepare(&sub);
    sub.subscribe("").unwrap();
    sub.connect(endpoint).unwrap();
    sub
}

/// One of a stream of all sizes: some of several parts, some too long to be sent
/// together with others.
fn message(number: u32) -> Multipart {
    let size = match number % 50 {
        0 => 10_000,
        7 => 3000,
        n => n as usize * 5,
    };
    let body = vec![number as u8; size];
    match number % 3 {
        0 => Multipart::from([number.to_string().into_bytes(), Vec::new(), body]),
        _ => Multipart::from([number.to_string().into_bytes(), body]),
    }
}

/// Sends until every subscriber gets what is sent.
fn warm_up(publisher: &Socket, subs: &[Socket]) {
    for sub in subs {
        eventually("the subscription is in force", || {
            publisher.send_timeout("warm", PATIENCE).unwrap();
            sub.recv_timeout(Duration::from_millis(5)).is_ok()
        });
    }
    publisher.send_timeout("begin", PATIENCE).unwrap();
    for sub in subs {
        while sub.recv_timeout(PATIENCE).unwrap() != ["begin"] {}
    }
}

fn expect_stream(sub: &Socket, count: u32) {
    for number in 0..count {
        assert_eq!(sub.recv_timeout(PATIENCE).unwrap(), message(number));
    }
}

/// Streams to several subscribers that all get everything, while the publisher does
/// nothing but send.
fn streams(endpoint: &str, serve: impl Fn(&Socket), call: impl Fn(&Socket)) {
    const COUNT: u32 = 5000;
    let _deadline = deadline();
    let context = Context::new();
    context.set_authenticator(|_: &AuthRequest| Verdict::accept("somebody"));
    let publisher = context.socket(SocketType::Pub).unwrap();
    serve(&publisher);
    publisher.set(opt::XpubNoDrop(true)).unwrap();
    let endpoint = publisher.bind(endpoint).unwrap();
    let subs: Vec<Socket> = (0..5)
        .map(|_| subscriber(&context, &endpoint, &call))
        .collect();
    await_subscribers(&publisher, subs.len());
    warm_up(&publisher, &subs);
    let before = publisher.counters();
    std::thread::scope(|scope| {
        for sub in &subs {
            scope.spawn(|| expect_stream(sub, COUNT));
        }
        for number in 0..COUNT {
            publisher.send_timeout(message(number), PATIENCE).unwrap();
        }
    });
    let after = publisher.counters();
    let sent = u64::from(COUNT) * subs.len() as u64;
    assert_eq!(after.messages_out - before.messages_out, sent);
    assert_eq!((after.dropped_full, after.lost), (0, 0));
    let bytes: usize = (0..COUNT).map(|number| message(number).size()).sum();
    assert_eq!(
        after.bytes_out - before.bytes_out,
        bytes as u64 * subs.len() as u64
    );
}

#[test]
fn every_subscriber_gets_the_stream_over_tcp() {
    streams("tcp://127.0.0.1:*", |_| {}, |_| {});
}

#[test]
fn every_subscriber_gets_the_stream_over_ipc() {
    streams("ipc://*", |_| {}, |_| {});
}

#[test]
fn every_subscriber_gets_the_stream_over_curve() {
    let keys = |byte| KeyPair::from(SecretKey::from_bytes([byte; 32]));
    streams(
        "tcp://127.0.0.1:*",
        |server| {
            server.set(opt::CurveServer(true)).unwrap();
            server
                .set(opt::CurveSecretKey(keys(4).secret().clone()))
                .unwrap();
        },
        |client| {
            client.set(opt::CurveServerKey(*keys(4).public())).unwrap();
            client.set(opt::CurvePublicKey(*keys(3).public())).unwrap();
            client
                .set(opt::CurveSecretKey(keys(3).secret().clone()))
                .unwrap();
        },
    );
}

#[test]
fn every_subscriber_gets_the_stream_in_writes_of_a_chosen_length() {
    let shorter = |socket: &Socket| socket.set(opt::OutBatchSize(Some(100))).unwrap();
    streams("tcp://127.0.0.1:*", shorter, |_| {});
}

#[test]
fn peers_of_every_version_get_the_stream_in_their_own_framing() {
    const COUNT: u32 = 300;
    let _deadline = deadline();
    let context = Context::new();
    let publisher = context.socket(SocketType::Xpub).unwrap();
    // It hears of every subscription.
    publisher.set(opt::XpubVerbose(true)).unwrap();
    let endpoint = publisher.bind("tcp://127.0.0.1:*").unwrap();
    let versions = [
        Version::V1Unversioned,
        Version::V1Revision0,
        Version::V2_0,
        Version::V3_0,
        Version::V3_1,
    ];
    let mut peers = versions.map(|version| {
        let mut peer = ScriptedPeer::connect(&endpoint);
        peer.shake_hands(version, "SUB", b"");
        if version != Version::V1Unversioned {
            peer.subscribe(b"");
        }
        peer
    });
    for _ in &peers {
        assert_eq!(publisher.recv_timeout(PATIENCE).unwrap(), ["\x01"]);
    }
    publisher.send_timeout("begin", PATIENCE).unwrap();
    for number in 0..COUNT {
        publisher.send_timeout(message(number), PATIENCE).unwrap();
    }
    for peer in &mut peers {
        peer.expect_message(&[b"begin"]);
        for number in 0..COUNT {
            let expected = message(number);
            let parts: Vec<&[u8]> = expected.iter().map(|part| &part[..]).collect();
            peer.expect_message(&parts);
        }
    }
}

#[test]
fn what_a_slow_subscriber_misses_is_counted() {
    const COUNT: u64 = 60_000;
    let _deadline = deadline();
    let context = Context::new();
    let publisher = context.socket(SocketType::Pub).unwrap();
    publisher.set(opt::SendHighWaterMark(100)).unwrap();
    let endpoint = publisher.bind("tcp://127.0.0.1:*").unwrap();
    let small = |sub: &Socket| {
        sub.set(opt::ReceiveHighWaterMark(10)).unwrap();
        sub.set(opt::ReceiveBuffer(Some(4096))).unwrap();
    };
    let subs: Vec<Socket> = (0..3)
        .map(|_| subscriber(&context, &endpoint, small))
        .collect();
    await_subscribers(&publisher, 3);
    warm_up(&publisher, &subs);
    let before = publisher.counters();
    let body = [7; 500];
    for number in 0..COUNT {
        let parts = [&number.to_be_bytes()[..], &body[..]];
        publisher
            .send_timeout(
                parts.into_iter().map(Into::into).collect::<Multipart>(),
                PATIENCE,
            )
            .unwrap();
    }
    let after = publisher.counters();
    let sent = after.messages_out - before.messages_out;
    let dropped = after.dropped_full - before.dropped_full;
    assert!(dropped > 0);
    assert_eq!(sent + dropped, 3 * COUNT);
    assert_eq!(after.lost, 0);
    // What was not dropped arrives, in order.
    let mut received = 0;
    let mut last = [None; 3];
    eventually("all has arrived", || {
        for (sub, last) in subs.iter().zip(&mut last) {
            while let Ok(message) = sub.recv_timeout(Duration::ZERO) {
                let this = u64::from_be_bytes(message[0][..].try_into().unwrap());
                assert!(last.is_none_or(|last| this > last), "{this} after {last:?}");
                *last = Some(this);
                received += 1;
            }
        }
        received == sent
    });
}

#[test]
fn a_close_right_behind_the_stream_loses_nothing() {
    const COUNT: u32 = 700;
    let _deadline = deadline();
    for _ in 0..5 {
        let context = Context::new();
        let publisher = context.socket(SocketType::Pub).unwrap();
        publisher.set(opt::SendHighWaterMark(0)).unwrap();
        publisher.set(opt::Linger(None)).unwrap();
        let endpoint = publisher.bind("tcp://127.0.0.1:*").unwrap();
        let subs: Vec<Socket> = (0..3)
            .map(|_| subscriber(&context, &endpoint, |_| {}))
            .collect();
        await_subscribers(&publisher, 3);
        warm_up(&publisher, &subs);
        for number in 0..COUNT {
            publisher.send_timeout(message(number), PATIENCE).unwrap();
        }
        drop(publisher);
        for sub in &subs {
            expect_stream(sub, COUNT);
        }
    }
}
