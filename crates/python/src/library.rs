//! What the library is and can do, and keys of CURVE.

use std::ffi::c_int;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyString};
use zincmq::raw;
use zincmq::security::{KeyPair, SecretKey};

use crate::buffer;
use crate::errors::{self, error, error_with};

/// The longest path of an ipc endpoint, bytes.
pub const IPC_PATH_MAX_LEN: usize = {
    let place = std::mem::offset_of!(libc::sockaddr_un, sun_path);
    size_of::<libc::sockaddr_un>() - place - 1
};

/// The number of the calling thread's last error.
#[pyfunction]
pub fn zmq_errno() -> c_int {
    errors::last()
}

/// The text for the number of an error.
#[pyfunction]
pub fn strerror(py: Python<'_>, errno: c_int) -> PyResult<String> {
    errors::text(py, errno)
}

/// The release of libzmq whose behaviour the library has: (4, 3, 5).
#[pyfunction]
pub fn zmq_version_info() -> (i32, i32, i32) {
    raw::VERSION
}

/// Whether the library can do something, such as 'ipc', 'curve' or 'draft'.
/// 'zincmq' tells which library it is.
#[pyfunction]
pub fn has(capability: &Bound<'_, PyAny>) -> PyResult<bool> {
    if let Ok(bytes) = capability.cast::<PyBytes>() {
        return Ok(raw::has(bytes.as_bytes()));
    }
    Ok(raw::has(capability.extract::<String>()?.as_bytes()))
}

/// A new pair of keys, (public, secret), each as 40 bytes of Z85.
#[pyfunction]
pub fn curve_keypair(py: Python<'_>) -> PyResult<(Bound<'_, PyBytes>, Bound<'_, PyBytes>)> {
    let keys = KeyPair::generate()
        .map_err(|wrong| error_with(py, libc::EIO, &format!("no randomness: {wrong}")))?;
    Ok((
        PyBytes::new(py, keys.public().to_string().as_bytes()),
        PyBytes::new(py, keys.secret().to_z85().as_bytes()),
    ))
}

/// The public key that goes with a secret one, both as 40 bytes of Z85.
#[pyfunction]
pub fn curve_public<'py>(
    py: Python<'py>,
    secret_key: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let secret_key = match secret_key.cast::<PyString>() {
        Ok(text) => text.encode_utf8()?.into_any(),
        Err(_) => secret_key.clone(),
    };
    if secret_key.len()? != 40 {
        return Err(PyValueError::new_err(
            "secret key must be a 40 byte z85 encoded string",
        ));
    }
    let bytes: Vec<u8> = match secret_key.cast::<PyByteArray>() {
        Ok(bytes) => bytes.to_vec(),
        Err(_) => secret_key.cast::<PyBytes>()?.as_bytes().to_vec(),
    };
    let text = String::from_utf8(bytes).ok();
    let secret: Option<SecretKey> = text.and_then(|text| text.parse().ok());
    let secret = secret.ok_or_else(|| error(py, libc::EINVAL))?;
    Ok(PyBytes::new(py, secret.public_key().to_string().as_bytes()))
}

/// How many payloads, and bytes of them, were copied so far between Python's
/// memory and messages, in this process: (into messages, out of messages), each
/// a count and a number of bytes.
#[pyfunction]
pub fn payload_copies() -> ((u64, u64), (u64, u64)) {
    buffer::copies()
}
