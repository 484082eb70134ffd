//! What a child of fork finds: no lock that is held for ever.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::context::{zmq_ctx_new, zmq_ctx_term};
use crate::socket::{zmq_close, zmq_socket};
use crate::stopwatch::{zmq_stopwatch_start, zmq_stopwatch_stop};
use crate::timers::{
    zmq_timers_add, zmq_timers_cancel, zmq_timers_destroy, zmq_timers_new, zmq_timers_timeout,
};

use super::world::PAIR;

const FORKS: u32 = 150;

extern "C-unwind" fn nothing(_: c_int, _: *mut c_void) {}

/// A pointer for other threads.
#[derive(Clone, Copy)]
struct Timers(*mut c_void);

// SAFETY: these timers may be used on any thread, one at a time.
unsafe impl Send for Timers {}

impl Timers {
    fn use_them(self) -> bool {
        // SAFETY: the function takes anything.
        let id = unsafe { zmq_timers_add(self.0, 1000, Some(nothing), ptr::null_mut()) };
        let timeout = zmq_timers_timeout(self.0);
        id > 0 && timeout >= 0 && zmq_timers_cancel(self.0, id) == 0
    }
}

/// A context and a socket come and go.
fn open_and_close() -> bool {
    let context = zmq_ctx_new();
    let socket = zmq_socket(context, PAIR);
    let watch = zmq_stopwatch_start();
    zmq_stopwatch_stop(watch);
    !socket.is_null() && zmq_close(socket) == 0 && zmq_ctx_term(context) == 0
}

/// Its exit code; it is killed if it takes too long.
fn wait_for(child: libc::pid_t) -> Option<c_int> {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let mut status = 0;
        // SAFETY: `status` is a live local.
        if unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } == child {
            return libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
        }
        if Instant::now() > end {
            // SAFETY: the child was not waited for yet.
            unsafe { libc::kill(child, libc::SIGKILL) };
            // SAFETY: nothing is to be written.
            unsafe { libc::waitpid(child, ptr::null_mut(), 0) };
            return None;
        }
        thread::sleep(Duration::from_micros(500));
    }
}

#[test]
fn a_child_can_do_what_other_threads_were_at() {
    let over = AtomicBool::new(false);
    let theirs = Timers(zmq_timers_new());
    thread::scope(|scope| {
        let over = &over;
        for _ in 0..2 {
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    assert!(open_and_close());
                }
            });
        }
        scope.spawn(move || {
            let theirs = theirs;
            while !over.load(Ordering::Relaxed) {
                assert!(theirs.use_them());
            }
        });
        let mut failed = Vec::new();
        for round in 0..FORKS {
            // SAFETY: the child calls this library, which is to be usable, and
            // the allocator, to whose locks glibc sees.
            let child = unsafe { libc::fork() };
            if child == 0 {
                let good = theirs.use_them() && open_and_close();
                // SAFETY: ends the child at once.
                unsafe { libc::_exit(c_int::from(!good)) };
            }
            let code = wait_for(child);
            if code != Some(0) {
                failed.push((round, code));
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
        assert!(failed.is_empty(), "round and exit code: {failed:?}");
    });
    let mut timers = theirs.0;
    // SAFETY: it points to a pointer.
    assert_eq!(unsafe { zmq_timers_destroy(&raw mut timers) }, 0);
}
