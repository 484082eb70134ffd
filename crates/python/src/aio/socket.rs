//! Sockets whose sends and receives are awaited.

use std::ffi::c_int;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple, PyWeakrefMethods};
use pyo3::{PyTraverseError, PyVisit};
use zincmq::raw::label::Label;
use zincmq::raw::{Listener, PartSocket};

use super::future::Future;
use super::hub::Hub;
use super::operation::{Operation, Outgoing, Receiving, Sending, Tried};
use super::station::{Purpose, Station};
use super::turn;
use crate::arguments::{number, truth};
use crate::buffer::Room;
use crate::errors::error;
use crate::frame::Frame;
use crate::socket::Socket;
use crate::transfer::{DONTWAIT, RCVTIMEO, SNDMORE, SNDTIMEO, time_limit};

/// The base of zincmq.asyncio.Socket: sends and receives return a Future.
#[pyclass(subclass, frozen, extends = Socket, module = "zincmq._native")]
pub struct AsyncSocket {
    /// For each loop that something has waited in.
    stations: Mutex<Vec<Arc<Station>>>,
}

impl AsyncSocket {
    /// Tries at once, unless others wait for their turn, and then waits.
    #[inline]
    fn start<'py>(
        slf: &Bound<'py, Self>,
        purpose: Purpose,
        operation: Operation,
        flags: c_int,
    ) -> PyResult<Bound<'py, Future>> {
        let py = slf.py();
        let socket = match slf.as_super().get().known(py) {
            Ok(socket) => socket,
            Err(error) => return Future::failed(py, error),
        };
        let waits_its_turn = match purpose {
            Purpose::Receive if flags & DONTWAIT != 0 => false,
            _ => !slf.get().is_free(purpose) && !Self::station(slf, socket)?.is_free(purpose),
        };
        if waits_its_turn {
            return Self::wait(slf, socket, purpose, operation, flags);
        }
        match Self::attempt(py, socket, operation) {
            (Tried::NotNow(operation), seen) => {
                Self::linger(slf, socket, purpose, operation, flags, seen)
            }
            (Tried::Failed(code), _) => Future::failed(py, error(py, code)),
            (tried, _) => Future::finished(py, tried),
        }
    }

    /// Tries once more, if the answer is likely to be there soon, and then waits.
    #[cold]
    fn linger<'py>(
        slf: &Bound<'py, Self>,
        socket: &Arc<PartSocket>,
        purpose: Purpose,
        operation: Operation,
        flags: c_int,
        seen: u64,
    ) -> PyResult<Bound<'py, Future>> {
        let py = slf.py();
        let pays = purpose == Purpose::Receive
            && flags & DONTWAIT == 0
            && Self::station(slf, socket)?.linger(py, seen)?;
        if !pays {
            return Self::wait(slf, socket, purpose, operation, flags);
        }
        turn::spend_wait();
        match operation.attempt(py, socket) {
            Tried::NotNow(operation) => Self::wait(slf, socket, purpose, operation, flags),
            Tried::Failed(code) => Future::failed(py, error(py, code)),
            tried => Future::finished(py, tried),
        }
    }

    /// Tries, and once more after a look at the connections; with the epoch
    /// before that.
    #[inline]
    fn attempt(py: Python<'_>, socket: &Arc<PartSocket>, operation: Operation) -> (Tried, u64) {
        match operation.attempt(py, socket) {
            Tried::NotNow(operation) => {
                let seen = Listener::epoch(&socket.engine);
                Listener::look(&socket.engine);
                (operation.attempt(py, socket), seen)
            }
            tried => (tried, 0),
        }
    }

    #[cold]
    fn wait<'py>(
        slf: &Bound<'py, Self>,
        socket: &Arc<PartSocket>,
        purpose: Purpose,
        operation: Operation,
        flags: c_int,
    ) -> PyResult<Bound<'py, Future>> {
        let py = slf.py();
        if flags & DONTWAIT != 0 {
            return Future::failed(py, error(py, libc::EAGAIN));
        }
        let option = match purpose {
            Purpose::Send => SNDTIMEO,
            _ => RCVTIMEO,
        };
        let limit = time_limit(socket, option).map(|limit| limit.as_secs_f64());
        Self::enqueue(slf, socket, purpose, operation, limit)
    }

    /// `limit` is in seconds.
    fn enqueue<'py>(
        slf: &Bound<'py, Self>,
        socket: &Arc<PartSocket>,
        purpose: Purpose,
        operation: Operation,
        limit: Option<f64>,
    ) -> PyResult<Bound<'py, Future>> {
        let station = Self::station(slf, socket)?;
        let future = Future::waiting(slf.py(), operation, purpose, &station)?;
        station.join(slf, purpose, &future);
        if let Some(limit) = limit {
            Future::expire_after(&future, &station, limit)?;
        }
        Ok(future)
    }

    /// Whether nothing of the kind waits, in whichever loop.
    #[inline]
    fn is_free(&self, purpose: Purpose) -> bool {
        self.stations()
            .iter()
            .all(|station| station.is_free(purpose))
    }

    /// The station for the running loop.
    fn station(slf: &Bound<'_, Self>, socket: &Arc<PartSocket>) -> PyResult<Arc<Station>> {
        static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        static HUB: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = slf.py();
        let running = RUNNING
            .import(py, "asyncio", "_get_running_loop")?
            .call0()?;
        if !running.is_none() {
            let known: Vec<_> = slf.get().stations().clone();
            if let Some(known) = known.into_iter().find(|known| known.is_for(&running)) {
                return Ok(known);
            }
        }
        let hub = HUB.import(py, "zincmq.asyncio", "_hub")?.call0()?;
        let hub = hub.cast::<Hub>()?;
        let event_loop = hub.get().event_loop().bind(py);
        let event_loop = event_loop.upgrade();
        let known: Vec<_> = slf.get().stations().clone();
        if let Some(event_loop) = event_loop
            && let Some(known) = known.iter().find(|known| known.is_for(&event_loop))
        {
            return Ok(Arc::clone(known));
        }
        let (mut all, gone): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|known| known.is_needed(py));
        let station = Station::new(Arc::clone(socket), hub)?;
        all.push(Arc::clone(&station));
        let before = std::mem::replace(&mut *slf.get().stations(), all);
        drop((before, gone));
        Ok(station)
    }

    fn stations(&self) -> MutexGuard<'_, Vec<Arc<Station>>> {
        self.stations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl AsyncSocket {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Socket::unmade()).add_subclass(Self {
            stations: Mutex::default(),
        })
    }

    /// Sends one part of a message, the last unless flags have SNDMORE. The
    /// result is what zmq.Socket.send returns. Once it is cancelled nothing of it
    /// is sent.
    #[pyo3(signature = (data, flags=0, copy=true, track=false, routing_id=None, group=None))]
    fn send<'py>(
        slf: &Bound<'py, Self>,
        data: &Bound<'py, PyAny>,
        #[pyo3(from_py_with = number)] flags: c_int,
        #[pyo3(from_py_with = truth)] copy: bool,
        #[pyo3(from_py_with = truth)] track: bool,
        routing_id: Option<u32>,
        group: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Future>> {
        let py = slf.py();
        let made = slf.as_super().get().part_of(data, copy, track);
        let (part, mut label, tracker) = match made {
            Ok(made) => made,
            Err(error) => return Future::failed(py, error),
        };
        if routing_id.is_some() || group.is_some() {
            label = match labelled(py, routing_id, group) {
                Ok(label) => label,
                Err(error) => return Future::failed(py, error),
            };
        }
        let sending = Sending {
            parts: Outgoing::Part(part, label),
            more: flags & SNDMORE != 0,
            tracker,
        };
        Self::start(slf, Purpose::Send, Operation::Send(sending), flags)
    }

    /// Sends the parts of a message, all or none of them.
    #[pyo3(signature = (msg_parts, flags=0, copy=true, track=false, routing_id=None, group=None))]
    fn send_multipart<'py>(
        slf: &Bound<'py, Self>,
        msg_parts: &Bound<'py, PyAny>,
        #[pyo3(from_py_with = number)] flags: c_int,
        #[pyo3(from_py_with = truth)] copy: bool,
        #[pyo3(from_py_with = truth)] track: bool,
        routing_id: Option<u32>,
        group: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Future>> {
        let py = slf.py();
        let sending = Self::message_of(slf, msg_parts, copy, track).and_then(|made| {
            let (mut parts, mut label, tracker) = made;
            if routing_id.is_some() || group.is_some() {
                label = labelled(py, routing_id, group)?;
            }
            let parts = match parts.len() {
                0 => return Err(PyTypeError::new_err("a message has at least one part")),
                1 => Outgoing::Part(parts.pop().unwrap_or_default(), label),
                _ => Outgoing::Whole(parts),
            };
            let more = flags & SNDMORE != 0;
            Ok(Sending {
                parts,
                more,
                tracker,
            })
        });
        match sending {
            Ok(sending) => Self::start(slf, Purpose::Send, Operation::Send(sending), flags),
            Err(error) => Future::failed(py, error),
        }
    }

    /// Receives one part of a message, as bytes, or with copy=False as a Frame.
    /// Once it is cancelled it has taken nothing.
    #[pyo3(signature = (flags=0, copy=true, track=false))]
    fn recv<'py>(
        slf: &Bound<'py, Self>,
        #[pyo3(from_py_with = number)] flags: c_int,
        #[pyo3(from_py_with = truth)] copy: bool,
        #[pyo3(from_py_with = truth)] track: bool,
    ) -> PyResult<Bound<'py, Future>> {
        let receiving = Receiving {
            whole: false,
            copy,
            track,
            room: None,
        };
        Self::start(slf, Purpose::Receive, Operation::Recv(receiving), flags)
    }

    /// Receives a message, as a list of its parts.
    #[pyo3(signature = (flags=0, copy=true, track=false))]
    fn recv_multipart<'py>(
        slf: &Bound<'py, Self>,
        #[pyo3(from_py_with = number)] flags: c_int,
        #[pyo3(from_py_with = truth)] copy: bool,
        #[pyo3(from_py_with = truth)] track: bool,
    ) -> PyResult<Bound<'py, Future>> {
        let receiving = Receiving {
            whole: true,
            copy,
            track,
            room: None,
        };
        Self::start(slf, Purpose::Receive, Operation::Recv(receiving), flags)
    }

    /// Receives one part into memory that can be written to, nbytes of it at
    /// most, all of it if that is 0. What is longer is cut off. The result is the
    /// length of the whole part.
    #[pyo3(signature = (buffer, /, *, nbytes=0, flags=0))]
    fn recv_into<'py>(
        slf: &Bound<'py, Self>,
        buffer: &Bound<'py, PyAny>,
        nbytes: isize,
        #[pyo3(from_py_with = number)] flags: c_int,
    ) -> PyResult<Bound<'py, Future>> {
        let room = match Room::new(buffer, nbytes) {
            Ok(room) => room,
            Err(error) => return Future::failed(slf.py(), error),
        };
        let receiving = Receiving {
            whole: false,
            copy: true,
            track: false,
            room: Some(room),
        };
        Self::start(slf, Purpose::Receive, Operation::Recv(receiving), flags)
    }

    /// Waits until the socket is ready for one of the events in flags, for at
    /// most timeout milliseconds, None for ever. The result is the events that it
    /// is ready for, 0 if the time is up.
    // Of the events POLLIN.
    #[pyo3(signature = (timeout=None, flags=1))]
    fn poll<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<f64>,
        flags: i16,
    ) -> PyResult<Bound<'py, Future>> {
        let py = slf.py();
        let socket = slf.as_super().get().known(py);
        let socket = socket.map_err(|_| error(py, libc::ENOTSUP))?;
        match Self::attempt(py, socket, Operation::Poll(flags)).0 {
            Tried::NotNow(_) if timeout == Some(0.0) => Future::finished(py, Tried::Events(0)),
            Tried::NotNow(operation) => {
                let limit = timeout.filter(|&timeout| timeout > 0.0);
                let limit = limit.map(|milliseconds| milliseconds / 1000.0);
                Self::enqueue(slf, socket, Purpose::Poll, operation, limit)
            }
            Tried::Failed(code) => Future::failed(py, error(py, code)),
            tried => Future::finished(py, tried),
        }
    }

    /// As pyzmq calls it: `load` is applied to what was received.
    fn _deserialize<'py>(
        &self,
        recvd: Bound<'py, Future>,
        load: Bound<'py, PyAny>,
    ) -> Bound<'py, Future> {
        Future::load_with(&recvd, load);
        recvd
    }

    /// Cancels all that waits.
    fn _cancel_all(&self, py: Python<'_>) -> PyResult<()> {
        let stations = self.stations().clone();
        for station in stations {
            for future in station.waiting(py) {
                Future::cancel_from_anywhere(future.bind(py))?;
            }
        }
        Ok(())
    }

    /// What waits to receive, or for an event.
    #[getter]
    fn _recv_futures<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let stations = self.stations().clone();
        let all = stations.iter().flat_map(|station| station.receives(py));
        PyList::new(py, all.collect::<Vec<_>>())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Ok(stations) = self.stations.try_lock() else {
            return Ok(());
        };
        stations
            .iter()
            .try_for_each(|station| station.traverse(&visit))
    }

    fn __clear__(&self) {
        let stations = std::mem::take(&mut *self.stations());
        for station in &stations {
            station.clear();
        }
    }
}

