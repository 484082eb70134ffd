//! A peer that holds valid keys of CURVE, and seals and sends what it should not: to a
//! server as its client, to a client as its server. Nobody gets in who does not prove
//! who it is, and nothing is heard that was not sealed, in its order.
#![no_main]

use std::time::Instant;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zincmq_fuzz::curve::{
    CLIENT, Key, SERVER, TRANSIENT, data, frame, long, open, public, seal, short,
};
use zincmq_fuzz::{Feed, Heard, Judge, Mechanism, Settings, greeting, meaning};
use zmtp::{Credentials, PublicKey};

/// A command's data, or what is in its box, after it was made as it should be.
#[derive(Debug, Arbitrary)]
enum Change {
    None,
    Truncate(u16),
    Extend(Vec<u8>),
    Flip { index: u16, mask: u8 },
    Replace(Vec<u8>),
}

impl Change {
    /// True if anything is changed.
    fn apply(&self, bytes: &mut Vec<u8>) -> bool {
        let before = bytes.clone();
        match self {
            Self::None => {}
            Self::Truncate(len) => bytes.truncate(usize::from(*len)),
            Self::Extend(more) => bytes.extend_from_slice(more),
            Self::Flip { index, mask } => {
                if let Some(byte) = bytes.get_mut(usize::from(*index)) {
                    *byte ^= mask;
                }
            }
            Self::Replace(with) => bytes.clone_from(with),
        }
        *bytes != before
    }
}

#[derive(Debug, Arbitrary)]
struct Vouch {
    client: bool,
    server: bool,
    by: bool,
    change: Change,
}

/// How a message goes to the wire.
#[derive(Debug, Arbitrary)]
enum Wrap {
    /// Sealed, with those flags outside, where they mean nothing.
    Sealed(u8),
    /// As it is.
    Open(u8),
    /// One that went before, once more.
    Again(u8),
    /// One of the end's own.
    Mirrored,
}

#[derive(Debug, Arbitrary)]
enum Content {
    Frame(Vec<u8>),
    Command { name: u8, data: Vec<u8> },
}

impl Content {
    fn payload(&self) -> Vec<u8> {
        const NAMES: [&[u8]; 8] = [
            b"\x04PING",
            b"\x04PONG",
            b"\x09SUBSCRIBE",
            b"\x06CANCEL",
            b"\x04JOIN",
            b"\x05LEAVE",
            b"\x05READY",
            b"\x05ERROR",
        ];
        match self {
            Self::Frame(payload) => payload.clone(),
            Self::Command { name, data } => {
                [NAMES[usize::from(*name) % NAMES.len()], data].concat()
            }
        }
    }
}

#[derive(Debug, Arbitrary)]
struct Message {
    wrap: Wrap,
    /// How far the counter goes from the one before; it may go back.
    leap: i8,
    flags: u8,
    content: Content,
    inside: Change,
    outside: Change,
}

#[derive(Debug, Arbitrary)]
struct Input {
    settings: Settings,
    minor: u8,
    judge: Judge,
    hesitates: bool,
    server: bool,
    first: Change,
    first_inside: Change,
    vouch: Vouch,
    second_counter: u8,
    second: Change,
    second_inside: Change,
    messages: Vec<Message>,
}

