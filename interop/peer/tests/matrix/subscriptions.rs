//! 5,000 subscriptions of one subscriber: all in force, also with a publisher that was restarted.

use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::process::{Failure, Transcript};
use crate::setup::{Pair, Role, Seat, Side, Variant, describe, self_check, trial};

const COUNT: u64 = 5000;
/// A round of topics must fit, whatever the subscriber is doing.
const PUB: Role = Role::with("PUB", &["SNDHWM=0", "RCVHWM=0"]);
/// Subscriptions are no messages: the default high-water mark must not cost any.
const SUB: Role = Role::with("SUB", &["RCVHWM=0"]);
/// libzmq keeps only as many as its high-water mark.
const LIBZMQ_SUB: Role = Role::with("SUB", &["RCVHWM=0", "SNDHWM=0"]);

pub fn cases() -> impl Iterator<Item = Trial> {
    Variant::all().map(|variant| {
        let is_ours = variant.side(Seat::Second) == Side::Ours && !self_check();
        let roles = [PUB, if is_ours { SUB } else { LIBZMQ_SUB }];
        let name = format!("{}, {COUNT} subscriptions", describe(roles, variant));
        trial(name, move |t| all_in_force(variant, roles, t))
    })
}

fn all_in_force(
    variant: Variant,
    roles: [Role; 2],
    transcript: &Transcript,
) -> Result<(), Failure> {
    let mut pair = Pair::start(variant, roles, transcript)?;
    pair.peer(Seat::Second)
        .ask(&format!("subscribe-many {COUNT}"))?;
    publish_until_all_seen(&mut pair)?;
    pair.replace(Seat::First)?;
    publish_until_all_seen(&mut pair)?;
    pair.finish()
}

/// Nothing tells when the subscriptions have arrived, so the topics go round until all were seen.
fn publish_until_all_seen(pair: &mut Pair) -> Result<(), Failure> {
    let (publisher, subscriber) = pair.both();
    subscriber.tell(&format!("recv-topics {COUNT}"))?;
    while subscriber.answer_if_ready()?.is_none() {
        publisher.ask(&format!("send-topics {COUNT}"))?;
        sleep(Duration::from_millis(50));
    }
    Ok(())
}
