//! What happens to a socket's connections, told as it happens.
//!
//! Run with `cargo run --example monitor`.

use std::error::Error;
use std::time::Duration;

use zincmq::monitor::EventKind;

fn main() -> Result<(), Box<dyn Error>> {
    let ctx = zincmq::Context::new();
    let server = zincmq::pull(&ctx)?;

    // From here on. Each call of `monitor` gives a reader of its own.
    let mut events = server.monitor();

    let endpoint = server.bind("tcp://127.0.0.1:*")?;
    let client = zincmq::push(&ctx)?;
    client.connect(&endpoint)?;
    client.send("hello")?;
    server.recv()?;
    drop(client);

    while let Some(event) = events.next_timeout(Duration::from_secs(1)) {
        match &event.kind {
            EventKind::Listening { .. } => println!("listening at {}", event.endpoint),
            EventKind::Accepted { .. } => println!("a peer has connected"),
            EventKind::HandshakeSucceeded => {
                let peer = event.peer.as_ref().and_then(|peer| peer.socket_type);
                println!(
                    "it is a {}",
                    peer.map_or("mystery".into(), |t| t.to_string())
                );
            }
            EventKind::Disconnected { reason, .. } => {
                println!("it is gone: {reason}");
                break;
            }
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
