//! Peers that hold valid keys of CURVE and misuse them, rows 1, 3, 9 and 10 of the
//! faults to survive; and peers that lie about who they are.

use std::time::Instant;

use zmtp::{Config, CurveClient, Error, PublicKey, Security, SocketType};

use crate::curve::served;
use crate::curve_peer::{Client, Server, Welcomed, public, seal};
use crate::support::{End, Heard, accept, command, curve, greeting, keys, metadata};

/// A server that waits for HELLO, and a client that knows it.
fn greeted() -> (End, Client, Instant) {
    let now = Instant::now();
    let (_, config) = curve(SocketType::Dealer, SocketType::Router);
    let mut end = End::new(config, now);
    end.verdict = accept();
    end.receive(&greeting(3, 1, "CURVE"), now);
    end.transmit();
    (end, Client::new(*keys(4).public().as_bytes()), now)
}

/// A server that waits for INITIATE.
fn welcomed() -> (End, Client, Welcomed, Instant) {
    let (mut end, client, now) = greeted();
    end.receive(&command("HELLO", &client.hello(1)), now);
    let welcomed = client.welcomed(&end.transmit());
    (end, client, welcomed, now)
}

/// The code of the error that the end came to. It let nobody in and says nothing.
fn refused(end: &mut End) -> u32 {
    let error = end.error.clone().expect("it was taken");
    assert!(!end.heard.contains(&Heard::Ready), "{:?}", end.heard);
    assert_eq!(end.transmit(), b"", "{error}");
    error.code().unwrap_or_else(|| panic!("no code: {error}"))
}

fn hello(change: impl FnOnce(&mut Vec<u8>)) -> u32 {
    let (mut end, client, now) = greeted();
    let mut data = client.hello(1);
    change(&mut data);
    end.receive(&command("HELLO", &data), now);
    refused(&mut end)
}

fn initiate(change: impl FnOnce(&mut Vec<u8>)) -> u32 {
    let (mut end, client, to, now) = welcomed();
    let mut data = client.initiate(&to, 2, &client.honest_vouch(&to), &metadata("DEALER"));
    change(&mut data);
    end.receive(&command("INITIATE", &data), now);
    assert_eq!(end.asked, []);
    refused(&mut end)
}

const UNEXPECTED: u32 = 0x1000_0001;
const SEQUENCE: u32 = 0x1000_0002;
const KEY_EXCHANGE: u32 = 0x1000_0003;
const MALFORMED: u32 = 0x1000_0011;
const MALFORMED_HELLO: u32 = 0x1000_0013;
const MALFORMED_INITIATE: u32 = 0x1000_0014;
const MALFORMED_ERROR: u32 = 0x1000_0015;
const MALFORMED_READY: u32 = 0x1000_0016;
const MALFORMED_WELCOME: u32 = 0x1000_0017;
const METADATA: u32 = 0x1000_0018;
const CRYPTOGRAPHIC: u32 = 0x1100_0001;

#[test]
fn row_03_hello_of_every_length() {
    for len in 0..260 {
        if len != 194 {
            assert_eq!(hello(|data| data.resize(len, 0)), MALFORMED_HELLO, "{len}");
        }
    }
}

#[test]
fn hello_is_checked_in_all_its_fields() {
    assert_eq!(hello(|data| data[0] = 2), MALFORMED_HELLO);
    assert_eq!(hello(|data| data[1] = 1), MALFORMED_HELLO);
    assert_eq!(hello(|data| data[2] = 1), MALFORMED_HELLO);
    assert_eq!(hello(|data| data[73] = 1), MALFORMED_HELLO);
    // Key, nonce, box.
    for index in [74, 105, 106, 113, 114, 193] {
        assert_eq!(hello(|data| data[index] ^= 1), CRYPTOGRAPHIC, "{index}");
    }
    // With this key anybody shares the same.
    assert_eq!(hello(|data| data[74..106].fill(0)), CRYPTOGRAPHIC);
    // A box that opens, with something else in it.
    let (mut end, client, now) = greeted();
    let mut data = client.hello(1);
    let nonce = *b"CurveZMQHELLO---\0\0\0\0\0\0\0\x01";
    let sealed = seal(nonce, &client.server, &client.transient, &[1; 64]);
    data[114..].copy_from_slice(&sealed);
    end.receive(&command("HELLO", &data), now);
    assert_eq!(refused(&mut end), MALFORMED_HELLO);
}

