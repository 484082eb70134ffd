//! Peers that break the protocol, stall, lie about sizes or come in crowds.
//! Each costs its own connection and nobody else's, and the monitor hears of
//! it. The rows are those of the project's list of faults.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

mod crowds;
mod protocol;
mod sizes;
mod streams;

use std::time::Duration;
use std::time::Instant;

use testkit::{Deadline, PATIENCE, ScriptedPeer, Version};
use zincmq::monitor::{Event, EventKind, Monitor};
use zincmq::options::OptionValue;
use zincmq::{Context, Socket, SocketType};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(30))
}

/// A bound socket under attack, its monitor, and an honest peer of it.
struct Siege {
    socket: Socket,
    endpoint: String,
    monitor: Monitor,
    honest: Socket,
    rounds: u32,
    // Last, so that the sockets close first.
    _context: Context,
}

impl Siege {
    /// Of a PULL, which takes what comes.
    fn of_pull(configure: impl Fn(&Socket)) -> Self {
        let siege = Self::new(SocketType::Pull, SocketType::Push, configure);
        siege.with_honest_peer()
    }

    fn new(ours: SocketType, honest: SocketType, configure: impl Fn(&Socket)) -> Self {
        let context = Context::new();
        let socket = context.socket(ours).unwrap();
        configure(&socket);
        let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
        let monitor = socket.monitor();
        let honest = context.socket(honest).unwrap();
        Self {
            socket,
            endpoint,
            monitor,
            honest,
            rounds: 0,
            _context: context,
        }
    }

    fn with_honest_peer(mut self) -> Self {
        self.honest.connect(&self.endpoint).unwrap();
        self.await_event(|kind| *kind == EventKind::HandshakeSucceeded);
        self.check_honest_peer();
        self
    }

    /// What the honest peer pushes arrives, whatever else does.
    fn check_honest_peer(&mut self) {
        self.rounds += 1;
        let token = format!("honest {}", self.rounds);
        self.honest.send_timeout(token.as_str(), PATIENCE).unwrap();
        while self.socket.recv_timeout(PATIENCE).unwrap()[0] != token.as_str() {}
    }

    fn connect_as_push(&self) -> ScriptedPeer {
        ScriptedPeer::connect_as(&self.endpoint, Version::V3_1, "PUSH")
    }

    fn await_event(&mut self, wanted: impl Fn(&EventKind) -> bool) -> Event {
        await_event(&mut self.monitor, wanted)
    }

    /// The connection ended, after its handshake, for a reason that says so.
    fn await_disconnect(&mut self, why: &str) -> Event {
        let event = self.await_event(|kind| matches!(kind, EventKind::Disconnected { .. }));
        match &event.kind {
            EventKind::Disconnected { reason, .. } if reason.contains(why) => event,
            other => panic!("a disconnect for `{why}` expected, not {other:?}"),
        }
    }

    /// The connection ended, before its handshake, for a reason that says so.
    fn await_failed_handshake(&mut self, why: &str) {
        let event = self.await_event(|kind| matches!(kind, EventKind::HandshakeFailed { .. }));
        match event.kind {
            EventKind::HandshakeFailed { reason, .. } if reason.contains(why) => {}
            other => panic!("a handshake failed for `{why}` expected, not {other:?}"),
        }
        self.await_disconnect(why);
    }
}

fn await_event(monitor: &mut Monitor, wanted: impl Fn(&EventKind) -> bool) -> Event {
    let end = Instant::now() + PATIENCE;
    let mut others = Vec::new();
    while let Some(event) = monitor.next_timeout(end.saturating_duration_since(Instant::now())) {
        if wanted(&event.kind) {
            return event;
        }
        others.push(event.kind);
    }
    panic!("the event did not come, only {others:?}");
}

fn topics(socket: &Socket) -> i32 {
    match socket.option_by_name("TOPICS_COUNT").unwrap() {
        OptionValue::Int(count) => count,
        other => panic!("a count of topics, not {other:?}"),
    }
}
