//! Peers that would have a secured socket speak an older protocol, or without
//! its mechanism, whoever connects and whoever is the server.

use super::*;
use testkit::{PeerListener, ScriptedPeer, Version, wire};

/// How our end meets the peer.
#[derive(Debug, Clone, Copy)]
enum Way {
    BindTcp,
    DialTcp,
    BindIpc,
    DialIpc,
}

/// A mechanism, and whether ours is its server.
type Security = (Mechanism, bool);

const SECURED: [Security; 5] = [
    (Null, true),
    (Plain, true),
    (Plain, false),
    (Curve, true),
    (Curve, false),
];

const TYPES: [SocketType; 11] = {
    use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, Xpub, Xsub};
    [
        Pair, Pub, Sub, Req, Rep, Dealer, Router, Pull, Push, Xpub, Xsub,
    ]
};

/// What the peer says at once, without waiting for an answer, up to a message.
struct Script {
    name: String,
    bytes: Vec<u8>,
    /// What the monitor says of it.
    code: Option<u32>,
}

fn scripts(ours: Mechanism) -> Vec<Script> {
    let old = [
        ("1.0", b"\x01\x00".to_vec(), Version::V1Unversioned),
        (
            "1.0 with a greeting",
            [&wire::old_greeting(0, 5)[..], b"\x01\x00"].concat(),
            Version::V1Revision0,
        ),
        (
            "2.0",
            [&wire::old_greeting(1, 5)[..], b"\x00\x00"].concat(),
            Version::V2_0,
        ),
    ];
    let old = old.into_iter().map(|(name, mut bytes, version)| {
        bytes.extend(wire::message(version, &[b"sneaky"]));
        Script {
            name: name.to_owned(),
            bytes,
            code: None,
        }
    });
    let other = ["NULL", "PLAIN", "CURVE", "GSSAPI", "", "null"]
        .into_iter()
        .filter(move |name| *name != format!("{ours:?}").to_uppercase())
        .flat_map(|name| {
            [Version::V3_0, Version::V3_1].map(|version| {
                let minor = u8::from(version == Version::V3_1);
                let mut bytes = wire::greeting(minor, name, true);
                bytes.extend(wire::ready("DEALER", b""));
                bytes.extend(wire::message(version, &[b"sneaky"]));
                Script {
                    name: format!("{name:?} of {version:?}"),
                    bytes,
                    code: Some(0x1100_0002),
                }
            })
        });
    old.chain(other).collect()
}

fn meet(socket: &Socket, way: Way, folder: &std::path::Path) -> ScriptedPeer {
    let listener = match way {
        Way::BindTcp => {
            return ScriptedPeer::connect(&socket.bind("tcp://127.0.0.1:*").unwrap());
        }
        Way::BindIpc => {
            let endpoint = format!("ipc://{}", folder.join("socket").display());
            return ScriptedPeer::connect(&socket.bind(&endpoint).unwrap());
        }
        Way::DialTcp => PeerListener::tcp(),
        Way::DialIpc => PeerListener::unix(),
    };
    socket.connect(listener.endpoint()).unwrap();
    // It is queued, if there is a queue: none of it may leave.
    let _ = socket.try_send("for friends only");
    listener.accept()
}

fn is_refused(socket_type: SocketType, (mechanism, serves): Security, way: Way) {
    for script in scripts(mechanism) {
        let what = format!(
            "{socket_type}, {mechanism:?}, serves: {serves}, {way:?}, {}",
            script.name
        );
        let folder = tempfile::tempdir().unwrap();
        let context = Context::new();
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        context.set_authenticator(move |request: &AuthRequest| {
            *count.lock().unwrap() += 1;
            let_in(request)
        });
        let socket = context.socket(socket_type).unwrap();
        match serves {
            true => mechanism.serve(&socket),
            false => mechanism.call(&socket),
        }
        socket.set(opt::Linger(Some(Duration::ZERO))).unwrap();
        socket.set(opt::ReconnectInterval(None)).unwrap();
        let mut monitor = socket.monitor();

        let mut peer = meet(&socket, way, folder.path());
        // It may hang up before it has heard everything.
        let _ = peer.try_send(&script.bytes);
        let (code, reason) = await_failure(&mut monitor);
        assert_eq!(code, script.code, "{what}: {reason}");
        // A greeting, or its beginning, and nothing of what ours has to show or to say.
        let heard = peer.expect_close();
        assert!(heard.len() <= 64, "{what}: {}", heard.escape_ascii());
        assert!(socket.try_recv().is_err(), "{what}");
        assert_eq!(*asked.lock().unwrap(), 0, "{what}");
        let succeeded = std::iter::from_fn(|| monitor.try_next())
            .any(|event| event.kind == EventKind::HandshakeSucceeded);
        assert!(!succeeded, "{what}");
    }
}

#[test]
fn row_08_every_socket_type_refuses_whoever_comes() {
    let _deadline = deadline();
    for socket_type in TYPES {
        for security in SECURED {
            is_refused(socket_type, security, Way::BindTcp);
        }
    }
}

#[test]
fn row_08_every_socket_type_refuses_whoever_it_finds() {
    let _deadline = deadline();
    for socket_type in TYPES {
        for security in SECURED {
            is_refused(socket_type, security, Way::DialTcp);
        }
    }
}

#[test]
fn row_08_ipc_is_no_way_round() {
    let _deadline = deadline();
    for way in [Way::BindIpc, Way::DialIpc] {
        for security in SECURED {
            is_refused(SocketType::Dealer, security, way);
        }
    }
}
