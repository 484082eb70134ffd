//! What is said to a SOCKS5 proxy, byte by byte, against RFC 1928 and 1929.

use proptest::prelude::*;

use super::*;
use crate::transport::socks::{Destination, Handshake, SocksError, Turn};

fn options(login: Option<(&str, &str)>) -> TransportOptions {
    TransportOptions {
        socks_username: login.map(|(username, _)| username.to_owned()),
        socks_password: login.map_or("", |(_, password)| password).into(),
        ..TransportOptions::default()
    }
}

fn destination(text: &str) -> Result<Destination, EndpointError> {
    match endpoint(text) {
        Endpoint::Tcp(tcp) => Destination::of(&tcp),
        other => panic!("{other} is not tcp"),
    }
}

fn handshake(to: &str, login: Option<(&str, &str)>) -> Handshake {
    Handshake::new(&destination(to).unwrap(), &options(login))
}

/// A proxy that says `script` in pieces that end at `cuts`, and takes a few
/// bytes at a time; then it hangs up. What it was told and how much of what
/// it said was read, and how that ended.
fn converse(
    mut handshake: Handshake,
    script: &[u8],
    cuts: &[usize],
    takes: usize,
) -> (Vec<u8>, usize, Result<(), SocksError>) {
    let mut told = Vec::new();
    let mut read = 0;
    loop {
        match handshake.turn() {
            Turn::Write(bytes) => {
                let count = bytes.len().min(takes);
                told.extend(&bytes[..count]);
                handshake.wrote(count);
            }
            Turn::Read(room) => {
                let end = cuts
                    .iter()
                    .copied()
                    .find(|&cut| cut > read)
                    .unwrap_or(script.len());
                let count = room.len().min(end - read);
                assert!(!room.is_empty());
                room[..count].copy_from_slice(&script[read..read + count]);
                read += count;
                if let Err(error) = handshake.read(count) {
                    return (told, read, Err(error));
                }
            }
            Turn::Done => return (told, read, Ok(())),
        }
    }
}

/// A handshake, what it tells the proxy, and what it is told when all is well.
struct Case {
    to: &'static str,
    login: Option<(&'static str, &'static str)>,
    tells: Vec<u8>,
    is_told: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let login: &[u8] = b"\x01\x04user\x06secret";
    let v4: &[u8] = b"\x05\x01\x00\x01\xc0\x00\x02\x01\x15\xb3";
    let v6: &[u8] = b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50";
    let name: &[u8] = b"\x05\x01\x00\x03\x0bexample.org\x01\xbb";
    let bound_v4: &[u8] = b"\x05\x00\x00\x01\x0a\x00\x00\x01\xd9\x03";
    let bound_v6: &[u8] = b"\x05\x00\x00\x04abcdefghijklmnop\xd9\x03";
    let bound_name: &[u8] = b"\x05\x00\x00\x03\x04here\xd9\x03";
    let nameless: &[u8] = b"\x05\x00\x00\x03\x00\xd9\x03";
    let longest = [b"\x05\x00\x00\x03\xff", &[b'n'; 255][..], b"\xd9\x03"].concat();
    let user = Some(("user", "secret"));
    let mut cases = Vec::new();
    for (to, request, reply) in [
        ("tcp://192.0.2.1:5555", v4, bound_v4),
        ("tcp://[2001:db8::1]:80", v6, bound_v6),
        ("tcp://2001:db8::1:80", v6, bound_v4),
        ("tcp://example.org:443", name, bound_name),
        ("tcp://example.org:443", name, nameless),
        // The source is for the way to the proxy.
        ("tcp://127.0.0.1:0;example.org:443", name, &longest),
    ] {
        cases.push(Case {
            to,
            login: None,
            tells: [b"\x05\x01\x00", request].concat(),
            is_told: [b"\x05\x00", reply].concat(),
        });
        cases.push(Case {
            to,
            login: user,
            tells: [b"\x05\x01\x02", login, request].concat(),
            is_told: [b"\x05\x02\x01\x00", reply].concat(),
        });
    }
    cases.push(Case {
        to: "tcp://192.0.2.1:5555",
        login: Some(("user", "")),
        tells: [b"\x05\x01\x02\x01\x04user\x00", v4].concat(),
        is_told: [b"\x05\x02\x01\x00", bound_v4].concat(),
    });
    cases
}

