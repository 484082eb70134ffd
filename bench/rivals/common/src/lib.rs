//! What the rivals' programs share: the command line, and loops over a socket that each brings.
//!
//! ```text
//! PROGRAM receive|send|echo|ask ENDPOINT SIZE COUNT
//! ```
//!
//! A program that binds prints `ENDPOINT …`; each ends with `FINDING …`.

use std::time::Instant;

use anyhow::{Context as _, Result, bail};

/// The sockets that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sends.
    Push,
    /// Receives.
    Pull,
    /// Asks.
    Req,
    /// Answers.
    Rep,
}

/// A rival's socket.
#[expect(
    async_fn_in_trait,
    reason = "the programs name the types, and run one future"
)]
pub trait Rival: Sized {
    /// Binds to a port of 127.0.0.1 that the system chooses, calls `announce` with its number, and
    /// returns when it may be used.
    async fn bind(kind: Kind, announce: impl FnOnce(u16)) -> Result<Self>;
    /// Connects to 127.0.0.1.
    async fn connect(kind: Kind, port: u16) -> Result<Self>;
    /// Sends a copy of `bytes`.
    async fn send(&mut self, bytes: &[u8]) -> Result<()>;
    /// The length of the next message, which is of one part.
    async fn recv(&mut self) -> Result<usize>;
    /// Returns when all that was sent has left.
    async fn close(self) -> Result<()>;
}

/// Does what the program's arguments say.
pub async fn play<R: Rival>() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, endpoint, size, count] = arguments.as_slice() else {
        bail!("PROGRAM receive|send|echo|ask ENDPOINT SIZE COUNT");
    };
    let (size, count) = (size.parse()?, count.parse()?);
    let announce = |port| println!("ENDPOINT tcp://127.0.0.1:{port}");
    let port = || {
        let (_, port) = endpoint
            .rsplit_once(':')
            .context("an endpoint with a port")?;
        Ok::<u16, anyhow::Error>(port.parse()?)
    };
    let finding = match role.as_str() {
        "receive" => receive(R::bind(Kind::Pull, announce).await?, size, count).await?,
        "send" => send(R::connect(Kind::Push, port()?).await?, size, count).await?,
        "echo" => echo(R::bind(Kind::Rep, announce).await?, size, count).await?,
        "ask" => ask(R::connect(Kind::Req, port()?).await?, size, count).await?,
        other => bail!("{other} is no role"),
    };
    println!("FINDING {finding}");
    Ok(())
}

async fn receive<R: Rival>(mut pull: R, size: usize, count: u64) -> Result<String> {
    expect(&mut pull, size).await?;
    let start = Instant::now();
    for _ in 1..count {
        expect(&mut pull, size).await?;
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(format!("{{\"seconds\": {seconds}}}"))
}

async fn send<R: Rival>(mut push: R, size: usize, count: u64) -> Result<String> {
    let bytes = vec![0; size];
    for _ in 0..count {
        push.send(&bytes).await?;
    }
    push.close().await?;
    Ok("{}".to_owned())
}

async fn echo<R: Rival>(mut rep: R, size: usize, count: u64) -> Result<String> {
    let bytes = vec![0; size];
    for _ in 0..warm_up(count) + count {
        expect(&mut rep, size).await?;
        rep.send(&bytes).await?;
    }
    rep.close().await?;
    Ok("{}".to_owned())
}

async fn ask<R: Rival>(mut req: R, size: usize, count: u64) -> Result<String> {
    let bytes = vec![0; size];
    let mut halves = Vec::new();
    for i in 0..warm_up(count) + count {
        let start = Instant::now();
        req.send(&bytes).await?;
        expect(&mut req, size).await?;
        if i >= warm_up(count) {
            halves.push(start.elapsed().as_secs_f64() * 1e6 / 2.0);
        }
    }
    halves.sort_by(f64::total_cmp);
    let last = halves.len().saturating_sub(1);
    let quantile = |percent| {
        halves
            .get(last * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    Ok(format!(
        "{{\"median\": {}, \"p99\": {}, \"max\": {}}}",
        quantile(50),
        quantile(99),
        quantile(100)
    ))
}

/// Round trips before the first that counts.
fn warm_up(count: u64) -> u64 {
    (count / 10).min(1000)
}

async fn expect<R: Rival>(socket: &mut R, size: usize) -> Result<()> {
    match socket.recv().await? {
        len if len == size => Ok(()),
        len => bail!("a message of {len} bytes, expected {size}"),
    }
}
