//! The same sockets under tokio: every receive and send is a future as well.
//!
//! Run with `cargo run --example async_tokio`.

use std::error::Error;
use std::time::Duration;

use futures_lite::StreamExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let ctx = zincmq::Context::new();
    let server = zincmq::router(&ctx)?;
    let endpoint = server.bind("tcp://127.0.0.1:*")?;

    let serving = tokio::spawn(async move {
        // A socket is a stream of messages, which ends when it is closed.
        let mut requests = server.stream().take(3);
        while let Some(request) = requests.next().await {
            let mut request = request?;
            // Behind the routing id, which leads the reply to who asked.
            let name = request.last().to_text();
            request.push(format!("hello, {name}"));
            server.send_async(request).await?;
        }
        Ok::<(), zincmq::Error>(())
    });

    let mut clients = Vec::new();
    for name in ["Ada", "Grace", "Radia"] {
        let client = zincmq::dealer(&ctx)?;
        client.connect(&endpoint)?;
        clients.push(tokio::spawn(async move {
            client.send_async(name).await?;
            // A future that is dropped, as by this timeout, has taken nothing.
            let reply = tokio::time::timeout(Duration::from_secs(1), client.recv_async()).await;
            match reply {
                Ok(reply) => println!("{}", reply?.last().to_text()),
                Err(_) => println!("{name} got no reply in time"),
            }
            Ok::<(), zincmq::Error>(())
        }));
    }
    for client in clients {
        client.await??;
    }
    serving.await??;
    Ok(())
}
