//! The mechanism that follows from options, and secrets that stay secret.

use zmtp::Security;

use super::*;
use crate::options::SocketConfig;
use crate::options::opt;
use crate::security::{KeyPair, PublicKey, SecretKey};

/// As zmq_curve(7) shows for test cases.
const PUBLIC: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
const SECRET: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

fn mechanism(store: &SocketOptions) -> Option<OptionValue> {
    value(store, "MECHANISM")
}

const NULL: Option<OptionValue> = Some(OptionValue::Int(0));
const PLAIN: Option<OptionValue> = Some(OptionValue::Int(1));
const CURVE: Option<OptionValue> = Some(OptionValue::Int(2));

/// In Rust.
#[test]
fn what_was_not_on_cannot_be_switched_off() {
    let others = [
        ("PLAIN_SERVER", OptionValue::Int(0)),
        ("PLAIN_USERNAME", "".into()),
        ("PLAIN_PASSWORD", "".into()),
    ];
    for (name, off) in others {
        let mut store = SocketOptions::default();
        set(&mut store, "CURVE_SERVER", 1).unwrap();
        set(&mut store, "CURVE_SECRETKEY", SECRET).unwrap();
        set(&mut store, name, off).unwrap();
        assert_eq!(mechanism(&store), CURVE, "{name}");
        assert_eq!(value(&store, "CURVE_SERVER"), Some(1.into()), "{name}");
        assert_eq!(store.security().check(), Ok(()));
        // What is on can.
        set(&mut store, "CURVE_SERVER", 0).unwrap();
        assert_eq!(mechanism(&store), NULL);
    }
    for (name, on) in [
        ("PLAIN_SERVER", OptionValue::Int(1)),
        ("PLAIN_USERNAME", "admin".into()),
    ] {
        let mut store = SocketOptions::default();
        set(&mut store, name, on).unwrap();
        set(&mut store, "CURVE_SERVER", 0).unwrap();
        assert_eq!(mechanism(&store), PLAIN, "{name}");
        let off = match name {
            "PLAIN_SERVER" => OptionValue::Int(0),
            _ => "".into(),
        };
        set(&mut store, name, off).unwrap();
        assert_eq!(mechanism(&store), NULL, "{name}");
    }
    // An empty password is one.
    let mut store = SocketOptions::default();
    set(&mut store, "PLAIN_USERNAME", "admin").unwrap();
    set(&mut store, "PLAIN_PASSWORD", "").unwrap();
    assert_eq!(mechanism(&store), PLAIN);
    // A client that says that it is no server.
    let mut store = SocketOptions::default();
    for name in ["CURVE_SERVERKEY", "CURVE_PUBLICKEY"] {
        set(&mut store, name, PUBLIC).unwrap();
    }
    set(&mut store, "CURVE_SECRETKEY", SECRET).unwrap();
    set(&mut store, "CURVE_SERVER", 0).unwrap();
    assert_eq!(mechanism(&store), CURVE);
    assert_eq!(store.security().check(), Ok(()));
}

/// In Rust.
#[test]
fn options_that_do_not_go_together_are_named() {
    let told = |options: &[(&str, OptionValue)]| {
        let mut store = SocketOptions::default();
        for (name, on) in options {
            set(&mut store, name, on.clone()).unwrap();
        }
        store.security().check().map_err(|fault| fault.to_string())
    };
    let server = |name| (name, OptionValue::Int(1));
    let secret = ("CURVE_SECRETKEY", OptionValue::from(SECRET));
    let public = ("CURVE_PUBLICKEY", OptionValue::from(PUBLIC));
    let servers = ("CURVE_SERVERKEY", OptionValue::from(PUBLIC));
    let other = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    for (options, named) in [
        (
            &[server("CURVE_SERVER"), server("PLAIN_SERVER")][..],
            ["PLAIN_SERVER", "CURVE_SERVER"],
        ),
        (
            &[secret.clone(), ("PLAIN_USERNAME", "anna".into())],
            ["PLAIN_USERNAME", "CURVE_SECRETKEY"],
        ),
        (
            &[server("PLAIN_SERVER"), ("PLAIN_PASSWORD", "x".into())],
            ["PLAIN_SERVER", "PLAIN_PASSWORD"],
        ),
        (
            &[server("CURVE_SERVER"), secret.clone(), servers.clone()],
            ["CURVE_SERVER", "CURVE_SERVERKEY"],
        ),
        (&[server("CURVE_SERVER")], ["CURVE_SECRETKEY", "server"]),
        (
            &[secret.clone(), public.clone()],
            ["CURVE_SERVERKEY", "client"],
        ),
        (
            &[servers.clone(), public.clone()],
            ["CURVE_SECRETKEY", "client"],
        ),
        (
            &[
                servers.clone(),
                secret.clone(),
                ("CURVE_PUBLICKEY", other.into()),
            ],
            [other, PUBLIC],
        ),
        (
            &[
                server("CURVE_SERVER"),
                secret.clone(),
                ("CURVE_PUBLICKEY", other.into()),
            ],
            [other, PUBLIC],
        ),
    ] {
        let fault = told(options).unwrap_err();
        for name in named {
            assert!(fault.contains(name), "{fault}");
        }
        assert!(!fault.contains(SECRET), "{fault}");
    }
    for options in [
        &[][..],
        &[server("PLAIN_SERVER")],
        &[server("CURVE_SERVER"), secret.clone()],
        &[servers.clone(), secret.clone(), public],
        &[servers.clone(), secret.clone()],
        &[
            server("PLAIN_SERVER"),
            ("PLAIN_SERVER", 0.into()),
            server("CURVE_SERVER"),
            secret.clone(),
        ],
    ] {
        assert_eq!(told(options), Ok(()), "{options:?}");
    }
    // The public key of the secret one need not be told.
    let mut store = SocketOptions::default();
    for (name, key) in [servers, secret] {
        set(&mut store, name, key).unwrap();
    }
    let pair = KeyPair::from(SECRET.parse::<SecretKey>().unwrap());
    let client = zmtp::CurveClient::new(&pair, PUBLIC.parse().unwrap());
    assert_eq!(store.security().security(), Security::CurveClient(client));
}

