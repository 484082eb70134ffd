//! Up to the first message: greeting, the mechanism's commands, the verdict.

use std::mem;
use std::time::Instant;

use super::receive::{Meaning, PROGRESS, Stepped, need_more};
use super::{Engine, Event, Phase};
use crate::error::printable;
use crate::frame::{Flags, Framing, Header, put_header};
use crate::greeting::{Found, Greeting, Ours, Outcome};
use crate::mechanism::{Expect, ExpectVerdict, Link, Mechanism, Seal, Step};
use crate::{Error, Peer, SocketType, Verdict, Version};

impl Engine {
    pub(super) fn handshake(&mut self, input: &[u8], now: Instant) -> Stepped {
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
