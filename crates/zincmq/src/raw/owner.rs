//! The thread that a half message belongs to, and whether it is still at it.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// So much of its own time is enough to go on with a message.
const ENOUGH: Duration = Duration::from_millis(1);
/// A thread that gets no time for so long is waited for no more.
const LONGEST: Duration = Duration::from_secs(2);

/// A thread of this process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Where it has its own variables: no other living thread has the same.
    place: usize,
    /// What the system calls it.
    number: i32,
}

impl Owner {
    /// The calling thread.
    pub fn here() -> Self {
        thread_local!(static NUMBER: Cell<i32> = const { Cell::new(0) });
        NUMBER.with(|cell| {
            if cell.get() == 0 {
                // SAFETY: it has no arguments and cannot fail.
                cell.set(unsafe { libc::gettid() });
            }
            Self {
                place: std::ptr::from_ref(cell) as usize,
                number: cell.get(),
            }
        })
    }

    /// Begins to watch it.
    pub fn watch(self) -> Watch {
        Watch {
            owner: self,
            since: Instant::now(),
            ran: self.state().map(|state| state.ran),
        }
    }

    fn state(self) -> Option<State> {
        let folder = format!("/proc/self/task/{}", self.number);
        let stat = std::fs::read_to_string(format!("{folder}/stat")).ok()?;
        let times = std::fs::read_to_string(format!("{folder}/schedstat")).ok()?;
        // The name before it is in parentheses, and may have any in it.
        let runnable = stat.rsplit_once(')')?.1.trim_start().starts_with('R');
        let ran = times.split(' ').next()?.parse().ok()?;
        Some(State {
            runnable,
            ran: Duration::from_nanos(ran),
        })
    }
}

struct State {
    /// It runs, or would if the system let it.
    runnable: bool,
    /// For how long it has run.
    ran: Duration,
}

/// A look at a thread over some time.
pub struct Watch {
    owner: Owner,
    since: Instant,
    ran: Option<Duration>,
}

impl Watch {
    /// Whether the thread has had the time to go on, and something else to do:
    /// it ran, or slept, for a while, or is gone.
    pub fn is_elsewhere(&self, moment: Duration) -> bool {
        let waited = self.since.elapsed();
        if waited < moment {
            return false;
        }
        let (Some(before), Some(state)) = (self.ran, self.owner.state()) else {
            return true;
        };
        // What is held up by others may be in the middle of anything.
        let held_up = state.runnable && state.ran.saturating_sub(before) < ENOUGH;
        !held_up || waited >= LONGEST
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_that_sleeps_or_is_gone_is_elsewhere() {
        let (tell, told) = channel();
        let (end, ended) = channel::<()>();
        let other = thread::spawn(move || {
            tell.send(Owner::here()).expect("somebody listens");
            let _ = ended.recv();
        });
        let owner = told.recv().expect("it tells");
        assert!(owner != Owner::here());
        let watch = owner.watch();
        while !watch.is_elsewhere(Duration::from_millis(5)) {
            thread::yield_now();
        }
        drop(end);
        other.join().expect("it does not panic");
        assert!(owner.watch().is_elsewhere(Duration::ZERO));
    }

    #[test]
    fn a_thread_that_runs_is_elsewhere_after_a_while() {
        let watch = Owner::here().watch();
        assert!(!watch.is_elsewhere(Duration::from_secs(3600)));
        while !watch.is_elsewhere(Duration::ZERO) {
            std::hint::spin_loop();
        }
    }
}
