//! A server that knows its clients by their keys, one that it lets in and one that it does not.
//!
//! Run with `cargo run --example secure keys`, where `keys` is a folder with the certificate
//! files that docs/security/rust.md has `zinc keygen` make.

use std::error::Error;
use std::path::Path;
use std::thread;

use zincmq::Context;
use zincmq::monitor::EventKind;
use zincmq::security::{Certificate, KeyDirectory};

/// Answers each request with the name of the client that it came from.
fn serve(server: &zincmq::Rep) -> Result<(), zincmq::Error> {
    loop {
        let request = server.recv()?;
        let peer = request.first().peer();
        // As its certificate has it. With `property` it would be what the client says.
        let name = peer.and_then(|peer| peer.granted_property("name"));
        let name = name.map_or("nobody".into(), |name| String::from_utf8_lossy(name));
        server.send(format!("{}, {name}", request.first().to_text()))?;
    }
}

/// Asks the server, with the key of whoever is called `name`.
fn call(keys: &Path, file: &str, name: &str, endpoint: &str) -> Result<(), Box<dyn Error>> {
    let own = Certificate::load(keys.join(file))?;
    let server = Certificate::load(keys.join("server.key"))?;
    let client = zincmq::Req::builder(&Context::new())
        .curve_server_key(*server.public_key())
        .curve_public_key(*own.public_key())
        .curve_secret_key(own.secret_key().ok_or("no secret key")?.clone())
        .linger(Some(std::time::Duration::ZERO))
        .build()?;
    let events = client.monitor();
    client.connect(endpoint)?;
    for event in events {
        match event.kind {
            EventKind::HandshakeSucceeded => {
                client.send("hello")?;
                println!("{name}: {}", client.recv()?.first().to_text());
                break;
            }
            // It would be in vain to try again, and is not tried.
            EventKind::HandshakeFailed {
                status: Some(status),
                ..
            } => {
                println!("{name}: refused with {status}");
                break;
            }
            _ => {}
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).unwrap_or("keys".into());
    let keys = Path::new(&folder);

    let own = Certificate::load(keys.join("server.key_secret"))?;
    if own.is_exposed() {
        return Err("others can read the server's secret key".into());
    }
    // Whose certificate is in there may come in, and has to go when it is taken away.
    let allowed = KeyDirectory::open(keys.join("clients"))?;
    allowed.watch(|read| {
        if let Err(error) = read {
            eprintln!("{error}");
        }
    })?;
    let ctx = Context::new();
    ctx.set_authenticator(allowed);
    let server = zincmq::Rep::builder(&ctx)
        .curve_server(true)
        .curve_secret_key(own.secret_key().ok_or("no secret key")?.clone())
        .bind("tcp://127.0.0.1:*")?;
    let endpoint = server.last_endpoint();

    let serving = thread::spawn(move || serve(&server));
    call(keys, "clients/anna.key_secret", "anna", &endpoint)?;
    call(keys, "eve.key_secret", "eve", &endpoint)?;

    // The server's receive ends with the context.
    ctx.shutdown();
    let _ = serving.join();
    Ok(())
}
