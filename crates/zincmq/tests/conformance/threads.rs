use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use zincmq::SocketType::{Dealer, Pull, Push, Router};
use zincmq::{Message, Multipart, opt};

use crate::support::{LIMIT, Mode, World};

const THREADS: u32 = 16;
const EACH: u32 = 200;

/// Its parts must all come from the same thread and be of the same number.
fn message(who: u32, n: u32) -> Multipart {
    let parts = 1 + n % 4;
    (0..parts)
        .map(|part| Message::from(format!("{who} {n} {part} {parts}")))
        .collect()
}

pub fn sixteen_threads_on_one_socket(world: &World) {
    let (pull, push) = world.join(Pull, Push);
    let heard = Mutex::new(HashSet::new());
    let left = AtomicU32::new(THREADS * EACH);
    thread::scope(|scope| {
        for who in 0..THREADS {
            let push = &push;
            scope.spawn(move || {
                for n in 0..EACH {
                    world.send(push, message(who, n));
                }
            });
            scope.spawn(|| {
                while left.load(Ordering::SeqCst) > 0 {
                    let Some(received) = world.try_recv(&pull, Duration::from_millis(20)) else {
                        continue;
                    };
                    let received = received.unwrap();
                    let first = received.first().to_text();
                    let numbers: Vec<u32> = first
                        .split(' ')
                        .map(|number| number.parse().unwrap())
                        .collect();
                    assert_eq!(received, message(numbers[0], numbers[1]));
                    assert!(heard.lock().unwrap().insert((numbers[0], numbers[1])));
                    left.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(heard.lock().unwrap().len() as u32, THREADS * EACH);
}

pub fn requests_from_many_threads(world: &World) {
    let (router, dealer) = world.join(Router, Dealer);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let request = world.recv(&router);
                    world.send(&router, request);
                }
            });
        }
        for who in 0..4 {
            let dealer = &dealer;
            scope.spawn(move || {
                for n in 0..EACH {
                    world.send(dealer, message(who, n));
                    world.recv(dealer);
                }
            });
        }
    });
    world.recv_nothing(&dealer);
}

/// Polls once and gives up.
fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

pub fn dropped_receives_take_nothing(world: &World) {
    let (pull, push) = world.join(Pull, Push);
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..500 {
                world.send(&push, n.to_string());
                if n % 50 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
            }
        });
        let mut next = 0;
        while next < 500 {
            // Some receives are dropped before, some after they were polled.
            drop(pull.recv_async());
            let received = match poll_once(pull.recv_async()) {
                Some(received) => received.unwrap(),
                None if world.mode == Mode::Async => world.recv(&pull),
                None => pull.recv_timeout(LIMIT).unwrap(),
            };
            assert_eq!(received.first(), &next.to_string());
            next += 1;
        }
    });
}

pub fn dropped_sends_are_whole_or_nothing(world: &World) {
    let pull = world.socket(Pull);
    let push = world.socket(Push);
    pull.set(opt::ReceiveHighWaterMark(3)).unwrap();
    push.set(opt::SendHighWaterMark(3)).unwrap();
    push.connect(&world.bind(&pull)).unwrap();
    let mut taken = Vec::new();
    for n in 0..3000_u32 {
        let parts = [n.to_string(), "x".repeat(20_000), n.to_string()];
        drop(push.send_async(parts.clone()));
        if poll_once(push.send_async(parts)).is_some() {
            taken.push(n);
        }
    }
    assert!(taken.len() < 3000, "nothing was refused");
    for n in taken {
        let received = world.recv(&pull);
        assert_eq!(
            (received.len(), &received[0], &received[2]),
            (3, &n.to_string().into(), &n.to_string().into())
        );
    }
    world.recv_nothing(&pull);
}
