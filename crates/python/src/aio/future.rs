//! What the calls of a socket return: something to await, which is a future of
//! asyncio's in all but its class.
//!
//! A task that awaits one that is not done yet is given a gate to wait at, a
//! future of the loop's own, which is what it deals with fastest.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use zincmq::raw::PartSocket;

use super::operation::{Operation, Received, Tried};
use super::station::{Purpose, Station};
use super::turn;
use crate::errors::error;

/// Something that is being sent, received or polled for. It can be awaited, and
/// asyncio takes it for a future.
#[pyclass(frozen, weakref, module = "zincmq._native")]
pub struct Future {
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    /// The loop has had a turn since it was done.
    has_yielded: bool,
    /// Others than the one task that awaits it have an eye on it.
    is_shared: bool,
    /// To be applied to what is received.
    load: Option<Py<PyAny>>,
    bond: Option<Box<Bond>>,
}

enum State {
    Waiting(Operation),
    /// Somebody is at it.
    Busy,
    Received(Received),
    Done(Py<PyAny>),
    Failed(PyErr),
    /// With what was said about it.
    Cancelled(Option<Py<PyAny>>),
}

/// What one that has to wait is bound to.
struct Bond {
    station: Arc<Station>,
    purpose: Purpose,
    gates: Vec<Py<PyAny>>,
    /// Each with its context.
    callbacks: Vec<(Py<PyAny>, Py<PyAny>)>,
    timer: Option<Py<PyAny>>,
}