#[test]
fn the_conversation_is_the_rfcs_wherever_it_is_cut() {
    for case in cases() {
        let start = || handshake(case.to, case.login);
        let length = case.is_told.len();
        // The peer speaks right behind the proxy.
        let script = [&case.is_told[..], b"\xff\0\0\0\0\0\0\0\x01\x7f"].concat();
        let one_by_one: Vec<usize> = (1..script.len()).collect();
        let mut ways = vec![Vec::new(), one_by_one];
        ways.extend((1..script.len()).map(|cut| vec![cut]));
        for cuts in &ways {
            let (told, read, end) = converse(start(), &script, cuts, usize::MAX);
            assert_eq!(end, Ok(()), "{} cut at {cuts:?}", case.to);
            assert_eq!(told, case.tells, "{} cut at {cuts:?}", case.to);
            assert_eq!(read, length, "{} cut at {cuts:?}", case.to);
        }
        for takes in 1..case.tells.len() {
            let (told, read, end) = converse(start(), &script, &[], takes);
            assert_eq!((told, read, end), (case.tells.clone(), length, Ok(())));
        }
    }
}

#[test]
fn a_proxy_may_hang_up_at_any_byte() {
    for case in cases() {
        for end in 0..case.is_told.len() {
            let script = &case.is_told[..end];
            let (told, read, result) = converse(handshake(case.to, case.login), script, &[], 999);
            assert_eq!(result, Err(SocksError::HungUp), "{} at {end}", case.to);
            assert_eq!(read, end);
            assert!(case.tells.starts_with(&told));
        }
    }
}

#[test]
fn what_is_wrong_ends_it_at_that_byte() {
    let refused = |reply| SocksError::Refused { reply };
    let nobody = None;
    let user = Some(("user", "secret"));
    for (login, script, error) in [
        (nobody, &b"\x04"[..], SocksError::Version(4)),
        (nobody, b"H", SocksError::Version(b'H')),
        (nobody, b"\x05\xff", SocksError::WantsLogin),
        (user, b"\x05\xff", SocksError::TakesNoLogin),
        (nobody, b"\x05\x02", SocksError::NotOffered(2)),
        (nobody, b"\x05\x01", SocksError::NotOffered(1)),
        // A password that was to be checked must not go unchecked.
        (user, b"\x05\x00", SocksError::NotOffered(0)),
        (user, b"\x05\x02\x05", SocksError::LoginVersion(5)),
        (user, b"\x05\x02\x01\x01", SocksError::LoginRefused(1)),
        (user, b"\x05\x02\x01\xff", SocksError::LoginRefused(255)),
        (user, b"\x05\x02\x01\x00\x05\x05", refused(5)),
        (nobody, b"\x05\x00\x01", SocksError::Version(1)),
        (nobody, b"\x05\x00\x05\x01", refused(1)),
        (nobody, b"\x05\x00\x05\x09", refused(9)),
        (nobody, b"\x05\x00\x05\x00\x01", SocksError::Reserved(1)),
        (
            nobody,
            b"\x05\x00\x05\x00\x00\x00",
            SocksError::AddressType(0),
        ),
        (
            nobody,
            b"\x05\x00\x05\x00\x00\x02",
            SocksError::AddressType(2),
        ),
    ] {
        // What comes behind it makes no difference.
        for rest in [&b""[..], b"\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"] {
            let all = [script, rest].concat();
            let each: Vec<usize> = (1..all.len()).collect();
            // If several bytes come at once, the first wrong one counts.
            let (_, _, end) = converse(handshake("tcp://a:1", login), &all, &[], 999);
            assert_eq!(end, Err(error), "{}", all.escape_ascii());
            let (_, read, end) = converse(handshake("tcp://a:1", login), &all, &each, 999);
            assert_eq!((read, end), (script.len(), Err(error)));
        }
    }
}

