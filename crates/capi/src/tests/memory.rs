//! What happens when there is no memory for a message.

use std::ffi::c_void;
use std::ptr;

use super::world::{DONTWAIT, PULL, PUSH, World};
use crate::errno;
use crate::exchange::zmq_send;
use crate::iov::zmq_sendiov;

/// Half of all addresses, so that there is no room for a copy.
struct Vast(*mut c_void);

const LEN: usize = 1 << 46;

impl Vast {
    fn new() -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: it takes addresses that nobody has.
        let place = unsafe { libc::mmap(ptr::null_mut(), LEN, libc::PROT_READ, flags, -1, 0) };
        assert_ne!(place, libc::MAP_FAILED);
        Self(place)
    }
}

impl Drop for Vast {
    fn drop(&mut self) {
        // SAFETY: nothing of it is used any more.
        unsafe { libc::munmap(self.0, LEN) };
    }
}

#[test]
fn a_copy_there_is_no_memory_for_is_refused() {
    let world = World::new();
    let (_, push) = world.pair((PULL, PUSH), "inproc://memory");
    let vast = Vast::new();
    // SAFETY: it points to so many bytes.
    assert_eq!(unsafe { zmq_send(push, vast.0, LEN, DONTWAIT) }, -1);
    assert_eq!(errno::get(), libc::ENOMEM);
    let part = libc::iovec {
        iov_base: vast.0,
        iov_len: LEN,
    };
    errno::set(0);
    // SAFETY: it is one part, and points to so many bytes.
    let sent = unsafe { zmq_sendiov(push, &raw const part, 1, DONTWAIT) };
    assert_eq!(sent, -1);
    assert_eq!(errno::get(), libc::ENOMEM);
}
