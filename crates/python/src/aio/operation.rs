//! What a call is there to do, and one try at it.

use std::ffi::c_int;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use zincmq::raw::errno::Outcome;
use zincmq::raw::events;
use zincmq::raw::exchange::{self, Wait};
use zincmq::raw::label::{self, Label, Labelled};
use zincmq::raw::{Listener, PartSocket};
use zincmq::{Message, Multipart};

use crate::buffer::{self, Room};
use crate::frame::Frame;
use crate::lease;
use crate::transfer::LONG;

/// What is to be done.
pub enum Operation {
    Send(Sending),
    Recv(Receiving),
    /// Wait for one of these events.
    Poll(i16),
}

/// A message or a part to send.
pub struct Sending {
    pub parts: Outgoing,
    /// Further parts follow.
    pub more: bool,
    /// What the caller is given once it is handed over.
    pub tracker: Option<Py<PyAny>>,
}

pub enum Outgoing {
    Part(Message, Label),
    Whole(Vec<Message>),
}

/// What to receive, and as what.
pub struct Receiving {
    pub whole: bool,
    pub copy: bool,
    pub track: bool,
    /// Memory to receive into.
    pub room: Option<Room>,
}

/// What was received.
pub struct Received {
    socket: Arc<PartSocket>,
    payload: Payload,
    number: u64,
    how: Receiving,
}

enum Payload {
    Part(Message, bool, Label),
    Whole(Multipart),
}

/// What a try came to.
pub enum Tried {
    /// It has to wait.
    NotNow(Operation),
    /// It was sent.
    Sent(Option<Py<PyAny>>),
    Received(Received),
    /// These events are there.
    Events(i16),
    /// With an errno.
    Failed(c_int),
}

impl Operation {
    /// Tries it, without waiting.
    #[inline]
    pub fn attempt(self, py: Python<'_>, socket: &Arc<PartSocket>) -> Tried {
        match self {
            Self::Send(sending) => sending.attempt(py, socket),
            Self::Recv(receiving) => receiving.attempt(py, socket),
            Self::Poll(asked) => match Listener::ready(socket, events::readiness(asked)) {
                Ok(ready) if ready.is_empty() => Tried::NotNow(self),
                Ok(ready) => Tried::Events(events::numbers(ready)),
                Err(code) => Tried::Failed(code),
            },
        }
    }
}

/// Calls `work` on `len` bytes, with the GIL unless that takes long.
#[inline]
fn promptly<T: Send>(
    py: Python<'_>,
    socket: &PartSocket,
    len: usize,
    work: impl FnOnce() -> T + Send,
) -> T {
    match len < LONG && socket.turns.takes_at_once() {
        true => work(),
        false => py.detach(work),
    }
}

impl Sending {
    #[inline]
    fn attempt(self, py: Python<'_>, socket: &PartSocket) -> Tried {
        let Self {
            parts,
            more,
            tracker,
        } = self;
        let len = match &parts {
            Outgoing::Part(part, _) => part.len(),
            Outgoing::Whole(parts) => parts.iter().map(|part| part.len()).sum(),
        };
        let work = || promptly(py, socket, len, || hand_over(socket, parts, more));
        match lease::settling(py, work) {
            Ok(()) => Tried::Sent(tracker),
            Err((libc::EAGAIN, parts)) => Tried::NotNow(Operation::Send(Self {
                parts,
                more,
                tracker,
            })),
            Err((code, parts)) => {
                lease::settling(py, || drop(parts));
                Tried::Failed(code)
            }
        }
    }
}

#[inline]
fn hand_over(socket: &PartSocket, parts: Outgoing, more: bool) -> Result<(), (c_int, Outgoing)> {
    const WAIT: Wait = Wait::Listening;
    match (label::of_type(socket.engine.socket_type()), parts) {
        (Labelled::Not, Outgoing::Part(part, label)) => {
            exchange::send_part(socket, part, more, WAIT)
                .map_err(|(code, part)| (code, Outgoing::Part(part, label)))
        }
        (Labelled::Not, Outgoing::Whole(parts)) => {
            exchange::send_whole_parts(socket, parts, more, WAIT)
                .map_err(|(code, parts)| (code, Outgoing::Whole(parts)))
        }
        (labelled, Outgoing::Part(part, label)) => {
            exchange::send_labelled(socket, (labelled, &label), part, more, WAIT)
                .map_err(|(code, part)| (code, Outgoing::Part(part, label)))
        }
        (labelled, Outgoing::Whole(mut parts)) => {
            let (last, label) = (parts.pop().unwrap_or_default(), Label::default());
            let more = more || !parts.is_empty();
            exchange::send_labelled(socket, (labelled, &label), last, more, WAIT).map_err(
                |(code, part)| {
                    parts.push(part);
                    (code, Outgoing::Whole(parts))
                },
            )
        }
    }
}