#[test]
fn hello_for_another_server_does_not_open() {
    let (mut end, _, now) = greeted();
    let stranger = Client::new(*keys(9).public().as_bytes());
    end.receive(&command("HELLO", &stranger.hello(1)), now);
    assert_eq!(refused(&mut end), CRYPTOGRAPHIC);
}

#[test]
fn row_03_initiate_of_every_length() {
    let (_, client, to, _) = welcomed();
    let whole = client.initiate(&to, 2, &client.honest_vouch(&to), &metadata("DEALER"));
    for len in 0..whole.len() {
        let expected = match len {
            0..248 => MALFORMED_INITIATE,
            _ => CRYPTOGRAPHIC,
        };
        assert_eq!(initiate(|data| data.truncate(len)), expected, "{len}");
    }
    for more in [1, 100, 30_000] {
        let longer = |data: &mut Vec<u8>| data.resize(data.len() + more, 0);
        assert_eq!(initiate(longer), CRYPTOGRAPHIC, "{more}");
    }
}

#[test]
fn row_01_a_handshake_beyond_its_bounds_is_refused_from_the_header() {
    for size in [zmtp::Engine::MAX_HANDSHAKE, 1 << 30, (1 << 62) - 1] {
        let (mut end, _, _, now) = welcomed();
        end.receive(&[6], now);
        end.receive(&u64::to_be_bytes(size), now);
        assert!(matches!(end.error, Some(Error::HandshakeTooLarge { .. })));
    }
}

#[test]
fn row_09_a_flipped_bit_anywhere_in_the_handshake() {
    for index in 0..194 {
        for bit in 0..8 {
            let code = hello(|data| data[index] ^= 1 << bit);
            // The highest bit of a key on Curve25519 has no meaning, but is vouched for
            // later; all the rest shows at once.
            assert!(code == CRYPTOGRAPHIC || code == MALFORMED_HELLO, "{index}");
            if index == 105 && bit == 6 {
                break;
            }
        }
    }
    let (_, client, to, _) = welcomed();
    let len = client.initiate(&to, 2, &[0; 96], &metadata("DEALER")).len();
    for index in 0..len {
        let code = initiate(|data| data[index] ^= 1 << (index % 8));
        assert!(code == CRYPTOGRAPHIC || code == SEQUENCE, "{index}");
    }
}

#[test]
fn row_10_a_cookie_of_another_connection_is_refused() {
    let (mut first, client, to_first, now) = welcomed();
    let (mut second, _, to_second, _) = welcomed();
    // The client is the same, and so are both its keys.
    let stolen = Welcomed {
        cookie: to_first.cookie.clone(),
        server: to_second.server,
    };
    for to in [&stolen, &to_first] {
        let (mut second, ..) = welcomed();
        let data = client.initiate(to, 2, &client.honest_vouch(to), b"");
        second.receive(&command("INITIATE", &data), now);
        assert_eq!(refused(&mut second), CRYPTOGRAPHIC);
    }
    for (end, to) in [(&mut first, &to_first), (&mut second, &to_second)] {
        let data = client.initiate(to, 2, &client.honest_vouch(to), b"");
        end.receive(&command("INITIATE", &data), now);
        assert_eq!(end.heard, [Heard::Ready]);
    }
}

#[test]
fn row_10_a_forged_cookie_is_refused() {
    // As if the server's secret were the client's to choose.
    let (mut end, client, mut to, now) = welcomed();
    let mut cookie = vec![0; 16];
    let plain = [public(&client.transient), [5; 32]].concat();
    cookie.extend(seal(
        *b"COOKIE--0000000000000000",
        &client.server,
        &[5; 32],
        &plain,
    ));
    to.cookie = cookie;
    to.server = public(&[5; 32]);
    let data = client.initiate(&to, 2, &client.honest_vouch(&to), b"");
    end.receive(&command("INITIATE", &data), now);
    assert_eq!(refused(&mut end), CRYPTOGRAPHIC);
}

