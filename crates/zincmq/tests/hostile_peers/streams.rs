//! Peers that stop in the middle of something.

use std::time::Duration;

use testkit::{
    PATIENCE, Random, ScriptedPeer, Version, eventually, own_process, resident_bytes, wire,
};
use zincmq::monitor::EventKind;
use zincmq::options::opt;
use zincmq::{Context, Multipart, SocketType};

use super::{MIB, Siege, deadline, topics};

#[test]
fn row_07_disconnect_in_mid_message_10_000_times() {
    own_process(
        "streams::row_07_disconnect_in_mid_message_10_000_times",
        Duration::from_secs(300),
        || {
            let mut siege = Siege::of_pull(|_| {});
            let first = vec![1; 5000];
            let round = |siege: &mut Siege, count: usize| {
                for index in 0..count {
                    let mut peer = siege.connect_as_push();
                    peer.send_frame(true, &first);
                    // In the middle of a short frame, of a long one, or between two.
                    match index % 3 {
                        0 => peer.send(&[0, 100, 1, 2, 3]),
                        1 => {
                            peer.send(&wire::header(Version::V3_1, false, 100_000));
                            peer.send(&[2; 50_000]);
                        }
                        _ => {}
                    }
                    if index % 2 == 0 {
                        peer.close()
                    } else {
                        peer.reset()
                    }
                    siege.await_event(|kind| matches!(kind, EventKind::Disconnected { .. }));
                }
                siege.check_honest_peer();
            };
            round(&mut siege, 500);
            let before = resident_bytes();
            round(&mut siege, 10_000);
            let drift = resident_bytes().saturating_sub(before);
            assert!(drift < MIB, "{drift} bytes more than before");
            assert_eq!(siege.socket.counters().queued_in, 0);
        },
    );
}

#[test]
fn row_21_peer_killed_at_every_offset_of_a_message() {
    let deadline = deadline();
    let mut siege = Siege::of_pull(|_| {});
    let script = [
        wire::frame(Version::V3_1, true, b"first"),
        wire::frame(Version::V3_1, true, &[7; 260]),
        wire::frame(Version::V3_1, false, b"last"),
    ]
    .concat();
    for at in 0..=script.len() {
        deadline.step(format!("killed at {at}"));
        let mut peer = siege.connect_as_push();
        peer.send(&script[..at]);
        peer.close();
        siege.await_event(|kind| matches!(kind, EventKind::Disconnected { .. }));
        if at == script.len() {
            let message = siege.socket.recv_timeout(PATIENCE).unwrap();
            assert!(message.len() == 3 && message[0] == "first" && message[2] == "last");
        }
        assert_eq!(siege.socket.counters().queued_in, 0, "killed at {at}");
    }
    // Payloads that are read in place, cut here and there.
    for at in [1, 9, 10, 100_000, 2_000_008] {
        deadline.step(format!("large, killed at {at}"));
        let whole = wire::message(Version::V3_1, &[&[5; 2_000_000]]);
        let mut peer = siege.connect_as_push();
        peer.send(&whole[..at]);
        peer.close();
        siege.await_event(|kind| matches!(kind, EventKind::Disconnected { .. }));
        assert_eq!(siege.socket.counters().queued_in, 0, "killed at {at}");
    }
    siege.check_honest_peer();
    assert!(siege.socket.try_recv().is_err());
}

#[test]
fn row_24_partial_writes() {
    let deadline = deadline();
    for endpoint in ["tcp://127.0.0.1:*", "ipc://*"] {
        deadline.step(endpoint);
        write_in_pieces(endpoint);
    }
}

