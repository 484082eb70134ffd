//! Timers whose functions are called when the program says so (zmq_timers(3)).

use std::collections::{BTreeMap, HashMap};
use std::ffi::{c_int, c_long, c_void};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use zincmq::raw;

use crate::boundary::{Outcome, guard, guard_unit};
use crate::handle::{Ref, Table};

static TIMERS: Table<Timers> = Table::new();

/// What it throws ends in [`guard`]: a panic of Rust's is ENOTRECOVERABLE,
/// anything else ends the process.
type TimerFn = unsafe extern "C-unwind" fn(c_int, *mut c_void);

/// The timers of one `zmq_timers_new`.
#[derive(Default)]
struct Timers(Mutex<Schedule>);

#[derive(Default)]
struct Schedule {
    timers: HashMap<c_int, Timer>,
    /// By when and, at the same time, by which was set first.
    due: BTreeMap<Place, c_int>,
    /// How often a timer was set.
    turns: u64,
    last_id: c_int,
}

type Place = (Instant, u64);

struct Timer {
    interval: Duration,
    call: Call,
    /// None for what would go off after the end of time.
    place: Option<Place>,
}

/// A function of C's, with what it wants to be called with.
#[derive(Clone, Copy)]
struct Call {
    function: TimerFn,
    argument: *mut c_void,
}

// SAFETY: C may use its timers on any thread, as long as it is one at a time.
unsafe impl Send for Call {}

impl Timers {
    /// Lets `work` at them, which must not call back into C.
    fn with<R>(&self, work: impl FnOnce(&mut Schedule) -> R) -> R {
        raw::undivided(|| work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Schedule {
    fn add(&mut self, interval: Duration, call: Call) -> Outcome<c_int> {
        let id = self.fresh_id().ok_or(libc::ENOMEM)?;
        let timer = Timer {
            interval,
            call,
            place: None,
        };
        self.timers.insert(id, timer);
        self.set(id, Instant::now(), None)?;
        Ok(id)
    }

    /// The next number that no timer has.
    fn fresh_id(&mut self) -> Option<c_int> {
        if self.timers.len() >= c_int::MAX as usize {
            return None;
        }
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.timers.contains_key(&self.last_id) {
                return Some(self.last_id);
            }
        }
    }

    /// Has the timer go off an interval after `now`.
    fn set(&mut self, id: c_int, now: Instant, interval: Option<Duration>) -> Outcome<Call> {
        let timer = self.timers.get_mut(&id).ok_or(libc::EINVAL)?;
        if let Some(place) = timer.place.take() {
            self.due.remove(&place);
        }
        timer.interval = interval.unwrap_or(timer.interval);
        self.turns += 1;
        timer.place = now.checked_add(timer.interval).map(|at| (at, self.turns));
        if let Some(place) = timer.place {
            self.due.insert(place, id);
        }
        Ok(timer.call)
    }

    fn cancel(&mut self, id: c_int) -> Outcome<()> {
        let timer = self.timers.remove(&id).ok_or(libc::EINVAL)?;
        if let Some(place) = timer.place {
            self.due.remove(&place);
        }
        Ok(())
    }

    /// Milliseconds until the next goes off, rounded up: who sleeps for so long
    /// finds it due.
    fn timeout(&self) -> Outcome<c_long> {
        if self.timers.is_empty() {
            // No failure: errno stays as it is.
            return Ok(-1);
        }
        let Some(((at, _), _)) = self.due.first_key_value() else {
            return Ok(c_long::MAX);
        };
        let left = at.saturating_duration_since(Instant::now());
        let milliseconds = left.as_nanos().div_ceil(1_000_000);
        Ok(c_long::try_from(milliseconds).unwrap_or(c_long::MAX))
    }

    /// The next of those due at `now` that were set in the first so many
    /// `turns`; it is set anew.
    fn next_due(&mut self, now: Instant, turns: u64) -> Option<(c_int, Call)> {
        let (&(at, turn), &id) = self.due.first_key_value()?;
        if at > now || turn > turns {
            return None;
        }
        let call = self.set(id, now, None).ok()?;
        Some((id, call))
    }
}

fn timers(pointer: *mut c_void) -> Outcome<Ref<Timers>> {
    TIMERS.get(pointer).ok_or(libc::EFAULT)
}

fn milliseconds(interval: usize) -> Duration {
    Duration::from_millis(interval as u64)
}

/// A new set of timers, with none in it.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_new() -> *mut c_void {
    guard(|| TIMERS.keep(Timers::default(), libc::ENOMEM))
}

/// Gives up the timers that the pointer at `place` names, and makes that
/// pointer null. Called from within one of the functions, no other is called
/// any more.
///
/// # Safety
///
/// `place` is null or points to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_destroy(place: *mut *mut c_void) -> c_int {
    guard_unit(|| {
        // SAFETY: by the caller's promise.
        let timers = unsafe { TIMERS.remove_at(place) }?;
        timers.with(|schedule| *schedule = Schedule::default());
        Ok(())
    })
}

