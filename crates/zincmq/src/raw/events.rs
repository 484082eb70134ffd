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
    mut limit: Duration,
    mask: Option<&libc::sigset_t>,
    mut tell: impl FnMut(usize, Readiness),
) -> Outcome<usize> {
    let targets: SmallVec<[_; 8]> = targets.collect();
    let mut items: SmallVec<[PollItem<'_>; 8]> = SmallVec::new();
    // The place of each item, and what is known of it before.
    let mut known: SmallVec<[(usize, Readiness); 8]> = SmallVec::new();
    for (place, target, asked) in &targets {
        let mut now = Readiness::NONE;
        items.push(match target {
            Target::Socket(socket) => {
                let ask;
                (ask, now) = socket.halfway(*asked);
                PollItem::socket(&socket.engine, ask)
            }
            Target::Descriptor(fd) => PollItem::fd(fd, *asked),
        });
        if !now.is_empty() {
            limit = Duration::ZERO;
        }
        known.push((*place, now));
    }
    super::poll(&mut items, Some(limit), mask).map_err(code)?;
    let mut count = 0;
    for (item, (place, now)) in items.iter().zip(known) {
        let ready = super::reported(item) | now;
        if !ready.is_empty() {
            tell(place, ready);
            count += 1;
        }
    }
    Ok(count)
}
