//! Endpoints, connections over loopback, filters and socket files.

mod connect;
mod endpoints;
mod ipc;
mod socks;
mod tcp;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::*;
use crate::error::{BindError, EndpointError};

/// Every wait ends by then.
const DEADLINE: Duration = Duration::from_secs(10);

fn endpoint(text: &str) -> Endpoint {
    Endpoint::parse(text).expect("the test's endpoint is one")
}

fn listen_at(text: &str, options: &TransportOptions) -> Listener {
    listen(&endpoint(text), options).expect("the test may bind there")
}

fn wait(fd: BorrowedFd<'_>, events: PollFlags) {
    let deadline = Timespec::try_from(DEADLINE).expect("it fits");
    let ready = poll(&mut [PollFd::from_borrowed_fd(fd, events)], Some(&deadline)).unwrap();
    assert_ne!(ready, 0, "nothing happened before the deadline");
}

/// What became of dialing the first of the endpoint's addresses.
fn try_dial(text: &str, options: &TransportOptions) -> io::Result<Accepted> {
    let targets = resolve(&endpoint(text), options).expect("it resolves");
    let dialing = dial(&targets[0], options).map_err(|undialled| undialled.error)?;
    wait(dialing.as_fd(), PollFlags::OUT);
    dialing.finish()
}

fn accept_next(listener: &Listener) -> io::Result<Accepted> {
    wait(listener.as_fd(), PollFlags::IN);
    Ok(listener.accept()?.expect("poll said that one waits"))
}

/// Both ends of a new connection: the dialing one, the accepted one.
fn connect(listener: &Listener, options: &TransportOptions) -> (Accepted, Accepted) {
    let dialed = try_dial(listener.endpoint(), options).expect("somebody listens");
    (dialed, accept_next(listener).expect("the peer is admitted"))
}

fn write_all(stream: &mut dyn ByteStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait(stream.fd(), PollFlags::OUT);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn read_exact(stream: &mut dyn ByteStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let mut done = 0;
    while done < count {
        match stream.read(&mut bytes[done..]) {
            Ok(0) => panic!("the stream ended after {done} of {count} bytes"),
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait(stream.fd(), PollFlags::IN);
            }
            Err(error) => panic!("{error}"),
        }
    }
    bytes
}

fn bounce(a: &mut Accepted, b: &mut Accepted) {
    write_all(&mut *a.stream, b"there");
    assert_eq!(read_exact(&mut *b.stream, 5), b"there");
    write_all(&mut *b.stream, b"and back");
    assert_eq!(read_exact(&mut *a.stream, 8), b"and back");
}

fn has_ipv6() -> bool {
    std::net::TcpListener::bind("[::1]:0").is_ok()
}