/// In C.
#[test]
fn the_last_option_chooses_the_mechanism_and_the_side() {
    let mut store = SocketOptions::default();
    store.be_lenient();
    assert_eq!(mechanism(&store), NULL);
    assert_eq!(store.security().security(), Security::Null);

    set(&mut store, "PLAIN_SERVER", 1).unwrap();
    assert_eq!(mechanism(&store), PLAIN);
    assert_eq!(value(&store, "PLAIN_SERVER"), Some(1.into()));
    assert_eq!(value(&store, "CURVE_SERVER"), Some(0.into()));
    assert_eq!(store.security().security(), Security::PlainServer);

    set(&mut store, "PLAIN_USERNAME", "admin").unwrap();
    set(&mut store, "PLAIN_PASSWORD", "password").unwrap();
    assert_eq!(mechanism(&store), PLAIN);
    assert_eq!(value(&store, "PLAIN_SERVER"), Some(0.into()));
    let Security::PlainClient(login) = store.security().security() else {
        panic!("{:?}", store.security());
    };
    assert_eq!(
        (login.username(), login.password()),
        (&b"admin"[..], &b"password"[..])
    );
    assert_eq!(value(&store, "PLAIN_USERNAME"), Some("admin".into()));
    assert_eq!(value(&store, "PLAIN_PASSWORD"), Some("password".into()));

    set(&mut store, "CURVE_SERVER", 1).unwrap();
    set(&mut store, "CURVE_SECRETKEY", SECRET).unwrap();
    assert_eq!(mechanism(&store), CURVE);
    assert_eq!(value(&store, "CURVE_SERVER"), Some(1.into()));
    assert_eq!(value(&store, "PLAIN_SERVER"), Some(0.into()));
    let secret: SecretKey = SECRET.parse().unwrap();
    let public: PublicKey = PUBLIC.parse().unwrap();
    let pair = KeyPair::from(secret.clone());
    assert_eq!(*pair.public(), public);
    assert_eq!(
        store.security().security(),
        Security::CurveServer(pair.clone())
    );

    set(&mut store, "CURVE_SERVERKEY", PUBLIC).unwrap();
    set(&mut store, "CURVE_PUBLICKEY", PUBLIC).unwrap();
    assert_eq!(value(&store, "CURVE_SERVER"), Some(0.into()));
    let client = zmtp::CurveClient::new(&pair, public);
    assert_eq!(store.security().security(), Security::CurveClient(client));

    // Off, or nobody, is back to NULL.
    for (name, off) in [
        ("CURVE_SERVER", OptionValue::Int(0)),
        ("PLAIN_USERNAME", "".into()),
        ("PLAIN_PASSWORD", "".into()),
        ("PLAIN_SERVER", 0.into()),
    ] {
        set(&mut store, "CURVE_SERVERKEY", PUBLIC).unwrap();
        assert_eq!(mechanism(&store), CURVE);
        set(&mut store, name, off).unwrap();
        assert_eq!(mechanism(&store), NULL, "{name}");
        assert_eq!(store.security().check(), Ok(()));
    }
    assert_eq!(
        set(&mut store, "MECHANISM", 2),
        Err(OptionError::ReadOnly("MECHANISM"))
    );
}

