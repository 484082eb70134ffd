//! Every function with every kind of wrong argument, and the errno libzmq's
//! documentation has for it. Where it has none, because libzmq would crash,
//! the nearest kind it has: EFAULT for what is nowhere or nothing, ENOTSOCK
//! for what is no socket, EINVAL for what can be read and makes no sense.

mod contexts;
mod messages;
mod pollers;
mod sockets;
mod traffic;
mod utilities;

use std::collections::BTreeSet;
use std::ffi::{c_int, c_void};
use std::fmt::Debug;
use std::ptr;

use super::world::{PAIR, World};
use crate::atomic_counter::{zmq_atomic_counter_destroy, zmq_atomic_counter_new};
use crate::boundary::Failed;
use crate::context::{zmq_ctx_new, zmq_ctx_term};
use crate::errno;
use crate::poller::{zmq_poller_destroy, zmq_poller_new};
use crate::socket::{zmq_close, zmq_socket};
use crate::stopwatch::{zmq_stopwatch_start, zmq_stopwatch_stop};
use crate::thread::{zmq_threadclose, zmq_threadstart};
use crate::timers::{zmq_timers_destroy, zmq_timers_new};

const NULL: *mut c_void = ptr::null_mut();

/// Those that have nothing to be wrong, or that take anything.
const NEVER_WRONG: [&str; 9] = [
    "zmq_atomic_counter_new",
    "zmq_ctx_new",
    "zmq_errno",
    "zmq_has",
    "zmq_poller_new",
    "zmq_stopwatch_start",
    "zmq_strerror",
    "zmq_timers_new",
    "zmq_version",
];

/// Calls a function, `unsafe` or not, and notes down what it does not refuse
/// as it should.
macro_rules! refused {
    ($table:expr, $what:expr, $code:expr, unsafe $name:ident($($argument:expr),* $(,)?)) => {
        $table.check(stringify!($name), $what, $code, || {
            // SAFETY: what is not null points to what the function asks for,
            // or is a handle, which it does not read through.
            unsafe { $name($($argument),*) }
        })
    };
    ($table:expr, $what:expr, $code:expr, $name:ident($($argument:expr),* $(,)?)) => {
        $table.check(stringify!($name), $what, $code, || $name($($argument),*))
    };
}
use refused;

/// What was tried so far.
#[derive(Default)]
struct Calls {
    names: BTreeSet<&'static str>,
    wrong: Vec<String>,
}

impl Calls {
    fn check<T: Failed + PartialEq + Debug>(
        &mut self,
        name: &'static str,
        what: &str,
        code: c_int,
        call: impl FnOnce() -> T,
    ) {
        self.names.insert(name);
        errno::set(0);
        let (value, errno) = (call(), errno::get());
        if value != T::FAILED || errno != code {
            self.wrong.push(format!(
                "{name} with {what}: returned {value:?} with errno {errno}, not {:?} with {code}",
                T::FAILED
            ));
        }
    }
}

/// One of each kind of handle that C can have.
struct Handles {
    world: World,
    context: *mut c_void,
    socket: *mut c_void,
    counter: *mut c_void,
    stopwatch: *mut c_void,
    thread: *mut c_void,
    timers: *mut c_void,
    poller: *mut c_void,
}

extern "C-unwind" fn nothing(_: *mut c_void) {}

impl Handles {
    fn new() -> Self {
        let world = World::new();
        Self {
            context: world.context,
            socket: world.socket(PAIR),
            world,
            counter: zmq_atomic_counter_new(),
            stopwatch: zmq_stopwatch_start(),
            // SAFETY: it may be called with anything.
            thread: unsafe { zmq_threadstart(Some(nothing), NULL) },
            timers: zmq_timers_new(),
            poller: zmq_poller_new(),
        }
    }

    fn all(&self) -> [(&'static str, *mut c_void); 7] {
        [
            ("a context", self.context),
            ("a socket", self.socket),
            ("a counter", self.counter),
            ("a stopwatch", self.stopwatch),
            ("a thread", self.thread),
            ("timers", self.timers),
            ("a poller", self.poller),
        ]
    }

    /// Pointers that are none like `own`; `closed` was one.
    fn strangers(&self, own: *mut c_void, closed: *mut c_void) -> Vec<(&'static str, *mut c_void)> {
        // Read through, it would look like nothing else.
        static FOREIGN: [usize; 8] = [usize::MAX; 8];
        let mut all = vec![
            ("null", NULL),
            ("one that was closed", closed),
            ("one beside", own.wrapping_byte_add(1)),
            ("foreign memory", FOREIGN.as_ptr().cast_mut().cast()),
            ("an address of nothing", ptr::without_provenance_mut(0x5a5a)),
        ];
        let others = self.all().into_iter();
        all.extend(others.filter(|(_, pointer)| *pointer != own));
        all
    }

    fn no_contexts(&self) -> Vec<(&'static str, *mut c_void)> {
        let closed = zmq_ctx_new();
        zmq_ctx_term(closed);
        self.strangers(self.context, closed)
    }

    fn no_sockets(&self) -> Vec<(&'static str, *mut c_void)> {
        let closed = zmq_socket(self.context, PAIR);
        zmq_close(closed);
        self.strangers(self.socket, closed)
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        zmq_stopwatch_stop(self.stopwatch);
        zmq_threadclose(self.thread);
        // SAFETY: each points to a pointer.
        unsafe {
            zmq_atomic_counter_destroy(&raw mut self.counter);
            zmq_timers_destroy(&raw mut self.timers);
            zmq_poller_destroy(&raw mut self.poller);
        }
    }
}

/// The functions that `zmq.h` declares.
fn declared() -> BTreeSet<&'static str> {
    let header = include_str!("../../../include/zmq.h");
    let declarations = header.split("ZMQ_EXPORT").skip(1);
    declarations
        .filter_map(|text| {
            let head = text.split_once(';')?.0.split_once('(')?.0;
            head.split([' ', '\n', '*'])
                .rfind(|word| word.starts_with("zmq_"))
        })
        .collect()
}

#[test]
fn row_39_are_refused_by_every_function() {
    let mut calls = Calls::default();
    contexts::try_all(&mut calls);
    sockets::try_all(&mut calls);
    messages::try_all(&mut calls);
    traffic::try_all(&mut calls);
    pollers::try_all(&mut calls);
    utilities::try_all(&mut calls);
    assert!(calls.wrong.is_empty(), "{}", calls.wrong.join("\n"));

    let declared = declared();
    assert_eq!(declared.len(), 97);
    let tried: BTreeSet<_> = calls.names.iter().chain(&NEVER_WRONG).copied().collect();
    assert_eq!(tried, declared);
}
