//! Whose turn it is to be judged: one from each place, then the next from each, so that a
//! crowd from one place holds up nobody else.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// Those who wait, first come first served among those from the same place.
pub(super) struct Turns<T> {
    waiting: HashMap<String, VecDeque<T>>,
    /// The places somebody waits from, in the order of their turns.
    places: VecDeque<String>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            places: VecDeque::new(),
        }
    }
}

impl<T> Turns<T> {
    pub(super) fn push(&mut self, place: String, item: T) {
        let waiting = self.waiting.entry(place.clone()).or_default();
        if waiting.is_empty() {
            self.places.push_back(place);
        }
        waiting.push_back(item);
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let place = self.places.pop_front()?;
        let waiting = self.waiting.get_mut(&place)?;
        let item = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&place);
        } else {
            self.places.push_back(place);
        }
        item
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

/// The place of an address of [`AuthRequest`](crate::security::AuthRequest). Nobody has many
/// for nothing: it is an address of IPv4, a network of IPv6, a user over ipc.
pub(super) fn place(address: &str) -> String {
    let (host, _) = address.split_once('%').unwrap_or((address, ""));
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
        // `localhost:uid:gid:pid`.
        Err(_) => address.split(':').take(2).collect::<Vec<_>>().join(":"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_from_one_place_waits_in_one_line() {
        let mut turns = Turns::default();
        for (address, item) in [
            ("192.0.2.1", "crowd 1"),
            ("::ffff:192.0.2.1", "crowd 2"),
            ("192.0.2.1", "crowd 3"),
            ("192.0.2.2", "honest"),
            ("2001:db8::1", "network 1"),
            ("2001:db8::2:1%eth0", "network 2"),
            ("2001:db8:0:1::1", "neighbour"),
            ("localhost:1000:1000:1", "user 1"),
            ("localhost:1000:50:2", "user 2"),
            ("localhost:1001:1001:3", "other user"),
        ] {
            turns.push(place(address), item);
        }
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
        let first = [
            "crowd 1",
            "honest",
            "network 1",
            "neighbour",
            "user 1",
            "other user",
        ];
        assert_eq!(order[..6], first);
        assert_eq!(order[6..], ["crowd 2", "network 2", "user 2", "crowd 3"]);
        assert!(turns.is_empty() && turns.waiting.is_empty());
    }
}
