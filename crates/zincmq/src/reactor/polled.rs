//! ppoll(2): descriptors, for which a thread sleeps under a signal mask of its
//! own for that time.
//!
//! The system call by itself: the C library's function may end the thread
//! (pthread_cancel(3)) by unwinding through frames that have no way to unwind.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::time::Duration;

use rustix::event::PollFlags;

/// A descriptor, what to look for, and what there was.
#[repr(transparent)]
pub(super) struct Polled<'fd> {
    inner: libc::pollfd,
    open: PhantomData<BorrowedFd<'fd>>,
}

impl<'fd> Polled<'fd> {
    pub(super) fn new(fd: BorrowedFd<'fd>, events: PollFlags) -> Self {
        Self {
            inner: libc::pollfd {
                fd: fd.as_raw_fd(),
                // Signed or not, as the backend of rustix has it.
                events: events.bits() as _,
                revents: 0,
            },
            open: PhantomData,
        }
    }

    pub(super) fn revents(&self) -> PollFlags {
        PollFlags::from_bits_retain(self.inner.revents as _)
    }
}

/// Waits until one of `fds` has what is looked for or, if there is a `limit`,
/// that has passed; with a `mask`, under that one. True if a signal ended it,
/// early and with nothing.
pub(super) fn poll(
    fds: &mut [Polled<'_>],
    limit: Option<Duration>,
    mask: Option<&libc::sigset_t>,
) -> io::Result<bool> {
    /// The kernel's signal mask: 64 signals.
    const MASK_LEN: usize = 8;
    let mut limit = limit.map(|left| libc::timespec {
        tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: left.subsec_nanos().into(),
    });
    // SAFETY: a `Polled` is a pollfd, and there are so many of them; the kernel
    // may change `limit`, which is ours, and reads the first `MASK_LEN` bytes of
    // a mask, which has more. Those pointers are null, or to what outlives the
    // call.
    let found = unsafe {
        libc::syscall(
            libc::SYS_ppoll,
            fds.as_mut_ptr(),
            fds.len(),
            limit.as_mut().map_or(ptr::null_mut(), ptr::from_mut),
            mask.map_or(ptr::null(), ptr::from_ref),
            MASK_LEN,
        )
    };
    if found >= 0 {
        return Ok(false);
    }
    let error = io::Error::last_os_error();
    match error.kind() {
        io::ErrorKind::Interrupted => {
            for fd in fds {
                fd.inner.revents = 0;
            }
            Ok(true)
        }
        _ => Err(error),
    }
}

/// Has the thread handle signals that it blocks, that `mask` lets through, and
/// that have come before. True if there were any.
pub(crate) fn take_signals(mask: &libc::sigset_t) -> bool {
    // Without descriptors it fails for no other reason.
    poll(&mut [], Some(Duration::ZERO), Some(mask)).unwrap_or(false)
}
