//! What a context is told holds for its sockets and threads; builders and
//! typed sockets do what they say.

use std::time::Duration;

use zincmq::error::{BindError, BuildError, OptionError, SendFailure, SocketError};
use zincmq::monitor::EventKind;
use zincmq::options::SocketConfig;
use zincmq::{Context, ContextOptions, Push, Socket, SocketType, opt};

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn no_more_sockets_than_allowed() {
    let ctx = Context::with_options(ContextOptions::default().max_sockets(2));
    let first = zincmq::pair(&ctx).unwrap();
    let _second = zincmq::pair(&ctx).unwrap();
    assert!(matches!(zincmq::pair(&ctx), Err(SocketError::TooMany(2))));
    drop(first);
    zincmq::pair(&ctx).unwrap();
}

#[test]
fn no_threads_is_enough_for_inproc_alone() {
    let ctx = Context::with_options(ContextOptions::default().io_threads(0));
    let (a, b) = (zincmq::pair(&ctx).unwrap(), zincmq::pair(&ctx).unwrap());
    a.bind("inproc://a").unwrap();
    b.connect("inproc://a").unwrap();
    b.send("x").unwrap();
    assert_eq!(a.recv_timeout(LIMIT).unwrap().first(), "x");
    for result in [
        a.bind("tcp://127.0.0.1:*").map(drop),
        b.connect("ipc:///tmp/nobody"),
    ] {
        assert!(
            matches!(result, Err(BindError::NoIoThread(_))),
            "{result:?}"
        );
    }
    ctx.set_by_name("IO_THREADS", "1").unwrap();
    a.bind("tcp://127.0.0.1:*").unwrap();
}

#[test]
fn new_sockets_inherit() {
    let ctx = Context::with_options(ContextOptions::default().ipv6(true).blocky(false));
    let socket = zincmq::push(&ctx).unwrap();
    assert!(socket.option::<opt::Ipv6>().unwrap());
    assert_eq!(
        socket.option::<opt::Linger>().unwrap(),
        Some(Duration::ZERO)
    );
    ctx.set_by_name("ZMQ_BLOCKY", "on").unwrap();
    assert_eq!(
        zincmq::push(&ctx).unwrap().option::<opt::Linger>().unwrap(),
        None
    );
}

#[test]
fn options_by_number_and_name() {
    let ctx = Context::new();
    ctx.set_by_number(2, &5.into()).unwrap();
    assert_eq!(ctx.option_by_name("max_sockets").unwrap(), 5.into());
    assert_eq!(ctx.option_by_name("SOCKET_LIMIT").unwrap(), 65_535.into());
    ctx.set_by_name("THREAD_NAME_PREFIX", "mine").unwrap();
    assert_eq!(ctx.option_by_number(9).unwrap(), "mine".into());
    ctx.set_by_name("THREAD_AFFINITY_CPU_ADD", "3").unwrap();
    ctx.set_by_name("THREAD_AFFINITY_CPU_REMOVE", "3").unwrap();
    assert!(ctx.set_by_name("THREAD_AFFINITY_CPU_REMOVE", "3").is_err());
    assert_eq!(
        ctx.set_by_name("MSG_T_SIZE", "1"),
        Err(OptionError::ReadOnly("MSG_T_SIZE"))
    );
    assert!(matches!(
        ctx.option_by_name("THREAD_PRIORITY"),
        Err(OptionError::WriteOnly(_))
    ));
    assert!(
        matches!(ctx.set_by_name("NONSENSE", "1"), Err(OptionError::Unknown(name)) if name == "NONSENSE")
    );
    assert!(matches!(
        ctx.set_by_name("IPV6", "maybe"),
        Err(OptionError::WrongType { .. })
    ));
}

#[test]
fn threads_run_as_told() {
    let ctx = Context::with_options(ContextOptions::default().thread_name_prefix("mine"));
    zincmq::pull(&ctx)
        .unwrap()
        .bind("tcp://127.0.0.1:*")
        .unwrap();
    let names = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default());
    assert!(
        names
            .into_iter()
            .any(|name| name.starts_with("mine/zincmq"))
    );

    // A CPU that is not there shows where a thread is needed first.
    let ctx = Context::with_options(ContextOptions::default().thread_affinity([1023]));
    let socket = zincmq::pull(&ctx).unwrap();
    let error = socket.bind("tcp://127.0.0.1:*").unwrap_err();
    assert!(matches!(error, BindError::System { .. }), "{error}");
}

#[test]
fn longer_messages_than_the_context_allows() {
    let ctx = Context::with_options(ContextOptions::default().max_message_size(100));
    let pull = zincmq::pull(&ctx).unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let push = zincmq::push(&ctx).unwrap();
    push.connect(&endpoint).unwrap();
    let refused = push.send(vec![0; 101]).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::TooLong);
    assert_eq!(refused.into_message().size(), 101);
    push.send([vec![0; 100], vec![1; 100]]).unwrap();
    assert_eq!(pull.recv_timeout(LIMIT).unwrap().size(), 200);

    let far = Context::new();
    let other = zincmq::push(&far).unwrap();
    other.set(opt::ReconnectInterval(None)).unwrap();
    let mut events = pull.monitor();
    other.connect(&endpoint).unwrap();
    other.send(vec![0; 101]).unwrap();
    let mut ended = || events.next_timeout(LIMIT).map(|event| event.kind);
    while !matches!(ended().unwrap(), EventKind::Disconnected { .. }) {}
    assert!(pull.try_recv().is_err());
}

