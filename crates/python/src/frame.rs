//! Frames: messages as Python objects, whose memory is not copied.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::OnceLock;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    IntoPyDict, PyBytes, PyDict, PyInt, PyMemoryView, PyString, PyTuple, PyType, PyWeakrefMethods,
    PyWeakrefReference,
};
use pyo3::{PyTraverseError, PyVisit, ffi};
use zincmq::raw::label::Label;
use zincmq::{Message, raw};

use crate::arguments::{truth, truth_or_none};
use crate::buffer::Memory;
use crate::errors::error;
use crate::{buffer, lease, pyzmq};

const MORE: i32 = 1;
const SOURCE_FD: i32 = 2;
const SHARED: i32 = 3;
/// The longest name of a group, bytes.
const LONGEST_GROUP: usize = 255;

/// The base of zmq.Frame: one part of a message. Made from data with copy=False
/// it shares the memory of data; one that was received has the memory that it
/// was received into.
#[pyclass(subclass, frozen, module = "zincmq._native")]
pub struct Frame {
    payload: OnceLock<Payload>,
    /// A short payload, once its memory was asked for: there it stays.
    pinned: OnceLock<Payload>,
    state: Mutex<State>,
}

struct Payload {
    message: Message,
    /// Where it may be written to: nobody else has it.
    writable: Option<Place>,
    /// The memory is a Python object's.
    lent: bool,
}

/// Memory of a message.
struct Place(*mut u8);

// SAFETY: it is given to Python only, which minds who writes to it.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

#[derive(Default)]
struct State {
    more: bool,
    label: Label,
    /// What the frame was made from.
    data: Option<Py<PyAny>>,
    tracker: Option<Py<PyAny>>,
    event: Option<Py<PyAny>>,
    /// A reference to the view of the memory.
    view: Option<Py<PyWeakrefReference>>,
    bytes: Option<Py<PyBytes>>,
}

impl Payload {
    /// One that nobody else has a share in, unless it is shared. What is lent by an
    /// object and came over inproc always counts as shared: it may not be one that changes.
    fn own(mut message: Message) -> Self {
        let is_inside = message.len() <= zincmq::INLINE_CAPACITY;
        let writable = match is_inside || raw::is_shared(&message) {
            true => None,
            false => Some(Place(raw::data(&mut message))),
        };
        Self {
            message,
            writable,
            lent: false,
        }
    }

    fn lent(message: Message) -> Self {
        Self {
            message,
            writable: None,
            lent: true,
        }
    }
}

