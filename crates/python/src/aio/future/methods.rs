//! What awaits a future calls, and asyncio.

use std::sync::Arc;

use pyo3::exceptions::{PyBaseException, PyStopIteration};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use super::super::operation::{Operation, Tried};
use super::super::station::Purpose;
use super::super::turn;
use super::Future;
use super::event_loop::call_soon;
use super::state::{State, cancelled_error};
use crate::errors::error;

#[pymethods]
impl Future {
    /// For annotations: a future of a type.
    #[classmethod]
    fn __class_getitem__(class: &Bound<'_, PyType>, _result: &Bound<'_, PyAny>) -> Py<PyType> {
        class.clone().unbind()
    }

    /// asyncio tells a future by it. Tasks never see it set: they are given
    /// gates.
    #[getter]
    fn _asyncio_future_blocking(&self) -> bool {
        false
    }

    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// To be called by the one that awaits it. There is no `send` beside it: with
    /// that it would be a coroutine to Python.
    #[inline]
    fn __next__<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        let this = slf.get();
        {
            let mut inner = this.inner();
            if !inner.state.is_done() {
                drop(inner);
                return this.gate(py).map(Some);
            }
            if !inner.has_yielded {
                inner.has_yielded = true;
                if inner.bond.is_none() && turn::is_over() {
                    return Ok(Some(py.None().into_bound(py)));
                }
            }
        }
        let object = this.outcome(py)?.into_bound(py);
        if object.is_none() {
            return Ok(None);
        }
        // These would be taken for the arguments of the exception or for itself.
        if object.is_instance_of::<PyTuple>() || object.is_instance_of::<PyBaseException>() {
            let stop = py.get_type::<PyStopIteration>().call1((object,))?;
            return Err(PyErr::from_value(stop));
        }
        Err(PyStopIteration::new_err(object.unbind()))
    }

    /// What is thrown into a task that awaits it: what there is was not taken.
    #[pyo3(signature = (kind, value=None, traceback=None))]
    fn throw(
        slf: &Bound<'_, Self>,
        kind: &Bound<'_, PyAny>,
        value: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        Self::abandon(slf);
        let _ = traceback;
        let value = value.filter(|value| !value.is_none());
        let exception = match (kind.cast::<PyType>(), value) {
            (Ok(kind), Some(value)) if !value.is_instance(kind)? => kind.call1((value,))?,
            (Ok(_), Some(value)) => value.clone(),
            (Ok(kind), None) => kind.call0()?,
            (Err(_), _) => kind.clone(),
        };
        Err(PyErr::from_value(exception))
    }

    /// Whoever awaits it ends.
    fn close(slf: &Bound<'_, Self>) {
        Self::abandon(slf);
    }

    /// Whether it has a result, failed or was cancelled.
    fn done(&self) -> bool {
        self.is_done()
    }

    /// Whether it was cancelled.
    fn cancelled(&self) -> bool {
        matches!(self.inner().state, State::Cancelled(_))
    }

    /// Cancels it. False if it is done, which means that the message was sent or
    /// received.
    #[pyo3(signature = (msg=None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<Py<PyAny>>) -> bool {
        Self::end(slf, State::Cancelled(msg))
    }

    /// The result, or what went wrong.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.outcome(py)
    }

    /// What went wrong, if something did.
    fn exception(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let outcome = self.outcome(py);
        let inner = self.inner();
        match (&inner.state, outcome) {
            (_, Ok(_)) => Ok(None),
            (State::Failed(error), Err(_)) => {
                let value = error.clone_ref(py).into_value(py);
                Ok(Some(value.into_any()))
            }
            (_, Err(error)) => Err(error),
        }
    }

    /// Has `callback` called with it soon after it is done, in `context`, or else
    /// in that of the caller.
    #[pyo3(signature = (callback, *, context=None))]
    fn add_done_callback(
        slf: &Bound<'_, Self>,
        callback: Py<PyAny>,
        context: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        static COPY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = slf.py();
        let context = match context {
            Some(context) => context,
            None => COPY
                .import(py, "contextvars", "copy_context")?
                .call0()?
                .unbind(),
        };
        {
            let mut inner = slf.get().inner();
            if !inner.state.is_done()
                && let Some(bond) = &mut inner.bond
            {
                bond.callbacks.push((callback, context));
                return Ok(());
            }
            inner.is_shared = true;
        }
        let event_loop = Self::get_loop(slf)?;
        call_soon(&event_loop, slf, &callback, context).map(drop)
    }

    /// Takes out all that equal `callback`; returns how many.
    fn remove_done_callback(&self, callback: &Bound<'_, PyAny>) -> PyResult<usize> {
        let py = callback.py();
        let known = match &mut self.inner().bond {
            Some(bond) => std::mem::take(&mut bond.callbacks),
            None => return Ok(0),
        };
        let before = known.len();
        let mut kept = Vec::new();
        for (known, context) in known {
            if !known.bind(py).eq(callback)? {
                kept.push((known, context));
            }
        }
        let removed = before - kept.len();
        if let Some(bond) = &mut self.inner().bond {
            kept.append(&mut bond.callbacks);
            bond.callbacks = kept;
        }
        Ok(removed)
    }

    /// The event loop it is for.
    fn get_loop<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = slf.py();
        let station = slf.get().inner().station();
        match station.and_then(|station| station.event_loop(py)) {
            Some(event_loop) => Ok(event_loop),
            None => CURRENT.import(py, "asyncio", "get_event_loop")?.call0(),
        }
    }

    #[getter]
    fn _loop<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::get_loop(slf)
    }

    #[getter]
    fn _state(&self) -> &'static str {
        match &self.inner().state {
            State::Waiting(_) | State::Busy => "PENDING",
            State::Cancelled(_) => "CANCELLED",
            State::Received(_) | State::Done(_) | State::Failed(_) => "FINISHED",
        }
    }

    /// asyncio.gather asks for it.
    fn _make_cancelled_error(&self, py: Python<'_>) -> Py<PyAny> {
        let message = match &self.inner().state {
            State::Cancelled(Some(message)) => Some(message.clone_ref(py)),
            _ => None,
        };
        cancelled_error(py, message).into_value(py).into_any()
    }

    /// Tells all who wait for it.
    fn _settle(slf: &Bound<'_, Self>) {
        Self::settle(slf);
    }

    /// The time that it may wait for is up.
    fn _expire(slf: &Bound<'_, Self>) {
        let py = slf.py();
        let (station, purpose) = {
            let inner = slf.get().inner();
            match &inner.bond {
                Some(bond) => (Arc::clone(&bond.station), bond.purpose),
                None => return,
            }
        };
        // What is ready by now is still had.
        station.try_all(py);
        let state = match purpose {
            Purpose::Poll => State::after(py, Tried::Events(0)),
            Purpose::Send | Purpose::Receive => State::Failed(error(py, libc::EAGAIN)),
        };
        Self::end(slf, state);
    }

    fn __repr__(&self) -> String {
        let state = self._state().to_lowercase();
        format!("<zincmq.asyncio.Future {state}>")
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Ok(inner) = self.inner.try_lock() else {
            return Ok(());
        };
        visit.call(&inner.load)?;
        match &inner.state {
            State::Waiting(Operation::Send(sending)) => visit.call(&sending.tracker)?,
            State::Done(object) => visit.call(object)?,
            State::Cancelled(message) => visit.call(message)?,
            _ => {}
        }
        let Some(bond) = &inner.bond else {
            return Ok(());
        };
        for gate in &bond.gates {
            visit.call(gate)?;
        }
        for (callback, context) in &bond.callbacks {
            visit.call(callback)?;
            visit.call(context)?;
        }
        visit.call(&bond.timer)
    }

    fn __clear__(&self) {
        let parts = {
            let mut inner = self.inner();
            let state = std::mem::replace(&mut inner.state, State::Cancelled(None));
            (state, inner.load.take(), inner.bond.take())
        };
        drop(parts);
    }
}
