use zincmq::SocketType::Pair;

use crate::support::World;

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

pub fn a_third_is_not_heard(world: &World) {
    let a = world.socket(Pair);
    let endpoint = world.bind(&a);
    let b = world.socket(Pair);
    b.connect(&endpoint).unwrap();
    world.send(&b, "1");
    assert_eq!(world.recv(&a).first(), "1");
    let c = world.socket(Pair);
    c.connect(&endpoint).unwrap();
    let _ = c.try_send("from a third");
    world.recv_nothing(&a);
    world.send(&b, "2");
    assert_eq!(world.recv(&a).first(), "2");
    world.send(&a, "3");
    assert_eq!(world.recv(&b).first(), "3");
}
