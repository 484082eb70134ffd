//! What is asked of an authenticator, while much else is.

use std::panic::panic_any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::*;
use testkit::{ScriptedPeer, eventually, wire};
use zincmq::security::Authenticator;

/// A client of PLAIN that waits for its verdict.
fn asking(endpoint: &str, name: &str) -> ScriptedPeer {
    let mut peer = ScriptedPeer::connect(endpoint);
    peer.set_patience(PATIENCE);
    peer.send(&wire::greeting(1, "PLAIN", false));
    peer.read(64);
    let len = u8::try_from(name.len()).unwrap();
    peer.send_command("HELLO", &[&[len], name.as_bytes(), &[0]].concat());
    peer
}

fn server(context: &Context) -> (Socket, String) {
    let socket = context.socket(SocketType::Pull).unwrap();
    Plain.serve(&socket);
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    (socket, endpoint)
}

#[test]
fn reviews_hold_up_nobody_who_waits() {
    let _deadline = deadline();
    let context = Context::new();
    context.set_authenticator(|_: &AuthRequest| {
        thread::sleep(Duration::from_millis(20));
        Verdict::accept("guest")
    });
    let (_socket, endpoint) = server(&context);
    let peers: Vec<_> = (0..20).map(|_| asking(&endpoint, "guest")).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                context.review_peers();
                thread::sleep(Duration::from_millis(100));
            }
        });
        let let_in = thread::spawn(move || {
            for mut peer in peers {
                peer.expect_command("WELCOME");
            }
        });
        let let_in = let_in.join();
        done.store(true, Ordering::SeqCst);
        let_in.unwrap();
    });
}

#[test]
fn what_is_thrown_may_throw_again() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("again");
        }
    }
    let _deadline = deadline();
    let context = Context::new();
    context.set_authenticator(|request: &AuthRequest| match request.credentials() {
        Credentials::Plain {
            username: b"bomb", ..
        } => {
            thread::sleep(Duration::from_millis(300));
            panic_any(Bomb)
        }
        _ => Verdict::accept("guest"),
    });
    let (_socket, endpoint) = server(&context);
    let mut bomb = asking(&endpoint, "bomb");
    let mut others: Vec<_> = (0..5).map(|_| asking(&endpoint, "guest")).collect();
    bomb.expect_close();
    for other in &mut others {
        other.expect_command("WELCOME");
    }
}

/// Lets everybody in, and never says whether they may stay.
struct Mute {
    reviews: AtomicUsize,
    gate: Mutex<Receiver<()>>,
}

impl Authenticator for Mute {
    fn authenticate(&self, _: &AuthRequest) -> Verdict {
        Verdict::accept("guest")
    }

    fn review(&self, _: &AuthRequest) -> Verdict {
        self.reviews.fetch_add(1, Ordering::SeqCst);
        let _ = self.gate.lock().unwrap().recv();
        Verdict::accept("guest")
    }
}

#[test]
fn reviews_that_are_not_done_yet_are_not_asked_for_twice() {
    let _deadline = deadline();
    let context = Context::new();
    let (go, gate) = channel();
    let mute = Arc::new(Mute {
        reviews: AtomicUsize::new(0),
        gate: Mutex::new(gate),
    });
    context.set_authenticator(Arc::clone(&mute));
    let (_socket, endpoint) = server(&context);
    let mut peers: Vec<_> = (0..3).map(|_| asking(&endpoint, "guest")).collect();
    for peer in &mut peers {
        peer.expect_command("WELCOME");
    }
    context.review_peers();
    let reviews = || mute.reviews.load(Ordering::SeqCst);
    eventually("the first review begins", || reviews() == 1);
    for _ in 0..1000 {
        context.review_peers();
    }
    drop(go);
    // The first one once more, as something may have changed since it began.
    eventually("all are reviewed", || reviews() == 4);
    asking(&endpoint, "guest").expect_command("WELCOME");
    assert_eq!(reviews(), 4);
}

#[test]
fn a_crowd_from_one_place_holds_up_nobody_else() {
    let _deadline = deadline();
    let context = Context::new();
    context.set_authenticator(|request: &AuthRequest| {
        if let Credentials::Plain { .. } = request.credentials() {
            thread::sleep(Duration::from_millis(100));
        }
        Verdict::accept("guest")
    });
    let (_socket, endpoint) = server(&context);
    let mut crowd: Vec<_> = (0..100).map(|_| asking(&endpoint, "guest")).collect();
    let other = context.socket(SocketType::Pull).unwrap();
    Curve.serve(&other);
    let other_endpoint = other.bind("tcp://127.0.0.1:*").unwrap();
    let honest = Context::new().socket(SocketType::Push).unwrap();
    Curve.call(&honest);
    honest.connect(&other_endpoint).unwrap();
    honest.send("hello").unwrap();
    assert_eq!(other.recv_timeout(PATIENCE).unwrap()[0], "hello");
    // The last of the crowd still waits.
    crowd[99].expect_silence(Duration::from_millis(1));
}

#[test]
fn who_is_being_reviewed_still_gets_what_was_sent_before_the_end() {
    const COUNT: usize = 20_000;
    let _deadline = deadline();
    let context = Context::new();
    let handler = context.socket(SocketType::Rep).unwrap();
    handler.bind("inproc://zeromq.zap.01").unwrap();
    let server = context.socket(SocketType::Push).unwrap();
    server.set(opt::SendHighWaterMark(0)).unwrap();
    Plain.serve(&server);
    let endpoint = server.bind("tcp://127.0.0.1:*").unwrap();
    let client = Context::new().socket(SocketType::Pull).unwrap();
    client.set(opt::ReceiveHighWaterMark(10)).unwrap();
    Plain.call(&client);
    client.connect(&endpoint).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let question = handler.recv_timeout(PATIENCE).unwrap();
            assert_eq!(question[0], "1.0");
            handler
                .send(["1.0", "1", "200", "OK", "guest", ""])
                .unwrap();
        });
        let part = "x".repeat(1000);
        for _ in 0..COUNT {
            server.send(part.as_str()).unwrap();
        }
    });
    context.review_peers();
    let question = handler.recv_timeout(PATIENCE).unwrap();
    assert_eq!(question[0], "1.0");
    drop((handler, server));
    thread::scope(|scope| {
        scope.spawn(move || drop(context));
        for received in 0..COUNT {
            let message = client.recv_timeout(PATIENCE);
            assert!(message.is_ok(), "only {received} came");
        }
    });
}
