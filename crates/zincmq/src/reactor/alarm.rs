//! Descriptors that wake a task, once, when one of them is ready.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::Waker;

use super::readiness::Readiness;
use super::{Driver, Epoll, Handle, Interest, Ready, Source, Watch};
use crate::sync::Mutex;

/// Has a poller of its own, which the reactor watches until it has something.
pub(crate) struct Alarm {
    epoll: Epoll,
    waker: Mutex<Waker>,
    watch: Mutex<Option<Watch>>,
}

impl Alarm {
    pub(crate) fn set<'a>(
        reactor: &Handle,
        descriptors: impl Iterator<Item = (BorrowedFd<'a>, Readiness)>,
        waker: &Waker,
    ) -> io::Result<Arc<Self>> {
        let epoll = Epoll::new()?;
        for (fd, interest) in descriptors {
            match epoll.add_for(fd, interest) {
                Ok(()) => {}
                // A file is always ready, and was found so before.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => return Err(error),
            }
        }
        let alarm = Arc::new(Self {
            epoll,
            waker: Mutex::new(waker.clone()),
            watch: Mutex::new(None),
        });
        let source = Arc::clone(&alarm) as Arc<dyn Source>;
        // Held until the watch is in place, so that it can be taken out.
        let mut watch = alarm.watch.lock();
        *watch = Some(reactor.watch(alarm.epoll.as_fd(), Interest::READ, source)?);
        drop(watch);
        Ok(alarm)
    }

    /// Whether it has not gone off yet; if so it wakes `waker` from now on.
    pub(crate) fn rewire(&self, waker: &Waker) -> bool {
        waker.clone_into(&mut self.waker.lock());
        self.watch.lock().is_some()
    }

    /// Takes it back.
    pub(crate) fn stop(&self) {
        let watch = self.watch.lock().take();
        if let Some(watch) = watch {
            watch.stop(self.epoll.as_fd());
        }
    }
}

impl Source for Alarm {
    fn ready(&self, _: Ready, _: Driver) {
        self.stop();
        let waker = self.waker.lock().clone();
        waker.wake();
    }
}
