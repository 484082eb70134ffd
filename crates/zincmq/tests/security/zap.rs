//! Handlers of ZAP (RFC 27): sockets of the same context that say who gets in.

use std::thread;

use super::hostile::silent_connections;
use super::*;
use zincmq::{Message, Multipart};

/// What a handler answers with, behind the id: status, text, user, metadata.
type Answer = [&'static str; 4];

/// Serves one question after the other, until the context ends, and tells what
/// was asked.
fn serve(context: &Context, answer: Answer) -> thread::JoinHandle<Vec<Multipart>> {
    let handler = context.socket(SocketType::Rep).unwrap();
    handler.bind("inproc://zeromq.zap.01").unwrap();
    thread::spawn(move || {
        let mut asked = Vec::new();
        while let Ok(question) = handler.recv() {
            let mut reply = Multipart::from(["1.0", &question[1].to_text()]);
            for part in answer {
                reply.push(part);
            }
            handler.send(reply).unwrap();
            asked.push(question);
        }
        asked
    })
}

fn server(context: &Context, mechanism: Mechanism) -> (Socket, String) {
    let socket = context.socket(SocketType::Pull).unwrap();
    mechanism.serve(&socket);
    socket.set(opt::ZapDomain("tests".to_owned())).unwrap();
    socket.set(opt::RoutingId("here".into())).ok();
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    (socket, endpoint)
}

fn client(mechanism: Mechanism, endpoint: &str) -> Socket {
    let socket = Context::new().socket(SocketType::Push).unwrap();
    socket.set(opt::Linger(Some(Duration::ZERO))).unwrap();
    mechanism.call(&socket);
    socket.connect(endpoint).unwrap();
    socket
}

#[test]
fn who_is_let_in_has_a_name_and_what_the_handler_adds() {
    let _deadline = deadline();
    const HELLO: &str = "\x05Hello\0\0\0\x05World";
    for mechanism in ALL {
        let context = Context::new();
        let handler = serve(&context, ["200", "OK", "anna", HELLO]);
        let (socket, endpoint) = server(&context, mechanism);
        let client = client(mechanism, &endpoint);
        client.send("let me in").unwrap();
        let message = socket.recv_timeout(PATIENCE).unwrap();
        assert_eq!(message[0], "let me in");
        let peer = message.peer().unwrap();
        assert_eq!(peer.user_id.as_deref(), Some(&b"anna"[..]));
        let added = zincmq::raw::property(peer, "Hello").unwrap();
        assert_eq!(added, c"World");

        drop((client, socket));
        context.shutdown();
        let asked = handler.join().unwrap();
        let question = &asked[0];
        let credentials = match mechanism {
            Null => 0,
            Plain => 2,
            Curve => 1,
        };
        assert_eq!(question.len(), 6 + credentials);
        assert_eq!(question[0], "1.0");
        assert_eq!(question[2], "tests");
        assert_eq!(question[3], "127.0.0.1");
        assert_eq!(
            question[5].to_text(),
            format!("{mechanism:?}").to_uppercase()
        );
        context.term_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn who_is_refused_stays_out_and_hears_the_status() {
    let _deadline = deadline();
    for mechanism in ALL {
        let context = Context::new();
        zincmq::raw::be_lenient(&context);
        let handler = serve(&context, ["400", "not you", "", ""]);
        let (socket, endpoint) = server(&context, mechanism);
        let mut monitor = socket.monitor();
        let client = client(mechanism, &endpoint);
        assert_eq!(await_denial(&mut monitor), 400);
        client.try_send("let me in").ok();
        assert!(socket.try_recv().is_err());
        drop((client, socket));
        context.shutdown();
        assert_eq!(handler.join().unwrap().len(), 1);
    }
}

#[test]
fn row_12_a_handler_that_never_answers_keeps_peers_out_and_nothing_else() {
    let _deadline = deadline();
    let context = Context::new();
    let handler = context.socket(SocketType::Rep).unwrap();
    handler.bind("inproc://zeromq.zap.01").unwrap();
    let socket = context.socket(SocketType::Pull).unwrap();
    Curve.serve(&socket);
    let limit = Some(Duration::from_millis(200));
    socket.set(opt::HandshakeTimeout(limit)).unwrap();
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    let open = socket.bind("inproc://open").unwrap();
    let mut monitor = socket.monitor();
    let waiting = client(Curve, &endpoint);
    await_failure(&mut monitor);
    // Others are served meanwhile.
    let push = context.socket(SocketType::Push).unwrap();
    push.connect(&open).unwrap();
    push.send("meanwhile").unwrap();
    assert_eq!(socket.recv_timeout(PATIENCE).unwrap()[0], "meanwhile");
    drop((waiting, push, socket, handler));
    context.term_timeout(PATIENCE).unwrap();
}

/// Silent ones, and others whose question the handler leaves open.
#[test]
fn row_04_peers_that_wait_for_the_handler_cost_the_honest_nothing() {
    let _deadline = deadline();
    for (mechanism, name) in [(Null, "NULL"), (Plain, "PLAIN"), (Curve, "CURVE")] {
        among_waiting_peers(mechanism, name);
    }
}

fn among_waiting_peers(mechanism: Mechanism, name: &str) {
    const WAITING: usize = 100;
    // Where they come from.
    const ELSEWHERE: &str = "127.0.0.2";
    let context = Context::new();
    let handler = context.socket(SocketType::Router).unwrap();
    handler.bind("inproc://zeromq.zap.01").unwrap();
    let handler = thread::spawn(move || {
        let mut left_open = 0;
        // The way back, an empty part, and what ZAP says.
        while let Ok(question) = handler.recv() {
            if question[5] == ELSEWHERE {
                left_open += 1;
                continue;
            }
            let mut reply = Multipart::from(question[0].clone());
            reply.push("");
            for part in ["1.0", &question[3].to_text(), "200", "OK", "honest", ""] {
                reply.push(part);
            }
            handler.send(reply).unwrap();
        }
        left_open
    });
    let (socket, endpoint) = server(&context, mechanism);
    let mut monitor = socket.monitor();
    let address = endpoint.strip_prefix("tcp://").unwrap();
    let silent = silent_connections(address, name, WAITING);
    let from_elsewhere = format!("tcp://{ELSEWHERE}:0;{address}");
    let waiting: Vec<_> = (0..WAITING)
        .map(|_| client(mechanism, &from_elsewhere))
        .collect();
    for _ in 0..2 * WAITING {
        await_event(&mut monitor, |kind| {
            matches!(kind, EventKind::Accepted { .. })
        });
    }
    let honest = client(mechanism, &endpoint);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..10_000u32 {
                honest.send(&number.to_be_bytes()[..]).unwrap();
            }
        });
        for number in 0..10_000u32 {
            let message = socket.recv_timeout(PATIENCE).unwrap();
            assert_eq!(message[0], number.to_be_bytes()[..]);
        }
    });
    // Nobody else came in, and nobody was thrown out before its time.
    let mut let_in = 0;
    while let Some(event) = monitor.try_next() {
        match event.kind {
            EventKind::HandshakeSucceeded => let_in += 1,
            EventKind::Accepted { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(let_in, 1);
    drop((waiting, silent, honest, socket));
    context.shutdown();
    assert_eq!(handler.join().unwrap(), WAITING);
    context.term_timeout(PATIENCE).unwrap();
}

/// Each breach has its number, and costs that attempt and no other.
#[test]
fn row_12_a_malformed_reply_keeps_its_peer_out_until_a_good_one_comes() {
    let _deadline = deadline();
    let replies: [(&[&str], u32); 8] = [
        (&["1.0", "1", "200", "OK", "anna"], 0x2000_0001),
        (&["1.0"], 0x2000_0001),
        (&["1.0", "1", "200", "OK", "anna", "", "more"], 0x2000_0001),
        (&["1.1", "1", "200", "OK", "anna", ""], 0x2000_0003),
        (&["1.0", "2", "200", "OK", "anna", ""], 0x2000_0002),
        (&["1.0", "1", "201", "OK", "anna", ""], 0x2000_0004),
        (&["1.0", "1", "", "OK", "anna", ""], 0x2000_0004),
        (&["1.0", "1", "200", "OK", "anna", "\x05Hello"], 0x2000_0005),
    ];
    for mechanism in ALL {
        let context = Context::new();
        let handler = context.socket(SocketType::Rep).unwrap();
        handler.bind("inproc://zeromq.zap.01").unwrap();
        let (socket, endpoint) = server(&context, mechanism);
        let mut monitor = socket.monitor();
        let client = client(mechanism, &endpoint);
        client.send("let me in").unwrap();
        for (reply, code) in replies {
            handler.recv_timeout(PATIENCE).unwrap();
            let reply: Multipart = reply.iter().map(|part| Message::from(*part)).collect();
            handler.send(reply).unwrap();
            let (told, reason) = await_failure(&mut monitor);
            assert_eq!(told, Some(code), "{reason}");
            assert!(socket.try_recv().is_err());
        }
        handler.recv_timeout(PATIENCE).unwrap();
        let reply = Multipart::from(["1.0", "1", "200", "OK", "anna", ""]);
        handler.send(reply).unwrap();
        let message = socket.recv_timeout(PATIENCE).unwrap();
        assert_eq!(message[0], "let me in");
        drop((client, socket, handler));
        context.term_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn a_context_ends_with_questions_unanswered() {
    let _deadline = deadline();
    let context = Context::new();
    let handler = context.socket(SocketType::Router).unwrap();
    handler.bind("inproc://zeromq.zap.01").unwrap();
    let (socket, endpoint) = server(&context, Plain);
    let client = client(Plain, &endpoint);
    let question = handler.recv_timeout(PATIENCE).unwrap();
    assert_eq!(question[2], "1.0");
    drop((socket, handler));
    context.term_timeout(PATIENCE).unwrap();
    drop(client);
}
