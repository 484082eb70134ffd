//! Stopwatches, and sleeping: helpers of zmq_utils.h.

use std::ffi::{c_int, c_ulong, c_void};
use std::time::Instant;

use crate::boundary::guard;
use crate::handle::{Ref, Table};

static STOPWATCHES: Table<Instant> = Table::new();

/// What C sees of the time since then.
fn microseconds(started: &Ref<Instant>) -> c_ulong {
    c_ulong::try_from(started.elapsed().as_micros()).unwrap_or(c_ulong::MAX)
}

/// A new stopwatch, running.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_stopwatch_start() -> *mut c_void {
    guard(|| STOPWATCHES.keep(Instant::now(), libc::ENOMEM))
}

/// Microseconds since the start.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_stopwatch_intermediate(pointer: *mut c_void) -> c_ulong {
    guard(|| {
        let started = STOPWATCHES.get(pointer).ok_or(libc::EFAULT)?;
        Ok(microseconds(&started))
    })
}

/// Microseconds since the start; the stopwatch is given up.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_stopwatch_stop(pointer: *mut c_void) -> c_ulong {
    guard(|| {
        let started = STOPWATCHES.remove(pointer).ok_or(libc::EFAULT)?;
        Ok(microseconds(&started))
    })
}

/// Sleeps for so many seconds, or until a signal comes.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_sleep(seconds: c_int) {
    guard(|| {
        if seconds < 0 {
            return Err(libc::EINVAL);
        }
        // Not C's sleep, in which a thread can be cancelled: it would unwind
        // through this.
        let _ = rustix::thread::nanosleep(&rustix::thread::Timespec {
            tv_sec: seconds.into(),
            tv_nsec: 0,
        });
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    #[test]
    fn counts_microseconds() {
        let watch = zmq_stopwatch_start();
        sleep(Duration::from_millis(2));
        let first = zmq_stopwatch_intermediate(watch);
        assert!(first >= 2000, "{first}");
        sleep(Duration::from_millis(1));
        let second = zmq_stopwatch_stop(watch);
        assert!(second >= first + 1000, "{first} {second}");
        assert_eq!(zmq_stopwatch_stop(watch), 0);
    }

    #[test]
    fn sleeps_for_seconds() {
        let started = Instant::now();
        zmq_sleep(1);
        assert!(started.elapsed() >= Duration::from_secs(1));
        zmq_sleep(-1);
    }
}
