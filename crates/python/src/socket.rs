//! Sockets.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PySuper, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};
use zincmq::error::SendFailure;
use zincmq::options::OptionValue;
use zincmq::raw::errno::{Code, code};
use zincmq::raw::label::Label;
use zincmq::raw::report::Form;
use zincmq::raw::{self, PartSocket};
use zincmq::{Message, SocketType};

use crate::arguments::{address, number, number_or_none, truth};
use crate::buffer::{self, Memory, Room};
use crate::context::Context;
use crate::errors::{error, error_with};
use crate::frame::Frame;
use crate::library::IPC_PATH_MAX_LEN;
use crate::registry::{self, Registry};
use crate::transfer::{recv_part, send_part};
use crate::{lease, options, pyzmq};

const RCVMORE: c_int = 13;
const LINGER: c_int = 17;

static SOCKETS: Registry<PartSocket> = Registry::new();

/// The base of zmq.Socket. With `shadow`, the `underlying` of another, it is
/// the same socket.
#[pyclass(subclass, frozen, module = "zincmq._native")]
pub struct Socket {
    socket: OnceLock<Arc<PartSocket>>,
    context: Mutex<Option<Py<PyAny>>>,
    copy_threshold: AtomicUsize,
    closed: AtomicBool,
}

impl Socket {
    /// One that `__init__` has still to be called for.
    pub fn unmade() -> Self {
        Self {
            socket: OnceLock::new(),
            context: Mutex::new(None),
            copy_threshold: AtomicUsize::new(0),
            closed: AtomicBool::new(true),
        }
    }

    /// The socket.
    ///
    /// # Errors
    ///
    /// ENOTSOCK once it is closed.
    pub fn open(&self, py: Python<'_>) -> PyResult<Arc<PartSocket>> {
        self.known(py).cloned()
    }

    /// As [`Socket::open`], borrowed.
    #[inline]
    pub fn known(&self, py: Python<'_>) -> PyResult<&Arc<PartSocket>> {
        match self.socket.get() {
            Some(socket) if !self.closed.load(Ordering::Acquire) => Ok(socket),
            _ => Err(error(py, libc::ENOTSOCK)),
        }
    }