#[test]
fn a_builder_parses_what_it_is_told() {
    let ctx = Context::new();
    let push = Push::builder(&ctx)
        .send_high_water_mark(500)
        .linger(Duration::ZERO)
        .set_by_name("TOS", "8")
        .bind("tcp://127.0.0.1:*")
        .unwrap();
    assert_eq!(push.option::<opt::SendHighWaterMark>().unwrap(), 500);
    assert_eq!(push.option::<opt::TypeOfService>().unwrap(), 8);
    assert!(push.last_endpoint().starts_with("tcp://127.0.0.1:"));

    let config = SocketConfig::new()
        .send_high_water_mark(7)
        .receive_high_water_mark(8);
    for socket_type in [SocketType::Push, SocketType::Pair] {
        let socket = ctx.builder(socket_type).config(&config).build().unwrap();
        assert_eq!(socket.option::<opt::SendHighWaterMark>().unwrap(), 7);
        assert_eq!(socket.option::<opt::ReceiveHighWaterMark>().unwrap(), 8);
    }

    let wrong = zincmq::Dealer::builder(&ctx)
        .routing_id(vec![0; 256])
        .send_high_water_mark(1);
    let error = wrong.build().unwrap_err();
    assert!(matches!(
        error,
        BuildError::Option(OptionError::OutOfRange {
            option: "ROUTING_ID",
            ..
        })
    ));
    let error = Push::builder(&ctx).subscribe("x").build().unwrap_err();
    assert!(matches!(
        error,
        BuildError::Option(OptionError::NotForThisType {
            option: "SUBSCRIBE",
            ..
        })
    ));
    assert!(matches!(
        Push::builder(&ctx).bind("nowhere"),
        Err(BuildError::Endpoint(_))
    ));
    assert!(
        Push::builder(&ctx)
            .set_by_name("NOTHING", "1")
            .build()
            .is_err()
    );
}

#[test]
fn a_builder_sets_what_belongs_to_the_pattern() {
    let ctx = Context::new();
    let router = ctx
        .builder(SocketType::Router)
        .router_mandatory(true)
        .bind("inproc://router")
        .unwrap();
    let refused = router.send(["nobody", "x"]).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::Unroutable);

    let publisher = zincmq::publisher(&ctx).unwrap();
    publisher.bind("inproc://news").unwrap();
    let sub = zincmq::Sub::builder(&ctx)
        .subscribe("a")
        .subscribe("b")
        .connect("inproc://news")
        .unwrap();
    for topic in ["c", "b", "a"] {
        publisher.send(topic).unwrap();
    }
    assert_eq!(sub.recv_timeout(LIMIT).unwrap().first(), "b");
    assert_eq!(sub.recv_timeout(LIMIT).unwrap().first(), "a");
}

#[test]
fn typed_sockets_and_untyped_ones_turn_into_each_other() {
    let ctx = Context::new();
    let push: Push = ctx.build().unwrap();
    let socket = Socket::from(push);
    let socket = zincmq::Pull::try_from(socket).unwrap_err();
    assert_eq!(socket.socket_type(), SocketType::Push);
    let push = Push::try_from(socket).unwrap();
    assert_eq!(push.as_ref().socket_type(), SocketType::Push);
}

#[test]
fn an_endpoint_is_given_up_as_told() {
    let ctx = Context::with_options(ContextOptions::default().blocky(false));
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("tcp://{}", listener.local_addr().unwrap())
    };
    let gone = |socket: &Push| {
        let end = std::time::Instant::now() + LIMIT;
        while !socket.counters().peers.is_empty() {
            assert!(std::time::Instant::now() < end, "the peer is still there");
            std::thread::sleep(Duration::from_millis(1));
        }
    };

    // Refused: the first attempt is the last.
    let push = Push::builder(&ctx)
        .reconnect_stop(1)
        .connect(&nobody)
        .unwrap();
    gone(&push);

    // A peer that hangs up before it has introduced itself.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("tcp://{}", listener.local_addr().unwrap());
    let push = Push::builder(&ctx)
        .reconnect_stop(2)
        .connect(&silent)
        .unwrap();
    drop(listener.accept().unwrap());
    gone(&push);
    listener.set_nonblocking(true).unwrap();
    std::thread::sleep(Duration::from_millis(150));
    assert!(listener.accept().is_err(), "it came back");

    // A disconnect with something queued for nobody.
    let push = Push::builder(&ctx)
        .reconnect_stop(4)
        .connect(&nobody)
        .unwrap();
    push.send("lost").unwrap();
    push.disconnect(&nobody).unwrap();
    gone(&push);
    assert_eq!(push.counters().lost, 1);
}
