//! The same sockets under smol, or any other executor: there is none inside.
//!
//! Run with `cargo run --example async_smol`.

use std::error::Error;

use futures_lite::future;
use zincmq::{Poller, Readiness};

fn main() -> Result<(), Box<dyn Error>> {
    let ctx = zincmq::Context::new();
    let news = zincmq::pull(&ctx)?;
    let orders = zincmq::pull(&ctx)?;
    let news_at = news.bind("tcp://127.0.0.1:*")?;
    let orders_at = orders.bind("tcp://127.0.0.1:*")?;

    smol::block_on(async {
        let reporter = smol::spawn({
            let push = zincmq::push(&ctx)?;
            push.connect(&news_at)?;
            async move { push.send_async("it rains").await }
        });

        // The first of several: whichever future loses has taken nothing.
        let first = future::or(news.recv_async(), orders.recv_async()).await?;
        println!("{}", first.first().to_text());
        reporter.await?;

        // Or a poller, whose wait is a future too.
        let poller = Poller::new()?;
        poller.add(&news, 0, Readiness::READABLE)?;
        poller.add(&orders, 1, Readiness::READABLE)?;
        let customer = zincmq::push(&ctx)?;
        customer.connect(&orders_at)?;
        customer.send_async("an umbrella").await?;
        for event in poller.wait_async().await? {
            let socket = [&news, &orders][event.key];
            println!("{}", socket.recv_async().await?.first().to_text());
        }
        Ok(())
    })
}
