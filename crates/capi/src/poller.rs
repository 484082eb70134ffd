//! Pollers: sets of sockets and descriptors to wait for (zmq_poller(3)).

mod descriptor;
mod state;

use std::ffi::{c_int, c_long, c_short, c_void};

use zincmq::Readiness;
use zincmq::raw::events;

use crate::boundary::{Outcome, guard, guard_unit};
use crate::handle::{Ref, Table};
use crate::poll::{self, Target};
use crate::socket::socket;
pub use state::Event;
use state::{Entry, Name, Poller, State};

static POLLERS: Table<Poller> = Table::new();

fn poller(pointer: *mut c_void) -> Outcome<Ref<Poller>> {
    POLLERS.get(pointer).ok_or(libc::EFAULT)
}

/// What to wait for, from events of which all must be known.
fn interest(given: c_short) -> Outcome<Readiness> {
    let interest = events::readiness(given);
    match events::numbers(interest) == given {
        true => Ok(interest),
        false => Err(libc::EINVAL),
    }
}

/// The name of a socket that is open, or that `state` knows from before it was
/// closed.
fn socket_name(state: &State, pointer: *mut c_void) -> Outcome<Name> {
    let name = Name::Socket(pointer);
    if state.place(name).is_none() {
        socket(pointer)?;
    }
    Ok(name)
}

fn fd_name(fd: c_int) -> Outcome<Name> {
    Target::descriptor(fd)?;
    Ok(Name::Fd(fd))
}

/// A poller of nothing.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_new() -> *mut c_void {
    guard(|| POLLERS.keep(Poller::default(), libc::ENOMEM))
}

/// Gives up the poller that the pointer at `place` names, and makes that
/// pointer null.
///
/// # Safety
///
/// `place` is null or points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_destroy(place: *mut *mut c_void) -> c_int {
    guard_unit(|| {
        // SAFETY: by the caller's promise.
        drop(unsafe { POLLERS.remove_at(place) }?);
        Ok(())
    })
}

/// How many sockets and descriptors it has.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_size(pointer: *mut c_void) -> c_int {
    guard(|| {
        let count = poller(pointer)?.lock().len();
        Ok(c_int::try_from(count).unwrap_or(c_int::MAX))
    })
}

/// Adds a socket.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_add(
    pointer: *mut c_void,
    socket_pointer: *mut c_void,
    user_data: *mut c_void,
    events: c_short,
) -> c_int {
    guard_unit(|| {
        let poller = poller(pointer)?;
        let target = Target::Socket(socket(socket_pointer)?);
        let entry = Entry::new(target, user_data, interest(events)?);
        poller.lock().add(entry)
    })
}

/// Changes what to wait for of a socket.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_modify(
    pointer: *mut c_void,
    socket_pointer: *mut c_void,
    events: c_short,
) -> c_int {
    guard_unit(|| {
        let poller = poller(pointer)?;
        socket(socket_pointer)?;
        let interest = interest(events)?;
        poller.lock().modify(Name::Socket(socket_pointer), interest)
    })
}

/// Removes a socket, which may have been closed before.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_remove(pointer: *mut c_void, socket_pointer: *mut c_void) -> c_int {
    guard_unit(|| {
        let poller = poller(pointer)?;
        let mut state = poller.lock();
        let name = socket_name(&state, socket_pointer)?;
        state.remove(name)
    })
}

/// Adds any descriptor that can be polled.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_add_fd(
    pointer: *mut c_void,
    fd: c_int,
    user_data: *mut c_void,
    events: c_short,
) -> c_int {
    guard_unit(|| {
        let poller = poller(pointer)?;
        let entry = Entry::new(Target::descriptor(fd)?, user_data, interest(events)?);
        poller.lock().add(entry)
    })
}

/// Changes what to wait for of a descriptor.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_modify_fd(pointer: *mut c_void, fd: c_int, events: c_short) -> c_int {
    guard_unit(|| {
        let poller = poller(pointer)?;
        let name = fd_name(fd)?;
        let interest = interest(events)?;
        poller.lock().modify(name, interest)
    })
}

/// Removes a descriptor.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_remove_fd(pointer: *mut c_void, fd: c_int) -> c_int {
    guard_unit(|| {
        let poller = poller(pointer)?;
        let name = fd_name(fd)?;
        poller.lock().remove(name)
    })
}

/// Waits until something is ready, for at most `timeout` milliseconds unless
/// that is negative, and writes what it is to `event`.
///
/// # Safety
///
/// `event` is null or may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_wait(
    pointer: *mut c_void,
    event: *mut Event,
    timeout: c_long,
) -> c_int {
    // SAFETY: by the caller's promise.
    match unsafe { zmq_poller_wait_all(pointer, event, 1, timeout) } {
        -1 => {
            if !event.is_null() {
                // SAFETY: by the caller's promise.
                unsafe { event.write(Event::none()) };
            }
            -1
        }
        _ => 0,
    }
}

/// Waits until something is ready, for at most `timeout` milliseconds unless
/// that is negative; writes what is to `events`, as far as there is room for
/// `room` of them, and returns how many were written. The rest of the room is
/// filled with what [`Event::none`] is.
///
/// # Safety
///
/// `events` is null or points to room for `room` events.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_wait_all(
    pointer: *mut c_void,
    events: *mut Event,
    room: c_int,
    timeout: c_long,
) -> c_int {
    guard(|| {
        let poller = poller(pointer)?;
        if room < 0 {
            return Err(libc::EINVAL);
        }
        if events.is_null() {
            return Err(libc::EFAULT);
        }
        let mut written = 0;
        poller.wait(poll::limit(timeout), |event| {
            if written < room {
                // SAFETY: by the caller's promise; there is room for more.
                unsafe { events.add(written as usize).write(event) };
                written += 1;
            }
        })?;
        for place in written..room {
            // SAFETY: by the caller's promise; `place` is within the room.
            unsafe { events.add(place as usize).write(Event::none()) };
        }
        match written {
            0 => Err(libc::EAGAIN),
            written => Ok(written),
        }
    })
}

/// Writes to `fd` a descriptor for event loops, if the poller has a socket of
/// the types that have none of their own. It becomes readable when something
/// registered may have become ready, and unreadable when a wait has shown that
/// nothing is. It belongs to the poller.
///
/// # Safety
///
/// `fd` is null or may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_fd(pointer: *mut c_void, fd: *mut c_int) -> c_int {
    guard_unit(|| {
        let poller = poller(pointer)?;
        if fd.is_null() {
            return Err(libc::EFAULT);
        }
        let number = poller.lock().descriptor()?;
        // SAFETY: by the caller's promise.
        unsafe { fd.write(number) };
        Ok(())
    })
}
