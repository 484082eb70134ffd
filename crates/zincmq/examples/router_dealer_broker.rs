//! A broker: clients (REQ) and workers (REP) know only its address. A ROUTER
//! and a DEALER, joined by a proxy, do the work.
//!
//! Run with `cargo run --example router_dealer_broker`.

use std::error::Error;
use std::thread;

use zincmq::Proxy;

fn main() -> Result<(), Box<dyn Error>> {
    let ctx = zincmq::Context::new();

    let front = zincmq::router(&ctx)?;
    let back = zincmq::dealer(&ctx)?;
    let for_clients = front.bind("tcp://127.0.0.1:*")?;
    let for_workers = back.bind("tcp://127.0.0.1:*")?;

    // A proxy would run until the context ends; its handle can end it sooner.
    let (tell, told) = std::sync::mpsc::channel();
    let brokering = thread::spawn(move || {
        let proxy = Proxy::new(&front, &back);
        tell.send(proxy.handle()).expect("the example waits for it");
        proxy.run()
    });
    let broker = told.recv()?;

    let workers_ctx = ctx.clone();
    for name in ["one", "two"] {
        let worker = zincmq::rep(&workers_ctx)?;
        worker.connect(&for_workers)?;
        // A worker ends when its context is shut down.
        thread::spawn(move || -> Result<(), zincmq::Error> {
            loop {
                let question = worker.recv()?;
                worker.send(format!("{} ({name})", question.first().len()))?;
            }
        });
    }

    let mut clients = Vec::new();
    for word in ["a", "few", "words", "to", "measure"] {
        let client = zincmq::req(&ctx)?;
        client.connect(&for_clients)?;
        clients.push(thread::spawn(move || -> Result<(), zincmq::Error> {
            client.send(word)?;
            let answer = client.recv()?;
            println!("`{word}` has length {}", answer.first().to_text());
            Ok(())
        }));
    }
    for client in clients {
        client.join().expect("a client does not panic")?;
    }

    broker.terminate();
    brokering.join().expect("a proxy does not panic")?;
    let moved = broker.statistics();
    println!(
        "{} requests and {} replies went through",
        moved.front.messages_in, moved.back.messages_in
    );
    ctx.shutdown();
    Ok(())
}
