//! An engine fed in pieces, held to its contract.

use std::time::Instant;

use arbitrary::Arbitrary;
use zmtp::{Claim, Config, Denial, Engine, Error, Event, Grant, Verdict, VerdictFault, Version};

use crate::curve::data;

/// What becomes of a peer that asks to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Judge {
    Accepts,
    Denies,
    DeniesForNow,
    Fails,
    Sleeps,
}

impl Judge {
    pub fn verdict(self) -> Option<Verdict> {
        let deny = |status| Verdict::Deny {
            status,
            reason: String::new(),
        };
        Some(match self {
            Self::Accepts => Verdict::Accept(Grant::default()),
            Self::Denies => deny(Denial::Refused),
            Self::DeniesForNow => deny(Denial::Temporary),
            Self::Fails => Verdict::Fail(VerdictFault::BadVersion),
            Self::Sleeps => return None,
        })
    }
}

/// An [`Event`] that owns its bytes; a large frame shows as a frame, once it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Ready,
    Frame(bool, Vec<u8>),
    Subscribe(Vec<u8>),
    Cancel(Vec<u8>),
    Join(Vec<u8>),
    Leave(Vec<u8>),
}

/// An engine, what it has not consumed yet, and what it said.
pub struct Feed {
    pub engine: Engine,
    pub heard: Vec<Heard>,
    pub error: Option<Error>,
    /// How peers that ask to be let in are judged.
    pub judge: Judge,
    /// Whether the verdict waits for the next [`feed`](Self::feed).
    pub hesitates: bool,
    /// Whether what the engine has to say is taken after each step, so that its last
    /// words show.
    pub listens: bool,
    said: Vec<u8>,
    config: Config,
    /// What the peer showed to be let in.
    pub claim: Option<Claim>,
    pub start: Instant,
    input: Vec<u8>,
    large: Option<Large>,
}

/// A frame that is gathered outside of the engine.
struct Large {
    kind: Kind,
    len: u64,
    bytes: Vec<u8>,
}

enum Kind {
    Plain { more: bool },
    Sealed { head: usize },
}

