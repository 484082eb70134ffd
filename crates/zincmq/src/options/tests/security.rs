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

#[test]
fn the_last_option_chooses_the_mechanism_and_the_side() {
    let mut store = SocketOptions::default();
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
}
