use std::collections::HashMap;

use zincmq::SocketType::{Gather, Pull, Push, Scatter};
use zincmq::{Message, Multipart};

use crate::support::{World, eventually};

pub fn work_goes_round(world: &World) {
    for (sender, receiver) in [(Push, Pull), (Scatter, Gather)] {
        let push = world.socket(sender);
        let pulls = [(); 3].map(|()| world.socket(receiver));
        let endpoint = world.bind(&push);
        for (n, pull) in pulls.iter().enumerate() {
            pull.connect(&endpoint).unwrap();
            eventually("it is there", || push.counters().peers.len() == n + 1);
        }
        for n in 0..30 {
            world.send(&push, n.to_string());
        }
        for pull in &pulls {
            let mut last: Option<u32> = None;
            for _ in 0..10 {
                let n: u32 = world.recv(pull).first().to_text().parse().unwrap();
                assert!(last.is_none_or(|last| n == last + 3), "{last:?} {n}");
                last = Some(n);
            }
        }
    }
}

pub fn results_come_in_turn(world: &World) {
    let pull = world.socket(Pull);
    let endpoint = world.bind(&pull);
    let pushes: Vec<_> = (0..3).map(|_| world.socket(Push)).collect();
    for (who, push) in pushes.iter().enumerate() {
        push.connect(&endpoint).unwrap();
        for n in 0..10 {
            world.send(push, [who.to_string(), n.to_string()]);
        }
    }
    eventually("all are there", || {
        let _ = pull.can_recv();
        pull.counters().queued_in + pull.counters().messages_in == 30
    });
    let mut counts = HashMap::new();
    for received in 0..30 {
        let message = world.recv(&pull);
        let who = message[0].to_text();
        let count = counts.entry(who).or_insert(0);
        assert_eq!(message[1].to_text(), count.to_string());
        *count += 1;
        // Nobody is more than a turn ahead.
        let turn = received / 3 + 1;
        assert!(*count <= turn + 1, "{counts:?}");
    }
}

pub fn multipart_messages_stay_whole(world: &World) {
    let (pull, push) = world.join(Pull, Push);
    let message = |n: usize| -> Multipart {
        let part = |i: usize| Message::from(vec![(n + i) as u8; (n * 7919 + i * 104_729) % 20_000]);
        (0..=n % 9).map(part).collect()
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..200 {
                world.send(&push, message(n));
            }
        });
        for n in 0..200 {
            assert_eq!(world.recv(&pull), message(n));
        }
    });
}