/// Small buffers below and a reader in no hurry: hardly a write goes whole.
fn write_in_pieces(endpoint: &str) {
    let context = Context::new();
    let socket = context.socket(SocketType::Push).unwrap();
    socket.set(opt::SendBuffer(Some(4096))).unwrap();
    let endpoint = socket.bind(endpoint).unwrap();
    let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PULL");
    let mut random = Random::new(24);
    let messages: Vec<Vec<Vec<u8>>> = (0..300)
        .map(|_| {
            let parts = 1 + random.below(3);
            (0..parts)
                .map(|_| {
                    let len = match random.below(4) {
                        0 => random.below(20),
                        1 => random.below(300),
                        2 => random.below(10_000),
                        _ => random.below(60_000),
                    };
                    random.bytes(len as usize)
                })
                .collect()
        })
        .collect();
    let expected: Vec<u8> = messages
        .iter()
        .flat_map(|parts| {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            wire::message(Version::V3_1, &parts)
        })
        .collect();
    let sender = std::thread::spawn(move || {
        for parts in messages {
            let message: Multipart = parts.into_iter().map(Into::into).collect();
            socket.send_timeout(message, PATIENCE).unwrap();
        }
        socket
    });
    let mut at = 0;
    while at < expected.len() {
        let len = (1 + random.below(50_000) as usize).min(expected.len() - at);
        assert!(
            peer.read(len) == expected[at..at + len],
            "wrong after byte {at}"
        );
        at += len;
    }
    let socket = sender.join().unwrap();
    peer.expect_silence(Duration::from_millis(20));
    assert_eq!(socket.counters().queued_out, 0);
}

#[test]
fn row_25_one_stalled_subscriber() {
    const HWM: u64 = 100;
    const ROUNDS: u64 = 200;
    const BURST: u64 = 40;
    let deadline = deadline();
    let mut siege = Siege::new(SocketType::Pub, SocketType::Sub, |socket| {
        socket.set(opt::SendHighWaterMark(HWM as usize)).unwrap();
    });
    siege.honest.subscribe("t").unwrap();
    siege.honest.connect(&siege.endpoint).unwrap();
    siege.await_event(|kind| *kind == EventKind::HandshakeSucceeded);
    let mut stalled = ScriptedPeer::connect(&siege.endpoint);
    stalled.set_receive_buffer(256 * 1024);
    stalled.shake_hands(Version::V3_1, "SUB", b"stalled");
    siege.await_event(|kind| *kind == EventKind::HandshakeSucceeded);
    stalled.subscribe(b"top");
    eventually("both subscriptions", || topics(&siege.socket) == 2);
    let mut body = vec![b'.'; 2000];
    body[..5].copy_from_slice(b"topic");
    for round in 0..ROUNDS {
        deadline.step(format!("round {round}"));
        for _ in 0..BURST {
            siege.socket.send(body.as_slice()).unwrap();
        }
        for _ in 0..BURST {
            assert_eq!(siege.honest.recv_timeout(PATIENCE).unwrap()[0], body);
        }
    }
    let total = ROUNDS * BURST;
    let counters = siege.socket.counters();
    let stalled_count = counters
        .peers
        .iter()
        .find(|peer| peer.dropped_full > 0)
        .expect("one peer drops");
    assert_eq!(counters.dropped_full, stalled_count.dropped_full);
    assert!(stalled_count.queued_out <= HWM, "{stalled_count:?}");
    assert_eq!(
        stalled_count.messages_out + stalled_count.dropped_full,
        total
    );
    let taken = stalled_count.messages_out;
    // When it wakes up it gets exactly the rest.
    deadline.step("the stalled peer reads on");
    for _ in 0..taken {
        stalled.expect_message(&[&body]);
    }
    stalled.expect_silence(Duration::from_millis(50));
}

