//! monocoque-rs on the bench, on io_uring as it is by default. PUSH coalesces writes, and flushes
//! once, at the end.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use monocoque::SocketOptions;
use monocoque::rt::{LocalRuntime, TcpListener};
use monocoque::zmq::{PullSocket, PushSocket, RepSocket, ReqSocket};
use rival::{Kind, Rival};

enum Monocoque {
    Push(PushSocket),
    Pull(PullSocket),
    Req(ReqSocket),
    Rep(RepSocket),
}

impl Rival for Monocoque {
    async fn bind(kind: Kind, announce: impl FnOnce(u16)) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        announce(listener.local_addr()?.port());
        let (stream, _) = listener.accept().await?;
        Ok(match kind {
            Kind::Pull => Self::Pull(PullSocket::from_tcp(stream).await?),
            Kind::Rep => Self::Rep(RepSocket::from_tcp(stream).await?),
            other => bail!("{other:?} does not bind here"),
        })
    }

    async fn connect(kind: Kind, port: u16) -> Result<Self> {
        let address = format!("127.0.0.1:{port}");
        Ok(match kind {
            Kind::Push => {
                let options = SocketOptions::default().with_write_coalescing(true);
                Self::Push(PushSocket::connect_with_options(address, options).await?)
            }
            Kind::Req => Self::Req(ReqSocket::connect(&address).await?),
            other => bail!("{other:?} does not connect here"),
        })
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let bytes = Bytes::copy_from_slice(bytes);
        match self {
            Self::Push(push) => push.send_one(bytes).await?,
            Self::Req(req) => req.send_one(bytes).await?,
            Self::Rep(rep) => rep.send(vec![bytes]).await?,
            Self::Pull(_) => bail!("PULL does not send"),
        }
        Ok(())
    }

    async fn recv(&mut self) -> Result<usize> {
        let parts = match self {
            Self::Pull(pull) => pull.recv().await?,
            Self::Req(req) => req.recv().await?,
            Self::Rep(rep) => rep.recv().await?,
            Self::Push(_) => bail!("PUSH does not receive"),
        };
        Ok(parts
            .context("the peer is gone")?
            .iter()
            .map(Bytes::len)
            .sum())
    }

    async fn flush(&mut self) -> Result<()> {
        if let Self::Push(push) = self {
            push.flush().await?;
        }
        Ok(())
    }

    async fn close(self) -> Result<()> {
        Ok(())
    }
}

fn main() -> Result<()> {
    LocalRuntime::new()?.block_on(rival::play::<Monocoque>())
}
