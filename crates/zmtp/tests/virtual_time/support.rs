//! One end of a connection as a test drives it, and the pieces of a peer's script.

use std::mem;
use std::time::Instant;

use zmtp::{
    Config, Credentials, CurveClient, Engine, Error, Event, Grant, KeyPair, Login, SecretKey,
    Security, SocketType, Verdict,
};

/// An [`Event`] that owns its bytes; a large frame shows as a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Ready,
    Frame(bool, Vec<u8>),
    Subscribe(Vec<u8>),
    Cancel(Vec<u8>),
    Join(Vec<u8>),
    Leave(Vec<u8>),
}

/// An engine, the bytes it has not consumed yet, and what it said so far.
pub struct End {
    pub engine: Engine,
    pub heard: Vec<Heard>,
    pub error: Option<Error>,
    /// How many frames came as [`Event::LargeFrame`] or [`Event::SealedFrame`].
    pub large_frames: usize,
    /// Who asked to be let in: mechanism, and what there was to show.
    pub asked: Vec<(&'static str, Vec<u8>)>,
    /// What such a peer is answered at once; without it, it waits.
    pub verdict: Option<Verdict>,
    input: Vec<u8>,
    large: Option<Large>,
}

/// A frame that is gathered outside of the engine.
struct Large {
    kind: Kind,
    len: usize,
    bytes: Vec<u8>,
}

enum Kind {
    Plain { more: bool },
    Sealed { head: usize },
}

impl End {
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            engine: Engine::new(config, now),
            heard: Vec::new(),
            error: None,
            large_frames: 0,
            asked: Vec::new(),
            verdict: None,
            input: Vec::new(),
            large: None,
        }
    }

    /// Takes bytes from the wire, and steps as far as they reach.
    pub fn receive(&mut self, bytes: &[u8], now: Instant) {
        let mut input = mem::take(&mut self.input);
        input.extend_from_slice(bytes);
        let mut from = 0;
        let mut idle = 0;
        while self.error.is_none() {
            if let Some(mut large) = self.large.take() {
                let missing = large.len - large.bytes.len();
                let at_hand = missing.min(input.len() - from);
                large.bytes.extend_from_slice(&input[from..from + at_hand]);
                from += at_hand;
                if at_hand > 0 {
                    self.engine.note_traffic(now);
                }
                if large.bytes.len() < large.len {
                    self.large = Some(large);
                    break;
                }
                match large.kind {
                    Kind::Plain { more } => self.heard.push(Heard::Frame(more, large.bytes)),
                    Kind::Sealed { head } => {
                        let (head, payload) = large.bytes.split_at_mut(head);
                        match self.engine.open_frame(head, payload, now) {
                            Ok(event) => self.heard.extend(heard(event)),
                            Err(error) => self.error = Some(error),
                        }
                    }
                }
                continue;
            }
            let rest = &input[from..];
            let (used, event) = match self.engine.step(rest, now) {
                Ok(stepped) => stepped,
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            };
            assert!(used <= rest.len(), "consumed what was not there");
            from += used;
            idle = if used == 0 { idle + 1 } else { 0 };
            assert!(idle <= 3, "goes on and on without consuming anything");
            self.heard.push(match event {
                Event::NeedMore { hint } => {
                    assert!(hint >= 1);
                    assert_eq!(used, 0, "consumed and asked for more");
                    break;
                }
                Event::Progress => continue,
                Event::Authenticate(credentials) => {
                    let shown = match credentials {
                        Credentials::Plain { username, password } => {
                            [username, b":", password].concat()
                        }
                        Credentials::Curve { public_key } => public_key.as_bytes().to_vec(),
                        _ => Vec::new(),
                    };
                    self.asked.push((credentials.mechanism(), shown));
                    assert!(self.engine.awaits_verdict());
                    if let Some(verdict) = &self.verdict {
                        self.engine.verdict(verdict.clone());
                    }
                    continue;
                }
                Event::Paused => {
                    assert_eq!(used, 0, "consumed while paused");
                    break;
                }
                Event::LargeFrame { more, len } => {
                    self.large_frames += 1;
                    self.large = Some(Large {
                        kind: Kind::Plain { more },
                        len: len as usize,
                        bytes: Vec::new(),
                    });
                    continue;
                }
                Event::SealedFrame { head, len } => {
                    self.large_frames += 1;
                    self.large = Some(Large {
                        kind: Kind::Sealed { head },
                        len: head + len as usize,
                        bytes: Vec::new(),
                    });
                    continue;
                }
                event => match heard(event) {
                    Some(heard) => heard,
                    None => continue,
                },
            });
        }
        self.input = input.split_off(from);
    }

    /// Answers a peer that waits to be let in.
    pub fn judge(&mut self, verdict: Verdict, now: Instant) {
        self.engine.verdict(verdict);
        self.receive(&[], now);
    }

    /// What the protocol has to send.
    pub fn transmit(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.engine.transmit(&mut out);
        assert!(!self.engine.has_output());
        out
    }

    /// Frames of a message, encoded.
    pub fn message(&mut self, parts: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let more = index + 1 < parts.len();
            self.engine.encode_frame(part, more, &mut out);
        }
        out
    }
}

