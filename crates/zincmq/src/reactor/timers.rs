//! Points in time at which a source wants to be called.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::Source;

/// Names one timer, to cancel it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey {
    at: Instant,
    serial: u64,
}

impl TimerKey {
    pub(crate) fn at(self) -> Instant {
        self.at
    }
}

#[derive(Default)]
pub(crate) struct Timers {
    due: BTreeMap<TimerKey, Arc<dyn Source>>,
    serial: u64,
}

impl Timers {
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    /// Also tells whether the new timer is now the first to go off.
    pub(crate) fn insert(&mut self, at: Instant, source: Arc<dyn Source>) -> (TimerKey, bool) {
        self.serial += 1;
        let key = TimerKey {
            at,
            serial: self.serial,
        };
        self.due.insert(key, source);
        let first = self.due.first_key_value().is_some_and(|(k, _)| *k == key);
        (key, first)
    }

    /// The source comes back, so that it is not dropped under the caller's lock.
    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<Arc<dyn Source>> {
        self.due.remove(&key)
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.first_key_value().map(|(key, _)| key.at)
    }

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Arc<dyn Source>> {
        let first = self.due.first_entry()?;
        (first.key().at <= now).then(|| first.remove())
    }
}
