//! Heartbeats every 50 ms: idle seconds and busy ones leave the connection alone, whatever the
//! pattern; a frozen peer loses it, whoever sends the heartbeats.
//!
//! A ROUTER that binds numbers its connections, so a reconnection shows as another routing id. (One
//! that connects keeps the id across reconnections.) For other patterns a relay counts connections.

use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::exchange::step_together;
use crate::process::{Failure, Transcript};
use crate::security::Mechanism;
use crate::setup::{Pair, Role, Seat, Side, Transport, Variant, describe, self_check, trial};

/// Whose heartbeats are on.
#[derive(Debug, Clone, Copy)]
enum Beats {
    Ours,
    Libzmq,
    Both,
}

const BEATS: [Beats; 3] = [Beats::Ours, Beats::Libzmq, Beats::Both];

/// What goes on while the heartbeats do.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Idle,
    /// Messages of so many bytes that take longer than one beat, then many small ones.
    Busy(usize),
}

/// Wide enough that a busy machine does not look like a dead peer.
const ON: &[&str] = &[
    "HEARTBEAT_IVL=50",
    "HEARTBEAT_TIMEOUT=1500",
    "HEARTBEAT_TTL=1500",
];

/// Announces a time to live that is shorter than its own patience.
const PATIENT: &[&str] = &[
    "HEARTBEAT_IVL=50",
    "HEARTBEAT_TIMEOUT=10000",
    "HEARTBEAT_TTL=1500",
];

/// Wide enough for messages that have to be sealed and opened as a whole.
const SEALING: &[&str] = &[
    "HEARTBEAT_IVL=50",
    "HEARTBEAT_TIMEOUT=5000",
    "HEARTBEAT_TTL=5000",
];

/// Longer than a silent peer is waited for.
const IDLE: Duration = Duration::from_millis(2500);
const FROZEN: Duration = Duration::from_secs(4);

pub fn cases() -> impl Iterator<Item = Trial> {
    let idle = variants().flat_map(|variant| {
        BEATS.into_iter().map(move |beats| {
            let roles = roles(["DEALER", "ROUTER"], variant, beats);
            let name = format!("{}, idle, heartbeats {beats:?}", describe(roles, variant));
            trial(name, move |t| {
                stays_connected(variant, roles, Meanwhile::Idle, t)
            })
        })
    });
    let busy = variants().map(|variant| {
        let roles = roles(["DEALER", "ROUTER"], variant, Beats::Both);
        let name = format!("{}, busy, heartbeats", describe(roles, variant));
        trial(name, move |t| {
            stays_connected(variant, roles, Meanwhile::Busy(20 << 20), t)
        })
    });
    // Who beats finds out by silence; who does not, by the time to live in the other's heartbeats.
    let frozen = variants()
        .filter(|variant| variant.transport == Transport::Tcp)
        .flat_map(|variant| {
            BEATS.into_iter().flat_map(move |beats| {
                [Side::Ours, Side::Libzmq].into_iter().map(move |frozen| {
                    let roles = roles(["DEALER", "ROUTER"], variant, beats);
                    let name = format!(
                        "{}, heartbeats {beats:?}, {frozen:?} frozen",
                        describe(roles, variant)
                    );
                    trial(name, move |t| drops_the_frozen(variant, roles, frozen, t))
                })
            })
        });
    // libzmq looks at the clock before it looks at what has come in.
    let held_up = variants().filter(|_| !self_check()).map(|variant| {
        let roles = [("DEALER", Seat::First), ("ROUTER", Seat::Second)].map(|(kind, seat)| {
            match variant.side(seat) {
                Side::Ours => Role::new(kind),
                Side::Libzmq => Role::with(kind, PATIENT),
            }
        });
        let name = format!("{}, heartbeats wait for Ours", describe(roles, variant));
        trial(name, move |t| survives_a_pause(variant, roles, t))
    });
    idle.chain(busy)
        .chain(frozen)
        .chain(held_up)
        .chain(counted())
        .chain(sealed())
}

/// The heartbeats of both travel inside CURVE.
fn sealed() -> impl Iterator<Item = Trial> {
    let variants = Variant::secured()
        .filter(|variant| variant.binder == Seat::Second && variant.mechanism == Mechanism::Curve);
    variants.flat_map(|variant| {
        let roles = roles(["DEALER", "ROUTER"], variant, Beats::Both);
        let who = describe(roles, variant);
        let idle = trial(format!("{who}, idle, heartbeats"), move |t| {
            stays_connected(variant, roles, Meanwhile::Idle, t)
        });
        let busy = trial(format!("{who}, busy, heartbeats"), move |t| {
            let roles = ["DEALER", "ROUTER"].map(|kind| Role::with(kind, SEALING));
            stays_connected(variant, roles, Meanwhile::Busy(4 << 20), t)
        });
        let frozen = [Side::Ours, Side::Libzmq].map(|frozen| {
            trial(format!("{who}, heartbeats, {frozen:?} frozen"), move |t| {
                drops_the_frozen(variant, roles, frozen, t)
            })
        });
        [idle, busy].into_iter().chain(frozen)
    })
}

