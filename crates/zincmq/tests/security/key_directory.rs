//! Keys of clients in a directory.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc::channel;

use super::revocation::{await_revocation, await_revocations};
use super::*;
use testkit::eventually;
use zincmq::security::{Certificate, KeyDirectory, KeyDirectoryError};

fn save(folder: &Path, name: &str, byte: u8) {
    let mut certificate = Certificate::from(*keys(byte).public());
    certificate.set_metadata("name", name).unwrap();
    certificate.save_public(folder.join(name)).unwrap();
}

fn server(directory: &KeyDirectory) -> (Context, Socket, Monitor, String) {
    let context = Context::new();
    context.set_authenticator(directory.clone());
    let socket = context.socket(SocketType::Pull).unwrap();
    Curve.serve(&socket);
    let monitor = socket.monitor();
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    (context, socket, monitor, endpoint)
}

fn client(byte: u8, endpoint: &str) -> (Socket, Monitor) {
    let socket = Context::new().socket(SocketType::Push).unwrap();
    socket.set(opt::Linger(Some(Duration::ZERO))).unwrap();
    socket.set(opt::CurveServerKey(*keys(4).public())).unwrap();
    socket
        .set(opt::CurvePublicKey(*keys(byte).public()))
        .unwrap();
    let secret = keys(byte).secret().clone();
    socket.set(opt::CurveSecretKey(secret)).unwrap();
    let monitor = socket.monitor();
    socket.connect(endpoint).unwrap();
    (socket, monitor)
}

#[test]
fn files_that_count_let_their_keys_in() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (name, byte) in [("anna.key", 10), ("bert", 11)] {
        save(path, name, byte);
    }
    for (name, byte) in [
        (".hidden.key", 20),
        ("backup.key~", 21),
        ("x.key_secret", 22),
    ] {
        save(path, name, byte);
    }
    fs::create_dir(path.join("folder")).unwrap();
    save(&path.join("folder"), "deeper.key", 23);
    let outside = tempfile::tempdir().unwrap();
    save(outside.path(), "linked.key", 12);
    std::os::unix::fs::symlink(outside.path().join("linked.key"), path.join("l.key")).unwrap();
    let directory = KeyDirectory::open(path).unwrap();
    for byte in [10, 11, 12] {
        assert!(directory.contains(keys(byte).public()), "{byte}");
    }
    for byte in 20..24 {
        assert!(!directory.contains(keys(byte).public()), "{byte}");
    }

    let (_context, socket, mut monitor, endpoint) = server(&directory);
    let (anna, _monitor) = client(10, &endpoint);
    anna.send("hello").unwrap();
    let message = socket.recv_timeout(PATIENCE).unwrap();
    let peer = message.peer().unwrap();
    let z85 = keys(10).public().to_string();
    assert_eq!(z85.len(), 40);
    assert_eq!(peer.user_id.as_deref(), Some(z85.as_bytes()));
    assert_eq!(peer.property("name").unwrap(), &b"anna.key"[..]);
    let (_stranger, mut stranger_monitor) = client(20, &endpoint);
    assert_eq!(await_denial(&mut monitor), 400);
    assert_eq!(await_denial(&mut stranger_monitor), 400);
}

#[test]
fn broken_files_are_named_and_let_nobody_in() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    save(path, "anna.key", 10);
    save(path, "bert.key", 11);
    save(path, "carl.key", 12);
    let directory = KeyDirectory::open(path).unwrap();
    let (_context, socket, mut monitor, endpoint) = server(&directory);
    let clients = [10, 11, 12].map(|byte| client(byte, &endpoint));
    for (client, _) in &clients {
        client.send("before").unwrap();
        socket.recv_timeout(PATIENCE).unwrap();
    }

    // One is broken, another removed: both have to go, the third stays.
    fs::write(
        path.join("anna.key"),
        "curve\n    public-key = \"too short\"\n",
    )
    .unwrap();
    fs::remove_file(path.join("bert.key")).unwrap();
    let error = directory.reload().unwrap_err();
    assert!(error.to_string().contains("anna.key"), "{error}");
    assert!(!error.to_string().contains("bert.key"), "{error}");
    await_revocations(&mut monitor, 2);
    clients[2].0.send("after").unwrap();
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "after");
    assert!(!directory.contains(keys(10).public()));
    // It is as wrong when it is asked for again, and keeps it from being opened.
    let again = directory.reload().unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    let unopened = KeyDirectory::open(path).unwrap_err();
    assert_eq!(unopened.to_string(), error.to_string());

    fs::remove_file(path.join("anna.key")).unwrap();
    save(path, "anna.key", 10);
    directory.reload().unwrap();
    let (anna, _monitor) = client(10, &endpoint);
    anna.send("again").unwrap();
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "again");
}

#[test]
fn a_directory_that_cannot_be_read_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let missing = KeyDirectory::open(&path).unwrap_err();
    assert!(matches!(missing, KeyDirectoryError::Read { .. }));
    assert!(missing.to_string().contains("keys"), "{missing}");
    fs::create_dir(&path).unwrap();
    save(&path, "anna.key", 10);
    let directory = KeyDirectory::open(&path).unwrap();
    fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    directory.reload().unwrap_err();
    assert!(directory.contains(keys(10).public()));
    // An empty one shuts out everybody.
    fs::create_dir(&path).unwrap();
    directory.reload().unwrap();
    assert!(!directory.contains(keys(10).public()));
}

