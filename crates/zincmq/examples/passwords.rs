//! A server that knows its clients by name and password (PLAIN), from networks that it lists.
//!
//! Run with `cargo run --example passwords passwords`, where `passwords` is a file that
//! `zinc password passwords anna` makes; Anna's password is the second argument.

use std::error::Error;
use std::time::Duration;

use zincmq::Context;
use zincmq::monitor::{EventKind, Monitor};
use zincmq::security::{AccessRules, AddressList, PasswordFile};

/// Waits until the connection is made, refused or lost.
fn outcome(events: &mut Monitor) -> Option<String> {
    events.find_map(|event| match event.kind {
        EventKind::HandshakeSucceeded => Some("let in".to_owned()),
        EventKind::HandshakeFailed {
            status: Some(status),
            ..
        } => Some(format!("refused with {status}")),
        _ => None,
    })
}

/// A client that tries to come in with that password, and what became of it.
fn call(password: &str, endpoint: &str) -> Result<(zincmq::Req, Monitor), Box<dyn Error>> {
    let client = zincmq::Req::builder(&Context::new())
        .plain_username("anna")
        .plain_password(password)
        .linger(Some(Duration::ZERO))
        .build()?;
    let mut events = client.monitor();
    client.connect(endpoint)?;
    println!("anna: {}", outcome(&mut events).ok_or("no connection")?);
    Ok((client, events))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or("passwords".into());
    let password = arguments.next().unwrap_or("open sesame".into());

    // Whose line is removed or changed has to go.
    let passwords = PasswordFile::open(file)?;
    passwords.watch(|read| {
        if let Err(error) = read {
            eprintln!("{error}");
        }
    })?;
    let here = AddressList::parse(["127.0.0.0/8", "::1", "ipc"])?;
    let banned = AddressList::new();
    let ctx = Context::new();
    ctx.set_authenticator(
        AccessRules::new()
            .deny(&banned)
            .allow_only(&here)
            .plain(passwords),
    );
    let server = zincmq::Rep::builder(&ctx)
        .plain_server(true)
        .bind("tcp://127.0.0.1:*")?;
    let endpoint = server.last_endpoint();

    let (client, mut events) = call(&password, &endpoint)?;
    client.send("hello")?;
    let request = server.recv()?;
    let user = request.first().peer().and_then(|peer| peer.user_id.clone());
    let user = user.ok_or("nobody")?;
    let user = String::from_utf8_lossy(&user);
    server.send(format!("{}, {user}", request.first().to_text()))?;
    println!("{}", client.recv()?.first().to_text());
    call("a guess", &endpoint)?;

    // Whoever is connected from there has to go, and stays out.
    banned.insert("127.0.0.1".parse()?);
    println!("anna: {}", outcome(&mut events).ok_or("no connection")?);
    Ok(())
}
