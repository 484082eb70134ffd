//! Any operations on two engines that talk to each other: nothing is lost, nothing
//! is made up, nothing fails without cause.
#![no_main]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zincmq_fuzz::{Feed, Heard, Judge, Mechanism};
use zmtp::{Config, Error, Heartbeat, SocketType};

#[derive(Debug, Arbitrary)]
enum Operation {
    Send {
        from: bool,
        more: bool,
        len: u16,
    },
    SendHeader {
        from: bool,
        more: bool,
        len: u16,
    },
    Subscribe {
        from: bool,
        topic: Vec<u8>,
    },
    Cancel {
        from: bool,
        topic: Vec<u8>,
    },
    Join {
        from: bool,
        group: Vec<u8>,
    },
    Transmit {
        from: bool,
    },
    Deliver {
        to: bool,
        most: u16,
    },
    Wait {
        tenths: u16,
    },
    Corrupt {
        to: bool,
        index: u16,
        mask: u8,
    },
    /// Says again what was said before.
    Replay {
        to: bool,
        start: u16,
        len: u16,
    },
}

#[derive(Debug, Arbitrary)]
struct Setup {
    mechanism: Mechanism,
    judge: Judge,
    hesitates: bool,
    /// Both seem to speak 3.0.
    minor: bool,
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
    /// All that was ever under way to it.
    history: Vec<u8>,
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
    let admitted = setup.judge == Judge::Accepts || setup.mechanism == Mechanism::Null;
    let mut sides = ends.map(|config| {
        let mut end = Feed::new(config, now);
        end.judge = setup.judge;
        end.hesitates = setup.hesitates;
        Side {
            end,
            wire: VecDeque::new(),
            history: Vec::new(),
            arrived: 0,
            expected: Vec::from_iter(admitted.then_some(Heard::Ready)),
        }
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
            Operation::Transmit { from } => transmit(&mut sides, from, setup.minor),
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
            Operation::Replay { to, start, len } => {
                let side = &mut sides[usize::from(to)];
                let end = usize::from(start) + usize::from(len);
                if let Some(bytes) = side.history.get(usize::from(start)..end) {
                    sealed &= side.arrived + side.wire.len() >= GREETING;
                    corrupt |= !bytes.is_empty();
                    side.wire.extend(bytes);
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
                let heard = match setup.minor {
                    true => Heard::Frame(false, [&[1], topic.as_slice()].concat()),
                    false => Heard::Subscribe(topic.clone()),
                };
                say(&mut sides, from, heard, |end, out| {
                    end.engine.encode_subscribe(&topic, out);
                });
            }
            Operation::Cancel { from, topic } => {
                let heard = match setup.minor {
                    true => Heard::Frame(false, [&[0], topic.as_slice()].concat()),
                    false => Heard::Cancel(topic.clone()),
                };
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
            transmit(&mut sides, from, setup.minor);
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
    if !admitted {
        for side in &sides {
            assert_eq!(side.end.heard, [], "let in without a verdict");
            match &side.end.error {
                None | Some(Error::HandshakeTimeout { .. }) => {}
                Some(Error::Denied { .. } | Error::NotJudged(_) | Error::PeerRefused { .. }) => {}
                Some(error) => panic!("{error}"),
            }
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

fn transmit(sides: &mut [Side; 2], from: bool, minor: bool) {
    let bytes = sides[usize::from(from)].end.transmit();
    sides[usize::from(!from)].say(bytes, minor);
}

impl Side {
    fn say(&mut self, mut bytes: Vec<u8>, minor: bool) {
        if minor
            && let Some(at) = MINOR.checked_sub(self.history.len())
            && let Some(byte) = bytes.get_mut(at)
        {
            *byte = 0;
        }
        self.history.extend_from_slice(&bytes);
        self.wire.extend(bytes);
    }
}

/// Where a greeting has its minor version.
const MINOR: usize = 11;

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
    receiver.say(bytes, false);
    receiver.expected.push(heard);
}
