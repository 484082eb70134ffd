//! Bytes after the handshake, from a peer of any version.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zincmq_fuzz::{Feed, Judge, Kind, Settings};

fuzz_target!(|input: (Settings, Kind, u8, &[u8])| {
    let (settings, kind, piece, bytes) = input;
    let mut script = kind.opening();
    script.extend_from_slice(bytes);
    let end = Feed::agree(
        &settings.config(),
        Judge::Accepts,
        &script,
        usize::from(piece),
    );
    assert_eq!(end.engine.is_ready(), kind.is_modern() || !settings.modern);
});
