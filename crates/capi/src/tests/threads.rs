//! Sixteen threads on one socket.

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::context::{zmq_ctx_new, zmq_ctx_term};
use crate::errno;
use crate::exchange::{zmq_recv, zmq_send};
use crate::options::{zmq_getsockopt, zmq_setsockopt};
use crate::socket::{zmq_bind, zmq_close, zmq_connect, zmq_socket};

const THREADS: usize = 16;
const LIMIT: Duration = Duration::from_secs(60);
const DONTWAIT: c_int = 1;
const SNDMORE: c_int = 2;
const ROUTING_ID: c_int = 5;
const SUBSCRIBE: c_int = 6;
const RCVMORE: c_int = 13;
const EVENTS: c_int = 15;
const LINGER: c_int = 17;
const RCVTIMEO: c_int = 27;

/// A pointer from C that other threads may have.
#[derive(Clone, Copy)]
struct Handle(*mut c_void);

// SAFETY: the library takes its handles from any thread.
unsafe impl Send for Handle {}

impl Handle {
    fn get(self) -> *mut c_void {
        self.0
    }
}

fn send(socket: Handle, part: &[u8], flags: c_int) -> bool {
    // SAFETY: the part is as long as is said.
    unsafe { zmq_send(socket.get(), part.as_ptr().cast(), part.len(), flags) >= 0 }
}

fn recv(socket: Handle, flags: c_int) -> Option<Vec<u8>> {
    let mut place = [0; 64];
    // SAFETY: there is as much room as is said.
    let len = unsafe { zmq_recv(socket.get(), place.as_mut_ptr().cast(), place.len(), flags) };
    let len = usize::try_from(len).ok()?;
    Some(place[..len.min(place.len())].to_vec())
}

fn set(socket: Handle, option: c_int, value: c_int) {
    // SAFETY: the value is an int.
    let rc = unsafe { zmq_setsockopt(socket.get(), option, (&raw const value).cast(), 4) };
    assert_eq!(rc, 0);
}

fn number(socket: Handle, option: c_int) -> c_int {
    let (mut value, mut len) = (0, size_of::<c_int>());
    // SAFETY: the value is an int, and its size a size.
    unsafe { zmq_getsockopt(socket.get(), option, (&raw mut value).cast(), &raw mut len) };
    value
}

fn open(context: Handle, kind: c_int) -> Handle {
    let socket = Handle(zmq_socket(context.get(), kind));
    assert!(
        !socket.get().is_null(),
        "type {kind}: errno {}",
        errno::get()
    );
    set(socket, LINGER, 0);
    socket
}

/// Messages of three parts, each part with the thread and the number of its
/// message, from sixteen threads to one PUSH, and from one PULL to sixteen.
#[test]
fn parts_of_two_messages_never_mix() {
    const PUSH: c_int = 8;
    const PULL: c_int = 7;
    const MESSAGES: usize = 300;
    for endpoint in [c"inproc://parts", c"ipc://@zincmq-capi-parts"] {
        let context = Handle(zmq_ctx_new());
        let (push, pull) = (open(context, PUSH), open(context, PULL));
        set(push, LINGER, -1);
        set(pull, RCVTIMEO, 200);
        // SAFETY: both end with a NUL.
        assert_eq!(unsafe { zmq_bind(pull.get(), endpoint.as_ptr()) }, 0);
        // SAFETY: see above.
        assert_eq!(unsafe { zmq_connect(push.get(), endpoint.as_ptr()) }, 0);
        let received = Arc::new(AtomicUsize::new(0));
        let senders: Vec<_> = (0..THREADS)
            .map(|sender| {
                thread::spawn(move || {
                    for n in 0..MESSAGES {
                        for (part, flags) in [(0, SNDMORE), (1, SNDMORE), (2, 0)] {
                            let text = format!("{sender} {n} {part}");
                            assert!(send(push, text.as_bytes(), flags), "{}", errno::get());
                        }
                    }
                })
            })
            .collect();
        let receivers: Vec<_> = (0..THREADS)
            .map(|_| {
                let received = Arc::clone(&received);
                thread::spawn(move || {
                    let end = Instant::now() + LIMIT;
                    while received.load(Ordering::SeqCst) < THREADS * MESSAGES {
                        assert!(Instant::now() < end, "messages are missing");
                        let Some(first) = recv(pull, 0) else { continue };
                        let first = String::from_utf8(first).expect("it was text");
                        let name = first.strip_suffix(" 0").expect("a first part");
                        for part in 1..3 {
                            assert_eq!(number(pull, RCVMORE), 1);
                            let next = recv(pull, 0).expect("the message goes on");
                            assert_eq!(next, format!("{name} {part}").into_bytes());
                        }
                        assert_eq!(number(pull, RCVMORE), 0);
                        received.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        for thread in senders.into_iter().chain(receivers) {
            thread.join().expect("no part is out of place");
        }
        assert_eq!(zmq_close(push.get()), 0);
        assert_eq!(zmq_close(pull.get()), 0);
        assert_eq!(zmq_ctx_term(context.get()), 0);
    }
}

/// All types, everything at once, and closed in the midst of it.
#[test]
fn every_type_bears_sixteen_threads() {
    for kind in 0..=20 {
        let context = Handle(zmq_ctx_new());
        let socket = Handle(zmq_socket(context.get(), kind));
        if socket.get().is_null() {
            assert_eq!(errno::get(), libc::ENOTSUP, "type {kind}");
            assert_eq!(zmq_ctx_term(context.get()), 0);
            continue;
        }
        set(socket, LINGER, 0);
        let threads: Vec<_> = (0..THREADS)
            .map(|n| {
                thread::spawn(move || {
                    let id = [b'a' + n as u8];
                    let name = std::ffi::CString::new(format!("inproc://{kind}-{n}"))
                        .expect("there is no NUL in it");
                    for round in 0..50 {
                        send(socket, &id, SNDMORE | DONTWAIT);
                        send(socket, b"body", DONTWAIT);
                        recv(socket, DONTWAIT);
                        number(socket, EVENTS);
                        number(socket, RCVMORE);
                        // SAFETY: the texts are as long as is said, or end
                        // with a NUL.
                        unsafe {
                            zmq_setsockopt(socket.get(), SUBSCRIBE, id.as_ptr().cast(), 1);
                            zmq_setsockopt(socket.get(), ROUTING_ID, id.as_ptr().cast(), 1);
                            if round % 10 == 0 {
                                zmq_bind(socket.get(), name.as_ptr());
                                zmq_connect(socket.get(), name.as_ptr());
                            }
                        }
                        if n == 0 && round == 40 {
                            assert_eq!(zmq_close(socket.get()), 0);
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no thread panics");
        }
        assert_eq!(zmq_close(socket.get()), -1);
        assert_eq!(errno::get(), libc::ENOTSOCK);
        assert_eq!(zmq_ctx_term(context.get()), 0);
    }
}
