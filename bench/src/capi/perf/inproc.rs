//! The programs that have both sides in one process.

use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use anyhow::{Result, anyhow, bail};
use zincmq::{Context, Message, Proxy, SocketType, opt};

use super::{local_lat, local_thr, print_throughput, recv, remote_lat, remote_thr};

/// A PULL that binds, and a thread with a PUSH.
pub fn thr(context: &Context, size: usize, count: u64) -> Result<()> {
    let pull = context.socket(SocketType::Pull)?;
    pull.bind("inproc://thr")?;
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let push = context.socket(SocketType::Push)?;
            push.connect("inproc://thr")?;
            remote_thr(&push, size, count)
        });
        local_thr(&pull, size, count)?;
        join(sender)
    })
}

/// A REQ that binds, and a thread with a REP.
pub fn lat(context: &Context, size: usize, count: u64) -> Result<()> {
    let req = context.socket(SocketType::Req)?;
    req.bind("inproc://lat")?;
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            let rep = context.socket(SocketType::Rep)?;
            rep.connect("inproc://lat")?;
            local_lat(&rep, size, count)
        });
        remote_lat(&req, size, count)?;
        join(server)
    })
}

/// Of each queue on the way.
const HIGH_WATER_MARK: usize = 10_000;

/// Two XPUBs, through a proxy of XSUB and XPUB, to a SUB. Each sends `count`, and the clock ends
/// when so many have come, from both together.
pub fn proxy(context: &Context, size: usize, count: u64) -> Result<()> {
    let socket = |kind| {
        let socket = context.socket(kind)?;
        socket.set(opt::SendHighWaterMark(HIGH_WATER_MARK))?;
        socket.set(opt::ReceiveHighWaterMark(HIGH_WATER_MARK))?;
        Ok::<_, anyhow::Error>(socket)
    };
    let front = socket(SocketType::Xsub)?;
    front.bind("inproc://pub1")?;
    front.bind("inproc://pub2")?;
    let back = socket(SocketType::Xpub)?;
    back.set(opt::XpubNoDrop(true))?;
    back.bind("inproc://backend")?;
    let proxy = Proxy::new(&front, &back);
    let handle = proxy.handle();

    let publish = |endpoint: &str| {
        let publisher = socket(SocketType::Xpub)?;
        publisher.set(opt::XpubNoDrop(true))?;
        publisher.connect(endpoint)?;
        // The subscription.
        recv(&publisher, 1)?;
        let message = Message::from(vec![b'A'; size]);
        for _ in 0..count {
            publisher.send(message.clone())?;
        }
        Ok(())
    };
    let receive = || {
        let subscriber = socket(SocketType::Sub)?;
        subscriber.subscribe("")?;
        subscriber.connect("inproc://backend")?;
        for _ in 0..count {
            recv(&subscriber, size)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let running = scope.spawn(|| proxy.run());
        let subscriber = scope.spawn(receive);
        let start = Instant::now();
        let publishers = [
            scope.spawn(|| publish("inproc://pub1")),
            scope.spawn(|| publish("inproc://pub2")),
        ];
        join(subscriber)?;
        print_throughput(start, count);
        for publisher in publishers {
            join(publisher)?;
        }
        handle.terminate();
        match running.join() {
            Ok(ended) => Ok(ended?),
            Err(_) => bail!("the proxy panicked"),
        }
    })
}

fn join(thread: ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))?
}
