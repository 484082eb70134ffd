//! Peers that wait to be let in, with each mechanism; and rows 8, 12 and 17 of the
//! faults to survive.

use std::time::{Duration, Instant};

use zmtp::{
    Config, CurveClient, Denial, Error, Grant, Heartbeat, Login, Security, SocketType, Verdict,
    VerdictFault,
};

use crate::pair::Pair;
use crate::support::{End, Heard, accept, command, curve, greeting, keys, plain, ready};

const SECOND: Duration = Duration::from_secs(1);

/// Both ends of each mechanism; the second asks.
fn mechanisms() -> [(&'static str, Config, Config); 3] {
    let (plain_client, plain_server) = plain(SocketType::Dealer, SocketType::Router);
    let (curve_client, curve_server) = curve(SocketType::Dealer, SocketType::Router);
    let mut asking = Config::new(SocketType::Router);
    asking.authenticate_null = true;
    [
        ("NULL", Config::new(SocketType::Dealer), asking),
        ("PLAIN", plain_client, plain_server),
        ("CURVE", curve_client, curve_server),
    ]
}

fn deny(status: Denial) -> Verdict {
    Verdict::Deny {
        status,
        reason: "not on the list".into(),
    }
}

#[test]
fn nobody_gets_in_until_the_verdict_is_there() {
    for (mechanism, client, server) in mechanisms() {
        let mut pair = Pair::new(client, server);
        pair.run(SECOND * 10);
        let [client, server] = &mut pair.ends;
        assert!(server.engine.awaits_verdict());
        assert_eq!(server.asked.len(), 1);
        assert_eq!(server.asked[0].0, mechanism);
        for end in [&*client, &*server] {
            assert_eq!((&end.heard[..], &end.error), (&[][..], &None));
        }
        server.judge(Verdict::Accept(Grant::default()), pair.now);
        assert!(!server.engine.awaits_verdict());
        pair.run(SECOND);
        for end in &pair.ends {
            assert_eq!(end.heard, [Heard::Ready], "{mechanism}");
            assert_eq!(
                end.asked.len() + usize::from(end.engine.peer().unwrap().grant.is_none()),
                1
            );
        }
    }
}

#[test]
fn a_denied_peer_hears_the_number_unless_it_is_to_try_again() {
    for status in [Denial::Temporary, Denial::Refused, Denial::Failure] {
        for (mechanism, client, server) in mechanisms() {
            let mut pair = Pair::new(client, server);
            pair.ends[1].verdict = Some(deny(status));
            pair.run(SECOND);
            let [client, server] = &mut pair.ends;
            assert_eq!((&client.heard[..], &server.heard[..]), (&[][..], &[][..]));
            let error = server.error.clone().unwrap();
            assert_eq!(error.auth_status(), Some(status.code()), "{mechanism}");
            assert_eq!(error.code(), None);
            assert!(error.is_handshake());
            assert!(error.to_string().contains("not on the list"), "{error}");
            let heard = client.error.as_ref().and_then(Error::auth_status);
            match status {
                Denial::Temporary => assert_eq!(heard, None, "{mechanism}"),
                _ => assert_eq!(heard, Some(status.code()), "{mechanism}"),
            }
            // Not the words, which are ours.
            if let Some(error) = &client.error {
                let reason = status.code().to_string();
                assert_eq!(error, &Error::PeerRefused { reason });
            }
        }
    }
}

#[test]
fn without_a_verdict_the_connection_ends_in_silence() {
    for (fault, code) in [
        (VerdictFault::NoHandler, None),
        (VerdictFault::HandlerGone, None),
        (VerdictFault::MalformedReply, Some(0x2000_0001)),
        (VerdictFault::BadRequestId, Some(0x2000_0002)),
        (VerdictFault::BadVersion, Some(0x2000_0003)),
        (VerdictFault::InvalidStatusCode, Some(0x2000_0004)),
        (VerdictFault::InvalidMetadata, Some(0x2000_0005)),
    ] {
        for (_, client, server) in mechanisms() {
            let mut pair = Pair::new(client, server);
            pair.ends[1].verdict = Some(Verdict::Fail(fault));
            pair.run(SECOND);
            let [client, server] = &pair.ends;
            let error = server.error.clone().unwrap();
            assert_eq!(error, Error::NotJudged(fault));
            assert_eq!(error.code(), code);
            assert_eq!(error.auth_status(), None);
            assert_eq!((&client.heard[..], &client.error), (&[][..], &None));
        }
    }
}

#[test]
fn row_12_a_verdict_that_never_comes_ends_with_the_handshake_s_time() {
    for (_, client, server) in mechanisms() {
        let mut pair = Pair::new(client, server);
        pair.run(SECOND * 29);
        assert!(pair.ends[1].engine.awaits_verdict());
        pair.run(SECOND * 2);
        let server = &mut pair.ends[1];
        let limit = SECOND * 30;
        assert_eq!(server.error, Some(Error::HandshakeTimeout { limit }));
        // Too late.
        server.engine.verdict(Verdict::Accept(Grant::default()));
        assert!(server.engine.step(&[], pair.now).is_err());
        assert!(!server.engine.is_ready());
    }
}

#[test]
fn a_paused_engine_takes_no_input_and_keeps_it_for_later() {
    let now = Instant::now();
    let mut config = Config::new(SocketType::Pull);
    config.authenticate_null = true;
    config.heartbeat = Some(Heartbeat {
        interval: SECOND,
        timeout: SECOND,
        ttl: Duration::ZERO,
    });
    let mut end = End::new(config, now);
    end.receive(&greeting(3, 1, "NULL"), now);
    assert_eq!(end.transmit().len(), 64, "READY before the peer is let in");
    end.receive(&ready("PUSH"), now);
    end.receive(b"\0\x05hello", now);
    assert_eq!(end.heard, []);
    assert_eq!(end.engine.next_timeout(), Some(now + SECOND * 30));
    // The first verdict counts.
    end.engine.verdict(Verdict::Accept(Grant::default()));
    end.judge(deny(Denial::Refused), now);
    assert_eq!(
        end.heard,
        [Heard::Ready, Heard::Frame(false, b"hello".to_vec())]
    );
    assert_eq!(end.transmit(), ready("PULL"));
    assert_eq!(end.engine.next_timeout(), Some(now + SECOND));
    // So does nobody's later.
    end.judge(deny(Denial::Refused), now);
    assert_eq!(end.error, None);
}

#[test]
fn a_verdict_that_nobody_waits_for_is_passed_over() {
    let now = Instant::now();
    let (_, config) = plain(SocketType::Dealer, SocketType::Router);
    let mut end = End::new(config, now);
    end.judge(Verdict::Accept(Grant::default()), now);
    end.receive(&greeting(3, 1, "PLAIN"), now);
    end.judge(Verdict::Accept(Grant::default()), now);
    end.receive(&command("HELLO", b"\x01a\x01b"), now);
    assert!(end.engine.awaits_verdict());
}

/// Every setting of our own, with a security that keeps others out.
fn secured() -> Vec<Config> {
    let [_, plain, curve] = mechanisms();
    let (_, _, null) = &mechanisms()[0];
    vec![null.clone(), plain.1, plain.2, curve.1, curve.2]
}

#[test]
fn row_08_no_old_peer_is_let_in_where_peers_have_to_show_something() {
    for script in [
        // 1.0, with a routing id and a message.
        &b"\x01\x00\x08\x00sneaky\0"[..],
        // 1.0 and 2.0 with a greeting.
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x00\x05\x01\x00\x07\x00sneaky",
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\x00\x00\x00\x06sneaky",
    ] {
        for config in secured() {
            let now = Instant::now();
            let mut end = End::new(config, now);
            end.verdict = accept();
            end.receive(script, now);
            assert!(matches!(end.error, Some(Error::VersionTooOld { .. })));
            assert_eq!((&end.heard[..], end.asked.len()), (&[][..], 0));
        }
    }
}

#[test]
fn row_08_no_other_mechanism_is_spoken_than_the_one_that_is_set() {
    let names = ["NULL", "PLAIN", "CURVE", "GSSAPI", "", "PLAINX", "curve"];
    for config in secured() {
        for minor in [0, 1, 9] {
            for name in names {
                let now = Instant::now();
                let ours = match &config.security {
                    Security::Null => "NULL",
                    Security::PlainClient(_) | Security::PlainServer => "PLAIN",
                    _ => "CURVE",
                };
                let mut end = End::new(config.clone(), now);
                end.receive(&greeting(3, minor, name), now);
                let sent = end.transmit();
                if name == ours {
                    assert_eq!(end.error, None);
                    continue;
                }
                let error = end.error.clone().expect("it was taken");
                assert_eq!(error.code(), Some(0x1100_0002));
                // Whatever we have to show, the peer has not seen.
                assert_eq!(sent.len(), 64);
                end.receive(&ready("DEALER"), now);
                assert_eq!((&end.heard[..], end.error), (&[][..], Some(error)));
            }
        }
    }
}

#[test]
fn the_settings_show_no_secrets() {
    let keys = keys(3);
    let curve = Security::CurveClient(CurveClient::new(&keys, *keys.public()));
    let plain = Security::PlainClient(Login::new("admin", "hunter2").unwrap());
    let server = Security::CurveServer(keys.clone());
    for security in [curve, plain, server] {
        let mut config = Config::new(SocketType::Req);
        config.security = security;
        let shown = format!("{config:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("3, 3, 3"),
            "{shown}"
        );
        assert!(!shown.contains(&**keys.secret().to_z85()), "{shown}");
    }
}

/// Bytes that drip in move the limit of no handshake, on either side, wherever it has come
/// to: it ends at that instant, for a tenth of it after the last byte too.
#[test]
fn row_17_bytes_that_drip_in_do_not_move_the_limit() {
    let limit = SECOND * 30;
    for (mechanism, client, server) in mechanisms() {
        // What either end hears in a handshake that goes well.
        let now = Instant::now();
        let mut ends = [&client, &server].map(|config| End::new(config.clone(), now));
        ends[1].verdict = accept();
        let mut scripts = [Vec::new(), Vec::new()];
        for _ in 0..8 {
            for from in [0, 1] {
                let bytes = ends[from].transmit();
                ends[1 - from].receive(&bytes, now);
                scripts[1 - from].extend(bytes);
            }
        }
        let [to_client, to_server] = scripts;
        for (config, script) in [(&client, to_client), (&server, to_server)] {
            // Keys differ from run to run, so what is sealed is not part of it.
            let most = match mechanism {
                "CURVE" => 64 + 9,
                _ => script.len() - 1,
            };
            for bytes in [1, 10, 11, 12, 63, 64, 65, most - 1, most] {
                let start = Instant::now();
                let mut end = End::new(config.clone(), start);
                end.verdict = accept();
                let mut now = start;
                for byte in &script[..bytes] {
                    now += limit / (bytes as u32 + 1);
                    assert_eq!(end.engine.next_timeout(), Some(start + limit));
                    end.engine.handle_timeout(now).unwrap();
                    end.receive(&[*byte], now);
                    assert_eq!(end.error, None);
                }
                assert_eq!(end.engine.next_timeout(), Some(start + limit));
                let early = start + limit - Duration::from_nanos(1);
                assert_eq!(end.engine.handle_timeout(early), Ok(()));
                let ended = end.engine.handle_timeout(start + limit);
                assert_eq!(ended, Err(Error::HandshakeTimeout { limit }), "{mechanism}");
                assert_eq!(end.heard, []);
            }
        }
    }
}
