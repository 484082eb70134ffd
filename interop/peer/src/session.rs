//! One socket and the commands it executes.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::command::{Batch, Shape};
use crate::{Command, Events, Guard, Socket, payload};

/// How long one command may take.
const DEADLINE: Duration = Duration::from_secs(40);
/// How long `ask` waits for an answer before it asks again.
const ASK_AGAIN: Duration = Duration::from_millis(200);
const SYNC: &[u8] = b"SYNC";
const NOBODYS_TOPIC: &[u8] = b"nobody asked for this";

/// Executes commands on a socket.
pub struct Session<'a, S> {
    socket: S,
    kind: String,
    events: Option<RefCell<Box<dyn Events>>>,
    guard: Option<Arc<Guard>>,
    lines: &'a Receiver<String>,
    /// The line that ended a `serve`.
    pending: RefCell<Option<String>>,
}

impl<'a, S: Socket> Session<'a, S> {
    /// `kind` is the socket type's name; `lines` brings the commands.
    pub fn new(
        socket: S,
        kind: &str,
        events: Option<Box<dyn Events>>,
        guard: Option<Arc<Guard>>,
        lines: &'a Receiver<String>,
    ) -> Self {
        Self {
            socket,
            kind: kind.to_owned(),
            events: events.map(RefCell::new),
            guard,
            lines,
            pending: RefCell::new(None),
        }
    }

    /// The next line; `None` when there will be none.
    pub fn next_line(&mut self) -> Option<String> {
        self.pending.take().or_else(|| self.lines.recv().ok())
    }

    /// Does what `command` says and tells what was done.
    pub fn execute(&self, command: Command) -> Result<String> {
        let end = Instant::now() + DEADLINE;
        match command {
            Command::Send(batch) => self.send(&batch, end),
            Command::Recv(batch) => self.recv(&batch, end),
            Command::RecvUntil(shape) => self.recv_until(&shape, end),
            Command::Request(batch) => self.request(&batch, end),
            Command::Ask(shape) => self.ask(&shape, end),
            Command::Echo(count) => self.echo(count, end),
            Command::Serve => self.serve(),
            Command::Subscribe(topic) => self.subscribe(&topic, end),
            Command::SubscribeMany(count) => self.subscribe_many(count, end),
            Command::SendTopics(count) => self.send_topics(count, end),
            Command::UnsubscribeMany(count) => self.unsubscribe_many(count, end),
            Command::RecvTopics(numbers) => self.recv_topics(numbers, end),
            Command::Sync => self.sync(end),
            Command::AwaitSync => self.await_sync(end),
            Command::StreamEcho(bytes) => self.stream_echo(bytes, end),
            Command::StreamRequest(bytes) => self.stream_request(bytes, end),
            Command::Offer(shape) => self.offer(&shape),
            Command::Silence(span) => self.silence(span),
            Command::RecvFrom(properties) => self.recv_from(&properties, end),
            Command::Outcome => self.outcome(end),
            Command::Events => self.events_so_far(),
            Command::Asked => Ok(self.guard.as_ref().context("no guard")?.report()),
            Command::Quit => bail!("quit is for the caller to handle"),
        }
    }

    fn send(&self, batch: &Batch, end: Instant) -> Result<String> {
        for seq in batch.numbers() {
            self.put(&batch.shape.message(seq), end)
                .with_context(|| format!("message {seq}"))?;
        }
        Ok(format!("sent {}", batch.count))
    }

    fn recv(&self, batch: &Batch, end: Instant) -> Result<String> {
        for seq in batch.numbers() {
            let message = self.take(end).with_context(|| format!("message {seq}"))?;
            batch.shape.verify(&message, seq)?;
        }
        Ok(format!("received {}", batch.count))
    }

    fn recv_until(&self, shape: &Shape, end: Instant) -> Result<String> {
        loop {
            let message = self.take(end)?;
            let seq = payload::sequence(&message).context("a message too short for its number")?;
            shape.verify(&message, seq)?;
            if seq >= shape.seq {
                return Ok(format!("received {seq}"));
            }
        }
    }

    fn request(&self, batch: &Batch, end: Instant) -> Result<String> {
        for seq in batch.numbers() {
            let request = batch.shape.message(seq);
            self.put(&request, end)
                .with_context(|| format!("request {seq}"))?;
            let reply = self.take(end).with_context(|| format!("reply {seq}"))?;
            batch.shape.verify_behind_prefix(&reply, seq)?;
        }
        Ok(format!("answered {}", batch.count))
    }

