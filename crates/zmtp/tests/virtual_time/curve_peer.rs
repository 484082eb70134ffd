//! A client and a server of CURVE written by hand after RFC 26, on another
//! implementation of the boxes than the engine's. Each piece is made on its own, so
//! that they can also lie.

use crypto_box::aead::Aead;
use crypto_box::{PublicKey, SalsaBox, SecretKey};

use crate::support::command;

pub type Key = [u8; 32];

pub fn public(secret: &Key) -> Key {
    *SecretKey::from(*secret).public_key().as_bytes()
}

fn nonce(prefix: &[u8], rest: &[u8]) -> [u8; 24] {
    [prefix, rest]
        .concat()
        .try_into()
        .expect("a nonce has 24 bytes")
}

fn short(prefix: &[u8; 16], counter: u64) -> [u8; 24] {
    nonce(prefix, &counter.to_be_bytes())
}

pub fn seal(nonce: [u8; 24], to: &Key, from: &Key, plain: &[u8]) -> Vec<u8> {
    SalsaBox::new(&PublicKey::from(*to), &SecretKey::from(*from))
        .encrypt(&nonce.into(), plain)
        .expect("what fits into memory can be sealed")
}

pub fn open(nonce: [u8; 24], from: &Key, to: &Key, sealed: &[u8]) -> Vec<u8> {
    SalsaBox::new(&PublicKey::from(*from), &SecretKey::from(*to))
        .decrypt(&nonce.into(), sealed)
        .expect("the engine sealed it for these keys")
}

/// A client, by its secret keys and the public one of its server.
#[derive(Clone)]
pub struct Client {
    pub permanent: Key,
    pub transient: Key,
    pub server: Key,
}

/// What a client learns from WELCOME.
#[derive(Clone)]
pub struct Welcomed {
    pub server: Key,
    pub cookie: Vec<u8>,
}

impl Client {
    pub fn new(server: Key) -> Self {
        Self {
            permanent: [3; 32],
            transient: [33; 32],
            server,
        }
    }

    /// What follows the name in HELLO: 194 bytes.
    pub fn hello(&self, counter: u64) -> Vec<u8> {
        let signature = seal(
            short(b"CurveZMQHELLO---", counter),
            &self.server,
            &self.transient,
            &[0; 64],
        );
        let transient = public(&self.transient);
        [
            &[1, 0],
            &[0; 72][..],
            &transient,
            &counter.to_be_bytes(),
            &signature,
        ]
        .concat()
    }

    /// Reads the whole frame of a WELCOME.
    pub fn welcomed(&self, frame: &[u8]) -> Welcomed {
        assert_eq!(frame.len(), 2 + 168);
        assert_eq!(&frame[..10], b"\x04\xa8\x07WELCOME");
        let nonce = nonce(b"WELCOME-", &frame[10..26]);
        let opened = open(nonce, &self.server, &self.transient, &frame[26..]);
        let (server, cookie) = opened.split_at(32);
        assert_eq!(cookie.len(), 96);
        Welcomed {
            server: server.try_into().expect("a key has 32 bytes"),
            cookie: cookie.to_vec(),
        }
    }

    /// A vouch for these two keys.
    pub fn vouch(&self, to: &Welcomed, client: &Key, server: &Key) -> Vec<u8> {
        let random = [0x5a; 16];
        let sealed = seal(
            nonce(b"VOUCH---", &random),
            &to.server,
            &self.permanent,
            &[*client, *server].concat(),
        );
        [&random[..], &sealed].concat()
    }

    pub fn honest_vouch(&self, to: &Welcomed) -> Vec<u8> {
        self.vouch(to, &public(&self.transient), &self.server)
    }

    /// What follows the name in INITIATE.
    pub fn initiate(&self, to: &Welcomed, counter: u64, vouch: &[u8], metadata: &[u8]) -> Vec<u8> {
        let plain = [&public(&self.permanent)[..], vouch, metadata].concat();
        let sealed = seal(
            short(b"CurveZMQINITIATE", counter),
            &to.server,
            &self.transient,
            &plain,
        );
        [&to.cookie[..], &counter.to_be_bytes(), &sealed].concat()
    }

    /// The metadata in the whole frame of a READY.
    pub fn metadata(&self, to: &Welcomed, frame: &[u8]) -> Vec<u8> {
        assert_eq!(&frame[2..8], b"\x05READY");
        let counter = frame[8..16].try_into().expect("a counter has 8 bytes");
        let nonce = short(b"CurveZMQREADY---", u64::from_be_bytes(counter));
        open(nonce, &to.server, &self.transient, &frame[16..])
    }