#[test]
fn row_10_a_vouch_must_name_this_server_and_these_keys() {
    let vouched = |client_key: [u8; 32], server_key: [u8; 32]| {
        let (mut end, client, to, now) = welcomed();
        let vouch = client.vouch(&to, &client_key, &server_key);
        let data = client.initiate(&to, 2, &vouch, b"");
        end.receive(&command("INITIATE", &data), now);
        assert_eq!(end.asked, []);
        refused(&mut end)
    };
    let (_, client, ..) = welcomed();
    let (ours, server) = (public(&client.transient), client.server);
    let another = public(&[8; 32]);
    assert_eq!(vouched(another, server), KEY_EXCHANGE);
    assert_eq!(vouched(ours, another), KEY_EXCHANGE);
    assert_eq!(vouched(server, ours), KEY_EXCHANGE);
}

#[test]
fn a_vouch_by_another_than_the_key_shown_does_not_open() {
    // An impostor shows the public key of somebody, without the secret one.
    let (mut end, client, to, now) = welcomed();
    let impostor = Client {
        permanent: [6; 32],
        ..client.clone()
    };
    let vouch = impostor.honest_vouch(&to);
    let data = client.initiate(&to, 2, &vouch, b"");
    end.receive(&command("INITIATE", &data), now);
    assert_eq!(refused(&mut end), CRYPTOGRAPHIC);
    assert_eq!(end.asked, []);
}

#[test]
fn metadata_is_checked_before_anybody_is_asked() {
    let told = |metadata: &[u8]| {
        let (mut end, client, to, now) = welcomed();
        let data = client.initiate(&to, 2, &client.honest_vouch(&to), metadata);
        end.receive(&command("INITIATE", &data), now);
        assert_eq!(end.asked, []);
        // Nor does a word of it go over the wire in the open.
        assert_eq!(end.transmit(), b"");
        end.error.expect("it was taken")
    };
    assert_eq!(told(b"\x05X").code(), Some(METADATA));
    assert!(matches!(
        told(&metadata("PUB")),
        Error::IncompatiblePeer { .. }
    ));
}

#[test]
fn row_09_nonces_of_the_handshake_must_rise() {
    for (hello, initiate) in [(1, 1), (1, 0), (7, 6), (u64::MAX, u64::MAX)] {
        let (mut end, client, now) = greeted();
        end.receive(&command("HELLO", &client.hello(hello)), now);
        let to = client.welcomed(&end.transmit());
        let data = client.initiate(&to, initiate, &client.honest_vouch(&to), b"");
        end.receive(&command("INITIATE", &data), now);
        assert_eq!(refused(&mut end), SEQUENCE);
    }
    for ready in [1, u64::MAX] {
        let (mut end, server, client, now) = initiated();
        end.receive(&command("READY", &server.ready(&client, ready, b"")), now);
        assert_eq!(end.heard, [Heard::Ready]);
        end.receive(&server.message(&client, ready, 0, b"replayed"), now);
        assert_eq!(end.error.unwrap().code(), Some(SEQUENCE));
        assert_eq!(end.heard, [Heard::Ready]);
    }
}

#[test]
fn row_09_a_replayed_reordered_or_changed_message_ends_the_connection() {
    let config = || Config::new(SocketType::Router);
    let (mut end, client, to, now) = served(config(), 1);
    let [a, b, c] = [3, 4, 5].map(|counter| client.message(&to, counter, 0, &[counter as u8]));
    let heard = [Heard::Frame(false, vec![3])];
    end.receive(&a, now);
    end.receive(&a, now);
    assert_eq!(end.heard, heard);
    assert_eq!(end.error.clone().unwrap().code(), Some(SEQUENCE));
    end.receive(&b, now);
    assert_eq!(end.heard, heard);

    let (mut end, ..) = served(config(), 1);
    end.receive(&a, now);
    assert_eq!(end.error.unwrap().code(), Some(CRYPTOGRAPHIC), "other keys");

    let (mut end, client, to, _) = served(config(), 1);
    let [a, b] = [3, 4].map(|counter| client.message(&to, counter, 0, &[counter as u8]));
    end.receive(&[b, a].concat(), now);
    assert_eq!(end.heard, [Heard::Frame(false, vec![4])]);
    assert_eq!(end.error.unwrap().code(), Some(SEQUENCE));

    for index in 2..c.len() {
        for bit in 0..8 {
            let (mut end, client, to, _) = served(config(), 1);
            let mut frame = client.message(&to, 5, 0, b"\x05");
            frame[index] ^= 1 << bit;
            end.receive(&frame, now);
            assert_eq!(end.heard, [], "byte {index}, bit {bit}");
            assert!(end.error.is_some(), "byte {index}, bit {bit}");
        }
    }
}

