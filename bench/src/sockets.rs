//! Contenders with ZeroMQ sockets: the same loops over each library.

use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use hdrhistogram::Histogram;

use crate::library::{Announce, Job, Latencies, Library, Stopwatch, check, fill, warm_up};

/// The four socket types in use.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Push,
    Pull,
    Req,
    Rep,
}

/// A ZeroMQ library, reduced to what the loops need.
pub trait Messaging: Sync {
    type Socket: Send;

    fn socket(&self, kind: Kind) -> Result<Self::Socket>;
    fn bind(socket: &Self::Socket, endpoint: &str) -> Result<String>;
    fn connect(socket: &Self::Socket, endpoint: &str) -> Result<()>;
    /// Sends a copy of `bytes`.
    fn send(socket: &Self::Socket, bytes: &[u8]) -> Result<()>;
    /// Shows the next message to `see`.
    fn recv(socket: &Self::Socket, see: impl FnOnce(&[u8]) -> Result<()>) -> Result<()>;
}

/// A contender over sockets of `M`. Dropped, it waits until everything is sent.
pub struct Sockets<M>(pub M);

impl<M: Messaging> Library for Sockets<M> {
    fn receive(&self, job: &Job, announce: Announce) -> Result<Duration> {
        let pull = self.0.socket(Kind::Pull)?;
        announce(&M::bind(&pull, &job.endpoint)?)?;
        pull_all::<M>(&pull, job)
    }

    fn send(&self, job: &Job) -> Result<()> {
        let push = self.0.socket(Kind::Push)?;
        M::connect(&push, &job.endpoint)?;
        push_all::<M>(&push, job)
    }

    fn echo(&self, job: &Job, announce: Announce) -> Result<()> {
        let rep = self.0.socket(Kind::Rep)?;
        announce(&M::bind(&rep, &job.endpoint)?)?;
        echo_all::<M>(&rep, job)
    }

    fn ask(&self, job: &Job) -> Result<Histogram<u64>> {
        let req = self.0.socket(Kind::Req)?;
        M::connect(&req, &job.endpoint)?;
        ask_all::<M>(&req, job)
    }

    fn stream_inproc(&self, job: &Job) -> Result<Duration> {
        let pull = self.0.socket(Kind::Pull)?;
        let push = self.0.socket(Kind::Push)?;
        M::bind(&pull, &job.endpoint)?;
        M::connect(&push, &job.endpoint)?;
        thread::scope(|scope| {
            let sender = scope.spawn(move || push_all::<M>(&push, job));
            let elapsed = pull_all::<M>(&pull, job);
            sender
                .join()
                .map_err(|_| anyhow!("the sender panicked"))??;
            elapsed
        })
    }

    fn ask_inproc(&self, job: &Job) -> Result<Histogram<u64>> {
        let rep = self.0.socket(Kind::Rep)?;
        let req = self.0.socket(Kind::Req)?;
        M::bind(&rep, &job.endpoint)?;
        M::connect(&req, &job.endpoint)?;
        thread::scope(|scope| {
            let server = scope.spawn(move || echo_all::<M>(&rep, job));
            let latencies = ask_all::<M>(&req, job);
            server
                .join()
                .map_err(|_| anyhow!("the server panicked"))??;
            latencies
        })
    }
}

fn push_all<M: Messaging>(push: &M::Socket, job: &Job) -> Result<()> {
    let mut message = vec![0; job.size];
    for seq in 0..job.count {
        if job.verify {
            fill(&mut message, seq);
        }
        M::send(push, &message)?;
    }
    Ok(())
}

fn pull_all<M: Messaging>(pull: &M::Socket, job: &Job) -> Result<Duration> {
    let mut stopwatch = Stopwatch::default();
    for seq in 0..job.count {
        M::recv(pull, |message| check(job, message, seq))?;
        stopwatch.start();
    }
    Ok(stopwatch.stop())
}

