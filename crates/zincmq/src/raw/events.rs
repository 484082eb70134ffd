//! What a socket or descriptor is ready for, in the numbers of zmq_poll(3), and
//! waiting for it.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use smallvec::SmallVec;

use super::errno::{Outcome, code};
use super::part_socket::PartSocket;
use crate::{PollItem, Readiness};

const IN: i16 = 1;
const OUT: i16 = 2;
const ERR: i16 = 4;
const PRI: i16 = 8;

const EACH: [(i16, Readiness); 4] = [
    (IN, Readiness::READABLE),
    (OUT, Readiness::WRITABLE),
    (ERR, Readiness::ERROR),
    (PRI, Readiness::URGENT),
];

/// Something to look at.
pub enum Target<'a> {
    /// One of ours.
    Socket(&'a PartSocket),
    /// Any descriptor, which the program may close at any time.
    Descriptor(BorrowedFd<'a>),
}

/// What events stand for; those there are none of are left out.
#[must_use]
pub fn readiness(events: i16) -> Readiness {
    let mut all = Readiness::NONE;
    for (event, readiness) in EACH {
        if events & event != 0 {
            all |= readiness;
        }
    }
    all
}

/// As what events the program is told of it.
#[must_use]
pub fn numbers(ready: Readiness) -> i16 {
    let mut all = 0;
    for (event, readiness) in EACH {
        if ready.contains(readiness) {
            all |= event;
        }
    }
    all
}

/// Waits until one of the targets, each with its place, is ready for what it
/// is asked for. While the thread sleeps `mask`, if there is one, is its signal
/// mask. `tell` is called for each that is ready; returns how many are.
///
/// # Errors
///
/// ENOTSOCK and ETERM for a socket that has been closed, or whose context has;
/// EINTR if a signal handler has run.
pub fn wait_for<'a>(
    targets: impl Iterator<Item = (usize, Target<'a>, Readiness)>,
    limit: Duration,
    mask: Option<&libc::sigset_t>,
    mut tell: impl FnMut(usize, Readiness),
) -> Outcome<usize> {
    let targets: SmallVec<[_; 8]> = targets.collect();
    let mut items: SmallVec<[PollItem<'_>; 8]> = targets
        .iter()
        .map(|(_, target, asked)| match target {
            Target::Socket(socket) => PollItem::parts(socket, *asked),
            Target::Descriptor(fd) => PollItem::fd(fd, *asked),
        })
        .collect();
    super::poll(&mut items, Some(limit), mask).map_err(code)?;
    let mut count = 0;
    for (item, (place, ..)) in items.iter().zip(&targets) {
        let ready = super::reported(item);
        if !ready.is_empty() {
            tell(*place, ready);
            count += 1;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::super::Listener;
    use super::*;
    use crate::{Context, Multipart, SocketType};

    const PATIENCE: Duration = Duration::from_secs(60);

    fn poll(socket: &PartSocket, limit: Duration) -> Outcome<i16> {
        let mut found = 0;
        let target = (0, Target::Socket(socket), Readiness::READABLE);
        let count = wait_for(std::iter::once(target), limit, None, |_, ready| {
            found = numbers(ready);
        })?;
        assert_eq!(count, usize::from(found != 0));
        Ok(found)
    }

    fn give_back(socket: &PartSocket) {
        let number = socket.turns.number();
        socket
            .turns
            .give_back(number, Multipart::from("again"), false);
        Listener::wake_all(&socket.engine);
    }

    #[test]
    fn what_is_given_back_is_readable_and_ends_a_wait() {
        let context = Context::new();
        for transport in ["inproc://given-back", "tcp://127.0.0.1:*"] {
            let pull = PartSocket::new(context.socket(SocketType::Pull).unwrap());
            pull.engine.bind(transport).unwrap();
            assert_eq!(poll(&pull, Duration::ZERO), Ok(0));
            give_back(&pull);
            assert_eq!(poll(&pull, Duration::ZERO), Ok(IN));
            assert!(pull.turns.take_returned().is_some());
            assert_eq!(poll(&pull, Duration::ZERO), Ok(0));

            let pull = Arc::new(pull);
            let waiter = {
                let pull = Arc::clone(&pull);
                thread::spawn(move || poll(&pull, PATIENCE))
            };
            // Most likely it sleeps by then.
            thread::sleep(Duration::from_millis(50));
            give_back(&pull);
            assert_eq!(waiter.join().unwrap(), Ok(IN));
        }
    }
}
