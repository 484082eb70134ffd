//! Waits given up before anything came: row 29. An idle socket does not
//! remember them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use testkit::{PATIENCE, own_process};
use zincmq::{Context, Poller, Readiness, SocketType};

/// A task that only its wakers keep alive.
struct Task;

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

/// Polls `future` once, as a task of its own, and drops it.
fn abandon(future: impl Future) {
    let task = Arc::new(Task);
    {
        let waker = Waker::from(Arc::clone(&task));
        let mut context = std::task::Context::from_waker(&waker);
        let mut future = pin!(future);
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert!(Arc::strong_count(&task) > 2, "nobody would wake the task");
    }
    assert_eq!(Arc::strong_count(&task), 1, "the task is remembered");
}

#[test]
fn row_29_an_abandoned_future_is_forgotten() {
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let push = context.socket(SocketType::Push).unwrap();
    abandon(pull.recv_async());
    abandon(push.send_async("nobody is there"));
    let poller = Poller::new().unwrap();
    poller.add(&pull, 1, Readiness::READABLE).unwrap();
    abandon(poller.wait_async());
}

/// Two futures of one task: the end of one is not the end of the other.
#[test]
fn row_29_an_abandoned_future_takes_no_other_with_it() {
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let push = context.socket(SocketType::Push).unwrap();
    pull.bind("inproc://two-of-one-task").unwrap();
    push.connect("inproc://two-of-one-task").unwrap();
    let received = futures_lite::future::block_on(async {
        let mut stays = pin!(pull.recv_async());
        let mut goes = Some(Box::pin(pull.recv_async()));
        std::future::poll_fn(|context| {
            let waits = stays.as_mut().poll(context);
            if let Some(mut goes) = goes.take() {
                assert!(goes.as_mut().poll(context).is_pending());
                drop(goes);
                push.send_timeout("here", PATIENCE).unwrap();
            }
            waits
        })
        .await
    });
    assert_eq!(received.unwrap()[0], "here");
}

/// Each poller has a descriptor, by which the socket would wake it.
#[test]
fn row_29_a_dropped_poller_leaves_no_descriptor() {
    own_process(
        "abandoned::row_29_a_dropped_poller_leaves_no_descriptor",
        Duration::from_secs(30),
        || {
            let context = Context::new();
            let pull = context.socket(SocketType::Pull).unwrap();
            let before = testkit::open_descriptors();
            for _ in 0..20 {
                let poller = Poller::new().unwrap();
                poller.add(&pull, 1, Readiness::READABLE).unwrap();
                let events = poller.wait(Some(Duration::from_millis(1))).unwrap();
                assert!(events.is_empty());
            }
            assert_eq!(testkit::open_descriptors(), before);
        },
    );
}
