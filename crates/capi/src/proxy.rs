//! Proxies (zmq_proxy(3), zmq_proxy_steerable(3)).

use std::ffi::{c_int, c_void};
use std::ptr;

use zincmq::{Proxy, raw};

use crate::boundary::{Outcome, guard_unit};
use crate::errno::code;
use crate::handle::Ref;
use crate::socket::{Socket, socket};

fn side(pointer: *mut c_void) -> Outcome<Ref<Socket>> {
    socket(pointer).map_err(|_| libc::EFAULT)
}

fn other(pointer: *mut c_void) -> Outcome<Option<Ref<Socket>>> {
    match pointer.is_null() {
        true => Ok(None),
        false => side(pointer).map(Some),
    }
}

/// Passes on what `front` receives to `back` and the other way round, and a
/// copy of both to `capture` unless that is null, until the context of one of
/// them is terminated, one is closed, or a signal handler has run.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_proxy(front: *mut c_void, back: *mut c_void, capture: *mut c_void) -> c_int {
    zmq_proxy_steerable(front, back, capture, ptr::null_mut())
}

/// As [`zmq_proxy`], and does what messages to `control` say: `PAUSE`,
/// `RESUME`, `STATISTICS`, and `TERMINATE`, after which it returns 0.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_proxy_steerable(
    front: *mut c_void,
    back: *mut c_void,
    capture: *mut c_void,
    control: *mut c_void,
) -> c_int {
    guard_unit(|| {
        let (front, back) = (side(front)?, side(back)?);
        let (capture, control) = (other(capture)?, other(control)?);
        let mut proxy = Proxy::new(&front.engine, &back.engine);
        if let Some(capture) = &capture {
            proxy = proxy.capture(&capture.engine);
        }
        if let Some(control) = &control {
            proxy = proxy.control(&control.engine);
        }
        raw::run(&proxy).map_err(code)
    })
}

/// As [`zmq_proxy`]; `kind` means nothing.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_device(kind: c_int, front: *mut c_void, back: *mut c_void) -> c_int {
    let _ = kind;
    zmq_proxy(front, back, ptr::null_mut())
}
