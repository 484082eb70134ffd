//! Payloads from Python's memory and back into it.

use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zincmq::Message;

/// Copies of fewer bytes are not counted, since counting would cost as much.
const COUNTED: usize = 64 * 1024;

static IN: Counter = Counter::new();
static OUT: Counter = Counter::new();

/// How often long payloads were copied, and how many bytes of them.
struct Counter {
    copies: AtomicU64,
    bytes: AtomicU64,
}

impl Counter {
    const fn new() -> Self {
        Self {
            copies: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    fn add(&self, len: usize) {
        if len >= COUNTED {
            self.copies.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(len as u64, Ordering::Relaxed);
        }
    }

    fn read(&self) -> (u64, u64) {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        (read(&self.copies), read(&self.bytes))
    }
}

/// Copies of long payloads so far, into messages and out of them.
pub fn copies() -> ((u64, u64), (u64, u64)) {
    (IN.read(), OUT.read())
}

/// A message with a copy of what `object` has in memory.
pub fn copied(object: &Bound<'_, PyAny>) -> PyResult<Message> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(copy(bytes.as_bytes()));
    }
    let buffer = contiguous(object)?;
    // SAFETY: the buffer is held, and so is the GIL, for as long as the copy
    // takes.
    Ok(copy(unsafe { bytes_of(&buffer) }))
}

/// A message with a copy of them.
#[inline]
pub fn of_bytes(bytes: &Bound<'_, PyBytes>) -> Message {
    copy(bytes.as_bytes())
}

fn copy(payload: &[u8]) -> Message {
    IN.add(payload.len());
    Message::from(payload)
}

/// The payload as `bytes`.
pub fn to_bytes<'py>(py: Python<'py>, message: &Message) -> Bound<'py, PyBytes> {
    OUT.add(message.len());
    PyBytes::new(py, message)
}

/// The memory of `object`, in one piece.
///
/// # Errors
///
/// TypeError for what has none, BufferError for what is in several pieces.
pub fn contiguous(object: &Bound<'_, PyAny>) -> PyResult<PyUntypedBuffer> {
    let buffer = PyUntypedBuffer::get(object)?;
    match buffer.is_c_contiguous() || buffer.is_fortran_contiguous() {
        true => Ok(buffer),
        false => Err(PyBufferError::new_err(
            "the underlying buffer is not contiguous",
        )),
    }
}

/// What is in a buffer that is in one piece.
///
/// # Safety
///
/// For as long as the result is used the buffer is held, and nobody writes to
/// it, or whoever does expects to see any of what was there sent.
pub unsafe fn bytes_of<'a>(buffer: &PyUntypedBuffer) -> &'a [u8] {
    let (place, len) = (buffer.buf_ptr(), buffer.len_bytes());
    if place.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: a buffer that is held has so many bytes there, in one piece.
    unsafe { std::slice::from_raw_parts(place.cast(), len) }
}

/// Memory to receive into.
pub struct Room {
    buffer: PyUntypedBuffer,
    len: usize,
}

impl Room {
    /// The first `len` bytes of `object`; of 0 all.
    ///
    /// # Errors
    ///
    /// BufferError for what cannot be written to or is in several pieces,
    /// ValueError if it has less.
    pub fn new(object: &Bound<'_, PyAny>, len: isize) -> PyResult<Self> {
        let wanted = usize::try_from(len)
            .map_err(|_| PyValueError::new_err(format!("nbytes={len} must be non-negative")))?;
        let buffer = contiguous(object)?;
        if buffer.readonly() {
            return Err(PyBufferError::new_err("Cannot recv_into readonly buffer"));
        }
        let whole = buffer.len_bytes();
        if wanted > whole {
            return Err(PyValueError::new_err(format!(
                "nbytes={len} too big for memoryview of {whole}B"
            )));
        }
        let len = if wanted == 0 { whole } else { wanted };
        Ok(Self { buffer, len })
    }

    /// Copies into it what there is room for.
    pub fn fill(&self, _: Python<'_>, message: &Message) {
        let (payload, len) = (message.as_ptr(), self.len.min(message.len()));
        if len == 0 {
            return;
        }
        OUT.add(len);
        // SAFETY: the buffer is held, may be written to, and has as many bytes
        // in one piece, as `new` saw to. The GIL is held, so that nobody else
        // is at it. It may be what the message lies in, sent without a copy
        // over inproc: so the two may overlap, and there is no reference to either.
        unsafe { std::ptr::copy(payload, self.buffer.buf_ptr().cast(), len) };
    }
}