impl Future {
    fn with_state<'py>(
        py: Python<'py>,
        state: State,
        bond: Option<Box<Bond>>,
    ) -> PyResult<Bound<'py, Self>> {
        let inner = Inner {
            state,
            has_yielded: false,
            is_shared: false,
            load: None,
            bond,
        };
        Bound::new(
            py,
            Self {
                inner: Mutex::new(inner),
            },
        )
    }

    /// One that was done at once.
    #[inline]
    pub fn finished(py: Python<'_>, tried: Tried) -> PyResult<Bound<'_, Self>> {
        turn::spend(match &tried {
            Tried::Received(received) => received.size(),
            _ => 0,
        });
        Self::with_state(py, State::after(py, tried), None)
    }

    /// One that failed at once.
    #[cold]
    pub fn failed(py: Python<'_>, error: PyErr) -> PyResult<Bound<'_, Self>> {
        Self::with_state(py, State::Failed(error), None)
    }

    /// One that has to wait at a station.
    pub fn waiting<'py>(
        py: Python<'py>,
        operation: Operation,
        purpose: Purpose,
        station: &Arc<Station>,
    ) -> PyResult<Bound<'py, Self>> {
        let bond = Bond {
            station: Arc::clone(station),
            purpose,
            gates: Vec::new(),
            callbacks: Vec::new(),
            timer: None,
        };
        Self::with_state(py, State::Waiting(operation), Some(Box::new(bond)))
    }

    /// Lets it wait for so many seconds.
    pub fn expire_after(
        slf: &Bound<'_, Self>,
        station: &Arc<Station>,
        seconds: f64,
    ) -> PyResult<()> {
        let py = slf.py();
        if slf.get().is_done() {
            return Ok(());
        }
        let Some(event_loop) = station.event_loop(py) else {
            return Ok(());
        };
        let expire = slf.getattr("_expire")?;
        let timer = event_loop.call_method1("call_later", (seconds, expire))?;
        let mut inner = slf.get().inner();
        if let Some(bond) = &mut inner.bond {
            bond.timer = Some(timer.unbind());
        }
        Ok(())
    }

    /// Has `load` applied to what is received.
    pub fn load_with(slf: &Bound<'_, Self>, load: Bound<'_, PyAny>) {
        let before = slf.get().inner().load.replace(load.unbind());
        drop(before);
    }

    /// One try; whether it waits no more, so that it is to be settled.
    pub fn attempt(slf: &Bound<'_, Self>, socket: &Arc<PartSocket>) -> bool {
        let py = slf.py();
        let operation = {
            let mut inner = slf.get().inner();
            match std::mem::replace(&mut inner.state, State::Busy) {
                State::Waiting(operation) => operation,
                other => {
                    inner.state = other;
                    return true;
                }
            }
        };
        let (state, is_over) = match operation.attempt(py, socket) {
            Tried::NotNow(operation) => (State::Waiting(operation), false),
            tried => (State::after(py, tried), true),
        };
        slf.get().inner().state = state;
        is_over
    }

    /// Tells all who wait for it.
    pub fn settle(slf: &Bound<'_, Self>) {
        let py = slf.py();
        let Some((station, gates, callbacks, timer)) = slf.get().inner().untie() else {
            return;
        };
        if let Some(timer) = timer {
            excuse(slf, timer.bind(py).call_method0("cancel"));
        }
        for gate in gates {
            excuse(slf, open(gate.bind(py)));
        }
        if callbacks.is_empty() {
            return;
        }
        let Some(event_loop) = station.event_loop(py) else {
            return;
        };
        for (callback, context) in callbacks {
            excuse(slf, call_soon(&event_loop, slf, &callback, context));
        }
    }

    /// Cancels it, on whichever thread its loop runs.
    pub fn cancel_from_anywhere(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let station = slf.get().inner().station();
        let event_loop = station.and_then(|station| station.event_loop(py));
        if !Self::stop(slf, State::Cancelled(None)) {
            return Ok(());
        }
        // At the end of the interpreter nothing can be imported any more.
        let running = running_loop(py).ok();
        let runs_here = |event_loop| running.as_ref().is_some_and(|own| own.is(event_loop));
        match event_loop {
            Some(event_loop)
                if !runs_here(&event_loop)
                    && event_loop.call_method0("is_running")?.is_truthy()? =>
            {
                let settle = slf.getattr("_settle")?;
                excuse(
                    slf,
                    event_loop.call_method1("call_soon_threadsafe", (settle,)),
                );
            }
            _ => Self::settle(slf),
        }
        Ok(())
    }

    /// Ends the wait, if it waits, and tells of it.
    fn end(slf: &Bound<'_, Self>, state: State) -> bool {
        let was_waiting = Self::stop(slf, state);
        if was_waiting {
            Self::settle(slf);
        }
        was_waiting
    }

    /// Ends the wait, if it waits.
    fn stop(slf: &Bound<'_, Self>, state: State) -> bool {
        let py = slf.py();
        let (before, station, purpose) = {
            let mut inner = slf.get().inner();
            if !matches!(inner.state, State::Waiting(_)) {
                return false;
            }
            let before = std::mem::replace(&mut inner.state, state);
            let station = inner.station();
            let purpose = inner.bond.as_ref().map(|bond| bond.purpose);
            (before, station, purpose)
        };
        crate::lease::settling(py, || drop(before));
        if let (Some(station), Some(purpose)) = (station, purpose) {
            station.leave(py, purpose, slf);
        }
        true
    }

    /// The one task that waits for it will not take what there is.
    fn abandon(slf: &Bound<'_, Self>) {
        if Self::end(slf, State::Cancelled(None)) {
            return;
        }
        let before = {
            let mut inner = slf.get().inner();
            if inner.is_shared || !matches!(inner.state, State::Received(_)) {
                return;
            }
            std::mem::replace(&mut inner.state, State::Cancelled(None))
        };
        if let State::Received(received) = before {
            received.give_back();
        }
    }

    /// The result, or what is raised instead.
    #[inline]
    fn outcome(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (received, load) = {
            let mut inner = self.inner();
            match std::mem::replace(&mut inner.state, State::Busy) {
                State::Received(received) => (received, inner.load.take()),
                other => {
                    let outcome = other.outcome(py);
                    inner.state = other;
                    drop(inner);
                    return outcome.and_then(|outcome| outcome.map_err(|wrong| wrong.raise(py)));
                }
            }
        };
        let mut object = received.into_object(py);
        if let (Ok(made), Some(load)) = (&object, load) {
            object = load.bind(py).call1((made,));
        }
        let (state, outcome) = match object {
            Ok(object) => {
                let object = object.unbind();
                (State::Done(object.clone_ref(py)), Ok(object))
            }
            Err(error) => (State::Failed(error.clone_ref(py)), Err(error)),
        };
        self.inner().state = state;
        outcome
    }

    #[inline]
    fn is_done(&self) -> bool {
        self.inner().state.is_done()
    }

    /// What a task that awaits it waits at.
    #[cold]
    fn gate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let running = running_loop(py)?;
        let station = self.inner().station();
        let own = station.and_then(|station| station.event_loop(py));
        if own.is_none_or(|own| !own.is(&running)) {
            return Err(PyRuntimeError::new_err(
                "a call of a socket is awaited in another event loop than it was made in",
            ));
        }
        let gate = running.call_method0("create_future")?;
        gate.setattr("_asyncio_future_blocking", true)?;
        let mut inner = self.inner();
        if let Some(bond) = &mut inner.bond {
            bond.gates.push(gate.clone().unbind());
        }
        Ok(gate)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Untied = (
    Arc<Station>,
    Vec<Py<PyAny>>,
    Vec<(Py<PyAny>, Py<PyAny>)>,
    Option<Py<PyAny>>,
);