#[test]
fn changes_are_noticed_by_themselves() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    save(path, "anna.key", 10);
    let directory = KeyDirectory::open(path).unwrap();
    let (report, reports) = channel();
    directory
        .watch(move |reloaded| {
            report
                .send(reloaded.map_err(|error| error.to_string()))
                .unwrap()
        })
        .unwrap();
    let (_context, socket, mut monitor, endpoint) = server(&directory);
    let (anna, mut anna_monitor) = client(10, &endpoint);
    anna.send("before").unwrap();
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "before");

    fs::remove_file(path.join("anna.key")).unwrap();
    let since = Instant::now();
    let reason = await_revocation(&mut monitor);
    // That is what is promised; the machine may be busy, so many times over.
    assert!(since.elapsed() < Duration::from_secs(20));
    assert!(reason.contains(&keys(10).public().to_string()), "{reason}");
    assert_eq!(await_denial(&mut anna_monitor), 400);
    assert_eq!(reports.recv_timeout(PATIENCE).unwrap(), Ok(()));

    save(path, "bert.key", 11);
    assert_eq!(reports.recv_timeout(PATIENCE).unwrap(), Ok(()));
    let (bert, _monitor) = client(11, &endpoint);
    bert.send("after").unwrap();
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "after");

    fs::write(path.join("carl.key"), "nonsense").unwrap();
    let error = reports.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert!(error.contains("carl.key"), "{error}");
    bert.send("still here").unwrap();
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "still here");
}

#[test]
fn a_file_elsewhere_that_is_linked_to_is_watched_as_well() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let [path, elsewhere] = ["keys", "elsewhere"].map(|name| folder.path().join(name));
    for folder in [&path, &elsewhere] {
        fs::create_dir(folder).unwrap();
    }
    save(&elsewhere, "anna.key", 10);
    std::os::unix::fs::symlink("../elsewhere/anna.key", path.join("anna.key")).unwrap();
    let directory = KeyDirectory::open(&path).unwrap();
    directory.watch(|_| {}).unwrap();
    let (_context, socket, mut monitor, endpoint) = server(&directory);
    let (anna, _monitor) = client(10, &endpoint);
    anna.send("before").unwrap();
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "before");
    // Only the target is another.
    save(&elsewhere, "bert.key", 11);
    fs::rename(elsewhere.join("bert.key"), elsewhere.join("anna.key")).unwrap();
    let reason = await_revocation(&mut monitor);
    assert!(reason.contains(&keys(10).public().to_string()), "{reason}");
    assert!(directory.contains(keys(11).public()));
}

#[test]
fn what_everybody_may_write_to_lets_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    let outer = folder.path().join("outer");
    let path = outer.join("keys");
    fs::create_dir_all(&path).unwrap();
    let set_mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let is_in = |directory: &KeyDirectory, byte| directory.contains(keys(byte).public());
    save(&path, "anna.key", 10);
    save(&path, "bert.key", 11);
    let directory = KeyDirectory::open(&path).unwrap();
    // A file: the others hold.
    set_mode(&path.join("anna.key"), 0o666);
    let error = directory.reload().unwrap_err().to_string();
    assert!(
        error.contains("anna.key: ") && error.contains("0666"),
        "{error}"
    );
    assert!(!is_in(&directory, 10) && is_in(&directory, 11));
    set_mode(&path.join("anna.key"), 0o664);
    directory.reload().unwrap();
    assert!(is_in(&directory, 10));
    // The directory, in which the sticky bit keeps nobody from adding: what was read holds.
    save(&path, "carl.key", 12);
    for (culprit, mode) in [(&path, 0o777), (&path, 0o1777), (&outer, 0o777)] {
        set_mode(culprit, mode);
        let error = directory.reload().unwrap_err();
        assert!(
            matches!(error, KeyDirectoryError::Writable { .. }),
            "{error}"
        );
        let told = error.to_string();
        assert!(
            told.starts_with(&format!("{}: ", culprit.display())),
            "{told}"
        );
        assert!(told.contains(&format!("{mode:04o}")), "{told}");
        assert!(is_in(&directory, 10) && !is_in(&directory, 12));
        KeyDirectory::open(&path).unwrap_err();
        set_mode(culprit, 0o775);
    }
    set_mode(&outer, 0o1777);
    directory.reload().unwrap();
    assert!(is_in(&directory, 12));
}