/// Adds a timer that goes off every `interval` milliseconds, and returns its
/// number, with which `function` will be called.
///
/// # Safety
///
/// `function` may be called with `argument` until the timer is cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_add(
    pointer: *mut c_void,
    interval: usize,
    function: Option<TimerFn>,
    argument: *mut c_void,
) -> c_int {
    guard(|| {
        let timers = timers(pointer)?;
        let function = function.ok_or(libc::EFAULT)?;
        let call = Call { function, argument };
        timers.with(|schedule| schedule.add(milliseconds(interval), call))
    })
}

/// Gives up a timer.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_cancel(pointer: *mut c_void, id: c_int) -> c_int {
    guard_unit(|| timers(pointer)?.with(|schedule| schedule.cancel(id)))
}

/// Changes a timer's interval, and starts it anew.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_set_interval(
    pointer: *mut c_void,
    id: c_int,
    interval: usize,
) -> c_int {
    guard_unit(|| {
        let timers = timers(pointer)?;
        let interval = Some(milliseconds(interval));
        timers.with(|schedule| schedule.set(id, Instant::now(), interval))?;
        Ok(())
    })
}

/// Starts a timer anew.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_reset(pointer: *mut c_void, id: c_int) -> c_int {
    guard_unit(|| {
        timers(pointer)?.with(|schedule| schedule.set(id, Instant::now(), None))?;
        Ok(())
    })
}

/// Milliseconds until the next timer goes off; -1 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_timeout(pointer: *mut c_void) -> c_long {
    guard(|| timers(pointer)?.with(|schedule| schedule.timeout()))
}

