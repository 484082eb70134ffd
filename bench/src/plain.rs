//! Plain sockets: what the kernel allows.
//!
//! Messages have ZMTP's frame headers, two bytes or nine, so that as many bytes travel.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use hdrhistogram::Histogram;
use rustix::event::{PollFd, PollFlags, poll};

use crate::library::{Announce, Job, Latencies, Library, Stopwatch, check, fill, warm_up};

/// As much as is written and read at once.
const BATCH: usize = 64 << 10;

/// A contender without a library.
pub struct Plain {
    /// How long a reader looks again before it sleeps.
    pub spin: Option<Duration>,
}

impl Library for Plain {
    fn receive(&self, job: &Job, announce: Announce) -> Result<Duration> {
        let mut stream = accept(&job.endpoint, announce)?;
        let frame = header(job.size).len() + job.size;
        let mut left = frame as u64 * job.count;
        let mut buffer = vec![0; BATCH];
        let mut seen = Vec::new();
        let mut stopwatch = Stopwatch::default();
        while left > 0 {
            let n = stream.read(&mut buffer)?;
            if n == 0 {
                bail!("closed with {left} bytes missing");
            }
            stopwatch.start();
            left = left.saturating_sub(n as u64);
            if job.verify {
                seen.extend_from_slice(&buffer[..n]);
            }
        }
        let elapsed = stopwatch.stop();
        for (seq, found) in (0..).zip(seen.chunks(frame)) {
            check(job, &found[frame - job.size..], seq)?;
        }
        Ok(elapsed)
    }

    fn send(&self, job: &Job) -> Result<()> {
        let mut stream = dial(&job.endpoint)?;
        let header = header(job.size);
        let frame = header.len() + job.size;
        let mut batch = Vec::with_capacity(BATCH + frame);
        for seq in 0..job.count {
            batch.extend_from_slice(&header);
            let start = batch.len();
            batch.resize(start + job.size, 0);
            if job.verify {
                fill(&mut batch[start..], seq);
            }
            if batch.len() + frame > BATCH {
                stream.write_all(&batch)?;
                batch.clear();
            }
        }
        Ok(stream.write_all(&batch)?)
    }

    fn echo(&self, job: &Job, announce: Announce) -> Result<()> {
        let mut stream = accept(&job.endpoint, announce)?;
        stream.set_nonblocking(self.spin.is_some())?;
        let header = header(job.size);
        let mut frame = vec![0; header.len() + job.size];
        for seq in 0..warm_up(job) + job.count {
            self.read_frame(&mut stream, &mut frame)?;
            check(job, &frame[header.len()..], seq)?;
            stream.write_all(&frame)?;
        }
        Ok(())
    }

    fn ask(&self, job: &Job) -> Result<Histogram<u64>> {
        let mut stream = dial(&job.endpoint)?;
        stream.set_nonblocking(self.spin.is_some())?;
        let header = header(job.size);
        let mut frame = [header.as_slice(), &vec![0; job.size]].concat();
        Latencies::new()?.measure(job, |seq| {
            if job.verify {
                fill(&mut frame[header.len()..], seq);
            }
            stream.write_all(&frame)?;
            self.read_frame(&mut stream, &mut frame)?;
            check(job, &frame[header.len()..], seq)
        })
    }

    fn stream_inproc(&self, _: &Job) -> Result<Duration> {
        bail!("plain sockets have no inproc")
    }

    fn ask_inproc(&self, _: &Job) -> Result<Histogram<u64>> {
        bail!("plain sockets have no inproc")
    }
}

impl Plain {
    fn read_frame(&self, stream: &mut Stream, frame: &mut [u8]) -> Result<()> {
        let Some(spin) = self.spin else {
            return Ok(stream.read_exact(frame)?);
        };
        let mut filled = 0;
        let mut start = Instant::now();
        while filled < frame.len() {
            match stream.read(&mut frame[filled..]) {
                Ok(0) => bail!("closed in mid-message"),
                Ok(n) => filled += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if start.elapsed() > spin {
                        poll(&mut [PollFd::new(stream, PollFlags::IN)], None)?;
                        start = Instant::now();
                    } else {
                        std::hint::spin_loop();
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// ZMTP's: flags and length, the length in eight bytes when one is too short.
fn header(size: usize) -> Vec<u8> {
    match u8::try_from(size) {
        Ok(size) => vec![0, size],
        Err(_) => [&[2], (size as u64).to_be_bytes().as_slice()].concat(),
    }
}

/// A connection over tcp or a unix socket.
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

fn accept(endpoint: &str, announce: Announce) -> Result<Stream> {
    if let Some(path) = endpoint.strip_prefix("ipc://") {
        let listener = UnixListener::bind(path)?;
        announce(endpoint)?;
        return Ok(Stream::Unix(listener.accept()?.0));
    }
    let address = endpoint
        .strip_prefix("tcp://")
        .context("neither tcp nor ipc")?;
    let listener = TcpListener::bind(address.replace('*', "0"))?;
    announce(&format!("tcp://{}", listener.local_addr()?))?;
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    Ok(Stream::Tcp(stream))
}

fn dial(endpoint: &str) -> Result<Stream> {
    if let Some(path) = endpoint.strip_prefix("ipc://") {
        return Ok(Stream::Unix(UnixStream::connect(path)?));
    }
    let address = endpoint
        .strip_prefix("tcp://")
        .context("neither tcp nor ipc")?;
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(Stream::Tcp(stream))
}

impl Stream {
    fn set_nonblocking(&self, yes: bool) -> Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(yes)?,
            Self::Unix(stream) => stream.set_nonblocking(yes)?,
        }
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}
