//! Values on their way through: parsed, kept, told to live sockets, typed.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::options::opt::ReadableOption;
use crate::pattern::Setting;
use crate::transport::ListeningFd;

#[test]
fn values_are_parsed_once_into_what_the_engine_wants() {
    let mut store = SocketOptions::default();
    assert_eq!(store.linger(), None);
    assert_eq!(store.reconnect_interval(), Some(Duration::from_millis(100)));
    assert_eq!(store.heartbeat_timeout(), None);
    for (name, value) in [
        ("LINGER", 250),
        ("RECONNECT_IVL", 0),
        ("RECONNECT_IVL_MAX", 5000),
        ("SNDHWM", 0),
        ("RCVTIMEO", 0),
        ("HEARTBEAT_IVL", 1500),
        ("HEARTBEAT_TTL", 1999),
        ("TCP_KEEPALIVE", 1),
        ("TCP_KEEPALIVE_IDLE", 30),
        ("TCP_MAXRT", 2000),
        ("HANDSHAKE_IVL", 0),
        ("SNDBUF", 4096),
        ("TOS", 0x28),
    ] {
        set(&mut store, name, value).unwrap();
    }
    assert_eq!(store.linger(), Some(Duration::from_millis(250)));
    assert_eq!(store.reconnect_interval(), None);
    assert_eq!(value(&store, "RECONNECT_IVL"), Some(0.into()));
    assert_eq!(store.reconnect_interval_max(), Some(Duration::from_secs(5)));
    assert_eq!(store.send_hwm(), 0);
    assert_eq!(store.recv_timeout(), Some(Duration::ZERO));
    assert_eq!(store.heartbeat_timeout(), Some(Duration::from_millis(1500)));
    assert_eq!(store.heartbeat_ttl(), Some(Duration::from_millis(1900)));
    assert_eq!(value(&store, "HEARTBEAT_TTL"), Some(1900.into()));
    assert_eq!(store.handshake_timeout(), None);
    let transport = store.transport();
    assert_eq!(transport.tcp_keepalive, Some(true));
    assert_eq!(transport.tcp_keepalive_idle, Some(Duration::from_secs(30)));
    assert_eq!(transport.tcp_max_rt, Some(Duration::from_secs(2)));
    assert_eq!(transport.send_buffer, Some(4096));
    assert_eq!(transport.tos, 0x28);

    set(&mut store, "HEARTBEAT_TTL", 99).unwrap();
    assert_eq!(store.heartbeat_ttl(), None);
    set(&mut store, "HEARTBEAT_TIMEOUT", 0).unwrap();
    assert_eq!(store.heartbeat_timeout(), None);
    set(&mut store, "MAXMSGSIZE", -5).unwrap();
    assert_eq!(store.max_message_size(), None);
    set(&mut store, "SNDBUF", -1).unwrap();
    assert_eq!(store.transport().send_buffer, None);
}

#[test]
fn the_usual_batch_is_the_librarys_choice() {
    let mut store = SocketOptions::default();
    assert_eq!((store.in_batch(), store.out_batch()), (None, None));
    set(&mut store, "IN_BATCH_SIZE", 1).unwrap();
    set(&mut store, "OUT_BATCH_SIZE", 100_000).unwrap();
    assert_eq!(store.in_batch(), Some(1));
    assert_eq!(store.out_batch(), Some(100_000));
    assert_eq!(value(&store, "OUT_BATCH_SIZE"), Some(100_000.into()));
    set(&mut store, "IN_BATCH_SIZE", 8192).unwrap();
    assert_eq!(store.in_batch(), None);
    assert_eq!(value(&store, "IN_BATCH_SIZE"), Some(8192.into()));
    assert!(set(&mut store, "IN_BATCH_SIZE", 0).is_err());
}

#[test]
fn messages_of_connections_are_for_some_types() {
    let mut store = SocketOptions::default();
    for name in ["HELLO_MSG", "DISCONNECT_MSG", "HICCUP_MSG"] {
        set(&mut store, name, b"text".as_slice()).unwrap();
    }
    let text = Bytes::from_static(b"text");
    let all = |store: &SocketOptions, socket_type| {
        [
            store.hello_message(socket_type).cloned(),
            store.disconnect_message(socket_type).cloned(),
            store.hiccup_message(socket_type).cloned(),
        ]
    };
    let some = Some(text);
    assert_eq!(
        all(&store, SocketType::Peer),
        [some.clone(), some.clone(), some.clone()]
    );
    assert_eq!(
        all(&store, SocketType::Router),
        [some.clone(), some.clone(), None]
    );
    assert_eq!(all(&store, SocketType::Client), [some.clone(), None, some]);
    assert_eq!(all(&store, SocketType::Push), [None, None, None]);
    set(&mut store, "HELLO_MSG", b"".as_slice()).unwrap();
    assert_eq!(store.hello_message(SocketType::Peer), None);
}

