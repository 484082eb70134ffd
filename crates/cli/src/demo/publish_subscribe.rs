//! Asynchronous messaging: the publisher sends without waiting (PUB and SUB).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use zincmq::{Context, Message, Socket, SocketType};

use super::failure::Failure;
use super::stage::{Stage, check, single, together};
use crate::console::{Console, say};

const UPDATES: u32 = 5;
const INTERVAL: Duration = Duration::from_secs(1);

pub fn play(stage: &Stage) -> Result<String, Failure> {
    let context = Context::new();
    // An XPUB is a PUB that is told who subscribes.
    let publisher = stage.socket(&context, SocketType::Xpub)?;
    let subscriber = stage.socket(&context, SocketType::Sub)?;
    let endpoint = stage.bind(&publisher)?;
    stage.connect(&subscriber, &endpoint)?;

    let mut published = Vec::new();
    let mut received = Vec::new();
    together(
        &context,
        vec![
            (
                "publisher",
                Box::new(|| publish(stage, &publisher, &mut published)),
            ),
            (
                "subscriber",
                Box::new(|| subscribe(stage, &subscriber, &mut received)),
            ),
        ],
    )?;
    check("the updates received", &received, &published)?;
    Ok(format!(
        "all {UPDATES} updates since the subscription were received, in order"
    ))
}

fn publish(stage: &Stage, publisher: &Socket, published: &mut Vec<String>) -> Result<(), Failure> {
    await_subscriber(stage, publisher)?;
    let (began, clock) = (unix_time(), Instant::now());
    for round in 0..UPDATES {
        if round > 0 {
            stage.work(INTERVAL);
        }
        // At either pace each shows a second more than the one before.
        let time = began + clock.elapsed() + stage.saved(INTERVAL) * round;
        let update = format!("Update {}", time.as_secs());
        // Held, so that the line about receiving it comes after this one.
        let mut console = Console::lock();
        stage.send(publisher, &*update, format_args!("publish update {round}"))?;
        console.say(format_args!("Published: {update}"));
        published.push(update);
    }
    Ok(())
}

/// What is published before somebody subscribes is for nobody.
fn await_subscriber(stage: &Stage, publisher: &Socket) -> Result<(), Failure> {
    let message = publisher
        .recv_timeout(stage.left())
        .map_err(|error| Failure::call("hear of a subscription", error))?;
    // The byte 1 for "subscribe", and the prefix: none, for everything.
    let everything = Message::from([1]);
    check("the subscription", message.first(), &everything)
}

fn subscribe(
    stage: &Stage,
    subscriber: &Socket,
    received: &mut Vec<String>,
) -> Result<(), Failure> {
    subscriber
        .subscribe("")
        .map_err(|error| Failure::call("subscribe to everything", error))?;
    for round in 0..UPDATES {
        let doing = format_args!("receive update {round}").to_string();
        let message = subscriber
            .recv_timeout(stage.left())
            .map_err(|error| Failure::call(&doing, error))?;
        let update = single(&message, doing)?;
        say(format_args!("Received: {update}"));
        received.push(update);
    }
    Ok(())
}

fn unix_time() -> Duration {
    // A clock set before 1970 shows 0.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