impl Receiving {
    #[inline]
    fn attempt(self, py: Python<'_>, socket: &Arc<PartSocket>) -> Tried {
        let number = socket.turns.number();
        let whole = self.whole;
        match promptly(py, socket, 0, || take(socket, whole)) {
            Ok(payload) => {
                if let (Some(room), Payload::Part(part, ..)) = (&self.room, &payload) {
                    room.fill(py, part);
                }
                Tried::Received(Received {
                    socket: Arc::clone(socket),
                    payload,
                    number,
                    how: self,
                })
            }
            Err(libc::EAGAIN) => Tried::NotNow(Operation::Recv(self)),
            Err(code) => Tried::Failed(code),
        }
    }
}

#[inline]
fn take(socket: &PartSocket, whole: bool) -> Outcome<Payload> {
    const WAIT: Wait = Wait::Listening;
    match label::of_type(socket.engine.socket_type()) {
        Labelled::Not if whole => exchange::recv_whole(socket, WAIT).map(Payload::Whole),
        Labelled::Not => {
            let (part, more) = exchange::recv_part(socket, WAIT)?;
            Ok(Payload::Part(part, more, Label::default()))
        }
        labelled => {
            let (label, part) = exchange::recv_labelled(socket, labelled, WAIT)?;
            Ok(Payload::Part(part, false, label))
        }
    }
}

impl Received {
    /// How many bytes.
    #[inline]
    pub fn size(&self) -> usize {
        match &self.payload {
            Payload::Part(part, ..) => part.len(),
            Payload::Whole(message) => message.size(),
        }
    }

    /// As what the caller gets.
    #[inline]
    pub fn into_object<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Receiving {
            copy,
            track,
            whole,
            room,
        } = self.how;
        match self.payload {
            Payload::Part(part, ..) if room.is_some() => {
                let len = part.len();
                lease::settling(py, || drop(part));
                Ok(len.into_pyobject(py)?.into_any())
            }
            Payload::Part(part, more, label) => {
                let part = object(py, part, more, label, copy, track)?;
                match whole {
                    true => Ok(PyList::new(py, [part])?.into_any()),
                    false => Ok(part),
                }
            }
            Payload::Whole(message) => {
                let list = PyList::empty(py);
                let mut parts = message.into_iter().peekable();
                while let Some(part) = parts.next() {
                    let more = parts.peek().is_some();
                    list.append(object(py, part, more, Label::default(), copy, track)?)?;
                }
                Ok(list.into_any())
            }
        }
    }

    /// Gives it back to the socket, as if it had not been received.
    pub fn give_back(self) {
        let socket = &self.socket;
        let (message, more) = match self.payload {
            Payload::Whole(message) => (message, false),
            Payload::Part(part, more, label) => match label::of_type(socket.engine.socket_type()) {
                Labelled::Not => (Multipart::from(part), more),
                labelled => {
                    let mut message = Multipart::from(labelled.write(&label));
                    message.push(part);
                    (message, false)
                }
            },
        };
        socket.turns.give_back(self.number, message, more);
        Listener::wake_all(&socket.engine);
    }
}

#[inline]
fn object<'py>(
    py: Python<'py>,
    part: Message,
    more: bool,
    label: Label,
    copy: bool,
    track: bool,
) -> PyResult<Bound<'py, PyAny>> {
    if copy {
        let bytes: Bound<'py, PyBytes> = lease::settling(py, || buffer::to_bytes(py, &{ part }));
        return Ok(bytes.into_any());
    }
    Frame::received(py, part, more, label, track)
}
