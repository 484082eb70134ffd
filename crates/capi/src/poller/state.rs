//! What a poller has: sockets and descriptors, and what to wait for.

use std::ffi::{c_int, c_short, c_void};
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zincmq::Readiness;
use zincmq::raw::events::numbers;
use zincmq::raw::exchange::is_thread_safe;

use super::descriptor::{self, Descriptor, Watch};
use crate::boundary::Outcome;
use crate::poll::{self, Target};

/// What C has as a poller. A change holds for the waits that begin after it.
#[derive(Default)]
pub struct Poller(Mutex<State>);

/// The inside of a [`Poller`].
#[derive(Default)]
pub struct State {
    /// Shared with waits that go on.
    entries: Arc<Vec<Entry>>,
    /// For event loops; there once C has asked for it.
    descriptor: Option<Descriptor>,
}

/// Something registered. A socket among them keeps its pointer, and can be
/// removed by it, after it was closed.
#[derive(Clone)]
pub struct Entry {
    target: Arc<Target>,
    user_data: UserData,
    interest: Readiness,
    /// If the poller's descriptor tells of it.
    watch: Option<Watch>,
}

/// What C wants to be told with an event. It is not read through.
#[derive(Clone, Copy)]
struct UserData(*mut c_void);

// SAFETY: it is handed back as it came.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

/// What `zmq_poller_event_t` is.
#[repr(C)]
pub struct Event {
    /// The socket, or null.
    pub socket: *mut c_void,
    /// The descriptor, or -1 for a socket.
    pub fd: c_int,
    /// What it was registered with.
    pub user_data: *mut c_void,
    /// What it is ready for.
    pub events: c_short,
}

/// What names something registered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// A socket by its pointer.
    Socket(*mut c_void),
    /// A descriptor by its number.
    Fd(c_int),
}

impl Poller {
    /// To look at what it has, or to change it.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something is ready, for at most `limit` or without one, and
    /// tells of each that is; returns how many are.
    ///
    /// # Errors
    ///
    /// EFAULT if this would never return.
    pub fn wait(&self, limit: Option<Duration>, mut tell: impl FnMut(Event)) -> Outcome<usize> {
        let (entries, has_descriptor) = {
            let state = self.lock();
            (Arc::clone(&state.entries), state.descriptor.is_some())
        };
        if limit.is_none() && !entries.iter().any(Entry::is_active) {
            return Err(libc::EFAULT);
        }
        let mut look = |limit| {
            let active = entries.iter().enumerate();
            let active = active.filter(|(_, entry)| entry.is_active());
            poll::poll(
                active.map(|(place, entry)| (place, &*entry.target, entry.interest)),
                limit,
                None,
                |place, ready| tell(entries[place].event(ready)),
            )
        };
        let count = look(limit.unwrap_or(Duration::MAX))?;
        if count > 0 || !has_descriptor {
            return Ok(count);
        }
        // The descriptor must not be readable, unless something becomes ready
        // from here on.
        for entry in &*entries {
            descriptor::hush(&entry.target);
        }
        look(Duration::ZERO)
    }
}

impl State {
    /// How many are registered.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where something registered is.
    pub fn place(&self, name: Name) -> Option<usize> {
        self.entries.iter().position(|entry| entry.name() == name)
    }

    /// Registers something.
    ///
    /// # Errors
    ///
    /// EINVAL if it is registered already.
    pub fn add(&mut self, mut entry: Entry) -> Outcome<()> {
        if self.place(entry.name()).is_some() {
            return Err(libc::EINVAL);
        }
        if let Some(descriptor) = &self.descriptor {
            entry.watch = descriptor.watch(&entry.target, entry.interest)?;
        }
        Arc::make_mut(&mut self.entries).push(entry);
        Ok(())
    }

    /// Changes what to wait for.
    ///
    /// # Errors
    ///
    /// EINVAL if it is not registered.
    pub fn modify(&mut self, name: Name, interest: Readiness) -> Outcome<()> {
        let place = self.place(name).ok_or(libc::EINVAL)?;
        let entry = &mut Arc::make_mut(&mut self.entries)[place];
        entry.interest = interest;
        if let Some(descriptor) = &self.descriptor {
            if let Some(watch) = entry.watch.take() {
                descriptor.forget(&entry.target, &watch);
            }
            entry.watch = descriptor.watch(&entry.target, interest)?;
        }
        Ok(())
    }

    /// Registers something no more.
    ///
    /// # Errors
    ///
    /// EINVAL if it is not registered.
    pub fn remove(&mut self, name: Name) -> Outcome<()> {
        let place = self.place(name).ok_or(libc::EINVAL)?;
        let entry = Arc::make_mut(&mut self.entries).remove(place);
        if let (Some(descriptor), Some(watch)) = (&self.descriptor, &entry.watch) {
            descriptor.forget(&entry.target, watch);
        }
        Ok(())
    }

    /// The number of the descriptor for event loops.
    ///
    /// # Errors
    ///
    /// EINVAL if no socket registered is of a type that has none of its own.
    pub fn descriptor(&mut self) -> Outcome<c_int> {
        let is_thread_safe = |entry: &Entry| match &*entry.target {
            Target::Socket(socket) => is_thread_safe(socket.engine.socket_type()),
            Target::Descriptor(_) => false,
        };
        if !self.entries.iter().any(is_thread_safe) {
            return Err(libc::EINVAL);
        }
        if let Some(descriptor) = &self.descriptor {
            return Ok(descriptor.number());
        }
        let descriptor = Descriptor::new()?;
        for entry in Arc::make_mut(&mut self.entries) {
            entry.watch = descriptor.watch(&entry.target, entry.interest)?;
        }
        Ok(self.descriptor.insert(descriptor).number())
    }
}

impl Entry {
    /// To be registered, and told of with `user_data`.
    pub fn new(target: Target, user_data: *mut c_void, interest: Readiness) -> Self {
        Self {
            target: Arc::new(target),
            user_data: UserData(user_data),
            interest,
            watch: None,
        }
    }

    fn is_active(&self) -> bool {
        !self.interest.is_empty()
    }

    fn name(&self) -> Name {
        match &*self.target {
            Target::Socket(socket) => Name::Socket(socket.pointer()),
            Target::Descriptor(fd) => Name::Fd(fd.as_raw_fd()),
        }
    }

    fn event(&self, ready: Readiness) -> Event {
        let (socket, fd) = match self.name() {
            Name::Socket(pointer) => (pointer, -1),
            Name::Fd(fd) => (ptr::null_mut(), fd),
        };
        Event {
            socket,
            fd,
            user_data: self.user_data.0,
            events: numbers(ready),
        }
    }
}

impl Event {
    /// That there is none.
    pub fn none() -> Self {
        Self {
            socket: ptr::null_mut(),
            fd: -1,
            user_data: ptr::null_mut(),
            events: 0,
        }
    }
}
