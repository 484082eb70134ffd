//! What the engine's threads leave for an event loop, and the descriptor that
//! wakes it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use zincmq::raw::Birth;

/// One for each loop.
pub struct Bell {
    /// What the loop waits at, an epoll(7): it has the eventfd, and sockets'
    /// connections for as long as something waits for them.
    epoll: OwnedFd,
    /// An eventfd(2), readable while it rings.
    eventfd: OwnedFd,
    /// Whose sockets are to be looked at. While there are any it has been rung.
    ready: Mutex<Vec<Arc<Signal>>>,
    born: Birth,
}

/// What woke the loop.
#[derive(Default)]
pub struct News {
    /// The stations whose sockets have connections that are ready.
    pub connections: Vec<u64>,
    /// Those whose sockets have changed otherwise.
    pub signals: Vec<Arc<Signal>>,
}

/// Stands for the eventfd among the keys of stations.
const RUNG: u64 = u64::MAX;
/// So many events are asked for in one call.
const EVENTS: usize = 64;

/// What a station listens to its socket with.
pub struct Signal {
    /// The station's.
    pub key: u64,
    bell: Arc<Bell>,
    /// It is on the bell's list.
    queued: AtomicBool,
}

impl Bell {
    pub fn new() -> io::Result<Arc<Self>> {
        // SAFETY: it takes a number.
        let epoll = unsafe { owned(libc::epoll_create1(libc::EPOLL_CLOEXEC)) }?;
        // SAFETY: it takes two numbers.
        let eventfd = unsafe { owned(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK)) }?;
        let bell = Self {
            epoll,
            eventfd,
            ready: Mutex::default(),
            born: Birth::here(),
        };
        let rung = bell.control(
            libc::EPOLL_CTL_ADD,
            bell.eventfd.as_fd(),
            libc::EPOLLIN,
            RUNG,
        );
        match rung {
            true => Ok(Arc::new(bell)),
            false => Err(io::Error::last_os_error()),
        }
    }

    /// Readable once there are news.
    pub fn descriptor(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }

    /// Whether this process made it. With one that was forked it is shared, and
    /// not to be touched.
    pub fn is_own(&self) -> bool {
        self.born.is_here()
    }

    /// Has the loop woken, once, when `connections` are ready, which `is_known`
    /// if they were watched before. False if the system does not let it.
    pub fn watch(&self, connections: BorrowedFd<'_>, key: u64, is_known: bool) -> bool {
        let events = libc::EPOLLIN | libc::EPOLLONESHOT;
        let operation = match is_known {
            true => libc::EPOLL_CTL_MOD,
            false => libc::EPOLL_CTL_ADD,
        };
        self.control(operation, connections, events, key)
    }

    /// Never has it woken by them again.
    pub fn forget(&self, connections: BorrowedFd<'_>) {
        self.control(libc::EPOLL_CTL_DEL, connections, 0, 0);
    }

    /// What woke the loop; from now on it may be rung again.
    pub fn answer(&self) -> News {
        let mut news = News::default();
        let none = libc::epoll_event { events: 0, u64: 0 };
        let mut events = [none; EVENTS];
        loop {
            let place = events.as_mut_ptr();
            // SAFETY: the descriptor is open, and there is room for as many
            // events. It does not wait.
            let count = unsafe { libc::epoll_wait(self.descriptor(), place, EVENTS as i32, 0) };
            let found = &events[..usize::try_from(count).unwrap_or(0)];
            for event in found {
                match event.u64 {
                    RUNG => self.hush(),
                    key => news.connections.push(key),
                }
            }
            if found.len() < EVENTS {
                break;
            }
        }
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        news.signals = std::mem::take(&mut *ready);
        news
    }

    fn control(&self, operation: i32, fd: BorrowedFd<'_>, events: i32, key: u64) -> bool {
        let mut event = libc::epoll_event {
            events: events.cast_unsigned(),
            u64: key,
        };
        // SAFETY: both descriptors are open, and the event is there.
        0 == unsafe {
            libc::epoll_ctl(self.descriptor(), operation, fd.as_raw_fd(), &raw mut event)
        }
    }

    fn ring(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: the descriptor is open, and there are as many bytes. It does
        // not fail before it was rung 2^64 times in a row.
        unsafe { libc::write(self.eventfd.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    fn hush(&self) {
        let mut count = [0_u8; 8];
        // SAFETY: the descriptor is open, and there is room for as many bytes.
        unsafe {
            libc::read(
                self.eventfd.as_raw_fd(),
                count.as_mut_ptr().cast(),
                count.len(),
            )
        };
    }
}

/// A descriptor that a call to the system gave, unless it failed.
///
/// # Safety
///
/// Nobody else has it.
unsafe fn owned(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open, and nobody else's, as the caller says.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

impl Signal {
    pub fn new(key: u64, bell: &Arc<Bell>) -> Arc<Self> {
        Arc::new(Self {
            key,
            bell: Arc::clone(bell),
            queued: AtomicBool::new(false),
        })
    }

    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    pub fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// Keeps it off the list until it is reset, unless it is there: for one who
    /// looks at the socket next.
    pub fn hold(&self) -> bool {
        !self.queued.swap(true, Ordering::SeqCst)
    }

    /// From now on it is put on the list again.
    pub fn reset(&self) {
        self.queued.store(false, Ordering::SeqCst);
    }
}

/// Comes from any thread of the engine's, without the GIL.
impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.queued.swap(true, Ordering::SeqCst) {
            return;
        }
        let is_first = {
            let ready = &self.bell.ready;
            let mut ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
            ready.push(Arc::clone(self));
            ready.len() == 1
        };
        if is_first {
            self.bell.ring();
        }
    }
}
