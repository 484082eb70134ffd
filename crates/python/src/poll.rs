//! Waiting for several sockets and descriptors at once (zmq_poll(3)).

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList, PyTuple};
use zincmq::Readiness;
use zincmq::raw::PartSocket;
use zincmq::raw::errno::Outcome;
use zincmq::raw::events::{self, Target};

use crate::arguments::number;
use crate::errors::error;
use crate::patience::{limit, patiently};
use crate::socket::Socket;

/// Waits until one of the items is ready, for at most timeout milliseconds
/// unless that is negative. Each item is a pair of what to look at (a socket, a
/// descriptor, or what has a fileno()) and the events to look for; those that
/// are ready are returned, as a list of pairs of a socket or the number of a
/// descriptor and its events.
#[pyfunction]
#[pyo3(signature = (sockets, timeout=-1), text_signature = "(sockets, timeout=-1)")]
pub fn zmq_poll<'py>(
    py: Python<'py>,
    sockets: &Bound<'py, PyAny>,
    #[pyo3(from_py_with = number)] timeout: i32,
) -> PyResult<Bound<'py, PyList>> {
    let mut objects = Vec::new();
    let mut items = Vec::new();
    for pair in sockets.try_iter()? {
        let pair = pair?;
        let pair: Vec<_> = pair.try_iter()?.collect::<PyResult<_>>()?;
        let [object, events] = <[_; 2]>::try_from(pair).map_err(|pair| {
            let text = format!("expected 2 values to unpack, got {}", pair.len());
            PyValueError::new_err(text)
        })?;
        let item = Item::new(py, &object, number(&events)?)?;
        objects.push(match &item.target {
            Polled::Socket(_) => object,
            Polled::Descriptor(fd) => fd.into_pyobject(py)?.into_any(),
        });
        items.push(item);
    }
    let found = PyList::empty(py);
    if items.is_empty() {
        return Ok(found);
    }
    let whole = limit(timeout);
    if whole == Some(Duration::ZERO) {
        look(&mut items, whole).map_err(|code| error(py, code))?;
    } else {
        let items = &mut items;
        patiently(py, || whole, move |left| look(items, left.unwrap_or(whole)))?;
    }
    for (object, item) in objects.into_iter().zip(&items) {
        if item.found > 0 {
            let pair = (object, item.found);
            found.append(PyTuple::new(
                py,
                [pair.0, pair.1.into_pyobject(py)?.into_any()],
            )?)?;
        }
    }
    Ok(found)
}

/// Something to look at, and what was seen.
struct Item {
    target: Polled,
    asked: Readiness,
    found: i16,
}

enum Polled {
    Socket(Arc<PartSocket>),
    Descriptor(i32),
}

impl Item {
    fn new(py: Python<'_>, object: &Bound<'_, PyAny>, events: i32) -> PyResult<Self> {
        let target = if let Ok(socket) = object.cast::<Socket>() {
            Polled::Socket(socket.get().open(py)?)
        } else if object.is_instance_of::<PyInt>() {
            Polled::Descriptor(object.extract()?)
        } else if object.hasattr("fileno")? {
            let fd = object.call_method0("fileno").and_then(|fd| fd.extract());
            Polled::Descriptor(
                fd.map_err(|_| PyValueError::new_err("fileno() must return a valid integer fd"))?,
            )
        } else {
            return Err(PyTypeError::new_err(format!(
                "Socket must be a 0MQ socket, an integer fd or have a fileno() method: {}",
                object.repr()?
            )));
        };
        Ok(Self {
            target,
            // Of these only the lower bits are in use.
            asked: events::readiness(events as i16),
            found: 0,
        })
    }

    fn target(&self) -> Option<Target<'_>> {
        match &self.target {
            Polled::Socket(socket) => Some(Target::Socket(socket)),
            // Nothing is ever told of what can be no descriptor.
            Polled::Descriptor(fd) if *fd < 0 => None,
            Polled::Descriptor(fd) => {
                // SAFETY: it is not negative and only polled; should it not be
                // open, the system says so.
                let fd = unsafe { BorrowedFd::borrow_raw(*fd) };
                Some(Target::Descriptor(fd))
            }
        }
    }
}

fn look(items: &mut [Item], limit: Option<Duration>) -> Outcome<usize> {
    let mut found = vec![0; items.len()];
    let targets = items.iter().enumerate();
    let targets = targets.filter_map(|(place, item)| Some((place, item.target()?, item.asked)));
    // Without a limit nothing but a signal ends a wait for nothing.
    let limit = limit.unwrap_or(Duration::MAX);
    let count = events::wait_for(targets, limit, None, |place, ready| {
        found[place] = events::numbers(ready);
    })?;
    for (item, found) in items.iter_mut().zip(found) {
        item.found = found;
    }
    Ok(count)
}
