//! The groups of C's messages, which have no room for a text.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{CStr, CString};
use std::sync::{Mutex, PoisonError};

use zincmq::raw;

/// The longest group there may be, bytes.
pub const LONGEST: usize = 255;

static GROUPS: Mutex<Option<Groups>> = Mutex::new(None);

#[derive(Default)]
struct Groups {
    texts: HashMap<u32, CString>,
    next: u32,
}

/// Keeps a group until it is forgotten, and returns its key.
pub fn keep(group: CString) -> u32 {
    with_groups(|groups| {
        loop {
            groups.next = groups.next.wrapping_add(1);
            let key = groups.next;
            if let Entry::Vacant(place) = groups.texts.entry(key) {
                place.insert(group);
                return key;
            }
        }
    })
}

/// Looks at a group. Its text stays where it is until it is forgotten.
pub fn with<R>(key: u32, look: impl FnOnce(&CStr) -> R) -> Option<R> {
    with_groups(|groups| groups.texts.get(&key).map(|text| look(text)))
}

/// Forgets a group.
pub fn forget(key: u32) {
    with_groups(|groups| drop(groups.texts.remove(&key)));
}

fn with_groups<R>(work: impl FnOnce(&mut Groups) -> R) -> R {
    raw::undivided(|| {
        let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
        work(groups.get_or_insert_default())
    })
}