impl Feed {
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            engine: Engine::new(config.clone(), now),
            heard: Vec::new(),
            error: None,
            judge: Judge::Accepts,
            hesitates: false,
            listens: false,
            said: Vec::new(),
            config,
            claim: None,
            start: now,
            input: Vec::new(),
            large: None,
        }
    }

    /// Gives the engine more bytes and steps as far as they reach.
    pub fn feed(&mut self, bytes: &[u8], now: Instant) {
        if self.engine.awaits_verdict() {
            self.judge_now();
        }
        self.input.extend_from_slice(bytes);
        let limit = self.config.max_message_size.unwrap_or(Engine::MAX_FRAME);
        let mut from = 0;
        let mut idle = 0;
        while self.error.is_none() {
            if let Some(mut large) = self.large.take() {
                let missing = large.len - large.bytes.len() as u64;
                let rest = &self.input[from..];
                let part = &rest[..rest.len().min(missing.try_into().unwrap_or(usize::MAX))];
                large.bytes.extend_from_slice(part);
                from += part.len();
                self.engine.note_traffic(now);
                if (large.bytes.len() as u64) < large.len {
                    self.large = Some(large);
                    break;
                }
                match large.kind {
                    Kind::Plain { more } => self.heard.push(Heard::Frame(more, large.bytes)),
                    Kind::Sealed { head } => {
                        let (head, payload) = large.bytes.split_at_mut(head);
                        match self.engine.open_frame(head, payload, now) {
                            Ok(event) => self.heard.extend(heard(event, limit)),
                            Err(error) => self.fail(error, now),
                        }
                    }
                }
                continue;
            }
            let ready = self.engine.is_ready();
            if self.listens {
                self.engine.transmit(&mut self.said);
            }
            let rest = &self.input[from..];
            let (used, event) = match self.engine.step(rest, now) {
                Ok(stepped) => stepped,
                Err(error) => {
                    self.fail(error, now);
                    break;
                }
            };
            assert!(used <= rest.len());
            idle = if used == 0 { idle + 1 } else { 0 };
            assert!(idle <= 3, "goes on and on without consuming anything");
            from += used;
            let heard = match event {
                Event::NeedMore { hint } => {
                    assert!(hint >= 1);
                    assert_eq!(used, 0);
                    let needed = (rest.len() + hint) as u64;
                    assert!(ready || needed <= Engine::MAX_HANDSHAKE);
                    if let Some(limit) = self.config.max_message_size.filter(|_| ready) {
                        assert!(needed <= limit.max(255) + OVERHEAD);
                    }
                    break;
                }
                Event::Progress => continue,
                Event::Authenticate(credentials) => {
                    let claim = Claim::from(credentials);
                    assert!(self.judges(), "asks for a verdict that nobody wants");
                    assert!(self.claim.is_none(), "asks twice");
                    assert!(self.engine.awaits_verdict());
                    self.claim = Some(claim);
                    if !self.hesitates {
                        self.judge_now();
                    }
                    continue;
                }
                Event::Paused => {
                    assert_eq!(used, 0);
                    assert!(self.engine.awaits_verdict());
                    break;
                }
                Event::LargeFrame { more, len } => {
                    assert!(ready, "traffic before the handshake is over");
                    assert!(len <= limit);
                    self.large = Some(Large {
                        kind: Kind::Plain { more },
                        len,
                        bytes: Vec::new(),
                    });
                    continue;
                }
                Event::SealedFrame { head, len } => {
                    assert!(ready, "traffic before the handshake is over");
                    assert!(head <= 64);
                    assert!(len <= limit.max(255));
                    self.large = Some(Large {
                        kind: Kind::Sealed { head },
                        len: head as u64 + len,
                        bytes: Vec::new(),
                    });
                    continue;
                }
                Event::Ready => {
                    assert!(!ready, "ready twice");
                    self.heard.push(Heard::Ready);
                    self.ready();
                    continue;
                }
                event => match heard(event, limit) {
                    Some(heard) => heard,
                    None => continue,
                },
            };
            assert!(ready, "traffic before the handshake is over");
            self.heard.push(heard);
        }
        self.input.drain(..from);
    }

    /// Gives a verdict that was held back, and goes on with what came meanwhile.
    pub fn decide(&mut self, now: Instant) {
        self.feed(&[], now);
    }

    fn judge_now(&mut self) {
        if let Some(verdict) = self.judge.verdict() {
            self.engine.verdict(verdict);
        }
    }

    /// Whether a peer has to be judged to come in.
    fn judges(&self) -> bool {
        self.config.security.is_server() || self.config.authenticate_null
    }

    /// Nobody is in who should not be.
    fn ready(&self) {
        let peer = self.engine.peer().expect("the handshake is over");
        assert_eq!(peer.grant.is_some(), self.judges());
        if self.judges() {
            assert!(self.claim.is_some());
            assert_eq!(self.judge, Judge::Accepts, "let in without a verdict");
        }
        let null = matches!(self.config.security, zmtp::Security::Null);
        if !null || self.config.authenticate_null {
            assert!(peer.version >= Version::V3_0, "let in by an old version");
        }
        assert!(peer.version >= self.config.minimum_version);
    }

    /// The first error is for good, and may be followed by one word of farewell.
    fn fail(&mut self, error: Error, now: Instant) {
        let ready = self.engine.is_ready();
        assert_eq!(self.engine.step(&[], now), Err(error.clone()));
        let full = b"\0\x01x\xff\0\0\0\0\0\0\0\x01\x7f";
        assert_eq!(self.engine.step(full, now), Err(error.clone()));
        assert_eq!(self.engine.handle_timeout(now), Err(error.clone()));
        assert_eq!(self.engine.next_timeout(), None);
        assert_eq!(self.engine.is_ready(), ready);
        let _ = (error.to_string(), error.code(), error.is_handshake());
        if self.listens {
            let mut last = Vec::new();
            self.engine.transmit(&mut last);
            if !last.is_empty() {
                let reason = data(&last, "ERROR").expect("nothing else can be said now");
                assert_eq!(reason.len(), 1 + usize::from(reason[0]));
                let words = std::str::from_utf8(&reason[1..]).expect("it is text");
                assert!(!words.chars().any(char::is_control));
                assert!(!ready, "the handshake is over");
            }
            self.said.extend(last);
        }
        self.error = Some(error);
    }

    /// Feeds `script` whole to one engine and in pieces to others, one of which is judged
    /// late; all must agree. Then lets time pass.
    pub fn agree(config: &Config, judge: Judge, script: &[u8], piece: usize) -> Self {
        let now = Instant::now();
        let feed = |hesitates, listens| Self {
            judge,
            hesitates,
            listens,
            ..Self::new(config.clone(), now)
        };
        let mut whole = feed(false, false);
        crate::restart();
        whole.feed(script, now);
        for (hesitates, listens) in [(false, false), (true, true)] {
            let mut pieces = feed(hesitates, listens);
            crate::restart();
            for bytes in script.chunks(piece.max(1)) {
                pieces.feed(bytes, now);
            }
            pieces.decide(now);
            assert_eq!(whole.heard, pieces.heard);
            assert_eq!(whole.error, pieces.error);
            if !listens {
                whole.said = whole.said();
                assert_eq!(whole.said, pieces.said());
            }
            pieces.idle();
        }
        whole
    }

    /// Lets time pass without a word from the peer, and holds the engine to its limits.
    pub fn idle(&mut self) {
        let start = self.start;
        let mut now = start;
        let mut pings = 0;
        while self.error.is_none() {
            let Some(next) = self.engine.next_timeout() else {
                assert!(self.engine.is_ready() || self.config.handshake_timeout.is_none());
                return;
            };
            assert_eq!(self.engine.handle_timeout(now), Ok(()), "too early");
            assert!(next > now, "an interval of nothing");
            now = next;
            self.transmit();
            match self.engine.handle_timeout(now) {
                Ok(()) => {
                    assert!(self.engine.is_ready());
                    assert!(!self.transmit().is_empty(), "woke up for nothing");
                }
                Err(error @ Error::HandshakeTimeout { limit }) => {
                    assert!(!self.engine.is_ready());
                    assert_eq!(now, start + limit);
                    self.fail(error, now);
                }
                Err(error @ Error::HeartbeatTimeout { limit }) => {
                    assert!(self.engine.is_ready());
                    assert!(now >= start + limit);
                    self.fail(error, now);
                }
                Err(error) => panic!("{error}"),
            }
            pings += 1;
            if pings == 8 {
                return;
            }
        }
    }

    /// What the engine has to say; not taken from it while nobody listens, it is bounded.
    fn said(&mut self) -> Vec<u8> {
        let said = self.transmit();
        assert!(said.len() <= MOST_SAID, "{} bytes are waiting", said.len());
        said
    }

    pub fn transmit(&mut self) -> Vec<u8> {
        let mut out = std::mem::take(&mut self.said);
        self.engine.transmit(&mut out);
        assert!(!self.engine.has_output());
        out
    }
}

/// What a frame has besides its payload: a header, and a box around it.
const OVERHEAD: u64 = 9 + 33;

/// A handshake of ours, and answers to PINGs.
const MOST_SAID: usize = 8 * 1024;

/// What an event says of the conversation.
fn heard(event: Event<'_>, limit: u64) -> Option<Heard> {
    Some(match event {
        Event::Frame { more, payload } => {
            assert!(payload.len() as u64 <= limit);
            Heard::Frame(more, payload.to_vec())
        }
        Event::Subscribe(topic) => Heard::Subscribe(topic.to_vec()),
        Event::Cancel(topic) => Heard::Cancel(topic.to_vec()),
        Event::Join(group) => Heard::Join(group.to_vec()),
        Event::Leave(group) => Heard::Leave(group.to_vec()),
        _ => return None,
    })
}
