//! One end of a connection: bytes in, events out; frames in, bytes out.

use std::fmt;
use std::time::{Duration, Instant};

use crate::command;
use crate::frame::{Framing, MAX_FRAME};
use crate::greeting::Greeting;
use crate::heartbeat::Pulse;
use crate::mechanism::{self, Expect, ExpectVerdict, Mechanism, Seal};
use crate::{
    Claim, Config, Error, Grant, Heartbeat, Peer, Security, SocketType, Verdict, Version, metadata,
};

mod event;
mod handshake;
mod receive;
mod send;
#[cfg(test)]
mod tests;
mod traffic;

pub use event::Event;

/// One end of a ZMTP connection.
///
/// The caller moves the bytes. Whatever arrives goes through [`step`](Self::step)
/// until that answers [`Event::NeedMore`]; whatever [`transmit`](Self::transmit)
/// hands out goes to the peer, in that order and between whole frames of the
/// caller's own. When [`next_timeout`](Self::next_timeout) has come, the caller
/// calls [`handle_timeout`](Self::handle_timeout).
///
/// The first error is the last: every later call returns it again. A last word to
/// the peer may be waiting in `transmit` even then.
pub struct Engine {
    phase: Phase,
    /// Messages flow in 2.0 framing without a seal: the short way is open.
    fast: bool,
    /// The longest payload for the short way.
    short_limit: u8,
    framing: Framing,
    limit: u64,
    direct_payload: u64,
    pulse: Pulse,
    seal: Option<Box<dyn Seal>>,
    /// The payload of the latest sealed frame, opened.
    opened: Vec<u8>,
    /// Bytes to go out as they are.
    outgoing: Vec<u8>,
    /// Command frames to go out after those; still to be sealed, if there is a seal.
    control: Vec<u8>,
    local: Local,
    /// What we were told of the peer when it was let in.
    grant: Option<Grant>,
    /// Set once the handshake is over.
    peer: Option<Peer>,
    /// Bytes consumed before that.
    handshake_bytes: u64,
    handshake_deadline: Option<Instant>,
    /// A subscription to everything is to be made up for the peer.
    phantom: bool,
}

impl Engine {
    /// The largest payload of a frame that an engine ever takes, in bytes: 2^62 - 1
    /// where addresses have 64 bits.
    pub const MAX_FRAME: u64 = MAX_FRAME;

    /// The most bytes a peer's handshake may take. With all that is kept beside them, a
    /// peer that is not in yet costs less than 64 KiB.
    pub const MAX_HANDSHAKE: u64 = 32 * 1024;

    /// An engine for a connection just made; `transmit` has its first bytes already.
    /// Settings that cannot be sent come to light as the error of the first `step`.
    pub fn new(config: Config, now: Instant) -> Engine {
        let mechanism = mechanism::of(&config);
        Self::with_mechanism(config, mechanism, now)
    }

    fn with_mechanism(config: Config, mechanism: Box<dyn Mechanism>, now: Instant) -> Engine {
        let limit = config.max_message_size.unwrap_or(MAX_FRAME).min(MAX_FRAME);
        let mut outgoing = Vec::with_capacity(128);
        let checked = metadata::encode(&config).and_then(|metadata| {
            let len = config.routing_id.len();
            if len > 255 {
                return Err(Error::RoutingIdTooLong { len });
            }
            Ok(metadata)
        });
        let (phase, metadata) = match checked {
            Ok(metadata) => {
                let greeting = Greeting::start(config.routing_id.len(), &mut outgoing);
                (Phase::Greeting(greeting, mechanism), metadata)
            }
            Err(error) => (Phase::Failed(error), Vec::new()),
        };
        Engine {
            phase,
            fast: false,
            short_limit: u8::try_from(limit).unwrap_or(u8::MAX),
            framing: Framing::V2,
            limit,
            direct_payload: config.direct_payload as u64,
            pulse: Pulse::new(now),
            seal: None,
            opened: Vec::new(),
            outgoing,
            control: Vec::new(),
            grant: None,
            peer: None,
            handshake_bytes: 0,
            handshake_deadline: config
                .handshake_timeout
                .and_then(|timeout| now.checked_add(timeout)),
            phantom: false,
            local: Local {
                socket_type: config.socket_type,
                routing_id: config.routing_id,
                as_server: config.security.is_server(),
                explains: matches!(config.security, Security::Null | Security::PlainServer),
                metadata,
                minimum_version: config.minimum_version,
                handshake_timeout: config.handshake_timeout.unwrap_or_default(),
                heartbeat: config.heartbeat,
            },
        }
    }