impl Inner {
    fn station(&self) -> Option<Arc<Station>> {
        self.bond.as_ref().map(|bond| Arc::clone(&bond.station))
    }

    /// Whom to tell that it is done.
    fn untie(&mut self) -> Option<Untied> {
        let bond = self.bond.as_mut()?;
        let gates = std::mem::take(&mut bond.gates);
        let callbacks = std::mem::take(&mut bond.callbacks);
        self.is_shared |= gates.len() + callbacks.len() != 1 || gates.is_empty();
        Some((
            Arc::clone(&bond.station),
            gates,
            callbacks,
            bond.timer.take(),
        ))
    }
}

/// Why there is no result.
enum Wrong {
    Pending,
    Failed(PyErr),
    Cancelled(Option<Py<PyAny>>),
}

impl Wrong {
    fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Failed(error) => error,
            Self::Pending => invalid_state(py, "Result is not set."),
            Self::Cancelled(message) => cancelled_error(py, message),
        }
    }
}

impl State {
    #[inline]
    fn after(py: Python<'_>, tried: Tried) -> Self {
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

    fn is_done(&self) -> bool {
        !matches!(self, Self::Waiting(_) | Self::Busy)
    }

    #[inline]
    fn outcome(&self, py: Python<'_>) -> PyResult<Result<Py<PyAny>, Wrong>> {
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

fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    RUNNING.import(py, "asyncio", "_get_running_loop")?.call0()
}

/// Lets the task go on that waits at the gate, unless it is cancelled.
fn open<'py>(gate: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = gate.py();
    if gate.call_method0("done")?.is_truthy()? {
        return Ok(py.None().into_bound(py));
    }
    gate.call_method1("set_result", (py.None(),))
}

fn call_soon<'py>(
    event_loop: &Bound<'py, PyAny>,
    future: &Bound<'py, Future>,
    callback: &Py<PyAny>,
    context: Py<PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let named = [("context", context)].into_py_dict(event_loop.py())?;
    event_loop.call_method("call_soon", (callback, future), Some(&named))
}

/// A loop that is closed calls nobody, and nobody waits for that.
fn excuse(future: &Bound<'_, Future>, called: PyResult<Bound<'_, PyAny>>) {
    let py = future.py();
    if let Err(error) = called
        && !error.is_instance_of::<PyRuntimeError>(py)
    {
        error.write_unraisable(py, Some(future));
    }
}

#[cold]
fn cancelled_error(py: Python<'_>, message: Option<Py<PyAny>>) -> PyErr {
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
