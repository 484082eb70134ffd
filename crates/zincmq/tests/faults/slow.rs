//! Networks that tear a stream apart or hold it back lose nothing.

use std::thread;
use std::time::Duration;

use testkit::{Direction, FaultProxy, Ledger, PATIENCE};
use zincmq::error::SendFailure;
use zincmq::monitor::EventKind;
use zincmq::options::opt;
use zincmq::{Context, SocketType};

use super::{deadline, lane, multipart, send_all};

/// A slow network that tears everything apart loses nothing.
#[test]
fn row_24_a_stream_in_pieces_arrives_whole() {
    let _deadline = deadline();
    let context = Context::new();
    let ledger = Ledger::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let proxy = FaultProxy::new(&pull.bind("tcp://127.0.0.1:*").unwrap());
    proxy.split(7);
    let push = context.socket(SocketType::Push).unwrap();
    push.connect(proxy.endpoint()).unwrap();
    let mut sender = ledger.sender();
    let sending = thread::spawn(move || {
        send_all(&push, &mut sender, None, 2000);
        push
    });
    for _ in 0..2000 {
        let message = pull.recv_timeout(PATIENCE).unwrap();
        ledger.deliver(lane(&message), message.iter()).unwrap();
    }
    sending.join().unwrap();
    ledger.balance().expect_complete();
}

/// A proxy that holds everything back for a while fills the queues up to
/// their marks and no further, and then loses nothing.
#[test]
fn a_stopped_network_mutes_the_sender_and_loses_nothing() {
    let _deadline = deadline();
    let context = Context::new();
    let ledger = Ledger::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.set(opt::ReceiveHighWaterMark(10)).unwrap();
    let proxy = FaultProxy::new(&pull.bind("tcp://127.0.0.1:*").unwrap());
    let push = context.socket(SocketType::Push).unwrap();
    push.set(opt::SendHighWaterMark(10)).unwrap();
    push.connect(proxy.endpoint()).unwrap();
    let mut sender = ledger.sender();
    send_all(&push, &mut sender, None, 1);
    let message = pull.recv_timeout(PATIENCE).unwrap();
    ledger.deliver(lane(&message), message.iter()).unwrap();
    proxy.stop(Direction::ToServer);
    loop {
        let message = multipart(sender.message(2, 20_000));
        match push.send_timeout(message, Duration::from_millis(200)) {
            Ok(()) => {}
            Err(refused) => {
                assert_eq!(refused.failure(), SendFailure::TimedOut);
                assert_eq!(refused.into_message().len(), 2, "it comes back whole");
                sender.take_back();
                break;
            }
        }
    }
    assert!(push.counters().queued_out <= 10);
    proxy.resume();
    while ledger.delivered() < sender.sent() {
        let message = pull.recv_timeout(PATIENCE).unwrap();
        ledger.deliver(lane(&message), message.iter()).unwrap();
    }
    ledger.balance().expect_complete();
}

/// A receiver that has as much as it wants does not take the silence it made
/// itself for its peer's death.
#[test]
fn a_full_receiver_does_not_miss_heartbeats() {
    let _deadline = deadline();
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.set(opt::ReceiveHighWaterMark(1)).unwrap();
    let interval = Some(Duration::from_millis(20));
    pull.set(opt::HeartbeatInterval(interval)).unwrap();
    let mut monitor = pull.monitor();
    let push = context.socket(SocketType::Push).unwrap();
    push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap())
        .unwrap();
    for n in 0..10_u8 {
        push.send([n]).unwrap();
    }
    thread::sleep(Duration::from_millis(200));
    for n in 0..10_u8 {
        assert_eq!(pull.recv_timeout(PATIENCE).unwrap()[0], [n]);
    }
    while let Some(event) = monitor.try_next() {
        assert!(
            !matches!(event.kind, EventKind::Disconnected { .. }),
            "{event:?}"
        );
    }
}