    /// Looks at `input`, the bytes received and not yet consumed; returns how many of
    /// them are consumed now, and what they meant.
    ///
    /// To be called until the answer is [`Event::NeedMore`], with empty input as well
    /// as with full: some events need no bytes.
    ///
    /// # Errors
    /// What the peer did wrong; the connection is to be closed, after an attempt to
    /// send what `transmit` still has.
    #[inline]
    pub fn step<'a>(
        &'a mut self,
        input: &'a [u8],
        now: Instant,
    ) -> Result<(usize, Event<'a>), Error> {
        // A short message frame, whole: by far the most frequent case.
        if self.fast
            && let [flags @ (0 | 1), size, rest @ ..] = input
            && *size <= self.short_limit
            && let Some(payload) = rest.get(..usize::from(*size))
        {
            self.pulse.note(now);
            let more = *flags == 1;
            return Ok((2 + payload.len(), Event::Frame { more, payload }));
        }
        self.step_any(input, now)
    }

    /// When to call `handle_timeout`, as things stand after the latest call; traffic
    /// moves it later, so asking again is cheaper than waking up for nothing.
    pub fn next_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Failed(_) => None,
            Phase::Traffic => self.pulse.deadline(),
            _ => self.handshake_deadline,
        }
    }

    /// Does what is due at `now`: queues a PING for `transmit`, or gives up. Too early
    /// a call does nothing.
    ///
    /// # Errors
    /// [`Error::HandshakeTimeout`] or [`Error::HeartbeatTimeout`].
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        let done = match &self.phase {
            Phase::Failed(error) => return Err(error.clone()),
            Phase::Traffic => self.pulse.fire(now).map(|ping| {
                if let Some(ttl) = ping {
                    command::put_frame(command::PING, &ttl.to_be_bytes(), &mut self.control);
                }
            }),
            _ => match self.handshake_deadline {
                Some(deadline) if deadline <= now => Err(Error::HandshakeTimeout {
                    limit: self.local.handshake_timeout,
                }),
                _ => Ok(()),
            },
        };
        done.map_err(|error| self.fail(error))
    }

    /// Answers [`Event::Authenticate`]. The caller then steps and transmits as after
    /// input. A verdict that nobody waits for (any more) is passed over.
    pub fn verdict(&mut self, answer: Verdict) {
        if let Phase::Verdict { verdict, .. } = &mut self.phase {
            verdict.get_or_insert(answer);
        }
    }

    /// Whether a [verdict](Self::verdict) on the peer is still to come.
    pub fn awaits_verdict(&self) -> bool {
        matches!(&self.phase, Phase::Verdict { verdict: None, .. })
    }

    /// Tells the heartbeat that bytes came which `step` does not get to see, those of
    /// an [`Event::LargeFrame`], or not yet.
    #[inline]
    pub fn note_traffic(&mut self, now: Instant) {
        self.pulse.note(now);
    }

    /// Whether the handshake is over, however the connection went on.
    #[inline]
    pub fn is_ready(&self) -> bool {
        self.peer.is_some()
    }

    /// Whom we are connected to, once the handshake is over.
    #[inline]
    pub fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// Opens an [`Event::SealedFrame`] where it lies; what it means. Whole frames only:
    /// not a byte of the payload is changed unless all of it is as the peer sealed it.
    ///
    /// # Errors
    /// As of `step`, which returns it again.
    pub fn open_frame<'a>(
        &'a mut self,
        head: &mut [u8],
        payload: &'a mut [u8],
        now: Instant,
    ) -> Result<Event<'a>, Error> {
        self.open_any(head, payload, now)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("socket_type", &self.local.socket_type)
            .field("phase", &self.phase)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// What our end says of itself.
struct Local {
    socket_type: SocketType,
    routing_id: Vec<u8>,
    as_server: bool,
    /// Whether a peer we cannot use may know why.
    explains: bool,
    metadata: Vec<u8>,
    minimum_version: Version,
    handshake_timeout: Duration,
    heartbeat: Option<Heartbeat>,
}

/// Where the connection stands.
enum Phase {
    Greeting(Greeting, Box<dyn Mechanism>),
    /// A peer from before 3.0 is to send its routing id.
    RoutingId(Peer),
    Handshake(Version, Box<dyn Expect>),
    /// The peer has shown its claim and waits to be let in.
    Verdict {
        version: Version,
        claim: Claim,
        state: Box<dyn ExpectVerdict>,
        verdict: Option<Verdict>,
    },
    Traffic,
    Failed(Error),
}

impl fmt::Debug for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting(greeting, _) => f.debug_tuple("Greeting").field(greeting).finish(),
            Self::RoutingId(_) => f.write_str("RoutingId"),
            Self::Handshake(..) => f.write_str("Handshake"),
            Self::Verdict { claim, .. } => f
                .debug_tuple("Verdict")
                .field(&claim.credentials())
                .finish(),
            Self::Traffic => f.write_str("Traffic"),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}
