//! The examples run, and say what they should.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use zincmq::security::Certificate;

/// `cargo test` builds the examples, next to the tests; `cargo test --test
/// examples` does not, so that this must.
fn program(name: &str) -> PathBuf {
    static BUILDING: Mutex<()> = Mutex::new(());
    let here = std::env::current_exe().unwrap();
    let profile = here.ancestors().nth(2).unwrap();
    let path = profile.join("examples").join(name);
    let _one_at_a_time = BUILDING.lock().unwrap();
    if !path.exists() {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap());
        cargo.args(["build", "--quiet", "--examples", "--package", "zincmq"]);
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success());
    }
    path
}

/// What the example prints; it has half a minute.
fn output_of(name: &str) -> String {
    output_with(name, &[])
}

/// What it prints when it is given these arguments.
fn output_with(name: &str, arguments: &[&Path]) -> String {
    let path = program(name);
    let mut child = Command::new(&path)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let end = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("{name} does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{name}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// The lines it prints, in any order.
fn lines_of(name: &str) -> Vec<String> {
    let mut lines: Vec<String> = output_of(name).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn request_reply() {
    let said = output_of("request_reply");
    assert_eq!(said, "hello, Ada\nhello, Grace\nhello, Radia\n");
}

/// With keys like those that docs/security/rust.md has `zinc keygen` make.
#[test]
fn secure() {
    let keys = tempfile::tempdir().unwrap();
    let clients = keys.path().join("clients");
    std::fs::create_dir(&clients).unwrap();
    for path in [keys.path().join("server.key"), keys.path().join("eve.key")] {
        Certificate::generate().unwrap().save(path).unwrap();
    }
    let mut anna = Certificate::generate().unwrap();
    anna.set_metadata("name", "anna").unwrap();
    anna.save(clients.join("anna.key")).unwrap();

    let page = include_str!("../../../docs/security/rust.md");
    let promised = page.split("```text\n").nth(1).unwrap();
    let (promised, _) = promised.split_once("```").unwrap();
    assert_eq!(output_with("secure", &[keys.path()]), promised);
    let program = include_str!("../examples/secure.rs");
    assert!(page.contains(program), "the page has another program");
}

/// With a file like that which docs/security/rust.md has `zinc password` make.
#[cfg(feature = "password-file")]
#[test]
fn passwords() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwords");
    zincmq::security::PasswordFile::set(&file, "anna", "open sesame").unwrap();
    let page = include_str!("../../../docs/security/rust.md");
    let promised = page.split("```console\n").nth(1).unwrap();
    let (promised, _) = promised.split_once("```").unwrap();
    let output = output_with("passwords", &[&file, Path::new("open sesame")]);
    assert_eq!(output, promised);
}

#[test]
fn publish_subscribe() {
    let said = lines_of("publish_subscribe");
    assert_eq!(
        said,
        [
            "oslo: more snow",
            "oslo: snow",
            "rome: more sun",
            "rome: sun"
        ]
    );
}

#[test]
fn pipeline() {
    assert_eq!(
        output_of("pipeline"),
        "the sum of the squares to 20 is 2870\n"
    );
}

#[test]
fn pair() {
    assert_eq!(output_of("pair"), "step 1\nstep 2\nstep 3\n");
}

#[test]
fn router_dealer_broker() {
    let said = lines_of("router_dealer_broker");
    assert_eq!(said[0], "5 requests and 5 replies went through");
    assert_eq!(said.len(), 6);
    assert!(said[1].starts_with("`a` has length 1 ("));
}

#[test]
fn async_tokio() {
    assert_eq!(
        lines_of("async_tokio"),
        ["hello, Ada", "hello, Grace", "hello, Radia"]
    );
}

#[test]
fn async_smol() {
    assert_eq!(output_of("async_smol"), "it rains\nan umbrella\n");
}

#[test]
fn monitor() {
    let said = output_of("monitor");
    assert!(said.starts_with("listening at tcp://127.0.0.1:"), "{said}");
    assert!(
        said.contains("it is a PUSH") && said.contains("it is gone"),
        "{said}"
    );
}

#[test]
fn poller() {
    let said = lines_of("poller");
    assert_eq!(said.len(), 6);
    assert_eq!(
        (&*said[0], &*said[5]),
        ("weather: 20 degrees", "work: task 2")
    );
}
