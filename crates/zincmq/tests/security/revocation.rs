//! Peers that were let in and may not stay.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::*;
use testkit::eventually;
use zincmq::Multipart;
use zincmq::security::{Authenticator, Denial, Grant, Reviewer};

/// The reason with which a monitor tells that a peer had to go.
#[track_caller]
pub fn await_revocation(monitor: &mut Monitor) -> String {
    match await_event(monitor, is_revocation).kind {
        EventKind::Disconnected { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

/// The reasons why so many peers had to go, in order of the alphabet; each came
/// again and was refused.
#[track_caller]
pub fn await_revocations(monitor: &mut Monitor, count: usize) -> Vec<String> {
    let (mut reasons, mut refused) = (Vec::new(), 0);
    while reasons.len() < count || refused < count {
        let next = await_event(monitor, |kind| {
            let denied = matches!(
                kind,
                EventKind::HandshakeFailed {
                    status: Some(400),
                    ..
                }
            );
            denied || is_revocation(kind)
        });
        match next.kind {
            EventKind::Disconnected { reason, .. } => reasons.push(reason),
            _ => refused += 1,
        }
    }
    reasons.sort();
    reasons
}

fn is_revocation(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Disconnected {
            deliberate: true,
            ..
        }
    )
}

/// A context that lets everybody in for as long as `open` is set.
fn while_open(context: &Context) -> Arc<AtomicBool> {
    let open = Arc::new(AtomicBool::new(true));
    let is_open = Arc::clone(&open);
    context.set_authenticator(
        move |_: &AuthRequest| match is_open.load(Ordering::SeqCst) {
            true => Verdict::accept("guest"),
            false => Verdict::deny(Denial::Refused, "we are closed"),
        },
    );
    open
}

struct Scene {
    context: Context,
    socket: Socket,
    monitor: Monitor,
    endpoint: String,
}

fn scene(mechanism: Mechanism, socket_type: SocketType) -> Scene {
    let context = Context::new();
    let socket = context.socket(socket_type).unwrap();
    mechanism.serve(&socket);
    let monitor = socket.monitor();
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    Scene {
        context,
        socket,
        monitor,
        endpoint,
    }
}

fn client(mechanism: Mechanism, socket_type: SocketType, endpoint: &str) -> (Socket, Monitor) {
    let socket = Context::new().socket(socket_type).unwrap();
    socket.set(opt::Linger(Some(Duration::ZERO))).unwrap();
    mechanism.call(&socket);
    let monitor = socket.monitor();
    socket.connect(endpoint).unwrap();
    (socket, monitor)
}

#[test]
fn who_may_not_stay_is_disconnected_and_kept_out() {
    let _deadline = deadline();
    for mechanism in ALL {
        let mut server = scene(mechanism, SocketType::Pull);
        let open = while_open(&server.context);
        let (client, mut client_monitor) = client(mechanism, SocketType::Push, &server.endpoint);
        client.send("before").unwrap();
        assert_eq!(server.socket.recv_timeout(PATIENCE).unwrap()[0], "before");
        // Who is accepted again notices nothing.
        server.context.review_peers();
        client.send("between").unwrap();
        assert_eq!(server.socket.recv_timeout(PATIENCE).unwrap()[0], "between");

        open.store(false, Ordering::SeqCst);
        server.context.review_peers();
        let reason = await_revocation(&mut server.monitor);
        assert!(reason.contains("we are closed"), "{reason}");
        // Its next attempt is judged as any other.
        assert_eq!(await_denial(&mut server.monitor), 400);
        assert_eq!(await_denial(&mut client_monitor), 400);
        let _ = client.try_send("after");
        assert!(
            server
                .socket
                .recv_timeout(Duration::from_millis(100))
                .is_err()
        );
        assert!(server.socket.counters().peers.is_empty());
    }
}

#[test]
fn what_came_before_can_still_be_received_and_counts_stay_exact() {
    let _deadline = deadline();
    const SENT: u64 = 100;
    let mut server = scene(Curve, SocketType::Pull);
    let open = while_open(&server.context);
    let (client, _monitor) = client(Curve, SocketType::Push, &server.endpoint);
    for n in 0..SENT {
        client.send(n.to_string()).unwrap();
    }
    let all_there = || {
        let _ = server.socket.can_recv();
        let counters = server.socket.counters();
        counters.messages_in + counters.queued_in == SENT
    };
    eventually("all has arrived", all_there);
    open.store(false, Ordering::SeqCst);
    server.context.review_peers();
    await_revocation(&mut server.monitor);
    for n in 0..SENT {
        let message = server.socket.recv_timeout(PATIENCE).unwrap();
        assert_eq!(message[0], n.to_string());
    }
    eventually("the peer is gone", || {
        let _ = server.socket.can_recv();
        server.socket.counters().peers.is_empty()
    });
    let counters = server.socket.counters();
    assert_eq!((counters.messages_in, counters.queued_in), (SENT, 0));
}

#[test]
fn what_was_queued_for_who_has_to_go_is_counted_as_lost() {
    let _deadline = deadline();
    let mut server = scene(Plain, SocketType::Push);
    let open = while_open(&server.context);
    let client = Context::new().socket(SocketType::Pull).unwrap();
    client.set(opt::ReceiveHighWaterMark(1)).unwrap();
    Plain.call(&client);
    client.connect(&server.endpoint).unwrap();
    let message = "x".repeat(10_000);
    server.socket.send_timeout(&*message, PATIENCE).unwrap();
    while server
        .socket
        .send_timeout(&*message, Duration::from_millis(200))
        .is_ok()
    {}
    assert!(server.socket.counters().queued_out > 0);
    open.store(false, Ordering::SeqCst);
    server.context.review_peers();
    await_revocation(&mut server.monitor);
    eventually("the peer is gone", || {
        server.socket.counters().peers.is_empty()
    });
    let mut delivered = 0;
    eventually("all that was sent is accounted for", || {
        while client.try_recv().is_ok() {
            delivered += 1;
        }
        let counters = server.socket.counters();
        assert_eq!(counters.queued_out, 0);
        delivered + counters.lost == counters.messages_out
    });
    assert!(server.socket.counters().lost > 0);
}

#[test]
fn whom_nobody_was_asked_about_stays() {
    let _deadline = deadline();
    let context = Context::new();
    let open = while_open(&context);
    let socket = context.socket(SocketType::Pull).unwrap();
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    let (client, _monitor) = client(Null, SocketType::Push, &endpoint);
    client.send("before").unwrap();
    socket.recv_timeout(PATIENCE).unwrap();
    open.store(false, Ordering::SeqCst);
    context.review_peers();
    for _ in 0..100 {
        client.send("after").unwrap();
        assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "after");
    }
}

#[test]
fn with_nobody_left_to_ask_nobody_may_stay() {
    let _deadline = deadline();
    for mechanism in ALL {
        let mut server = scene(mechanism, SocketType::Pull);
        while_open(&server.context);
        let (client, _monitor) = client(mechanism, SocketType::Push, &server.endpoint);
        client.send("before").unwrap();
        server.socket.recv_timeout(PATIENCE).unwrap();
        server.context.remove_authenticator();
        server.context.review_peers();
        let reason = await_revocation(&mut server.monitor);
        assert!(reason.contains("no authentication handler"), "{reason}");
    }
}

/// Says yes when it is told to.
struct Slow {
    asked: Mutex<Vec<&'static str>>,
    answers: Mutex<Receiver<Verdict>>,
}

impl Slow {
    fn answer(&self, what: &'static str) -> Verdict {
        self.asked.lock().unwrap().push(what);
        let answer = self.answers.lock().unwrap().recv();
        answer.unwrap_or_else(|_| Verdict::deny(Denial::Failure, "the test is over"))
    }
}

impl Authenticator for Slow {
    fn authenticate(&self, _: &AuthRequest) -> Verdict {
        self.answer("in")
    }

    fn review(&self, _: &AuthRequest) -> Verdict {
        self.answer("stay")
    }
}

#[test]
fn a_verdict_that_was_being_found_during_a_review_does_not_count() {
    let _deadline = deadline();
    for mechanism in ALL {
        let mut server = scene(mechanism, SocketType::Pull);
        let (answer, answers) = channel();
        let slow = Arc::new(Slow {
            asked: Mutex::default(),
            answers: Mutex::new(answers),
        });
        server.context.set_authenticator(Arc::clone(&slow));
        let (client, _monitor) = client(mechanism, SocketType::Push, &server.endpoint);
        let _ = client.try_send("let me in");
        eventually("the first question", || {
            slow.asked.lock().unwrap().len() == 1
        });
        server.context.review_peers();
        answer.send(Verdict::accept("too early")).unwrap();
        // Whether it may stay, and as it may not, whether it may come in by what holds now.
        for asked in [2, 3] {
            eventually("the next", || slow.asked.lock().unwrap().len() == asked);
            assert!(server.socket.try_recv().is_err());
            answer
                .send(Verdict::deny(Denial::Refused, "no longer"))
                .unwrap();
        }
        assert_eq!(await_denial(&mut server.monitor), 400);
        assert_eq!(*slow.asked.lock().unwrap(), ["in", "stay", "in"]);
    }
}

#[test]
fn who_waits_for_an_authenticator_that_is_taken_away_is_not_let_in_by_it() {
    let _deadline = deadline();
    for mechanism in ALL {
        let mut server = scene(mechanism, SocketType::Pull);
        let (answer, answers) = channel();
        let slow = Arc::new(Slow {
            asked: Mutex::default(),
            answers: Mutex::new(answers),
        });
        server.context.set_authenticator(Arc::clone(&slow));
        let clients = [(); 2].map(|()| {
            let (client, monitor) = client(mechanism, SocketType::Push, &server.endpoint);
            let _ = client.try_send("let me in");
            (client, monitor)
        });
        for _ in &clients {
            await_event(&mut server.monitor, |kind| {
                matches!(kind, EventKind::Accepted { .. })
            });
        }
        eventually("the first question", || {
            slow.asked.lock().unwrap().len() == 1
        });
        // Of the other client it is not known whether it was asked about.
        server.context.remove_authenticator();
        for _ in &clients {
            let _ = answer.send(Verdict::accept("by nobody"));
        }
        for _ in &clients {
            let (code, status, ..) = await_failed_handshake(&mut server.monitor);
            assert_eq!((code, status), (None, None));
        }
        assert!(server.socket.try_recv().is_err());
    }
}

/// Has its context's peers reviewed in the midst of each judgement, so that every
/// verdict is overtaken.
#[derive(Default)]
struct Restless {
    reviewer: Mutex<Option<Reviewer>>,
    judged: AtomicUsize,
    reviewed: AtomicUsize,
    /// What reviews say, too, takes so long that it is overtaken.
    reviews_slowly: bool,
    banned: AtomicBool,
}

impl Restless {
    fn verdict(&self) -> Verdict {
        match self.banned.load(Ordering::SeqCst) {
            false => Verdict::accept("guest"),
            true => Verdict::deny(Denial::Refused, "banned"),
        }
    }

    fn review_peers(&self) {
        self.reviewer.lock().unwrap().as_ref().unwrap().review();
    }
}

impl Authenticator for Restless {
    fn authenticate(&self, _: &AuthRequest) -> Verdict {
        let verdict = self.verdict();
        self.judged.fetch_add(1, Ordering::SeqCst);
        self.review_peers();
        verdict
    }
    fn review(&self, _: &AuthRequest) -> Verdict {
        let verdict = self.verdict();
        let before = self.reviewed.fetch_add(1, Ordering::SeqCst);
        // Not for ever: who is in is reviewed again by that.
        if self.reviews_slowly && before < 10 {
            self.review_peers();
        }
        verdict
    }
    fn installed(&self, reviewer: &Reviewer) {
        *self.reviewer.lock().unwrap() = Some(reviewer.clone());
    }
}

#[test]
fn reviews_that_keep_coming_keep_nobody_out() {
    let _deadline = deadline();
    for reviews_slowly in [false, true] {
        let server = scene(Plain, SocketType::Pull);
        let restless = Arc::new(Restless {
            reviews_slowly,
            ..Restless::default()
        });
        server.context.set_authenticator(Arc::clone(&restless));
        let (guest, _monitor) = client(Plain, SocketType::Push, &server.endpoint);
        guest.send("hello").unwrap();
        let message = server.socket.recv_timeout(PATIENCE).unwrap();
        assert_eq!(
            message.peer().unwrap().user_id.as_deref(),
            Some(&b"guest"[..])
        );
        // It was let in by a review that nothing has overtaken, or is reviewed once more.
        assert_eq!(restless.judged.load(Ordering::SeqCst), 1);
        eventually("it was reviewed", || {
            let reviewed = restless.reviewed.load(Ordering::SeqCst);
            reviewed >= if reviews_slowly { 4 } else { 1 }
        });
    }
}

#[test]
fn who_is_banned_while_it_is_judged_does_not_get_in_however_often_peers_are_reviewed() {
    let _deadline = deadline();
    /// Bans everybody once the first verdict is found.
    struct Banning(Restless);
    impl Authenticator for Banning {
        fn authenticate(&self, request: &AuthRequest) -> Verdict {
            let verdict = self.0.verdict();
            self.0.banned.store(true, Ordering::SeqCst);
            self.0.authenticate(request);
            verdict
        }
        fn review(&self, request: &AuthRequest) -> Verdict {
            self.0.review(request)
        }
        fn installed(&self, reviewer: &Reviewer) {
            self.0.installed(reviewer);
        }
    }
    for reviews_slowly in [false, true] {
        let mut server = scene(Plain, SocketType::Pull);
        server.context.set_authenticator(Banning(Restless {
            reviews_slowly,
            ..Restless::default()
        }));
        let (guest, mut guest_monitor) = client(Plain, SocketType::Push, &server.endpoint);
        let _ = guest.try_send("let me in");
        assert_eq!(await_denial(&mut guest_monitor), 400);
        assert_eq!(await_denial(&mut server.monitor), 400);
        assert!(server.socket.try_recv().is_err());
        assert!(server.socket.counters().peers.is_empty());
    }
}

#[test]
fn a_slow_authenticator_gets_done_though_peers_are_reviewed_all_the_time() {
    let _deadline = deadline();
    let server = scene(Curve, SocketType::Pull);
    // Its reviews take as long.
    server.context.set_authenticator(|_: &AuthRequest| {
        thread::sleep(Duration::from_millis(40));
        Verdict::accept("guest")
    });
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                server.context.review_peers();
                thread::sleep(Duration::from_millis(2));
            }
        });
        let clients = [(); 3].map(|()| client(Curve, SocketType::Push, &server.endpoint));
        for (client, _) in &clients {
            client.send("hello").unwrap();
        }
        let received = [(); 3].map(|()| server.socket.recv_timeout(PATIENCE));
        over.store(true, Ordering::SeqCst);
        for received in received {
            assert_eq!(received.unwrap()[0], "hello");
        }
    });
}

