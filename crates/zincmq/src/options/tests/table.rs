//! The rows themselves.

use std::collections::HashSet;

use super::*;

/// Numbers, names and defaults as `zmq.h` and zmq_getsockopt(3) have them,
/// for options that can be read on a new socket.
const DEFAULTS: &[(i32, &str, i64)] = &[
    (4, "AFFINITY", 0),
    (8, "RATE", 100),
    (9, "RECOVERY_IVL", 10_000),
    (11, "SNDBUF", -1),
    (12, "RCVBUF", -1),
    (17, "LINGER", -1),
    (18, "RECONNECT_IVL", 100),
    (19, "BACKLOG", 100),
    (21, "RECONNECT_IVL_MAX", 0),
    (22, "MAXMSGSIZE", -1),
    (23, "SNDHWM", 1000),
    (24, "RCVHWM", 1000),
    (25, "MULTICAST_HOPS", 1),
    (27, "RCVTIMEO", -1),
    (28, "SNDTIMEO", -1),
    (31, "IPV4ONLY", 1),
    (34, "TCP_KEEPALIVE", -1),
    (35, "TCP_KEEPALIVE_CNT", -1),
    (36, "TCP_KEEPALIVE_IDLE", -1),
    (37, "TCP_KEEPALIVE_INTVL", -1),
    (39, "IMMEDIATE", 0),
    (42, "IPV6", 0),
    (43, "MECHANISM", 0),
    (44, "PLAIN_SERVER", 0),
    (47, "CURVE_SERVER", 0),
    (54, "CONFLATE", 0),
    (57, "TOS", 0),
    (66, "HANDSHAKE_IVL", 30_000),
    (74, "INVERT_MATCHING", 0),
    (75, "HEARTBEAT_IVL", 0),
    (76, "HEARTBEAT_TTL", 0),
    (77, "HEARTBEAT_TIMEOUT", -1),
    (79, "CONNECT_TIMEOUT", 0),
    (80, "TCP_MAXRT", 0),
    (84, "MULTICAST_MAXTPDU", 1500),
    (89, "USE_FD", -1),
    (93, "ZAP_ENFORCE_DOMAIN", 0),
    (96, "MULTICAST_LOOP", 1),
    (97, "ROUTER_NOTIFY", 0),
    (101, "IN_BATCH_SIZE", 8192),
    (102, "OUT_BATCH_SIZE", 8192),
    (109, "RECONNECT_STOP", 0),
    (112, "PRIORITY", 0),
    (113, "BUSY_POLL", 0),
    (117, "NORM_MODE", 1),
    (124, "NORM_PUSH", 0),
    (10_001, "IPC_TAKEOVER", 1),
];

/// Those that only the socket can answer.
const ASKED: &[&str] = &[
    "RCVMORE",
    "FD",
    "EVENTS",
    "TYPE",
    "LAST_ENDPOINT",
    "THREAD_SAFE",
    "TOPICS_COUNT",
];

#[test]
fn there_are_112_of_them_with_five_aliases() {
    assert_eq!(rows().iter().filter(|row| row.number < 10_000).count(), 112);
    let count = |status| rows().iter().filter(|row| row.status == status).count();
    assert_eq!(count(Status::Stable), 75);
    assert_eq!(count(Status::Deprecated), 5);
    assert_eq!(count(Status::Draft), 32);
    assert_eq!(count(Status::Own), rows().len() - 112);
    let aliases: usize = rows().iter().map(|row| row.aliases.len()).sum();
    assert_eq!(aliases, 5);
}

#[test]
fn numbers_ascend_and_names_are_unique() {
    assert!(rows().is_sorted_by(|a, b| a.number < b.number));
    let mut names = HashSet::new();
    for row in rows() {
        assert!(names.insert(row.name), "{} twice", row.name);
        for alias in row.aliases {
            assert!(names.insert(alias), "{alias} twice");
        }
        assert!(row.doc.ends_with('.'), "{}", row.name);
    }
}

