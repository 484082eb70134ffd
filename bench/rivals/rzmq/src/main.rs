//! rzmq on the bench; with `RZMQ_IO_URING` set, its connections use io_uring.

use anyhow::{Context as _, Result};
use rival::{Kind, Rival};
use rzmq::socket::options::LAST_ENDPOINT;
use rzmq::uring::{UringConfig, initialize_uring_backend, shutdown_uring_backend};
use rzmq::{Context, Msg, Socket, SocketType};

struct Rzmq {
    context: Context,
    socket: Socket,
}

fn uses_io_uring() -> bool {
    std::env::var_os("RZMQ_IO_URING").is_some()
}

fn socket(kind: Kind) -> Result<Rzmq> {
    let context = Context::new()?.with_io_uring_sessions(uses_io_uring());
    let socket = context.socket(match kind {
        Kind::Push => SocketType::Push,
        Kind::Pull => SocketType::Pull,
        Kind::Req => SocketType::Req,
        Kind::Rep => SocketType::Rep,
    })?;
    Ok(Rzmq { context, socket })
}

impl Rival for Rzmq {
    async fn bind(kind: Kind, announce: impl FnOnce(u16)) -> Result<Self> {
        let rzmq = socket(kind)?;
        rzmq.socket.bind("tcp://127.0.0.1:0").await?;
        let endpoint = String::from_utf8(rzmq.socket.get_option(LAST_ENDPOINT).await?)?;
        let (_, port) = endpoint.rsplit_once(':').context("a port")?;
        announce(port.trim_end_matches('\0').parse()?);
        Ok(rzmq)
    }

    async fn connect(kind: Kind, port: u16) -> Result<Self> {
        let rzmq = socket(kind)?;
        let endpoint = format!("tcp://127.0.0.1:{port}");
        rzmq.socket.connect(&endpoint).await?;
        Ok(rzmq)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.socket.send(Msg::from_vec(bytes.to_vec())).await?)
    }

    async fn recv(&mut self) -> Result<usize> {
        let message = self.socket.recv().await?;
        Ok(message.data().unwrap_or_default().len())
    }

    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    async fn close(self) -> Result<()> {
        Ok(self.context.term().await?)
    }
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        if !uses_io_uring() {
            return rival::play::<Rzmq>().await;
        }
        initialize_uring_backend(UringConfig::default())?;
        rival::play::<Rzmq>().await?;
        Ok(shutdown_uring_backend().await?)
    })
}
