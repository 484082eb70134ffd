//! Connections that break and come back, sockets that close with a backlog,
//! contexts that end under blocked calls, processes that fork. The rows are
//! those of the project's list of faults.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use testkit::{
    Deadline, Direction, Ending, FaultProxy, Ledger, PATIENCE, PeerListener, Random, ScriptedPeer,
    Sender, Version, eventually, open_descriptors, own_process,
};
use zincmq::error::{RecvFailure, SendFailure, SocketError, TermError};
use zincmq::monitor::{EventKind, Monitor};
use zincmq::options::{OptionValue, opt};
use zincmq::{Context, Multipart, Socket, SocketType};

fn deadline() -> Deadline {
    Deadline::new(Duration::from_secs(40))
}

fn multipart<P: Into<zincmq::Message>>(parts: impl IntoIterator<Item = P>) -> Multipart {
    parts.into_iter().map(Into::into).collect()
}

/// A socket that comes back soon after it lost its connection.
fn eager(context: &Context, socket_type: SocketType) -> Socket {
    let socket = context.socket(socket_type).unwrap();
    socket
        .set(opt::ReconnectInterval(Some(Duration::from_millis(2))))
        .unwrap();
    socket
}

/// The connection a message came over: the order holds on each.
fn lane(message: &Multipart) -> u64 {
    let peer = message.peer().expect("what comes over tcp has a peer");
    std::ptr::from_ref(peer) as u64
}

#[test]
fn a_dialled_socket_comes_back_after_reset_and_close() {
    let deadline = deadline();
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let proxy = FaultProxy::new(&pull.bind("tcp://127.0.0.1:*").unwrap());
    let push = eager(&context, SocketType::Push);
    let mut monitor = push.monitor();
    push.connect(proxy.endpoint()).unwrap();
    await_event(&mut monitor, |kind| *kind == EventKind::HandshakeSucceeded);
    for round in 0..10u32 {
        deadline.step(format!("round {round}"));
        push.send_timeout(&round.to_be_bytes()[..], PATIENCE)
            .unwrap();
        assert_eq!(pull.recv_timeout(PATIENCE).unwrap()[0], round.to_be_bytes());
        let ending = match round % 2 {
            0 => Ending::Reset,
            _ => Ending::Close,
        };
        assert_eq!(proxy.kill(ending), 1);
        // What is sent before it is noticed may be lost with the connection.
        await_event(&mut monitor, |kind| {
            matches!(kind, EventKind::Disconnected { .. })
        });
        await_event(&mut monitor, |kind| {
            matches!(kind, EventKind::ConnectRetried { .. })
        });
        await_event(&mut monitor, |kind| *kind == EventKind::HandshakeSucceeded);
    }
    assert_eq!(proxy.accepted(), 11);
    assert_eq!(push.counters().lost, 0);
}

fn await_event(monitor: &mut Monitor, wanted: impl Fn(&EventKind) -> bool) {
    let mut others = Vec::new();
    while let Some(event) = monitor.next_timeout(PATIENCE) {
        if wanted(&event.kind) {
            return;
        }
        others.push(event.kind);
    }
    panic!("the event did not come, only {others:?}");
}

/// What a fault proxy's connections are put through.
struct Killer {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Killer {
    /// Kills all of the proxy's connections now and then, `most` times.
    fn start(proxy: &FaultProxy, seed: u64, most: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (proxy, stop) = (proxy.clone(), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let mut random = Random::new(seed);
            for _ in 0..most {
                thread::sleep(Duration::from_micros(2000 + random.below(8000)));
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let ending = if random.below(2) == 0 {
                    Ending::Reset
                } else {
                    Ending::Close
                };
                proxy.kill(ending);
            }
        });
        Self { over, thread }
    }

    fn stop(self) {
        self.over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
    }
}

const SENDERS: usize = 3;
const MESSAGES: u64 = 20_000;