#[test]
fn ipv4only_and_ipv6_are_one() {
    let mut store = SocketOptions::default();
    set(&mut store, "IPV4ONLY", 0).unwrap();
    assert_eq!(value(&store, "IPV6"), Some(1.into()));
    assert!(store.transport().ipv6);
    set(&mut store, "IPV6", false).unwrap();
    assert_eq!(value(&store, "IPV4ONLY"), Some(1.into()));
}

#[test]
fn live_pipes_and_patterns_are_told() {
    let mut store = SocketOptions::default();
    assert_eq!(
        set(&mut store, "SNDHWM", 5),
        Ok(Effect::Live(Live::SendHwm(5)))
    );
    assert_eq!(
        set(&mut store, "RCVHWM", 6),
        Ok(Effect::Live(Live::RecvHwm(6)))
    );
    assert_eq!(
        set(&mut store, "LINGER", 0),
        Ok(Effect::Live(Live::Linger(Some(Duration::ZERO))))
    );
    assert_eq!(set(&mut store, "BACKLOG", 5), Ok(Effect::Stored));
    for (name, value, setting) in [
        (
            "SUBSCRIBE",
            OptionValue::from("a"),
            Setting::Subscribe("a".into()),
        ),
        (
            "UNSUBSCRIBE",
            b"a".as_slice().into(),
            Setting::Unsubscribe("a".into()),
        ),
        ("ROUTER_BEHAVIOR", 1.into(), Setting::RouterMandatory(true)),
        ("ROUTER_HANDOVER", 1.into(), Setting::RouterHandover(true)),
        ("ROUTER_RAW", 1.into(), Setting::RouterRaw(true)),
        ("PROBE_ROUTER", 1.into(), Setting::ProbeRouter(true)),
        ("REQ_CORRELATE", 2.into(), Setting::ReqCorrelate(true)),
        ("REQ_RELAXED", 0.into(), Setting::ReqRelaxed(false)),
        ("XPUB_VERBOSE", 1.into(), Setting::XpubVerbose(true)),
        ("XPUB_VERBOSER", 1.into(), Setting::XpubVerboser(true)),
        ("XPUB_NODROP", 1.into(), Setting::XpubNoDrop(true)),
        ("XPUB_MANUAL", 1.into(), Setting::XpubManual(true)),
        (
            "XPUB_WELCOME_MSG",
            "W".into(),
            Setting::XpubWelcomeMessage("W".into()),
        ),
        (
            "ONLY_FIRST_SUBSCRIBE",
            1.into(),
            Setting::OnlyFirstSubscribe(true),
        ),
        (
            "XSUB_VERBOSE_UNSUBSCRIBE",
            7.into(),
            Setting::XsubVerboseUnsubscribe(true),
        ),
        ("STREAM_NOTIFY", 0.into(), Setting::StreamNotify(false)),
        ("INVERT_MATCHING", 3.into(), Setting::InvertMatching(true)),
    ] {
        assert_eq!(
            set(&mut store, name, value),
            Ok(Effect::Pattern(setting)),
            "{name}"
        );
    }
    assert_eq!(value(&store, "INVERT_MATCHING"), Some(1.into()));
    // A type that does not match topics takes it and does nothing with it.
    let inert = SocketOptions::default().set(row("INVERT_MATCHING"), 1.into(), SocketType::Push);
    assert_eq!(inert, Ok(Effect::Stored));
}

#[test]
fn what_some_types_ignore() {
    let mut store = SocketOptions::default();
    set(&mut store, "CONFLATE", 1).unwrap();
    assert!(store.conflate(SocketType::Pull));
    assert!(!store.conflate(SocketType::Router));
    assert_eq!(
        SocketOptions::of_type(SocketType::Sub).linger(),
        Some(Duration::ZERO)
    );
    let mut dealer = SocketOptions::of_type(SocketType::Dealer);
    assert_eq!(dealer.linger(), None);
    dealer.inherit(true, false);
    assert_eq!(dealer.linger(), Some(Duration::ZERO));
    assert!(dealer.transport().ipv6);
}

