//! Which interpreter of the process has the module.

use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

/// No interpreter has this number.
const NONE: i64 = -1;

/// Has the module belong to the interpreter that imports it first. It keeps
/// objects, such as the classes of errors, which another interpreter must not
/// have. Pythons before 3.12 know no module that says so itself.
///
/// # Errors
///
/// ImportError in any other.
pub fn claim(_: Python<'_>) -> PyResult<()> {
    static OWNER: AtomicI64 = AtomicI64::new(NONE);
    // SAFETY: the calling thread has an interpreter, which outlives the call.
    let own = unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) };
    match OWNER.compare_exchange(NONE, own, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(()),
        Err(owner) if owner == own => Ok(()),
        Err(_) => Err(PyImportError::new_err(
            "zincmq is in use by another interpreter of this process",
        )),
    }
}