/// Sends until the killer is done, and then some, so that the end arrives.
fn send_all(socket: &Socket, sender: &mut Sender, to: Option<&[u8]>, count: u64) {
    let mut random = Random::new(u64::from(sender.number()));
    for _ in 0..count {
        let parts = 1 + random.below(3) as u16;
        let mut message = sender.message(parts, random.below(200) as usize);
        if let Some(to) = to {
            message.insert(0, to.to_vec());
        }
        socket.send_timeout(multipart(message), PATIENCE).unwrap();
    }
}

/// Receives until every sender's last message is there and nothing follows.
fn receive_all(socket: &Socket, ledger: &Ledger, envelope: bool, last: &[AtomicU64]) {
    loop {
        match socket.recv_timeout(Duration::from_millis(300)) {
            Ok(message) => {
                let lane = lane(&message);
                let parts = message.iter().skip(usize::from(envelope));
                if let Err(breach) = ledger.deliver(lane, parts) {
                    panic!("{breach}");
                }
            }
            Err(RecvFailure::TimedOut) => {
                let all_sent = last.iter().all(|last| last.load(Ordering::SeqCst) > 0);
                if all_sent && ends_arrived(ledger, last) {
                    return;
                }
            }
            Err(other) => panic!("{other}"),
        }
    }
}

fn ends_arrived(ledger: &Ledger, last: &[AtomicU64]) -> bool {
    let gaps = ledger.balance().gaps;
    last.iter().enumerate().all(|(sender, last)| {
        let sent = last.load(Ordering::SeqCst);
        !gaps
            .iter()
            .any(|gap| gap.sender as usize == sender && gap.first + gap.len == sent)
    })
}

/// PUSH sockets, each with a connection of its own that is killed again and
/// again; either end of it may be the one that dials.
fn push_and_pull_while_peers_are_killed(push_dials: bool) {
    let _deadline = deadline();
    let context = Context::new();
    let ledger = Ledger::new();
    let last: Arc<Vec<AtomicU64>> = Arc::new((0..SENDERS).map(|_| AtomicU64::new(0)).collect());
    let pull = eager(&context, SocketType::Pull);
    let (mut pushes, mut proxies) = (Vec::new(), Vec::new());
    let bound = push_dials.then(|| pull.bind("tcp://127.0.0.1:*").unwrap());
    for _ in 0..SENDERS {
        let push = eager(&context, SocketType::Push);
        let proxy = match &bound {
            Some(endpoint) => {
                let proxy = FaultProxy::new(endpoint);
                push.connect(proxy.endpoint()).unwrap();
                proxy
            }
            None => {
                let proxy = FaultProxy::new(&push.bind("tcp://127.0.0.1:*").unwrap());
                pull.connect(proxy.endpoint()).unwrap();
                proxy
            }
        };
        pushes.push(Arc::new(push));
        proxies.push(proxy);
    }
    let mut threads = Vec::new();
    for (index, push) in pushes.iter().enumerate() {
        let killer = Killer::start(&proxies[index], index as u64, 20);
        let (push, last, mut sender) = (Arc::clone(push), Arc::clone(&last), ledger.sender());
        threads.push(thread::spawn(move || {
            send_all(&push, &mut sender, None, MESSAGES);
            killer.stop();
            // The last kill may still be on its way up.
            let mut quiet = 0;
            while quiet < 3 {
                thread::sleep(Duration::from_millis(20));
                quiet = if push.counters().queued_out == 0 {
                    quiet + 1
                } else {
                    0
                };
            }
            send_all(&push, &mut sender, None, 100);
            last[index].store(sender.sent(), Ordering::SeqCst);
        }));
    }
    receive_all(&pull, &ledger, false, &last);
    for thread in threads {
        thread.join().unwrap();
    }
    let balance = ledger.balance();
    let (mut lost, mut queued, mut out) = (0, 0, 0);
    for push in &pushes {
        let counters = push.counters();
        lost += counters.lost;
        queued += counters.queued_out;
        out += counters.messages_out;
    }
    assert_eq!(
        out, balance.sent,
        "what a send accepted is in a queue or was"
    );
    assert_eq!(queued, 0);
    assert_eq!(pull.counters().messages_in, balance.delivered);
    // The rest was handed to the system and died with its connection.
    let handed = out - lost;
    assert!(
        handed >= balance.delivered,
        "{handed} handed over, {} delivered",
        balance.delivered
    );
    balance.expect_accounted(&[
        ("lost with its peer's queue", lost),
        ("lost under way", handed - balance.delivered),
    ]);
    for (index, proxy) in proxies.iter().enumerate() {
        let gaps = balance
            .gaps
            .iter()
            .filter(|gap| gap.sender as usize == index);
        let (gaps, killed) = (gaps.count() as u64, proxy.killed());
        assert!(killed > 0, "nothing was killed");
        assert!(
            gaps <= killed,
            "sender {index}: {gaps} gaps by {killed} kills"
        );
    }
}

