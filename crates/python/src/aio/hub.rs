//! One event loop, and the sockets that something waits at in it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};
use pyo3::{PyTraverseError, PyVisit};

use super::bell::{Bell, News};
use super::socket::AsyncSocket;
use super::station::Station;
use super::turn;
use crate::errors::error_with;

/// What tells one event loop of all its sockets: it calls dispatch() when
/// fileno() is readable. The loop holds it.
#[pyclass(frozen, weakref, module = "zincmq._native")]
pub struct Hub {
    bell: Arc<Bell>,
    event_loop: Py<PyWeakrefReference>,
    /// Calls of dispatch.
    notifications: AtomicU64,
    active: Mutex<HashMap<u64, Active>>,
}

/// A socket stays for as long as something waits at it.
struct Active {
    socket: Py<AsyncSocket>,
    station: Arc<Station>,
}

impl Hub {
    /// What the stations of its sockets ring.
    pub fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// The loop it is for, unless that is gone.
    pub fn event_loop(&self) -> &Py<PyWeakrefReference> {
        &self.event_loop
    }

    /// Whether it is for this loop in this process.
    pub fn is_for(&self, event_loop: &Bound<'_, PyAny>) -> bool {
        let own = self.event_loop.bind(event_loop.py()).upgrade();
        own.is_some_and(|own| own.is(event_loop)) && self.is_of_this_process()
    }

    /// Keeps a socket while something waits at it.
    pub fn keep(&self, socket: &Bound<'_, AsyncSocket>, station: &Arc<Station>) {
        let active = Active {
            socket: socket.clone().unbind(),
            station: Arc::clone(station),
        };
        let before = self.active().insert(station.key(), active);
        drop(before);
    }

    /// Nothing waits at it any more.
    pub fn let_go(&self, station: &Station) {
        let before = self.active().remove(&station.key());
        drop(before);
    }

    /// The station, and its socket, so that it is not dropped meanwhile.
    fn find(&self, py: Python<'_>, key: u64) -> Option<(Py<AsyncSocket>, Arc<Station>)> {
        let active = self.active();
        let Active { socket, station } = active.get(&key)?;
        Some((socket.clone_ref(py), Arc::clone(station)))
    }

    fn is_of_this_process(&self) -> bool {
        self.bell.is_own()
    }

    fn active(&self) -> MutexGuard<'_, HashMap<u64, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Hub {
    #[new]
    fn new(event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bell = Bell::new().map_err(|wrong| {
            let code = wrong.raw_os_error().unwrap_or(libc::EMFILE);
            let text = format!("no descriptor for the event loop: {wrong}");
            error_with(event_loop.py(), code, &text)
        })?;
        Ok(Self {
            bell,
            event_loop: PyWeakrefReference::new(event_loop)?.unbind(),
            notifications: AtomicU64::new(0),
            active: Mutex::default(),
        })
    }

    /// The descriptor to watch.
    fn fileno(&self) -> i32 {
        self.bell.descriptor()
    }

    /// How often the loop was woken.
    #[getter]
    fn notifications(&self) -> u64 {
        self.notifications.load(Ordering::Relaxed)
    }

    /// Whether the process is the one that made it.
    #[getter]
    fn alive(&self) -> bool {
        self.is_of_this_process()
    }

    /// Has what waits at sockets for which something changed try again.
    fn dispatch(&self, py: Python<'_>) {
        // Of a process that was forked the descriptor and the list are not.
        if !self.is_of_this_process() {
            return;
        }
        self.notifications.fetch_add(1, Ordering::Relaxed);
        turn::begin();
        let News {
            connections,
            signals,
        } = self.bell.answer();
        for key in connections {
            if let Some((_socket, station)) = self.find(py, key) {
                station.attend(py);
            }
        }
        for signal in signals {
            signal.reset();
            if let Some((_socket, station)) = self.find(py, signal.key) {
                station.woken(py);
            }
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Ok(active) = self.active.try_lock() else {
            return Ok(());
        };
        for active in active.values() {
            visit.call(&active.socket)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let active = std::mem::take(&mut *self.active());
        drop(active);
    }
}
