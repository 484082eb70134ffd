//! Contexts that end, and sockets that close, under blocked calls.

use std::future::Future;
use std::sync::Arc;
use std::task::Context as TaskContext;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;
use std::thread;
use std::time::Duration;

use testkit::{PATIENCE, PeerListener, Random, eventually, open_descriptors, own_process};
use zincmq::error::{PollError, ProxyError, RecvFailure, SendFailure, SocketError};
use zincmq::options::opt;
use zincmq::{Context, Poller, Readiness, SocketType, proxy};

use super::deadline;

#[test]
fn row_28_term_ends_blocked_calls_200_rounds() {
    let deadline = deadline();
    let mut random = Random::new(28);
    for round in 0..200 {
        deadline.step(format!("round {round}"));
        let context = Context::new();
        let bound = context.socket(SocketType::Pull).unwrap();
        let endpoint = bound.bind("tcp://127.0.0.1:*").unwrap();
        let reads = thread::spawn(move || {
            loop {
                if let Err(error) = bound.recv() {
                    return error;
                }
            }
        });
        let silent = context.socket(SocketType::Pull).unwrap();
        silent.bind("tcp://127.0.0.1:*").unwrap();
        let recv = thread::spawn(move || silent.recv().unwrap_err());
        let lonely = context.socket(SocketType::Push).unwrap();
        let send = thread::spawn(move || lonely.send("nobody takes it").unwrap_err().failure());
        let reply = context.socket(SocketType::Rep).unwrap();
        reply.bind("tcp://127.0.0.1:*").unwrap();
        let recv_async = thread::spawn(move || block_on(reply.recv_async()).unwrap_err());
        let lonely = context.socket(SocketType::Dealer).unwrap();
        let send_async = thread::spawn(move || {
            block_on(lonely.send_async("nobody takes it"))
                .unwrap_err()
                .failure()
        });
        let busy = context.socket(SocketType::Push).unwrap();
        busy.set(opt::Linger(Some(Duration::ZERO))).unwrap();
        busy.connect(&endpoint).unwrap();
        let sends = thread::spawn(move || {
            loop {
                if let Err(error) = busy.send("again") {
                    return error.failure();
                }
                if let Err(error) = busy.send_timeout(vec![0; 100_000], Duration::from_millis(1))
                    && error.failure() != SendFailure::TimedOut
                {
                    return error.failure();
                }
            }
        });
        let polled = context.socket(SocketType::Pull).unwrap();
        polled.bind("tcp://127.0.0.1:*").unwrap();
        let poll = thread::spawn(move || {
            let poller = Poller::new().unwrap();
            poller.add(&polled, 7, Readiness::READABLE).unwrap();
            poller.wait(None).unwrap_err()
        });
        let (front, back) = (
            context.socket(SocketType::Router).unwrap(),
            context.socket(SocketType::Dealer).unwrap(),
        );
        front.bind("tcp://127.0.0.1:*").unwrap();
        back.bind("tcp://127.0.0.1:*").unwrap();
        let proxied = thread::spawn(move || proxy(&front, &back, None).unwrap_err());
        thread::sleep(Duration::from_micros(random.below(2000)));
        context.term_timeout(PATIENCE).unwrap();
        let error = poll.join().unwrap();
        assert!(matches!(error, PollError::Terminated(7)), "{error}");
        let error = proxied.join().unwrap();
        assert!(matches!(error, ProxyError::Terminated), "{error}");
        assert_eq!(recv.join().unwrap(), RecvFailure::Terminated);
        assert_eq!(reads.join().unwrap(), RecvFailure::Terminated);
        assert_eq!(send.join().unwrap(), SendFailure::Terminated);
        assert_eq!(recv_async.join().unwrap(), RecvFailure::Terminated);
        assert_eq!(send_async.join().unwrap(), SendFailure::Terminated);
        assert_eq!(sends.join().unwrap(), SendFailure::Terminated);
        let refused = context.socket(SocketType::Pair).unwrap_err();
        assert!(matches!(refused, SocketError::Terminated), "{refused}");
    }
}

#[test]
fn row_28_shutdown_ends_blocked_calls_and_close_those_of_its_socket() {
    let deadline = deadline();
    for round in 0..300 {
        deadline.step(format!("round {round}"));
        let context = Context::new();
        for expected in [RecvFailure::Closed, RecvFailure::Terminated] {
            let socket = Arc::new(context.socket(SocketType::Sub).unwrap());
            socket.bind("tcp://127.0.0.1:*").unwrap();
            let blocked: Vec<_> = (0..3)
                .map(|_| {
                    let socket = Arc::clone(&socket);
                    thread::spawn(move || socket.recv().unwrap_err())
                })
                .collect();
            if round % 2 == 0 {
                thread::sleep(Duration::from_micros(300));
            }
            match expected {
                RecvFailure::Closed => socket.close(),
                _ => context.shutdown(),
            }
            for thread in blocked {
                assert_eq!(thread.join().unwrap(), expected);
            }
        }
    }
}

/// Whoever loses the race against a close has bound or connected nothing.
#[test]
fn row_29_bind_and_connect_beside_a_close_leave_nothing_open() {
    own_process(
        "terminated::row_29_bind_and_connect_beside_a_close_leave_nothing_open",
        Duration::from_secs(40),
        || {
            let deadline = deadline();
            let listener = PeerListener::tcp();
            let mut baseline = None;
            for round in 0..300 {
                deadline.step(format!("round {round}"));
                let context = Context::new();
                let socket = Arc::new(context.socket(SocketType::Pair).unwrap());
                socket.set(opt::Linger(Some(Duration::ZERO))).unwrap();
                let beside: Vec<_> = [None, Some(listener.endpoint().to_owned())]
                    .into_iter()
                    .map(|endpoint| {
                        let socket = Arc::clone(&socket);
                        thread::spawn(move || {
                            for _ in 0..3 {
                                let _ = match &endpoint {
                                    None => socket.bind("tcp://127.0.0.1:*").map(drop),
                                    Some(endpoint) => socket.connect(endpoint),
                                };
                            }
                        })
                    })
                    .collect();
                if round % 2 == 0 {
                    thread::sleep(Duration::from_micros(round));
                }
                socket.close();
                for thread in beside {
                    thread.join().unwrap();
                }
                drop(socket);
                context.term().unwrap();
                drop(context);
                while listener.try_accept(Duration::ZERO).is_some() {}
                if round == 20 {
                    baseline = Some(open_descriptors());
                }
            }
            eventually("no descriptor is left", || {
                Some(open_descriptors()) <= baseline
            });
        },
    );
}

/// Wakes the thread that waits for a future.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