impl Frame {
    /// zmq.Frame.
    pub fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        pyzmq::class(py, &CLASS, "zmq", "Frame")
    }

    /// A zmq.Frame of what was received.
    pub fn received(
        py: Python<'_>,
        message: Message,
        more: bool,
        label: Label,
        track: bool,
    ) -> PyResult<Bound<'_, PyAny>> {
        let class = Self::class(py)?;
        let object = match track {
            true => class.call((), Some(&[("track", true)].into_py_dict(py)?))?,
            false => class.call0()?,
        };
        let frame: &Bound<'_, Self> = object.cast()?;
        let this = frame.get();
        let _ = this.payload.set(Payload::own(message));
        let mut state = this.state();
        state.more = more;
        state.label = label;
        drop(state);
        Ok(object)
    }

    /// A label by what it is made of: 'routing_id' for a SERVER or PEER, 'group'
    /// for a RADIO.
    pub fn label_from(py: Python<'_>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<Label> {
        let invalid = || error(py, libc::EINVAL);
        let label = match name {
            "routing_id" => match value.extract::<u32>()? {
                0 => return Err(invalid()),
                routing_id => Label {
                    routing_id,
                    group: None,
                },
            },
            "group" => {
                let group = match value.cast::<PyBytes>() {
                    Ok(bytes) => bytes.as_bytes().to_vec(),
                    Err(_) => value.extract::<String>()?.into_bytes(),
                };
                if group.len() > LONGEST_GROUP {
                    return Err(invalid());
                }
                Label {
                    routing_id: 0,
                    group: Some(std::ffi::CString::new(group).map_err(|_| invalid())?),
                }
            }
            _ => return Err(invalid()),
        };
        Ok(label)
    }

    /// Another share of its message.
    pub fn share(&self) -> Message {
        self.message().cloned().unwrap_or_default()
    }

    /// Whom it is for.
    pub fn label(&self) -> Label {
        let state = self.state();
        Label {
            routing_id: state.label.routing_id,
            group: state.label.group.clone(),
        }
    }

    /// What tells when its memory is not in use any more, if asked for.
    pub fn tracker_of(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state().tracker.as_ref().map(|own| own.clone_ref(py))
    }

    fn current(&self) -> Option<&Payload> {
        self.pinned.get().or_else(|| self.payload.get())
    }

    fn message(&self) -> Option<&Message> {
        self.current().map(|payload| &payload.message)
    }

    /// The payload where it stays: one inside the message moves out once.
    fn pin(&self) -> Option<&Payload> {
        let payload = self.payload.get()?;
        if payload.lent || payload.message.len() > zincmq::INLINE_CAPACITY {
            return Some(payload);
        }
        Some(self.pinned.get_or_init(|| {
            let mut message = raw::message_owning(payload.message.to_vec());
            Payload {
                writable: Some(Place(raw::data(&mut message))),
                message,
                lent: false,
            }
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Frame {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            payload: OnceLock::new(),
            pinned: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    #[pyo3(signature = (data=None, track=false, copy=None, copy_threshold=None, **_kwargs))]
    fn __init__(
        &self,
        py: Python<'_>,
        data: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = truth)] track: bool,
        #[pyo3(from_py_with = truth_or_none)] copy: Option<bool>,
        copy_threshold: Option<usize>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let finished = match track {
            true => Some(pyzmq::finished_tracker(py)?.unbind()),
            false => None,
        };
        self.state().tracker = finished;
        let Some(data) = data else {
            return Ok(());
        };
        if data.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(
                "Str objects not allowed. Only: bytes, buffer interfaces.",
            ));
        }
        let buffer = Memory::of(data)?;
        let copy = match (copy, copy_threshold) {
            (Some(copy), _) => copy,
            (None, Some(threshold)) => buffer.len() < threshold,
            (None, None) => buffer.len() < pyzmq::copy_threshold(py)?,
        };
        let payload = match copy {
            true => Payload::own(buffer.copied(py)),
            false => {
                let event = match track {
                    true => Some(py.import("threading")?.call_method0("Event")?),
                    false => None,
                };
                if let Some(event) = &event {
                    let tracker = py.import("zmq")?.call_method1("MessageTracker", (event,))?;
                    let mut state = self.state();
                    state.tracker = Some(tracker.unbind());
                    state.event = Some(event.clone().unbind());
                }
                Payload::lent(lease::lend(py, buffer, event)?)
            }
        };
        let _ = self.payload.set(payload);
        self.state().data = Some(data.clone().unbind());
        Ok(())
    }

    /// Whether further parts of the same message follow it.
    #[getter]
    fn more(&self) -> bool {
        self.state().more
    }

    #[setter]
    fn set_more(&self, #[pyo3(from_py_with = truth)] more: bool) {
        self.state().more = more;
    }

    /// A zmq.MessageTracker if the frame was made with track=True, else None.
    #[getter]
    fn tracker(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.tracker_of(py)
    }

    #[setter]
    fn set_tracker(&self, tracker: Option<Py<PyAny>>) {
        let before = std::mem::replace(&mut self.state().tracker, tracker);
        drop(before);
    }

    /// What is set once the memory is not in use any more.
    #[getter]
    fn tracker_event(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state().event.as_ref().map(|event| event.clone_ref(py))
    }

    fn __len__(&self) -> usize {
        self.message().map_or(0, |message| message.len())
    }

    fn __copy__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::fast_copy(slf)
    }

    /// Another frame of the same memory.
    fn fast_copy<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let copy = slf.get_type().call0()?;
        let new = copy.cast::<Self>()?.get();
        let old = slf.get();
        if let Some(payload) = old.current() {
            let _ = new.payload.set(Payload {
                message: payload.message.clone(),
                // As pyzmq has it: both see what is written.
                writable: payload.writable.as_ref().map(|place| Place(place.0)),
                lent: payload.lent,
            });
        }
        let label = old.label();
        let from = old.state();
        let mut to = new.state();
        let share = |object: &Option<Py<PyAny>>| object.as_ref().map(|object| object.clone_ref(py));
        to.more = from.more;
        to.label = label;
        to.data = share(&from.data);
        to.tracker = share(&from.tracker);
        to.event = share(&from.event);
        to.bytes = from.bytes.as_ref().map(|bytes| bytes.clone_ref(py));
        drop((from, to));
        Ok(copy)
    }

    /// A view of the memory.
    #[getter]
    fn buffer<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let known = slf
            .get()
            .state()
            .view
            .as_ref()
            .map(|view| view.clone_ref(py));
        if let Some(view) = known.and_then(|view| view.bind(py).upgrade()) {
            return Ok(view);
        }
        let view = PyMemoryView::from(slf.as_any())?.into_any();
        let weak = PyWeakrefReference::new(&view)?.unbind();
        let before = slf.get().state().view.replace(weak);
        drop(before);
        Ok(view)
    }

    /// A copy of the payload, made when first asked for.
    #[getter]
    fn bytes(&self, py: Python<'_>) -> Py<PyBytes> {
        if let Some(bytes) = &self.state().bytes {
            return bytes.clone_ref(py);
        }
        let bytes = match self.message() {
            Some(message) => buffer::to_bytes(py, message),
            None => PyBytes::new(py, b""),
        };
        let bytes = bytes.unbind();
        self.state().bytes = Some(bytes.clone_ref(py));
        bytes
    }

    /// A property: MORE, SRCFD or SHARED by number, 'routing_id', 'group', or
    /// what is known of the connection it came over, such as 'Peer-Address',
    /// 'Socket-Type', 'User-Id' and the peer's own metadata.
    fn get<'py>(&self, py: Python<'py>, option: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let invalid = || error(py, libc::EINVAL);
        if option.is_instance_of::<PyInt>() {
            let number = match option.extract::<i32>()? {
                MORE => i32::from(self.more()),
                SHARED => i32::from(self.message().is_some_and(raw::is_shared)),
                SOURCE_FD => {
                    let peer = self.message().and_then(Message::peer);
                    peer.and_then(raw::descriptor).ok_or_else(invalid)?
                }
                _ => return Err(invalid()),
            };
            return Ok(number.into_pyobject(py)?.into_any());
        }
        let name = match option.cast::<PyBytes>() {
            Ok(bytes) => String::from_utf8_lossy(bytes.as_bytes()).into_owned(),
            Err(_) => match option.extract::<String>() {
                Ok(name) => name,
                Err(_) => {
                    let shown = option.repr()?;
                    return Err(PyTypeError::new_err(format!("expected str, got: {shown}")));
                }
            },
        };
        let text = match name.as_str() {
            "routing_id" => {
                let routing_id = self.state().label.routing_id;
                return Ok(routing_id.into_pyobject(py)?.into_any());
            }
            "group" => {
                let state = self.state();
                let group = state.label.group.as_deref().unwrap_or_default();
                group.to_string_lossy().into_owned()
            }
            name => {
                let peer = self.message().and_then(Message::peer).ok_or_else(invalid)?;
                let text = raw::property(peer, name).ok_or_else(invalid)?;
                text.to_string_lossy().into_owned()
            }
        };
        Ok(text.into_pyobject(py)?.into_any())
    }

    /// Sets whom it is for: 'routing_id' for a SERVER or PEER, 'group' for a
    /// RADIO.
    fn set(
        &self,
        py: Python<'_>,
        option: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let name = option.extract::<String>().unwrap_or_default();
        self.state().label = Self::label_from(py, &name, value)?;
        Ok(())
    }

    /// # Safety
    ///
    /// Python's promise: `view` is to be filled.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let (place, len, readonly): (*mut c_void, _, _) = match slf.get().pin() {
            Some(payload) => match &payload.writable {
                Some(place) => (place.0.cast(), payload.message.len(), 0),
                None => {
                    let place = payload.message.as_ptr().cast_mut();
                    (place.cast(), payload.message.len(), 1)
                }
            },
            None => (ptr::dangling_mut::<u8>().cast(), 0, 1),
        };
        let len = ffi::Py_ssize_t::try_from(len)?;
        // SAFETY: there are so many bytes, which stay where they are for as long
        // as the frame, which the view holds; `view` is Python's to fill.
        let filled =
            unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), place, len, readonly, flags) };
        match filled {
            0 => Ok(()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Ok(state) = self.state.try_lock() else {
            return Ok(());
        };
        visit.call(&state.data)?;
        visit.call(&state.tracker)?;
        visit.call(&state.event)
    }

    fn __clear__(&self) {
        let state = std::mem::take(&mut *self.state());
        drop(state);
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let lent = |payload: &Payload| payload.lent;
        if !self.payload.get().is_some_and(lent) {
            return;
        }
        let payload = self.payload.take();
        // Objects are dropped with the GIL held.
        Python::attach(|py| lease::settling(py, || drop(payload)));
    }
}