/// A whole greeting of that version, naming that mechanism.
pub fn greeting(major: u8, minor: u8, mechanism: &str) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[0] = 0xff;
    bytes[8] = 1;
    bytes[9] = 0x7f;
    bytes[10] = major;
    bytes[11] = minor;
    bytes[12..12 + mechanism.len()].copy_from_slice(mechanism.as_bytes());
    bytes
}

/// A command frame.
pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let len = 1 + name.len() + data.len();
    let mut bytes = match u8::try_from(len) {
        Ok(len) => vec![4, len],
        Err(_) => [&[6][..], &(len as u64).to_be_bytes()].concat(),
    };
    bytes.push(name.len() as u8);
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

/// READY of a peer of that type.
pub fn ready(socket_type: &str) -> Vec<u8> {
    command("READY", &metadata(socket_type))
}

/// Settings of a client and a server of CURVE that know each other.
pub fn curve(client: SocketType, server: SocketType) -> (Config, Config) {
    let [client_keys, server_keys] = [3, 4].map(keys);
    let mut client = Config::new(client);
    client.security = Security::CurveClient(CurveClient::new(&client_keys, *server_keys.public()));
    let mut server = Config::new(server);
    server.security = Security::CurveServer(server_keys);
    (client, server)
}

/// Settings of a client and a server of PLAIN.
pub fn plain(client: SocketType, server: SocketType) -> (Config, Config) {
    let mut client = Config::new(client);
    let login = Login::new("admin", "secret").expect("both are short");
    client.security = Security::PlainClient(login);
    let mut server = Config::new(server);
    server.security = Security::PlainServer;
    (client, server)
}

/// A pair of keys, always the same for the same byte.
pub fn keys(byte: u8) -> KeyPair {
    KeyPair::from(SecretKey::from_bytes([byte; 32]))
}

/// Lets anybody in, as nobody in particular.
pub fn accept() -> Option<Verdict> {
    Some(Verdict::Accept(Grant::default()))
}

/// The metadata of a peer of that type.
pub fn metadata(socket_type: &str) -> Vec<u8> {
    let mut data = b"\x0bSocket-Type\0\0\0".to_vec();
    data.push(socket_type.len() as u8);
    data.extend_from_slice(socket_type.as_bytes());
    data
}

/// What an event says of the conversation.
fn heard(event: Event<'_>) -> Option<Heard> {
    Some(match event {
        Event::Ready => Heard::Ready,
        Event::Frame { more, payload } => Heard::Frame(more, payload.to_vec()),
        Event::Subscribe(topic) => Heard::Subscribe(topic.to_vec()),
        Event::Cancel(topic) => Heard::Cancel(topic.to_vec()),
        Event::Join(group) => Heard::Join(group.to_vec()),
        Event::Leave(group) => Heard::Leave(group.to_vec()),
        _ => return None,
    })
}
