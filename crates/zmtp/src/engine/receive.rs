//! The incoming half of the engine, one function for each phase.

use std::mem;
use std::ops::Range;
use std::time::Instant;

use super::{Engine, Event, Phase};
use crate::command::{self, Traffic};
use crate::error::printable;
use crate::frame::{Flags, Framing, Header, put_header};
use crate::greeting::{Found, Greeting, Ours, Outcome};
use crate::mechanism::{Expect, ExpectVerdict, Link, Mechanism, Seal, Step};
use crate::{Error, Peer, SocketType, Verdict, Version};

/// An [`Event`] that does not borrow its bytes yet, so that the engine can change
/// (or fail) until the very end of the step.
enum Meaning {
    Plain(Event<'static>),
    /// [`Event::Authenticate`], with the claim in the phase.
    Ask,
    Bytes(What, Source, Range<usize>),
}

enum What {
    Frame { more: bool },
    Subscribe,
    Cancel,
    Join,
    Leave,
}

enum Source {
    Input,
    Opened,
}

type Stepped = Result<(usize, Meaning), Error>;

const PROGRESS: Meaning = Meaning::Plain(Event::Progress);

fn need_more(hint: usize) -> Stepped {
    Ok((0, Meaning::Plain(Event::NeedMore { hint })))
}

impl Engine {
    /// `step` without its short cut.
    pub(super) fn step_any<'a>(
        &'a mut self,
        input: &'a [u8],
        now: Instant,
    ) -> Result<(usize, Event<'a>), Error> {
        // A long message frame, whole.
        if self.fast
            && let [flags @ (2 | 3), rest @ ..] = input
            && let Some((size, rest)) = rest.split_first_chunk()
            && let size = u64::from_be_bytes(*size)
            && size <= self.limit
            && let Some(payload) = rest.get(..size as usize)
        {
            self.pulse.note(now);
            let more = *flags == 3;
            return Ok((9 + payload.len(), Event::Frame { more, payload }));
        }
        if let Phase::Failed(error) = &self.phase {
            return Err(error.clone());
        }
        let stepped = match self.phase {
            Phase::Traffic => self.traffic(input, now),
            _ => self.handshake(input, now),
        };
        let (used, meaning) = match stepped {
            Ok(stepped) => stepped,
            Err(error) => return Err(self.fail(error)),
        };
        let event = match meaning {
            Meaning::Plain(event) => event,
            Meaning::Ask => match &self.phase {
                Phase::Verdict { claim, .. } => Event::Authenticate(claim.credentials()),
                _ => Event::Progress,
            },
            Meaning::Bytes(what, source, range) => {
                let bytes = match source {
                    Source::Input => input,
                    Source::Opened => self.opened.as_slice(),
                };
                what.event(&bytes[range])
            }
        };
        Ok((used, event))
    }

    /// Ends the conversation, with a last word to the peer if it should know why.
    pub(super) fn fail(&mut self, error: Error) -> Error {
        if let Some(reason) = error.reason_for_peer(self.local.explains) {
            let len = reason.len().min(255);
            let mut data = vec![len as u8];
            data.extend_from_slice(&reason.as_bytes()[..len]);
            command::put_frame(command::ERROR, &data, &mut self.outgoing);
        }
        self.fast = false;
        self.phase = Phase::Failed(error.clone());
        error
    }

    fn handshake(&mut self, input: &[u8], now: Instant) -> Stepped {
        // Replaced below by where the step leads, or by `fail`.
        let lost = Phase::Failed(Error::MalformedFrame {
            reason: "the engine lost its state",
        });
        let stepped = match mem::replace(&mut self.phase, lost) {
            Phase::Greeting(greeting, mechanism) => self.greeting(greeting, mechanism, input, now),
            Phase::RoutingId(peer) => self.routing_id(peer, input, now),
            Phase::Handshake(version, state) => self.commands(version, state, input, now),
            Phase::Verdict {
                version,
                claim,
                state,
                verdict: None,
            } => {
                self.phase = Phase::Verdict {
                    version,
                    claim,
                    state,
                    verdict: None,
                };
                Ok((0, Meaning::Plain(Event::Paused)))
            }
            Phase::Verdict {
                version,
                state,
                verdict: Some(verdict),
                ..
            } => self.judged(version, state, verdict, now),
            Phase::Traffic => self.traffic(input, now),
            Phase::Failed(error) => Err(error),
        };
        if let Ok((used, _)) = &stepped {
            self.handshake_bytes += *used as u64;
        }
        stepped
    }

