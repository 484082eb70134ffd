//! Servers that go and come back.

use std::time::Duration;

use testkit::{PATIENCE, PeerListener, eventually, open_descriptors, own_process};
use zincmq::monitor::EventKind;
use zincmq::options::{OptionValue, opt};
use zincmq::{Context, Socket, SocketType};

use super::{deadline, eager};

#[test]
fn row_30_every_client_is_back_after_each_restart() {
    own_process(
        "restarts::row_30_every_client_is_back_after_each_restart",
        Duration::from_secs(60),
        || {
            const CLIENTS: usize = 60;
            const RESTARTS: u32 = 6;
            let deadline = deadline();
            let nothing = open_descriptors();
            let context = Context::new();
            let endpoint = PeerListener::unused_endpoint();
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
    let endpoint = PeerListener::unused_endpoint();
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