#[test]
fn a_crowd_that_wants_in_does_not_hold_up_who_has_to_go() {
    let _deadline = deadline();
    let mut server = scene(Plain, SocketType::Pull);
    let (answer, answers) = channel();
    let slow = Arc::new(Slow {
        asked: Mutex::default(),
        answers: Mutex::new(answers),
    });
    server.context.set_authenticator(Arc::clone(&slow));
    let (guest, _monitor) = client(Plain, SocketType::Push, &server.endpoint);
    answer.send(Verdict::accept("guest")).unwrap();
    guest.send("hello").unwrap();
    server.socket.recv_timeout(PATIENCE).unwrap();
    let crowd: Vec<(Socket, Monitor)> = (0..20)
        .map(|_| client(Plain, SocketType::Push, &server.endpoint))
        .collect();
    for _ in 0..=crowd.len() {
        await_event(&mut server.monitor, |kind| {
            matches!(kind, EventKind::Accepted { .. })
        });
    }
    eventually("one of them is judged", || {
        slow.asked.lock().unwrap().len() == 2
    });
    server.context.review_peers();
    answer
        .send(Verdict::deny(Denial::Refused, "one of them"))
        .unwrap();
    answer
        .send(Verdict::deny(Denial::Refused, "the guest"))
        .unwrap();
    eventually("the guest has to go", || {
        let mut ended = std::iter::from_fn(|| server.monitor.try_next());
        ended.any(|event| match event.kind {
            EventKind::Disconnected { reason, .. } => reason.contains("the guest"),
            _ => false,
        })
    });
    assert_eq!(slow.asked.lock().unwrap()[..3], ["in", "in", "stay"]);
}

