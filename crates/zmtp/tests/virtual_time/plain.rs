//! PLAIN (RFC 24), between two engines and against scripts.

use std::time::{Duration, Instant};

use zmtp::{Config, CredentialTooLong, Error, Grant, Login, Security, SocketType, Verdict};

use crate::pair::Pair;
use crate::support::{End, Heard, accept, command, greeting, metadata, plain};

const SECOND: Duration = Duration::from_secs(1);

const MALFORMED_HELLO: u32 = 0x1000_0013;

/// An end that has the greeting of its peer.
fn greeted(config: Config) -> (End, Instant) {
    let now = Instant::now();
    let mut end = End::new(config, now);
    end.verdict = accept();
    end.receive(&greeting(3, 1, "PLAIN"), now);
    (end, now)
}

fn server() -> (End, Instant) {
    let (_, config) = plain(SocketType::Dealer, SocketType::Router);
    let (mut end, now) = greeted(config);
    end.transmit();
    (end, now)
}

fn client() -> (End, Instant) {
    let (config, _) = plain(SocketType::Dealer, SocketType::Router);
    greeted(config)
}

fn code(end: &End) -> Option<u32> {
    assert!(!end.heard.contains(&Heard::Ready));
    end.error.as_ref().expect("it was taken").code()
}

const HELLO: &[u8] = b"\x05admin\x06secret";

#[test]
fn the_handshake_goes_through_whatever_the_chunks() {
    for chunk in [1, 2, 7, 64, usize::MAX] {
        let (mut dealer, router) = plain(SocketType::Dealer, SocketType::Router);
        dealer.routing_id = b"me".to_vec();
        let mut pair = Pair::new(dealer, router);
        let grant = Grant {
            user_id: b"admin".to_vec(),
            metadata: Vec::new(),
        };
        pair.ends[1].verdict = Some(Verdict::Accept(grant.clone()));
        pair.chunk = chunk;
        pair.run(SECOND);
        for end in &pair.ends {
            assert_eq!(end.error, None);
            assert_eq!(end.heard, [Heard::Ready]);
            assert!(end.engine.is_transparent());
        }
        assert_eq!(pair.ends[1].asked, [("PLAIN", b"admin:secret".to_vec())]);
        assert_eq!(pair.ends[0].asked, []);
        let dealer = pair.ends[1].engine.peer().unwrap();
        assert_eq!(dealer.routing_id, b"me");
        assert_eq!(dealer.grant, Some(grant));
        pair.say(0, &[b"hello", b"world"]);
        pair.run(SECOND);
        assert_eq!(
            pair.ends[1].heard[1..],
            [
                Heard::Frame(true, b"hello".to_vec()),
                Heard::Frame(false, b"world".to_vec()),
            ]
        );
    }
}

#[test]
fn our_server_says_what_the_rfc_says() {
    let (mut end, now) = server();
    end.receive(&command("HELLO", HELLO), now);
    assert_eq!(end.transmit(), b"\x04\x08\x07WELCOME");
    end.receive(&command("INITIATE", &metadata("DEALER")), now);
    assert_eq!(
        end.transmit(),
        b"\x04\x29\x05READY\x0bSocket-Type\0\0\0\x06ROUTER\x08Identity\0\0\0\0"
    );
    assert_eq!(end.heard, [Heard::Ready]);
}

#[test]
fn our_client_says_what_the_rfc_says() {
    let (mut end, now) = client();
    let sent = end.transmit();
    assert_eq!(&sent[12..18], b"PLAIN\0");
    assert_eq!(sent[64..], command("HELLO", HELLO));
    end.receive(&command("WELCOME", b""), now);
    assert_eq!(
        end.transmit(),
        b"\x04\x2c\x08INITIATE\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0"
    );
    end.receive(&command("READY", &metadata("ROUTER")), now);
    assert_eq!(end.heard, [Heard::Ready]);
}

#[test]
fn names_and_passwords_may_be_empty_or_have_255_bytes_of_any_kind() {
    for (username, password) in [
        (Vec::new(), Vec::new()),
        (vec![0xff; 255], vec![0; 255]),
        (b"a".to_vec(), Vec::new()),
    ] {
        let (mut client, server) = plain(SocketType::Dealer, SocketType::Router);
        let login = Login::new(username.clone(), password.clone()).unwrap();
        client.security = Security::PlainClient(login);
        let mut pair = Pair::new(client, server);
        pair.ends[1].verdict = accept();
        pair.run(SECOND);
        let shown = [&username[..], b":", &password].concat();
        assert_eq!(pair.ends[1].asked, [("PLAIN", shown)]);
        assert_eq!(pair.ends[1].heard, [Heard::Ready]);
    }
    for (username, password, what) in [(256, 0, "username"), (0, 256, "password")] {
        let login = Login::new(vec![0; username], vec![0; password]);
        assert_eq!(login, Err(CredentialTooLong { what, len: 256 }));
    }
}