    fn greeting(
        &mut self,
        greeting: Greeting,
        mechanism: Box<dyn Mechanism>,
        input: &[u8],
        now: Instant,
    ) -> Stepped {
        let ours = Ours {
            socket_type: self.local.socket_type.number(),
            mechanism: mechanism.name(),
            as_server: self.local.as_server,
        };
        let (used, found) = match greeting.step(input, ours, &mut self.outgoing) {
            Outcome::Missing(hint) => {
                self.phase = Phase::Greeting(greeting, mechanism);
                return need_more(hint);
            }
            Outcome::Next(used, next) => {
                self.phase = Phase::Greeting(next, mechanism);
                return Ok((used, PROGRESS));
            }
            Outcome::Done(used, found) => (used, found),
        };
        let version = found.version();
        let minimum = match mechanism.admits_old_peers() {
            true => self.local.minimum_version,
            false => self.local.minimum_version.max(Version::V3_0),
        };
        if version < minimum {
            return Err(Error::VersionTooOld { version, minimum });
        }
        match found {
            Found::Unversioned => {
                // Our signature was the header of our routing-id frame; its payload is
                // due. Subscribers of that time keep their subscriptions to themselves.
                self.framing = Framing::V1;
                self.outgoing.extend_from_slice(&self.local.routing_id);
                self.phantom = self.local.socket_type.publishes();
                self.phase = Phase::RoutingId(old_peer(version, None));
            }
            Found::Old {
                framing,
                socket_type,
                ..
            } => {
                self.framing = framing;
                let len = self.local.routing_id.len() as u64;
                put_header(framing, Flags::NONE, len, &mut self.outgoing);
                self.outgoing.extend_from_slice(&self.local.routing_id);
                let socket_type = SocketType::from_number(socket_type);
                self.phase = Phase::RoutingId(old_peer(version, socket_type));
            }
            Found::Modern {
                mechanism: theirs, ..
            } => {
                let name = mechanism.name();
                let theirs = theirs.as_slice();
                let (head, tail) = theirs.split_at(name.len().min(theirs.len()));
                if head != name.as_bytes() || tail.iter().any(|byte| *byte != 0) {
                    let end = theirs.iter().position(|byte| *byte == 0);
                    return Err(Error::MechanismMismatch {
                        ours: name.into(),
                        theirs: printable(&theirs[..end.unwrap_or(theirs.len())]),
                    });
                }
                let step = mechanism.start(&mut self.link())?;
                return Ok((used, self.follow(version, step, now)));
            }
        }
        Ok((used, PROGRESS))
    }

    fn routing_id(&mut self, mut peer: Peer, input: &[u8], now: Instant) -> Stepped {
        match self.handshake_frame(input)? {
            Err(hint) => {
                self.phase = Phase::RoutingId(peer);
                need_more(hint)
            }
            Ok((used, payload)) => {
                peer.routing_id = payload.to_vec();
                Ok((used, self.ready(peer, None, now)))
            }
        }
    }

    fn commands(
        &mut self,
        version: Version,
        state: Box<dyn Expect>,
        input: &[u8],
        now: Instant,
    ) -> Stepped {
        // Whether the frame has the command flag is not looked at, as in libzmq.
        let (used, payload) = match self.handshake_frame(input)? {
            Err(hint) => {
                self.phase = Phase::Handshake(version, state);
                return need_more(hint);
            }
            Ok(frame) => frame,
        };
        let command = state.parse(payload)?;
        let step = state.command(command, &mut self.link())?;
        Ok((used, self.follow(version, step, now)))
    }

    fn judged(
        &mut self,
        version: Version,
        state: Box<dyn ExpectVerdict>,
        verdict: Verdict,
        now: Instant,
    ) -> Stepped {
        match verdict {
            Verdict::Accept(grant) => {
                self.grant = Some(grant);
                let step = state.accepted(&mut self.link())?;
                Ok((0, self.follow(version, step, now)))
            }
            Verdict::Deny { status, reason } => Err(Error::Denied { status, reason }),
            Verdict::Fail(fault) => Err(Error::NotJudged(fault)),
        }
    }

