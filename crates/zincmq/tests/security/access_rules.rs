//! Lists of addresses, and rules put together from parts.

use super::revocation::await_revocation;
use super::*;
use zincmq::security::{AccessRules, AddressList, AddressRange, Authenticator, Denial};

fn address(text: &str) -> AddressRange {
    text.parse().unwrap()
}

/// A server judged by `rules`, at `endpoint`.
fn server(
    mechanism: Mechanism,
    rules: impl Authenticator + 'static,
    endpoint: &str,
) -> (Context, Socket, Monitor, String) {
    let context = Context::new();
    context.set_authenticator(rules);
    let socket = context.socket(SocketType::Pull).unwrap();
    mechanism.serve(&socket);
    let monitor = socket.monitor();
    let endpoint = socket.bind(endpoint).unwrap();
    (context, socket, monitor, endpoint)
}

fn client(mechanism: Mechanism, endpoint: &str) -> Socket {
    let socket = Context::new().socket(SocketType::Push).unwrap();
    socket.set(opt::Linger(Some(Duration::ZERO))).unwrap();
    socket.set(opt::Ipv6(true)).unwrap();
    mechanism.call(&socket);
    socket.connect(endpoint).unwrap();
    socket
}

/// Whether such a client gets in, or why it does not.
fn attempt(
    mechanism: Mechanism,
    rules: impl Authenticator + 'static,
    endpoint: &str,
) -> Result<(), String> {
    let (_context, socket, mut monitor, endpoint) = server(mechanism, rules, endpoint);
    let client = client(mechanism, &endpoint);
    let _ = client.try_send("let me in");
    let over = await_event(&mut monitor, |kind| {
        matches!(
            kind,
            EventKind::HandshakeSucceeded | EventKind::HandshakeFailed { .. }
        )
    });
    match over.kind {
        EventKind::HandshakeFailed { status, reason, .. } => {
            assert_eq!(status, Some(400), "{reason}");
            assert!(socket.try_recv().is_err());
            Err(reason)
        }
        _ => {
            assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "let me in");
            Ok(())
        }
    }
}

const TCP: &str = "tcp://127.0.0.1:*";

#[test]
fn new_rules_let_nobody_in() {
    let _deadline = deadline();
    for mechanism in ALL {
        let reason = attempt(mechanism, AccessRules::new(), TCP).unwrap_err();
        let name = format!("{mechanism:?}").to_uppercase();
        assert!(reason.contains(&name), "{reason}");
        // Nor do rules for the other mechanisms, or a list of who may try.
        let others = AccessRules::new().allow_only(&[address("127.0.0.1")].into_iter().collect());
        let others = match mechanism {
            Null => others.plain(let_in).curve(let_in),
            Plain => others.null(let_in).curve(let_in),
            Curve => others.null(let_in).plain(let_in),
        };
        attempt(mechanism, others, TCP).unwrap_err();
    }
}

#[test]
fn each_mechanism_has_its_judge() {
    let _deadline = deadline();
    for mechanism in ALL {
        let judge = move |request: &AuthRequest| match mechanism.is_shown(request) {
            true => Verdict::accept("somebody"),
            false => Verdict::deny(Denial::Refused, "another mechanism"),
        };
        let rules = AccessRules::new();
        let rules = match mechanism {
            Null => rules.null(judge),
            Plain => rules.plain(judge),
            Curve => rules.curve(judge),
        };
        attempt(mechanism, rules, TCP).unwrap();
    }
}

