//! Command frames with any payload, in the handshake and after it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zincmq_fuzz::{Feed, Kind, Settings};

fuzz_target!(|input: (Settings, Kind, bool, u8, Vec<Vec<u8>>)| {
    let (settings, kind, after, piece, commands) = input;
    let mut script = kind.opening();
    if !after {
        // Without the READY, or whatever ends the old versions' handshakes.
        script.truncate(64);
    }
    for command in commands {
        // The command, its name's length put right as far as there are bytes.
        let len = command.len().min(255);
        script.extend_from_slice(&[4, len as u8]);
        script.extend_from_slice(&command[..len]);
    }
    Feed::agree(&settings.config(), &script, usize::from(piece));
});
