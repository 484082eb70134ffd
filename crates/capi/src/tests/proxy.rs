//! zmq_proxy, zmq_proxy_steerable and zmq_device.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::thread;
use std::time::Duration;

use super::world::*;
use crate::context::zmq_ctx_shutdown;
use crate::errno::ETERM;
use crate::proxy::{zmq_device, zmq_proxy, zmq_proxy_steerable};
use crate::socket::zmq_close;

const NULL: *mut c_void = ptr::null_mut();

/// A proxy between a ROUTER and a DEALER, with one at work for it.
struct Scene {
    world: World,
    front: *mut c_void,
    back: *mut c_void,
    client: *mut c_void,
    server: *mut c_void,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let (front, client) = world.pair((ROUTER, REQ), "tcp://127.0.0.1:*");
        let (back, server) = world.pair((DEALER, REP), "inproc://workers");
        Self {
            world,
            front,
            back,
            client,
            server,
        }
    }

    fn ask(&self, question: &str) {
        send(self.client, question, 0);
        assert_eq!(recv(self.server), question);
        send(self.server, "part of the answer", SNDMORE);
        send(self.server, "answer", 0);
        assert_eq!(recv(self.client), "part of the answer");
        assert_eq!(recv(self.client), "answer");
    }

    /// Runs the proxy while `steer` is at work, and returns what it did.
    fn run(&self, capture: *mut c_void, control: *mut c_void, steer: impl FnOnce()) -> Outcome {
        let [front, back, capture, control] =
            [self.front, self.back, capture, control].map(|it| it as usize);
        thread::scope(|scope| {
            let proxy = scope.spawn(move || {
                let [front, back, capture, control] =
                    [front, back, capture, control].map(|it| it as *mut c_void);
                outcome(|| zmq_proxy_steerable(front, back, capture, control))
            });
            let steered = catch_unwind(AssertUnwindSafe(steer));
            if steered.is_err() {
                // Or the proxy would have the test wait for ever.
                zmq_ctx_shutdown(self.world.context);
            }
            let result = proxy.join().unwrap();
            steered
                .map(|()| result)
                .unwrap_or_else(|panic| resume_unwind(panic))
        })
    }
}

type Outcome = Result<c_int, c_int>;

fn numbers(socket: *mut c_void) -> [u64; 8] {
    std::array::from_fn(|_| {
        u64::from_ne_bytes(recv_bytes(socket).try_into().expect("a number of 8 bytes"))
    })
}

#[test]
fn carries_both_ways_and_captures_until_its_end() {
    let scene = Scene::new();
    let (sink, capture) = scene.world.pair((PULL, PUSH), "inproc://captured");
    let result = scene.run(capture, NULL, || {
        scene.ask("first");
        // The routing id and the delimiter come before.
        assert_eq!(recv_bytes(sink).len(), 5);
        assert_eq!(recv(sink), "");
        assert_eq!(recv(sink), "first");
        recv_bytes(sink);
        assert_eq!(recv(sink), "");
        assert_eq!(recv(sink), "part of the answer");
        assert_eq!(recv(sink), "answer");
        scene.ask("second");
        zmq_ctx_shutdown(scene.world.context);
    });
    assert_eq!(result, Err(ETERM));
}

#[test]
fn a_rep_is_told_what_to_do_and_answers() {
    let scene = Scene::new();
    let (control, steering) = scene.world.pair((REP, REQ), "inproc://steering");
    let order = |text| {
        send(steering, text, 0);
        assert_eq!(recv(steering), "");
    };
    let result = scene.run(NULL, control, || {
        scene.ask("what");
        send(steering, "STATISTICS", 0);
        // Envelopes of 5 bytes and nothing, and what was asked and answered.
        assert_eq!(numbers(steering), [1, 9, 1, 29, 1, 29, 1, 9]);
        order("PAUSE");
        send(scene.client, "waits", 0);
        set(scene.server, RCVTIMEO, 50);
        assert_eq!(outcome(|| try_recv(scene.server)), Err(libc::EAGAIN));
        order("nothing known");
        order("RESUME");
        set(scene.server, RCVTIMEO, 10_000);
        assert_eq!(recv(scene.server), "waits");
        order("TERMINATE");
    });
    assert_eq!(result, Ok(0));
}

#[test]
fn a_pair_is_answered_only_where_it_asks() {
    let scene = Scene::new();
    let (control, steering) = scene.world.pair((PAIR, PAIR), "inproc://steering");
    let result = scene.run(NULL, control, || {
        send(steering, "PAUSE", 0);
        send(steering, "RESUME", 0);
        send(steering, "STATISTICS", 0);
        assert_eq!(numbers(steering), [0; 8]);
        scene.ask("goes on");
        send(steering, "TERMINATE", 0);
    });
    assert_eq!(result, Ok(0));
}

#[test]
fn a_pull_is_told_what_to_do() {
    let scene = Scene::new();
    let (control, steering) = scene.world.pair((PULL, PUSH), "inproc://steering");
    let result = scene.run(NULL, control, || {
        send(steering, "STATISTICS", 0);
        scene.ask("goes on");
        send(steering, "TERMINATE", 0);
    });
    assert_eq!(result, Ok(0));
}

#[test]
fn one_socket_may_be_both_ends() {
    let world = World::new();
    let (rep, req) = world.pair((REP, REQ), "inproc://echo");
    let [both, context] = [rep as usize, world.context as usize];
    thread::scope(|scope| {
        let echo = scope.spawn(move || {
            let both = both as *mut c_void;
            outcome(|| zmq_device(0, both, both))
        });
        for text in ["one", "two"] {
            send(req, text, 0);
            assert_eq!(recv(req), text);
        }
        zmq_ctx_shutdown(context as *mut c_void);
        assert_eq!(echo.join().unwrap(), Err(ETERM));
    });
}

#[test]
fn ends_when_a_socket_is_closed() {
    let scene = Scene::new();
    let result = scene.run(NULL, NULL, || {
        scene.ask("first");
        thread::sleep(Duration::from_millis(10));
        zmq_close(scene.back);
    });
    assert_eq!(result, Err(libc::ENOTSOCK));
}

#[test]
fn needs_both_ends() {
    let scene = Scene::new();
    let (front, back) = (scene.front, scene.back);
    let foreign = ptr::from_ref(&scene).cast_mut().cast();
    for (front, back, capture) in [
        (NULL, back, NULL),
        (front, NULL, NULL),
        (foreign, back, NULL),
        (front, foreign, NULL),
        (front, back, foreign),
    ] {
        assert_eq!(
            outcome(|| zmq_proxy(front, back, capture)),
            Err(libc::EFAULT)
        );
    }
    let result = outcome(|| zmq_proxy_steerable(front, back, NULL, foreign));
    assert_eq!(result, Err(libc::EFAULT));
    let result = outcome(|| zmq_proxy(front, back, front));
    assert_eq!(result, Err(libc::EINVAL));
}
