//! Payloads from Python's memory and back into it.

use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi;
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

/// The memory of a Python object, held.
pub struct Memory(Box<ffi::Py_buffer>);

// SAFETY: what it points to is Python's, which lets any thread read it; it is
// given back with the GIL held.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// The memory of `object`, in one piece. Whatever its type and shape are.
    ///
    /// # Errors
    ///
    /// TypeError for what has none; what the object says, BufferError as a rule,
    /// if it is in several pieces.
    pub fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::with(object, ffi::PyBUF_ANY_CONTIGUOUS)
    }

    fn with(object: &Bound<'_, PyAny>, flags: c_int) -> PyResult<Self> {
        let mut view = Box::new(ffi::Py_buffer::new());
        // SAFETY: the object is one, and the view there to be filled.
        match unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *view, flags) } {
            0 => Ok(Self(view)),
            _ => Err(PyErr::fetch(object.py())),
        }
    }

    /// Bytes of it.
    pub fn len(&self) -> usize {
        match self.0.buf.is_null() {
            true => 0,
            false => usize::try_from(self.0.len).unwrap_or(0),
        }
    }

    /// A message with a copy of what is there now.
    pub fn copied(&self, _: Python<'_>) -> Message {
        // SAFETY: the GIL is held for as long as the copy takes.
        copy(unsafe { self.bytes() })
    }

    /// What is there, if it is in one piece.
    ///
    /// # Safety
    ///
    /// For as long as the result is used this is held, and nobody writes to the
    /// memory, or whoever does expects to see any of what was there sent.
    pub unsafe fn bytes<'a>(&self) -> &'a [u8] {
        match self.len() {
            0 => &[],
            // SAFETY: memory that is held has so many bytes, in one piece.
            len => unsafe { std::slice::from_raw_parts(self.0.buf.cast(), len) },
        }
    }

    fn is_in_one_piece(&self) -> bool {
        // SAFETY: the view is one that Python filled.
        1 == unsafe { ffi::PyBuffer_IsContiguous(&raw const *self.0, b'A' as c_char) }
    }

    /// Whether there are references to objects, or what is made of such.
    fn has_objects(&self) -> bool {
        if self.0.format.is_null() {
            return false;
        }
        // SAFETY: a format that is there is a string, and stays as long as this.
        let format = unsafe { CStr::from_ptr(self.0.format) };
        let mut is_name = false;
        format.to_bytes().iter().any(|&byte| {
            is_name ^= byte == b':';
            byte == b'O' && !is_name
        })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // At the end of the interpreter it is gone already.
        let _ = Python::try_attach(|_| {
            // SAFETY: it was filled, and is released once.
            unsafe { ffi::PyBuffer_Release(&raw mut *self.0) };
        });
    }
}

/// Memory to receive into.
pub struct Room {
    memory: Memory,
    len: usize,
}

impl Room {
    /// The first `len` bytes of `object`; of 0 all.
    ///
    /// # Errors
    ///
    /// BufferError for what cannot be written to, is in several pieces, or has
    /// objects in it; ValueError if it has less.
    pub fn new(object: &Bound<'_, PyAny>, len: isize) -> PyResult<Self> {
        let wanted = usize::try_from(len)
            .map_err(|_| PyValueError::new_err(format!("nbytes={len} must be non-negative")))?;
        let memory = Memory::with(object, ffi::PyBUF_FULL_RO)?;
        let refused = match () {
            () if memory.0.readonly != 0 => Some("Cannot recv_into readonly buffer"),
            () if !memory.is_in_one_piece() => Some("the underlying buffer is not contiguous"),
            () if memory.has_objects() => Some("Cannot recv_into a buffer of Python objects"),
            () => None,
        };
        if let Some(refused) = refused {
            return Err(PyBufferError::new_err(refused));
        }
        let whole = memory.len();
        if wanted > whole {
            return Err(PyValueError::new_err(format!(
                "nbytes={len} too big for memoryview of {whole}B"
            )));
        }
        let len = if wanted == 0 { whole } else { wanted };
        Ok(Self { memory, len })
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
        unsafe { std::ptr::copy(payload, self.memory.0.buf.cast(), len) };
    }
}
