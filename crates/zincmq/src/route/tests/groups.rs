use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::peer::PeerId;
use crate::route::{Groups, is_group};

#[derive(Debug, Clone)]
enum Step {
    Join(String, u32),
    Leave(String, u32),
    Remove(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => ("[ab]{0,2}", 0..4u32).prop_map(|(group, peer)| Step::Join(group, peer)),
        2 => ("[ab]{0,2}", 0..4u32).prop_map(|(group, peer)| Step::Leave(group, peer)),
        1 => (0..4u32).prop_map(Step::Remove),
    ]
}

proptest! {
    #[test]
    fn members_are_those_who_joined_last(steps in proptest::collection::vec(step(), 0..60)) {
        let mut groups = Groups::default();
        let mut model: BTreeSet<(String, PeerId)> = BTreeSet::new();
        for step in steps {
            match step {
                Step::Join(group, peer) => {
                    groups.join(group.clone().into(), PeerId(peer));
                    model.insert((group, PeerId(peer)));
                }
                Step::Leave(group, peer) => {
                    groups.leave(group.as_bytes(), PeerId(peer));
                    model.remove(&(group, PeerId(peer)));
                }
                Step::Remove(peer) => {
                    groups.remove_peer(PeerId(peer));
                    model.retain(|(_, member)| *member != PeerId(peer));
                }
            }
            for group in ["", "a", "b", "aa", "ab", "ba", "bb", "c"] {
                let mut members = groups.members(group.as_bytes()).to_vec();
                members.sort_unstable();
                let expected: Vec<_> = model.iter().filter(|(name, _)| name == group).map(|(_, peer)| *peer).collect();
                prop_assert_eq!(members, expected, "{}", group);
            }
        }
    }
}

#[test]
fn what_a_group_may_be_called() {
    assert!(is_group(b""));
    assert!(is_group(&[255; 255]));
    assert!(!is_group(&[b'a'; 256]));
    assert!(!is_group(b"a\0b"));
}
