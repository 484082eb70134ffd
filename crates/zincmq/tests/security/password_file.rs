//! Passwords in a file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc::channel;

use super::revocation::{await_revocation, await_revocations};
use super::*;
use zincmq::security::{PasswordFault, PasswordFile, PasswordFileError};

/// Hashes by the reference implementation (argon2-cffi 25.1.0) that cost little,
/// of `secret` and `hunter2`.
const SECRET: &str = "$argon2id$v=19$m=64,t=1,p=1$a8d4VqwEiGlVgU5uzHlTtw$zh1V3EbKToJn/TnXEPgUn82rOHkdJjhxacOJtqOMMXo";
const HUNTER2: &str = "$argon2id$v=19$m=64,t=1,p=1$hrm5AVsQVKzJ9lTRpxPYHA$iBysA4Qn7mHtc5wIpfDs35wvT/+6cJsmzbV9YPdnXYU";

fn server(passwords: &PasswordFile) -> (Context, Socket, Monitor, String) {
    let context = Context::new();
    context.set_authenticator(passwords.clone());
    let socket = context.socket(SocketType::Pull).unwrap();
    Plain.serve(&socket);
    let monitor = socket.monitor();
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    (context, socket, monitor, endpoint)
}

fn client(name: &str, password: &str, endpoint: &str) -> (Socket, Monitor) {
    let socket = Context::new().socket(SocketType::Push).unwrap();
    socket.set(opt::Linger(Some(Duration::ZERO))).unwrap();
    socket.set(opt::PlainUsername(name.into())).unwrap();
    socket.set(opt::PlainPassword(password.into())).unwrap();
    let monitor = socket.monitor();
    socket.connect(endpoint).unwrap();
    (socket, monitor)
}

fn expect_in(socket: &Socket, client: &Socket, name: &str) {
    client.send("hello").unwrap();
    let message = socket.recv_timeout(PATIENCE).unwrap();
    assert_eq!(message[0], "hello");
    let user_id = message.peer().unwrap().user_id.clone();
    assert_eq!(user_id.as_deref(), Some(name.as_bytes()));
}

fn write(path: &Path, lines: &[(&str, &str)]) {
    let lines = lines.iter().map(|(name, hash)| format!("{name}:{hash}\n"));
    fs::write(path, lines.collect::<String>()).unwrap();
}

#[test]
fn who_knows_the_password_gets_in_and_nobody_else() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    write(&path, &[("anna", SECRET), ("b:c d", HUNTER2)]);
    let passwords = PasswordFile::open(&path).unwrap();
    let (_context, socket, mut monitor, endpoint) = server(&passwords);
    let (anna, _monitor) = client("anna", "secret", &endpoint);
    expect_in(&socket, &anna, "anna");
    let (bert, _monitor) = client("b:c d", "hunter2", &endpoint);
    expect_in(&socket, &bert, "b:c d");
    for (name, password) in [
        ("anna", "hunter2"),
        ("anna", "secret "),
        ("Anna", "secret"),
        // The password of the one that an unknown name is compared with.
        ("nobody", "secret"),
        ("nobody", "hunter2"),
    ] {
        let (_client, mut client_monitor) = client(name, password, &endpoint);
        assert_eq!(await_denial(&mut monitor), 400, "{name}");
        assert_eq!(await_denial(&mut client_monitor), 400, "{name}");
    }
}

#[test]
fn in_an_empty_file_there_is_nobody() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    fs::write(&path, "# nobody yet\n").unwrap();
    let passwords = PasswordFile::open(&path).unwrap();
    let (_context, _socket, mut monitor, endpoint) = server(&passwords);
    let (_client, _monitor) = client("anna", "secret", &endpoint);
    assert_eq!(await_denial(&mut monitor), 400);
}

#[test]
fn none_of_several_changes_at_once_is_lost() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    let names: Vec<String> = (0..12).map(|n| format!("user{n}")).collect();
    std::thread::scope(|scope| {
        for name in &names {
            let path = &path;
            scope.spawn(move || PasswordFile::set(path, name, "secret").unwrap());
        }
    });
    std::thread::scope(|scope| {
        for name in &names[4..] {
            let path = &path;
            scope.spawn(move || assert!(PasswordFile::remove(path, name).unwrap()));
        }
        scope.spawn(|| PasswordFile::set(&path, "late", "secret").unwrap());
    });
    let text = fs::read_to_string(&path).unwrap();
    let mut left: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect();
    left.sort_unstable();
    assert_eq!(left, ["late", "user0", "user1", "user2", "user3"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_another_keeps_locked_is_an_error() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    PasswordFile::set(&path, "anna", "secret").unwrap();
    let held = fs::File::open(folder.path()).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let error = PasswordFile::remove(&path, "anna").unwrap_err();
    assert!(matches!(error, PasswordFileError::Write { .. }), "{error}");
    assert!(error.to_string().contains("locked"), "{error}");
    drop(held);
    assert!(PasswordFile::remove(&path, "anna").unwrap());
}

#[test]
fn a_password_that_is_set_is_the_one() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    PasswordFile::set(&path, "anna", "one").unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // More than a file that is made gets with any usual umask.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    PasswordFile::set(&link, "bert", "two").unwrap();
    PasswordFile::set(&link, "anna", "three").unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert!(link.is_symlink());
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(
        text.starts_with("anna:$argon2id$v=19$m=19456,t=2,p=1$"),
        "{text}"
    );

    let passwords = PasswordFile::open(&path).unwrap();
    let (_context, socket, mut monitor, endpoint) = server(&passwords);
    let (anna, _monitor) = client("anna", "three", &endpoint);
    expect_in(&socket, &anna, "anna");
    let (_anna, _monitor) = client("anna", "one", &endpoint);
    assert_eq!(await_denial(&mut monitor), 400);
    assert!(PasswordFile::remove(&link, "anna").unwrap());
    assert!(!PasswordFile::remove(&link, "anna").unwrap());
    passwords.reload().unwrap();
    let reason = await_revocation(&mut monitor);
    assert!(reason.contains("`anna`"), "{reason}");
}