#[test]
fn messages_in_the_open_are_refused_before_and_after() {
    let open = [
        &b"\0\x06sneaky"[..],
        b"\x04\x05\x04PING",
        b"\x04\x0e\x09SUBSCRIBEnews",
    ];
    for frame in open {
        let (mut end, _, now) = greeted();
        end.receive(frame, now);
        refused(&mut end);
        let (mut end, _, _, now) = welcomed();
        end.receive(frame, now);
        refused(&mut end);
        let (mut end, _, _, now) = served(Config::new(SocketType::Router), 1);
        end.receive(frame, now);
        assert_eq!(end.heard, []);
        let code = end.error.unwrap().code().unwrap();
        assert!([UNEXPECTED, MALFORMED].contains(&code), "{code:#x}");
    }
}

#[test]
fn commands_out_of_turn_are_refused() {
    let (_, client, to, _) = welcomed();
    let hello = command("HELLO", &client.hello(1));
    let welcome = command("WELCOME", &[0; 160]);
    let ready = command("READY", b"");
    let message = client.message(&to, 3, 0, b"early");
    let initiate = |client: &Client, to: &Welcomed| {
        let data = client.initiate(to, 2, &client.honest_vouch(to), b"");
        command("INITIATE", &data)
    };
    for frame in [&welcome, &ready, &message, &initiate(&client, &to)] {
        let (mut end, _, now) = greeted();
        end.receive(frame, now);
        assert_eq!(refused(&mut end), UNEXPECTED);
    }
    for frame in [&hello, &welcome, &ready, &message] {
        let (mut end, _, _, now) = welcomed();
        end.receive(frame, now);
        assert_eq!(refused(&mut end), UNEXPECTED);
    }
    for name in ["HELLO", "INITIATE", "READY", "ERROR"] {
        let (mut end, _, _, now) = served(Config::new(SocketType::Router), 1);
        end.receive(&command(name, &[0; 194]), now);
        assert_eq!(end.error.unwrap().code(), Some(UNEXPECTED));
    }
}

#[test]
fn a_client_has_no_errors_to_tell() {
    for data in [&b"\x03400"[..], b"\x0agone away!", b""] {
        let error = command("ERROR", data);
        let (mut end, _, now) = greeted();
        end.receive(&error, now);
        assert_eq!(refused(&mut end), UNEXPECTED);
        let (mut end, _, _, now) = welcomed();
        end.receive(&error, now);
        assert_eq!(refused(&mut end), UNEXPECTED);
    }
}

/// Our client, whose HELLO is out, and a server that has it.
fn called() -> (End, Server, [u8; 32], Instant) {
    let now = Instant::now();
    let (config, _) = curve(SocketType::Dealer, SocketType::Router);
    let mut end = End::new(config, now);
    end.receive(&greeting(3, 1, "CURVE"), now);
    let server = Server::new([4; 32]);
    let client = server.hello(&end.transmit()[64..]);
    (end, server, client, now)
}

/// Our client, whose INITIATE is out.
fn initiated() -> (End, Server, [u8; 32], Instant) {
    let (mut end, server, client, now) = called();
    let welcome = server.welcome(&client, &[0; 96]);
    end.receive(&command("WELCOME", &welcome), now);
    server.initiated(&client, &[0; 96], &end.transmit());
    (end, server, client, now)
}

#[test]
fn row_03_welcome_and_ready_of_every_length() {
    for len in 0..300 {
        let (mut end, server, client, now) = called();
        let mut data = server.welcome(&client, &[0; 96]);
        if len != data.len() {
            data.resize(len, 0);
            end.receive(&command("WELCOME", &data), now);
            assert_eq!(refused(&mut end), MALFORMED_WELCOME, "{len}");
        }
    }
    let (_, server, client, _) = initiated();
    let whole = server.ready(&client, 1, &metadata("ROUTER")).len();
    for len in (0..300).filter(|len| *len != whole) {
        let (mut end, server, client, now) = initiated();
        let mut data = server.ready(&client, 1, &metadata("ROUTER"));
        data.resize(len, 0);
        end.receive(&command("READY", &data), now);
        let expected = if len < 24 {
            MALFORMED_READY
        } else {
            CRYPTOGRAPHIC
        };
        assert_eq!(refused(&mut end), expected, "{len}");
    }
}

