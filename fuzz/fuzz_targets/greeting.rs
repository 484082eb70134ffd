//! Bytes from the very start of a connection, whatever we are set to.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zincmq_fuzz::{Feed, Heard, Judge, Mechanism, Settings, greeting};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    settings: Settings,
    mechanism: Mechanism,
    server: bool,
    judge: Judge,
    minor: u8,
    piece: u8,
    script: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let config = input.settings.config();
    let mut ends = [config.clone(), config];
    input.mechanism.set(&mut ends);
    let config = &ends[usize::from(input.server)];
    let name = match input.mechanism {
        Mechanism::Null | Mechanism::NullJudged => "NULL",
        Mechanism::Plain => "PLAIN",
        Mechanism::Curve => "CURVE",
    };
    let behind = [&greeting(input.minor, name), input.script].concat();
    for script in [input.script, &behind] {
        let end = Feed::agree(config, input.judge, script, usize::from(input.piece));
        if input.mechanism == Mechanism::Curve {
            assert!(!end.heard.contains(&Heard::Ready), "let in without a key");
        }
    }
});
