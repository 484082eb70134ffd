//! What the calls of a socket return: something to await, which is a future of
//! asyncio's in all but its class.
//!
//! A task that awaits one that is not done yet is given a gate to wait at, a
//! future of the loop's own, which is what it deals with fastest.

mod event_loop;
mod methods;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use zincmq::raw::PartSocket;

use self::event_loop::{call_soon, excuse, open, running_loop};
use self::state::State;
use super::operation::{Operation, Tried};
use super::station::{Purpose, Station};
use super::turn;

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
