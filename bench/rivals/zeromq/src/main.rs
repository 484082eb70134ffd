//! zeromq (zmq.rs) on the bench, on tokio.

use anyhow::{Result, bail};
use bytes::Bytes;
use rival::{Kind, Rival};
use zeromq::{
    Endpoint, PullSocket, PushSocket, RepSocket, ReqSocket, Socket as _, SocketRecv as _,
    SocketSend as _,
};

enum Zeromq {
    Push(PushSocket),
    Pull(PullSocket),
    Req(ReqSocket),
    Rep(RepSocket),
}

fn socket(kind: Kind) -> Zeromq {
    match kind {
        Kind::Push => Zeromq::Push(PushSocket::new()),
        Kind::Pull => Zeromq::Pull(PullSocket::new()),
        Kind::Req => Zeromq::Req(ReqSocket::new()),
        Kind::Rep => Zeromq::Rep(RepSocket::new()),
    }
}

impl Rival for Zeromq {
    async fn bind(kind: Kind, announce: impl FnOnce(u16)) -> Result<Self> {
        const ANYWHERE: &str = "tcp://127.0.0.1:0";
        let mut socket = socket(kind);
        let endpoint = match &mut socket {
            Self::Push(push) => push.bind(ANYWHERE).await?,
            Self::Pull(pull) => pull.bind(ANYWHERE).await?,
            Self::Req(req) => req.bind(ANYWHERE).await?,
            Self::Rep(rep) => rep.bind(ANYWHERE).await?,
        };
        match endpoint {
            Endpoint::Tcp(_, port) => announce(port),
            other => bail!("bound to {other}"),
        }
        Ok(socket)
    }

    async fn connect(kind: Kind, port: u16) -> Result<Self> {
        let endpoint = format!("tcp://127.0.0.1:{port}");
        let mut socket = socket(kind);
        match &mut socket {
            Self::Push(push) => push.connect(&endpoint).await?,
            Self::Pull(pull) => pull.connect(&endpoint).await?,
            Self::Req(req) => req.connect(&endpoint).await?,
            Self::Rep(rep) => rep.connect(&endpoint).await?,
        }
        Ok(socket)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let message = Bytes::copy_from_slice(bytes).into();
        match self {
            Self::Push(push) => push.send(message).await?,
            Self::Req(req) => req.send(message).await?,
            Self::Rep(rep) => rep.send(message).await?,
            Self::Pull(_) => bail!("PULL does not send"),
        }
        Ok(())
    }

    async fn recv(&mut self) -> Result<usize> {
        let message = match self {
            Self::Pull(pull) => pull.recv().await?,
            Self::Req(req) => req.recv().await?,
            Self::Rep(rep) => rep.recv().await?,
            Self::Push(_) => bail!("PUSH does not receive"),
        };
        Ok(message.get(0).map_or(0, Bytes::len))
    }

    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    async fn close(self) -> Result<()> {
        let errors = match self {
            Self::Push(push) => push.close().await,
            Self::Pull(pull) => pull.close().await,
            Self::Req(req) => req.close().await,
            Self::Rep(rep) => rep.close().await,
        };
        match errors.into_iter().next() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(rival::play::<Zeromq>())
}