#[test]
fn what_cannot_be_set_is_refused_and_the_file_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    for name in ["", "#anna", "an\nna"] {
        let error = PasswordFile::set(&path, name, "secret").unwrap_err();
        assert!(matches!(error, PasswordFileError::BadName(_)), "{error}");
    }
    let error = PasswordFile::set(&path, "anna", "x".repeat(256)).unwrap_err();
    assert!(error.to_string().contains("256 bytes"), "{error}");
    assert!(!path.exists());
    let error = PasswordFile::set(folder.path().join("no/file"), "anna", "x").unwrap_err();
    assert!(error.to_string().contains("no/file"), "{error}");
    let error = PasswordFile::remove(&path, "anna").unwrap_err();
    assert!(matches!(error, PasswordFileError::Read { .. }), "{error}");
}

#[test]
fn malformed_lines_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    fs::write(&path, format!("anna:{SECRET}\nplaintext\nbert:hunter2\n")).unwrap();
    let error = PasswordFile::open(&path).unwrap_err();
    let PasswordFileError::Malformed { faults, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(faults[0], (2, PasswordFault::NoColon));
    assert_eq!(faults[1].0, 3);
    let text = error.to_string();
    for part in ["passwords", "line 2", "line 3"] {
        assert!(text.contains(part), "{text}");
    }
    for secret in ["plaintext", "hunter2"] {
        assert!(!text.contains(secret), "{text}");
    }
    let error = PasswordFile::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, PasswordFileError::NotAFile { .. }),
        "{error}"
    );
    let error = PasswordFile::open(folder.path().join("none")).unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
}

#[test]
fn hashes_that_would_take_too_long_are_named_and_let_nobody_in() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    let dear = SECRET.replace("t=1,", "t=100000,");
    write(&path, &[("anna", SECRET), ("bert", &dear)]);
    let error = PasswordFile::open(&path).unwrap_err().to_string();
    for part in ["passwords", "line 2", "t=100000"] {
        assert!(error.contains(part), "{error}");
    }
    write(&path, &[("anna", SECRET), ("bert", SECRET)]);
    let passwords = PasswordFile::open(&path).unwrap();
    write(&path, &[("anna", SECRET), ("bert", &dear)]);
    let again = passwords.reload().unwrap_err().to_string();
    assert_eq!(again, error);
    let (_context, socket, mut monitor, endpoint) = server(&passwords);
    let (_bert, _monitor) = client("bert", "secret", &endpoint);
    assert_eq!(await_denial(&mut monitor), 400);
    let (anna, _monitor) = client("anna", "secret", &endpoint);
    expect_in(&socket, &anna, "anna");
}

#[test]
fn what_everybody_may_write_to_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("passwords");
    write(&path, &[("anna", SECRET)]);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let set_mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let passwords = PasswordFile::open(&path).unwrap();
    let expect = |culprit: &Path, mode: u32| {
        let errors = [
            PasswordFile::open(&path).unwrap_err(),
            PasswordFile::set(&path, "bert", "secret").unwrap_err(),
            PasswordFile::check(&path, "bert").unwrap_err(),
            passwords.reload().unwrap_err(),
        ];
        let linked = PasswordFile::open(&link).unwrap_err();
        assert!(
            matches!(linked, PasswordFileError::Writable { .. }),
            "{linked}"
        );
        for error in errors {
            let told = error.to_string();
            assert!(
                matches!(error, PasswordFileError::Writable { .. }),
                "{told}"
            );
            let start = format!("{}: ", culprit.display());
            assert!(told.starts_with(&start), "{told}");
            assert!(told.contains(&format!("(mode {mode:04o})")), "{told}");
        }
    };
    for mode in [0o602, 0o666, 0o777] {
        set_mode(&path, mode);
        expect(&path, mode);
    }
    // What was read before holds.
    assert!(format!("{passwords:?}").contains("users: 1"));
    set_mode(&path, 0o664);
    passwords.reload().unwrap();
    set_mode(&inner, 0o777);
    expect(&inner, 0o777);
    // There nobody replaces a file of others, as in /tmp.
    set_mode(&inner, 0o1777);
    passwords.reload().unwrap();
    PasswordFile::open(&link).unwrap();
    // A new one is not made where it could not be used.
    set_mode(&inner, 0o777);
    let error = PasswordFile::set(inner.join("new"), "anna", "secret").unwrap_err();
    assert!(
        matches!(error, PasswordFileError::Writable { .. }),
        "{error}"
    );
    assert_eq!(fs::read_dir(&inner).unwrap().count(), 1);
}

