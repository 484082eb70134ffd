//! Any operations on two engines that talk to each other: nothing is lost, nothing
//! is made up, nothing fails without cause.
#![no_main]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zincmq_fuzz::{Feed, Heard, Mechanism};
use zmtp::{Config, Error, Heartbeat, SocketType};

#[derive(Debug, Arbitrary)]
enum Operation {
    Send { from: bool, more: bool, len: u16 },
    SendHeader { from: bool, more: bool, len: u16 },
    Subscribe { from: bool, topic: Vec<u8> },
    Cancel { from: bool, topic: Vec<u8> },
    Join { from: bool, group: Vec<u8> },
    Transmit { from: bool },
    Deliver { to: bool, most: u16 },
    Wait { tenths: u16 },
    Corrupt { to: bool, index: u16, mask: u8 },
}

#[derive(Debug, Arbitrary)]
struct Setup {
    mechanism: Mechanism,
    direct_payload: u16,
    interval: u16,
    timeout: u16,
    ttl: u16,
    operations: Vec<Operation>,
}

/// One end, what is under way to it, and what it should hear.
struct Side {
    end: Feed,
    wire: VecDeque<u8>,
    /// Bytes that have arrived.
    arrived: usize,
    expected: Vec<Heard>,
}

fuzz_target!(|setup: Setup| {
    zincmq_fuzz::restart();
    let start = Instant::now();
    let mut now = start;
    let tenths = |count: u16| Duration::from_millis(100) * u32::from(count);
    let mut config = Config::new(SocketType::Dealer);
    config.direct_payload = usize::from(setup.direct_payload);
    config.heartbeat = Some(Heartbeat {
        interval: tenths(setup.interval),
        timeout: tenths(setup.timeout),
        ttl: tenths(setup.ttl),
    });
    let mut ends = [config.clone(), config];
    setup.mechanism.set(&mut ends);
    let mut sides = ends.map(|config| Side {
        end: Feed::new(config, now),
        wire: VecDeque::new(),
        arrived: 0,
        expected: vec![Heard::Ready],
    });
    let mut corrupt = false;
    // Whether only what CURVE protects was changed: the greeting is not.
    let mut sealed = setup.mechanism == Mechanism::Curve;

    for operation in setup.operations {
        match operation {
            Operation::Wait { tenths: count } => {
                now += tenths(count);
                for side in &mut sides {
                    wake(side, now);
                }
            }
            Operation::Transmit { from } => transmit(&mut sides, from),
            Operation::Deliver { to, most } => {
                deliver(&mut sides[usize::from(to)], most.into(), now)
            }
            Operation::Corrupt { to, index, mask } => {
                let side = &mut sides[usize::from(to)];
                if let Some(byte) = side.wire.get_mut(usize::from(index)) {
                    *byte ^= mask;
                    corrupt |= mask != 0;
                    sealed &= side.arrived + usize::from(index) >= GREETING;
                }
            }
            Operation::Send { from, more, len } => {
                let payload = vec![len as u8; len.into()];
                let heard = Heard::Frame(more, payload.clone());
                say(&mut sides, from, heard, |end, out| {
                    end.engine.encode_frame(&payload, more, out);
                });
            }
            Operation::SendHeader { from, more, len } => {
                let payload = vec![len as u8; len.into()];
                let heard = Heard::Frame(more, payload.clone());
                if !sides[usize::from(from)].end.engine.is_transparent() {
                    continue;
                }
                say(&mut sides, from, heard, |end, out| {
                    end.engine.encode_header(len.into(), more, out);
                    out.extend_from_slice(&payload);
                });
            }
            Operation::Subscribe { from, topic } => {
                let heard = Heard::Subscribe(topic.clone());
                say(&mut sides, from, heard, |end, out| {
                    end.engine.encode_subscribe(&topic, out);
                });
            }
            Operation::Cancel { from, topic } => {
                let heard = Heard::Cancel(topic.clone());
                say(&mut sides, from, heard, |end, out| {
                    end.engine.encode_cancel(&topic, out);
                });
            }
            Operation::Join { from, group } => {
                let heard = Heard::Join(group.clone());
                say(&mut sides, from, heard, |end, out| {
                    end.engine.encode_join(&group, out);
                });
            }
        }
    }

    // Everything under way arrives.
    for _ in 0..16 {
        for from in [false, true] {
            transmit(&mut sides, from);
            deliver(&mut sides[usize::from(!from)], usize::MAX, now);
        }
    }
    if corrupt {
        for side in sides.iter().filter(|_| sealed) {
            // As far as anything came through, it is what was sent.
            assert!(side.expected.starts_with(&side.end.heard));
        }
        return;
    }
    for side in &sides {
        match &side.end.error {
            None => assert_eq!(side.end.heard, side.expected),
            Some(Error::HandshakeTimeout { .. } | Error::HeartbeatTimeout { .. }) => {
                assert!(now > start, "no time has passed");
            }
            Some(error) => panic!("{error}"),
        }
    }
});

const GREETING: usize = 64;

fn wake(side: &mut Side, now: Instant) {
    while side.end.error.is_none() && side.end.engine.next_timeout().is_some_and(|at| at <= now) {
        if let Err(error) = side.end.engine.handle_timeout(now) {
            side.end.error = Some(error);
        }
    }
}

fn transmit(sides: &mut [Side; 2], from: bool) {
    let bytes = sides[usize::from(from)].end.transmit();
    sides[usize::from(!from)].wire.extend(bytes);
}

fn deliver(side: &mut Side, most: usize, now: Instant) {
    let count = side.wire.len().min(most);
    let bytes: Vec<u8> = side.wire.drain(..count).collect();
    side.arrived += count;
    side.end.feed(&bytes, now);
}

/// Sends what `encode` encodes, if the sender may send yet.
fn say(
    sides: &mut [Side; 2],
    from: bool,
    heard: Heard,
    encode: impl FnOnce(&mut Feed, &mut Vec<u8>),
) {
    let sender = &mut sides[usize::from(from)];
    if !sender.end.engine.is_ready() || sender.end.error.is_some() {
        return;
    }
    let mut bytes = sender.end.transmit();
    encode(&mut sender.end, &mut bytes);
    let receiver = &mut sides[usize::from(!from)];
    receiver.wire.extend(bytes);
    receiver.expected.push(heard);
}
