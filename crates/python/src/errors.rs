//! Errors as pyzmq raises them.

use std::cell::Cell;
use std::ffi::c_int;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use zincmq::raw::errno::{ETERM, own_text};

use crate::pyzmq;

thread_local! {
    static LAST: Cell<c_int> = const { Cell::new(0) };
}

/// The number of the calling thread's last error.
pub fn last() -> c_int {
    LAST.get()
}

/// What pyzmq raises for an errno.
#[cold]
pub fn error(py: Python<'_>, code: c_int) -> PyErr {
    static AGAIN: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static TERMINATED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static INTERRUPTED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    LAST.set(code);
    let class = match code {
        libc::EAGAIN => pyzmq::class(py, &AGAIN, "zmq.error", "Again"),
        libc::EINTR => pyzmq::class(py, &INTERRUPTED, "zmq.error", "InterruptedSystemCall"),
        ETERM => pyzmq::class(py, &TERMINATED, "zmq.error", "ContextTerminated"),
        _ => zmq_error(py),
    };
    made(class.and_then(|class| class.call1((code,))))
}

/// A `ZMQError` with a text of its own.
#[cold]
pub fn error_with(py: Python<'_>, code: c_int, text: &str) -> PyErr {
    LAST.set(code);
    made(zmq_error(py).and_then(|class| class.call1((code, text))))
}

fn zmq_error(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    pyzmq::class(py, &ERROR, "zmq.error", "ZMQError")
}

/// The error that was made, or the one of making it.
fn made(value: PyResult<Bound<'_, PyAny>>) -> PyErr {
    match value {
        Ok(value) => PyErr::from_value(value),
        Err(error) => error,
    }
}

/// The text for an errno.
pub fn text(py: Python<'_>, code: c_int) -> PyResult<String> {
    match own_text(code) {
        Some(text) => Ok(text.to_string_lossy().into_owned()),
        None => py
            .import("os")?
            .call_method1("strerror", (code,))?
            .extract(),
    }
}
