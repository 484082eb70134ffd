//! Listeners over tcp: wildcards, filters, options, handed-over descriptors.

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use socket2::SockRef;

use super::*;
use crate::security::Network;
use crate::transport::failure::{is_refused_peer, is_resource_exhaustion};

#[test]
fn wildcard_ports_are_resolved() {
    for (bound, prefix) in [
        ("tcp://127.0.0.1:*", "tcp://127.0.0.1:"),
        ("tcp://*:0", "tcp://0.0.0.0:"),
        ("tcp://localhost:*", "tcp://127.0.0.1:"),
    ] {
        let options = TransportOptions::default();
        let listener = listen_at(bound, &options);
        let port = listener.endpoint().strip_prefix(prefix).unwrap();
        assert_ne!(port.parse::<u16>().unwrap(), 0);
        let (mut a, mut b) = connect(&listener, &options);
        bounce(&mut a, &mut b);
    }
}

#[test]
fn ipv6_serves_both_families() {
    if !has_ipv6() {
        return;
    }
    let options = TransportOptions {
        ipv6: true,
        ..TransportOptions::default()
    };
    let listener = listen_at("tcp://*:*", &options);
    assert!(listener.endpoint().starts_with("tcp://[::]:"));
    let (mut a, mut b) = connect(&listener, &options);
    bounce(&mut a, &mut b);

    let port = listener.endpoint().rsplit_once(':').unwrap().1;
    let mut v4 = try_dial(&format!("tcp://127.0.0.1:{port}"), &options).unwrap();
    let mut accepted = accept_next(&listener).unwrap();
    assert_eq!(accepted.peer, "::ffff:127.0.0.1");
    bounce(&mut v4, &mut accepted);

    let literal = listen_at("tcp://[::1]:*", &options);
    let (mut a, mut b) = connect(&literal, &options);
    assert_eq!(b.peer, "::1");
    assert!(b.peer_endpoint.starts_with("tcp://[::1]:"));
    bounce(&mut a, &mut b);

    let v4 = listen_at("tcp://127.0.0.1:*", &options);
    let (mut a, mut b) = connect(&v4, &options);
    bounce(&mut a, &mut b);
}

#[test]
fn both_sides_know_both_addresses() {
    let options = TransportOptions::default();
    let listener = listen_at("tcp://127.0.0.1:*", &options);
    let (dialed, accepted) = connect(&listener, &options);
    assert_eq!(dialed.peer, "127.0.0.1");
    assert_eq!(accepted.peer, "127.0.0.1");
    assert_eq!(dialed.peer_endpoint, listener.endpoint());
    assert_eq!(accepted.local_endpoint, listener.endpoint());
    assert_eq!(dialed.local_endpoint, accepted.peer_endpoint);
}

#[test]
fn an_endpoint_in_use_is_refused_and_free_again_after_close() {
    let options = TransportOptions::default();
    let listener = listen_at("tcp://127.0.0.1:*", &options);
    let taken = listener.endpoint().to_owned();
    let second = listen(&endpoint(&taken), &options);
    assert!(matches!(second, Err(BindError::InUse(named)) if named == taken));
    // A connection that lingers in TIME_WAIT does not keep the port.
    let (dialed, accepted) = connect(&listener, &options);
    drop(accepted);
    drop(dialed);
    drop(listener);
    let again = listen_at(&taken, &options);
    assert_eq!(again.endpoint(), taken);
}

#[test]
fn nobody_there_to_accept() {
    let listener = listen_at("tcp://127.0.0.1:*", &TransportOptions::default());
    assert!(listener.accept().unwrap().is_none());
}

#[test]
fn filters_by_network() {
    let with = |filters: &[&str]| TransportOptions {
        tcp_accept_filters: filters.iter().map(|text| text.parse().unwrap()).collect(),
        ..TransportOptions::default()
    };
    for filters in [
        &["127.0.0.1/32"][..],
        &["0.0.0.0/0"],
        &["10.0.0.0/8", "127.0.0.0/8"],
        &["127.0.0.1"],
    ] {
        let options = with(filters);
        let listener = listen_at("tcp://127.0.0.1:*", &options);
        let (mut a, mut b) = connect(&listener, &options);
        bounce(&mut a, &mut b);
    }
    for filters in [&["127.0.0.255/32"][..], &["::1/128"], &["128.0.0.0/1"]] {
        let options = with(filters);
        let listener = listen_at("tcp://127.0.0.1:*", &options);
        let mut dialed = try_dial(listener.endpoint(), &options).unwrap();
        let refused = accept_next(&listener).map(|_| ()).unwrap_err();
        assert!(is_refused_peer(&refused), "{refused}");
        assert!(is_transient_accept(&refused));
        assert!(!is_resource_exhaustion(&refused));
        wait(dialed.stream.fd(), PollFlags::IN);
        assert!(matches!(dialed.stream.read(&mut [0; 1]), Ok(0) | Err(_)));
        assert!(listener.accept().unwrap().is_none());
    }
}

#[test]
fn filters_that_are_none() {
    for text in [
        "foo",
        "0.0.0.0foo",
        "0.0.0.0/foo",
        "0.0.0.0/",
        "0.0.0.0/-1",
        "0.0.0.0/+1",
        "0.0.0.0/33",
        "::/129",
        "",
        "/8",
        "*/0",
    ] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}