#[test]
fn row_26_push_and_pull_while_peers_are_killed_and_push_dials() {
    push_and_pull_while_peers_are_killed(true);
}

#[test]
fn row_26_push_and_pull_while_peers_are_killed_and_pull_dials() {
    push_and_pull_while_peers_are_killed(false);
}

#[test]
fn row_26_dealer_and_router_while_peers_are_killed() {
    let _deadline = deadline();
    let context = Context::new();
    let (requests, replies) = (Ledger::new(), Ledger::new());
    let last: Arc<Vec<AtomicU64>> = Arc::new((0..SENDERS).map(|_| AtomicU64::new(0)).collect());
    let router = Arc::new(context.socket(SocketType::Router).unwrap());
    router.set(opt::RouterHandover(true)).unwrap();
    let endpoint = router.bind("tcp://127.0.0.1:*").unwrap();
    let (mut dealers, mut threads, mut proxies) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..SENDERS {
        let dealer = Arc::new(eager(&context, SocketType::Dealer));
        dealer
            .set(opt::RoutingId(format!("dealer {index}").into()))
            .unwrap();
        let proxy = FaultProxy::new(&endpoint);
        dealer.connect(proxy.endpoint()).unwrap();
        let killer = Killer::start(&proxy, index as u64, 20);
        let (socket, last, mut sender) =
            (Arc::clone(&dealer), Arc::clone(&last), requests.sender());
        threads.push(thread::spawn(move || {
            send_all(&socket, &mut sender, None, MESSAGES);
            killer.stop();
            let mut quiet = 0;
            while quiet < 3 {
                thread::sleep(Duration::from_millis(20));
                quiet = if socket.counters().queued_out == 0 {
                    quiet + 1
                } else {
                    0
                };
            }
            send_all(&socket, &mut sender, None, 100);
            last[index].store(sender.sent(), Ordering::SeqCst);
        }));
        dealers.push(dealer);
        proxies.push(proxy);
    }
    // Replies go out meanwhile, to peers that may be there or not.
    let over = Arc::new(AtomicBool::new(false));
    let mut senders: Vec<Sender> = (0..SENDERS).map(|_| replies.sender()).collect();
    let replier = {
        let (router, over) = (Arc::clone(&router), Arc::clone(&over));
        thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                for (index, sender) in senders.iter_mut().enumerate() {
                    let to = format!("dealer {index}");
                    send_all(&router, sender, Some(to.as_bytes()), 20);
                }
                thread::sleep(Duration::from_millis(1));
            }
        })
    };
    let readers: Vec<JoinHandle<()>> = dealers
        .iter()
        .map(|dealer| {
            let (dealer, over, replies) = (Arc::clone(dealer), Arc::clone(&over), replies.clone());
            thread::spawn(move || {
                loop {
                    match dealer.recv_timeout(Duration::from_millis(300)) {
                        Ok(message) => {
                            if let Err(breach) = replies.deliver(lane(&message), message.iter()) {
                                panic!("{breach}");
                            }
                        }
                        Err(_) if over.load(Ordering::SeqCst) => return,
                        Err(RecvFailure::TimedOut) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        })
        .collect();
    receive_all(&router, &requests, true, &last);
    over.store(true, Ordering::SeqCst);
    for thread in threads.into_iter().chain(readers).chain([replier]) {
        thread.join().unwrap();
    }

    let asked = requests.balance();
    let (mut out, mut lost, mut read) = (0, 0, 0);
    for dealer in &dealers {
        let counters = dealer.counters();
        out += counters.messages_out;
        lost += counters.lost;
        read += counters.messages_in;
        assert_eq!(counters.queued_out, 0);
    }
    assert_eq!(out, asked.sent);
    let handed = out - lost;
    assert!(handed >= asked.delivered);
    asked.expect_accounted(&[
        ("lost with its peer's queue", lost),
        ("lost under way", handed - asked.delivered),
    ]);
    for (index, proxy) in proxies.iter().enumerate() {
        let gaps = asked.gaps.iter().filter(|gap| gap.sender as usize == index);
        let (gaps, killed) = (gaps.count() as u64, proxy.killed());
        assert!(
            killed > 0 && gaps <= killed,
            "{gaps} gaps by {killed} kills"
        );
    }

    let answered = replies.balance();
    let counters = router.counters();
    assert_eq!(counters.messages_in, asked.delivered);
    assert_eq!(read, answered.delivered);
    assert_eq!(
        answered.sent,
        counters.messages_out + counters.dropped_no_route + counters.dropped_full,
        "{counters:?}"
    );
    let handed = counters.messages_out - counters.lost - counters.queued_out;
    assert!(handed >= answered.delivered, "{counters:?}");
    answered.expect_accounted(&[
        ("queued", counters.queued_out),
        ("no route", counters.dropped_no_route),
        ("full", counters.dropped_full),
        ("lost with its peer's queue", counters.lost),
        ("lost under way", handed - answered.delivered),
    ]);
}

/// A slow network that tears everything apart loses nothing.
#[test]
fn row_24_a_stream_in_pieces_arrives_whole() {
    let _deadline = deadline();
    let context = Context::new();
    let ledger = Ledger::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let proxy = FaultProxy::new(&pull.bind("tcp://127.0.0.1:*").unwrap());
    proxy.split(7);
    let push = context.socket(SocketType::Push).unwrap();
    push.connect(proxy.endpoint()).unwrap();
    let mut sender = ledger.sender();
    let sending = thread::spawn(move || {
        send_all(&push, &mut sender, None, 2000);
        push
    });
    for _ in 0..2000 {
        let message = pull.recv_timeout(PATIENCE).unwrap();
        ledger.deliver(lane(&message), message.iter()).unwrap();
    }
    sending.join().unwrap();
    ledger.balance().expect_complete();
}

/// A proxy that holds everything back for a while fills the queues up to
/// their marks and no further, and then loses nothing.
#[test]
fn a_stopped_network_mutes_the_sender_and_loses_nothing() {
    let _deadline = deadline();
    let context = Context::new();
    let ledger = Ledger::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.set(opt::ReceiveHighWaterMark(10)).unwrap();
    let proxy = FaultProxy::new(&pull.bind("tcp://127.0.0.1:*").unwrap());
    let push = context.socket(SocketType::Push).unwrap();
    push.set(opt::SendHighWaterMark(10)).unwrap();
    push.connect(proxy.endpoint()).unwrap();
    let mut sender = ledger.sender();
    send_all(&push, &mut sender, None, 1);
    let message = pull.recv_timeout(PATIENCE).unwrap();
    ledger.deliver(lane(&message), message.iter()).unwrap();
    proxy.stop(Direction::ToServer);
    loop {
        let message = multipart(sender.message(2, 20_000));
        match push.send_timeout(message, Duration::from_millis(200)) {
            Ok(()) => {}
            Err(refused) => {
                assert_eq!(refused.failure(), SendFailure::TimedOut);
                assert_eq!(refused.into_message().len(), 2, "it comes back whole");
                sender.take_back();
                break;
            }
        }
    }
    assert!(push.counters().queued_out <= 10);
    proxy.resume();
    while ledger.delivered() < sender.sent() {
        let message = pull.recv_timeout(PATIENCE).unwrap();
        ledger.deliver(lane(&message), message.iter()).unwrap();
    }
    ledger.balance().expect_complete();
}

/// Eight threads, multipart messages, peers killed: no message is made of
/// parts of two. First over eight sockets, then over one that they share.
#[test]
fn row_22_multipart_messages_of_eight_senders_never_mix() {
    let _deadline = deadline();
    for shared in [false, true] {
        let context = Context::new();
        let ledger = Ledger::new();
        let pull = context.socket(SocketType::Pull).unwrap();
        let proxy = FaultProxy::new(&pull.bind("tcp://127.0.0.1:*").unwrap());
        let connected = || {
            let push = eager(&context, SocketType::Push);
            push.connect(proxy.endpoint()).unwrap();
            Arc::new(push)
        };
        let one = connected();
        let killer = Killer::start(&proxy, 22, 25);
        let last: Arc<Vec<AtomicU64>> = Arc::new((0..8).map(|_| AtomicU64::new(0)).collect());
        let threads: Vec<_> = (0..8)
            .map(|index| {
                let push = if shared {
                    Arc::clone(&one)
                } else {
                    connected()
                };
                let (mut sender, last) = (ledger.sender(), Arc::clone(&last));
                thread::spawn(move || {
                    send_all(&push, &mut sender, None, 4000);
                    last[index].store(sender.sent(), Ordering::SeqCst);
                    push
                })
            })
            .collect();
        let mut silent = 0;
        while silent < 2 {
            match pull.recv_timeout(Duration::from_millis(300)) {
                Ok(message) => {
                    silent = 0;
                    if let Err(breach) = ledger.deliver(lane(&message), message.iter()) {
                        panic!("{breach}");
                    }
                }
                Err(_) if last.iter().all(|last| last.load(Ordering::SeqCst) > 0) => silent += 1,
                Err(_) => {}
            }
        }
        killer.stop();
        for thread in threads {
            thread.join().unwrap();
        }
        let balance = ledger.balance();
        assert!(proxy.killed() > 0);
        assert!(
            balance.delivered > balance.sent / 10,
            "{}",
            balance.delivered
        );
    }
}

/// Transports over which a backlog can be had.
const BACKLOG_ENDPOINTS: [&str; 2] = ["tcp://127.0.0.1:*", "ipc://*"];

/// A PUSH with more queued than the system takes, and its peer, who does not
/// read so far.
fn backlog(context: &Context, endpoint: &str, linger: Option<Duration>) -> (Socket, ScriptedPeer) {
    let push = context.socket(SocketType::Push).unwrap();
    push.set(opt::Linger(linger)).unwrap();
    push.set(opt::SendHighWaterMark(100_000)).unwrap();
    let endpoint = push.bind(endpoint).unwrap();
    let peer = ScriptedPeer::connect_as(&endpoint, Version::V3_1, "PULL");
    for index in 0..BACKLOG {
        let mut body = vec![7; 10_000];
        body[..4].copy_from_slice(&index.to_be_bytes());
        push.send_timeout(body, PATIENCE).unwrap();
    }
    eventually("the system is full", || {
        let queued = push.counters().queued_out;
        thread::sleep(Duration::from_millis(10));
        queued == push.counters().queued_out
    });
    assert!(push.counters().queued_out > 0, "no backlog came about");
    (push, peer)
}

const BACKLOG: u32 = 1500;

#[test]
fn row_27_linger_without_limit_sends_everything() {
    let deadline = deadline();
    for endpoint in BACKLOG_ENDPOINTS {
        deadline.step(endpoint);
        let context = Context::new();
        let (push, mut peer) = backlog(&context, endpoint, None);
        drop(push);
        let term = {
            let context = context.clone();
            thread::spawn(move || context.term())
        };
        thread::sleep(Duration::from_millis(100));
        assert!(!term.is_finished(), "it did not wait");
        for index in 0..BACKLOG {
            let message = peer.read_message();
            assert!(message.len() == 1 && message[0].len() == 10_000);
            assert_eq!(message[0][..4], index.to_be_bytes());
        }
        term.join().unwrap().unwrap();
        assert!(peer.expect_close().is_empty());
    }
}

#[test]
fn row_27_linger_of_nothing_ends_at_once() {
    let deadline = deadline();
    for endpoint in BACKLOG_ENDPOINTS {
        deadline.step(endpoint);
        let context = Context::new();
        let (push, mut peer) = backlog(&context, endpoint, Some(Duration::ZERO));
        drop(push);
        context.term().unwrap();
        let rest = peer.expect_close();
        assert!(rest.len() < BACKLOG as usize * 10_002, "all was sent");
    }
}

#[test]
fn row_27_linger_with_a_limit_ends_then() {
    let deadline = deadline();
    for endpoint in BACKLOG_ENDPOINTS {
        deadline.step(endpoint);
        let limit = Duration::from_millis(300);
        let context = Context::new();
        let (push, peer) = backlog(&context, endpoint, Some(limit));
        let start = Instant::now();
        drop(push);
        context.term().unwrap();
        assert!(start.elapsed() >= limit, "{:?}", start.elapsed());
        drop(peer);
        // With time enough it does not wait for the limit.
        let context = Context::new();
        let (push, mut peer) = backlog(&context, endpoint, Some(Duration::from_secs(3600)));
        drop(push);
        for _ in 0..BACKLOG {
            peer.read_message();
        }
        context.term().unwrap();
    }
}

#[test]
fn row_27_linger_covers_peers_that_are_yet_to_come() {
    let _deadline = deadline();
    let listener = PeerListener::tcp();
    let endpoint = listener.endpoint().to_owned();
    drop(listener);
    let context = Context::new();
    let push = eager(&context, SocketType::Push);
    push.connect(&endpoint).unwrap();
    push.send("early").unwrap();
    drop(push);
    assert_eq!(
        context.term_timeout(Duration::from_millis(50)),
        Err(TermError::TimedOut { open: 1 })
    );
    let listener = PeerListener::tcp_at(endpoint.strip_prefix("tcp://").unwrap());
    let mut peer = listener.accept_as(Version::V3_1, "PULL");
    peer.expect_message(&[b"early"]);
    context.term().unwrap();
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
        thread::sleep(Duration::from_micros(random.below(2000)));
        context.term_timeout(PATIENCE).unwrap();
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
    for round in 0..100 {
        deadline.step(format!("round {round}"));
        let context = Context::new();
        let endings: [(fn(&Context, &Socket), RecvFailure); 2] = [
            (|_, socket| socket.close(), RecvFailure::Closed),
            (|context, _| context.shutdown(), RecvFailure::Terminated),
        ];
        for (end, expected) in endings {
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
            end(&context, &socket);
            for thread in blocked {
                assert_eq!(thread.join().unwrap(), expected);
            }
        }
    }
}

#[test]
fn row_30_every_client_is_back_after_each_restart() {
    own_process(
        "row_30_every_client_is_back_after_each_restart",
        Duration::from_secs(60),
        || {
            const CLIENTS: usize = 60;
            const RESTARTS: u32 = 6;
            let deadline = deadline();
            let nothing = open_descriptors();
            let context = Context::new();
            let listener = PeerListener::tcp();
            let endpoint = listener.endpoint().to_owned();
            drop(listener);
            let clients: Vec<Socket> = (0..CLIENTS)
                .map(|index| {
                    let client = eager(&context, SocketType::Dealer);
                    client
                        .set(opt::ReconnectIntervalMax(Some(Duration::from_millis(50))))
                        .unwrap();
                    client
                        .set(opt::RoutingId(format!("client {index}").into()))
                        .unwrap();
                    client.connect(&endpoint).unwrap();
                    client
                })
                .collect();
            let mut baseline = None;
            for restart in 0..RESTARTS {
                deadline.step(format!("restart {restart}"));
                let server_context = Context::new();
                let server = server_context.socket(SocketType::Router).unwrap();
                let mut monitor = server.monitor();
                server.bind(&endpoint).unwrap();
                let mut back = 0;
                while back < CLIENTS {
                    let event = monitor.next_timeout(PATIENCE).expect("all come back");
                    back += usize::from(event.kind == EventKind::HandshakeSucceeded);
                }
                for client in &clients {
                    client
                        .send_timeout(&restart.to_be_bytes()[..], PATIENCE)
                        .unwrap();
                }
                for _ in 0..CLIENTS {
                    let request = server.recv_timeout(PATIENCE).unwrap();
                    assert_eq!(request[1], restart.to_be_bytes());
                    server.send(request).unwrap();
                }
                for client in &clients {
                    let reply = client.recv_timeout(PATIENCE).unwrap();
                    assert_eq!(reply[0], restart.to_be_bytes());
                }
                let open = open_descriptors();
                assert_eq!(*baseline.get_or_insert(open), open, "restart {restart}");
                drop(server);
                server_context.term().unwrap();
            }
            drop(clients);
            context.term().unwrap();
            drop(context);
            eventually("no descriptor is left", || open_descriptors() <= nothing);
        },
    );
}

#[test]
fn row_31_five_thousand_subscriptions_are_in_force_after_a_restart_too() {
    const COUNT: usize = 5000;
    let deadline = deadline();
    let context = Context::new();
    let listener = PeerListener::tcp();
    let endpoint = listener.endpoint().to_owned();
    drop(listener);
    let subscriber = eager(&context, SocketType::Sub);
    subscriber.connect(&endpoint).unwrap();
    let topic = |index: usize| format!("topic {index:04}.");
    for index in 0..COUNT {
        subscriber.subscribe(topic(index)).unwrap();
    }
    for restart in 0..3 {
        deadline.step(format!("publisher {restart}"));
        let context = Context::new();
        let publisher = context.socket(SocketType::Pub).unwrap();
        publisher.bind(&endpoint).unwrap();
        eventually("all are in force", || {
            publisher.option_by_name("TOPICS_COUNT").unwrap() == OptionValue::Int(COUNT as i32)
        });
        for batch in (0..COUNT).collect::<Vec<_>>().chunks(500) {
            for index in batch {
                publisher.send(topic(*index)).unwrap();
                publisher.send("topic none").unwrap();
            }
            for index in batch {
                let message = subscriber.recv_timeout(PATIENCE).unwrap();
                assert_eq!(message[0], topic(*index));
            }
        }
        assert!(subscriber.try_recv().is_err());
        drop(publisher);
        context.term().unwrap();
    }
}

#[test]
fn row_35_fork() {
    own_process("row_35_fork", Duration::from_secs(30), || {
        let context = Context::new();
        let pull = context.socket(SocketType::Pull).unwrap();
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
        let push = context.socket(SocketType::Push).unwrap();
        push.connect(&endpoint).unwrap();
        let ledger = Ledger::new();
        let mut sender = ledger.sender();
        send_all(&push, &mut sender, None, 1);
        let message = pull.recv_timeout(PATIENCE).unwrap();
        ledger.deliver(0, message.iter()).unwrap();
        for _ in 0..5 {
            // Some are under way while the process forks.
            send_all(&push, &mut sender, None, 100);
            let child = fork(|| in_child(context.clone(), &pull, &push));
            send_all(&push, &mut sender, None, 100);
            assert_eq!(wait_for(child), 0, "the child's checks, by number");
        }
        while ledger.delivered() < sender.sent() {
            let message = pull.recv_timeout(PATIENCE).unwrap();
            ledger.deliver(0, message.iter()).unwrap();
        }
        ledger.balance().expect_complete();
        drop((push, pull));
        context.term().unwrap();
    });
}

/// The number of the first check that fails in the child, or 0.
fn in_child(inherited: Context, pull: &Socket, push: &Socket) -> i32 {
    let checks: [(i32, bool); 6] = [
        (1, pull.recv() == Err(RecvFailure::Forked)),
        (2, pull.try_recv() == Err(RecvFailure::Forked)),
        (
            3,
            push.send("x").map_err(|error| error.failure()) == Err(SendFailure::Forked),
        ),
        (4, push.bind("tcp://127.0.0.1:*").is_err()),
        (
            5,
            matches!(inherited.socket(SocketType::Pair), Err(SocketError::Forked)),
        ),
        (6, inherited.term() == Err(TermError::Forked)),
    ];
    if let Some((number, _)) = checks.into_iter().find(|(_, holds)| !holds) {
        return number;
    }
    push.close();
    drop(inherited);
    let context = Context::new();
    let answer = || -> Result<Multipart, Box<dyn std::error::Error>> {
        let rep = context.socket(SocketType::Rep)?;
        let req = context.socket(SocketType::Req)?;
        req.connect(&rep.bind("tcp://127.0.0.1:*")?)?;
        req.send_timeout("question", PATIENCE)?;
        let question = rep.recv_timeout(PATIENCE)?;
        rep.send_timeout(question, PATIENCE)?;
        Ok(req.recv_timeout(PATIENCE)?)
    };
    match answer() {
        Ok(message) if message[0] == "question" => {}
        _ => return 7,
    }
    if context.term_timeout(PATIENCE).is_err() {
        return 8;
    }
    0
}

/// Forks; the child runs `body` and ends with what it returns.
fn fork(body: impl FnOnce() -> i32) -> libc::pid_t {
    // SAFETY: the child calls nothing but `body` and `_exit`. What `body` does
    // is just what a program may do after a fork with this library; the
    // allocator can be used, as glibc sees to its locks.
    match unsafe { libc::fork() } {
        0 => {
            let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(99);
            // SAFETY: ends this process, without what the parent set up to
            // run at its own end.
            unsafe { libc::_exit(code) }
        }
        child => child,
    }
}

/// The child's exit code; -1 if it had to be killed.
fn wait_for(child: libc::pid_t) -> i32 {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut status = 0;
        // SAFETY: `status` outlives the call, and the child is ours.
        let ended = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
        if ended == child {
            return if libc::WIFEXITED(status) {
                libc::WEXITSTATUS(status)
            } else {
                -1
            };
        }
        if Instant::now() > end {
            // SAFETY: the child is ours and not yet waited for.
            unsafe { libc::kill(child, libc::SIGKILL) };
            return -1;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn row_35_exec_inherits_no_descriptor() {
    let _deadline = deadline();
    let inherited = || {
        let output = std::process::Command::new("ls")
            .arg("/proc/self/fd")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    // What this process itself was started with.
    let before = inherited();
    let context = Context::new();
    let mut sockets = Vec::new();
    for endpoint in ["tcp://127.0.0.1:*", "ipc://*"] {
        let pull = context.socket(SocketType::Pull).unwrap();
        let push = context.socket(SocketType::Push).unwrap();
        push.connect(&pull.bind(endpoint).unwrap()).unwrap();
        push.send("hello").unwrap();
        pull.recv_timeout(PATIENCE).unwrap();
        sockets.push((push, pull));
    }
    assert_eq!(inherited(), before);
}
