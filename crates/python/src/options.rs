//! Values of options, from and to Python.

use std::os::fd::{FromRawFd, OwnedFd};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString};
use zincmq::options::{Kind, OptionError, OptionValue, row_by_number};
use zincmq::raw::PartSocket;
use zincmq::raw::errno::{Outcome, code};
use zincmq::security::z85;
use zincmq::{ListeningFd, Socket};

use crate::errors::error;

const FD: i32 = 14;
const LINGER: i32 = 17;

/// Sets a socket's option (zmq_setsockopt(3)).
pub fn set(py: Python<'_>, socket: &Socket, option: i32, value: &Bound<'_, PyAny>) -> PyResult<()> {
    if value.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err(
            "unicode not allowed, use setsockopt_string",
        ));
    }
    let Some(row) = row_by_number(option) else {
        // Wrong types and numbers that are none of C's are told of first.
        integer(value)?.extract::<i32>()?;
        return Err(error(py, libc::EINVAL));
    };
    let value = match row.kind {
        Kind::Switch | Kind::Loose | Kind::Truth | Kind::Int { .. } | Kind::Id => {
            OptionValue::Int(integer(value)?.extract()?)
        }
        Kind::I64 { .. } => OptionValue::I64(integer(value)?.extract()?),
        // All its bits, as pyzmq has them.
        Kind::U64 => OptionValue::U64(integer(value)?.extract::<i64>()?.cast_unsigned()),
        Kind::Fd => descriptor(integer(value)?.extract()?),
        _ => {
            let Ok(value) = value.cast::<PyBytes>() else {
                return Err(expected("bytes", value));
            };
            OptionValue::from_c_bytes(row, value.as_bytes())
                .map_err(|wrong| error(py, code(wrong)))?
        }
    };
    match socket.set_by_number(option, value) {
        // Of what a parent process has nothing lingers here; pyzmq's
        // Context.destroy sets it all the same.
        Err(OptionError::Forked) if option == LINGER => Ok(()),
        set => set.map_err(|wrong| error(py, code(wrong))),
    }
}

/// A descriptor that is handed over.
fn descriptor(fd: i32) -> OptionValue {
    if fd < 0 {
        return OptionValue::Int(fd);
    }
    // SAFETY: with the option the program hands the descriptor over; should it
    // be none, nothing but calls on it fails.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    OptionValue::Fd(ListeningFd::kept_open_until_bound(fd))
}

fn integer<'a, 'py>(value: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyInt>> {
    value.cast().map_err(|_| expected("int", value))
}

fn expected(what: &str, value: &Bound<'_, PyAny>) -> PyErr {
    match value.repr() {
        Ok(shown) => PyTypeError::new_err(format!("expected {what}, got: {shown}")),
        Err(error) => error,
    }
}

/// Reads a socket's option (zmq_getsockopt(3)). All types have a descriptor;
/// keys come as Z85.
pub fn get<'py>(py: Python<'py>, socket: &PartSocket, option: i32) -> PyResult<Bound<'py, PyAny>> {
    let value = read(socket, option).map_err(|code| error(py, code))?;
    let is_key = row_by_number(option).is_some_and(|row| matches!(row.kind, Kind::Key));
    Ok(match value {
        OptionValue::Int(value) => value.into_pyobject(py)?.into_any(),
        OptionValue::Bool(value) => i32::from(value).into_pyobject(py)?.into_any(),
        OptionValue::I64(value) => value.into_pyobject(py)?.into_any(),
        // As it is set.
        OptionValue::U64(value) => value.cast_signed().into_pyobject(py)?.into_any(),
        OptionValue::Fd(value) => value.number().into_pyobject(py)?.into_any(),
        OptionValue::Bytes(key) if is_key => match z85::encode(&key) {
            Ok(text) => PyBytes::new(py, text.as_bytes()).into_any(),
            Err(_) => return Err(error(py, libc::EINVAL)),
        },
        OptionValue::Bytes(value) => PyBytes::new(py, &value).into_any(),
        OptionValue::Text(value) => PyBytes::new(py, value.as_bytes()).into_any(),
        _ => return Err(error(py, libc::EINVAL)),
    })
}

fn read(socket: &PartSocket, option: i32) -> Outcome<OptionValue> {
    use std::os::fd::AsRawFd;
    match option {
        FD => {
            let fd = socket.engine.readiness_fd().map_err(code)?;
            Ok(OptionValue::Int(fd.as_raw_fd()))
        }
        _ => socket.option(option),
    }
}
