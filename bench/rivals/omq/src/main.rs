//! omq-tokio on the bench: blocking sockets, whose work its context's I/O thread does.

use anyhow::{Context as _, Result};
use omq_tokio::endpoint::Endpoint;
use omq_tokio::{Context, Message, Options, SocketType, blocking};
use rival::{Kind, Rival};

struct Omq(blocking::Socket);

fn socket(kind: Kind) -> blocking::Socket {
    let kind = match kind {
        Kind::Push => SocketType::Push,
        Kind::Pull => SocketType::Pull,
        Kind::Req => SocketType::Req,
        Kind::Rep => SocketType::Rep,
    };
    Context::new().blocking_socket(kind, Options::default())
}

impl Rival for Omq {
    async fn bind(kind: Kind, announce: impl FnOnce(u16)) -> Result<Self> {
        let socket = socket(kind);
        let endpoint: Endpoint = socket.bind("tcp://127.0.0.1:0")?;
        let text = endpoint.to_string();
        let (_, port) = text.rsplit_once(':').context("a port")?;
        announce(port.parse()?);
        Ok(Self(socket))
    }

    async fn connect(kind: Kind, port: u16) -> Result<Self> {
        let socket = socket(kind);
        socket.connect(format!("tcp://127.0.0.1:{port}").as_str())?;
        Ok(Self(socket))
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.0.send(Message::from_slice(bytes))?)
    }

    async fn recv(&mut self) -> Result<usize> {
        Ok(self.0.recv()?.byte_len())
    }

    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    async fn close(self) -> Result<()> {
        Ok(self.0.close()?)
    }
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(rival::play::<Omq>())
}