#[test]
fn prefixes_compare_bit_by_bit() {
    let contains = |network: &str, address: &str| {
        let address: IpAddr = address.parse().unwrap();
        network.parse::<Network>().unwrap().contains(address)
    };
    assert!(contains("192.168.4.0/22", "192.168.7.255"));
    assert!(!contains("192.168.4.0/22", "192.168.8.0"));
    assert!(contains("192.168.4.1/22", "192.168.4.0"));
    assert!(contains("0.0.0.0/0", "255.255.255.255"));
    assert!(contains("fe80::/10", "febf::1"));
    assert!(!contains("fe80::/10", "fec0::1"));
    assert!(contains("127.0.0.1/32", "::ffff:127.0.0.1"));
    assert!(!contains("::/0", "127.0.0.1"));
    assert!(contains("::1", "::1"));
}

#[test]
fn options_reach_both_sockets() {
    let options = TransportOptions {
        send_buffer: Some(40_000),
        receive_buffer: Some(50_000),
        tos: 0x28,
        priority: 4,
        tcp_keepalive: Some(true),
        tcp_keepalive_count: Some(5),
        tcp_keepalive_idle: Some(Duration::from_secs(60)),
        tcp_keepalive_interval: Some(Duration::from_secs(7)),
        tcp_max_rt: Some(Duration::from_millis(9000)),
        ..TransportOptions::default()
    };
    let listener = listen_at("tcp://127.0.0.1:*", &options);
    let (dialed, accepted) = connect(&listener, &options);
    for stream in [&dialed.stream, &accepted.stream] {
        let fd = stream.fd();
        let socket = SockRef::from(&fd);
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 5);
        assert_eq!(
            socket.tcp_keepalive_time().unwrap(),
            Duration::from_secs(60)
        );
        assert_eq!(
            socket.tcp_keepalive_interval().unwrap(),
            Duration::from_secs(7)
        );
        assert_eq!(
            socket.tcp_user_timeout().unwrap(),
            Some(Duration::from_secs(9))
        );
        assert_eq!(socket.tos_v4().unwrap(), 0x28);
        assert_eq!(socket.priority().unwrap(), 4);
        assert!(socket.nonblocking().unwrap());
        // Linux doubles what is asked (socket(7)).
        assert_eq!(socket.send_buffer_size().unwrap(), 80_000);
        assert_eq!(socket.recv_buffer_size().unwrap(), 100_000);
        let flags = rustix::io::fcntl_getfd(fd).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
}

#[test]
fn a_value_the_system_refuses_shows_at_bind() {
    let options = TransportOptions {
        tcp_keepalive: Some(true),
        tcp_keepalive_count: Some(100_000),
        ..TransportOptions::default()
    };
    let bound = listen(&endpoint("tcp://127.0.0.1:*"), &options);
    assert!(matches!(bound, Err(BindError::System { .. })));
    let options = TransportOptions {
        bind_to_device: Some("nosuch0".to_owned()),
        ..TransportOptions::default()
    };
    let bound = listen(&endpoint("tcp://127.0.0.1:*"), &options);
    assert!(matches!(bound, Err(BindError::System { .. })));
}

#[test]
fn a_listening_descriptor_is_taken_over() {
    let theirs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = theirs.local_addr().unwrap();
    let options = TransportOptions {
        use_fd: Some(ListeningFd::from(OwnedFd::from(theirs))),
        ..TransportOptions::default()
    };
    let text = format!("tcp://{address}");
    let listener = listen_at(&text, &options);
    assert_eq!(listener.endpoint(), text);
    let (mut a, mut b) = connect(&listener, &options);
    bounce(&mut a, &mut b);

    let again = listen(&endpoint(&text), &options);
    assert!(
        matches!(again, Err(BindError::System { .. })),
        "it is taken"
    );
    drop(listener);
    assert!(
        std::net::TcpListener::bind(address).is_ok(),
        "it was closed"
    );
}

#[test]
fn a_descriptor_of_another_kind_is_refused() {
    let (stream, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for fd in [OwnedFd::from(stream), OwnedFd::from(udp)] {
        let options = TransportOptions {
            use_fd: Some(ListeningFd::from(fd)),
            ..TransportOptions::default()
        };
        let bound = listen(&endpoint("tcp://127.0.0.1:*"), &options);
        assert!(matches!(bound, Err(BindError::System { .. })));
    }
}

#[test]
fn a_descriptor_never_bound_stays_with_its_owner() {
    let theirs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = theirs.local_addr().unwrap();
    drop(ListeningFd::kept_open_until_bound(theirs.into()));
    assert!(std::net::TcpStream::connect(address).is_ok());
}

#[test]
fn exhaustion_is_told_from_what_concerns_one_peer() {
    use rustix::io::Errno;
    for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
        assert!(is_resource_exhaustion(&errno.into()));
        assert!(!is_transient_accept(&errno.into()));
    }
    for errno in [
        Errno::CONNABORTED,
        Errno::PROTO,
        Errno::PERM,
        Errno::CONNRESET,
    ] {
        assert!(!is_resource_exhaustion(&errno.into()));
        assert!(is_transient_accept(&errno.into()));
    }
    for errno in [Errno::BADF, Errno::INVAL, Errno::NOTSOCK] {
        assert!(!is_transient_accept(&errno.into()));
    }
}
