//! What is known of messages, as C asks for it.

use std::ffi::{CStr, c_int, c_void};
use std::mem::MaybeUninit;

use super::world::*;
use crate::exchange::zmq_msg_recv;
use crate::message::*;

const SRCFD: c_int = 2;

fn property(msg: *mut Msg, name: &CStr) -> Option<String> {
    // SAFETY: an initialised message, and a text of C.
    let text = unsafe { zmq_msg_gets(msg, name.as_ptr()) };
    // SAFETY: a text of C, which stays as long as the message.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned())
}

fn receive(socket: *mut c_void, look: impl FnOnce(*mut Msg)) {
    let mut msg = MaybeUninit::uninit();
    let msg: *mut Msg = msg.as_mut_ptr();
    // SAFETY: there is room for a message.
    assert_eq!(unsafe { zmq_msg_init(msg) }, 0);
    // SAFETY: it is initialised, as for the last.
    assert_eq!(outcome(|| unsafe { zmq_msg_recv(msg, socket, 0) }), Ok(1));
    look(msg);
    // SAFETY: see above.
    assert_eq!(unsafe { zmq_msg_close(msg) }, 0);
}

#[test]
fn only_types_that_tell_a_routing_id_have_one() {
    let world = World::new();
    for (kinds, told) in [
        ((PULL, PUSH), None),
        ((DEALER, DEALER), Some(String::new())),
    ] {
        let (bound, connected) = world.pair(kinds, "tcp://127.0.0.1:*");
        send(connected, "x", 0);
        receive(bound, |msg| {
            assert_eq!(property(msg, c"Identity"), told);
            assert_eq!(property(msg, c"Routing-Id"), told);
            assert_eq!(property(msg, c"Peer-Address").as_deref(), Some("127.0.0.1"));
        });
    }
}

#[test]
fn what_came_over_no_connection_has_no_descriptor() {
    let mut msg = MaybeUninit::uninit();
    let msg: *mut Msg = msg.as_mut_ptr();
    // SAFETY: there is room for a message.
    assert_eq!(unsafe { zmq_msg_init(msg) }, 0);
    // SAFETY: it is initialised, as for the last.
    let asked = outcome(|| unsafe { zmq_msg_get(msg, SRCFD) });
    assert_eq!(asked, Err(libc::EINVAL));
    // SAFETY: see above.
    assert_eq!(unsafe { zmq_msg_close(msg) }, 0);
}
