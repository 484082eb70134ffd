//! Every pattern × both ways round × who binds × tcp and ipc × small, multipart and large messages.

use libtest_mimic::Trial;

use crate::process::{Failure, Process, Transcript};
use crate::setup::{Pair, Role, Variant, describe, trial};

/// Which way messages go.
#[derive(Debug, Clone, Copy)]
enum Flow {
    /// First to second.
    OneWay,
    /// First to second, once the second has subscribed.
    Publish,
    /// First to second, then back.
    BothWays,
    /// The first asks behind this prefix, the second echoes.
    Ask(&'static str),
}

#[derive(Debug, Clone, Copy)]
struct Pattern {
    roles: [Role; 2],
    flow: Flow,
}

/// How many messages, of what size, in how many parts.
#[derive(Debug, Clone, Copy)]
struct Load {
    name: &'static str,
    count: u64,
    size: usize,
    parts: usize,
}

const PATTERNS: &[Pattern] = &[
    pattern("PAIR", "PAIR", Flow::BothWays),
    pattern("PUB", "SUB", Flow::Publish),
    pattern("PUB", "XSUB", Flow::Publish),
    pattern("XPUB", "SUB", Flow::Publish),
    pattern("XPUB", "XSUB", Flow::Publish),
    pattern("REQ", "REP", Flow::Ask("")),
    pattern("REQ", "ROUTER", Flow::Ask("")),
    pattern("DEALER", "REP", Flow::Ask("@")),
    pattern("DEALER", "ROUTER", Flow::Ask("")),
    pattern("DEALER", "DEALER", Flow::BothWays),
    Pattern {
        roles: [
            Role::with("ROUTER", &["ROUTING_ID=first", "ROUTER_MANDATORY=1"]),
            Role::with("ROUTER", &["ROUTING_ID=second", "ROUTER_MANDATORY=1"]),
        ],
        flow: Flow::Ask("@second"),
    },
    pattern("PUSH", "PULL", Flow::OneWay),
];

const LOADS: &[Load] = &[
    Load {
        name: "small",
        count: 200,
        size: 64,
        parts: 1,
    },
    Load {
        name: "multipart",
        count: 50,
        size: 100,
        parts: 4,
    },
    Load {
        name: "10 MiB",
        count: 3,
        size: 10 << 20,
        parts: 1,
    },
];

const fn pattern(first: &'static str, second: &'static str, flow: Flow) -> Pattern {
    Pattern {
        roles: [Role::new(first), Role::new(second)],
        flow,
    }
}

pub fn cases() -> impl Iterator<Item = Trial> {
    PATTERNS.iter().flat_map(|&pattern| {
        Variant::all().flat_map(move |variant| {
            LOADS.iter().map(move |&load| {
                let name = format!("{}, {}", describe(pattern.roles, variant), load.name);
                trial(name, move |t| exchange(pattern, variant, load, t))
            })
        })
    })
}

fn exchange(
    pattern: Pattern,
    variant: Variant,
    load: Load,
    transcript: &Transcript,
) -> Result<(), Failure> {
    let mut pair = Pair::start(variant, pattern.roles, transcript)?;
    let (first, second) = pair.both();
    let Load {
        count, size, parts, ..
    } = load;
    match pattern.flow {
        Flow::OneWay => transfer(first, second, load)?,
        Flow::Publish => {
            second.ask("subscribe")?;
            step_together(first, second)?;
            transfer(first, second, load)?;
        }
        Flow::BothWays => {
            transfer(first, second, load)?;
            transfer(second, first, load)?;
        }
        Flow::Ask(prefix) => {
            second.tell(&format!("echo {count}"))?;
            first.ask(&format!("request {count} {size} {parts} 0 {prefix}"))?;
            second.answer()?;
        }
    }
    pair.finish()
}

fn transfer(from: &mut Process, to: &mut Process, load: Load) -> Result<(), Failure> {
    let Load {
        count, size, parts, ..
    } = load;
    to.tell(&format!("recv {count} {size} {parts} 0"))?;
    from.ask(&format!("send {count} {size} {parts} 0"))?;
    to.answer()?;
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
