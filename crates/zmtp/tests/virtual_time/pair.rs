//! Two ends, the wire between them, and a clock that only a test moves.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use zmtp::Config;

use crate::support::End;

/// Two ends, the wire between them, and the time.
pub struct Pair {
    pub ends: [End; 2],
    pub now: Instant,
    /// How long bytes are on their way.
    pub latency: Duration,
    /// The most bytes that arrive at once.
    pub chunk: usize,
    /// Whether bytes from the end of that index are lost.
    pub cut: [bool; 2],
    /// On their way to the end of that index, with their time of arrival.
    wires: [VecDeque<(Instant, Vec<u8>)>; 2],
    /// How often each end was woken by a timeout.
    pub timeouts: [usize; 2],
}

impl Pair {
    pub fn new(a: Config, b: Config) -> Self {
        let now = Instant::now();
        Self {
            ends: [End::new(a, now), End::new(b, now)],
            now,
            latency: Duration::from_millis(10),
            chunk: usize::MAX,
            cut: [false; 2],
            wires: Default::default(),
            timeouts: [0; 2],
        }
    }

    /// Puts bytes on the wire, away from the end of that index.
    pub fn send(&mut self, from: usize, bytes: &[u8]) {
        let arrival = self.now + self.latency;
        if !self.cut[from] && !bytes.is_empty() {
            let chunks = bytes.chunks(self.chunk);
            self.wires[1 - from].extend(chunks.map(|chunk| (arrival, chunk.to_vec())));
        }
    }

    /// Sends a message.
    pub fn say(&mut self, from: usize, parts: &[&[u8]]) {
        self.flush();
        let bytes = self.ends[from].message(parts);
        self.send(from, &bytes);
    }

    /// Lets time pass: delivers what arrives, fires what is due.
    pub fn run(&mut self, span: Duration) {
        let end = self.now + span;
        for _ in 0..1_000_000 {
            self.flush();
            let arrivals = self.wires.iter().flat_map(|wire| wire.front());
            let arrival = arrivals.map(|(at, _)| *at).min();
            let timeouts = self.ends.iter().filter_map(|end| end.engine.next_timeout());
            let next = arrival.into_iter().chain(timeouts).min();
            let Some(next) = next.filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            for index in 0..2 {
                let due = self.wires[index]
                    .front()
                    .is_some_and(|(at, _)| *at <= self.now);
                if due && let Some((_, bytes)) = self.wires[index].pop_front() {
                    self.ends[index].receive(&bytes, self.now);
                }
                self.fire(index);
            }
        }
        panic!("never came to rest");
    }

    fn fire(&mut self, index: usize) {
        let end = &mut self.ends[index];
        if end.engine.next_timeout().is_some_and(|at| at <= self.now) {
            self.timeouts[index] += 1;
            if let Err(error) = end.engine.handle_timeout(self.now) {
                end.error = Some(error);
            }
        }
    }

    fn flush(&mut self) {
        for from in 0..2 {
            let bytes = self.ends[from].transmit();
            self.send(from, &bytes);
        }
    }
}
