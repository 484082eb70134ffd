//! Endpoints that are given up, by whichever of the two functions.

use std::ffi::CStr;

use super::world::*;
use crate::socket::{zmq_bind, zmq_connect, zmq_disconnect, zmq_unbind};

#[test]
fn either_function_gives_up_what_is_bound_or_connected() {
    let world = World::new();
    for endpoint in [c"inproc://crossed", c"tcp://127.0.0.1:*"] {
        let (bound, connected) = (world.socket(PULL), world.socket(PUSH));
        // SAFETY: a text of C.
        assert_eq!(unsafe { zmq_bind(bound, endpoint.as_ptr()) }, 0);
        let place = last_endpoint(bound);
        let connect = |place: &CStr| {
            // SAFETY: a text of C.
            assert_eq!(unsafe { zmq_connect(connected, place.as_ptr()) }, 0);
        };
        connect(&place);
        // SAFETY: a text of C, as for all others.
        let disconnect = |socket| outcome(|| unsafe { zmq_disconnect(socket, place.as_ptr()) });
        // SAFETY: see above.
        let unbind = |socket| outcome(|| unsafe { zmq_unbind(socket, place.as_ptr()) });
        assert_eq!(unbind(connected), Ok(0));
        assert_eq!(unbind(connected), Err(libc::ENOENT));
        assert_eq!(disconnect(bound), Ok(0));
        assert_eq!(disconnect(bound), Err(libc::ENOENT));
    }
}
