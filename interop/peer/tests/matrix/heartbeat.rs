//! Heartbeats every 50 ms: an idle second leaves the connection alone, a frozen peer loses it.
//!
//! A ROUTER that binds numbers its connections, so a reconnection shows as another routing id. (One
//! that connects keeps the id across reconnections.)

use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::process::{Failure, Transcript};
use crate::setup::{Pair, Role, Seat, Side, Transport, Variant, describe, trial};

/// Whose heartbeats are on.
#[derive(Debug, Clone, Copy)]
enum Beats {
    Ours,
    Libzmq,
    Both,
}

/// Wide enough that a busy machine does not look like a dead peer.
const ON: &[&str] = &[
    "HEARTBEAT_IVL=50",
    "HEARTBEAT_TIMEOUT=600",
    "HEARTBEAT_TTL=600",
];

pub fn cases() -> impl Iterator<Item = Trial> {
    let idle = variants().flat_map(|variant| {
        [Beats::Ours, Beats::Libzmq, Beats::Both]
            .into_iter()
            .map(move |beats| {
                let roles = roles(variant, beats);
                let name = format!(
                    "{}, idle second, heartbeats {beats:?}",
                    describe(roles, variant)
                );
                trial(name, move |t| stays_connected(variant, roles, t))
            })
    });
    let frozen = variants()
        .filter(|variant| variant.transport == Transport::Tcp)
        .map(|variant| {
            let roles = roles(variant, Beats::Ours);
            let name = format!("{}, libzmq frozen", describe(roles, variant));
            trial(name, move |t| drops_the_frozen(variant, roles, t))
        });
    idle.chain(frozen)
}

fn variants() -> impl Iterator<Item = Variant> {
    Variant::all().filter(|variant| variant.binder == Seat::Second)
}

fn roles(variant: Variant, beats: Beats) -> [Role; 2] {
    let role = |kind, seat| {
        let on = match beats {
            Beats::Ours => variant.side(seat) == Side::Ours,
            Beats::Libzmq => variant.side(seat) == Side::Libzmq,
            Beats::Both => true,
        };
        Role::with(kind, if on { ON } else { &[] })
    };
    [role("DEALER", Seat::First), role("ROUTER", Seat::Second)]
}

fn stays_connected(
    variant: Variant,
    roles: [Role; 2],
    transcript: &Transcript,
) -> Result<(), Failure> {
    let mut pair = Pair::start(variant, roles, transcript)?;
    let before = round_trip(&mut pair, 1)?;
    sleep(Duration::from_secs(1));
    let after = round_trip(&mut pair, 2)?;
    match before == after {
        true => pair.finish(),
        false => Err(format!("reconnected: {before}, then {after}")),
    }
}

fn drops_the_frozen(
    variant: Variant,
    roles: [Role; 2],
    transcript: &Transcript,
) -> Result<(), Failure> {
    let mut pair = Pair::start(variant, roles, transcript)?;
    let before = round_trip(&mut pair, 1)?;
    let frozen = variant.ours.other();
    pair.peer(frozen).freeze()?;
    sleep(Duration::from_millis(2500));
    pair.peer(frozen).thaw()?;
    // The libzmq side first has to find out that it was left.
    for seq in 2..200 {
        let after = round_trip(&mut pair, seq)?;
        if after != before {
            return pair.finish();
        }
        sleep(Duration::from_millis(10));
    }
    Err(format!("still connected as {before}"))
}

/// Asks and echoes once; returns what the ROUTER calls its peer.
fn round_trip(pair: &mut Pair, seq: u64) -> Result<String, Failure> {
    let (dealer, router) = pair.both();
    router.tell("echo 1")?;
    dealer.ask(&format!("ask {seq} 64 1"))?;
    router.answer()
}
