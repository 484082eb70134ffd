//! Every pattern × both ways round × who binds × tcp and ipc × small, multipart and large messages.

use std::slice;

use libtest_mimic::Trial;

use crate::process::{Failure, Process, Transcript};
use crate::setup::{Pair, Role, Seat, Side, Variant, describe, self_check, trial};

/// Which way messages go.
#[derive(Debug, Clone, Copy)]
enum Flow {
    /// First to second.
    OneWay,
    /// First to second, once the second has subscribed.
    Publish,
    /// Second to first, upstream of its subscription.
    Upstream,
    /// First to second, then back.
    BothWays,
    /// The first asks behind this prefix, the second echoes.
    Ask(&'static str),
}

#[derive(Debug, Clone, Copy)]
struct Pattern {
    roles: [Role; 2],
    flow: Flow,
    loads: &'static [Load],
}

/// How many messages of each size, in how many parts.
#[derive(Debug, Clone, Copy)]
struct Load {
    name: &'static str,
    count: u64,
    sizes: &'static [usize],
    parts: usize,
}

const FIRST: Role = Role::with("ROUTER", &["ROUTING_ID=first", "ROUTER_MANDATORY=1"]);

const PATTERNS: &[Pattern] = &[
    pattern("PAIR", "PAIR", Flow::BothWays).flooded(),
    pattern("PUB", "SUB", Flow::Publish),
    pattern("PUB", "XSUB", Flow::Publish),
    pattern("XPUB", "SUB", Flow::Publish),
    pattern("XPUB", "XSUB", Flow::Publish),
    Pattern {
        roles: [Role::new("XPUB"), Role::new("XSUB")],
        flow: Flow::Upstream,
        loads: &[SMALL, MULTIPART, LARGE],
    },
    // These wait at the high-water mark instead of dropping.
    Pattern {
        roles: [Role::with("PUB", &["XPUB_NODROP=1"]), Role::new("SUB")],
        flow: Flow::Publish,
        loads: FLOOD,
    },
    pattern("REQ", "REP", Flow::Ask("")),
    pattern("REQ", "ROUTER", Flow::Ask("")),
    pattern("DEALER", "REP", Flow::Ask("@")),
    pattern("DEALER", "ROUTER", Flow::Ask("")),
    pattern("DEALER", "DEALER", Flow::BothWays).flooded(),
    Pattern {
        roles: [
            FIRST,
            Role::with("ROUTER", &["ROUTING_ID=second", "ROUTER_MANDATORY=1"]),
        ],
        flow: Flow::Ask("@second"),
        loads: LOADS,
    },
    Pattern {
        roles: [FIRST, Role::with("DEALER", &["ROUTING_ID=second"])],
        flow: Flow::Ask("@second"),
        loads: LOADS,
    },
    pattern("PUSH", "PULL", Flow::OneWay).flooded(),
];

/// The first message's number. What goes upstream starts with it, and 0 and 1 there are for
/// subscriptions.
const FROM: u64 = 2;

const LOADS: &[Load] = &[SMALL, EDGES, MULTIPART, LARGE];
const FLOODED: &[Load] = &[SMALL, EDGES, MULTIPART, LARGE, MANY];
const FLOOD: &[Load] = &[MANY];

const SMALL: Load = Load {
    name: "small",
    count: 200,
    sizes: &[64],
    parts: 1,
};
/// Around the limits of inline messages, of the short frame format and of buffers.
const EDGES: Load = Load {
    name: "edges",
    count: 3,
    sizes: &[
        0, 1, 29, 30, 33, 34, 47, 48, 55, 56, 63, 253, 254, 255, 256, 257, 8191, 8192, 8193,
        32_767, 32_768, 32_769, 65_527, 65_536, 131_072,
    ],
    parts: 1,
};
const MULTIPART: Load = Load {
    name: "multipart",
    count: 50,
    sizes: &[100],
    parts: 4,
};
const LARGE: Load = Load {
    name: "10 MiB",
    count: 3,
    sizes: &[10 << 20],
    parts: 1,
};
/// Several high-water marks full.
const MANY: Load = Load {
    name: "flood",
    count: 20_000,
    sizes: &[64],
    parts: 3,
};

const fn pattern(first: &'static str, second: &'static str, flow: Flow) -> Pattern {
    Pattern {
        roles: [Role::new(first), Role::new(second)],
        flow,
        loads: LOADS,
    }
}

impl Pattern {
    /// With the load that meets the high-water mark.
    const fn flooded(self) -> Self {
        Self {
            loads: FLOODED,
            ..self
        }
    }
}

pub fn cases() -> impl Iterator<Item = Trial> {
    open().chain(secured())
}

/// All loads in one case each, as what differs is the connection.
fn secured() -> impl Iterator<Item = Trial> {
    PATTERNS.iter().flat_map(|&pattern| {
        let variants = Variant::secured().filter(move |&variant| {
            // No answer reaches libzmq's REQ if it is the server of a mechanism.
            let asks = pattern.roles[0].kind == "REQ" && variant.server == Seat::First;
            !asks || (variant.side(Seat::First) == Side::Ours && !self_check())
        });
        variants.map(move |variant| {
            let upstream = match pattern.flow {
                Flow::Upstream => ", upstream",
                _ => "",
            };
            let name = format!("{}{upstream}, all loads", describe(pattern.roles, variant));
            trial(name, move |t| exchange(pattern, variant, pattern.loads, t))
        })
    })
}

fn open() -> impl Iterator<Item = Trial> {
    PATTERNS.iter().flat_map(|&pattern| {
        Variant::all().flat_map(move |variant| {
            pattern.loads.iter().map(move |&load| {
                let upstream = match pattern.flow {
                    Flow::Upstream => "upstream, ",
                    _ => "",
                };
                let who = describe(pattern.roles, variant);
                let name = format!("{who}, {upstream}{}", load.name);
                trial(name, move |t| {
                    exchange(pattern, variant, slice::from_ref(&load), t)
                })
            })
        })
    })
}

fn exchange(
    pattern: Pattern,
    variant: Variant,
    loads: &[Load],
    transcript: &Transcript,
) -> Result<(), Failure> {
    let mut pair = Pair::start(variant, pattern.roles, transcript)?;
    let (first, second) = pair.both();
    match pattern.flow {
        Flow::Publish => {
            second.ask("subscribe")?;
            step_together(first, second)?;
        }
        Flow::Upstream => {
            second.ask("subscribe")?;
            // Also takes the subscription, which is a message for an XPUB.
            step_together(second, first)?;
        }
        Flow::OneWay | Flow::BothWays | Flow::Ask(_) => {}
    }
    for load in loads {
        carry(pattern.flow, first, second, *load)?;
    }
    pair.finish()
}

fn carry(flow: Flow, first: &mut Process, second: &mut Process, load: Load) -> Result<(), Failure> {
    match flow {
        Flow::OneWay | Flow::Publish => transfer(first, second, load),
        Flow::Upstream => transfer(second, first, load),
        Flow::BothWays => {
            transfer(first, second, load)?;
            transfer(second, first, load)
        }
        Flow::Ask(prefix) => {
            let Load { count, parts, .. } = load;
            second.tell(&format!("echo {}", count * load.sizes.len() as u64))?;
            for size in load.sizes {
                first.ask(&format!("request {count} {size} {parts} {FROM} {prefix}"))?;
            }
            second.answer().map(drop)
        }
    }
}

fn transfer(from: &mut Process, to: &mut Process, load: Load) -> Result<(), Failure> {
    let Load { count, parts, .. } = load;
    for size in load.sizes {
        to.tell(&format!("recv {count} {size} {parts} {FROM}"))?;
        from.ask(&format!("send {count} {size} {parts} {FROM}"))?;
        to.answer()?;
    }
    Ok(())
}

/// Publishes until the subscriber sees it: then its subscription is in force.
pub fn step_together(publisher: &mut Process, subscriber: &mut Process) -> Result<(), Failure> {
    subscriber.tell("await-sync")?;
    while subscriber.answer_if_ready()?.is_none() {
        publisher.ask("sync")?;
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(())
}