fn echo_all<M: Messaging>(rep: &M::Socket, job: &Job) -> Result<()> {
    let mut message = vec![0; job.size];
    for seq in 0..warm_up(job) + job.count {
        M::recv(rep, |request| {
            check(job, request, seq)?;
            message.copy_from_slice(request);
            Ok(())
        })?;
        M::send(rep, &message)?;
    }
    Ok(())
}

fn ask_all<M: Messaging>(req: &M::Socket, job: &Job) -> Result<Histogram<u64>> {
    let mut message = vec![0; job.size];
    Latencies::new()?.measure(job, |seq| {
        if job.verify {
            fill(&mut message, seq);
        }
        M::send(req, &message)?;
        M::recv(req, |reply| check(job, reply, seq))
    })
}

/// libzmq 4.3.5.
pub struct Libzmq(libzmq::Context);

impl Libzmq {
    /// Over a new context.
    pub fn new() -> Result<Self> {
        Ok(Self(libzmq::Context::new()?))
    }
}

// The context is shared by the threads of an inproc run; each socket stays in one.
impl Messaging for Libzmq {
    type Socket = libzmq::Socket;

    fn socket(&self, kind: Kind) -> Result<libzmq::Socket> {
        use libzmq::SocketType;
        Ok(self.0.socket(match kind {
            Kind::Push => SocketType::Push,
            Kind::Pull => SocketType::Pull,
            Kind::Req => SocketType::Req,
            Kind::Rep => SocketType::Rep,
        })?)
    }

    fn bind(socket: &libzmq::Socket, endpoint: &str) -> Result<String> {
        Ok(socket.bind(endpoint)?)
    }

    fn connect(socket: &libzmq::Socket, endpoint: &str) -> Result<()> {
        Ok(socket.connect(endpoint)?)
    }

    fn send(socket: &libzmq::Socket, bytes: &[u8]) -> Result<()> {
        Ok(socket.send(libzmq::Message::copy_of(bytes)?, false)?)
    }

    fn recv(socket: &libzmq::Socket, see: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
        let mut message = libzmq::Message::new();
        socket.recv(&mut message)?;
        see(message.as_bytes())
    }
}

#[cfg(feature = "zincmq")]
pub use ours::Zincmq;

#[cfg(feature = "zincmq")]
mod ours {
    use super::{Kind, Messaging, Result};
    use anyhow::bail;

    /// ZincMQ through its Rust API.
    pub struct Zincmq(zincmq::Context);

    impl Zincmq {
        /// Over a new context, whose threads may have to `sleep` at once when they wait.
        pub fn new(sleep: bool) -> Self {
            let options = zincmq::ContextOptions::default();
            Self(zincmq::Context::with_options(match sleep {
                true => options.spin(std::time::Duration::ZERO),
                false => options,
            }))
        }
    }

    impl Messaging for Zincmq {
        type Socket = zincmq::Socket;

        fn socket(&self, kind: Kind) -> Result<zincmq::Socket> {
            use zincmq::SocketType;
            Ok(self.0.socket(match kind {
                Kind::Push => SocketType::Push,
                Kind::Pull => SocketType::Pull,
                Kind::Req => SocketType::Req,
                Kind::Rep => SocketType::Rep,
            })?)
        }

        fn bind(socket: &zincmq::Socket, endpoint: &str) -> Result<String> {
            Ok(socket.bind(endpoint)?.to_string())
        }

        fn connect(socket: &zincmq::Socket, endpoint: &str) -> Result<()> {
            socket.connect(endpoint)?;
            Ok(())
        }

        fn send(socket: &zincmq::Socket, bytes: &[u8]) -> Result<()> {
            Ok(socket.send(bytes)?)
        }

        fn recv(socket: &zincmq::Socket, see: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
            let message = socket.recv()?;
            if message.len() != 1 {
                bail!("{} parts, expected one", message.len());
            }
            see(message.first())
        }
    }
}
