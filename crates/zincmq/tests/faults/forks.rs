//! Processes that fork, and programs that start others.

use std::thread;
use std::time::Duration;
use std::time::Instant;

use testkit::{Ledger, PATIENCE, own_process};
use zincmq::error::{RecvFailure, SendFailure, SocketError, TermError};
use zincmq::{Context, Multipart, Socket, SocketType};

use super::{deadline, send_all};

#[test]
fn row_35_fork() {
    own_process("forks::row_35_fork", Duration::from_secs(30), || {
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
        req.send_timeout(vec![b'?'; 1000], PATIENCE)?;
        let question = rep.recv_timeout(PATIENCE)?;
        rep.send_timeout(question, PATIENCE)?;
        Ok(req.recv_timeout(PATIENCE)?)
    };
    match answer() {
        Ok(message) if message[0] == [b'?'; 1000] => {}
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
