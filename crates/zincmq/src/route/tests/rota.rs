use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::peer::PeerId;
use crate::route::rota::Rota;

#[derive(Debug, Clone)]
enum Step {
    Add(u32),
    Remove(u32),
    Wake(u32),
    Pause,
    Advance,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..8u32).prop_map(Step::Add),
        (0..8u32).prop_map(Step::Remove),
        (0..8u32).prop_map(Step::Wake),
        Just(Step::Pause),
        Just(Step::Advance),
    ]
}

proptest! {
    /// Whoever is active is reached by going round once, whoever is not never.
    #[test]
    fn a_round_reaches_just_the_active(steps in prop::collection::vec(step(), 0..60)) {
        let mut rota = Rota::default();
        let mut members = BTreeSet::new();
        let mut active = BTreeSet::new();
        for step in steps {
            match step {
                Step::Add(n) => {
                    rota.add(PeerId(n));
                    members.insert(n);
                    active.insert(n);
                }
                Step::Remove(n) => {
                    rota.remove(PeerId(n));
                    members.remove(&n);
                    active.remove(&n);
                }
                Step::Wake(n) => {
                    rota.wake(PeerId(n));
                    if members.contains(&n) {
                        active.insert(n);
                    }
                }
                Step::Pause => {
                    if let Some(id) = rota.current() {
                        active.remove(&id.0);
                    }
                    rota.pause();
                }
                Step::Advance => rota.advance(),
            }
            let all: BTreeSet<u32> = rota.members().iter().map(|id| id.0).collect();
            prop_assert_eq!(&all, &members);
            let mut met = BTreeSet::new();
            for _ in 0..active.len() {
                met.extend(rota.current().map(|id| id.0));
                rota.advance();
            }
            prop_assert_eq!(&met, &active);
            prop_assert_eq!(rota.current().is_none(), active.is_empty());
        }
    }
}

#[test]
fn who_always_has_something_is_served_within_a_round() {
    let mut rota = Rota::default();
    for n in 0..5 {
        rota.add(PeerId(n));
    }
    // Everyone but peer 3 runs dry after each message, and has the next one
    // the moment that is noticed.
    let mut items = [1; 5];
    let mut served = [0; 5];
    for _ in 0..1000 {
        let id = rota.current().expect("peer 3 is active");
        let n = id.0 as usize;
        if n == 3 || items[n] > 0 {
            items[n] -= 1;
            served[n] += 1;
            rota.advance();
        } else {
            rota.pause();
            items[n] = 1;
            rota.wake(id);
        }
    }
    let least = served.iter().min().expect("five");
    assert!(served[3] >= *least && *least > 0, "{served:?}");
    assert!(served[3] * 8 > served.iter().sum::<i32>(), "{served:?}");
}