#[test]
fn denied_addresses_come_first_and_allowed_ones_second() {
    let _deadline = deadline();
    let everybody = || AccessRules::new().null(let_in).plain(let_in).curve(let_in);
    let here = AddressList::parse(["127.0.0.0/8"]).unwrap();
    let elsewhere = AddressList::parse(["192.0.2.0/24", "2001:db8::/32"]).unwrap();
    let nobody = AddressList::new();
    for mechanism in ALL {
        attempt(mechanism, everybody(), TCP).unwrap();
        let denied = everybody().allow_only(&here).deny(&elsewhere).deny(&here);
        let reason = attempt(mechanism, denied, TCP).unwrap_err();
        assert!(
            reason.contains("127.0.0.1 is on a list of denied"),
            "{reason}"
        );
        attempt(mechanism, everybody().deny(&elsewhere), TCP).unwrap();
        attempt(mechanism, everybody().allow_only(&here), TCP).unwrap();
        let reason = attempt(mechanism, everybody().allow_only(&elsewhere), TCP).unwrap_err();
        assert!(reason.contains("127.0.0.1 is not on"), "{reason}");
        // Being on one list is enough; an empty one is no list of everybody.
        let either = everybody().allow_only(&elsewhere).allow_only(&here);
        attempt(mechanism, either, TCP).unwrap();
        attempt(mechanism, everybody().allow_only(&nobody), TCP).unwrap_err();
    }
}

#[test]
fn a_list_alone_lets_in_who_is_on_it() {
    let _deadline = deadline();
    for mechanism in ALL {
        let here = AddressList::parse(["127.0.0.1"]).unwrap();
        attempt(mechanism, here, TCP).unwrap();
        attempt(mechanism, AddressList::new(), TCP).unwrap_err();
    }
}

#[test]
fn clients_over_ipv6_and_ipc_are_where_they_come_from() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let ipc = format!("ipc://{}", folder.path().join("socket").display());
    let everywhere = AddressList::parse(["0.0.0.0/0", "::/0"]).unwrap();
    let local: AddressList = [AddressRange::IPC].into_iter().collect();
    attempt(Null, local.clone(), &ipc).unwrap();
    attempt(Null, everywhere.clone(), &ipc).unwrap_err();
    attempt(Null, local.clone(), TCP).unwrap_err();
    let curve = || AccessRules::new().curve(let_in);
    attempt(Curve, curve().deny(&everywhere), &ipc).unwrap();
    attempt(Curve, curve().deny(&local), &ipc).unwrap_err();
    attempt(Curve, curve().allow_only(&everywhere), &ipc).unwrap_err();

    // A socket for both families sees IPv4 as IPv6.
    let context = Context::new();
    let four = AddressList::parse(["127.0.0.1"]).unwrap();
    context.set_authenticator(four.clone());
    let socket = context.socket(SocketType::Pull).unwrap();
    socket.set(opt::Ipv6(true)).unwrap();
    Null.serve(&socket);
    let mut monitor = socket.monitor();
    let endpoint = socket.bind("tcp://[::]:*").unwrap();
    let port = endpoint.rsplit(':').next().unwrap();
    let by_four = client(Null, &format!("tcp://127.0.0.1:{port}"));
    by_four.send("four").unwrap();
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "four");
    let by_six = client(Null, &format!("tcp://[::1]:{port}"));
    assert_eq!(await_denial(&mut monitor), 400);
    drop(by_six);
    four.insert(address("::1"));
    let by_six = client(Null, &format!("tcp://[::1]:{port}"));
    by_six.send("six").unwrap();
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "six");
}

#[test]
fn a_change_of_a_list_ends_connections() {
    let _deadline = deadline();
    for mechanism in ALL {
        let (denied, allowed) = (AddressList::new(), AddressList::new());
        allowed.insert(address("127.0.0.0/8"));
        let rules = AccessRules::new()
            .deny(&denied)
            .allow_only(&allowed)
            .null(let_in)
            .plain(let_in)
            .curve(let_in);
        let (_context, socket, mut monitor, endpoint) = server(mechanism, rules, TCP);
        for round in 0..2 {
            let client = client(mechanism, &endpoint);
            client.send("before").unwrap();
            assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "before");
            // Who is not concerned stays.
            denied.insert(address("192.0.2.7"));
            client.send("between").unwrap();
            assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "between");
            if round == 0 {
                denied.insert(address("127.0.0.1"));
            } else {
                allowed.replace([address("192.0.2.7")]);
            }
            let reason = await_revocation(&mut monitor);
            assert!(reason.contains("127.0.0.1"), "{reason}");
            assert_eq!(await_denial(&mut monitor), 400);
            drop(client);
            denied.replace([]);
        }
    }
}