    /// Goes where the mechanism has led.
    fn follow(&mut self, version: Version, step: Step, now: Instant) -> Meaning {
        match step {
            Step::Next(state) => {
                self.phase = Phase::Handshake(version, state);
                PROGRESS
            }
            Step::Ask(claim, state) => {
                self.phase = Phase::Verdict {
                    version,
                    claim,
                    state,
                    verdict: None,
                };
                Meaning::Ask
            }
            Step::Done { metadata, seal } => {
                let peer = Peer {
                    version,
                    socket_type: metadata.socket_type,
                    routing_id: metadata.routing_id,
                    properties: metadata.properties,
                    grant: self.grant.take(),
                };
                self.ready(peer, seal, now)
            }
        }
    }

    fn link(&mut self) -> Link<'_> {
        Link::new(
            self.local.socket_type,
            &self.local.metadata,
            &mut self.outgoing,
        )
    }

    /// The frame at the start of `input`, as its length and payload, or the number of
    /// bytes missing. Refuses what would go beyond a handshake's bounds.
    fn handshake_frame<'a>(
        &self,
        input: &'a [u8],
    ) -> Result<Result<(usize, &'a [u8]), usize>, Error> {
        let header = match Header::parse(self.framing, input)? {
            Ok(header) => header,
            Err(hint) => return Ok(Err(hint)),
        };
        let size = self.handshake_bytes + header.len as u64 + header.payload;
        if size > Self::MAX_HANDSHAKE {
            return Err(Error::HandshakeTooLarge {
                size,
                limit: Self::MAX_HANDSHAKE,
            });
        }
        let end = header.len + header.payload as usize;
        Ok(match input.get(header.len..end) {
            Some(payload) => Ok((end, payload)),
            None => Err(end - input.len()),
        })
    }

    fn ready(&mut self, peer: Peer, seal: Option<Box<dyn Seal>>, now: Instant) -> Meaning {
        let heartbeat = self
            .local
            .heartbeat
            .filter(|_| peer.version >= Version::V3_0);
        self.pulse.start(heartbeat, now);
        self.fast = self.framing == Framing::V2 && seal.is_none();
        self.seal = seal;
        self.peer = Some(peer);
        self.phase = Phase::Traffic;
        Meaning::Plain(Event::Ready)
    }

    fn traffic(&mut self, input: &[u8], now: Instant) -> Stepped {
        if mem::take(&mut self.phantom) {
            return Ok((0, Meaning::Plain(Event::Subscribe(b""))));
        }
        let header = match Header::parse(self.framing, input)? {
            Ok(header) => header,
            Err(hint) => return need_more(hint),
        };
        self.check_size(header)?;
        // Both fit: see `MAX_FRAME`.
        let end = header.len + header.payload as usize;
        if let Some(seal) = &self.seal {
            let head = seal.sealed_len(0);
            if let Some(len) = header.payload.checked_sub(head)
                && len >= self.direct_payload
            {
                self.pulse.note(now);
                let head = head as usize;
                let event = Event::SealedFrame { head, len };
                return Ok((header.len, Meaning::Plain(event)));
            }
        }
        let Some(body) = input.get(header.len..end) else {
            let direct = header.payload >= self.direct_payload;
            if direct && self.seal.is_none() && !header.flags.command() {
                self.pulse.note(now);
                let event = Event::LargeFrame {
                    more: header.flags.more(),
                    len: header.payload,
                };
                return Ok((header.len, Meaning::Plain(event)));
            }
            return need_more(end - input.len());
        };
        self.pulse.note(now);

        let Some(seal) = &mut self.seal else {
            let meaning = match self.payload(header.flags, body, now)? {
                None => PROGRESS,
                Some((what, range)) => {
                    let range = header.len + range.start..header.len + range.end;
                    Meaning::Bytes(what, Source::Input, range)
                }
            };
            return Ok((end, meaning));
        };
        let mut opened = mem::take(&mut self.opened);
        if opened.capacity() > KEPT_OPENED {
            opened = Vec::new();
        }
        let (flags, start) = seal.open(body, &mut opened)?;
        let payload = opened.get(start..).unwrap_or_default();
        self.check_opened(flags, payload)?;
        let meaning = match self.payload(flags, payload, now)? {
            None => PROGRESS,
            Some((what, range)) => {
                Meaning::Bytes(what, Source::Opened, start + range.start..start + range.end)
            }
        };
        self.opened = opened;
        Ok((end, meaning))
    }

    /// `open_frame`.
    pub(super) fn open_any<'a>(
        &'a mut self,
        head: &mut [u8],
        payload: &'a mut [u8],
        now: Instant,
    ) -> Result<Event<'a>, Error> {
        if let Phase::Failed(error) = &self.phase {
            return Err(error.clone());
        }
        let Some(seal) = &mut self.seal else {
            return Ok(Event::Progress);
        };
        self.pulse.note(now);
        let opened = seal
            .open_in_place(head, payload)
            .and_then(|flags| self.check_opened(flags, payload).map(|()| flags))
            .and_then(|flags| self.payload(flags, payload, now));
        match opened {
            Ok(Some((what, range))) => Ok(what.event(&payload[range])),
            Ok(None) => Ok(Event::Progress),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// What a payload means, and where in it the bytes that matter are; none if it was
    /// for the engine.
    fn payload(
        &mut self,
        flags: Flags,
        payload: &[u8],
        now: Instant,
    ) -> Result<Option<(What, Range<usize>)>, Error> {
        if !flags.command() {
            let more = flags.more();
            return Ok(Some((What::Frame { more }, 0..payload.len())));
        }
        // RFC 37 asks senders to keep MORE off commands and says nothing of receivers.
        let (what, data) = match Traffic::parse(payload)? {
            Traffic::Subscribe(topic) => (What::Subscribe, topic),
            Traffic::Cancel(topic) => (What::Cancel, topic),
            Traffic::Join(group) => (What::Join, group),
            Traffic::Leave(group) => (What::Leave, group),
            Traffic::Ping { ttl, context } => {
                let version = self.peer.as_ref().map(|peer| peer.version);
                if version >= Some(Version::V3_0) {
                    self.pulse.pinged(ttl, now);
                    // A peer that pings on and reads nothing goes without its answers.
                    if self.control.len() < MAX_CONTROL {
                        command::put_frame(command::PONG, context, &mut self.control);
                    }
                }
                return Ok(None);
            }
            Traffic::Pong | Traffic::Unknown => return Ok(None),
        };
        Ok(Some((what, payload.len() - data.len()..payload.len())))
    }

    /// Holds what was in a sealed frame against the size limit.
    fn check_opened(&self, flags: Flags, payload: &[u8]) -> Result<(), Error> {
        let size = payload.len() as u64;
        if size > self.limit && !(flags.command() && size <= SHORT) {
            let limit = self.limit;
            return Err(Error::FrameTooLarge { size, limit });
        }
        Ok(())
    }

    /// Holds a header against the size limit, from the header alone.
    fn check_size(&self, header: Header) -> Result<(), Error> {
        let allowed = match &self.seal {
            // What is inside is measured once it is open.
            Some(seal) => seal.sealed_len(self.limit.max(SHORT)),
            None if header.flags.command() => self.limit.max(SHORT),
            None => self.limit,
        };
        if header.payload > allowed {
            return Err(Error::FrameTooLarge {
                size: header.payload,
                limit: self.limit,
            });
        }
        Ok(())
    }
}

/// Commands up to this size pass any limit.
const SHORT: u64 = 255;

/// Bytes of answers to PINGs that may wait for `transmit`.
const MAX_CONTROL: usize = 4096;

/// A buffer for opened frames that is larger than this is not kept for the next.
const KEPT_OPENED: usize = 256 * 1024;

impl What {
    fn event(self, bytes: &[u8]) -> Event<'_> {
        match self {
            Self::Frame { more } => Event::Frame {
                more,
                payload: bytes,
            },
            Self::Subscribe => Event::Subscribe(bytes),
            Self::Cancel => Event::Cancel(bytes),
            Self::Join => Event::Join(bytes),
            Self::Leave => Event::Leave(bytes),
        }
    }
}

impl Found {
    fn version(&self) -> Version {
        match self {
            Self::Unversioned => Version::V1_0,
            Self::Old { version, .. } | Self::Modern { version, .. } => *version,
        }
    }
}

fn old_peer(version: Version, socket_type: Option<SocketType>) -> Peer {
    Peer {
        version,
        socket_type,
        routing_id: Vec::new(),
        properties: Vec::new(),
        grant: None,
    }
}