    fn ask(&self, shape: &Shape, end: Instant) -> Result<String> {
        let mut attempts = 0;
        while Instant::now() < end {
            attempts += 1;
            self.put(&shape.message(shape.seq), end)?;
            let again = Instant::now() + ASK_AGAIN;
            while let Some(reply) = self.take_before(again)? {
                if shape.verify_behind_prefix(&reply, shape.seq).is_ok() {
                    return Ok(format!("answered after {attempts}"));
                }
            }
        }
        bail!("no answer to {attempts} attempts")
    }

    fn echo(&self, count: u64, end: Instant) -> Result<String> {
        let mut first_part = Vec::new();
        for n in 0..count {
            let message = self.take(end).with_context(|| format!("request {n}"))?;
            self.put(&message, end)
                .with_context(|| format!("reply {n}"))?;
            first_part = message.into_iter().next().unwrap_or_default();
        }
        // Behind a ROUTER this is the routing id, which tells one connection from the next.
        first_part.truncate(32);
        Ok(format!("echoed {count} id {}", hex(&first_part)))
    }

    fn serve(&self) -> Result<String> {
        let mut count = 0;
        loop {
            if let Ok(line) = self.lines.try_recv() {
                self.pending.replace(Some(line));
                return Ok(format!("served {count}"));
            }
            let soon = Instant::now() + Duration::from_millis(20);
            if let Some(message) = self.take_before(soon)? {
                // The asker may be gone, which is what these tests are about.
                if self.socket.send(&message, Duration::from_secs(1)).is_ok() {
                    count += 1;
                }
            }
        }
    }

    fn subscribe(&self, topic: &[u8], end: Instant) -> Result<String> {
        if self.kind == "XSUB" {
            self.put(&[[&[1], topic].concat()], end)?;
        } else {
            self.socket.subscribe(topic)?;
        }
        Ok("subscribed".to_owned())
    }

    fn subscribe_many(&self, count: u64, end: Instant) -> Result<String> {
        for n in 0..count {
            self.subscribe(&topic(n), end)?;
        }
        Ok(format!("subscribed to {count}"))
    }

    fn unsubscribe_many(&self, count: u64, end: Instant) -> Result<String> {
        for n in 0..count {
            if self.kind == "XSUB" {
                self.put(&[[&[0], topic(n).as_slice()].concat()], end)?;
            } else {
                self.socket.unsubscribe(&topic(n))?;
            }
        }
        Ok(format!("unsubscribed from {count}"))
    }

    fn send_topics(&self, count: u64, end: Instant) -> Result<String> {
        self.put(&[NOBODYS_TOPIC.to_vec()], end)?;
        for n in 0..count {
            self.put(&[topic(n)], end)?;
        }
        Ok(format!("sent {count}"))
    }

    fn recv_topics(&self, numbers: Range<u64>, end: Instant) -> Result<String> {
        let mut missing: HashSet<Vec<u8>> = numbers.map(topic).collect();
        let known = missing.clone();
        let count = known.len();
        while !missing.is_empty() {
            let message = self
                .take(end)
                .with_context(|| format!("{} of {count} topics were never seen", missing.len()))?;
            let [topic] = message.as_slice() else {
                bail!("{} parts, expected a topic alone", message.len());
            };
            missing.remove(topic);
            if !known.contains(topic) {
                bail!("not subscribed to {}", String::from_utf8_lossy(topic));
            }
        }
        Ok(format!("received {count}"))
    }

    fn sync(&self, end: Instant) -> Result<String> {
        self.put(&[SYNC.to_vec()], end)?;
        Ok("sent".to_owned())
    }

    fn await_sync(&self, end: Instant) -> Result<String> {
        loop {
            match self.socket.recv(left(end)?)? {
                Some(message) if is_sync(&message) => return Ok("in step".to_owned()),
                Some(_) => {}
                None => bail!("nobody sent the sync message"),
            }
        }
    }

    fn stream_echo(&self, bytes: usize, end: Instant) -> Result<String> {
        let mut seen = 0;
        while seen < bytes {
            let (id, chunk) = self.take_chunk(end)?;
            seen += chunk.len();
            // Without bytes it says that a peer came or went; sent back, it would close the peer.
            if !chunk.is_empty() {
                self.put(&[id, chunk], end)?;
            }
        }
        Ok(format!("echoed {seen}"))
    }

    fn stream_request(&self, bytes: usize, end: Instant) -> Result<String> {
        let (id, greeting) = self.take_chunk(end)?;
        if !greeting.is_empty() {
            bail!(
                "{} bytes came before the notice of the connection",
                greeting.len()
            );
        }
        let request = payload::message(0, bytes, 1).remove(0);
        self.put(&[id, request.clone()], end)?;
        let mut reply = Vec::with_capacity(bytes);
        while reply.len() < bytes {
            let (_, chunk) = self
                .take_chunk(end)
                .with_context(|| format!("{} of {bytes} bytes came back", reply.len()))?;
            reply.extend_from_slice(&chunk);
        }
        if reply != request {
            bail!("other bytes came back");
        }
        Ok(format!("answered {bytes}"))
    }

