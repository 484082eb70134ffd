//! What the engine's threads leave for an event loop, and the descriptor that
//! wakes it.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// One for each loop.
pub struct Bell {
    /// An eventfd(2).
    descriptor: OwnedFd,
    /// Whose sockets are to be looked at. While there are any it has been rung.
    ready: Mutex<Vec<Arc<Signal>>>,
    rung: AtomicU64,
}

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
        // SAFETY: it takes two numbers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was just opened, and nobody else knows of it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Arc::new(Self {
            descriptor,
            ready: Mutex::default(),
            rung: AtomicU64::new(0),
        }))
    }

    /// Readable once it was rung.
    pub fn descriptor(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }

    /// How often it was rung.
    pub fn rung(&self) -> u64 {
        self.rung.load(Ordering::Relaxed)
    }

    /// Whose sockets are to be looked at; from now on it may be rung again.
    pub fn answer(&self) -> Vec<Arc<Signal>> {
        let mut count = [0_u8; 8];
        // SAFETY: the descriptor is open, and there is room for as many bytes.
        // If it was not rung nothing is read.
        unsafe { libc::read(self.descriptor(), count.as_mut_ptr().cast(), count.len()) };
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *ready)
    }

    fn ring(&self) {
        self.rung.fetch_add(1, Ordering::Relaxed);
        let one = 1_u64.to_ne_bytes();
        // SAFETY: the descriptor is open, and there are as many bytes. It does
        // not fail before it was rung 2^64 times in a row.
        unsafe { libc::write(self.descriptor(), one.as_ptr().cast(), one.len()) };
    }
}

impl Signal {
    pub fn new(key: u64, bell: &Arc<Bell>) -> Arc<Self> {
        Arc::new(Self {
            key,
            bell: Arc::clone(bell),
            queued: AtomicBool::new(false),
        })
    }

    pub fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
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
