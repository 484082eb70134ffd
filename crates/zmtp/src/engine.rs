//! One end of a connection: bytes in, events out; frames in, bytes out.

use std::fmt;
use std::time::{Duration, Instant};

use crate::command;
use crate::frame::{Flags, Framing, Header, MAX_FRAME, put_header};
use crate::greeting::Greeting;
use crate::heartbeat::Pulse;
use crate::mechanism::{self, Expect, ExpectVerdict, Mechanism, Seal};
use crate::{
    Claim, Config, Credentials, Error, Grant, Heartbeat, Peer, Security, SocketType, Verdict,
    Version, metadata,
};

mod receive;
#[cfg(test)]
mod tests;

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

/// What a piece of input meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The input does not hold the next thing whole. Nothing was consumed.
    NeedMore {
        /// How many further bytes are needed, at least 1. The peer's word, not to be
        /// allocated on trust: it can go up to [`Engine::MAX_FRAME`] if the settings
        /// have no limit.
        hint: usize,
    },
    /// The input, if only its absence, moved the protocol on: the caller should
    /// `transmit` and step again. No bytes may be consumed with it, but never twice
    /// in a row.
    Progress,
    /// The peer asks to be let in. Whether it may, [`Engine::verdict`] tells, now or
    /// later; until then the engine takes no input and answers
    /// [`Paused`](Self::Paused). Comes from servers, once in a handshake, and with
    /// [`Config::authenticate_null`] from both ends.
    Authenticate(Credentials<'a>),
    /// The [verdict](Engine::verdict) on the peer is still to come. Nothing was
    /// consumed; there is no use in reading more.
    Paused,
    /// The handshake is over; [`Engine::peer`] tells with whom. What `transmit` has now
    /// must go out before the first frame of the caller's own.
    Ready,
    /// One whole frame of a message.
    Frame {
        /// Whether further frames of the same message follow.
        more: bool,
        /// What it carries.
        payload: &'a [u8],
    },
    /// A frame whose payload the caller takes out of its input itself, perhaps
    /// straight into its place: only the header is consumed. `step` goes on with what
    /// comes after the payload. Only for payloads of at least
    /// [`Config::direct_payload`] bytes that are not wholly in the input, and only
    /// from a [transparent](Engine::is_transparent) engine. While they arrive,
    /// [`Engine::note_traffic`] keeps the heartbeat going.
    LargeFrame {
        /// Whether further frames of the same message follow.
        more: bool,
        /// Payload bytes that follow.
        len: u64,
    },
    /// A sealed frame that the caller takes out of its input itself: only the frame's
    /// header is consumed. `head` bytes follow, and then the sealed payload of `len`, both
    /// of which go to [`Engine::open_frame`] once they are there; only then `step` may be
    /// called again. For all payloads of at least [`Config::direct_payload`] bytes, also
    /// those that are wholly in the input, from an engine that is not
    /// [transparent](Engine::is_transparent).
    SealedFrame {
        /// Bytes before the payload, no more than 64.
        head: usize,
        /// Payload bytes that follow those.
        len: u64,
    },
    /// The peer subscribes to the topic, by command. (Peers before 3.1 do it in a
    /// [`Frame`](Self::Frame) of byte 1 and the topic, and any peer may.)
    Subscribe(&'a [u8]),
    /// The peer cancels one subscription to the topic, by command (or in a frame of
    /// byte 0 and the topic).
    Cancel(&'a [u8]),
    /// The peer, a DISH, joins the group (RFC 48).
    Join(&'a [u8]),
    /// The peer, a DISH, leaves the group (RFC 48).
    Leave(&'a [u8]),
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

    /// Appends the bytes the protocol itself has to send: greeting, handshake, ERROR,
    /// PING, PONG. They may go between any two frames, not into the middle of one.
    pub fn transmit(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.outgoing);
        if self.control.is_empty() {
            return;
        }
        let Some(seal) = &mut self.seal else {
            out.append(&mut self.control);
            return;
        };
        let mut rest = self.control.as_slice();
        let mut sealed = Ok(());
        while let Ok(Ok(header)) = Header::parse(Framing::V2, rest)
            && sealed.is_ok()
        {
            let end = header.len + header.payload as usize;
            let Some(payload) = rest.get(header.len..end) else {
                break;
            };
            sealed = put_sealed(seal.as_mut(), header.flags, &[payload], out);
            rest = &rest[end..];
        }
        self.control.clear();
        if let Err(error) = sealed {
            self.fail(error);
        }
    }

    /// Whether `transmit` has anything to append.
    #[inline]
    pub fn has_output(&self) -> bool {
        !(self.outgoing.is_empty() && self.control.is_empty())
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

    /// Appends one whole frame, sealed if the mechanism seals. Only after
    /// [`Event::Ready`]: before, it is not known what the peer understands.
    /// Nothing is appended after 2^64 sealed frames; the next `step` says so.
    #[inline]
    pub fn encode_frame(&mut self, payload: &[u8], more: bool, out: &mut Vec<u8>) {
        if self.fast
            && let Ok(size) = u8::try_from(payload.len())
        {
            out.reserve(2 + payload.len());
            out.extend_from_slice(&[u8::from(more), size]);
            out.extend_from_slice(payload);
            return;
        }
        self.put(Flags::message(more), &[payload], out);
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

    /// Whether payloads go to the wire as they are. Then `encode_header` may be used,
    /// and the caller writes the payload itself.
    #[inline]
    pub fn is_transparent(&self) -> bool {
        self.seal.is_none()
    }

    /// Appends the header of a frame of `len` payload bytes. Only after
    /// [`Event::Ready`], and only on a [transparent](Self::is_transparent) engine.
    #[inline]
    pub fn encode_header(&mut self, len: u64, more: bool, out: &mut Vec<u8>) {
        put_header(self.framing, Flags::message(more), len, out);
    }

    /// Appends a subscription to the topic, in the form the peer's version knows.
    pub fn encode_subscribe(&mut self, topic: &[u8], out: &mut Vec<u8>) {
        self.put_subscription(b"\x09SUBSCRIBE", 1, topic, out);
    }

    /// Appends the end of a subscription to the topic, in the form the peer's version
    /// knows.
    pub fn encode_cancel(&mut self, topic: &[u8], out: &mut Vec<u8>) {
        self.put_subscription(b"\x06CANCEL", 0, topic, out);
    }

    /// Appends a DISH's joining of the group (RFC 48). Nothing if the peer's version
    /// has no commands.
    pub fn encode_join(&mut self, group: &[u8], out: &mut Vec<u8>) {
        self.put_command(&[b"\x04JOIN", group], out);
    }

    /// Appends a DISH's leaving of the group (RFC 48). Nothing if the peer's version
    /// has no commands.
    pub fn encode_leave(&mut self, group: &[u8], out: &mut Vec<u8>) {
        self.put_command(&[b"\x05LEAVE", group], out);
    }

    fn put_subscription(&mut self, name: &[u8], mark: u8, topic: &[u8], out: &mut Vec<u8>) {
        if self.version() >= Version::V3_1 {
            self.put_command(&[name, topic], out);
        } else {
            self.put(Flags::NONE, &[&[mark], topic], out);
        }
    }

    fn put_command(&mut self, parts: &[&[u8]], out: &mut Vec<u8>) {
        if self.version() >= Version::V2_0 {
            self.put(Flags::COMMAND, parts, out);
        }
    }

    /// Appends a frame whose payload is the parts taken together.
    fn put(&mut self, flags: Flags, parts: &[&[u8]], out: &mut Vec<u8>) {
        if let Some(seal) = &mut self.seal {
            if let Err(error) = put_sealed(seal.as_mut(), flags, parts, out) {
                self.fail(error);
            }
            return;
        }
        let len: usize = parts.iter().map(|part| part.len()).sum();
        out.reserve(10 + len);
        put_header(self.framing, flags, len as u64, out);
        for part in parts {
            out.extend_from_slice(part);
        }
    }

    fn version(&self) -> Version {
        self.peer
            .as_ref()
            .map_or(Version::V3_1, |peer| peer.version)
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

/// Appends one frame, sealed, or nothing.
fn put_sealed(
    seal: &mut dyn Seal,
    flags: Flags,
    parts: &[&[u8]],
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let start = out.len();
    let len: usize = parts.iter().map(|part| part.len()).sum();
    // As libzmq does, the outer flags say nothing: MORE and COMMAND are sealed.
    put_header(Framing::V2, Flags::NONE, seal.sealed_len(len as u64), out);
    let sealed = seal.seal(flags, parts, out);
    if sealed.is_err() {
        out.truncate(start);
    }
    sealed
}
