//! 5,000 subscriptions of one subscriber: all in force, also with a publisher or a subscriber that was
//! restarted, until they are taken back.

use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::exchange::step_together;
use crate::process::{Failure, Transcript};
use crate::setup::{Pair, Role, Seat, Side, Variant, describe, self_check, trial};

const COUNT: u64 = 5000;
/// A round of topics must fit, whatever the subscriber is doing.
const PUBLISHERS: [Role; 2] = [
    Role::with("PUB", &["SNDHWM=0", "RCVHWM=0"]),
    Role::with("XPUB", &["SNDHWM=0", "RCVHWM=0"]),
];
/// Subscriptions are no messages: the default high-water mark must not cost any.
const SUBSCRIBERS: [Role; 2] = [
    Role::with("SUB", &["RCVHWM=0"]),
    Role::with("XSUB", &["RCVHWM=0"]),
];
/// libzmq keeps only as many as its high-water mark.
const LIBZMQ_SUBSCRIBERS: [Role; 2] = [
    Role::with("SUB", &["RCVHWM=0", "SNDHWM=0"]),
    Role::with("XSUB", &["RCVHWM=0", "SNDHWM=0"]),
];

pub fn cases() -> impl Iterator<Item = Trial> {
    Variant::all().flat_map(|variant| {
        let is_ours = variant.side(Seat::Second) == Side::Ours && !self_check();
        let subscribers = match is_ours {
            true => SUBSCRIBERS,
            false => LIBZMQ_SUBSCRIBERS,
        };
        PUBLISHERS
            .into_iter()
            .zip(subscribers)
            .map(move |(publisher, subscriber)| {
                let roles = [publisher, subscriber];
                let name = format!("{}, {COUNT} subscriptions", describe(roles, variant));
                trial(name, move |t| in_force_until_taken_back(variant, roles, t))
            })
    })
}

fn in_force_until_taken_back(
    variant: Variant,
    roles: [Role; 2],
    transcript: &Transcript,
) -> Result<(), Failure> {
    let subscribe = format!("subscribe-many {COUNT}");
    let mut pair = Pair::start(variant, roles, transcript)?;
    pair.peer(Seat::Second).ask(&subscribe)?;
    publish_until_seen(&mut pair, 0)?;
    pair.replace(Seat::First)?;
    publish_until_seen(&mut pair, 0)?;
    pair.replace(Seat::Second)?;
    pair.peer(Seat::Second).ask(&subscribe)?;
    publish_until_seen(&mut pair, 0)?;

    let (publisher, subscriber) = pair.both();
    subscriber.ask(&format!("unsubscribe-many {}", COUNT / 2))?;
    // Behind the cancellations, so that they are in force when it is.
    subscriber.ask("subscribe SYNC")?;
    step_together(publisher, subscriber)?;
    publish_until_seen(&mut pair, COUNT / 2)?;
    pair.finish()
}

/// Nothing tells when the subscriptions have arrived, so the topics go round until all from number
/// `first` on were seen; one before that is an error.
fn publish_until_seen(pair: &mut Pair, first: u64) -> Result<(), Failure> {
    let (publisher, subscriber) = pair.both();
    subscriber.tell(&format!("recv-topics {first} {COUNT}"))?;
    while subscriber.answer_if_ready()?.is_none() {
        publisher.ask(&format!("send-topics {COUNT}"))?;
        sleep(Duration::from_millis(50));
    }
    Ok(())
}
