//! A test that hangs is ended, with word of where it hung.

use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::Location;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Aborts the process if it is not dropped in time, after telling which step
/// the test was at and what every thread is doing.
///
/// ```
/// let deadline = testkit::Deadline::new(std::time::Duration::from_secs(10));
/// deadline.step("the part that might hang");
/// ```
#[derive(Debug)]
pub struct Deadline {
    shared: Arc<Shared>,
    watcher: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Debug)]
struct State {
    over: bool,
    test: String,
    step: String,
    place: &'static Location<'static>,
}

impl Deadline {
    /// Starts to watch the calling test.
    ///
    /// # Panics
    ///
    /// If no thread can be started.
    #[must_use]
    #[track_caller]
    pub fn new(limit: Duration) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                over: false,
                test: std::thread::current().name().unwrap_or("?").to_owned(),
                step: "the start".to_owned(),
                place: Location::caller(),
            }),
            done: Condvar::new(),
        });
        let watched = Arc::clone(&shared);
        let watcher = std::thread::Builder::new()
            .name("deadline".to_owned())
            .spawn(move || watched.watch(limit))
            .expect("a thread can be started");
        Self {
            shared,
            watcher: Some(watcher),
        }
    }

    /// Notes that the test is now at `what`.
    #[track_caller]
    pub fn step(&self, what: impl Into<String>) {
        let mut state = self.shared.lock();
        state.step = what.into();
        state.place = Location::caller();
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.done.notify_all();
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let mut state = self.lock();
        while !state.over {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Past the capture of test output, which dies with the process.
                let _ = std::io::stderr().write_all(report(&state, limit).as_bytes());
                std::process::abort();
            }
            state = self
                .done
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

fn report(state: &State, limit: Duration) -> String {
    let mut text = format!(
        "\n{} hangs: not done after {limit:?}; at `{}` ({})\n",
        state.test, state.step, state.place
    );
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return text;
    };
    for task in tasks.flatten() {
        let read = |name: &str| {
            std::fs::read_to_string(task.path().join(name))
                .map_or_else(|_| "?".to_owned(), |content| content.trim().to_owned())
        };
        let stat = read("stat");
        let state = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next())
            .unwrap_or('?');
        let _ = writeln!(
            text,
            "  thread {:?} {:<16} {state} in {} (system call {})",
            task.file_name(),
            read("comm"),
            read("wchan"),
            read("syscall").split(' ').next().unwrap_or("?"),
        );
    }
    text
}

/// Asks again and again, with short pauses, until `condition` holds.
///
/// # Panics
///
/// If that takes longer than [`PATIENCE`](crate::PATIENCE).
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + crate::PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