#[test]
fn an_authenticator_can_have_peers_reviewed_by_itself() {
    let _deadline = deadline();
    #[derive(Default)]
    struct Door {
        closed: AtomicBool,
        reviewer: Mutex<Option<Reviewer>>,
    }
    impl Authenticator for Door {
        fn authenticate(&self, _: &AuthRequest) -> Verdict {
            match self.closed.load(Ordering::SeqCst) {
                false => Verdict::accept("guest"),
                true => Verdict::deny(Denial::Temporary, "closed"),
            }
        }
        fn installed(&self, reviewer: &Reviewer) {
            *self.reviewer.lock().unwrap() = Some(reviewer.clone());
        }
    }
    let door = Arc::new(Door::default());
    let mut server = scene(Curve, SocketType::Pull);
    server.context.set_authenticator(Arc::clone(&door));
    let (client, _monitor) = client(Curve, SocketType::Push, &server.endpoint);
    client.send("before").unwrap();
    server.socket.recv_timeout(PATIENCE).unwrap();
    let reviewer = door.reviewer.lock().unwrap().clone().unwrap();
    assert!(!reviewer.is_idle());
    door.closed.store(true, Ordering::SeqCst);
    reviewer.review();
    await_revocation(&mut server.monitor);
    // It was told to come again, and does.
    door.closed.store(false, Ordering::SeqCst);
    // What it sends before it notices goes down with the old connection.
    eventually("it is in again", || {
        let _ = client.try_send("after");
        server
            .socket
            .recv_timeout(Duration::from_millis(100))
            .is_ok()
    });
    drop((client, server));
    eventually("the context is gone", || reviewer.is_idle());
    reviewer.review();
}

