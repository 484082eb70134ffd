//! Contexts.

use std::ffi::c_int;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyTuple};
use zincmq::error::{SocketError, TermError};
use zincmq::options::OptionValue;
use zincmq::raw::errno::code;
use zincmq::{SocketType, raw};

use crate::arguments::number;
use crate::errors::error;
use crate::patience::without_end;
use crate::registry::{self, Registry};

const IO_THREADS: c_int = 1;

static CONTEXTS: Registry<Engine> = Registry::new();

/// The base of zmq.Context: what sockets share. `io_threads` threads do their
/// I/O; with `shadow`, the `underlying` of another, it is the same context.
#[pyclass(subclass, frozen, module = "zincmq._native")]
pub struct Context {
    engine: OnceLock<Arc<Engine>>,
    closed: AtomicBool,
    /// Something ended the wait for its end.
    interrupted: AtomicBool,
}

/// The engine's context. Dropping that would wait for what is still to be sent,
/// which at the end of a program nobody asked for: so it is left, unless it was
/// terminated.
struct Engine {
    context: ManuallyDrop<zincmq::Context>,
    terminated: AtomicBool,
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.terminated.load(Ordering::Acquire) {
            let context = &raw mut self.context;
            // SAFETY: it is dropped here only, and not used after.
            unsafe { ManuallyDrop::drop(&mut *context) };
        }
    }
}

impl Context {
    /// A new socket.
    pub fn socket(&self, py: Python<'_>, kind: c_int) -> PyResult<zincmq::Socket> {
        let engine = self.engine(py)?;
        let kind = u8::try_from(kind).ok().and_then(SocketType::from_number);
        let kind = kind.ok_or_else(|| error(py, libc::EINVAL))?;
        let made = engine.context.socket(kind);
        made.map_err(|wrong: SocketError| error(py, code(wrong)))
    }

    fn engine(&self, py: Python<'_>) -> PyResult<&Arc<Engine>> {
        match self.engine.get() {
            Some(engine) if !engine.terminated.load(Ordering::Acquire) => Ok(engine),
            _ => Err(error(py, libc::EFAULT)),
        }
    }

    fn open(&self, py: Python<'_>) -> PyResult<&Arc<Engine>> {
        match self.closed.load(Ordering::Acquire) {
            true => Err(PyRuntimeError::new_err("Context has been destroyed")),
            false => self.engine(py),
        }
    }
}

#[pymethods]
impl Context {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            engine: OnceLock::new(),
            closed: AtomicBool::new(true),
            interrupted: AtomicBool::new(false),
        }
    }

    #[pyo3(signature = (io_threads=1, shadow=0))]
    fn __init__(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = number)] io_threads: c_int,
        shadow: usize,
    ) -> PyResult<()> {
        let engine = match shadow {
            0 => {
                let context = zincmq::Context::new();
                raw::be_lenient(&context);
                context
                    .set_by_number(IO_THREADS, &OptionValue::Int(io_threads))
                    .map_err(|wrong| error(py, code(wrong)))?;
                Arc::new(Engine {
                    context: ManuallyDrop::new(context),
                    terminated: AtomicBool::new(false),
                })
            }
            number => CONTEXTS
                .find(number)
                .ok_or_else(|| error(py, libc::EFAULT))?,
        };
        if self.engine.set(engine).is_ok() {
            CONTEXTS.add(self.engine(py)?);
            self.closed.store(false, Ordering::Release);
        }
        Ok(())
    }

    /// The number by which a shadow of it can be made.
    #[getter]
    fn underlying(&self) -> usize {
        self.engine.get().map_or(0, registry::number)
    }

    /// Whether it was terminated.
    #[getter]
    fn closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Waits until all sockets are closed and have sent what their linger time
    /// allows; calls on those that are not fail with ContextTerminated. Once Ctrl-C
    /// or what else a signal handler raises has ended the wait, it is not waited
    /// for again: else the end of the object would do so, where nothing is seen of
    /// a second Ctrl-C.
    fn term(&self, py: Python<'_>) -> PyResult<()> {
        if self.closed.load(Ordering::Acquire) {
            return Ok(());
        }
        let Some(engine) = self.engine.get() else {
            return Ok(());
        };
        if !self.interrupted.load(Ordering::Acquire) {
            let ended = without_end(py, || match raw::term(&engine.context) {
                // What a parent process has is not this one's to end.
                Ok(()) | Err(TermError::Forked) => Ok(()),
                Err(wrong) => Err(code(wrong)),
            });
            self.interrupted.store(ended.is_err(), Ordering::Release);
            ended?;
            engine.terminated.store(true, Ordering::Release);
        }
        self.closed.store(true, Ordering::Release);
        Ok(())
    }

    /// Sets an option of the context to a number.
    fn set(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = number)] option: c_int,
        optval: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let engine = self.open(py)?;
        if !optval.is_instance_of::<PyInt>() {
            let shown = optval.repr()?;
            return Err(PyTypeError::new_err(format!("expected int, got: {shown}")));
        }
        let value: c_int = optval.extract()?;
        let value = match engine.context.option_by_number(option) {
            // The prefix of thread names can be a number.
            Ok(OptionValue::Text(_)) => OptionValue::Text(value.to_string()),
            _ => OptionValue::Int(value),
        };
        let set = engine.context.set_by_number(option, &value);
        set.map_err(|wrong| error(py, code(wrong)))
    }

    /// Reads an option of the context, a number.
    fn get(&self, py: Python<'_>, #[pyo3(from_py_with = number)] option: c_int) -> PyResult<c_int> {
        match self.open(py)?.context.option_by_number(option) {
            Ok(OptionValue::Int(value)) => Ok(value),
            Ok(OptionValue::Bool(value)) => Ok(c_int::from(value)),
            // A prefix of thread names that is no number.
            Ok(OptionValue::Text(text)) => Ok(text.parse().unwrap_or(0)),
            Ok(_) => Err(error(py, libc::EINVAL)),
            Err(wrong) => Err(error(py, code(wrong))),
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.get() {
            CONTEXTS.forget(engine);
        }
    }
}
