//! The proxy: what goes in comes out, nothing is lost, and it can be steered.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::thread;
use std::time::{Duration, Instant};

use zincmq::error::ProxyError;
use zincmq::{Context, Message, Multipart, Proxy, Socket, SocketType, opt, proxy};

const LIMIT: Duration = Duration::from_secs(10);

/// Waits for something that has no event of its own.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Ends a proxy even if the test fails, which waits for its thread.
struct Steering(zincmq::ProxyHandle);

impl std::ops::Deref for Steering {
    type Target = zincmq::ProxyHandle;

    fn deref(&self) -> &zincmq::ProxyHandle {
        &self.0
    }
}

impl Drop for Steering {
    fn drop(&mut self) {
        self.0.terminate();
    }
}

fn bound(ctx: &Context, socket_type: SocketType) -> (Socket, String) {
    let socket = ctx.socket(socket_type).unwrap();
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    (socket, endpoint)
}

#[test]
fn requests_and_replies_find_their_way() {
    let ctx = Context::new();
    let (front, front_end) = bound(&ctx, SocketType::Router);
    let (back, back_end) = bound(&ctx, SocketType::Dealer);
    let (capture, capture_end) = bound(&ctx, SocketType::Pub);
    let watcher = zincmq::sub(&ctx).unwrap();
    watcher.subscribe("").unwrap();
    watcher.connect(&capture_end).unwrap();
    let end = ctx.clone();
    thread::scope(|scope| {
        let running = scope.spawn(|| proxy(&front, &back, Some(&capture)));
        for _ in 0..2 {
            scope.spawn(|| {
                let worker = zincmq::rep(&ctx).unwrap();
                worker.connect(&back_end).unwrap();
                while let Ok(mut request) = worker.recv() {
                    request.push("done");
                    worker.send(request).unwrap();
                }
            });
        }
        let clients: Vec<_> = (0..3)
            .map(|client| {
                let (ctx, front_end) = (&ctx, &front_end);
                scope.spawn(move || {
                    let req = zincmq::req(ctx).unwrap();
                    req.connect(front_end).unwrap();
                    for n in 0..50 {
                        let body = format!("{client}/{n}");
                        req.send(body.as_str()).unwrap();
                        let reply = req.recv_timeout(LIMIT).unwrap();
                        assert_eq!(
                            (&reply[0][..], &reply[1][..]),
                            (body.as_bytes(), &b"done"[..])
                        );
                    }
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
        // The copy has the envelope and the body.
        let copy = watcher.recv_timeout(LIMIT).unwrap();
        assert!(copy.len() >= 3 && copy.iter().any(|part| part.is_empty()));
        end.shutdown();
        assert!(matches!(
            running.join().unwrap(),
            Err(ProxyError::Terminated)
        ));
    });
}

#[test]
fn a_full_side_is_waited_for_and_nothing_is_lost() {
    const COUNT: u32 = 2000;
    let ctx = Context::new();
    let front = zincmq::Pull::builder(&ctx)
        .receive_high_water_mark(10)
        .bind("inproc://in")
        .unwrap();
    let back = zincmq::Push::builder(&ctx)
        .send_high_water_mark(10)
        .bind("inproc://out")
        .unwrap();
    let source = zincmq::Push::builder(&ctx)
        .send_high_water_mark(10)
        .connect("inproc://in")
        .unwrap();
    let sink = zincmq::Pull::builder(&ctx)
        .receive_high_water_mark(10)
        .connect("inproc://out")
        .unwrap();
    let steered = Proxy::new(&front, &back);
    let handle = steered.handle();
    thread::scope(|scope| {
        let handle = Steering(steered.handle());
        let running = scope.spawn(|| steered.run());
        // 20 in the queue to the sink; in that from the source another 20, or
        // as few as 11, as it opens only at its low-water mark; and one in the
        // proxy's hands at most.
        let mut queued = 0;
        while source
            .send_timeout(queued.to_string(), Duration::from_millis(200))
            .is_ok()
        {
            queued += 1;
        }
        assert!((31..=41).contains(&queued), "{queued}");
        let source = &source;
        scope.spawn(move || {
            for n in queued..COUNT {
                source.send(n.to_string()).unwrap();
            }
        });
        for n in 0..COUNT {
            assert_eq!(sink.recv_timeout(LIMIT).unwrap().first(), &n.to_string());
        }
        handle.terminate();
        running.join().unwrap().unwrap();
    });
    let statistics = handle.statistics();
    assert_eq!(statistics.front.messages_in, u64::from(COUNT));
    assert_eq!(statistics.back.messages_out, u64::from(COUNT));
    assert_eq!(statistics.front.bytes_in, statistics.back.bytes_out);
    assert_eq!((statistics.back.messages_in, statistics.dropped), (0, 0));
}

/// Both have both sockets locked at a time.
#[test]
fn two_proxies_join_the_same_sockets_in_either_order() {
    const COUNT: u32 = 20_000;
    let ctx = Context::new();
    let socket = || ctx.socket(SocketType::Dealer).unwrap();
    let (one, other) = (socket(), socket());
    one.bind("inproc://one").unwrap();
    other.bind("inproc://other").unwrap();
    let proxies = [Proxy::new(&one, &other), Proxy::new(&other, &one)];
    let steering = proxies.each_ref().map(|proxy| Steering(proxy.handle()));
    thread::scope(|scope| {
        let running = proxies.each_ref().map(|proxy| scope.spawn(|| proxy.run()));
        let ends = ["inproc://one", "inproc://other"].map(|endpoint| {
            let end = socket();
            end.connect(endpoint).unwrap();
            end
        });
        thread::scope(|scope| {
            for end in &ends {
                scope.spawn(move || {
                    for n in 0..COUNT {
                        end.send(n.to_ne_bytes()).unwrap();
                    }
                });
                scope.spawn(move || {
                    // Two that take from one socket do not keep the order.
                    let mut sum = 0;
                    for _ in 0..COUNT {
                        let message = end.recv_timeout(LIMIT).unwrap();
                        let bytes = message.first()[..].try_into().unwrap();
                        sum += u64::from(u32::from_ne_bytes(bytes));
                    }
                    assert_eq!(sum, u64::from(COUNT) * u64::from(COUNT - 1) / 2);
                });
            }
        });
        for proxy in &steering {
            proxy.terminate();
        }
        for proxy in running {
            proxy.join().unwrap().unwrap();
        }
    });
    let moved: u64 = steering
        .iter()
        .map(|proxy| proxy.statistics())
        .map(|so_far| so_far.front.messages_in + so_far.back.messages_in)
        .sum();
    assert_eq!(moved, 2 * u64::from(COUNT));
}

#[test]
fn one_socket_can_be_both_sides() {
    let ctx = Context::new();
    let (echo, endpoint) = bound(&ctx, SocketType::Rep);
    let steered = Proxy::new(&echo, &echo);
    let handle = steered.handle();
    thread::scope(|scope| {
        let handle = Steering(steered.handle());
        let running = scope.spawn(|| steered.run());
        let req = zincmq::req(&ctx).unwrap();
        req.connect(&endpoint).unwrap();
        for n in 0..20 {
            req.send(n.to_string()).unwrap();
            assert_eq!(req.recv_timeout(LIMIT).unwrap().first(), &n.to_string());
        }
        handle.terminate();
        running.join().unwrap().unwrap();
    });
    assert_eq!(handle.statistics().back.messages_out, 20);
}

#[test]
fn pause_leaves_messages_where_they_are() {
    let ctx = Context::new();
    let (front, front_end) = bound(&ctx, SocketType::Pull);
    let (back, back_end) = bound(&ctx, SocketType::Push);
    let source = zincmq::push(&ctx).unwrap();
    source.connect(&front_end).unwrap();
    let sink = zincmq::pull(&ctx).unwrap();
    sink.connect(&back_end).unwrap();
    let steered = Proxy::new(&front, &back);
    thread::scope(|scope| {
        let handle = Steering(steered.handle());
        let running = scope.spawn(|| steered.run());
        source.send("1").unwrap();
        assert_eq!(sink.recv_timeout(LIMIT).unwrap().first(), "1");
        handle.pause();
        source.send("2").unwrap();
        eventually("the message arrives", || front.can_recv());
        assert!(sink.recv_timeout(Duration::from_millis(20)).is_err());
        handle.resume();
        assert_eq!(sink.recv_timeout(LIMIT).unwrap().first(), "2");
        handle.terminate();
        running.join().unwrap().unwrap();
    });
}

fn numbers(answer: &Multipart) -> Vec<u64> {
    let number = |part: &Message| u64::from_ne_bytes(part[..].try_into().unwrap());
    answer.iter().map(number).collect()
}

/// Steers a proxy by messages over `socket_type`, whose peer is `far`.
fn steer(socket_type: SocketType, far: SocketType) {
    let ctx = Context::new();
    let (front, front_end) = bound(&ctx, SocketType::Pull);
    let (back, back_end) = bound(&ctx, SocketType::Push);
    let source = zincmq::push(&ctx).unwrap();
    source.connect(&front_end).unwrap();
    let sink = zincmq::pull(&ctx).unwrap();
    sink.connect(&back_end).unwrap();
    let control = ctx.socket(socket_type).unwrap();
    let steering = ctx.socket(far).unwrap();
    steering.bind("inproc://control").unwrap();
    control.connect("inproc://control").unwrap();
    if socket_type == SocketType::Sub {
        control.subscribe("").unwrap();
    }
    let steered = Proxy::new(&front, &back).control(&control);
    let replies = far == SocketType::Req;
    let tell = |command: &str| {
        steering.send(command).unwrap();
        if replies {
            assert_eq!(steering.recv_timeout(LIMIT).unwrap().first(), "");
        }
    };
    thread::scope(|scope| {
        let handle = Steering(steered.handle());
        let running = scope.spawn(|| steered.run());
        source.send("four").unwrap();
        assert_eq!(sink.recv_timeout(LIMIT).unwrap().first(), "four");
        if matches!(far, SocketType::Req | SocketType::Pair) {
            eventually("the message is counted", || {
                handle.statistics().back.messages_out == 1
            });
            steering.send("STATISTICS").unwrap();
            let answer = steering.recv_timeout(LIMIT).unwrap();
            assert_eq!(numbers(&answer), [1, 4, 0, 0, 0, 0, 1, 4]);
        }
        tell("PAUSE");
        eventually("it is paused", || handle.is_paused());
        tell("no such command");
        source.send("later").unwrap();
        eventually("the message arrives", || front.can_recv());
        assert!(sink.recv_timeout(Duration::from_millis(10)).is_err());
        tell("RESUME");
        assert_eq!(sink.recv_timeout(LIMIT).unwrap().first(), "later");
        tell("TERMINATE");
        running.join().unwrap().unwrap();
    });
}

#[test]
fn a_rep_socket_steers() {
    steer(SocketType::Rep, SocketType::Req);
}

#[test]
fn a_pair_socket_steers() {
    steer(SocketType::Pair, SocketType::Pair);
}

#[test]
fn a_pull_socket_steers() {
    steer(SocketType::Pull, SocketType::Push);
}

#[test]
fn a_sub_socket_steers() {
    steer(SocketType::Sub, SocketType::Pub);
}

#[test]
fn a_reply_to_a_peer_that_left_does_not_end_the_proxy() {
    let ctx = Context::new();
    let (front, front_end) = bound(&ctx, SocketType::Router);
    front.set(opt::RouterMandatory(true)).unwrap();
    let (back, back_end) = bound(&ctx, SocketType::Dealer);
    let worker = zincmq::dealer(&ctx).unwrap();
    worker.connect(&back_end).unwrap();
    let steered = Proxy::new(&front, &back);
    let handle = steered.handle();
    thread::scope(|scope| {
        let handle = Steering(steered.handle());
        let running = scope.spawn(|| steered.run());
        worker.send(["nobody", "hello"]).unwrap();
        let client = zincmq::dealer(&ctx).unwrap();
        client.connect(&front_end).unwrap();
        client.send("hello").unwrap();
        let request = worker.recv_timeout(LIMIT).unwrap();
        assert_eq!(request.last(), "hello");
        worker.send(request).unwrap();
        assert_eq!(client.recv_timeout(LIMIT).unwrap().first(), "hello");
        handle.terminate();
        running.join().unwrap().unwrap();
    });
    assert_eq!(handle.statistics().dropped, 1);
}

#[test]
fn a_closed_socket_ends_it() {
    let ctx = Context::new();
    let (front, _) = bound(&ctx, SocketType::Pull);
    let (back, _) = bound(&ctx, SocketType::Push);
    thread::scope(|scope| {
        let running = scope.spawn(|| proxy(&front, &back, None));
        thread::sleep(Duration::from_millis(5));
        back.close();
        assert!(matches!(running.join().unwrap(), Err(ProxyError::Closed)));
    });
}
