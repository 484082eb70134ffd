//! What the fuzz targets share: an engine fed in pieces, held to its contract.

use std::time::Instant;

use arbitrary::Arbitrary;
use zmtp::{
    Config, CurveClient, Denial, Engine, Error, Event, Grant, KeyPair, Login, SecretKey, Security,
    SocketType, Verdict, VerdictFault,
};

pub mod curve;

/// The settings of an engine, as a fuzzer chooses them.
#[derive(Debug, Clone, Arbitrary)]
pub struct Settings {
    pub socket_type: u8,
    pub routing_id: u8,
    pub max_message_size: Option<u16>,
    pub direct_payload: u16,
}

impl Settings {
    pub fn config(&self) -> Config {
        let number = self.socket_type % SocketType::ALL.len() as u8;
        let socket_type = SocketType::from_number(number).expect("the number is in range");
        let mut config = Config::new(socket_type);
        config.routing_id = vec![7; usize::from(self.routing_id)];
        config.max_message_size = self.max_message_size.map(u64::from);
        config.direct_payload = usize::from(self.direct_payload);
        config
    }
}

/// A mechanism, and how its server judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Mechanism {
    Null,
    /// NULL, with both ends judging.
    NullJudged,
    Plain,
    Curve,
}

impl Mechanism {
    /// Sets both ends to the mechanism, the second as its server.
    pub fn set(self, ends: &mut [Config; 2]) {
        let [client, server] = ends;
        match self {
            Self::Null => {}
            Self::NullJudged => {
                client.authenticate_null = true;
                server.authenticate_null = true;
            }
            Self::Plain => {
                let login = Login::new("name", "password").expect("both are short");
                client.security = Security::PlainClient(login);
                server.security = Security::PlainServer;
            }
            Self::Curve => {
                let [ours, theirs] = [curve::CLIENT, curve::SERVER]
                    .map(|key| KeyPair::from(SecretKey::from_bytes(key)));
                let keys = CurveClient::new(&ours, *theirs.public());
                client.security = Security::CurveClient(keys);
                server.security = Security::CurveServer(theirs);
            }
        }
    }
}

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

/// Has all that is random be the same again, so that a find can be played again.
pub fn restart() {
    #[cfg(fuzzing)]
    zmtp::fuzzing::restart();
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
    input: Vec<u8>,
    large: Option<(bool, u64, Vec<u8>)>,
}

impl Feed {
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            engine: Engine::new(config, now),
            heard: Vec::new(),
            error: None,
            judge: Judge::Accepts,
            input: Vec::new(),
            large: None,
        }
    }

    /// Gives the engine more bytes and steps as far as they reach.
    pub fn feed(&mut self, bytes: &[u8], now: Instant) {
        self.input.extend_from_slice(bytes);
        let mut from = 0;
        let mut idle = 0;
        while self.error.is_none() {
            if let Some((more, len, mut payload)) = self.large.take() {
                let missing = len - payload.len() as u64;
                let rest = &self.input[from..];
                let part = &rest[..rest.len().min(missing.try_into().unwrap_or(usize::MAX))];
                payload.extend_from_slice(part);
                from += part.len();
                self.engine.note_traffic(now);
                if (payload.len() as u64) < len {
                    self.large = Some((more, len, payload));
                    break;
                }
                self.heard.push(Heard::Frame(more, payload));
            }
            let ready = self.engine.is_ready();
            let rest = &self.input[from..];
            let (used, event) = match self.engine.step(rest, now) {
                Ok(stepped) => stepped,
                Err(error) => {
                    assert_eq!(self.engine.step(&[], now), Err(error.clone()));
                    let _ = (error.to_string(), error.code(), error.is_handshake());
                    self.error = Some(error);
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
                    break;
                }
                Event::Progress => continue,
                Event::Authenticate(_) => {
                    assert!(self.engine.awaits_verdict());
                    if let Some(verdict) = self.judge.verdict() {
                        self.engine.verdict(verdict);
                    }
                    continue;
                }
                Event::Paused => {
                    assert_eq!(used, 0);
                    assert!(self.engine.awaits_verdict());
                    break;
                }
                Event::LargeFrame { more, len } => {
                    assert!(len <= Engine::MAX_FRAME);
                    self.large = Some((more, len, Vec::new()));
                    continue;
                }
                Event::Ready => {
                    assert!(!ready, "ready twice");
                    self.heard.push(Heard::Ready);
                    assert!(self.engine.peer().is_some());
                    continue;
                }
                Event::Frame { more, payload } => Heard::Frame(more, payload.to_vec()),
                Event::Subscribe(topic) => Heard::Subscribe(topic.to_vec()),
                Event::Cancel(topic) => Heard::Cancel(topic.to_vec()),
                Event::Join(group) => Heard::Join(group.to_vec()),
                Event::Leave(group) => Heard::Leave(group.to_vec()),
            };
            assert!(ready, "traffic before the handshake is over");
            self.heard.push(heard);
        }
        self.input.drain(..from);
    }

    /// Feeds `script` whole to one engine and in pieces to another, which must agree.
    pub fn agree(config: &Config, judge: Judge, script: &[u8], piece: usize) -> Self {
        let now = Instant::now();
        let feed = || Self {
            judge,
            ..Self::new(config.clone(), now)
        };
        let mut whole = feed();
        whole.feed(script, now);
        let mut pieces = feed();
        for bytes in script.chunks(piece.max(1)) {
            pieces.feed(bytes, now);
        }
        assert_eq!(whole.heard, pieces.heard);
        assert_eq!(whole.error, pieces.error);
        assert_eq!(whole.transmit(), pieces.transmit());
        whole
    }

    pub fn transmit(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.engine.transmit(&mut out);
        assert!(!self.engine.has_output());
        out
    }
}

/// The version a scripted peer speaks.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Kind {
    Unversioned,
    Revision0,
    V2_0,
    V3_0,
    V3_1,
}

impl Kind {
    /// The peer's handshake, for any socket type on our side.
    pub fn opening(self) -> Vec<u8> {
        let modern = |minor| {
            let mut script = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03".to_vec();
            script.push(minor);
            script.extend_from_slice(b"NULL");
            script.resize(64, 0);
            script.extend_from_slice(b"\x04\x06\x05READY");
            script
        };
        match self {
            Self::Unversioned => b"\x01\x00".to_vec(),
            Self::Revision0 => b"\xff\0\0\0\0\0\0\0\x01\x7f\x00\x00\x01\x00".to_vec(),
            Self::V2_0 => b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x00\x00\x00".to_vec(),
            Self::V3_0 => modern(0),
            Self::V3_1 => modern(1),
        }
    }
}