    /// The whole frame of a MESSAGE.
    pub fn message(&self, to: &Welcomed, counter: u64, flags: u8, payload: &[u8]) -> Vec<u8> {
        let nonce = short(b"CurveZMQMESSAGEC", counter);
        message(nonce, &to.server, &self.transient, flags, payload)
    }

    /// Flags and payload in the whole frame of a MESSAGE.
    pub fn heard(&self, to: &Welcomed, frame: &[u8]) -> Vec<u8> {
        heard(b"CurveZMQMESSAGES", &to.server, &self.transient, frame)
    }
}

/// A server, by its secret keys.
pub struct Server {
    pub permanent: Key,
    pub transient: Key,
}

impl Server {
    pub fn new(permanent: Key) -> Self {
        Self {
            permanent,
            transient: [44; 32],
        }
    }

    /// The client's transient key in the whole frame of a HELLO.
    pub fn hello(&self, frame: &[u8]) -> Key {
        assert_eq!(frame.len(), 2 + 200);
        assert_eq!(&frame[..10], b"\x04\xc8\x05HELLO\x01\x00");
        assert_eq!(frame[10..82], [0; 72]);
        let client: Key = frame[82..114].try_into().expect("a key has 32 bytes");
        let counter = frame[114..122].try_into().expect("a counter has 8 bytes");
        let nonce = short(b"CurveZMQHELLO---", u64::from_be_bytes(counter));
        let signature = open(nonce, &client, &self.permanent, &frame[122..]);
        assert_eq!(signature, [0; 64]);
        client
    }

    /// What follows the name in WELCOME. The cookie is any 96 bytes to the client.
    pub fn welcome(&self, client: &Key, cookie: &[u8]) -> Vec<u8> {
        let random = [0xa5; 16];
        let plain = [&public(&self.transient)[..], cookie].concat();
        let sealed = seal(nonce(b"WELCOME-", &random), client, &self.permanent, &plain);
        [&random[..], &sealed].concat()
    }

    /// The client's permanent key and metadata in the whole frame of an INITIATE.
    pub fn initiated(&self, client: &Key, cookie: &[u8], frame: &[u8]) -> (Key, Vec<u8>) {
        let payload = match frame[0] {
            4 => &frame[2..],
            _ => &frame[9..],
        };
        assert_eq!(&payload[..9], b"\x08INITIATE");
        assert_eq!(&payload[9..105], cookie);
        let counter = payload[105..113].try_into().expect("a counter has 8 bytes");
        let short = short(b"CurveZMQINITIATE", u64::from_be_bytes(counter));
        let opened = open(short, client, &self.transient, &payload[113..]);
        let permanent: Key = opened[..32].try_into().expect("a key has 32 bytes");
        let vouched = open(
            nonce(b"VOUCH---", &opened[32..48]),
            &permanent,
            &self.transient,
            &opened[48..128],
        );
        assert_eq!(vouched, [*client, public(&self.permanent)].concat());
        (permanent, opened[128..].to_vec())
    }

    /// What follows the name in READY.
    pub fn ready(&self, client: &Key, counter: u64, metadata: &[u8]) -> Vec<u8> {
        let nonce = short(b"CurveZMQREADY---", counter);
        let sealed = seal(nonce, client, &self.transient, metadata);
        [&counter.to_be_bytes()[..], &sealed].concat()
    }

    /// The whole frame of a MESSAGE.
    pub fn message(&self, client: &Key, counter: u64, flags: u8, payload: &[u8]) -> Vec<u8> {
        let nonce = short(b"CurveZMQMESSAGES", counter);
        message(nonce, client, &self.transient, flags, payload)
    }

    /// Flags and payload in the whole frame of a MESSAGE.
    pub fn heard(&self, client: &Key, frame: &[u8]) -> Vec<u8> {
        heard(b"CurveZMQMESSAGEC", client, &self.transient, frame)
    }
}

/// A frame without flags of its own.
fn message(nonce: [u8; 24], to: &Key, from: &Key, flags: u8, payload: &[u8]) -> Vec<u8> {
    let sealed = seal(nonce, to, from, &[&[flags], payload].concat());
    let mut frame = command("MESSAGE", &[&nonce[16..], &sealed].concat());
    frame[0] &= !4;
    frame
}

fn heard(prefix: &[u8; 16], from: &Key, to: &Key, frame: &[u8]) -> Vec<u8> {
    let payload = match frame[0] {
        0 => &frame[2..],
        2 => &frame[9..],
        flags => panic!("the frame has flags {flags:#x}"),
    };
    assert_eq!(&payload[..8], b"\x07MESSAGE");
    let counter = payload[8..16].try_into().expect("a counter has 8 bytes");
    let nonce = short(prefix, u64::from_be_bytes(counter));
    open(nonce, from, to, &payload[16..])
}