#[test]
fn row_03_hello_of_every_length() {
    for len in (0..HELLO.len()).chain(HELLO.len() + 1..600) {
        let (mut end, now) = server();
        let mut data = HELLO.to_vec();
        data.resize(len, 0);
        end.receive(&command("HELLO", &data), now);
        assert_eq!(code(&end), Some(MALFORMED_HELLO), "{len}");
        assert_eq!((end.asked.len(), end.transmit().len()), (0, 0));
    }
    for data in [&b"\xff"[..], b"\x00\xff", b"\x05admin\x07secret"] {
        let (mut end, now) = server();
        end.receive(&command("HELLO", data), now);
        assert_eq!(code(&end), Some(MALFORMED_HELLO));
    }
}

#[test]
fn commands_out_of_turn_are_refused() {
    let unexpected = Some(0x1000_0001);
    let initiate = command("INITIATE", b"");
    let hello = command("HELLO", HELLO);
    let error = command("ERROR", b"\x03400");
    let message = b"\0\x06\x05READY";
    for frame in [
        &initiate,
        &command("WELCOME", b""),
        &command("READY", b""),
        &error,
    ] {
        let (mut end, now) = server();
        end.receive(frame, now);
        assert_eq!(code(&end), unexpected);
        assert_eq!(end.asked, []);
    }
    for frame in [&hello, &command("READY", b""), &error] {
        let (mut end, now) = server();
        end.receive(&hello, now);
        end.receive(frame, now);
        assert_eq!(code(&end), unexpected);
    }
    for frame in [&hello, &initiate, &command("READY", b""), &message.to_vec()] {
        let (mut end, now) = client();
        end.receive(frame, now);
        assert_eq!(code(&end), unexpected);
    }
    let (mut end, now) = client();
    end.receive(&command("WELCOME", b""), now);
    end.receive(&command("WELCOME", b""), now);
    assert_eq!(code(&end), unexpected);
}

#[test]
fn welcome_has_no_data_and_metadata_its_grammar() {
    let (mut end, now) = client();
    end.receive(&command("WELCOME", b"x"), now);
    assert_eq!(code(&end), Some(0x1000_0017));
    let (mut end, now) = client();
    end.receive(&command("WELCOME", b""), now);
    end.receive(&command("READY", b"\x05X"), now);
    assert_eq!(code(&end), Some(0x1000_0018));
    let (mut end, now) = server();
    end.receive(&command("HELLO", HELLO), now);
    end.receive(&command("INITIATE", b"\x05X"), now);
    assert_eq!(code(&end), Some(0x1000_0018));
    assert!(end.error.unwrap().is_handshake());
}

#[test]
fn a_server_may_refuse_at_either_step() {
    for welcome in [&[][..], &command("WELCOME", b"")] {
        let (mut end, now) = client();
        end.receive(welcome, now);
        end.receive(&command("ERROR", b"\x03400"), now);
        assert_eq!(end.error.as_ref().unwrap().auth_status(), Some(400));
        // As libzmq 4.3.5 spells it.
        let (mut end, now) = client();
        end.receive(welcome, now);
        end.receive(b"\x04\x09^RROR\x03400", now);
        assert_eq!(end.error.as_ref().unwrap().auth_status(), Some(400));
        let (mut end, now) = client();
        end.receive(welcome, now);
        end.receive(&command("ERROR", b"\x04400"), now);
        assert_eq!(code(&end), Some(0x1000_0015));
    }
}

#[test]
fn an_unsuitable_client_is_told_why_but_not_an_unsuitable_server() {
    let (mut end, now) = server();
    end.receive(&command("HELLO", HELLO), now);
    end.transmit();
    end.receive(&command("INITIATE", &metadata("PUB")), now);
    assert!(matches!(end.error, Some(Error::IncompatiblePeer { .. })));
    let word = b"a ROUTER socket does not talk to a PUB peer";
    assert_eq!(
        end.transmit(),
        command("ERROR", &[&[43], &word[..]].concat())
    );

    let (mut end, now) = client();
    end.receive(&command("WELCOME", b""), now);
    end.transmit();
    end.receive(&command("READY", &metadata("PUB")), now);
    assert!(matches!(end.error, Some(Error::IncompatiblePeer { .. })));
    assert_eq!(end.transmit(), b"");
}
