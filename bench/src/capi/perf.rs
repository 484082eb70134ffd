//! What libzmq's perf programs do, through the Rust API: the same sockets, messages, checks and
//! clocks, and the same lines printed.

mod inproc;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use zincmq::security::{AuthRequest, KeyPair, SecretKey, Verdict};
use zincmq::{Context, Message, Socket, SocketType, opt};

/// Which of the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    #[value(name = "local_thr")]
    LocalThr,
    #[value(name = "remote_thr")]
    RemoteThr,
    #[value(name = "local_lat")]
    LocalLat,
    #[value(name = "remote_lat")]
    RemoteLat,
    #[value(name = "inproc_thr")]
    InprocThr,
    #[value(name = "inproc_lat")]
    InprocLat,
    #[value(name = "proxy_thr")]
    ProxyThr,
}

/// The programs' own arguments; those with both sides in one process take no endpoint.
#[derive(Debug, Args)]
pub struct Arguments {
    role: Role,
    endpoint: String,
    size: usize,
    count: u64,
    /// 1 for CURVE
    #[arg(default_value_t = 0)]
    curve: u8,
}

impl Role {
    /// The name of libzmq's program.
    pub fn text(self) -> &'static str {
        match self {
            Self::LocalThr => "local_thr",
            Self::RemoteThr => "remote_thr",
            Self::LocalLat => "local_lat",
            Self::RemoteLat => "remote_lat",
            Self::InprocThr => "inproc_thr",
            Self::InprocLat => "inproc_lat",
            Self::ProxyThr => "proxy_thr",
        }
    }
}

/// Plays the role; ends when all that was sent has left.
pub fn run(arguments: &Arguments) -> Result<()> {
    let &Arguments { size, count, .. } = arguments;
    let endpoint = arguments.endpoint.as_str();
    let context = Context::new();
    match arguments.role {
        Role::LocalThr => {
            let pull = context.socket(SocketType::Pull)?;
            if arguments.curve != 0 {
                // As C lets everybody in without a handler.
                context.set_authenticator(|_: &AuthRequest| Verdict::accept("anyone"));
                pull.set(opt::CurveServer(true))?;
                pull.set(opt::CurveSecretKey(keys(1).secret().clone()))?;
            }
            pull.bind(endpoint)?;
            local_thr(&pull, size, count)
        }
        Role::RemoteThr => {
            let push = context.socket(SocketType::Push)?;
            if arguments.curve != 0 {
                push.set(opt::CurveServerKey(*keys(1).public()))?;
                push.set(opt::CurvePublicKey(*keys(2).public()))?;
                push.set(opt::CurveSecretKey(keys(2).secret().clone()))?;
            }
            push.connect(endpoint)?;
            remote_thr(&push, size, count)
        }
        Role::LocalLat => {
            let rep = context.socket(SocketType::Rep)?;
            rep.bind(endpoint)?;
            local_lat(&rep, size, count)
        }
        Role::RemoteLat => {
            let req = context.socket(SocketType::Req)?;
            req.connect(endpoint)?;
            remote_lat(&req, size, count)
        }
        Role::InprocThr => inproc::thr(&context, size, count),
        Role::InprocLat => inproc::lat(&context, size, count),
        Role::ProxyThr => inproc::proxy(&context, size, count),
    }
}

/// Both processes know them; they protect nothing.
fn keys(byte: u8) -> KeyPair {
    SecretKey::from_bytes([byte; 32]).into()
}

/// The first message starts the clock and is counted all the same.
fn local_thr(pull: &Socket, size: usize, count: u64) -> Result<()> {
    recv(pull, size)?;
    let start = Instant::now();
    for _ in 1..count {
        recv(pull, size)?;
    }
    print_throughput(start, count);
    Ok(())
}

fn print_throughput(start: Instant, count: u64) {
    let seconds = start.elapsed().as_secs_f64().max(1e-6);
    println!("mean throughput: {:.0} [msg/s]", count as f64 / seconds);
}

/// Each message is made anew, and left unfilled as theirs.
fn remote_thr(push: &Socket, size: usize, count: u64) -> Result<()> {
    for _ in 0..count {
        push.send(Message::build(size, |_| {}))?;
    }
    Ok(())
}

/// What comes goes back, itself.
fn local_lat(rep: &Socket, size: usize, count: u64) -> Result<()> {
    for _ in 0..count {
        rep.send(recv(rep, size)?)?;
    }
    Ok(())
}

/// One message goes to and fro. The clock includes the connection, as theirs does.
fn remote_lat(req: &Socket, size: usize, count: u64) -> Result<()> {
    let mut message = Message::from(vec![0; size]);
    let start = Instant::now();
    for _ in 0..count {
        req.send(message)?;
        message = recv(req, size)?;
    }
    let micros = start.elapsed().as_secs_f64() * 1e6;
    println!("average latency: {:.3} [us]", micros / (2 * count) as f64);
    Ok(())
}

fn recv(socket: &Socket, size: usize) -> Result<Message> {
    match socket.recv()?.into_single() {
        Ok(message) if message.len() == size => Ok(message),
        Ok(message) => bail!("a message of {} bytes, expected {size}", message.len()),
        Err(message) => bail!("a message of {} parts, expected one", message.len()),
    }
}