type Made = (Vec<zincmq::Message>, Label, Option<Py<PyAny>>);

impl AsyncSocket {
    /// The parts of a message, whom the last is for, and what tells of it.
    fn message_of(
        slf: &Bound<'_, Self>,
        parts: &Bound<'_, PyAny>,
        copy: bool,
        track: bool,
    ) -> PyResult<Made> {
        let mut made = Vec::new();
        let mut last = (Label::default(), None);
        for (place, part) in parts.try_iter()?.enumerate() {
            let part = part?;
            let (message, label, tracker) = slf
                .as_super()
                .get()
                .part_of(&part, copy, track)
                .map_err(|error| unsupported(place, &part, error))?;
            made.push(message);
            last = (label, tracker);
        }
        Ok((made, last.0, last.1))
    }
}

/// As pyzmq has it for what is not memory.
fn unsupported(place: usize, part: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    if !error.is_instance_of::<PyTypeError>(part.py()) {
        return error;
    }
    let shown = part.repr().map(|shown| {
        let shown = shown.to_string();
        match shown.char_indices().nth(32) {
            Some((end, _)) => format!("{}...", &shown[..end]),
            None => shown,
        }
    });
    match shown {
        Ok(shown) => PyTypeError::new_err(format!(
            "Frame {place} ({shown}) does not support the buffer interface."
        )),
        Err(error) => error,
    }
}

/// As zmq.Frame takes it.
fn labelled(
    py: Python<'_>,
    routing_id: Option<u32>,
    group: Option<&Bound<'_, PyAny>>,
) -> PyResult<Label> {
    let mut label = Label::default();
    if let Some(routing_id) = routing_id {
        label = Frame::label_from(py, "routing_id", routing_id.into_pyobject(py)?.as_any())?;
    }
    if let Some(group) = group {
        label = Frame::label_from(py, "group", group)?;
    }
    Ok(label)
}
