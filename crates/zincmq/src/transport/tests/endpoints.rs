//! Every form of endpoint, valid and not; the forms are those that
//! libzmq's resolver tests name.

use std::net::{Ipv4Addr, SocketAddr};

use super::*;
use crate::transport::endpoint::IpcEndpoint;
use crate::transport::resolve::{DialError, local_addresses};

fn options(ipv6: bool) -> TransportOptions {
    TransportOptions {
        ipv6,
        ..TransportOptions::default()
    }
}

/// The first address that binding `address` would use.
fn bindable(address: &str, ipv6: bool) -> Option<SocketAddr> {
    match Endpoint::parse(&format!("tcp://{address}")).ok()? {
        Endpoint::Tcp(tcp) => local_addresses(tcp.place(), ipv6).ok()?.first().copied(),
        _ => None,
    }
}

/// The resolved endpoint of the first address that `address` would connect to.
fn dialable(address: &str, ipv6: bool) -> Option<String> {
    let endpoint = Endpoint::parse(&format!("tcp://{address}")).ok()?;
    assert!(
        !needs_resolver(&endpoint, &TransportOptions::default()),
        "{address} would be looked up"
    );
    let targets = resolve(&endpoint, &options(ipv6)).ok()?;
    Some(targets[0].endpoint.clone())
}

#[test]
fn wildcards_bind() {
    for text in ["*:*", "*:0"] {
        assert_eq!(bindable(text, false), "0.0.0.0:0".parse().ok(), "{text}");
        assert_eq!(bindable(text, true), "[::]:0".parse().ok(), "{text}");
    }
    assert_eq!(bindable("*:5555", false), "0.0.0.0:5555".parse().ok());
    assert_eq!(bindable("0:5555", false), "0.0.0.0:5555".parse().ok());
    assert_eq!(bindable("[1234::1]:*", true), "[1234::1]:0".parse().ok());
}

#[test]
fn wildcards_do_not_connect() {
    for text in ["*:*", "*:1234", "127.0.0.1:*", "192.168.0.200:*", "[::1]:*"] {
        let endpoint = endpoint(&format!("tcp://{text}"));
        for ipv6 in [false, true] {
            assert!(endpoint.check_connect().is_err(), "{text}");
            assert!(resolve(&endpoint, &options(ipv6)).is_err(), "{text}");
        }
    }
}

#[test]
fn ipv4_forms() {
    for (text, expected) in [
        ("127.0.0.1:0", Some("127.0.0.1:0")),
        ("1.2.128.129:1", Some("1.2.128.129:1")),
        ("0.0.0.0:1", Some("0.0.0.0:1")),
        ("255.255.255.255:1", Some("255.255.255.255:1")),
        ("[1.2.128.129]:1", Some("1.2.128.129:1")),
        ("1.2.128.129]:1", None),
        ("[1.2.128.129:1", None),
        ("[1.2.128].129:1", None),
        ("1.2.128.129:123", Some("1.2.128.129:123")),
        ("1.2.128.129:0", Some("1.2.128.129:0")),
        ("1.2.3.4:567bad", Some("1.2.3.4:567")),
        ("1.2.3.4:65535", Some("1.2.3.4:65535")),
        ("1.2.3.4:65536", None),
        ("1.2.3.4:-1", None),
        ("1.2.3.4", None),
        ("1.2.3.4:", None),
        ("1.2.3.4:bad", None),
        (":1", None),
        ("[192.168.1.1]:5555", Some("192.168.1.1:5555")),
        ("[192.168.1.1:]5555", None),
        ("[192.168.1.1:5555]", None),
        ("[192.168.1.1:*]", None),
        ("1.2.3.4%1:5", None),
        ("1.2.3.4:5:6", None),
        ("[]:5", None),
        ("[*]:5", None),
    ] {
        for ipv6 in [false, true] {
            assert_eq!(
                dialable(text, ipv6),
                expected.map(|address| format!("tcp://{address}")),
                "{text}, IPV6 {ipv6}"
            );
        }
    }
}

