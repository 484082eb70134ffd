//! Synchronous messaging: the client waits for each reply (REQ and REP).

use std::time::Duration;

use zincmq::{Context, Socket, SocketType};

use super::failure::Failure;
use super::stage::{Stage, check, together};
use crate::console::say;

const REQUESTS: usize = 10;
const WORK: Duration = Duration::from_secs(1);

pub fn play(stage: &Stage) -> Result<String, Failure> {
    let context = Context::new();
    let server = stage.socket(&context, SocketType::Rep)?;
    let client = stage.socket(&context, SocketType::Req)?;
    let endpoint = stage.bind(&server)?;
    stage.connect(&client, &endpoint)?;
    together(
        &context,
        vec![
            ("server", Box::new(|| serve(stage, &server))),
            ("client", Box::new(|| ask(stage, &client))),
        ],
    )?;
    Ok(format!("{REQUESTS} requests, {REQUESTS} replies, in turn"))
}

fn serve(stage: &Stage, server: &Socket) -> Result<(), Failure> {
    for request in 0..REQUESTS {
        let body = stage.recv(server, format_args!("receive request {request}"))?;
        say(format_args!("Received request: {}", quoted(&body)));
        check(format_args!("request {request}"), &&*body, &"Hello")?;
        stage.work(WORK);
        stage.send(server, "World", format_args!("send reply {request}"))?;
    }
    Ok(())
}

fn ask(stage: &Stage, client: &Socket) -> Result<(), Failure> {
    for request in 0..REQUESTS {
        say(format_args!("Sending request {request}"));
        stage.send(client, "Hello", format_args!("send request {request}"))?;
        let body = stage.recv(client, format_args!("receive reply {request}"))?;
        say(format_args!("Received reply {request}: {}", quoted(&body)));
        check(format_args!("reply {request}"), &&*body, &"World")?;
    }
    Ok(())
}

/// Bytes as Python writes them.
fn quoted(body: &str) -> String {
    format!("b'{}'", body.as_bytes().escape_ascii())
}