    /// A message of `data`, whom it is for, and what tells when its memory is not
    /// in use any more, if that is to be known.
    pub fn part_of(
        &self,
        data: &Bound<'_, PyAny>,
        copy: bool,
        track: bool,
    ) -> PyResult<(Message, Label, Option<Py<PyAny>>)> {
        let py = data.py();
        if copy && let Ok(bytes) = data.cast::<PyBytes>() {
            return Ok((buffer::of_bytes(bytes), Label::default(), None));
        }
        if let Ok(frame) = data.cast::<Frame>() {
            let frame = frame.get();
            let tracker = frame.tracker_of(py);
            if track && tracker.is_none() {
                return Err(PyValueError::new_err("Not a tracked message"));
            }
            return Ok((frame.share(), frame.label(), tracker));
        }
        if data.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err("unicode not allowed, use send_string"));
        }
        if copy {
            return Ok((Memory::of(data)?.copied(py), Label::default(), None));
        }
        let memory = Memory::of(data)?;
        if memory.len() < self.copy_threshold() {
            let finished = pyzmq::finished_tracker(py)?.unbind();
            return Ok((memory.copied(py), Label::default(), Some(finished)));
        }
        let (event, tracker) = match track {
            true => {
                let event = py.import("threading")?.call_method0("Event")?;
                let tracker = py
                    .import("zmq")?
                    .call_method1("MessageTracker", (&event,))?;
                (Some(event), Some(tracker.unbind()))
            }
            false => (None, None),
        };
        Ok((lease::lend(py, memory, event)?, Label::default(), tracker))
    }

    /// A zmq.Frame of `data`, labelled; a frame that is given is labelled itself.
    #[cold]
    fn addressed<'py>(
        &self,
        data: &Bound<'py, PyAny>,
        copy: bool,
        track: bool,
        labels: [(&str, Option<&Bound<'py, PyAny>>); 2],
    ) -> PyResult<Bound<'py, PyAny>> {
        let frame = match data.cast::<Frame>() {
            Ok(_) => data.clone(),
            Err(_) => {
                let how = PyDict::new(data.py());
                how.set_item("track", track)?;
                how.set_item("copy", copy.then_some(true))?;
                how.set_item("copy_threshold", self.copy_threshold())?;
                Frame::class(data.py())?.call((data,), Some(&how))?
            }
        };
        for (name, value) in labels {
            if let Some(value) = value {
                frame.setattr(name, value)?;
            }
        }
        Ok(frame)
    }

    fn context_slot(&self) -> MutexGuard<'_, Option<Py<PyAny>>> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Socket {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self::unmade()
    }

    /// pyzmq's own class has a send that calls this one's and adds two arguments,
    /// which this one has. It is taken out, as it would cost as much as the send.
    #[classmethod]
    #[pyo3(signature = (**arguments))]
    fn __init_subclass__(
        class: &Bound<'_, PyType>,
        arguments: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        if class.name()? == "Socket" && class.module()? == "zmq.sugar.socket" {
            class.delattr("send")?;
        }
        let next = PySuper::new(&class.py().get_type::<Self>(), class)?;
        next.call_method("__init_subclass__", (), arguments)?;
        Ok(())
    }

    #[pyo3(signature = (context=None, socket_type=-1, shadow=0, copy_threshold=None))]
    fn __init__(
        &self,
        py: Python<'_>,
        context: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = number)] socket_type: c_int,
        shadow: usize,
        copy_threshold: Option<usize>,
    ) -> PyResult<()> {
        let threshold = match copy_threshold {
            Some(threshold) => threshold,
            None => pyzmq::copy_threshold(py)?,
        };
        self.copy_threshold.store(threshold, Ordering::Relaxed);
        *self.context_slot() = context.map(|context| context.clone().unbind());
        let socket = match (shadow, context) {
            (0, None) => return Err(PyTypeError::new_err("context must be specified")),
            (0, Some(_)) if socket_type < 0 => {
                return Err(PyTypeError::new_err("socket_type must be specified"));
            }
            (0, Some(context)) => {
                let context: &Bound<'_, Context> = context.cast()?;
                let engine = context.get().socket(py, socket_type)?;
                Arc::new(PartSocket::new(engine))
            }
            (number, _) => SOCKETS
                .find(number)
                .ok_or_else(|| error(py, libc::ENOTSOCK))?,
        };
        SOCKETS.add(&socket);
        if self.socket.set(socket).is_ok() {
            self.closed.store(false, Ordering::Release);
        }
        Ok(())
    }

    /// The number by which a shadow of it can be made.
    #[getter]
    fn underlying(&self) -> usize {
        match self.socket.get() {
            Some(socket) if !self.closed.load(Ordering::Acquire) => registry::number(socket),
            _ => 0,
        }
    }

    /// The context it was made with.
    #[getter]
    fn context(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.context_slot().as_ref().map(|own| own.clone_ref(py))
    }

    #[setter]
    fn set_context(&self, context: Option<Py<PyAny>>) {
        let before = std::mem::replace(&mut *self.context_slot(), context);
        drop(before);
    }

    /// Shorter payloads are copied even with copy=False, bytes.
    #[getter]
    fn copy_threshold(&self) -> usize {
        self.copy_threshold.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_copy_threshold(&self, threshold: usize) {
        self.copy_threshold.store(threshold, Ordering::Relaxed);
    }

    /// Whether it was closed, through whichever object.
    #[getter]
    fn closed(&self) -> bool {
        if self._closed() {
            return true;
        }
        let is_closed = self
            .socket
            .get()
            .is_none_or(|socket| raw::check_usable(&socket.engine) == Err(SendFailure::Closed));
        if is_closed {
            self.closed.store(true, Ordering::Release);
        }
        is_closed
    }

    /// Whether it was closed through this object.
    #[getter]
    fn _closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Closes the socket. What is queued is still sent within the linger time,
    /// in milliseconds, -1 for ever; `linger` sets that first.
    #[pyo3(signature = (linger=None))]
    fn close(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = number_or_none)] linger: Option<c_int>,
    ) -> PyResult<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let Some(socket) = self.socket.get() else {
            return Ok(());
        };
        if let Some(linger) = linger {
            // A socket that is of no more use is closed all the same.
            let _ = socket
                .engine
                .set_by_number(LINGER, OptionValue::Int(linger));
        }
        lease::settling(py, || socket.engine.close());
        Ok(())
    }

    /// Sets an option, a number or bytes (zmq_setsockopt(3)).
    fn set(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = number)] option: c_int,
        optval: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        options::set(py, &self.known(py)?.engine, option, optval)
    }

    /// Reads an option (zmq_getsockopt(3)).
    fn get<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = number)] option: c_int,
    ) -> PyResult<Bound<'py, PyAny>> {
        let socket = self.known(py)?;
        if option == RCVMORE && !socket.turns.takes_at_once() {
            let more = py.detach(|| socket.turns.has_more());
            return Ok(c_int::from(more).into_pyobject(py)?.into_any());
        }
        options::get(py, socket, option)
    }

    /// Listens at an endpoint.
    fn bind(&self, py: Python<'_>, addr: &Bound<'_, PyAny>) -> PyResult<()> {
        let endpoint = address(addr)?;
        let socket = self.known(py)?;
        let bound = py.detach(|| socket.engine.bind(&endpoint));
        let Err(wrong) = bound else { return Ok(()) };
        let path = endpoint.split_once("://").map_or("", |(_, path)| path);
        Err(match wrong.code() {
            libc::ENAMETOOLONG => error_with(
                py,
                libc::ENAMETOOLONG,
                &format!(
                    "ipc path \"{path}\" is longer than {IPC_PATH_MAX_LEN} characters, \
                     which is all that sockaddr_un.sun_path has room for"
                ),
            ),
            libc::ENOENT => error_with(
                py,
                libc::ENOENT,
                &format!("No such file or directory for ipc path \"{path}\"."),
            ),
            code => error(py, code),
        })
    }

    /// Connects to an endpoint.
    fn connect(&self, py: Python<'_>, addr: &Bound<'_, PyAny>) -> PyResult<()> {
        let endpoint = address(addr)?;
        let socket = self.known(py)?;
        py.detach(|| socket.engine.connect(&endpoint).map_err(code))
            .map_err(|code| error(py, code))
    }

    /// Stops listening at an endpoint.
    fn unbind(&self, py: Python<'_>, addr: &Bound<'_, PyAny>) -> PyResult<()> {
        let endpoint = address(addr)?;
        let socket = self.known(py)?;
        py.detach(|| socket.unbind(&endpoint))
            .map_err(|code| error(py, code))
    }

    /// Ends the connection to an endpoint.
    fn disconnect(&self, py: Python<'_>, addr: &Bound<'_, PyAny>) -> PyResult<()> {
        let endpoint = address(addr)?;
        let socket = self.known(py)?;
        py.detach(|| socket.disconnect(&endpoint))
            .map_err(|code| error(py, code))
    }

    /// Sends what happens to the connections to a PAIR that connects to addr, an
    /// inproc endpoint (zmq_socket_monitor(3)): by default all events. None ends
    /// that.
    #[pyo3(signature = (addr, events=0xffff))]
    fn monitor(
        &self,
        py: Python<'_>,
        addr: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = number)] events: c_int,
    ) -> PyResult<()> {
        let endpoint = addr.map(address).transpose()?;
        let socket = self.known(py)?;
        // A negative number has bits that no event has.
        let events = i64::from(events).cast_unsigned();
        let start = || {
            let (form, kind) = (Form::new(1, events)?, Some(SocketType::Pair));
            let endpoint = endpoint.as_deref();
            socket.watch.start(&socket.engine, endpoint, form, kind)
        };
        py.detach(start).map_err(|code| error(py, code))
    }

    /// Has a DISH receive what is sent to a group.
    fn join(&self, py: Python<'_>, group: &Bound<'_, PyAny>) -> PyResult<()> {
        let joined = self.known(py)?.engine.join(address(group)?);
        joined.map_err(|wrong| error(py, code(wrong)))
    }

    /// Takes back join.
    fn leave(&self, py: Python<'_>, group: &Bound<'_, PyAny>) -> PyResult<()> {
        let left = self.known(py)?.engine.leave(address(group)?);
        left.map_err(|wrong| error(py, code(wrong)))
    }

    /// Sends one part of a message, the last unless flags have SNDMORE. With
    /// copy=False, or a Frame, its memory is not copied, and a tracker of it is
    /// returned if asked for. routing_id names the peer of a SERVER or PEER, group
    /// the group of a RADIO.
    #[pyo3(signature = (data, flags=0, copy=true, track=false, routing_id=None, group=None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "these are the arguments of pyzmq's send"
    )]
    fn send(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = number)] flags: c_int,
        #[pyo3(from_py_with = truth)] copy: bool,
        #[pyo3(from_py_with = truth)] track: bool,
        routing_id: Option<&Bound<'_, PyAny>>,
        group: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let socket = self.known(py)?;
        let (part, label, tracker) = match (routing_id, group) {
            (None, None) => self.part_of(data, copy, track)?,
            _ => {
                let labels = [("routing_id", routing_id), ("group", group)];
                self.part_of(&self.addressed(data, copy, track, labels)?, copy, track)?
            }
        };
        send_part(py, socket, part, &label, flags)?;
        Ok(tracker)
    }

    /// Receives one part of a message, as bytes, or with copy=False as a Frame
    /// of the memory it was received into.
    #[pyo3(signature = (flags=0, copy=true, track=false))]
    fn recv<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = number)] flags: c_int,
        #[pyo3(from_py_with = truth)] copy: bool,
        #[pyo3(from_py_with = truth)] track: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let socket = self.known(py)?;
        let (part, more, label) = recv_part(py, socket, flags)?;
        if copy {
            let bytes = lease::settling(py, || buffer::to_bytes(py, &{ part }));
            return Ok(bytes.into_any());
        }
        Frame::received(py, part, more, label, track)
    }

    /// Receives one part into memory that can be written to, nbytes of it at
    /// most, all of it if that is 0. What is longer is cut off. Returns the
    /// length of the whole part.
    #[pyo3(signature = (buffer, /, *, nbytes=0, flags=0))]
    fn recv_into(
        &self,
        py: Python<'_>,
        buffer: &Bound<'_, PyAny>,
        nbytes: isize,
        #[pyo3(from_py_with = number)] flags: c_int,
    ) -> PyResult<usize> {
        let socket = self.known(py)?;
        let room = Room::new(buffer, nbytes)?;
        let (part, ..) = recv_part(py, socket, flags)?;
        let len = part.len();
        lease::settling(py, || {
            room.fill(py, &part);
            drop(part);
        });
        Ok(len)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.context.try_lock() {
            Ok(context) => visit.call(&*context),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        let context = self.context_slot().take();
        drop(context);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.get() {
            SOCKETS.forget(socket);
        }
    }
}