#[test]
fn who_is_taken_out_or_has_another_password_has_to_go() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    write(
        &path,
        &[("anna", SECRET), ("bert", SECRET), ("carl", SECRET)],
    );
    let passwords = PasswordFile::open(&path).unwrap();
    let (_context, socket, mut monitor, endpoint) = server(&passwords);
    let clients = ["anna", "bert", "carl"].map(|name| {
        let (client, monitor) = client(name, "secret", &endpoint);
        expect_in(&socket, &client, name);
        (client, monitor)
    });
    // Taken out while another line is broken, and given another password.
    let lines = format!("carl:{SECRET}\nbroken\nbert:{HUNTER2}\n");
    fs::write(&path, lines).unwrap();
    let error = passwords.reload().unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
    let reasons = await_revocations(&mut monitor, 2);
    assert!(
        reasons[0].contains("`anna` is no user any more"),
        "{reasons:?}"
    );
    assert!(
        reasons[1].contains("`bert` has another password"),
        "{reasons:?}"
    );
    expect_in(&socket, &clients[2].0, "carl");
    let (bert, _monitor) = client("bert", "hunter2", &endpoint);
    expect_in(&socket, &bert, "bert");
    // What is wrong is told each time it is asked for; nobody has to go for it.
    passwords.reload().unwrap_err();
    expect_in(&socket, &bert, "bert");
    // A file that cannot be read changes nothing.
    fs::remove_file(&path).unwrap();
    let error = passwords.reload().unwrap_err();
    assert!(matches!(error, PasswordFileError::Read { .. }), "{error}");
    expect_in(&socket, &bert, "bert");
    expect_in(&socket, &clients[2].0, "carl");
}

#[test]
fn changes_are_noticed_by_themselves() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    write(&path, &[("anna", SECRET)]);
    let passwords = PasswordFile::open(&path).unwrap();
    let (report, reports) = channel();
    passwords
        .watch(move |reloaded| {
            report
                .send(reloaded.map_err(|error| error.to_string()))
                .unwrap()
        })
        .unwrap();
    let (_context, socket, mut monitor, endpoint) = server(&passwords);
    let (anna, _monitor) = client("anna", "secret", &endpoint);
    expect_in(&socket, &anna, "anna");

    let staged = folder.path().join("staged");
    write(&staged, &[("bert", HUNTER2)]);
    fs::rename(&staged, &path).unwrap();
    await_revocation(&mut monitor);
    assert_eq!(reports.recv_timeout(PATIENCE).unwrap(), Ok(()));
    let (bert, _monitor) = client("bert", "hunter2", &endpoint);
    expect_in(&socket, &bert, "bert");

    fs::write(&path, format!("bert:{HUNTER2}\nbroken\n")).unwrap();
    let error = reports.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert!(error.contains("line 2"), "{error}");
    expect_in(&socket, &bert, "bert");
}

#[test]
fn another_file_judges_those_that_the_former_let_in() {
    let _deadline = deadline();
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    write(&one, &[("anna", SECRET), ("bert", SECRET)]);
    write(&two, &[("anna", SECRET), ("bert", HUNTER2)]);
    let passwords = PasswordFile::open(&one).unwrap();
    let (context, socket, mut monitor, endpoint) = server(&passwords);
    let (anna, _monitor) = client("anna", "secret", &endpoint);
    expect_in(&socket, &anna, "anna");
    let (bert, _monitor) = client("bert", "secret", &endpoint);
    expect_in(&socket, &bert, "bert");
    context.set_authenticator(PasswordFile::open(&two).unwrap());
    context.review_peers();
    await_revocation(&mut monitor);
    assert_eq!(await_denial(&mut monitor), 400);
    expect_in(&socket, &anna, "anna");
}

#[test]
fn no_change_undoes_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwords");
    let names: Vec<String> = (0..20).map(|n| format!("user{n}")).collect();
    let lines: Vec<_> = names.iter().map(|name| (name.as_str(), SECRET)).collect();
    write(&path, &lines);
    std::thread::scope(|scope| {
        for name in &names {
            let path = &path;
            scope.spawn(move || assert!(PasswordFile::remove(path, name).unwrap()));
        }
    });
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
}