#[test]
fn a_directory_that_is_gone_is_told_once() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::create_dir(&path).unwrap();
    save(&path, "anna.key", 10);
    let directory = KeyDirectory::open(&path).unwrap();
    let (report, reports) = channel();
    directory
        .watch(move |reloaded| {
            report
                .send(reloaded.map_err(|error| error.to_string()))
                .unwrap()
        })
        .unwrap();
    fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    let error = reports.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert!(error.contains("keys: cannot be read"), "{error}");
    // What comes and goes beside it is looked at, and is no news.
    for name in ["one", "two"] {
        fs::write(folder.path().join(name), "").unwrap();
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(directory.contains(keys(10).public()));
    // That it is back is, though nothing in it has changed.
    fs::rename(folder.path().join("elsewhere"), &path).unwrap();
    assert_eq!(reports.recv_timeout(PATIENCE).unwrap(), Ok(()));
}

#[test]
fn a_file_lets_in_whatever_it_is_called_and_until_it_is_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::create_dir(&path).unwrap();
    save(&path, "anna.key", 10);
    let directory = KeyDirectory::open(&path).unwrap();
    fs::rename(path.join("anna.key"), path.join("anna.key.revoked")).unwrap();
    directory.reload().unwrap();
    assert!(directory.contains(keys(10).public()));
    fs::rename(
        path.join("anna.key.revoked"),
        folder.path().join("anna.key"),
    )
    .unwrap();
    directory.reload().unwrap();
    assert!(!directory.contains(keys(10).public()));
}

#[test]
fn who_was_refused_comes_back_by_a_disconnect_and_a_connect() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "anna.key", 10);
    let directory = KeyDirectory::open(folder.path()).unwrap();
    let context = Context::new();
    context.set_authenticator(directory.clone());
    let socket = context.socket(SocketType::Rep).unwrap();
    Curve.serve(&socket);
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();

    let client = Context::new().socket(SocketType::Req).unwrap();
    Curve.call(&client);
    let mut monitor = client.monitor();
    client.connect(&endpoint).unwrap();
    assert_eq!(await_denial(&mut monitor), 400);
    save(folder.path(), "carl.key", 3);
    directory.reload().unwrap();
    // It is connected to the endpoint already.
    client.connect(&endpoint).unwrap();
    let is_in = |kind: &EventKind| matches!(kind, EventKind::HandshakeSucceeded);
    let end = Instant::now() + Duration::from_millis(500);
    while let Some(event) = monitor.next_timeout(end.saturating_duration_since(Instant::now())) {
        assert!(!is_in(&event.kind), "{event:?}");
    }
    client.disconnect(&endpoint).unwrap();
    client.connect(&endpoint).unwrap();
    await_event(&mut monitor, is_in);
    client.send("hello").unwrap();
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "hello");
}

#[test]
fn a_file_with_both_keys_lets_its_public_one_in() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::from(keys(10));
    certificate.save_secret(folder.path().join("anna")).unwrap();
    let directory = KeyDirectory::open(folder.path()).unwrap();
    assert!(directory.contains(keys(10).public()));
}

#[test]
fn of_two_files_with_a_key_one_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "a.key", 10);
    save(folder.path(), "b.key", 10);
    let directory = KeyDirectory::open(folder.path()).unwrap();
    fs::remove_file(folder.path().join("a.key")).unwrap();
    directory.reload().unwrap();
    assert!(directory.contains(keys(10).public()));
    fs::remove_file(folder.path().join("b.key")).unwrap();
    directory.reload().unwrap();
    eventually("the key is gone", || !directory.contains(keys(10).public()));
}

#[test]
fn who_is_noted_otherwise_comes_again_as_that() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let note = |role: &str| {
        let mut certificate = Certificate::from(*keys(10).public());
        certificate.set_metadata("role", role).unwrap();
        let path = folder.path().join("anna.key");
        let _ = fs::remove_file(&path);
        certificate.save_public(path).unwrap();
    };
    note("admin");
    save(folder.path(), "bert.key", 11);
    let directory = KeyDirectory::open(folder.path()).unwrap();
    let (_context, socket, mut monitor, endpoint) = server(&directory);
    let (bert, _monitor) = client(11, &endpoint);
    bert.send("hello").unwrap();
    socket.recv_timeout(PATIENCE).unwrap();
    let (anna, _monitor) = client(10, &endpoint);
    anna.send("hello").unwrap();
    let role = |message: &zincmq::Multipart| {
        let peer = message.peer().unwrap();
        peer.property("role").unwrap().clone()
    };
    assert_eq!(role(&socket.recv_timeout(PATIENCE).unwrap()), "admin");

    note("guest");
    directory.reload().unwrap();
    let reason = await_revocation(&mut monitor);
    assert!(reason.contains(&keys(10).public().to_string()), "{reason}");
    await_event(&mut monitor, |kind| {
        matches!(kind, EventKind::HandshakeSucceeded)
    });
    anna.send("here again").unwrap();
    assert_eq!(role(&socket.recv_timeout(PATIENCE).unwrap()), "guest");

    // Who is noted as before stays, and so does who has just come.
    save(folder.path(), "carl.key", 12);
    directory.reload().unwrap();
    for client in [&anna, &bert] {
        client.send("still here").unwrap();
        socket.recv_timeout(PATIENCE).unwrap();
    }
    let mut later = std::iter::from_fn(|| monitor.try_next());
    assert!(!later.any(|event| matches!(event.kind, EventKind::Disconnected { .. })));
}