#[test]
fn a_server_with_another_key_cannot_answer() {
    let (mut end, _, client, now) = called();
    let impostor = Server::new([9; 32]);
    end.receive(
        &command("WELCOME", &impostor.welcome(&client, &[0; 96])),
        now,
    );
    assert_eq!(refused(&mut end), CRYPTOGRAPHIC);
    let (mut end, _, client, now) = initiated();
    let impostor = Server {
        transient: [9; 32],
        ..Server::new([4; 32])
    };
    end.receive(&command("READY", &impostor.ready(&client, 1, b"")), now);
    assert_eq!(refused(&mut end), CRYPTOGRAPHIC);
    // A transient key with which any two share the same.
    let (mut end, server, client, now) = called();
    let plain = [0; 32 + 96];
    let nonce = *b"WELCOME-0123456789abcdef";
    let sealed = seal(nonce, &client, &server.permanent, &plain);
    end.receive(&command("WELCOME", &[&nonce[8..], &sealed].concat()), now);
    assert_eq!(refused(&mut end), CRYPTOGRAPHIC);
}

#[test]
fn metadata_of_a_server_is_checked() {
    let (mut end, server, client, now) = initiated();
    end.receive(&command("READY", &server.ready(&client, 1, b"\x05X")), now);
    assert_eq!(refused(&mut end), METADATA);
    let (mut end, server, client, now) = initiated();
    let ready = server.ready(&client, 1, &metadata("PUB"));
    end.receive(&command("READY", &ready), now);
    assert!(matches!(end.error, Some(Error::IncompatiblePeer { .. })));
    assert_eq!(end.transmit(), b"");
}

#[test]
fn a_server_may_refuse_at_either_step() {
    for (data, status) in [
        (&b"\x03400"[..], Some(400)),
        (b"\x03500", Some(500)),
        (b"\x00", None),
    ] {
        for (mut end, now) in [called(), initiated()].map(|(end, _, _, now)| (end, now)) {
            end.receive(&command("ERROR", data), now);
            let error = end.error.clone().unwrap();
            assert!(matches!(error, Error::PeerRefused { .. }));
            assert_eq!(error.auth_status(), status);
            assert_eq!(end.transmit(), b"");
        }
    }
    for (mut end, now) in [called(), initiated()].map(|(end, _, _, now)| (end, now)) {
        end.receive(&command("ERROR", b"\x09short"), now);
        assert_eq!(refused(&mut end), MALFORMED_ERROR);
    }
}

#[test]
fn two_clients_or_two_servers_come_to_nothing() {
    let now = Instant::now();
    let (config, _) = curve(SocketType::Dealer, SocketType::Dealer);
    let mut ends = [End::new(config.clone(), now), End::new(config, now)];
    for end in &mut ends {
        end.receive(&greeting(3, 1, "CURVE"), now);
    }
    let hello = ends[0].transmit().split_off(64);
    ends[1].transmit();
    ends[1].receive(&hello, now);
    assert_eq!(refused(&mut ends[1]), UNEXPECTED);
    // A server waits for HELLO, and the handshake for its end.
    let (mut end, _, now) = greeted();
    let due = end.engine.next_timeout().unwrap();
    assert!(due > now);
    let error = end.engine.handle_timeout(due).unwrap_err();
    assert!(matches!(error, Error::HandshakeTimeout { .. }));
}

#[test]
fn a_server_key_that_anybody_has_is_not_used() {
    let now = Instant::now();
    let mut config = Config::new(SocketType::Dealer);
    let server_key = PublicKey::from_bytes([0; 32]);
    config.security = Security::CurveClient(CurveClient::new(&keys(3), server_key));
    let mut end = End::new(config, now);
    end.receive(&greeting(3, 1, "CURVE"), now);
    assert_eq!(end.error, Some(Error::WeakServerKey));
    // The greeting is out, no HELLO.
    assert_eq!(end.transmit().len(), 64);
}
