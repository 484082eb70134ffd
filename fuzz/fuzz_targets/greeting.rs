//! Bytes from the very start of a connection.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zincmq_fuzz::{Feed, Judge, Settings};

fuzz_target!(|input: (Settings, u8, &[u8])| {
    let (settings, piece, script) = input;
    let mut config = settings.config();
    Feed::agree(&config, Judge::Accepts, script, usize::from(piece));
    config.minimum_version = zmtp::Version::V3_0;
    let mut behind = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03".to_vec();
    behind.extend_from_slice(script);
    Feed::agree(&config, Judge::Accepts, &behind, usize::from(piece));
});