#[test]
fn who_may_stay_stays_as_what_it_was_let_in_as() {
    let _deadline = deadline();
    /// Gives everybody another name each time.
    #[derive(Default)]
    struct Names {
        given: Mutex<Vec<String>>,
        renamed: AtomicBool,
    }
    impl Authenticator for Names {
        fn authenticate(&self, _: &AuthRequest) -> Verdict {
            let mut given = self.given.lock().unwrap();
            let name = format!("name {}", given.len());
            given.push(name.clone());
            Verdict::Accept(Grant {
                user_id: name.clone().into_bytes(),
                metadata: vec![("Called".to_owned(), name.into_bytes())],
            })
        }
        fn review(&self, request: &AuthRequest) -> Verdict {
            match self.renamed.load(Ordering::SeqCst) {
                false => self.authenticate(request),
                true => Verdict::deny(Denial::Temporary, "called something else"),
            }
        }
    }
    let names = Arc::new(Names::default());
    let given = || names.given.lock().unwrap().len();
    let mut server = scene(Curve, SocketType::Pull);
    server.context.set_authenticator(Arc::clone(&names));
    let (client, _monitor) = client(Curve, SocketType::Push, &server.endpoint);
    let expect = |name: &str| {
        let message = server.socket.recv_timeout(PATIENCE).unwrap();
        let peer = message.peer().unwrap();
        assert_eq!(peer.user_id.as_deref(), Some(name.as_bytes()));
        let called = peer.granted_property("Called").map(|called| &called[..]);
        assert_eq!(called, Some(name.as_bytes()));
    };
    client.send("before").unwrap();
    expect("name 0");
    server.context.review_peers();
    eventually("it is judged again", || given() == 2);
    client.send("after").unwrap();
    expect("name 0");
    // Who is to be called otherwise comes again.
    names.renamed.store(true, Ordering::SeqCst);
    server.context.review_peers();
    await_revocation(&mut server.monitor);
    await_event(&mut server.monitor, |kind| {
        matches!(kind, EventKind::HandshakeSucceeded)
    });
    client.send("again").unwrap();
    expect("name 2");
}