#[test]
fn errors_name_the_reason_and_have_the_kind_of_it() {
    for (error, kind, says) in [
        (
            SocksError::Refused { reply: 5 },
            io::ErrorKind::ConnectionRefused,
            "connection refused",
        ),
        (
            SocksError::Refused { reply: 4 },
            io::ErrorKind::HostUnreachable,
            "host unreachable",
        ),
        (
            SocksError::Refused { reply: 77 },
            io::ErrorKind::Other,
            "77",
        ),
        (
            SocksError::LoginRefused(1),
            io::ErrorKind::PermissionDenied,
            "password",
        ),
        (
            SocksError::Version(72),
            io::ErrorKind::InvalidData,
            "no SOCKS5 proxy",
        ),
    ] {
        let error = io::Error::from(error);
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn what_a_proxy_cannot_be_asked_for_is_refused_at_once() {
    let long = format!("tcp://{}:1", "n".repeat(256));
    for (text, says) in [
        ("tcp://host:0", "0 is no port"),
        ("tcp://127.0.0.1:0", "0 is no port"),
        ("tcp://[fe80::1%eth0]:5", "zone"),
        ("tcp://host%3:5", "zone"),
        (long.as_str(), "255 bytes"),
    ] {
        let error = destination(text).unwrap_err();
        let address = text.strip_prefix("tcp://").unwrap();
        for part in [says, address] {
            assert!(error.to_string().contains(part), "{error}");
        }
        let through = TransportOptions {
            socks_proxy: Some("127.0.0.1:1080".to_owned()),
            ..TransportOptions::default()
        };
        assert!(check_dial(&endpoint(text), &through).is_err(), "{text}");
        let straight = TransportOptions::default();
        assert!(check_dial(&endpoint(text), &straight).is_ok(), "{text}");
    }
    destination(&format!("tcp://{}:1", "n".repeat(255))).unwrap();
}

#[test]
fn the_proxy_is_what_is_looked_up_and_dialled() {
    let through = |proxy: &str| TransportOptions {
        socks_proxy: Some(proxy.to_owned()),
        ..TransportOptions::default()
    };
    let resolved = |to: &str, proxy: &str| resolve(&endpoint(to), &through(proxy)).unwrap();

    // A name that nobody but the proxy could know.
    let to = "tcp://nobody.invalid:5555";
    assert!(!needs_resolver(&endpoint(to), &through("127.0.0.1:1080")));
    assert!(needs_resolver(&endpoint(to), &TransportOptions::default()));
    let targets = resolved(to, "127.0.0.1:1080");
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0].endpoint, "tcp://127.0.0.1:1080");
    assert!(targets[0].source.is_none());

    let to = "tcp://[::1]:5555";
    assert!(needs_resolver(&endpoint(to), &through("localhost:1080")));
    // The option IPV6 is about the way to the proxy.
    assert_eq!(
        resolved(to, "localhost:1080")[0].endpoint,
        "tcp://127.0.0.1:1080"
    );
    assert!(resolve(&endpoint(to), &through("[::1]:1080")).is_err());

    let source_of = |to: &str, proxy: &str| {
        let source = resolved(to, proxy)[0].source.clone();
        source.and_then(|address| address.as_socket()).unwrap()
    };
    let own = source_of("tcp://127.0.0.3:0;host:1", "127.0.0.2:0;127.0.0.1:1080");
    assert_eq!(own, "127.0.0.2:0".parse().unwrap());
    let ours = source_of("tcp://127.0.0.3:0;host:1", "127.0.0.1:1080");
    assert_eq!(ours, "127.0.0.3:0".parse().unwrap());

    // Files have no proxies.
    let ipc = &resolved("ipc:///tmp/nobody", "127.0.0.1:1080")[0];
    assert_eq!(ipc.endpoint, "ipc:///tmp/nobody");
    assert!(ipc.destination.is_none());
}

proptest! {
    #[test]
    fn no_bytes_do_more_than_end_it(
        script in proptest::collection::vec(prop_oneof![any::<u8>(), 0u8..6], 0..600),
        cuts in proptest::collection::btree_set(1usize..600, 0..40),
        takes in 1usize..600,
        login in any::<bool>(),
    ) {
        let login = login.then_some(("user", "secret"));
        let cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < script.len()).collect();
        let (_, read, _) = converse(handshake("tcp://a:1", login), &script, &cuts, takes);
        prop_assert!(read <= 2 + 2 + 262);
    }
}