#[test]
fn every_row_is_found_by_number_and_each_of_its_names() {
    for row in rows() {
        let same =
            |found: Option<&'static Row>| found.is_some_and(|found| std::ptr::eq(found, row));
        assert!(same(row_by_number(row.number)));
        assert!(same(row_by_name(row.name)));
        assert!(same(row_by_name(&row.name.to_lowercase())));
        assert!(same(row_by_name(&format!("ZMQ_{}", row.name))));
        for alias in row.aliases {
            assert!(same(row_by_name(alias)));
        }
    }
    for number in [-1, 0, 3, 10, 20, 70, 125, i32::MIN, i32::MAX] {
        assert!(row_by_number(number).is_none(), "{number}");
    }
    for name in ["", "ZMQ_", "HWM", "SNDHWM ", "é", "zmqé", "BLOCKY"] {
        assert!(row_by_name(name).is_none(), "{name}");
    }
}

#[test]
fn defaults_are_libzmqs() {
    let store = SocketOptions::default();
    for &(number, name, expected) in DEFAULTS {
        assert_eq!(row(name).number, number);
        let found = match value(&store, name) {
            Some(OptionValue::Int(value)) => value.into(),
            Some(OptionValue::I64(value)) => value,
            Some(OptionValue::U64(value)) => value.try_into().unwrap(),
            other => panic!("{name} is {other:?}"),
        };
        assert_eq!(found, expected, "{name}");
    }
    for name in [
        "BINDTODEVICE",
        "SOCKS_PROXY",
        "SOCKS_USERNAME",
        "SOCKS_PASSWORD",
        "ZAP_DOMAIN",
    ] {
        assert_eq!(value(&store, name), Some("".into()), "{name}");
    }
    assert_eq!(value(&store, "ROUTING_ID"), Some(b"".as_slice().into()));
}

#[test]
fn the_store_agrees_with_the_rows_and_transports_with_both() {
    let store = SocketOptions::default();
    for row in rows() {
        if let (Ok(Answer::Known(found)), Some(default)) = (store.value(row), row.default_value()) {
            assert_eq!(found, default, "{}", row.name);
        }
    }
    let transport = crate::transport::TransportOptions::default();
    assert_eq!(format!("{:?}", store.transport()), format!("{transport:?}"));
}

