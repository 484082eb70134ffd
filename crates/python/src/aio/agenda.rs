//! What else an event loop has to do. Loops of asyncio's own tell: what is due is
//! in `_ready`, and the descriptors they watch are in an epoll(7), `_selector`.

use std::os::fd::RawFd;

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;

/// Whether a loop tells.
pub fn is_told(event_loop: &Bound<'_, PyAny>) -> bool {
    selector(event_loop).is_ok() && due(event_loop).is_ok()
}

/// If nothing is due, the descriptor that is readable once something is.
///
/// # Errors
///
/// What a signal handler has raised meanwhile, such as KeyboardInterrupt.
pub fn idle(event_loop: &Bound<'_, PyAny>) -> PyResult<Option<RawFd>> {
    let asked = due(event_loop).and_then(|due| match due {
        0 => selector(event_loop).map(Some),
        _ => Ok(None),
    });
    let py = event_loop.py();
    asked.or_else(|error| match error.is_instance_of::<PyException>(py) {
        true => Ok(None),
        false => Err(error),
    })
}

/// Whether a descriptor is readable.
pub fn is_ready(descriptor: RawFd) -> bool {
    let mut polled = libc::pollfd {
        fd: descriptor,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: there is one of them. It does not wait, and a descriptor that is not
    // open is told as such.
    unsafe { libc::poll(&raw mut polled, 1, 0) != 0 }
}

fn due(event_loop: &Bound<'_, PyAny>) -> PyResult<usize> {
    let py = event_loop.py();
    event_loop.getattr(intern!(py, "_ready"))?.len()
}

fn selector(event_loop: &Bound<'_, PyAny>) -> PyResult<RawFd> {
    let py = event_loop.py();
    let selector = event_loop.getattr(intern!(py, "_selector"))?;
    selector.call_method0(intern!(py, "fileno"))?.extract()
}
