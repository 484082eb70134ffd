//! Arguments as pyzmq takes them, which is more than Rust's types do.

use std::ffi::c_int;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyString};

/// Anything that is true or false.
#[inline]
pub fn truth(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    match value.cast::<PyBool>() {
        Ok(value) => Ok(value.is_true()),
        Err(_) => value.is_truthy(),
    }
}

/// As [`truth`], where there may be neither.
pub fn truth_or_none(value: &Bound<'_, PyAny>) -> PyResult<Option<bool>> {
    match value.is_none() {
        true => Ok(None),
        false => truth(value).map(Some),
    }
}

/// A number; of one that is not whole what is before the point.
#[inline]
pub fn number(value: &Bound<'_, PyAny>) -> PyResult<c_int> {
    match value.extract() {
        Err(error) => whole(value, error),
        number => number,
    }
}

/// As [`number`], where there may be none.
pub fn number_or_none(value: &Bound<'_, PyAny>) -> PyResult<Option<c_int>> {
    match value.is_none() {
        true => Ok(None),
        false => number(value).map(Some),
    }
}

#[cold]
fn whole(value: &Bound<'_, PyAny>, error: PyErr) -> PyResult<c_int> {
    let py = value.py();
    if !error.is_instance_of::<PyTypeError>(py) || !value.hasattr("__int__")? {
        return Err(error);
    }
    value.call_method0("__int__")?.extract()
}

/// An endpoint, or the name of a group.
pub fn address(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(String::from_utf8_lossy(bytes.as_bytes()).into_owned());
    }
    match value.cast::<PyString>() {
        Ok(text) => text.extract(),
        Err(_) => {
            let shown = value.repr()?;
            let text = format!("Expected addr to be str, got addr={shown}");
            Err(PyTypeError::new_err(text))
        }
    }
}
