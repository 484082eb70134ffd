//! A panic, in a call and in a connection (row 38 of the faults to survive).

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::world::{DONTWAIT, PULL, PUSH, RCVTIMEO, World, outcome, recv, send, set, try_recv};
use crate::boundary::{Failed, guard};
use crate::errno;
use crate::exchange::{zmq_msg_send, zmq_send};
use crate::message::{Msg, zmq_msg_init};

#[test]
fn row_38_a_panic_in_a_call_is_an_errno() {
    fn panics<T: Failed + PartialEq + std::fmt::Debug>() {
        errno::set(0);
        assert_eq!(guard::<T>(|| panic!("in a test")), T::FAILED);
        assert_eq!(errno::get(), libc::ENOTRECOVERABLE);
    }
    panics::<c_int>();
    panics::<u32>();
    panics::<i64>();
    panics::<*mut u8>();
    panics::<*const u8>();
    assert_eq!(outcome(|| guard(|| Ok(7))), Ok(7));
}

/// A payload that panics when the connection that sent it drops it.
struct Bomb(Arc<AtomicBool>);

impl AsRef<[u8]> for Bomb {
    fn as_ref(&self) -> &[u8] {
        b"bomb"
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        assert!(std::thread::panicking(), "a test's bomb goes off");
    }
}

#[test]
fn row_38_a_panic_in_a_connection_fails_no_call_of_others() {
    let world = World::new();
    let (push, pull) = world.pair((PUSH, PULL), "tcp://127.0.0.1:*");
    let (others_push, others_pull) = world.pair((PUSH, PULL), "tcp://127.0.0.1:*");
    send(push, "before", 0);
    assert_eq!(recv(pull), "before");
    let off = Arc::new(AtomicBool::new(false));
    let mut msg: MaybeUninit<Msg> = MaybeUninit::uninit();
    let place = msg.as_mut_ptr();
    // SAFETY: it points to a message, initialised first.
    let sent = unsafe {
        assert_eq!(zmq_msg_init(place), 0);
        let bomb = zincmq::raw::message_owning(Bomb(Arc::clone(&off)));
        Msg::at(place).expect("it is one").put_back(bomb);
        outcome(|| zmq_msg_send(place, push, 0))
    };
    assert_eq!(sent, Ok(4));
    send(others_push, "meanwhile", 0);
    assert_eq!(recv(others_pull), "meanwhile");
    // Its peer comes back to it. What is sent before that may be lost with the connection.
    set(pull, RCVTIMEO, 100);
    let end = Instant::now() + Duration::from_secs(20);
    while try_recv(pull) < 0 {
        assert!(Instant::now() < end, "nothing comes any more");
        // SAFETY: it points to so many bytes.
        unsafe { zmq_send(push, b"after".as_ptr().cast(), 5, DONTWAIT) };
    }
    assert!(off.load(Ordering::SeqCst));
}