#[test]
fn ipv6_forms() {
    for (text, expected) in [
        ("[::1]:1", Some("[::1]:1")),
        ("[abcd:1234::1:0:234]:2", Some("[abcd:1234::1:0:234]:2")),
        ("[::]:1", Some("[::]:1")),
        (
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1",
            Some("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1"),
        ),
        ("::1]:1", None),
        ("[::1:1", None),
        ("[::1]", None),
        ("[abcd:1234::1:]0:234", None),
        ("[1234::1]:80", Some("[1234::1]:80")),
        ("abcd:1234::1:0:234:123", Some("[abcd:1234::1:0:234]:123")),
        ("[3000:4:5::1:234%0]:1", None),
        ("[3000:4:5::1:234%]:1", None),
        ("3000:4:5::1:234%nosuch0:1", None),
        (
            "3000:4:5::1:234%4000000:1",
            Some("[3000:4:5::1:234%4000000]:1"),
        ),
    ] {
        assert_eq!(
            dialable(text, true),
            expected.map(|address| format!("tcp://{address}")),
            "{text}"
        );
        assert_eq!(dialable(text, false), None, "{text} with IPV6 off");
    }
}

#[test]
fn zones_by_name_and_by_number() {
    let Ok(index) = getifaddrs::if_nametoindex("lo") else {
        return;
    };
    for text in [
        "fe80::1%lo:1111".to_owned(),
        "[fe80::1%lo]:1111".to_owned(),
        format!("[fe80::1%{index}]:1111"),
    ] {
        assert_eq!(
            dialable(&text, true).as_deref(),
            Some("tcp://[fe80::1%lo]:1111"),
            "{text}"
        );
        let Some(SocketAddr::V6(bound)) = bindable(&text, true) else {
            panic!("{text} cannot be bound");
        };
        assert_eq!(bound.scope_id(), index);
    }
}

#[test]
fn names_are_left_to_the_resolver() {
    for text in [
        "localhost:1234",
        "[localhost]:22",
        "in-val_id.example.org:1234",
        "ip.example.org%lo:4444",
        "[ip.example.org%lo]:4444",
        "localhost:1;127.0.0.1:2",
    ] {
        let endpoint = endpoint(&format!("tcp://{text}"));
        assert!(
            needs_resolver(&endpoint, &TransportOptions::default()),
            "{text}"
        );
        assert!(endpoint.check_connect().is_ok(), "{text}");
    }
    for text in [
        "localhost:invalid",
        "in val id:1234",
        "[ip.example].org:1",
        "[ip.example.org:22]",
        "a/b:1",
        "a;b;c:1",
        ";a:1",
        "a:1;",
    ] {
        assert!(
            matches!(
                Endpoint::parse(&format!("tcp://{text}")),
                Err(EndpointError::BadAddress { .. })
            ),
            "{text}"
        );
    }
}

#[test]
fn what_follows_a_port_is_ignored_when_binding_only() {
    let slash = endpoint("tcp://127.0.0.1:5555/");
    assert!(slash.check_bind().is_ok());
    assert!(slash.check_connect().is_err());
    assert_eq!(
        bindable("127.0.0.1:5555/", false),
        "127.0.0.1:5555".parse().ok()
    );
}

#[test]
fn an_interface_names_its_address() {
    if getifaddrs::if_nametoindex("lo").is_err() {
        return;
    }
    let address = bindable("lo:5555", false).expect("the loopback has an address");
    assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
    assert_eq!(address.port(), 5555);
}

#[test]
fn names_without_address_are_told_apart() {
    let bound = listen(&endpoint("tcp://nosuch.invalid:*"), &options(false));
    assert!(
        matches!(bound, Err(BindError::Endpoint(EndpointError::NoSuchInterface(name))) if name == "nosuch.invalid")
    );
    let bound = listen(&endpoint("tcp://[::1]:*"), &options(false));
    assert!(
        matches!(bound, Err(BindError::Endpoint(EndpointError::NoSuchInterface(name))) if name == "::1")
    );
    let dialed = resolve(&endpoint("tcp://nosuch.invalid:1"), &options(false));
    assert!(matches!(dialed, Err(DialError::Lookup { host, .. }) if host == "nosuch.invalid"));
    let v6 = resolve(&endpoint("tcp://[::1]:1"), &options(false));
    assert!(matches!(v6, Err(DialError::NoAddress { .. })));
    let zone = resolve(&endpoint("tcp://[fe80::1%nosuch0]:1"), &options(true));
    assert!(matches!(
        zone,
        Err(DialError::Endpoint(EndpointError::NoSuchInterface(_)))
    ));
}