#[test]
fn every_row_can_be_read_unless_set_only() {
    let store = SocketOptions::default();
    for row in rows() {
        let name = row.name;
        match store.value(row) {
            Ok(Answer::Known(_)) => assert_ne!(row.access, Access::Set, "{name}"),
            Ok(Answer::Ask(_)) => assert!(ASKED.contains(&name), "{name}"),
            Err(OptionError::WriteOnly(named)) => {
                assert_eq!(named, name);
                assert_eq!(row.access, Access::Set, "{name}");
            }
            Err(OptionError::NotBuiltIn { option, .. }) => {
                assert_eq!(option, name);
                assert!(!row.is_built_in());
            }
            Err(other) => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn every_row_takes_its_edges_and_nothing_past_them() {
    for row in rows() {
        let mut store = SocketOptions::default();
        let (inside, outside) = edges(row.kind);
        for value in inside {
            let result = store.set(row, value.clone(), a_type_for(row));
            match (row.access, row.is_built_in()) {
                (Access::Get, _) => assert_eq!(result, Err(OptionError::ReadOnly(row.name))),
                (_, true) => {
                    assert!(result.is_ok(), "{} refuses {value}: {result:?}", row.name);
                    if row.access == Access::SetGet && row.name != "HEARTBEAT_TTL" {
                        assert_eq!(store_value(&store, row), value, "{}", row.name);
                    }
                }
                (_, false) => assert!(
                    result == Ok(Effect::Stored) && row.default_value() == Some(value.clone())
                        || matches!(result, Err(OptionError::NotBuiltIn { .. })),
                    "{} takes {value}: {result:?}",
                    row.name
                ),
            }
        }
        for value in outside {
            let result = store.set(row, value.clone(), a_type_for(row));
            assert!(result.is_err(), "{} takes {value}", row.name);
            if row.is_built_in() && row.access != Access::Get {
                assert!(
                    matches!(
                        result,
                        Err(OptionError::OutOfRange { .. } | OptionError::WrongType { .. })
                    ),
                    "{}: {result:?}",
                    row.name
                );
            }
        }
    }
}

fn store_value(store: &SocketOptions, row: &Row) -> OptionValue {
    match store.value(row) {
        Ok(Answer::Known(value)) => value,
        other => panic!("{}: {other:?}", row.name),
    }
}

/// Values at the edges of a kind: inside and outside.
fn edges(kind: Kind) -> (Vec<OptionValue>, Vec<OptionValue>) {
    let bytes = |len: usize| OptionValue::Bytes(vec![b'a'; len].into());
    let text = |len: usize| OptionValue::Text("a".repeat(len));
    match kind {
        Kind::Switch => (
            vec![0.into(), 1.into()],
            vec![2.into(), (-1).into(), text(1)],
        ),
        Kind::Loose => (
            vec![0.into(), 1.into(), i32::MAX.into()],
            vec![(-1).into(), text(1)],
        ),
        Kind::Truth => (vec![0.into(), 1.into()], vec![bytes(4)]),
        Kind::Int { min, max } => (
            vec![min.into(), max.into()],
            [min.checked_sub(1), max.checked_add(1)]
                .into_iter()
                .flatten()
                .map(OptionValue::Int)
                .chain([text(1), i64::MAX.into()])
                .collect(),
        ),
        Kind::I64 { min } => (
            // Every negative one means no limit, and reads as -1.
            vec![(-1i64).into(), i64::MAX.into()],
            min.checked_sub(1)
                .map(OptionValue::I64)
                .into_iter()
                .chain([text(1), u64::MAX.into()])
                .collect(),
        ),
        Kind::U64 => (
            vec![0u64.into(), u64::MAX.into()],
            vec![(-1).into(), text(1)],
        ),
        Kind::Bytes {
            min,
            max: usize::MAX,
        } => (vec![bytes(min), bytes(100_000)], vec![1.into()]),
        Kind::Bytes { min, max } => (
            vec![bytes(min), bytes(max)],
            vec![bytes(min - 1), bytes(max + 1), 1.into()],
        ),
        // What text may say is each option's own rule.
        Kind::Text { max: usize::MAX } => (vec![], vec![1.into()]),
        Kind::Text { max } => (vec![text(0), text(max)], vec![text(max + 1), 1.into()]),
        Kind::Octets { max } => (
            vec![text(0), text(max), (&b"\xff\0"[..]).into()],
            vec![text(max + 1), bytes(max + 1), 1.into()],
        ),
        Kind::Key => (
            vec![bytes(32)],
            vec![bytes(31), bytes(33), text(39), 1.into()],
        ),
        Kind::Fd => (vec![(-1).into()], vec![(-2).into(), 3.into(), text(1)]),
        Kind::Id => (
            vec![0.into(), i32::MAX.into(), (-1).into(), bytes(0)],
            vec![bytes(4), text(1), 1i64.into()],
        ),
    }
}

#[test]
fn options_of_a_pattern_are_refused_by_other_types() {
    for row in rows() {
        let Types::Only(types) = row.types else {
            continue;
        };
        if !row.is_built_in() || row.access == Access::Get {
            continue;
        }
        for socket_type in SocketType::ALL {
            let value = edges(row.kind).0[0].clone();
            let result = SocketOptions::default().set(row, value, socket_type);
            if types.contains(&socket_type) {
                assert!(result.is_ok(), "{} on {socket_type}", row.name);
            } else {
                assert_eq!(
                    result,
                    Err(OptionError::NotForThisType {
                        option: row.name,
                        socket_type
                    })
                );
            }
        }
    }
}

#[test]
fn what_is_not_built_in_says_what_it_needs() {
    let mut store = SocketOptions::default();
    for (name, value, needs) in [
        ("NORM_BUFFER_SIZE", OptionValue::Int(50), "NORM"),
        ("GSSAPI_PLAINTEXT", 1.into(), "GSSAPI"),
        ("WSS_TRUST_SYSTEM", 1.into(), "WebSocket"),
        ("VMCI_BUFFER_SIZE", 1u64.into(), "VMCI"),
        ("NORM_MODE", 2.into(), "NORM"),
    ] {
        assert_eq!(
            set(&mut store, name, value),
            Err(OptionError::NotBuiltIn {
                option: row(name).name,
                needs
            })
        );
    }
    // What is so already is no reason to refuse.
    assert_eq!(set(&mut store, "GSSAPI_SERVER", 0), Ok(Effect::Stored));
    assert_eq!(set(&mut store, "NORM_MODE", 1), Ok(Effect::Stored));
    assert_eq!(value(&store, "NORM_MODE"), Some(1.into()));
}
