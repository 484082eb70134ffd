//! What lives in pyzmq's Python layer, which is not there yet when it imports
//! its backend.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// A class of pyzmq's, imported once.
pub fn class<'py>(
    py: Python<'py>,
    cell: &'static PyOnceLock<Py<PyType>>,
    module: &str,
    name: &str,
) -> PyResult<&'py Bound<'py, PyType>> {
    cell.import(py, module, name)
}

/// `zmq.COPY_THRESHOLD`, which programs may set: shorter payloads are copied
/// rather than shared, bytes.
pub fn copy_threshold(py: Python<'_>) -> PyResult<usize> {
    let value = py.import("zmq")?.getattr("COPY_THRESHOLD")?;
    match value.is_none() {
        true => Ok(0),
        false => value.extract(),
    }
}

/// What tells that nobody holds the memory of a message any more.
pub fn finished_tracker(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("zmq")?.getattr("_FINISHED_TRACKER")
}
