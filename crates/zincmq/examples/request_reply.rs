//! Request and reply (REQ and REP): a client asks, a server answers, in turn.
//!
//! Run with `cargo run --example request_reply`.

use std::error::Error;
use std::thread;

fn main() -> Result<(), Box<dyn Error>> {
    // One context for the whole program. It may be cloned, and so shared.
    let ctx = zincmq::Context::new();

    // The server binds, and is told the port that the system chose.
    let server = zincmq::rep(&ctx)?;
    let endpoint = server.bind("tcp://127.0.0.1:*")?;

    let serving = thread::spawn(move || -> Result<(), zincmq::Error> {
        for _ in 0..3 {
            // A REP must answer each request before it receives the next.
            let request = server.recv()?;
            server.send(format!("hello, {}", request.first().to_text()))?;
        }
        Ok(())
    });

    // The client connects. It need not wait for the server to be there.
    let client = zincmq::req(&ctx)?;
    client.connect(&endpoint)?;
    for name in ["Ada", "Grace", "Radia"] {
        client.send(name)?;
        let reply = client.recv()?;
        println!("{}", reply.first().to_text());
    }

    serving.join().expect("the server does not panic")?;
    Ok(())
}