#[test]
fn handlers_of_zap_are_asked_again() {
    let _deadline = deadline();
    let mut server = scene(Plain, SocketType::Pull);
    let handler = server.context.socket(SocketType::Rep).unwrap();
    handler.bind("inproc://zeromq.zap.01").unwrap();
    let handled = thread::spawn(move || {
        for status in ["200", "200", "400", "400"] {
            let question = handler.recv_timeout(PATIENCE).unwrap();
            let reply = [
                "1.0",
                &question[1].to_text(),
                status,
                "so it is",
                "anna",
                "",
            ];
            handler.send(Multipart::from(reply)).unwrap();
        }
    });
    let (client, _monitor) = client(Plain, SocketType::Push, &server.endpoint);
    client.send("before").unwrap();
    server.socket.recv_timeout(PATIENCE).unwrap();
    server.context.review_peers();
    client.send("between").unwrap();
    server.socket.recv_timeout(PATIENCE).unwrap();
    server.context.review_peers();
    let reason = await_revocation(&mut server.monitor);
    assert!(reason.contains("so it is"), "{reason}");
    assert_eq!(await_denial(&mut server.monitor), 400);
    handled.join().unwrap();
}

#[test]
fn revoking_while_messages_stream_loses_no_count() {
    let _deadline = deadline();
    let mut server = scene(Null, SocketType::Pull);
    let open = while_open(&server.context);
    let (client, _monitor) = client(Null, SocketType::Push, &server.endpoint);
    let sender = thread::spawn(move || {
        let mut sent = 0_u64;
        while client
            .send_timeout("stream", Duration::from_millis(300))
            .is_ok()
        {
            sent += 1;
        }
        sent
    });
    let mut received = 0;
    while received < 1000 {
        server.socket.recv_timeout(PATIENCE).unwrap();
        received += 1;
    }
    open.store(false, Ordering::SeqCst);
    server.context.review_peers();
    await_revocation(&mut server.monitor);
    while server
        .socket
        .recv_timeout(Duration::from_millis(300))
        .is_ok()
    {
        received += 1;
    }
    assert!(sender.join().unwrap() >= received);
    let counters = server.socket.counters();
    assert_eq!((counters.messages_in, counters.queued_in), (received, 0));
    assert!(counters.peers.is_empty());
}
