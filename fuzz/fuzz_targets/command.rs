//! Command frames with any payload, in the handshake and after it.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zincmq_fuzz::{Feed, Judge, Kind, Settings};

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
    for (name, data) in commands {
        let payload = [name.prefix(), &data].concat();
        script.push(6);
        script.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        script.extend_from_slice(&payload);
    }
    Feed::agree(
        &settings.config(),
        Judge::Accepts,
        &script,
        usize::from(piece),
    );
});
