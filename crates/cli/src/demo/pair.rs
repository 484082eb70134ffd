//! Point to point: one peer on each side, both send (PAIR).

use zincmq::{Context, Socket, SocketType};

use super::failure::Failure;
use super::stage::{Stage, check, together};
use crate::console::say;

const MESSAGES: usize = 3;

pub fn play(stage: &Stage) -> Result<String, Failure> {
    let context = Context::new();
    let left = stage.socket(&context, SocketType::Pair)?;
    let right = stage.socket(&context, SocketType::Pair)?;
    let endpoint = stage.bind(&left)?;
    stage.connect(&right, &endpoint)?;
    together(
        &context,
        vec![
            ("left", Box::new(|| converse(stage, &left, "Left", "Right"))),
            (
                "right",
                Box::new(|| converse(stage, &right, "Right", "Left")),
            ),
        ],
    )?;
    Ok(format!("{MESSAGES} messages each way, in order"))
}

/// Sends all it has to say before it listens: neither side waits for the
/// other's turn.
fn converse(stage: &Stage, socket: &Socket, me: &str, other: &str) -> Result<(), Failure> {
    let message = |from: &str, number| format!("message {number} from {from}");
    for number in 1..=MESSAGES {
        let text = message(me, number);
        say(format_args!("{me} sends: {text}"));
        stage.send(socket, &*text, format_args!("send {text}"))?;
    }
    for number in 1..=MESSAGES {
        let expected = message(other, number);
        let text = stage.recv(socket, format_args!("receive {expected}"))?;
        say(format_args!("{me} receives: {text}"));
        check(format_args!("what {me} receives"), &text, &expected)?;
    }
    Ok(())
}