    fn offer(&self, shape: &Shape) -> Result<String> {
        let sent = self.socket.send(&shape.message(shape.seq), Duration::ZERO);
        Ok(if sent.is_ok() { "taken" } else { "not taken" }.to_owned())
    }

    fn silence(&self, span: Duration) -> Result<String> {
        match self.socket.recv(span)? {
            None => Ok(format!("nothing within {span:?}")),
            Some(message) => bail!("a message of {} parts came", message.len()),
        }
    }

    fn recv_from(&self, properties: &[String], end: Instant) -> Result<String> {
        let values = self
            .socket
            .recv_from(left(end)?, properties)?
            .context("nothing to receive")?;
        let words: Vec<String> = properties
            .iter()
            .zip(values)
            .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("-")))
            .collect();
        Ok(words.join(" "))
    }

    fn outcome(&self, end: Instant) -> Result<String> {
        let mut others = Vec::new();
        while let Some(event) = self.event(left(end)?)? {
            if let Some(outcome) = event.strip_prefix("HANDSHAKE_") {
                return Ok(outcome.to_owned());
            }
            others.push(event);
        }
        bail!("no handshake ended, only {others:?}")
    }

    fn events_so_far(&self) -> Result<String> {
        let mut events = Vec::new();
        while let Some(event) = self.event(Duration::ZERO)? {
            events.push(event);
        }
        Ok(events.join(", "))
    }

    fn event(&self, timeout: Duration) -> Result<Option<String>> {
        let events = self.events.as_ref().context("it does not watch")?;
        events.borrow_mut().next(timeout)
    }

    /// Sends, and repeats what cannot be sent yet: a ROUTER with `ROUTER_MANDATORY` refuses until
    /// its peer has introduced itself.
    fn put(&self, message: &[Vec<u8>], end: Instant) -> Result<()> {
        loop {
            let Err(error) = self.socket.send(message, left(end)?) else {
                return Ok(());
            };
            let pause = Duration::from_millis(5);
            if self.kind != "ROUTER" || Instant::now() + pause >= end {
                return Err(error.context("send"));
            }
            std::thread::sleep(pause);
        }
    }

    /// The next message that is not a sync message.
    fn take(&self, end: Instant) -> Result<Vec<Vec<u8>>> {
        self.take_before(end)?
            .with_context(|| format!("nothing to receive within {DEADLINE:?}"))
    }

    fn take_before(&self, end: Instant) -> Result<Option<Vec<Vec<u8>>>> {
        loop {
            let timeout = end.saturating_duration_since(Instant::now());
            match self.socket.recv(timeout)? {
                Some(message) if is_sync(&message) => {}
                other => return Ok(other),
            }
        }
    }

    fn take_chunk(&self, end: Instant) -> Result<(Vec<u8>, Vec<u8>)> {
        let message = self.take(end)?;
        match <[_; 2]>::try_from(message) {
            Ok([id, chunk]) => Ok((id, chunk)),
            Err(parts) => bail!("{} parts, expected id and chunk", parts.len()),
        }
    }
}

impl Batch {
    fn numbers(&self) -> impl Iterator<Item = u64> + use<> {
        self.shape.seq..self.shape.seq + self.count
    }
}

impl Shape {
    fn message(&self, seq: u64) -> Vec<Vec<u8>> {
        let mut message = self.prefix.clone();
        message.extend(payload::message(seq, self.size, self.parts));
        message
    }

    fn verify(&self, message: &[Vec<u8>], seq: u64) -> Result<()> {
        payload::verify(message, seq, self.size, self.parts).map_err(anyhow::Error::msg)
    }

    fn verify_behind_prefix(&self, message: &[Vec<u8>], seq: u64) -> Result<()> {
        match message.strip_prefix(self.prefix.as_slice()) {
            Some(rest) => self.verify(rest, seq),
            None => bail!("message {seq}: {:?} is not its prefix", message.first()),
        }
    }
}

fn is_sync(message: &[Vec<u8>]) -> bool {
    matches!(message, [part] if part == SYNC)
}

/// Fixed width, so that no topic is another's prefix.
fn topic(n: u64) -> Vec<u8> {
    format!("topic.{n:08}").into_bytes()
}

fn left(end: Instant) -> Result<Duration> {
    match end.checked_duration_since(Instant::now()) {
        Some(left) => Ok(left),
        None => bail!("the command's {DEADLINE:?} are over"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
