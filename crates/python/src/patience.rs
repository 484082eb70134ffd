//! Waiting as Python programs expect it: other threads run meanwhile, and what
//! a signal handler raises ends the wait (PEP 475).

use std::ffi::c_int;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use zincmq::raw::errno::Outcome;

use crate::errors::error;

/// Calls `attempt` without the GIL, again when a signal handler has run that
/// raised nothing, with what is left of its time. At first that is what `limit`
/// says, asked once it matters; `attempt` is told `None` the first time.
pub fn patiently<T: Send>(
    py: Python<'_>,
    limit: impl FnOnce() -> Option<Duration>,
    mut attempt: impl FnMut(Option<Option<Duration>>) -> Outcome<T> + Send,
) -> PyResult<T> {
    let start = Instant::now();
    let mut limit = Some(limit);
    let mut whole = None;
    let mut left = None;
    loop {
        match py.detach(|| attempt(left)) {
            Ok(value) => return Ok(value),
            Err(libc::EINTR) => {
                py.check_signals()?;
                if let Some(limit) = limit.take() {
                    whole = limit();
                }
                left = Some(whole.map(|whole| whole.saturating_sub(start.elapsed())));
            }
            Err(code) => return Err(error(py, code)),
        }
    }
}

/// As [`patiently`] for what waits without end.
pub fn without_end<T: Send>(
    py: Python<'_>,
    mut attempt: impl FnMut() -> Outcome<T> + Send,
) -> PyResult<T> {
    patiently(py, || None, |_| attempt())
}

/// What Python gives as the longest time to wait: milliseconds, or without end
/// if negative.
pub fn limit(milliseconds: c_int) -> Option<Duration> {
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}