#[test]
fn row_25_one_stalled_dealer_of_a_router() {
    const HWM: u64 = 50;
    const TOTAL: u64 = 4000;
    let _deadline = deadline();
    let mut siege = Siege::new(SocketType::Router, SocketType::Dealer, |socket| {
        socket.set(opt::SendHighWaterMark(HWM as usize)).unwrap();
    });
    let meet = |name: &[u8]| {
        let mut peer = ScriptedPeer::connect(&siege.endpoint);
        peer.set_receive_buffer(256 * 1024);
        peer.shake_hands(Version::V3_1, "DEALER", name);
        peer
    };
    let (mut stalled, mut other) = (meet(b"stalled"), meet(b"other"));
    for _ in 0..2 {
        siege.await_event(|kind| *kind == EventKind::HandshakeSucceeded);
    }
    let body = vec![b'.'; 2000];
    for index in 0..TOTAL {
        for name in ["stalled", "other"] {
            let parts = [name.into(), body.as_slice().into()];
            siege.socket.send(Multipart::from_iter(parts)).unwrap();
        }
        if index % HWM == HWM - 1 {
            for _ in 0..HWM {
                other.expect_message(&[&body]);
            }
        }
    }
    let counters = siege.socket.counters();
    let of = |name: &str| {
        let found = counters.peers.iter().find(|c| c.peer.routing_id == name);
        found.expect("the peer is there").clone()
    };
    assert_eq!(of("other").dropped_full, 0);
    assert_eq!(of("other").messages_out, TOTAL);
    let stalled_count = of("stalled");
    assert!(stalled_count.dropped_full > 0 && stalled_count.queued_out <= HWM);
    assert_eq!(
        stalled_count.messages_out + stalled_count.dropped_full,
        TOTAL
    );
    assert_eq!(counters.dropped_full, stalled_count.dropped_full);
    assert_eq!(counters.dropped_no_route, 0);
    for _ in 0..stalled_count.messages_out {
        stalled.expect_message(&[&body]);
    }
    stalled.expect_silence(Duration::from_millis(50));
}

/// The pipe is full, so nobody reads; that the peer has gone is told by the
/// system all the same, for as long as anybody listens.
#[test]
fn row_25_a_peer_that_leaves_while_its_pipe_is_full() {
    own_process(
        "streams::row_25_a_peer_that_leaves_while_its_pipe_is_full",
        Duration::from_secs(30),
        || {
            leave_full_pipe("tcp://127.0.0.1:*", ScriptedPeer::reset);
            leave_full_pipe("ipc://*", ScriptedPeer::close);
        },
    );
}

fn leave_full_pipe(transport: &str, leave: impl Fn(ScriptedPeer)) {
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.set_by_name("RCVHWM", "2").unwrap();
    let endpoint = pull.bind(transport).unwrap();
    let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PUSH");
    for _ in 0..50 {
        peer.send_message(&[b"one of many"]);
    }
    eventually("the pipe is full", || {
        pull.counters().queued_in >= 2 && processor_time(Duration::from_millis(50)) < 10_000_000
    });
    leave(peer);
    let spent = processor_time(Duration::from_millis(500));
    assert!(
        spent < 100_000_000,
        "{transport}: {spent} ns in half a second"
    );
    for _ in 0..2 {
        pull.recv_timeout(PATIENCE).unwrap();
    }
    let mut late = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PUSH");
    late.send_message(&[b"late"]);
    while pull.recv_timeout(PATIENCE).unwrap()[0] != "late" {}
}

/// Nanoseconds of it that this process takes during `span`.
fn processor_time(span: Duration) -> i64 {
    let now = || rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let before = now();
    std::thread::sleep(span);
    let after = now();
    (after.tv_sec - before.tv_sec) * 1_000_000_000 + after.tv_nsec - before.tv_nsec
}

/// Answers to a peer that asks on and on and reads none of them do not pile up.
#[test]
fn row_25_pings_whose_answers_nobody_reads() {
    own_process(
        "streams::row_25_pings_whose_answers_nobody_reads",
        Duration::from_secs(30),
        || {
            let context = Context::new();
            let pull = context.socket(SocketType::Pull).unwrap();
            let endpoint = pull.bind("ipc://*").unwrap();
            let mut peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PUSH");
            let pings = wire::ping(0, &[7; 16]).repeat(8);
            peer.send(&pings);
            let before = resident_bytes();
            for _ in 0..150_000 {
                peer.send(&pings);
            }
            peer.send_message(&[b"after all"]);
            assert_eq!(pull.recv_timeout(PATIENCE).unwrap()[0], "after all");
            let grown = resident_bytes().saturating_sub(before);
            assert!(grown < 2 * MIB, "{grown} bytes for unread answers");
        },
    );
}
