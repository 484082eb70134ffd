//! Options, where C has more to say than Rust.

use std::ffi::{c_int, c_void};
use std::ptr;

use super::world::*;
use crate::context::{zmq_ctx_get, zmq_ctx_set};
use crate::options::{zmq_getsockopt, zmq_setsockopt};

const TCP_ACCEPT_FILTER: c_int = 38;
const SOCKS_PROXY: c_int = 68;
const BINDTODEVICE: c_int = 92;
const IPC_FILTERS: [c_int; 3] = [58, 59, 60];
const SOCKS_USERNAME: c_int = 99;
const SOCKS_PASSWORD: c_int = 100;

fn set_text(socket: *mut c_void, option: c_int, text: &str) -> Result<c_int, c_int> {
    // SAFETY: it points to so many bytes.
    outcome(|| unsafe { zmq_setsockopt(socket, option, text.as_ptr().cast(), text.len()) })
}

fn clear(socket: *mut c_void, option: c_int) -> Result<c_int, c_int> {
    // SAFETY: no bytes may be anywhere.
    outcome(|| unsafe { zmq_setsockopt(socket, option, ptr::null(), 0) })
}

/// With the NUL at its end.
fn get_text(socket: *mut c_void, option: c_int) -> Vec<u8> {
    let mut text = [b'?'; 300];
    let mut len = text.len();
    let place = text.as_mut_ptr().cast();
    // SAFETY: it points to so many bytes.
    let result = unsafe { zmq_getsockopt(socket, option, place, &raw mut len) };
    assert_eq!(result, 0);
    text[..len].to_vec()
}

#[test]
fn a_null_pointer_clears_what_empty_text_may_not() {
    let world = World::new();
    let socket = world.socket(PULL);
    let [pid, uid, gid] = IPC_FILTERS;
    for option in [TCP_ACCEPT_FILTER, SOCKS_PROXY, BINDTODEVICE, pid, uid, gid] {
        assert_eq!(set_text(socket, option, ""), Err(libc::EINVAL), "{option}");
        assert_eq!(clear(socket, option), Ok(0), "{option}");
    }
    for (option, text) in [
        (SOCKS_PROXY, "somehost:1080"),
        (SOCKS_USERNAME, "someuser"),
        (SOCKS_PASSWORD, "somepass"),
    ] {
        assert_eq!(set_text(socket, option, text), Ok(0));
        assert_eq!(get_text(socket, option), [text, "\0"].concat().as_bytes());
        assert_eq!(clear(socket, option), Ok(0));
        assert_eq!(get_text(socket, option), b"\0");
    }
    for option in [SOCKS_USERNAME, SOCKS_PASSWORD] {
        assert_eq!(set_text(socket, option, &"x".repeat(255)), Ok(0));
        let longer = "x".repeat(256);
        assert_eq!(set_text(socket, option, &longer), Err(libc::EINVAL));
        assert_eq!(set_text(socket, option, ""), Ok(0));
        assert_eq!(get_text(socket, option), b"\0");
    }
}

#[test]
fn how_long_a_wait_spins_is_an_option_of_the_context() {
    const SPIN: c_int = 7001;
    let world = World::new();
    let context = world.context;
    assert_eq!(zmq_ctx_get(context, SPIN), 20);
    assert_eq!(
        outcome(|| zmq_ctx_set(context, SPIN, -1)),
        Err(libc::EINVAL)
    );
    assert_eq!(zmq_ctx_set(context, SPIN, 0), 0);
    assert_eq!(zmq_ctx_get(context, SPIN), 0);
    let (push, pull) = world.pair((PUSH, PULL), "tcp://127.0.0.1:*");
    send(push, "x", 0);
    assert_eq!(recv(pull), "x");
}
