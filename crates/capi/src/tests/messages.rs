//! What is known of messages, as C asks for it.

use std::ffi::{CStr, CString, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::world::*;
use crate::exchange::{zmq_msg_recv, zmq_msg_send, zmq_send};
use crate::message::*;
use crate::options::zmq_setsockopt;
use crate::socket::{zmq_bind, zmq_connect};

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

/// Gets a socket for its hint, and sends on it.
unsafe extern "C-unwind" fn send_again(_data: *mut c_void, hint: *mut c_void) {
    const DONTWAIT: c_int = 1;
    // SAFETY: a text of so many bytes.
    unsafe { zmq_send(hint, c"freed".as_ptr().cast(), 5, DONTWAIT) };
    FREED.fetch_add(1, Ordering::SeqCst);
}

static FREED: AtomicUsize = AtomicUsize::new(0);

#[test]
fn memory_is_given_back_without_a_lock() {
    const PUB: c_int = 1;
    const SUB: c_int = 2;
    const SUBSCRIBE: c_int = 6;
    const SNDHWM: c_int = 23;
    const RCVHWM: c_int = 24;
    const MESSAGES: usize = 10;
    static DATA: [u8; 100] = [7; 100];
    {
        let world = World::new();
        let (publisher, subscriber) = (world.socket(PUB), world.socket(SUB));
        set(publisher, SNDHWM, 1);
        set(subscriber, RCVHWM, 1);
        // SAFETY: texts of C, and no bytes.
        unsafe {
            zmq_setsockopt(subscriber, SUBSCRIBE, ptr::null(), 0);
            assert_eq!(zmq_bind(publisher, c"inproc://freed".as_ptr()), 0);
            assert_eq!(zmq_connect(subscriber, c"inproc://freed".as_ptr()), 0);
        }
        for _ in 0..MESSAGES {
            let mut msg = MaybeUninit::uninit();
            let msg: *mut Msg = msg.as_mut_ptr();
            let data = DATA.as_ptr().cast_mut().cast();
            // SAFETY: data that stays, and a socket for the hint. What the
            // subscriber has no room for is dropped inside the call.
            unsafe {
                zmq_msg_init_data(msg, data, DATA.len(), Some(send_again), publisher);
                assert_eq!(zmq_msg_send(msg, publisher, 0), 100);
                zmq_msg_close(msg);
            }
        }
        assert!(FREED.load(Ordering::SeqCst) >= MESSAGES - 2);
    }
    assert_eq!(FREED.load(Ordering::SeqCst), MESSAGES);
}

unsafe extern "C-unwind" fn throw(_data: *mut c_void, _hint: *mut c_void) {
    panic!("as a C++ program throws");
}

#[test]
fn an_exception_out_of_a_free_function_ends_the_process() {
    const THROWS: &str = "ZINCMQ_TEST_THROWS";
    const NAME: &str = "tests::messages::an_exception_out_of_a_free_function_ends_the_process";
    static DATA: [u8; 1] = [7];
    if std::env::var_os(THROWS).is_some() {
        let mut msg = MaybeUninit::uninit();
        let msg: *mut Msg = msg.as_mut_ptr();
        let data = DATA.as_ptr().cast_mut().cast();
        // SAFETY: data that stays.
        unsafe { zmq_msg_init_data(msg, data, 1, Some(throw), ptr::null_mut()) };
        // SAFETY: it is initialised.
        unsafe { zmq_msg_close(msg) };
        return;
    }
    let itself = std::env::current_exe().unwrap();
    let child = Command::new(itself)
        .args(["--exact", NAME, "--nocapture"])
        .env(THROWS, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.signal(), Some(libc::SIGABRT), "{said}");
    assert!(said.contains("cannot unwind"), "{said}");
}

/// Receives a part, and returns it after it was overwritten where it is.
fn receive_and_overwrite(socket: *mut c_void) -> Vec<u8> {
    let mut msg = MaybeUninit::uninit();
    let msg: *mut Msg = msg.as_mut_ptr();
    // SAFETY: there is room for a message.
    assert_eq!(unsafe { zmq_msg_init(msg) }, 0);
    // SAFETY: it is initialised, as for the others.
    assert!(unsafe { zmq_msg_recv(msg, socket, 0) } >= 0);
    // SAFETY: see above.
    let (data, len) = unsafe { (zmq_msg_data(msg).cast::<u8>(), zmq_msg_size(msg)) };
    // SAFETY: it has so many bytes, and nobody else has the message.
    let part = unsafe { std::slice::from_raw_parts_mut(data, len) };
    let received = part.to_vec();
    part.fill(0xff);
    // SAFETY: see above.
    assert_eq!(unsafe { zmq_msg_close(msg) }, 0);
    received
}

#[test]
fn what_is_received_may_be_written_to() {
    const ROUTING_ID: c_int = 5;
    const XPUB: c_int = 9;
    const SUB: c_int = 2;
    const XPUB_WELCOME_MSG: c_int = 72;
    // Longer than what lies in the message itself.
    let text = [b'a'; 60];
    let world = World::new();
    for endpoint in ["inproc://written", "tcp://127.0.0.1:*"] {
        let (router, dealer) = (world.socket(ROUTER), world.socket(DEALER));
        let data = text.as_ptr().cast();
        // SAFETY: a text of so many bytes.
        let set = unsafe { zmq_setsockopt(dealer, ROUTING_ID, data, text.len()) };
        assert_eq!(set, 0);
        world.join(router, dealer, endpoint);
        for question in ["one", "two"] {
            send(dealer, question, 0);
            assert_eq!(receive_and_overwrite(router), text);
            assert_eq!(recv(router), question);
        }
        send(router, std::str::from_utf8(&text).unwrap(), SNDMORE);
        send(router, "answer", 0);
        assert_eq!(recv(dealer), "answer");

        let publisher = world.socket(XPUB);
        // SAFETY: a text of so many bytes.
        let set = unsafe { zmq_setsockopt(publisher, XPUB_WELCOME_MSG, data, text.len()) };
        assert_eq!(set, 0);
        let mut endpoint = CString::new(endpoint.replace("written", "welcome")).unwrap();
        // SAFETY: a text of C.
        assert_eq!(unsafe { zmq_bind(publisher, endpoint.as_ptr()) }, 0);
        endpoint = last_endpoint(publisher);
        for _ in 0..2 {
            let subscriber = world.socket(SUB);
            // SAFETY: no bytes, and a text of C.
            unsafe {
                zmq_setsockopt(subscriber, SUBSCRIBE, ptr::null(), 0);
                assert_eq!(zmq_connect(subscriber, endpoint.as_ptr()), 0);
            }
            assert_eq!(receive_and_overwrite(subscriber), text);
        }
    }
}
