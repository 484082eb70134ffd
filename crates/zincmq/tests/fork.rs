//! After a fork the parent goes on as before, and the child is told that what
//! it inherited is not its own. Alone in its process: what other tests' threads
//! hold when it forks, the child could never get.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll as system_poll};
use zincmq::error::{
    BindError, OptionError, PollError, RecvError, SendFailure, SocketError, TermError,
};
use zincmq::security::{AccessRules, AddressList, AddressRange, Certificate, KeyDirectory};
use zincmq::{Context, PollItem, Poller, Readiness, SocketType, poll};

const LIMIT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let ctx = Context::new();
    let rep = ctx.socket(SocketType::Rep).unwrap();
    let endpoint = rep.bind("tcp://127.0.0.1:*").unwrap();
    let req = ctx.socket(SocketType::Req).unwrap();
    req.connect(&endpoint).unwrap();
    req.send("before").unwrap();
    assert_eq!(rep.recv_timeout(LIMIT).unwrap().first(), "before");
    let fd = req.readiness_fd().unwrap();
    let is_readable = || {
        let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
        system_poll(&mut fds, Some(&Timespec::default())).unwrap() == 1
    };
    assert!(is_readable());
    let poller = Poller::new().unwrap();
    poller.add(&req, 1, Readiness::READABLE).unwrap();
    let mut items = [PollItem::socket(&req, Readiness::READABLE)];
    assert_eq!(poll(&mut items, Some(Duration::ZERO)).unwrap(), 0);

    let folder = tempfile::tempdir().unwrap();
    let keys = KeyDirectory::open(folder.path()).unwrap();
    let (report, reloaded) = channel();
    keys.watch(move |outcome| {
        let _ = report.send(outcome.is_ok());
    })
    .unwrap();

    // SAFETY: the child of this thread uses the allocator, which glibc makes
    // usable after a fork, and what it asserts about; then it exits.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: SIGALRM ends the child should anything in it hang.
        unsafe { libc::alarm(20) };
        let result = std::panic::catch_unwind(|| {
            assert_eq!(rep.recv().unwrap_err(), RecvError::Forked);
            assert_eq!(req.try_recv().unwrap_err(), RecvError::Forked);
            assert_eq!(rep.send("x").unwrap_err().failure(), SendFailure::Forked);
            assert!(matches!(rep.bind("inproc://x"), Err(BindError::Forked)));
            assert!(matches!(
                ctx.socket(SocketType::Pair),
                Err(SocketError::Forked)
            ));
            assert!(matches!(req.readiness_fd(), Err(OptionError::Forked)));
            assert!(!req.can_recv());
            assert_eq!(ctx.term(), Err(TermError::Forked));
            assert!(matches!(poller.wait(None), Err(PollError::Forked(1))));
            ctx.shutdown();
            rep.close();
            // A context of its own works.
            let own = Context::new();
            let (a, b) = (zincmq::pair(&own).unwrap(), zincmq::pair(&own).unwrap());
            b.connect(&a.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
            b.send("in the child").unwrap();
            assert_eq!(a.recv_timeout(LIMIT).unwrap().first(), "in the child");
            poll_many_times(&own);
        });
        drop((rep, req, poller, ctx, keys));
        // SAFETY: ends the child at once, without the parent's exit handlers.
        unsafe { libc::_exit(i32::from(result.is_err())) };
    }
    let mut status = 0;
    // While the child polls, what wakes it is not taken for the parent's.
    let waited = loop {
        assert_eq!(
            poll(&mut items, Some(Duration::from_micros(50))).unwrap(),
            0
        );
        // SAFETY: `status` is a live local.
        match unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } {
            0 => {}
            waited => break waited,
        }
    };
    assert_eq!((waited, status), (child, 0), "the child failed");

    // The child has not looked, though it tried.
    assert!(is_readable());
    assert!(!req.can_recv() && !is_readable());
    rep.send("after").unwrap();
    assert_eq!(req.recv_timeout(LIMIT).unwrap().first(), "after");
    // The directory is watched still.
    let anna = Certificate::generate().unwrap();
    anna.save_public(folder.path().join("anna.key")).unwrap();
    assert_eq!(reloaded.recv_timeout(LIMIT), Ok(true));
    assert!(keys.contains(anna.public_key()));
    use_authenticators_in_children();
    println!("fork: ok");
    ExitCode::SUCCESS
}

/// Others read and change what the parent lets clients in by, at the moment of a fork.
fn use_authenticators_in_children() {
    let folder = tempfile::tempdir().unwrap();
    let anna = Certificate::generate().unwrap();
    anna.save_public(folder.path().join("anna.key")).unwrap();
    let keys = KeyDirectory::open(folder.path()).unwrap();
    let banned = AddressList::new();
    let range: AddressRange = "192.0.2.7".parse().unwrap();
    let work = || {
        keys.reload().unwrap();
        assert!(keys.contains(anna.public_key()));
        banned.insert(range);
        banned.remove(range);
        assert!(format!("{keys:?}{banned:?}").contains("keys: 1"));
        Context::new().set_authenticator(AccessRules::new().deny(&banned).curve(keys.clone()));
    };
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    work();
                }
            });
        }
        for _ in 0..200 {
            // SAFETY: as above; the child opens files and locks what is made for that.
            let child = unsafe { libc::fork() };
            assert!(child >= 0);
            if child == 0 {
                // SAFETY: SIGALRM ends the child should anything in it hang.
                unsafe { libc::alarm(20) };
                let mut result = std::panic::catch_unwind(AssertUnwindSafe(work));
                if result.is_ok() {
                    result = std::panic::catch_unwind(AssertUnwindSafe(|| watch_anew(&keys)));
                }
                // SAFETY: ends the child at once, without the parent's exit handlers.
                unsafe { libc::_exit(i32::from(result.is_err())) };
            }
            let mut status = 0;
            // SAFETY: `status` is a live local.
            let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
            assert_eq!((waited, status), (child, 0), "the child failed");
        }
        over.store(true, Ordering::Relaxed);
    });
}

fn watch_anew(keys: &KeyDirectory) {
    keys.watch(|_| {}).unwrap();
}

/// Sleeps again and again until another thread has sent something.
fn poll_many_times(ctx: &Context) {
    const ROUNDS: usize = 2000;
    let (a, b) = (zincmq::pair(ctx).unwrap(), zincmq::pair(ctx).unwrap());
    b.connect(&a.bind("inproc://polled").unwrap()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                b.recv_timeout(LIMIT).unwrap();
                // For the other to be asleep by then.
                thread::sleep(Duration::from_micros(50));
                b.send("ping").unwrap();
            }
        });
        for _ in 0..ROUNDS {
            a.send("go on").unwrap();
            let mut items = [PollItem::socket(&a, Readiness::READABLE)];
            assert_eq!(poll(&mut items, Some(LIMIT)).unwrap(), 1);
            a.recv().unwrap();
        }
    });
}
