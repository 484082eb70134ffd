//! EINTR: signal handlers end the calls that wait.

use std::ffi::{c_int, c_void};
use std::os::unix::thread::JoinHandleExt;
use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

use super::world::*;
use crate::context::zmq_ctx_term;
use crate::exchange::{zmq_recv, zmq_send};
use crate::poll::{Item, zmq_poll, zmq_ppoll};

const SNDHWM: c_int = 23;
const RCVHWM: c_int = 24;

extern "C" fn handle(_: c_int) {}

/// Has system calls begin again after the handler, as programs usually do.
fn install(signal: c_int) {
    // SAFETY: an all-zero sigaction is a valid one, and the handler does nothing.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handle as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(signal, &action, ptr::null_mut())
    };
    assert_eq!(result, 0);
}

/// A pointer for another thread.
struct Pointer(*mut c_void);

// SAFETY: contexts and sockets may be used from any thread.
unsafe impl Send for Pointer {}

/// What `call` returns on a thread that gets signals until it is done.
fn pestered(
    pointer: *mut c_void,
    call: impl FnOnce(*mut c_void) -> c_int + Send + 'static,
) -> Result<c_int, c_int> {
    install(libc::SIGUSR1);
    let pointer = Pointer(pointer);
    let thread = thread::spawn(move || {
        let pointer = pointer;
        outcome(|| call(pointer.0))
    });
    let until = Instant::now() + Duration::from_secs(20);
    while !thread.is_finished() {
        assert!(Instant::now() < until, "no signal ends the call");
        // SAFETY: the thread is not joined yet, so it has its id still.
        unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGUSR1) };
        thread::sleep(Duration::from_millis(2));
    }
    thread.join().unwrap()
}

fn item(socket: *mut c_void) -> Item {
    Item {
        socket,
        fd: 0,
        events: 1,
        revents: 0,
    }
}

#[test]
fn waits_end_and_take_nothing() {
    for endpoint in ["inproc://interrupted", "tcp://127.0.0.1:*"] {
        let world = World::new();
        let (pull, push) = world.pair((PULL, PUSH), endpoint);
        let received = pestered(pull, |pull| {
            let mut place = [0u8; 8];
            // SAFETY: it points to so many bytes.
            unsafe { zmq_recv(pull, place.as_mut_ptr().cast(), place.len(), 0) }
        });
        assert_eq!(received, Err(libc::EINTR));
        let polled = pestered(pull, |pull| {
            let mut items = [item(pull)];
            // SAFETY: it points to one item.
            unsafe { zmq_poll(items.as_mut_ptr(), 1, -1) }
        });
        assert_eq!(polled, Err(libc::EINTR));
        send(push, "x", 0);
        assert_eq!(recv(pull), "x");
    }
}

#[test]
fn a_send_that_ends_has_sent_nothing() {
    let world = World::new();
    let (push, pull) = world.pair((PUSH, PULL), "inproc://unsent");
    set(push, SNDHWM, 1);
    set(pull, RCVHWM, 1);
    for _ in 0..2 {
        send(push, "x", 0);
    }
    for flags in [SNDMORE, 0] {
        let sent = pestered(push, move |push| {
            // SAFETY: it points to so many bytes.
            unsafe { zmq_send(push, c"unsent".as_ptr().cast(), 6, flags) }
        });
        assert_eq!(sent, Err(libc::EINTR));
    }
    for _ in 0..2 {
        assert_eq!(recv(pull), "x");
    }
    send(push, "last", 0);
    assert_eq!(recv(pull), "last");
}

#[test]
fn a_term_is_begun_again() {
    let world = World::new();
    let pair = world.socket(PAIR);
    for _ in 0..2 {
        assert_eq!(
            pestered(world.context, |context| zmq_ctx_term(context)),
            Err(libc::EINTR)
        );
    }
    assert!(!pair.is_null());
}

#[test]
fn a_mask_lets_through_what_has_come_before() {
    let world = World::new();
    let (pull, push) = world.pair((PULL, PUSH), "tcp://127.0.0.1:*");
    install(libc::SIGUSR2);
    // SAFETY: all zeroes is a valid set; the pointers are to live locals.
    let open = unsafe {
        let (mut set, mut open): (libc::sigset_t, libc::sigset_t) = std::mem::zeroed();
        libc::sigaddset(&raw mut set, libc::SIGUSR2);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut open);
        libc::raise(libc::SIGUSR2);
        open
    };
    let mut items = [item(pull)];
    let mut ppoll = |mask: *const libc::sigset_t| {
        // SAFETY: it points to one item, and to a mask or nowhere.
        outcome(|| unsafe { zmq_ppoll(items.as_mut_ptr(), 1, 10_000, mask) })
    };
    send(push, "x", 0);
    assert_eq!(ppoll(ptr::null()), Ok(1));
    assert_eq!(ppoll(&raw const open), Err(libc::EINTR));
    assert_eq!(ppoll(&raw const open), Ok(1));
    assert_eq!(ppoll(ptr::null()), Ok(1));
}