#[test]
fn a_proxy_is_an_address_and_its_login_is_short() {
    let mut store = SocketOptions::default();
    for text in ["somehost:1080", "[::1]:1", "eth0:0;10.0.0.1:1080", ""] {
        set(&mut store, "SOCKS_PROXY", text).unwrap();
        assert_eq!(value(&store, "SOCKS_PROXY"), Some(text.into()));
    }
    assert_eq!(store.transport().socks_proxy, None);
    set(&mut store, "SOCKS_PROXY", "proxy:1").unwrap();
    for text in ["proxy", "proxy:", "*:1", "proxy:*", "a:1;b:2;c:3", "\0"] {
        let refused = set(&mut store, "SOCKS_PROXY", text);
        assert!(
            matches!(refused, Err(OptionError::OutOfRange { .. })),
            "{text}"
        );
    }
    let refused = set(&mut store, "SOCKS_PROXY", 1080);
    assert!(matches!(refused, Err(OptionError::WrongType { .. })));
    assert_eq!(store.transport().socks_proxy.as_deref(), Some("proxy:1"));

    for name in ["SOCKS_USERNAME", "SOCKS_PASSWORD"] {
        set(&mut store, name, "x".repeat(255)).unwrap();
        assert!(set(&mut store, name, "x".repeat(256)).is_err());
        set(&mut store, name, "").unwrap();
        assert_eq!(value(&store, name), Some("".into()));
    }
    assert_eq!(store.transport().socks_username, None);
}

#[test]
fn accept_filters_add_up() {
    let mut store = SocketOptions::default();
    for text in ["127.0.0.1/32", "10.0.0.0/8"] {
        set(&mut store, "TCP_ACCEPT_FILTER", text).unwrap();
    }
    assert_eq!(store.transport().tcp_accept_filters.len(), 2);
    for text in [
        "foo",
        "0.0.0.0foo",
        "0.0.0.0/foo",
        "0.0.0.0/",
        "0.0.0.0/-1",
        "0.0.0.0/33",
    ] {
        let refused = set(&mut store, "TCP_ACCEPT_FILTER", text);
        assert!(
            matches!(refused, Err(OptionError::OutOfRange { .. })),
            "{text}"
        );
    }
    assert_eq!(store.transport().tcp_accept_filters.len(), 2);
    assert!(set(&mut store, "TCP_ACCEPT_FILTER", "\0").is_err());
    set(&mut store, "TCP_ACCEPT_FILTER", "").unwrap();
    assert!(store.transport().tcp_accept_filters.is_empty());

    for name in ["IPC_FILTER_UID", "IPC_FILTER_GID", "IPC_FILTER_PID"] {
        set(&mut store, name, 1000).unwrap();
        set(&mut store, name, -2).unwrap();
    }
    let transport = store.transport();
    assert_eq!(transport.ipc_uid_filters, [1000, u32::MAX - 1]);
    assert_eq!(transport.ipc_gid_filters, [1000, u32::MAX - 1]);
    assert_eq!(transport.ipc_pid_filters, [1000, -2]);
    set(&mut store, "IPC_FILTER_UID", b"".as_slice()).unwrap();
    assert!(store.transport().ipc_uid_filters.is_empty());
    assert_eq!(
        OptionValue::parse(row("IPC_FILTER_UID"), "4294967294"),
        Ok(OptionValue::Int(-2))
    );
}

#[test]
fn metadata() {
    let mut store = SocketOptions::default();
    for text in ["X-hello:hello", "X-a:b", "X-hello:wor:ld"] {
        set(&mut store, "METADATA", text).unwrap();
    }
    let expected = [
        ("X-hello".to_owned(), Bytes::from_static(b"wor:ld")),
        ("X-a".to_owned(), Bytes::from_static(b"b")),
    ];
    assert_eq!(store.metadata(), expected);
    let long = format!("X-{}:value", "KeyTooLong".repeat(26));
    for text in [
        ":",
        "key:",
        ":value",
        "keyvalue",
        "",
        "X-key:",
        "key:value",
        &long,
    ] {
        let refused = set(&mut store, "METADATA", text);
        assert!(
            matches!(refused, Err(OptionError::OutOfRange { .. })),
            "{text}"
        );
    }
    assert_eq!(store.metadata(), expected);
}

#[test]
fn a_connect_routing_id_serves_once() {
    let mut store = SocketOptions::default();
    set(&mut store, "CONNECT_RID", b"abc".as_slice()).unwrap();
    assert_eq!(store.take_connect_routing_id(), Some("abc".into()));
    assert_eq!(store.take_connect_routing_id(), None);
    assert!(set(&mut store, "CONNECT_ROUTING_ID", b"\0abc".as_slice()).is_err());
    assert!(set(&mut store, "CONNECT_ROUTING_ID", b"".as_slice()).is_err());
}

