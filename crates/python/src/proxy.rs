//! Proxies (zmq_proxy(3), zmq_proxy_steerable(3)).

use pyo3::prelude::*;
use zincmq::raw::errno::code;
use zincmq::{Proxy, raw};

use crate::patience::without_end;
use crate::socket::Socket;

/// Passes on what frontend receives to backend and the other way round, and a
/// copy of both to capture, until the context of one of them is terminated.
#[pyfunction]
#[pyo3(signature = (frontend, backend, capture=None))]
pub fn proxy(
    py: Python<'_>,
    frontend: &Bound<'_, Socket>,
    backend: &Bound<'_, Socket>,
    capture: Option<&Bound<'_, PyAny>>,
) -> PyResult<i32> {
    proxy_steerable(py, frontend, backend, capture, None)
}

/// As proxy, and does what messages to control say: PAUSE, RESUME, STATISTICS,
/// and TERMINATE, after which it returns 0.
#[pyfunction]
#[pyo3(signature = (frontend, backend, capture=None, control=None))]
pub fn proxy_steerable(
    py: Python<'_>,
    frontend: &Bound<'_, Socket>,
    backend: &Bound<'_, Socket>,
    capture: Option<&Bound<'_, PyAny>>,
    control: Option<&Bound<'_, PyAny>>,
) -> PyResult<i32> {
    // What is no socket is as if it were not given.
    let optional = |side: Option<&Bound<'_, PyAny>>| {
        let side = side.and_then(|side| side.cast::<Socket>().ok());
        side.map(|side| side.get().open(py)).transpose()
    };
    let (front, back) = (frontend.get().open(py)?, backend.get().open(py)?);
    let (capture, control) = (optional(capture)?, optional(control)?);
    let mut proxy = Proxy::new(&front.engine, &back.engine);
    if let Some(capture) = &capture {
        proxy = proxy.capture(&capture.engine);
    }
    if let Some(control) = &control {
        proxy = proxy.control(&control.engine);
    }
    without_end(py, || raw::run(&proxy).map_err(code))?;
    Ok(0)
}
