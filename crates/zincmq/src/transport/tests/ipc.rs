//! Listeners over ipc: socket files, abstract names, credentials.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use super::*;
use crate::transport::failure::is_refused_peer;

fn path_of(listener: &Listener) -> PathBuf {
    PathBuf::from(listener.endpoint().strip_prefix("ipc://").unwrap())
}

#[test]
fn a_wildcard_binds_in_a_private_directory_and_leaves_nothing() {
    let options = TransportOptions::default();
    let listener = listen_at("ipc://*", &options);
    let path = path_of(&listener);
    let directory = path.parent().unwrap().to_owned();
    let mode = fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let (mut a, mut b) = connect(&listener, &options);
    bounce(&mut a, &mut b);
    drop(listener);
    assert!(!path.exists());
    assert!(!directory.exists());
}

#[test]
fn a_path_goes_with_its_listener_and_can_be_bound_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let text = format!("ipc://{}", path.display());
    let options = TransportOptions::default();
    for _ in 0..2 {
        let listener = listen_at(&text, &options);
        assert_eq!(listener.endpoint(), text);
        let (mut a, mut b) = connect(&listener, &options);
        bounce(&mut a, &mut b);
        drop(listener);
        assert!(!path.exists());
    }
}

#[test]
fn what_a_dead_listener_left_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let text = format!("ipc://{}", path.display());
    for steal_ipc in [true, false] {
        let options = TransportOptions {
            steal_ipc,
            ..TransportOptions::default()
        };
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let listener = listen_at(&text, &options);
        let (mut a, mut b) = connect(&listener, &options);
        bounce(&mut a, &mut b);
    }
    fs::write(&path, "").unwrap();
    drop(listen_at(&text, &TransportOptions::default()));
}

#[test]
fn a_file_with_data_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    fs::write(&path, "data").unwrap();
    let text = format!("ipc://{}", path.display());
    let bound = listen(&endpoint(&text), &TransportOptions::default());
    assert!(matches!(bound, Err(BindError::InUse(named)) if named == text));
    assert_eq!(fs::read(&path).unwrap(), b"data");
}

#[test]
fn a_live_listener_loses_its_path_only_if_stealing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let text = format!("ipc://{}", path.display());
    let stealing = TransportOptions::default();
    let polite = TransportOptions {
        steal_ipc: false,
        ..TransportOptions::default()
    };
    let first = listen_at(&text, &stealing);
    assert!(matches!(
        listen(&endpoint(&text), &polite),
        Err(BindError::InUse(_))
    ));

    let second = listen_at(&text, &stealing);
    // The first takes only its own file away.
    drop(first);
    let (mut a, mut b) = connect(&second, &stealing);
    bounce(&mut a, &mut b);
}

#[test]
fn a_directory_that_is_missing_fails_the_bind() {
    let bound = listen(
        &endpoint("ipc:///nonexistent/zincmq/s"),
        &TransportOptions::default(),
    );
    assert!(matches!(bound, Err(BindError::System { .. })));
}

#[test]
fn abstract_names() {
    let options = TransportOptions::default();
    let text = format!("ipc://@zincmq-test-{}", std::process::id());
    let listener = listen_at(&text, &options);
    assert_eq!(listener.endpoint(), text);
    assert!(matches!(
        listen(&endpoint(&text), &options),
        Err(BindError::InUse(_))
    ));
    let (mut a, mut b) = connect(&listener, &options);
    assert_eq!(b.local_endpoint, text);
    bounce(&mut a, &mut b);
    drop(listener);
    drop(listen_at(&text, &options));
}

#[test]
fn peers_are_known_by_their_credentials() {
    let options = TransportOptions::default();
    let listener = listen_at("ipc://*", &options);
    let (dialed, accepted) = connect(&listener, &options);
    let expected = format!(
        "localhost:{}:{}:{}",
        rustix::process::getuid().as_raw(),
        rustix::process::getgid().as_raw(),
        std::process::id()
    );
    assert_eq!(accepted.peer, expected);
    assert_eq!(dialed.peer, expected);
    assert_eq!(dialed.peer_endpoint, listener.endpoint());
    assert_eq!(accepted.local_endpoint, listener.endpoint());
    assert_eq!(accepted.peer_endpoint, "ipc://");
}

#[test]
fn filters_by_user_group_and_process() {
    let uid = rustix::process::getuid().as_raw();
    let gid = rustix::process::getgid().as_raw();
    let pid = i32::try_from(std::process::id()).unwrap();
    let none = TransportOptions::default;
    let admitting = [
        TransportOptions {
            ipc_uid_filters: vec![uid],
            ..none()
        },
        TransportOptions {
            ipc_gid_filters: vec![gid],
            ..none()
        },
        TransportOptions {
            ipc_pid_filters: vec![pid],
            ..none()
        },
        TransportOptions {
            ipc_uid_filters: vec![uid + 1],
            ipc_pid_filters: vec![pid],
            ..none()
        },
    ];
    for options in admitting {
        let listener = listen_at("ipc://*", &options);
        let (mut a, mut b) = connect(&listener, &options);
        bounce(&mut a, &mut b);
    }
    let refusing = [
        TransportOptions {
            ipc_uid_filters: vec![uid + 1],
            ..none()
        },
        TransportOptions {
            ipc_gid_filters: vec![gid + 54_321],
            ..none()
        },
        TransportOptions {
            ipc_pid_filters: vec![pid + 1],
            ..none()
        },
    ];
    for options in refusing {
        let listener = listen_at("ipc://*", &options);
        let _dialed = try_dial(listener.endpoint(), &options).unwrap();
        let refused = accept_next(&listener).map(|_| ()).unwrap_err();
        assert!(is_refused_peer(&refused), "{refused}");
    }
}

#[test]
fn a_supplementary_group_admits() {
    let primary = rustix::process::getgid().as_raw();
    let Some(user) = uzers::get_user_by_uid(rustix::process::getuid().as_raw()) else {
        return;
    };
    let groups = uzers::get_user_groups(user.name(), user.primary_group_id()).unwrap_or_default();
    let Some(group) = groups.iter().find(|group| group.gid() != primary) else {
        return;
    };
    let options = TransportOptions {
        ipc_gid_filters: vec![group.gid()],
        ..TransportOptions::default()
    };
    let listener = listen_at("ipc://*", &options);
    let (mut a, mut b) = connect(&listener, &options);
    bounce(&mut a, &mut b);
}

#[test]
fn a_listening_descriptor_keeps_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let theirs = UnixListener::bind(&path).unwrap();
    let options = TransportOptions {
        use_fd: Some(ListeningFd::from(std::os::fd::OwnedFd::from(theirs))),
        ..TransportOptions::default()
    };
    let listener = listen_at(&format!("ipc://{}", path.display()), &options);
    let (mut a, mut b) = connect(&listener, &options);
    bounce(&mut a, &mut b);
    drop(listener);
    assert!(path.exists());
}

#[test]
fn a_full_backlog_fails_the_attempt() {
    let options = TransportOptions {
        backlog: 0,
        ..TransportOptions::default()
    };
    let listener = listen_at("ipc://*", &options);
    let target = &resolve(&endpoint(listener.endpoint()), &options).unwrap()[0];
    let mut waiting = Vec::new();
    let full = loop {
        assert!(waiting.len() < 100, "the backlog has no end");
        match dial(target, &options) {
            Ok(dialing) => {
                assert!(!dialing.is_under_way());
                waiting.push(dialing);
            }
            Err(undialled) => break undialled,
        }
    };
    assert_eq!(full.error.kind(), io::ErrorKind::WouldBlock);
    assert!(full.fd.is_some());
}
