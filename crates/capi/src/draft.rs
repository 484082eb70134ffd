//! What only sockets of the draft types can do (zmq_join(3),
//! zmq_connect_peer(3) and their like).

use std::ffi::{CStr, c_char, c_int, c_void};

use crate::boundary::{self, guard, guard_unit};
use crate::errno::code;
use crate::socket::socket;

/// Joins a DISH to a group.
///
/// # Safety
///
/// `group` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_join(pointer: *mut c_void, group: *const c_char) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        if group.is_null() {
            return Err(libc::EINVAL);
        }
        // SAFETY: by the caller's promise.
        let group = unsafe { CStr::from_ptr(group) };
        socket.engine.join(group.to_bytes()).map_err(code)
    })
}

/// Takes a DISH out of a group.
///
/// # Safety
///
/// `group` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_leave(pointer: *mut c_void, group: *const c_char) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        if group.is_null() {
            return Err(libc::EINVAL);
        }
        // SAFETY: by the caller's promise.
        let group = unsafe { CStr::from_ptr(group) };
        socket.engine.leave(group.to_bytes()).map_err(code)
    })
}

/// Connects a PEER, and returns the routing id of the peer at the endpoint; 0
/// if that failed.
///
/// # Safety
///
/// `endpoint` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_connect_peer(pointer: *mut c_void, endpoint: *const c_char) -> u32 {
    guard(|| {
        let socket = socket(pointer)?;
        // SAFETY: by the caller's promise.
        let endpoint = unsafe { boundary::text(endpoint) }?;
        socket.engine.connect_peer(endpoint).map_err(code)
    })
}

/// Ends the conversation with one peer of a SERVER or PEER.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_disconnect_peer(pointer: *mut c_void, routing_id: u32) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        socket.engine.disconnect_peer(routing_id).map_err(code)
    })
}
