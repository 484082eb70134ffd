//! Connections that are killed again and again, with a ledger of every message.

use std::iter;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use testkit::{Direction, Ending, FaultProxy, Ledger, PATIENCE, Random, Sender, eventually};
use zincmq::error::RecvFailure;
use zincmq::monitor::{Event, EventKind, Monitor};
use zincmq::options::opt;
use zincmq::{Context, Socket, SocketType};

use super::{deadline, eager, lane, send_all};

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

#[test]
fn row_26_push_and_pull_while_peers_are_killed_and_push_dials() {
    push_and_pull_while_peers_are_killed(true);
}

#[test]
fn row_26_push_and_pull_while_peers_are_killed_and_pull_dials() {
    push_and_pull_while_peers_are_killed(false);
}

/// PUSH sockets, each with a connection of its own that is killed again and
/// again; either end of it may be the one that dials.
fn push_and_pull_while_peers_are_killed(push_dials: bool) {
    let _deadline = deadline();
    let context = Context::new();
    let ledger = Ledger::new();
    let last: Arc<Vec<AtomicU64>> = Arc::new((0..SENDERS).map(|_| AtomicU64::new(0)).collect());
    let pull = eager(&context, SocketType::Pull);
    let (mut pushes, mut monitors, mut proxies) = (Vec::new(), Vec::new(), Vec::new());
    let bound = push_dials.then(|| pull.bind("tcp://127.0.0.1:*").unwrap());
    for _ in 0..SENDERS {
        let push = eager(&context, SocketType::Push);
        monitors.push(push.monitor());
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
    for (index, (push, monitor)) in pushes.iter().zip(monitors).enumerate() {
        let killer = Killer::start(&proxies[index], vec![monitor], index as u64, 20);
        let (push, last, sender) = (Arc::clone(push), Arc::clone(&last), ledger.sender());
        threads.push(thread::spawn(move || {
            send_under_fire(&push, sender, killer, &last[index]);
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
        let monitor = dealer.monitor();
        dealer.connect(proxy.endpoint()).unwrap();
        let killer = Killer::start(&proxy, vec![monitor], index as u64, 20);
        let (socket, last, sender) = (Arc::clone(&dealer), Arc::clone(&last), requests.sender());
        threads.push(thread::spawn(move || {
            send_under_fire(&socket, sender, killer, &last[index]);
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
        let (mut pushes, mut monitors) = (Vec::new(), Vec::new());
        for _ in 0..if shared { 1 } else { 8 } {
            let push = eager(&context, SocketType::Push);
            monitors.push(push.monitor());
            push.connect(proxy.endpoint()).unwrap();
            pushes.push(Arc::new(push));
        }
        let killer = Killer::start(&proxy, monitors, 22, 12);
        let last: Arc<Vec<AtomicU64>> = Arc::new((0..8).map(|_| AtomicU64::new(0)).collect());
        let threads: Vec<_> = pushes
            .iter()
            .cycle()
            .take(8)
            .map(|push| {
                let (push, mut sender) = (Arc::clone(push), ledger.sender());
                thread::spawn(move || {
                    send_all(&push, &mut sender, None, 4000);
                    (push, sender)
                })
            })
            .collect();
        let after_all = {
            let last = Arc::clone(&last);
            thread::spawn(move || {
                let senders: Vec<_> = threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap())
                    .collect();
                killer.stop();
                for ((push, mut sender), last) in senders.into_iter().zip(last.iter()) {
                    send_all(&push, &mut sender, None, UNHARMED);
                    last.store(sender.sent(), Ordering::SeqCst);
                }
            })
        };
        receive_all(&pull, &ledger, false, &last);
        after_all.join().unwrap();
        assert!(proxy.killed() > 0, "nothing was killed");
        let delivered = ledger.balance().delivered;
        assert!(delivered >= 8 * UNHARMED, "{delivered}");
    }
}

/// What a fault proxy's connections are put through.
struct Killer {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    proxy: FaultProxy,
    monitors: Vec<Monitor>,
}

impl Killer {
    /// Kills all of the proxy's connections now and then, `most` times and at
    /// least once. `monitors` are those of the sockets on one side of it.
    fn start(proxy: &FaultProxy, monitors: Vec<Monitor>, seed: u64, most: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (victims, stop) = (proxy.clone(), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let mut random = Random::new(seed);
            let through = || {
                victims
                    .forwarded(Direction::ToServer)
                    .max(victims.forwarded(Direction::ToClient))
            };
            let (mut kills, mut before) = (0, 0);
            while kills < most && !(kills > 0 && stop.load(Ordering::SeqCst)) {
                thread::sleep(Duration::from_micros(2000 + random.below(8000)));
                // On a machine that is held up nothing would ever get through
                // else. Every fourth may hit a handshake.
                if kills % 4 > 0 && through() < before + PROGRESS {
                    continue;
                }
                let ending = if random.below(2) == 0 {
                    Ending::Reset
                } else {
                    Ending::Close
                };
                if victims.kill(ending) > 0 {
                    kills += 1;
                    before = through();
                }
            }
        });
        Self {
            over,
            thread,
            proxy: proxy.clone(),
            monitors,
        }
    }

    /// Returns when the sockets know of every connection that was killed: what
    /// they send from then on goes over one that lives.
    fn stop(mut self) {
        self.over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        let mut ended = 0;
        eventually("the sockets know of every kill", || {
            for event in self.monitors.iter_mut().flat_map(news) {
                // The second for one that was killed before it was known to
                // be there.
                ended += u64::from(matches!(
                    event.kind,
                    EventKind::Disconnected { .. } | EventKind::Closed { .. }
                ));
            }
            ended >= self.proxy.killed()
        });
    }
}

fn news(monitor: &mut Monitor) -> impl Iterator<Item = Event> {
    iter::from_fn(|| monitor.try_next())
}

/// Bytes that go through between most kills.
const PROGRESS: u64 = 20_000;
const SENDERS: usize = 3;
const MESSAGES: u64 = 20_000;
/// Messages sent after the last kill.
const UNHARMED: u64 = 100;

/// Sends while connections are killed, then some more that nothing befalls,
/// and tells in `last` how many that were in all.
fn send_under_fire(socket: &Socket, mut sender: Sender, killer: Killer, last: &AtomicU64) {
    send_all(socket, &mut sender, None, MESSAGES);
    killer.stop();
    send_all(socket, &mut sender, None, UNHARMED);
    last.store(sender.sent(), Ordering::SeqCst);
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
