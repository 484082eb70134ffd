use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::peer::PeerId;
use crate::route::{Added, Prefixes, Removed, Subscriptions};

/// The same without a tree.
#[derive(Default)]
struct Model(BTreeMap<Vec<u8>, BTreeSet<u32>>);

impl Model {
    fn add(&mut self, topic: &[u8], peer: u32) -> Added {
        let peers = self.0.entry(topic.to_vec()).or_default();
        let first = peers.is_empty();
        match (peers.insert(peer), first) {
            (false, _) => Added::Already,
            (true, true) => Added::First,
            (true, false) => Added::Joined,
        }
    }

    fn remove(&mut self, topic: &[u8], peer: u32) -> Removed {
        let Some(peers) = self.0.get_mut(topic) else {
            return Removed::Absent;
        };
        if !peers.remove(&peer) {
            return Removed::Absent;
        }
        if peers.is_empty() {
            self.0.remove(topic);
            return Removed::Last;
        }
        Removed::Others
    }

    fn topics_of(&self, peer: u32) -> Vec<(Vec<u8>, bool)> {
        let own = self.0.iter().filter(|(_, peers)| peers.contains(&peer));
        own.map(|(topic, peers)| (topic.clone(), peers.len() == 1))
            .collect()
    }

    fn matching(&self, topic: &[u8]) -> Vec<u32> {
        let matching = self.0.iter().filter(|(own, _)| topic.starts_with(own));
        let mut peers: Vec<u32> = matching.flat_map(|(_, p)| p.iter().copied()).collect();
        peers.sort_unstable();
        peers
    }
}

fn matching(subscriptions: &Subscriptions, topic: &[u8]) -> Vec<u32> {
    let mut peers = Vec::new();
    subscriptions.matching(topic, |peer| peers.push(peer.0));
    peers.sort_unstable();
    peers
}

#[derive(Debug, Clone)]
enum Step {
    Add(Vec<u8>, u32),
    Remove(Vec<u8>, u32),
    Leave(u32),
}

/// Topics that share prefixes, some longer than a label in place.
fn topic() -> impl Strategy<Value = Vec<u8>> {
    let narrow = prop::collection::vec(0..3u8, 0..8);
    let wide = prop::collection::vec(any::<u8>(), 0..3);
    let long = (0..3u8, 0..40usize, 0..3u8).prop_map(|(fill, len, last)| {
        let mut topic = vec![fill; len];
        topic.push(last);
        topic
    });
    prop_oneof![narrow, wide, long]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (topic(), 0..4u32).prop_map(|(topic, peer)| Step::Add(topic, peer)),
        4 => (topic(), 0..4u32).prop_map(|(topic, peer)| Step::Remove(topic, peer)),
        1 => (0..4u32).prop_map(Step::Leave),
    ]
}

proptest! {
    #[test]
    fn does_as_the_model(
        steps in prop::collection::vec(step(), 0..300),
        probes in prop::collection::vec(topic(), 20),
    ) {
        let mut subscriptions = Subscriptions::new();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Add(topic, peer) => {
                    let added = subscriptions.add(&topic, PeerId(peer));
                    prop_assert_eq!(added, model.add(&topic, peer));
                    prop_assert_eq!(matching(&subscriptions, &topic), model.matching(&topic));
                }
                Step::Remove(topic, peer) => {
                    let removed = subscriptions.remove(&topic, PeerId(peer));
                    prop_assert_eq!(removed, model.remove(&topic, peer));
                    prop_assert_eq!(matching(&subscriptions, &topic), model.matching(&topic));
                }
                Step::Leave(peer) => {
                    let topics = model.topics_of(peer);
                    prop_assert_eq!(&subscriptions.topics_of(PeerId(peer)), &topics);
                    for (topic, _) in topics {
                        model.remove(&topic, peer);
                    }
                    subscriptions.remove_peer(PeerId(peer));
                    prop_assert!(subscriptions.topics_of(PeerId(peer)).is_empty());
                }
            }
            prop_assert_eq!(subscriptions.len(), model.0.len());
        }
        for probe in &probes {
            prop_assert_eq!(matching(&subscriptions, probe), model.matching(probe));
        }
        for peer in 0..4 {
            prop_assert_eq!(subscriptions.topics_of(PeerId(peer)), model.topics_of(peer));
        }
        for peer in 0..4 {
            subscriptions.remove_peer(PeerId(peer));
        }
        prop_assert_eq!(subscriptions.len(), 0);
        prop_assert!(subscriptions.allocated() < 4096);
    }

    #[test]
    fn a_topic_of_all_widths(bytes in prop::collection::vec(any::<u8>(), 1..600)) {
        // One node with anything from 1 to 256 children, growing and shrinking.
        let mut subscriptions = Subscriptions::new();
        let mut present = BTreeSet::new();
        for byte in bytes {
            if present.insert(byte) {
                prop_assert_eq!(subscriptions.add(&[b'x', byte], PeerId(7)), Added::First);
            } else {
                present.remove(&byte);
                prop_assert_eq!(subscriptions.remove(&[b'x', byte], PeerId(7)), Removed::Last);
            }
            for byte in 0..=255 {
                let found = matching(&subscriptions, &[b'x', byte, b'y']) == [7];
                prop_assert_eq!(found, present.contains(&byte));
            }
        }
    }

    #[test]
    fn prefixes_are_counted(steps in prop::collection::vec((topic(), any::<bool>()), 0..200)) {
        let mut prefixes = Prefixes::new();
        let mut model: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        for (topic, add) in steps {
            if add {
                prefixes.add(&topic);
                *model.entry(topic.clone()).or_default() += 1;
            } else {
                let count = model.get(&topic).copied().unwrap_or(0);
                prop_assert_eq!(prefixes.remove(&topic), count == 1);
                if count > 1 {
                    model.insert(topic.clone(), count - 1);
                } else {
                    model.remove(&topic);
                }
            }
            prop_assert_eq!(prefixes.len(), model.len());
            let matches = model.keys().any(|own| topic.starts_with(own));
            prop_assert_eq!(prefixes.matches(&topic), matches);
        }
        let mut topics = Vec::new();
        prefixes.for_each(|topic| topics.push(topic));
        prop_assert_eq!(topics, model.into_keys().collect::<Vec<_>>());
    }
}

