//! Connections that are killed again and again, with a ledger of every message.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use testkit::{Ending, FaultProxy, Ledger, PATIENCE, Random, Sender};
use zincmq::error::RecvFailure;
use zincmq::monitor::{EventKind, Monitor};
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
        dealer.connect(proxy.endpoint()).unwrap();
        let killer = Killer::start(&proxy, index as u64, 20);
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

/// Sends while connections are killed, then some more that nothing befalls,
/// and tells in `last` how many that were in all.
fn send_under_fire(socket: &Socket, mut sender: Sender, killer: Killer, last: &AtomicU64) {
    send_all(socket, &mut sender, None, MESSAGES);
    killer.stop();
    // The news of the last kill may still be on its way up.
    let mut quiet = 0;
    while quiet < 3 {
        thread::sleep(Duration::from_millis(20));
        quiet = match socket.counters().queued_out {
            0 => quiet + 1,
            _ => 0,
        };
    }
    send_all(socket, &mut sender, None, 100);
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