#[test]
fn sources() {
    let targets = |text: &str, ipv6| {
        resolve(&endpoint(text), &options(ipv6)).unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let target = &targets("tcp://127.0.0.1:0;127.0.0.1:1234", false)[0];
    assert_eq!(target.endpoint, "tcp://127.0.0.1:1234");
    assert_eq!(
        target
            .source
            .as_ref()
            .and_then(socket2::SockAddr::as_socket),
        "127.0.0.1:0".parse().ok()
    );
    let target = &targets("tcp://*:5555;127.0.0.1:1234", true)[0];
    assert_eq!(
        target
            .source
            .as_ref()
            .and_then(socket2::SockAddr::as_socket),
        "0.0.0.0:5555".parse().ok(),
        "of the family of the destination"
    );
    let crossed = resolve(&endpoint("tcp://[::1]:0;127.0.0.1:1234"), &options(true));
    assert!(matches!(crossed, Err(DialError::NoAddress { .. })));
    let bound = listen(&endpoint("tcp://127.0.0.1:0;127.0.0.1:0"), &options(false));
    assert!(matches!(bound, Err(BindError::Endpoint(_))));
}

#[test]
fn schemes() {
    for text in [
        "",
        "tcp",
        "tcp:",
        "tcp:/x",
        "tcp://",
        "://x",
        "inproc://",
        "ipc://",
    ] {
        assert_eq!(
            Endpoint::parse(text),
            Err(EndpointError::Malformed(text.to_owned()))
        );
    }
    for scheme in [
        "udp", "ws", "wss", "pgm", "epgm", "norm", "tipc", "vmci", "vsock",
    ] {
        assert!(matches!(
            Endpoint::parse(&format!("{scheme}://*:1")),
            Err(EndpointError::Unsupported { transport, .. }) if transport == scheme
        ));
    }
    for scheme in ["invalid", "TCP", "tcp6"] {
        assert!(matches!(
            Endpoint::parse(&format!("{scheme}://localhost:1234")),
            Err(EndpointError::UnknownTransport { scheme: named, .. }) if named == scheme
        ));
    }
    assert_eq!(
        Endpoint::parse("inproc://any thing://*"),
        Ok(Endpoint::Inproc("any thing://*".to_owned()))
    );
    let inproc = endpoint("inproc://a");
    assert!(listen(&inproc, &options(false)).is_err());
    assert!(resolve(&inproc, &options(false)).is_err());
}

#[test]
fn ipc_forms() {
    let parse = |text: &str| Endpoint::parse(&format!("ipc://{text}"));
    assert_eq!(
        parse("/tmp/x"),
        Ok(Endpoint::Ipc(IpcEndpoint::Path("/tmp/x".into())))
    );
    assert_eq!(
        parse("rel"),
        Ok(Endpoint::Ipc(IpcEndpoint::Path("rel".into())))
    );
    assert_eq!(
        parse("@name"),
        Ok(Endpoint::Ipc(IpcEndpoint::Abstract("name".into())))
    );
    assert_eq!(parse("*"), Ok(Endpoint::Ipc(IpcEndpoint::Wildcard)));
    assert!(matches!(parse("@"), Err(EndpointError::BadAddress { .. })));
    assert!(matches!(
        parse("a\0b"),
        Err(EndpointError::BadAddress { .. })
    ));
    assert!(parse(&"a".repeat(107)).is_ok());
    assert!(matches!(
        parse(&"a".repeat(108)),
        Err(EndpointError::PathTooLong { limit: 107, .. })
    ));
    assert!(endpoint("ipc://*").check_connect().is_err());
}

#[test]
fn display_gives_the_endpoint_back() {
    for text in [
        "tcp://*:*",
        "tcp://[fe80::1%lo]:5",
        "tcp://eth0:0;localhost:5",
        "ipc:///tmp/x",
        "ipc://@x",
        "ipc://*",
        "inproc://x",
    ] {
        assert_eq!(endpoint(text).to_string(), text);
    }
}

proptest::proptest! {
    #[test]
    fn parsing_never_panics(scheme in "(tcp|ipc|inproc|udp|[a-z]{0,4})", address in "[0-9a-f.:%;*@\\[\\]/ é\0-]{0,24}") {
        if let Ok(endpoint) = Endpoint::parse(&format!("{scheme}://{address}")) {
            let _ = endpoint.check_connect();
            let _ = needs_resolver(&endpoint, &TransportOptions::default());
        }
    }
}
