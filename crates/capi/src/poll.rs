//! Waiting for several sockets and descriptors at once (zmq_poll(3)).

use std::ffi::{c_int, c_long, c_short, c_void};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use smallvec::SmallVec;
use zincmq::Readiness;
use zincmq::raw::events;

use crate::boundary::{Outcome, guard};
use crate::handle::Ref;
use crate::socket::{Socket, socket};

/// What `zmq_pollitem_t` is.
#[repr(C)]
pub struct Item {
    /// A socket of ours, or null.
    pub socket: *mut c_void,
    /// A descriptor, if there is no socket.
    pub fd: c_int,
    /// What to look for.
    pub events: c_short,
    /// What there was.
    pub revents: c_short,
}

/// Something to look at.
pub enum Target {
    /// One of ours.
    Socket(Ref<Socket>),
    /// Any descriptor, which C may close at any time.
    Descriptor(BorrowedFd<'static>),
}

impl Target {
    /// The descriptor `fd`.
    ///
    /// # Errors
    ///
    /// EBADF for what can be none.
    pub fn descriptor(fd: c_int) -> Outcome<Self> {
        if fd < 0 {
            return Err(libc::EBADF);
        }
        // SAFETY: it is only polled; should it not be open, the system says so.
        Ok(Self::Descriptor(unsafe { BorrowedFd::borrow_raw(fd) }))
    }
}

/// What C gives as the longest time to wait: milliseconds, or without end.
pub fn limit(timeout: c_long) -> Option<Duration> {
    u64::try_from(timeout).ok().map(Duration::from_millis)
}

/// Waits until one of the targets, each with its place, is ready for what it
/// is asked for. While the thread sleeps `mask`, if there is one, is its signal
/// mask. `tell` is called for each that is ready; returns how many are.
///
/// # Errors
///
/// ENOTSOCK and ETERM for a socket that has been closed, or whose context has;
/// EINTR if a signal handler has run.
pub fn poll<'a>(
    targets: impl Iterator<Item = (usize, &'a Target, Readiness)>,
    limit: Duration,
    mask: Option<&libc::sigset_t>,
    tell: impl FnMut(usize, Readiness),
) -> Outcome<usize> {
    let targets = targets.map(|(place, target, asked)| {
        let target = match target {
            Target::Socket(socket) => events::Target::Socket(socket),
            Target::Descriptor(fd) => events::Target::Descriptor(*fd),
        };
        (place, target, asked)
    });
    events::wait_for(targets, limit, mask, tell)
}

/// Waits until one of the items is ready, for at most `timeout` milliseconds
/// unless that is negative; writes for each of them what it is ready for, and
/// returns how many are.
///
/// # Safety
///
/// `items` points to `count` items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poll(items: *mut Item, count: c_int, timeout: c_long) -> c_int {
    guard(|| {
        // SAFETY: by the caller's promise.
        let items = unsafe { items_at(items, count) }?;
        poll_items(items, timeout, None)
    })
}

/// As [`zmq_poll`] with another signal mask for while the thread sleeps.
///
/// # Safety
///
/// `items` points to `count` items; `mask` is null or points to a mask.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ppoll(
    items: *mut Item,
    count: c_int,
    timeout: c_long,
    mask: *const libc::sigset_t,
) -> c_int {
    guard(|| {
        // SAFETY: by the caller's promise, as is the next.
        let items = unsafe { items_at(items, count) }?;
        // SAFETY: see above.
        let mask = unsafe { mask.as_ref() };
        poll_items(items, timeout, mask)
    })
}

/// # Safety
///
/// `items` points to `count` items that nobody else uses for `'a`.
unsafe fn items_at<'a>(items: *mut Item, count: c_int) -> Outcome<&'a mut [Item]> {
    match usize::try_from(count).map_err(|_| libc::EINVAL)? {
        0 => Ok(&mut []),
        _ if items.is_null() || !items.is_aligned() => Err(libc::EFAULT),
        // SAFETY: by the caller's promise.
        count => Ok(unsafe { std::slice::from_raw_parts_mut(items, count) }),
    }
}

fn poll_items(
    items: &mut [Item],
    timeout: c_long,
    mask: Option<&libc::sigset_t>,
) -> Outcome<c_int> {
    // Without a limit nothing but a signal ends a wait for nothing.
    let limit = limit(timeout).unwrap_or(Duration::MAX);
    for item in &mut *items {
        item.revents = 0;
    }
    let mut targets: SmallVec<[(usize, Target, Readiness); 8]> = SmallVec::new();
    for (place, item) in items.iter().enumerate() {
        let target = match item.socket.is_null() {
            false => Target::Socket(socket(item.socket)?),
            // Nothing is ever told of what can be no descriptor.
            true => match Target::descriptor(item.fd) {
                Ok(target) => target,
                Err(_) => continue,
            },
        };
        targets.push((place, target, events::readiness(item.events)));
    }
    let targets = targets
        .iter()
        .map(|(place, target, asked)| (*place, target, *asked));
    let ready = poll(targets, limit, mask, |place, ready| {
        items[place].revents = events::numbers(ready);
    })?;
    Ok(c_int::try_from(ready).unwrap_or(c_int::MAX))
}
