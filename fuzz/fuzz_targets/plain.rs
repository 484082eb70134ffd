//! Commands with any payload in a PLAIN handshake, to the client and to the server.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zincmq_fuzz::{Feed, Judge, Mechanism, Settings};

#[derive(Debug, Arbitrary)]
enum Command {
    Hello {
        username: Vec<u8>,
        password: Vec<u8>,
    },
    Welcome,
    Initiate(Vec<u8>),
    Ready(Vec<u8>),
    Status(u16),
    Other {
        name: u8,
        data: Vec<u8>,
    },
}

impl Command {
    fn payload(&self) -> Vec<u8> {
        let string = |bytes: &[u8]| {
            let bytes = &bytes[..bytes.len().min(255)];
            [&[bytes.len() as u8], bytes].concat()
        };
        match self {
            Self::Hello { username, password } => {
                [b"\x05HELLO".to_vec(), string(username), string(password)].concat()
            }
            Self::Welcome => b"\x07WELCOME".to_vec(),
            Self::Initiate(metadata) => [&b"\x08INITIATE"[..], metadata].concat(),
            Self::Ready(metadata) => [&b"\x05READY"[..], metadata].concat(),
            Self::Status(code) => {
                [b"\x05ERROR".to_vec(), string(code.to_string().as_bytes())].concat()
            }
            Self::Other { name, data } => {
                let names = [
                    &b"\x05HELLO"[..],
                    b"\x07WELCOME",
                    b"\x08INITIATE",
                    b"\x05READY",
                    b"\x05ERROR",
                    b"",
                ];
                [names[usize::from(*name) % names.len()], data].concat()
            }
        }
    }
}

#[derive(Debug, Arbitrary)]
struct Input {
    settings: Settings,
    server: bool,
    judge: Judge,
    piece: u8,
    commands: Vec<Command>,
}

fuzz_target!(|input: Input| {
    let config = input.settings.config();
    let mut ends = [config.clone(), config];
    Mechanism::Plain.set(&mut ends);
    let config = &ends[usize::from(input.server)];
    let mut script = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01PLAIN".to_vec();
    script.resize(64, 0);
    for command in &input.commands {
        let payload = command.payload();
        script.push(6);
        script.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        script.extend_from_slice(&payload);
    }
    let end = Feed::agree(config, input.judge, &script, usize::from(input.piece));
    if input.server && input.judge != Judge::Accepts {
        assert_eq!(end.heard, [], "let in without a verdict");
    }
});
