use zincmq::SocketType::{Channel, Pair};
use zincmq::error::SendFailure;

use crate::support::{World, text};

pub fn talks_both_ways(world: &World) {
    let (a, b) = world.join(Pair, Pair);
    for n in 0..10 {
        world.send(&a, n.to_string());
        world.send(&b, ["back".to_owned(), n.to_string()]);
    }
    for n in 0..10 {
        assert_eq!(world.recv(&b).first(), &n.to_string());
        assert_eq!(world.recv(&a).last(), &n.to_string());
    }
}

pub fn a_channel_talks_both_ways(world: &World) {
    let (a, b) = world.join(Channel, Channel);
    for n in 0..10 {
        world.send(&a, n.to_string());
        world.send(&b, format!("back {n}"));
    }
    for n in 0..10 {
        assert_eq!(text(&world.recv(&b)), [n.to_string()]);
        assert_eq!(text(&world.recv(&a)), [format!("back {n}")]);
    }
    let refused = a.send(["one", "two"]).unwrap_err();
    assert_eq!(refused.failure(), SendFailure::MultipartUnsupported);
}

pub fn a_third_is_not_heard(world: &World) {
    for socket_type in [Pair, Channel] {
        let a = world.socket(socket_type);
        let endpoint = world.bind(&a);
        let b = world.socket(socket_type);
        b.connect(&endpoint).unwrap();
        world.send(&b, "1");
        assert_eq!(world.recv(&a).first(), "1");
        let c = world.socket(socket_type);
        c.connect(&endpoint).unwrap();
        let _ = c.try_send("from a third");
        world.recv_nothing(&a);
        world.send(&b, "2");
        assert_eq!(world.recv(&a).first(), "2");
        world.send(&a, "3");
        assert_eq!(world.recv(&b).first(), "3");
    }
}
