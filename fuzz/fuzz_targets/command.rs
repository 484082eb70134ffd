//! Command frames with any payload, in the handshake and after it: what is heard of them,
//! what is answered, and how long the peer may be silent then.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zincmq_fuzz::{Feed, Heard, Judge, Kind, Settings, command, meaning};

#[derive(Debug, Arbitrary)]
enum Name {
    Ready,
    Error,
    Ping,
    Pong,
    Subscribe,
    Cancel,
    Join,
    Leave,
    /// The name's length, too, comes from the data.
    None,
}

impl Name {
    fn prefix(&self) -> &'static [u8] {
        match self {
            Self::Ready => b"\x05READY",
            Self::Error => b"\x05ERROR",
            Self::Ping => b"\x04PING",
            Self::Pong => b"\x04PONG",
            Self::Subscribe => b"\x09SUBSCRIBE",
            Self::Cancel => b"\x06CANCEL",
            Self::Join => b"\x04JOIN",
            Self::Leave => b"\x05LEAVE",
            Self::None => b"",
        }
    }
}

#[derive(Debug, Arbitrary)]
struct Input {
    settings: Settings,
    kind: Kind,
    /// Whether READY ends the handshake of 3.x first.
    ready: bool,
    piece: u8,
    commands: Vec<(Name, Vec<u8>)>,
}

fuzz_target!(|input: Input| {
    let Input {
        settings,
        kind,
        ready,
        piece,
        commands,
    } = input;
    let mut script = kind.opening();
    if !ready {
        // Without the READY that ends the handshake of 3.x.
        script.truncate(64);
    }
    let payloads: Vec<Vec<u8>> = commands
        .iter()
        .map(|(name, data)| [name.prefix(), data].concat())
        .collect();
    for payload in &payloads {
        script.extend(command(payload));
    }
    let mut end = Feed::agree(
        &settings.config(),
        Judge::Accepts,
        &script,
        usize::from(piece),
    );
    if !ready || !kind.is_modern() {
        return;
    }
    let mut expected = vec![Heard::Ready];
    expected.extend(payloads.iter().filter_map(|payload| meaning(payload)));
    assert!(expected.starts_with(&end.heard));
    if end.error.is_some() {
        return;
    }
    assert_eq!(end.heard, expected);
    let pings = payloads
        .iter()
        .filter_map(|payload| payload.strip_prefix(b"\x04PING"));
    let (mut pongs, mut last_ttl) = (Vec::new(), 0);
    for ping in pings {
        let (ttl, context) = ping.split_first_chunk().expect("it was taken");
        last_ttl = u16::from_be_bytes(*ttl);
        let context = &context[..context.len().min(16)];
        if pongs.len() < MOST_PONGS {
            pongs.extend_from_slice(&[4, 5 + context.len() as u8]);
            pongs.extend_from_slice(b"\x04PONG");
            pongs.extend_from_slice(context);
        }
    }
    let said = end.transmit();
    let before = said.strip_suffix(pongs.as_slice()).expect("the contexts");
    assert!(!before.windows(5).any(|bytes| bytes == b"\x04PONG"));
    let interval = settings.heartbeat.map_or(0, |(interval, ..)| interval);
    if interval == 0 {
        let limit = Duration::from_millis(100) * u32::from(last_ttl);
        let next = (last_ttl > 0).then(|| end.start + limit);
        assert_eq!(end.engine.next_timeout(), next);
    }
});

/// Answers beyond that are not given to a peer that does not take them.
const MOST_PONGS: usize = 4096;