#[test]
fn a_topic_of_a_megabyte() {
    const LENGTH: usize = 1 << 20;
    let topic = vec![b't'; LENGTH];
    let mut subscriptions = Subscriptions::new();
    subscriptions.add(&topic, PeerId(0));
    assert!(subscriptions.allocated() < LENGTH + 4096);
    assert_eq!(matching(&subscriptions, &topic), [0]);
    assert!(matching(&subscriptions, &topic[1..]).is_empty());
    // Split it in the middle, and put it together again.
    subscriptions.add(&topic[..LENGTH / 2], PeerId(1));
    assert_eq!(matching(&subscriptions, &topic), [0, 1]);
    assert_eq!(matching(&subscriptions, &topic[1..]), [1]);
    assert_eq!(subscriptions.topics_of(PeerId(0)), [(topic.clone(), true)]);
    subscriptions.remove_peer(PeerId(1));
    assert_eq!(matching(&subscriptions, &topic), [0]);
    subscriptions.remove(&topic, PeerId(0));
    assert!(subscriptions.allocated() < 4096);
}

#[test]
fn ten_thousand_nested_topics() {
    // A node for each length: as deep as a tree gets.
    const DEPTH: usize = 10_000;
    let topic = vec![b't'; DEPTH];
    let mut subscriptions = Subscriptions::new();
    for length in 0..DEPTH {
        subscriptions.add(&topic[..length], PeerId(0));
    }
    assert_eq!(matching(&subscriptions, &topic).len(), DEPTH);
    subscriptions.remove_peer(PeerId(0));
    assert_eq!(subscriptions.len(), 0);
    assert!(subscriptions.allocated() < 4096);
}

#[test]
fn popular_topics() {
    let mut subscriptions = Subscriptions::new();
    for peer in (0..3000).rev() {
        assert_ne!(subscriptions.add(b"news", PeerId(peer)), Added::Already);
    }
    assert_eq!(subscriptions.add(b"news", PeerId(5)), Added::Already);
    assert_eq!(matching(&subscriptions, b"news today").len(), 3000);
    for peer in 0..2999 {
        assert_eq!(subscriptions.remove(b"news", PeerId(peer)), Removed::Others);
    }
    assert_eq!(
        subscriptions.topics_of(PeerId(2999)),
        [(b"news".to_vec(), true)]
    );
    assert_eq!(subscriptions.remove(b"news", PeerId(2999)), Removed::Last);
    assert!(subscriptions.allocated() < 4096);
}

type Kind = (&'static str, fn(usize) -> Vec<u8>);

/// Numbers that have nothing to do with each other.
fn scrambled(n: usize) -> u64 {
    (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Topics of several kinds, by number.
const KINDS: [Kind; 6] = [
    ("numbers", |n| format!("topic.{n:07}").into_bytes()),
    ("random", |n| scrambled(n).to_be_bytes().to_vec()),
    ("two letters", |n| format!("{n:020b}").into_bytes()),
    ("medium, random", |n| {
        format!("{:016x}", scrambled(n)).repeat(2).into_bytes()
    }),
    ("long, random", |n| {
        format!("{:016x}", scrambled(n)).repeat(4).into_bytes()
    }),
    ("hierarchic", |n| {
        format!("eu/{}/{}/temperature", n / 1000, n % 1000).into_bytes()
    }),
];

/// What a million subscriptions take beside the topics themselves.
#[test]
#[ignore = "takes a few seconds and some hundred megabytes"]
fn a_million_subscriptions_take_a_hundred_bytes_each() {
    const COUNT: usize = 1_000_000;
    for (kind, topic) in KINDS {
        let mut subscriptions = Subscriptions::new();
        let mut bytes = 0;
        for n in 0..COUNT {
            let topic = topic(n);
            bytes += topic.len();
            assert_eq!(subscriptions.add(&topic, PeerId(0)), Added::First);
        }
        let each = (subscriptions.allocated() as f64 - bytes as f64) / COUNT as f64;
        let length = bytes / COUNT;
        println!("{kind}: {each:.1} bytes each beside topics of {length}");
        assert!(each <= 100.0);

        let topics: Vec<Vec<u8>> = (0..COUNT)
            .step_by(10)
            .map(|n| topic(n * 7 % COUNT))
            .collect();
        let start = std::time::Instant::now();
        for topic in &topics {
            assert_eq!(matching(&subscriptions, topic), [0]);
        }
        println!(
            "{kind}: {:?} for each match",
            start.elapsed() / topics.len() as u32
        );

        subscriptions.remove_peer(PeerId(0));
        assert!(subscriptions.allocated() < 4096);
    }
}
