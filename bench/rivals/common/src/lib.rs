//! What the rivals' programs share: the command line, and loops over a socket that each brings.
//!
//! ```text
//! PROGRAM receive|send|echo|ask PORTS SIZE COUNT
//! ```
//!
//! A program that binds prints `ENDPOINT …`, and each ends with `FINDING …`. A sender stays until
//! the receiver has everything and closes another connection: some lose what is left in the end.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
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
    /// Hands what was sent and still lies here to who sends it on by themselves.
    async fn flush(&mut self) -> Result<()>;
    /// The last use of the socket.
    async fn close(self) -> Result<()>;
}

/// Does what the program's arguments say.
pub async fn play<R: Rival>() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, endpoint, size, count] = arguments.as_slice() else {
        bail!("PROGRAM receive|send|echo|ask ENDPOINT SIZE COUNT");
    };
    let (size, count) = (size.parse()?, count.parse()?);
    let stay = TcpListener::bind("127.0.0.1:0")?;
    let stay_port = stay.local_addr()?.port();
    let announce = |port| println!("ENDPOINT {port};{stay_port}");
    let ports = || {
        let ports = endpoint.split_once(';').context("two ports")?;
        Ok::<(u16, u16), anyhow::Error>((ports.0.parse()?, ports.1.parse()?))
    };
    let finding = match role.as_str() {
        "receive" => receive(R::bind(Kind::Pull, announce).await?, size, count).await?,
        "send" => {
            let receiver = TcpStream::connect(("127.0.0.1", ports()?.1))?;
            let push = R::connect(Kind::Push, ports()?.0).await?;
            send(push, receiver, size, count).await?
        }
        "echo" => echo(R::bind(Kind::Rep, announce).await?, size, count).await?,
        "ask" => ask(R::connect(Kind::Req, ports()?.0).await?, size, count).await?,
        other => bail!("{other} is no role"),
    };
    println!("FINDING {finding}");
    // A sender may end now.
    drop(stay);
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

async fn send<R: Rival>(
    mut push: R,
    mut receiver: TcpStream,
    size: usize,
    count: u64,
) -> Result<String> {
    let bytes = vec![0; size];
    for _ in 0..count {
        push.send(&bytes).await?;
    }
    push.flush().await?;
    // However that ends, the receiver is gone.
    let _ = receiver.read(&mut [0]);
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
