//! One peer is killed and another takes its place at the same endpoint; the one that stayed must
//! find it again and lose nothing sent after that.

use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::exchange::step_together;
use crate::process::{Failure, Transcript};
use crate::setup::{Pair, Role, Seat, Side, Variant, describe, self_check, trial};

#[derive(Debug, Clone, Copy)]
enum Flow {
    Publish,
    OneWay,
    /// The first asks behind this prefix.
    Ask(&'static str),
}

const PATTERNS: &[([Role; 2], Flow)] = &[
    ([Role::new("PUSH"), Role::new("PULL")], Flow::OneWay),
    ([Role::new("PAIR"), Role::new("PAIR")], Flow::OneWay),
    ([Role::new("DEALER"), Role::new("DEALER")], Flow::OneWay),
    ([Role::new("PUB"), Role::new("SUB")], Flow::Publish),
    ([Role::new("PUB"), Role::new("XSUB")], Flow::Publish),
    ([Role::new("XPUB"), Role::new("SUB")], Flow::Publish),
    ([Role::new("XPUB"), Role::new("XSUB")], Flow::Publish),
    ([Role::new("DEALER"), Role::new("ROUTER")], Flow::Ask("")),
    ([Role::new("DEALER"), Role::new("REP")], Flow::Ask("@")),
    ([RELAXED, Role::new("REP")], Flow::Ask("")),
    ([RELAXED, Role::new("ROUTER")], Flow::Ask("")),
    (
        [
            Role::with("ROUTER", &["ROUTING_ID=first", "ROUTER_HANDOVER=1"]),
            Role::with("ROUTER", &["ROUTING_ID=second", "ROUTER_HANDOVER=1"]),
        ],
        Flow::Ask("@second"),
    ),
];

const SECURED: &[([Role; 2], Flow)] = &[
    ([Role::new("PUSH"), Role::new("PULL")], Flow::OneWay),
    ([Role::new("PUB"), Role::new("SUB")], Flow::Publish),
    ([Role::new("DEALER"), Role::new("ROUTER")], Flow::Ask("")),
];

/// Asks again, though the answer to its last question is lost.
const RELAXED: Role = Role::with("REQ", &["REQ_RELAXED=1", "REQ_CORRELATE=1"]);

pub fn cases() -> impl Iterator<Item = Trial> {
    let open = of(PATTERNS, Variant::all);
    // With the mechanism's server on either side, as over ipc it is the one that connects.
    open.chain(of(SECURED, Variant::secured))
}

fn of<V: Iterator<Item = Variant>>(
    patterns: &'static [([Role; 2], Flow)],
    variants: fn() -> V,
) -> impl Iterator<Item = Trial> {
    patterns.iter().flat_map(move |&(roles, flow)| {
        variants().flat_map(move |variant| {
            let killed = Seat::BOTH.into_iter().filter(move |&killed| {
                // libzmq's PAIR that binds turns a second peer away, in silence and for good, while
                // it has not noticed yet that the first is gone.
                roles[0].kind != "PAIR"
                    || killed == variant.binder
                    || (variant.side(variant.binder) == Side::Ours && !self_check())
            });
            killed.map(move |killed| {
                let name = format!(
                    "{}, {} killed and restarted",
                    describe(roles, variant),
                    ["first", "second"][killed as usize],
                );
                trial(name, move |t| match flow {
                    Flow::Ask(prefix) => asks_again(roles, prefix, variant, killed, t),
                    Flow::OneWay => sends_again(roles, variant, killed, false, t),
                    Flow::Publish => sends_again(roles, variant, killed, true, t),
                })
            })
        })
    })
}

fn sends_again(
    roles: [Role; 2],
    variant: Variant,
    killed: Seat,
    publishes: bool,
    transcript: &Transcript,
) -> Result<(), Failure> {
    let mut pair = Pair::start(variant, roles, transcript)?;
    let (first, second) = pair.both();
    if publishes {
        second.ask("subscribe")?;
        step_together(first, second)?;
    }
    second.tell("recv 10 64 1 0")?;
    first.ask("send 10 64 1 0")?;
    second.answer()?;

    pair.replace(killed)?;

    let (first, second) = pair.both();
    if publishes && killed == Seat::Second {
        second.ask("subscribe")?;
    }
    // What goes out before the loss is noticed may be lost with the old peer.
    second.tell("recv-until 1000 64 1")?;
    let mut seq = 1000;
    while second.answer_if_ready()?.is_none() {
        first.ask(&format!("send 1 64 1 {seq}"))?;
        seq += 1;
        sleep(Duration::from_millis(5));
    }
    // From here on the connection stands: everything arrives, in order.
    first.ask("send 100 64 1 1000000")?;
    second.ask("recv-until 1000000 64 1")?;
    second.ask("recv 99 64 1 1000001")?;
    pair.finish()
}

fn asks_again(
    roles: [Role; 2],
    prefix: &str,
    variant: Variant,
    killed: Seat,
    transcript: &Transcript,
) -> Result<(), Failure> {
    let mut pair = Pair::start(variant, roles, transcript)?;
    let (first, second) = pair.both();
    second.tell("serve")?;
    first.ask(&format!("ask 1 64 1 {prefix}"))?;

    pair.replace(killed)?;

    let (first, second) = pair.both();
    if killed == Seat::Second {
        second.tell("serve")?;
    }
    for seq in 2..20 {
        first.ask(&format!("ask {seq} 64 1 {prefix}"))?;
    }
    // Any other line ends it.
    second.tell("quit")?;
    second.answer()?;
    Ok(())
}
