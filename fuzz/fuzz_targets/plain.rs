//! Commands with any payload in a PLAIN handshake and behind it, to the client and to the
//! server: who is let in, and as whom.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zincmq_fuzz::{Feed, Heard, Judge, Mechanism, Settings, command, greeting};
use zmtp::{Claim, Credentials};

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
    /// No command, but a message.
    Message(Vec<u8>),
    Other {
        name: u8,
        data: Vec<u8>,
    },
}

impl Command {
    fn frame(&self) -> Vec<u8> {
        let mut frame = command(&self.payload());
        if let Self::Message(_) = self {
            frame[0] = 2;
        }
        frame
    }

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
            Self::Message(payload) => payload.clone(),
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
    minor: u8,
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
    let mut script = greeting(input.minor, "PLAIN");
    for command in &input.commands {
        script.extend(command.frame());
    }
    let end = Feed::agree(config, input.judge, &script, usize::from(input.piece));
    let payloads: Vec<Vec<u8>> = input.commands.iter().map(Command::payload).collect();
    if let Some(claim) = &end.claim {
        let (username, password) = login(&payloads[0]).expect("what is judged was shown");
        let shown = Credentials::Plain { username, password };
        assert_eq!(claim.credentials(), shown);
    }
    let Some((Heard::Ready, heard)) = end.heard.split_first() else {
        assert_eq!(end.heard, [], "traffic before the handshake is over");
        return;
    };
    let [first, second, ..] = payloads.as_slice() else {
        panic!("let in too soon");
    };
    if input.server {
        assert!(end.claim.as_ref().is_some_and(is_plain));
        assert!(second.starts_with(b"\x08INITIATE"));
    } else {
        assert_eq!(first, b"\x07WELCOME");
        assert!(second.starts_with(b"\x05READY"));
    }
    let mut expected = input.commands[2..].iter().map(|command| match command {
        Command::Message(payload) => Some(Heard::Frame(false, payload.clone())),
        other => zincmq_fuzz::meaning(&other.payload()),
    });
    for heard in heard {
        assert_eq!(expected.by_ref().flatten().next().as_ref(), Some(heard));
    }
    if end.error.is_none() {
        assert_eq!(expected.flatten().next(), None, "not heard");
    }
});

fn is_plain(claim: &Claim) -> bool {
    matches!(claim.credentials(), Credentials::Plain { .. })
}

/// The name and password in a HELLO.
fn login(payload: &[u8]) -> Option<(&[u8], &[u8])> {
    let string = |bytes: &'_ [u8]| {
        let (len, rest) = bytes.split_first()?;
        (rest.len() >= usize::from(*len)).then(|| usize::from(*len))
    };
    let rest = payload.strip_prefix(b"\x05HELLO")?;
    let (username, rest) = rest[1..].split_at(string(rest)?);
    let (password, rest) = rest.get(1..)?.split_at(string(rest)?);
    rest.is_empty().then_some((username, password))
}
