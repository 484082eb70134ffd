//! Monitors (zmq_socket_monitor(3), zmq_socket_monitor_versioned(3)).

use std::ffi::{c_char, c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zincmq::error::SendFailure;
use zincmq::{SocketType, raw};

use crate::boundary::{self, Outcome, guard_unit};
use crate::errno::code;
use crate::relay::{Outlet, Relay};
use crate::report::Form;
use crate::socket::{Socket, socket};

/// What a socket is watched by, if anything.
#[derive(Default)]
pub struct Watch(Mutex<Option<Arc<Relay>>>);

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Relay>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends what happens to a socket's connections to the PAIR that connects to
/// `endpoint`, an inproc one. A null one ends that.
///
/// # Safety
///
/// `endpoint` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor(
    pointer: *mut c_void,
    endpoint: *const c_char,
    events: c_int,
) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        // SAFETY: by the caller's promise.
        let endpoint = unsafe { optional_text(endpoint) }?;
        // A negative number has bits that no event has.
        let events = i64::from(events).cast_unsigned();
        watch(&socket, endpoint, Form::new(1, events)?, SocketType::Pair)
    })
}

/// As [`zmq_socket_monitor`], in the frames of a version and through a PAIR,
/// PUB or PUSH.
///
/// # Safety
///
/// `endpoint` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor_versioned(
    pointer: *mut c_void,
    endpoint: *const c_char,
    events: u64,
    version: c_int,
    kind: c_int,
) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        // SAFETY: by the caller's promise.
        let endpoint = unsafe { optional_text(endpoint) }?;
        let form = Form::new(version, events)?;
        let kind = u8::try_from(kind).ok().and_then(SocketType::from_number);
        watch(&socket, endpoint, form, kind)
    })
}

/// Sends one event for each peer of a socket, with the number of messages that
/// wait to go there and that wait from there.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_socket_monitor_pipes_stats(pointer: *mut c_void) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        raw::check_usable(&socket.engine).map_err(|_| libc::EINVAL)?;
        let watch = socket.watch.lock();
        let relay = watch
            .as_ref()
            .filter(|relay| relay.form().tells_pipes() && !relay.is_over())
            .ok_or(libc::EINVAL)?;
        let pipes = raw::pipes(&socket.engine);
        if pipes.is_empty() {
            return Err(libc::EAGAIN);
        }
        let messages = pipes.iter().filter_map(|pipes| relay.form().pipes(pipes));
        relay.send(messages.collect());
        Ok(())
    })
}

/// The text at `text`, if it is not null.
///
/// # Safety
///
/// As for [`boundary::text`].
unsafe fn optional_text<'a>(text: *const c_char) -> Outcome<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: by the caller's promise.
    unsafe { boundary::text(text) }.map(Some)
}

fn watch(
    socket: &Socket,
    endpoint: Option<&str>,
    form: Form,
    kind: impl Into<Option<SocketType>>,
) -> Outcome<()> {
    let usable = raw::check_usable(&socket.engine);
    if let Err(forked @ SendFailure::Forked) = usable {
        // Who had the lock may not be in this process.
        return Err(code(forked));
    }
    let mut watch = socket.watch.lock();
    let Some(endpoint) = endpoint else {
        stop(&mut watch);
        return Ok(());
    };
    check_inproc(endpoint)?;
    usable.map_err(code)?;
    stop(&mut watch);
    let kind = kind
        .into()
        .filter(|kind| matches!(kind, SocketType::Pair | SocketType::Pub | SocketType::Push))
        .ok_or(libc::EINVAL)?;
    let outlet = raw::sibling(&socket.engine, kind).map_err(code)?;
    outlet.bind(endpoint).map_err(code)?;
    let outlet = Outlet {
        socket: outlet,
        endpoint: endpoint.to_owned(),
    };
    *watch = Some(Relay::start(socket.engine.monitor(), form, outlet));
    Ok(())
}

fn stop(watch: &mut Option<Arc<Relay>>) {
    if let Some(relay) = watch.take() {
        relay.stop();
    }
}

fn check_inproc(endpoint: &str) -> Outcome<()> {
    match endpoint.split_once("://") {
        None | Some(("", _) | (_, "")) => Err(libc::EINVAL),
        Some(("inproc", _)) => Ok(()),
        Some(_) => Err(libc::EPROTONOSUPPORT),
    }
}