/// Every other pattern, idle.
fn counted() -> impl Iterator<Item = Trial> {
    let kinds = [
        ["PUSH", "PULL"],
        ["PUB", "SUB"],
        ["XPUB", "XSUB"],
        ["PAIR", "PAIR"],
        ["REQ", "REP"],
    ];
    kinds.into_iter().flat_map(|kinds| {
        Variant::all()
            .filter(|variant| variant.transport == Transport::Tcp)
            .flat_map(move |variant| {
                BEATS.into_iter().map(move |beats| {
                    let roles = roles(kinds, variant, beats);
                    let who = describe(roles, variant);
                    let name = format!("{who}, idle, heartbeats {beats:?}");
                    trial(name, move |t| connects_once(variant, roles, t))
                })
            })
    })
}

fn variants() -> impl Iterator<Item = Variant> {
    Variant::all().filter(|variant| variant.binder == Seat::Second)
}

fn roles(kinds: [&'static str; 2], variant: Variant, beats: Beats) -> [Role; 2] {
    let role = |kind, seat| {
        let on = match beats {
            Beats::Ours => variant.side(seat) == Side::Ours,
            Beats::Libzmq => variant.side(seat) == Side::Libzmq,
            Beats::Both => true,
        };
        Role::with(kind, if on { ON } else { &[] })
    };
    [role(kinds[0], Seat::First), role(kinds[1], Seat::Second)]
}

fn stays_connected(
    variant: Variant,
    roles: [Role; 2],
    meanwhile: Meanwhile,
    transcript: &Transcript,
) -> Result<(), Failure> {
    let mut pair = Pair::start(variant, roles, transcript)?;
    let before = round_trip(&mut pair, 1)?;
    match meanwhile {
        Meanwhile::Idle => sleep(IDLE),
        Meanwhile::Busy(size) => {
            let (dealer, router) = pair.both();
            router.tell("echo 2010")?;
            dealer.ask(&format!("request 10 {size} 1 10"))?;
            dealer.ask("request 2000 64 1 20")?;
            router.answer()?;
        }
    }
    let after = round_trip(&mut pair, 2)?;
    match before == after {
        true => pair.finish(),
        false => Err(format!("reconnected: {before}, then {after}")),
    }
}

fn drops_the_frozen(
    variant: Variant,
    roles: [Role; 2],
    frozen: Side,
    transcript: &Transcript,
) -> Result<(), Failure> {
    let mut pair = Pair::start(variant, roles, transcript)?;
    let before = round_trip(&mut pair, 1)?;
    let frozen = match frozen {
        Side::Ours => variant.ours,
        Side::Libzmq => variant.ours.other(),
    };
    // The time to live is known from the first heartbeat on.
    sleep(Duration::from_millis(500));
    pair.peer(frozen).freeze()?;
    sleep(FROZEN);
    pair.peer(frozen).thaw()?;
    // The frozen side first has to find out that it was left.
    for seq in 2..200 {
        let after = round_trip(&mut pair, seq)?;
        if after != before {
            return pair.finish();
        }
        sleep(Duration::from_millis(10));
    }
    Err(format!("still connected as {before}"))
}

/// Heartbeats that came while our process did not run count as come in time.
fn survives_a_pause(
    variant: Variant,
    roles: [Role; 2],
    transcript: &Transcript,
) -> Result<(), Failure> {
    let mut pair = Pair::start(variant, roles, transcript)?;
    let before = round_trip(&mut pair, 1)?;
    // The time to live is known from the first heartbeat on.
    sleep(Duration::from_millis(500));
    pair.peer(variant.ours).freeze()?;
    sleep(IDLE);
    pair.peer(variant.ours).thaw()?;
    sleep(Duration::from_millis(500));
    let after = round_trip(&mut pair, 2)?;
    match before == after {
        true => pair.finish(),
        false => Err(format!("reconnected: {before}, then {after}")),
    }
}

fn connects_once(
    variant: Variant,
    roles: [Role; 2],
    transcript: &Transcript,
) -> Result<(), Failure> {
    let (mut pair, relay) = Pair::start_counted(variant, roles, transcript)?;
    let publishes = matches!(roles[0].kind, "PUB" | "XPUB");
    let (first, second) = pair.both();
    if publishes {
        second.ask("subscribe")?;
        step_together(first, second)?;
    }
    for round in 0..2 {
        if roles[0].kind == "REQ" {
            second.tell("echo 10")?;
            first.ask("request 10 64 1 0")?;
        } else {
            second.tell("recv 10 64 1 0")?;
            first.ask("send 10 64 1 0")?;
        }
        second.answer()?;
        if round == 0 {
            sleep(IDLE);
        }
    }
    match relay.count() {
        1 => pair.finish(),
        count => Err(format!(
            "{count} connections; closed by {:?}",
            relay.endings()
        )),
    }
}

/// Asks and echoes once; returns what the ROUTER calls its peer.
fn round_trip(pair: &mut Pair, seq: u64) -> Result<String, Failure> {
    let (dealer, router) = pair.both();
    router.tell("echo 1")?;
    dealer.ask(&format!("ask {seq} 64 1"))?;
    router.answer()
}
