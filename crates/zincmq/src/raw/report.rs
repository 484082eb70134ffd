//! Events as C and Python are told of them: their numbers, values and frames
//! (zmq_socket_monitor(3), zmq_socket_monitor_versioned(3)).

use std::ffi::c_int;

use super::Pipes;
use super::errno::Outcome;
use crate::monitor::{Event, EventKind};
use crate::{Message, Multipart};

const CONNECTED: u64 = 0x1;
const CONNECT_DELAYED: u64 = 0x2;
const CONNECT_RETRIED: u64 = 0x4;
const LISTENING: u64 = 0x8;
const BIND_FAILED: u64 = 0x10;
const ACCEPTED: u64 = 0x20;
const ACCEPT_FAILED: u64 = 0x40;
const CLOSED: u64 = 0x80;
const CLOSE_FAILED: u64 = 0x100;
const DISCONNECTED: u64 = 0x200;
const MONITOR_STOPPED: u64 = 0x400;
const HANDSHAKE_FAILED_NO_DETAIL: u64 = 0x800;
const HANDSHAKE_SUCCEEDED: u64 = 0x1000;
const HANDSHAKE_FAILED_PROTOCOL: u64 = 0x2000;
const HANDSHAKE_FAILED_AUTH: u64 = 0x4000;
const PIPES_STATS: u64 = 0x1_0000;

/// How many events version 1 has numbers for.
const NUMBERS_OF_V1: u32 = u16::BITS;

/// Which events are told, and in which frames.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    version: Version,
    events: u64,
}

#[derive(Debug, Clone, Copy)]
enum Version {
    /// Event (16 bits) and value (32 bits) in one frame, then the endpoint.
    One,
    /// Event, number of values, the values (64 bits each), both ends.
    Two,
}

/// One event, ready to be put into frames.
struct Report<'a> {
    event: u64,
    values: &'a [u64],
    local: &'a str,
    remote: &'a str,
    /// Which of the two is this socket's endpoint.
    endpoint: &'a str,
}

impl Form {
    /// Tells the chosen `events`.
    ///
    /// # Errors
    ///
    /// EINVAL for a version there is not, or events that it has no number for.
    pub fn new(version: c_int, events: u64) -> Outcome<Self> {
        let version = match version {
            1 if events >> NUMBERS_OF_V1 == 0 => Version::One,
            2 => Version::Two,
            _ => return Err(libc::EINVAL),
        };
        Ok(Self { version, events })
    }

    /// The message for an event; `None` if it is not to be told.
    pub fn event(&self, event: &Event) -> Option<Multipart> {
        let (number, value) = number_and_value(&event.kind)?;
        let (local, remote) = match event.bound {
            // Not connected yet, or accepted: there the peer's end is named.
            true if event.local.is_empty() => (&event.endpoint, &event.remote),
            true => (&event.local, &event.remote),
            // A name stays one.
            false => (&event.local, &event.endpoint),
        };
        self.report(&Report {
            event: number,
            values: &[value],
            local,
            remote,
            endpoint: if event.bound { local } else { remote },
        })
    }

    /// The message that nothing follows; `None` if it is not to be told.
    pub fn stopped(&self) -> Option<Multipart> {
        self.report(&Report {
            event: MONITOR_STOPPED,
            values: &[0],
            local: "",
            remote: "",
            endpoint: "",
        })
    }

    /// Whether the pipes' fill is to be told when asked for.
    pub fn tells_pipes(&self) -> bool {
        self.events & PIPES_STATS != 0
    }

    /// The message that tells how full the pipes to a peer are.
    pub fn pipes(&self, pipes: &Pipes) -> Option<Multipart> {
        self.report(&Report {
            event: PIPES_STATS,
            values: &[pipes.outbound, pipes.inbound],
            local: &pipes.local,
            remote: &pipes.remote,
            endpoint: &pipes.local,
        })
    }

    fn report(&self, report: &Report<'_>) -> Option<Multipart> {
        if self.events & report.event == 0 {
            return None;
        }
        Some(match self.version {
            Version::One => {
                let mut first = [0; 6];
                // Of a number no more than the lower bits are in use, as `new`
                // saw to; of the values none is longer.
                first[..2].copy_from_slice(&(report.event as u16).to_ne_bytes());
                first[2..].copy_from_slice(&(report.values[0] as u32).to_ne_bytes());
                Multipart::from([Message::from(&first[..]), Message::from(report.endpoint)])
            }
            Version::Two => {
                let number = |number: u64| Message::from(&number.to_ne_bytes()[..]);
                let mut message = Multipart::from(number(report.event));
                message.push(number(report.values.len() as u64));
                message.extend(report.values.iter().copied().map(number));
                message.push(report.local);
                message.push(report.remote);
                message
            }
        })
    }
}

/// What C calls an event, and the value that goes with it.
fn number_and_value(kind: &EventKind) -> Option<(u64, u64)> {
    // A descriptor is not negative, an errno neither.
    let small = |value: i32| u64::from(value.unsigned_abs());
    Some(match kind {
        EventKind::Connected { fd, .. } => (CONNECTED, small(*fd)),
        EventKind::ConnectDelayed => (CONNECT_DELAYED, small(libc::EINPROGRESS)),
        EventKind::ConnectRetried { after, .. } => {
            let millis = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
            (CONNECT_RETRIED, u64::from(millis))
        }
        EventKind::Listening { fd } => (LISTENING, small(*fd)),
        EventKind::BindFailed { errno, .. } => (BIND_FAILED, small(*errno)),
        EventKind::Accepted { fd, .. } => (ACCEPTED, small(*fd)),
        EventKind::AcceptFailed { errno, .. } => (ACCEPT_FAILED, small(*errno)),
        EventKind::Closed { fd, .. } => (CLOSED, small(*fd)),
        EventKind::CloseFailed { errno, .. } => (CLOSE_FAILED, small(*errno)),
        // C is told of what it did not do itself.
        EventKind::Disconnected { deliberate, .. } if *deliberate => return None,
        EventKind::Disconnected { fd, .. } => (DISCONNECTED, small(*fd)),
        EventKind::HandshakeFailed {
            status: Some(status),
            ..
        } => (HANDSHAKE_FAILED_AUTH, u64::from(*status)),
        EventKind::HandshakeFailed {
            code: Some(code), ..
        } => (HANDSHAKE_FAILED_PROTOCOL, u64::from(*code)),
        EventKind::HandshakeFailed { errno, .. } => (HANDSHAKE_FAILED_NO_DETAIL, small(*errno)),
        EventKind::HandshakeSucceeded => (HANDSHAKE_SUCCEEDED, 0),
        EventKind::MonitorStopped => (MONITOR_STOPPED, 0),
    })
}
