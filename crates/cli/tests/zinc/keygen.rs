//! `zinc keygen`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use zincmq::security::{Certificate, PublicKey, SecretKey};

use crate::run::{Outcome, zinc};

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path as an argument.
    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("it is text").to_owned()
    }
}

/// One that ended well, with nothing to complain about.
fn well(arguments: &[&str]) -> Outcome {
    let outcome = zinc(arguments);
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert_eq!(outcome.errors, "", "{outcome}");
    outcome
}

/// What one says that failed.
fn complaint(arguments: &[&str]) -> String {
    let outcome = zinc(arguments);
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert_eq!(outcome.output, "", "{outcome}");
    outcome.errors
}

#[test]
fn without_a_path_both_keys_are_printed() {
    let [one, other] = [(); 2].map(|()| well(&["keygen"]));
    let lines = one.lines();
    let [
        "== CURVE PUBLIC KEY ==",
        public,
        "",
        "== CURVE SECRET KEY ==",
        secret,
    ] = &*lines
    else {
        panic!("{one}");
    };
    let public: PublicKey = public.parse().expect("a key");
    let secret: SecretKey = secret.parse().expect("a key");
    assert_eq!(secret.public_key(), public);
    assert_ne!(one.output, other.output);
}

#[test]
fn a_pair_of_files_is_written_once() {
    let desk = Desk::new();
    let path = desk.text("server.key");
    let made = well(&["keygen", &path, "--meta", "name=it's = me", "--meta", "n=1"]);
    let public = Certificate::load(desk.path("server.key")).expect("a certificate");
    let both = Certificate::load(desk.path("server.key_secret")).expect("a certificate");
    assert_eq!(public.public_key(), both.public_key());
    assert!(public.secret_key().is_none() && both.secret_key().is_some());
    assert!(!both.is_exposed());
    let noted = [("n", "1"), ("name", "it's = me")].map(|(k, v)| (k.into(), v.into()));
    assert_eq!(*public.metadata(), noted.into());
    let key = public.public_key();
    assert_eq!(
        made.lines(),
        [
            format!("{path}: the public key, {key}"),
            format!("{path}_secret: the secret key, to be kept here"),
        ]
    );
    let mode = fs::metadata(desk.path("server.key_secret")).expect("it is there");
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);

    let said = complaint(&["keygen", &path]);
    assert!(said.contains("exists already (--force"), "{said}");
    let still = Certificate::load(desk.path("server.key_secret")).expect("a certificate");
    assert_eq!(still, both);

    well(&["keygen", &path, "--force"]);
    let new = Certificate::load(desk.path("server.key")).expect("a certificate");
    assert_ne!(new.public_key(), key);
}

#[test]
fn show_tells_the_public_key_and_the_secret_one_when_asked() {
    let desk = Desk::new();
    let path = desk.text("k");
    let secret_path = desk.text("k_secret");
    well(&["keygen", &path]);
    let both = Certificate::load(&secret_path).expect("a certificate");
    let public = format!("{}\n", both.public_key());
    let secret = both.secret_key().expect("it has one").to_z85();
    for file in [&path, &secret_path] {
        assert_eq!(well(&["keygen", "--show", file]).output, public);
    }
    let shown = well(&["keygen", "--show", &secret_path, "--secret"]);
    assert_eq!(shown.output, format!("{}\n", *secret));
    let said = complaint(&["keygen", "--show", &path, "--secret"]);
    assert!(said.contains("k: there is no secret key"), "{said}");

    // As pyzmq leaves it.
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(&secret_path, open).expect("a file of ours");
    let shown = zinc(&["keygen", "--show", &secret_path]);
    assert_eq!((shown.code, &shown.output), (Some(0), &public));
    assert!(shown.errors.contains("k_secret: others"), "{shown}");
    assert!(!shown.errors.contains(&**secret), "{shown}");
}

#[test]
fn what_cannot_be_done_is_told() {
    let desk = Desk::new();
    fs::write(desk.path("bad"), "curve\n    public-key = \"short\"\n").expect("a folder of ours");
    for (arguments, expected) in [
        (["keygen", "--show", &desk.text("bad")], "bad, line 2: "),
        (
            ["keygen", "--show", &desk.text("none")],
            "none: cannot be read",
        ),
        (
            ["keygen", &desk.text("no/k"), "--force"],
            "no/k: cannot be written: there is no folder ",
        ),
        (
            ["keygen", &desk.text("k"), "--meta=a b=c"],
            "`a b` is no name",
        ),
        (
            ["keygen", &desk.text("k_secret"), "--meta=a=b"],
            "k_secret: the secret key goes to",
        ),
        (
            ["keygen", &desk.text("k"), "--meta=a=b\nc"],
            "control character",
        ),
    ] {
        let said = complaint(&arguments);
        assert!(
            said.starts_with("zinc: ") && said.contains(expected),
            "{said}"
        );
    }
    let twice = complaint(&["keygen", &desk.text("k"), "--meta=a=b", "--meta=a=c"]);
    assert!(twice.contains("`a` twice"), "{twice}");
    let arguments = ["keygen", &desk.text("k"), "--meta", "nothing"];
    let outcome = zinc(&arguments);
    assert_eq!(outcome.code, Some(2), "{outcome}");
    assert!(
        outcome.errors.contains("a name, `=` and a value"),
        "{outcome}"
    );
    assert_eq!(zinc(&["keygen", "--secret"]).code, Some(2));
    assert_eq!(zinc(&["keygen", "--meta", "a=b"]).code, Some(2));
    let left: Vec<_> = fs::read_dir(desk.0.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1);
}