fuzz_target!(|input: Input| {
    zincmq_fuzz::restart();
    let now = Instant::now();
    let config = input.settings.config();
    let mut ends = [config.clone(), config];
    Mechanism::Curve.set(&mut ends);
    let config = ends[usize::from(input.server)].clone();
    let mut end = Feed::new(config, now);
    end.judge = input.judge;
    end.hesitates = input.hesitates;
    end.feed(&greeting(input.minor, "CURVE"), now);
    let sent = end.transmit();
    let met = match input.server {
        true => client(&input, &mut end, now),
        false => server(&input, &mut end, &sent[64..], now),
    };
    let Some((peer, counter)) = met else {
        assert!(!end.engine.is_ready(), "let in without proof");
        assert_eq!(end.heard, []);
        end.idle();
        return;
    };
    if end.engine.is_ready() {
        assert_eq!(end.heard, [Heard::Ready]);
        end.heard.clear();
        messages(&input, &mut end, &peer, counter, now);
    } else {
        // It is left waiting, and talks nevertheless.
        for message in &input.messages {
            let plain = [&[message.flags], message.content.payload().as_slice()].concat();
            let nonce = short(b"CurveZMQMESSAGEC", counter + 1);
            let mut sealed = (counter + 1).to_be_bytes().to_vec();
            sealed.extend(seal(nonce, &peer, &TRANSIENT, &plain));
            end.feed(&frame(0, "MESSAGE", &sealed), now);
        }
        assert_eq!(end.heard, [], "heard whom it has not let in");
    }
    end.idle();
});

/// Plays the client; the server's transient key and the last counter, if let in or left
/// waiting.
fn client(input: &Input, end: &mut Feed, now: Instant) -> Option<(Key, u64)> {
    let mut changed = false;
    let mut signature = vec![0; 64];
    changed |= input.first_inside.apply(&mut signature);
    let nonce = short(b"CurveZMQHELLO---", 1);
    let sealed = seal(nonce, &public(&SERVER), &TRANSIENT, &signature);
    let mut hello = vec![1, 0];
    hello.extend_from_slice(&[0; 72]);
    hello.extend_from_slice(&public(&TRANSIENT));
    hello.extend_from_slice(&1u64.to_be_bytes());
    hello.extend_from_slice(&sealed);
    changed |= input.first.apply(&mut hello);
    end.feed(&frame(4, "HELLO", &hello), now);
    let sent = end.transmit();
    let welcome = data(&sent, "WELCOME")?;
    let (nonce, sealed) = welcome.split_first_chunk().expect("it has 160 bytes");
    // The highest bit of a key has no meaning, so HELLO may be another and be taken.
    let opened = open(
        long(b"WELCOME-", nonce),
        &public(&SERVER),
        &TRANSIENT,
        sealed,
    )
    .expect("sealed for our key");
    let (transient, cookie) = opened.split_first_chunk::<32>().expect("it has 128 bytes");

    let Vouch {
        client,
        server,
        by,
        change,
    } = &input.vouch;
    changed |= *client || *server || *by;
    let other: Key = [9; 32];
    let mut vouched = match client {
        true => other.to_vec(),
        false => public(&TRANSIENT).to_vec(),
    };
    vouched.extend_from_slice(&match server {
        true => other,
        false => public(&SERVER),
    });
    changed |= change.apply(&mut vouched);
    let by = if *by { other } else { CLIENT };
    let mut plain = public(&CLIENT).to_vec();
    plain.extend_from_slice(&[7; 16]);
    plain.extend(seal(long(b"VOUCH---", &[7; 16]), transient, &by, &vouched));
    changed |= input.second_inside.apply(&mut plain);
    let counter = u64::from(input.second_counter);
    changed |= counter <= 1;
    let mut initiate = cookie.to_vec();
    initiate.extend_from_slice(&counter.to_be_bytes());
    let nonce = short(b"CurveZMQINITIATE", counter);
    initiate.extend(seal(nonce, transient, &TRANSIENT, &plain));
    changed |= input.second.apply(&mut initiate);
    end.feed(&frame(4, "INITIATE", &initiate), now);
    if end.claim.is_some() {
        // Metadata may have been added; nothing else.
        let added = matches!(input.second_inside, Change::Extend(_));
        assert!(!changed || added, "judged without proof");
    }
    end.decide(now);
    if let Some(claim) = &end.claim {
        let public_key = &PublicKey::from_bytes(public(&CLIENT));
        assert_eq!(claim.credentials(), Credentials::Curve { public_key });
    }
    let waits = end.engine.awaits_verdict();
    (waits || end.engine.is_ready()).then_some((*transient, counter))
}