/// Calls the functions of the timers that have gone off, each once, and starts
/// them anew. The functions may add, change and cancel timers.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_execute(pointer: *mut c_void) -> c_int {
    guard_unit(|| {
        let timers = timers(pointer)?;
        let now = Instant::now();
        let turns = timers.with(|schedule| schedule.turns);
        loop {
            // The lock is let go before the call.
            let next = timers.with(|schedule| schedule.next_due(now, turns));
            let Some((id, call)) = next else {
                return Ok(());
            };
            // SAFETY: C promised that it may be called so.
            unsafe { (call.function)(id, call.argument) };
        }
    })
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::ptr;
    use std::thread::sleep;

    use super::*;
    use crate::errno;

    /// What a test's timers share.
    struct Scene {
        timers: Cell<*mut c_void>,
        calls: RefCell<Vec<c_int>>,
        other: Cell<c_int>,
    }

    impl Scene {
        fn new() -> Self {
            Self {
                timers: Cell::new(zmq_timers_new()),
                calls: RefCell::default(),
                other: Cell::new(0),
            }
        }

        fn add(&self, interval: usize, function: TimerFn) -> c_int {
            let argument = ptr::from_ref(self).cast_mut().cast();
            // SAFETY: the scene outlives its timers.
            let id =
                unsafe { zmq_timers_add(self.timers.get(), interval, Some(function), argument) };
            assert!(id > 0, "{id}");
            id
        }

        fn execute(&self) -> Vec<c_int> {
            assert_eq!(zmq_timers_execute(self.timers.get()), 0);
            self.calls.take()
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            // SAFETY: it points to a pointer.
            unsafe { zmq_timers_destroy(self.timers.as_ptr()) };
        }
    }

    /// Notes the call down.
    ///
    /// # Safety
    ///
    /// `scene` points to one.
    unsafe fn note<'a>(id: c_int, scene: *mut c_void) -> &'a Scene {
        // SAFETY: by the caller's promise.
        let scene = unsafe { &*scene.cast::<Scene>() };
        scene.calls.borrow_mut().push(id);
        scene
    }

    extern "C-unwind" fn plain(id: c_int, scene: *mut c_void) {
        // SAFETY: a scene's timer.
        unsafe { note(id, scene) };
    }

    extern "C-unwind" fn cancelling(id: c_int, scene: *mut c_void) {
        // SAFETY: a scene's timer.
        let scene = unsafe { note(id, scene) };
        assert_eq!(zmq_timers_cancel(scene.timers.get(), scene.other.get()), 0);
    }

    extern "C-unwind" fn adding(id: c_int, scene: *mut c_void) {
        // SAFETY: a scene's timer.
        let scene = unsafe { note(id, scene) };
        scene.other.set(scene.add(0, plain));
    }

    extern "C-unwind" fn slowing_itself(id: c_int, scene: *mut c_void) {
        // SAFETY: a scene's timer.
        let scene = unsafe { note(id, scene) };
        zmq_timers_set_interval(scene.timers.get(), id, 3_600_000);
    }

    extern "C-unwind" fn destroying(id: c_int, scene: *mut c_void) {
        // SAFETY: a scene's timer.
        let scene = unsafe { note(id, scene) };
        // SAFETY: it points to a pointer.
        assert_eq!(unsafe { zmq_timers_destroy(scene.timers.as_ptr()) }, 0);
    }

    #[test]
    fn go_off_in_order_and_again() {
        let scene = Scene::new();
        let late = scene.add(10, plain);
        let early = scene.add(5, plain);
        let never = scene.add(usize::MAX, plain);
        sleep(Duration::from_millis(15));
        assert_eq!(zmq_timers_timeout(scene.timers.get()), 0);
        assert_eq!(scene.execute(), [early, late]);
        sleep(Duration::from_millis(15));
        assert_eq!(scene.execute(), [early, late]);
        assert_eq!(zmq_timers_cancel(scene.timers.get(), never), 0);
    }

    #[test]
    fn who_sleeps_for_the_timeout_finds_one_due() {
        let scene = Scene::new();
        let id = scene.add(7, plain);
        let timeout = zmq_timers_timeout(scene.timers.get());
        assert!((0..=7).contains(&timeout), "{timeout}");
        sleep(Duration::from_millis(timeout.unsigned_abs()));
        assert_eq!(scene.execute(), [id]);
    }

    #[test]
    fn without_an_interval_they_go_off_once_each_time() {
        let scene = Scene::new();
        let id = scene.add(0, plain);
        assert_eq!(scene.execute(), [id]);
        assert_eq!(scene.execute(), [id]);
    }

    #[test]
    fn a_distant_one_is_neither_due_nor_lost() {
        let scene = Scene::new();
        let id = scene.add(usize::MAX, plain);
        assert!(zmq_timers_timeout(scene.timers.get()) > 1_000_000_000);
        assert_eq!(scene.execute(), []);
        assert_eq!(zmq_timers_set_interval(scene.timers.get(), id, 0), 0);
        assert_eq!(scene.execute(), [id]);
    }

    #[test]
    fn a_function_may_cancel_one_that_is_due() {
        let scene = Scene::new();
        let first = scene.add(0, cancelling);
        scene.other.set(scene.add(0, plain));
        let third = scene.add(0, plain);
        assert_eq!(scene.execute(), [first, third]);
    }

    #[test]
    fn a_function_may_cancel_its_own_timer() {
        let scene = Scene::new();
        let id = scene.add(0, cancelling);
        scene.other.set(id);
        assert_eq!(scene.execute(), [id]);
        assert_eq!(scene.execute(), []);
    }

    #[test]
    fn what_a_function_adds_goes_off_the_next_time() {
        let scene = Scene::new();
        let first = scene.add(0, adding);
        assert_eq!(scene.execute(), [first]);
        let added = scene.other.get();
        assert_eq!(zmq_timers_cancel(scene.timers.get(), first), 0);
        assert_eq!(scene.execute(), [added]);
    }

    #[test]
    fn a_function_may_change_its_own_interval() {
        let scene = Scene::new();
        let id = scene.add(0, slowing_itself);
        assert_eq!(scene.execute(), [id]);
        assert_eq!(scene.execute(), []);
        assert_eq!(zmq_timers_reset(scene.timers.get(), id), 0);
        assert!(zmq_timers_timeout(scene.timers.get()) > 3_000_000);
    }

    #[test]
    fn a_function_may_destroy_all() {
        let scene = Scene::new();
        let first = scene.add(0, destroying);
        scene.add(0, plain);
        assert_eq!(scene.execute(), [first]);
        assert!(scene.timers.get().is_null());
    }

    extern "C-unwind" fn throwing(id: c_int, scene: *mut c_void) {
        // SAFETY: a scene's timer.
        unsafe { note(id, scene) };
        panic!("as it was told to");
    }

    #[test]
    fn what_a_function_throws_goes_no_further() {
        let scene = Scene::new();
        let id = scene.add(0, throwing);
        errno::set(0);
        assert_eq!(zmq_timers_execute(scene.timers.get()), -1);
        assert_eq!(errno::get(), libc::ENOTRECOVERABLE);
        assert_eq!(scene.calls.take(), [id]);
        assert_eq!(zmq_timers_cancel(scene.timers.get(), id), 0);
        assert_eq!(scene.execute(), []);
    }

    #[test]
    fn one_that_is_gone_is_unknown() {
        let scene = Scene::new();
        let timers = scene.timers.get();
        let id = scene.add(1, plain);
        assert_eq!(zmq_timers_cancel(timers, id), 0);
        errno::set(0);
        assert_eq!(zmq_timers_cancel(timers, id), -1);
        assert_eq!(errno::get(), libc::EINVAL);
        errno::set(0);
        assert_eq!(zmq_timers_timeout(timers), -1);
        assert_eq!(errno::get(), 0);
    }
}
