//! How far a future is, and why it has no result.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use super::super::operation::{Operation, Received, Tried};
use crate::errors::error;

/// How far it is.
pub(super) enum State {
    Waiting(Operation),
    /// Somebody is at it.
    Busy,
    Received(Received),
    Done(Py<PyAny>),
    Failed(PyErr),
    /// With what was said about it.
    Cancelled(Option<Py<PyAny>>),
}

/// Why there is no result.
pub(super) enum Wrong {
    Pending,
    Failed(PyErr),
    Cancelled(Option<Py<PyAny>>),
}

impl Wrong {
    pub(super) fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Failed(error) => error,
            Self::Pending => invalid_state(py, "Result is not set."),
            Self::Cancelled(message) => cancelled_error(py, message),
        }
    }
}

impl State {
    #[inline]
    pub(super) fn after(py: Python<'_>, tried: Tried) -> Self {
        match tried {
            Tried::NotNow(operation) => Self::Waiting(operation),
            Tried::Sent(tracker) => Self::Done(tracker.unwrap_or_else(|| py.None())),
            Tried::Received(received) => Self::Received(received),
            Tried::Events(events) => match events.into_pyobject(py) {
                Ok(events) => Self::Done(events.into_any().unbind()),
                Err(never) => match never {},
            },
            Tried::Failed(code) => Self::Failed(error(py, code)),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        !matches!(self, Self::Waiting(_) | Self::Busy)
    }

    #[inline]
    pub(super) fn outcome(&self, py: Python<'_>) -> PyResult<Result<Py<PyAny>, Wrong>> {
        Ok(match self {
            Self::Done(object) => Ok(object.clone_ref(py)),
            Self::Failed(error) => Err(Wrong::Failed(error.clone_ref(py))),
            Self::Cancelled(message) => Err(Wrong::Cancelled(
                message.as_ref().map(|message| message.clone_ref(py)),
            )),
            Self::Waiting(_) | Self::Busy | Self::Received(_) => Err(Wrong::Pending),
        })
    }
}

#[cold]
pub(super) fn cancelled_error(py: Python<'_>, message: Option<Py<PyAny>>) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let made = CLASS
        .import(py, "asyncio", "CancelledError")
        .and_then(|class| match message {
            Some(message) => class.call1((message,)),
            None => class.call0(),
        });
    match made {
        Ok(value) => PyErr::from_value(value),
        Err(error) => error,
    }
}

#[cold]
fn invalid_state(py: Python<'_>, text: &str) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let made = CLASS
        .import(py, "asyncio", "InvalidStateError")
        .and_then(|class| class.call1((text,)));
    match made {
        Ok(value) => PyErr::from_value(value),
        Err(error) => error,
    }
}