#[test]
fn keys_are_taken_as_bytes_and_as_text() {
    let bytes = PUBLIC.parse::<PublicKey>().unwrap().as_bytes().to_vec();
    let expected = OptionValue::from(&bytes[..]);
    let row = row("CURVE_SERVERKEY");
    let nul_terminated = [PUBLIC.as_bytes(), b"\0"].concat();
    for given in [&bytes[..], PUBLIC.as_bytes(), &nul_terminated] {
        assert_eq!(OptionValue::from_c_bytes(row, given), Ok(expected.clone()));
    }
    assert_eq!(OptionValue::parse(row, PUBLIC), Ok(expected.clone()));
    for given in [
        &bytes[1..],
        &PUBLIC.as_bytes()[1..],
        &[b' '; 40],
        &[0; 41],
        b"",
    ] {
        assert!(OptionValue::from_c_bytes(row, given).is_err(), "{given:?}");
    }
    let mut store = SocketOptions::default();
    set(&mut store, "CURVE_SERVERKEY", PUBLIC).unwrap();
    assert_eq!(value(&store, "CURVE_SERVERKEY"), Some(expected));
}

#[test]
fn names_and_passwords_need_not_be_text() {
    let mut store = SocketOptions::default();
    let (name, password) = (&b"\xffadmin\0"[..], &b"\xfe\xff"[..]);
    set(&mut store, "PLAIN_USERNAME", name).unwrap();
    set(&mut store, "PLAIN_PASSWORD", password).unwrap();
    let Security::PlainClient(login) = store.security().security() else {
        panic!("it is a client of PLAIN");
    };
    assert_eq!((login.username(), login.password()), (name, password));
    assert_eq!(value(&store, "PLAIN_USERNAME"), Some(name.into()));
    assert_eq!(value(&store, "PLAIN_PASSWORD"), Some(password.into()));
    // Bytes that are text are read as such.
    set(&mut store, "PLAIN_USERNAME", &b"admin"[..]).unwrap();
    assert_eq!(value(&store, "PLAIN_USERNAME"), Some("admin".into()));
}

#[test]
fn no_error_and_no_debug_shows_a_secret() {
    let mut store = SocketOptions::default();
    let long = "hunter2".repeat(50);
    let wrong = &SECRET[1..];
    for (name, secret) in [
        ("PLAIN_PASSWORD", long.as_str()),
        ("SOCKS_PASSWORD", long.as_str()),
        ("CURVE_SECRETKEY", wrong),
    ] {
        let error = set(&mut store, name, secret).unwrap_err().to_string();
        assert!(
            !error.contains("hunter2") && !error.contains(wrong),
            "{error}"
        );
        assert!(
            error.contains(name) && error.contains(&secret.len().to_string()),
            "{error}"
        );
        if let Err(error) = OptionValue::parse(row(name), secret) {
            assert!(!error.to_string().contains(wrong), "{error}");
        }
    }
    let secret: SecretKey = SECRET.parse().unwrap();
    let config = SocketConfig::new()
        .plain_password("hunter2")
        .socks_password("hunter2")
        .curve_secret_key(secret.clone())
        .plain_username("admin");
    set(&mut store, "PLAIN_PASSWORD", "hunter2").unwrap();
    assert_eq!(row("PLAIN_PASSWORD").show(&"hunter2".into()), "7 bytes");
    set(&mut store, "SOCKS_PASSWORD", "hunter2").unwrap();
    set(&mut store, "CURVE_SECRETKEY", SECRET).unwrap();
    let typed = (
        opt::PlainPassword("hunter2".into()),
        opt::SocksPassword("hunter2".into()),
        opt::CurveSecretKey(secret.clone()),
    );
    let bytes = format!("{:?}", secret.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    for shown in [
        format!("{config:?}"),
        format!("{store:?}"),
        format!("{typed:?}"),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains(SECRET) && !shown.contains(bytes), "{shown}");
    }
    assert!(format!("{config:?}").contains("admin"));

    // As they are given and as they are read.
    for (name, secret, debug) in [
        (
            "PLAIN_PASSWORD",
            OptionValue::from("hunter2"),
            "Text(7 bytes)",
        ),
        ("SOCKS_PASSWORD", "hunter2".into(), "Text(7 bytes)"),
        (
            "CURVE_SECRETKEY",
            secret.as_bytes()[..].into(),
            "Bytes(32 bytes)",
        ),
    ] {
        let read = value(&store, name).unwrap();
        assert_eq!(read, secret);
        for value in [read, secret] {
            assert_eq!(format!("{value:?}"), debug);
        }
    }
    assert_eq!(format!("{:?}", OptionValue::Int(7)), "Int(7)");
}
