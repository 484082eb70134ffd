//! What a future has its event loop do.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::IntoPyDict;

use super::Future;

pub(super) fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    RUNNING.import(py, "asyncio", "_get_running_loop")?.call0()
}

/// Lets the task go on that waits at the gate, unless it is cancelled.
pub(super) fn open<'py>(gate: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = gate.py();
    if gate.call_method0("done")?.is_truthy()? {
        return Ok(py.None().into_bound(py));
    }
    gate.call_method1("set_result", (py.None(),))
}

pub(super) fn call_soon<'py>(
    event_loop: &Bound<'py, PyAny>,
    future: &Bound<'py, Future>,
    callback: &Py<PyAny>,
    context: Py<PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let named = [("context", context)].into_py_dict(event_loop.py())?;
    event_loop.call_method("call_soon", (callback, future), Some(&named))
}

/// A loop that is closed calls nobody, and nobody waits for that.
pub(super) fn excuse(future: &Bound<'_, Future>, called: PyResult<Bound<'_, PyAny>>) {
    let py = future.py();
    if let Err(error) = called
        && !error.is_instance_of::<PyRuntimeError>(py)
    {
        error.write_unraisable(py, Some(future));
    }
}