/// Plays the server; the client's transient key and the last counter, if let in.
fn server(input: &Input, end: &mut Feed, sent: &[u8], now: Instant) -> Option<(Key, u64)> {
    let mut changed = false;
    let hello = data(sent, "HELLO").expect("the client speaks first");
    let client: Key = hello[74..106].try_into().expect("a key has 32 bytes");
    let mut plain = public(&TRANSIENT).to_vec();
    plain.extend_from_slice(&[6; 96]);
    let changed_inside = input.first_inside.apply(&mut plain);
    let mut welcome = vec![8; 16];
    welcome.extend(seal(long(b"WELCOME-", &[8; 16]), &client, &SERVER, &plain));
    changed |= input.first.apply(&mut welcome);
    end.feed(&frame(4, "WELCOME", &welcome), now);
    let sent = end.transmit();
    data(&sent, "INITIATE")?;

    let counter = u64::from(input.second_counter);
    let mut metadata = Vec::new();
    input.second_inside.apply(&mut metadata);
    let mut ready = counter.to_be_bytes().to_vec();
    let nonce = short(b"CurveZMQREADY---", counter);
    ready.extend(seal(nonce, &client, &TRANSIENT, &metadata));
    changed |= input.second.apply(&mut ready);
    end.feed(&frame(4, "READY", &ready), now);
    if !end.engine.is_ready() {
        return None;
    }
    // The cookie, and one bit of the key, are the server's own affair.
    let its_own = matches!(input.first_inside, Change::Flip { index, .. } if index >= 31);
    assert!(
        !changed && (!changed_inside || its_own),
        "took a stranger for the server"
    );
    Some((client, counter))
}

fn messages(input: &Input, end: &mut Feed, peer: &Key, mut counter: u64, now: Instant) {
    let prefix = match input.server {
        true => b"CurveZMQMESSAGEC",
        false => b"CurveZMQMESSAGES",
    };
    let limit = input
        .settings
        .max_message_size
        .map_or(usize::MAX, usize::from);
    let mut last = counter;
    let mut sent: Vec<Vec<u8>> = Vec::new();
    let mut expected = Vec::new();
    for message in &input.messages {
        let mut plain = vec![message.flags];
        plain.extend_from_slice(&message.content.payload());
        message.inside.apply(&mut plain);
        let bytes = match message.wrap {
            Wrap::Sealed(flags) => {
                counter = counter.wrapping_add_signed(message.leap.into());
                let mut sealed = counter.to_be_bytes().to_vec();
                sealed.extend(seal(short(prefix, counter), peer, &TRANSIENT, &plain));
                let changed = message.outside.apply(&mut sealed);
                let bytes = frame(flags, "MESSAGE", &sealed);
                if let Some((flags, payload)) = plain.split_first()
                    && !changed
                    && counter > last
                {
                    let command = flags & 2 != 0;
                    let most = if command { limit.max(255) } else { limit };
                    end.feed(&bytes, now);
                    if payload.len() > most {
                        assert!(end.error.is_some(), "took what is too long");
                        break;
                    }
                    last = counter;
                    if end.error.is_some() {
                        assert!(command, "refused what it should not");
                        break;
                    }
                    match command {
                        true => expected.extend(meaning(payload)),
                        false => expected.push(Heard::Frame(flags & 1 == 1, payload.to_vec())),
                    }
                    sent.push(bytes);
                    continue;
                }
                bytes
            }
            Wrap::Open(flags) => {
                let mut bytes = vec![flags | 2];
                bytes.extend_from_slice(&(plain.len() as u64).to_be_bytes());
                bytes.extend_from_slice(&plain);
                bytes
            }
            Wrap::Again(index) => match sent.get(usize::from(index)) {
                Some(bytes) => bytes.clone(),
                None => continue,
            },
            Wrap::Mirrored => {
                let mut bytes = end.transmit();
                bytes.clear();
                end.engine
                    .encode_frame(&message.content.payload(), false, &mut bytes);
                bytes
            }
        };
        end.feed(&bytes, now);
        assert!(end.error.is_some(), "took what it should not");
        break;
    }
    assert_eq!(end.heard, expected);
}