#[test]
fn a_descriptor_is_set_with_its_ownership() {
    let mut store = SocketOptions::default();
    let fd = OwnedFd::from(std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let number = fd.as_raw_fd();
    assert!(matches!(
        set(&mut store, "USE_FD", number),
        Err(OptionError::WrongType { .. })
    ));
    set(&mut store, "USE_FD", ListeningFd::from(fd)).unwrap();
    let read = value(&store, "USE_FD").unwrap();
    assert_eq!(read.to_c_bytes(), number.to_ne_bytes());
    set(&mut store, "USE_FD", -1).unwrap();
    assert!(store.transport().use_fd.is_none());
}

#[test]
fn text_by_name() {
    let mut store = SocketOptions::default();
    let mut set = |name: &str, text| {
        let row = row_by_name(name).ok_or_else(|| OptionError::Unknown(name.to_owned()))?;
        store.set(row, OptionValue::parse(row, text)?, SocketType::Sub)
    };
    assert_eq!(set("SNDHWM", "500"), Ok(Effect::Live(Live::SendHwm(500))));
    assert_eq!(set("ipv6", "on"), Ok(Effect::Stored));
    assert_eq!(
        set("ZMQ_SUBSCRIBE", "weather"),
        Ok(Effect::Pattern(Setting::Subscribe("weather".into())))
    );
    assert_eq!(set("MAXMSGSIZE", "9000000000"), Ok(Effect::Stored));
    assert_eq!(set("IDENTITY", "me"), Ok(Effect::Stored));
    assert!(matches!(set("NOSUCH", "1"), Err(OptionError::Unknown(name)) if name == "NOSUCH"));
    assert!(matches!(
        set("SNDHWM", "many"),
        Err(OptionError::WrongType { .. })
    ));
    assert!(matches!(
        set("SNDHWM", "-1"),
        Err(OptionError::OutOfRange { .. })
    ));
    assert!(matches!(
        set("EVENTS", "1"),
        Err(OptionError::ReadOnly("EVENTS"))
    ));
    assert!(matches!(
        set("USE_FD", "3"),
        Err(OptionError::WrongType { .. })
    ));
    let error = set("SNDHWM", "-5").unwrap_err();
    assert_eq!(error.to_string(), "SNDHWM takes a number from 0, not -5");
    assert_eq!(store.routing_id(), "me");
    assert_eq!(store.max_message_size(), Some(9_000_000_000));
}

#[test]
fn c_bytes_have_the_size_of_their_kind() {
    let from = |name: &str, bytes: &[u8]| OptionValue::from_c_bytes(row(name), bytes);
    assert_eq!(from("SNDHWM", &5i32.to_ne_bytes()), Ok(5.into()));
    assert_eq!(
        from("MAXMSGSIZE", &(-1i64).to_ne_bytes()),
        Ok((-1i64).into())
    );
    assert_eq!(from("AFFINITY", &7u64.to_ne_bytes()), Ok(7u64.into()));
    assert_eq!(from("ROUTING_ID", b"a\0b"), Ok(b"a\0b".as_slice().into()));
    assert_eq!(from("BINDTODEVICE", b"eth0\0"), Ok("eth0".into()));
    assert_eq!(from("TCP_ACCEPT_FILTER", b""), Ok("".into()));
    assert_eq!(from("TCP_ACCEPT_FILTER", b"\0"), Ok("\0".into()));
    assert_eq!(from("METADATA", b"X:yz"), Ok("X:yz".into()));
    assert_eq!(from("IPC_FILTER_UID", b""), Ok(b"".as_slice().into()));
    for kept in [&b"admin\0"[..], b"a\0b", b"\xff\xfe"] {
        let value = from("PLAIN_PASSWORD", kept).unwrap();
        let is_text = matches!(value, OptionValue::Text(_));
        assert_eq!(is_text, kept != b"\xff\xfe");
        assert_eq!(value, OptionValue::octets(kept));
    }
    for (name, len) in [
        ("SNDHWM", 8),
        ("SNDHWM", 0),
        ("SNDHWM", 3),
        ("MAXMSGSIZE", 4),
        ("AFFINITY", 4),
    ] {
        let wrong = from(name, &vec![0; len]);
        assert!(
            matches!(wrong, Err(OptionError::WrongType { .. })),
            "{name} of {len}"
        );
    }
    assert!(from("BINDTODEVICE", b"\xff").is_err());
    assert_eq!(OptionValue::from("").to_c_bytes(), b"\0");
    assert_eq!(OptionValue::from(true).to_c_bytes(), 1i32.to_ne_bytes());
    assert_eq!(OptionValue::from(b"ab".as_slice()).to_c_bytes(), b"ab");
}

fn read<O: ReadableOption>(store: &SocketOptions) -> O::Value {
    match store.value(O::row()) {
        Ok(Answer::Known(value)) => O::from_value(&value).expect("it is of its own kind"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn typed_options_write_and_read_themselves() {
    let config = SocketConfig::new()
        .send_high_water_mark(500)
        .linger(Duration::ZERO)
        .receive_timeout(None)
        .routing_id("me")
        .ipv6(true)
        .max_message_size(1u64 << 40)
        .heartbeat_interval(Duration::from_secs(1))
        .send_timeout(Duration::from_micros(1))
        .metadata("X-a:b")
        .subscribe("weather")
        .bind_to_device("lo".to_owned())
        .set(opt::TcpKeepaliveIdle(Some(Duration::from_millis(1001))));
    let mut store = SocketOptions::of_type(SocketType::Sub);
    let effects: Vec<Effect> = config
        .values()
        .map(|(row, value)| store.set(row, value.clone(), SocketType::Sub))
        .collect::<Result<_, _>>()
        .unwrap();
    let subscription = Effect::Pattern(Setting::Subscribe("weather".into()));
    assert!(effects.contains(&subscription));
    assert_eq!(read::<opt::SendHighWaterMark>(&store), 500);
    assert_eq!(read::<opt::Linger>(&store), Some(Duration::ZERO));
    assert_eq!(read::<opt::ReceiveTimeout>(&store), None);
    assert_eq!(read::<opt::RoutingId>(&store), "me");
    assert!(read::<opt::Ipv6>(&store));
    assert_eq!(read::<opt::MaxMessageSize>(&store), Some(1 << 40));
    // What is shorter than the unit is not nothing.
    assert_eq!(
        read::<opt::SendTimeout>(&store),
        Some(Duration::from_millis(1))
    );
    assert_eq!(
        read::<opt::TcpKeepaliveIdle>(&store),
        Some(Duration::from_secs(2))
    );
    assert_eq!(read::<opt::BindToDevice>(&store).as_deref(), Some("lo"));
    assert_eq!(
        opt::Linger(Some(Duration::MAX)).into_value(),
        i32::MAX.into()
    );
    assert_eq!(
        opt::SendHighWaterMark(usize::MAX).into_value(),
        i32::MAX.into()
    );
    assert_eq!(
        opt::MaxMessageSize(Some(u64::MAX)).into_value(),
        i64::MAX.into()
    );
}

proptest! {
    #[test]
    fn any_bytes_for_any_number_do_no_harm(
        number in -5..150i32,
        kind in 0..21u8,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        short in prop::sample::select(vec![0usize, 1, 4, 8, 300]),
    ) {
        let bytes = &bytes[..short.min(bytes.len())];
        let socket_type = SocketType::from_number(kind).unwrap();
        let mut store = SocketOptions::of_type(socket_type);
        if let Some(row) = row_by_number(number) {
            if let Ok(value) = OptionValue::from_c_bytes(row, bytes) {
                let set = store.set(row, value.clone(), socket_type);
                if let (Ok(_), Ok(Answer::Known(read))) = (set, store.value(row)) {
                    prop_assert_eq!(read.to_c_bytes().is_empty(), matches!(&read, OptionValue::Bytes(b) if b.is_empty()));
                }
                let _ = store.set(row, OptionValue::Bytes(Bytes::copy_from_slice(bytes)), socket_type);
            }
            let _ = OptionValue::parse(row, &String::from_utf8_lossy(bytes))
                .and_then(|value| store.set(row, value, socket_type));
            let _ = store.value(row);
        }
    }

    #[test]
    fn what_was_set_is_read_back(number in 4..130i32, int in any::<i32>()) {
        if let Some(row) = row_by_number(number)
            && matches!(row.kind, Kind::Int { .. })
            && row.access == Access::SetGet
            && row.name != "HEARTBEAT_TTL"
        {
            let mut store = SocketOptions::default();
            if store.set(row, int.into(), a_type_for(row)).is_ok() {
                prop_assert_eq!(value(&store, row.name), Some(int.into()));
            }
        }
    }
}

#[test]
fn a_builder_takes_binary_from_all_that_has_bytes() {
    let name = format!("{}-7", "worker");
    let expected = [
        (5, OptionValue::from(name.as_bytes())),
        (6, OptionValue::from(&b"news"[..])),
        (61, OptionValue::from(&b"peer"[..])),
    ];
    let config = SocketConfig::new()
        .routing_id(name.as_str())
        .subscribe(b"news")
        .connect_routing_id("peer");
    let given = config
        .values()
        .map(|(row, value)| (row.number, value.clone()));
    assert!(given.eq(expected));
}
