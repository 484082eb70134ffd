//! Moments in which the reactor looks at nothing.
//!
//! A set that a thread of the application sees to is ready and none of the reactor's
//! business. With a few of those it turns its watch on each off for a while. With many that
//! would be two calls to the system for each message: so it looks away from all of them
//! at once, unless somebody waits for what it alone sees to.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long it looks away at most.
pub(super) const LENGTH: Duration = Duration::from_millis(1);

/// So many sets left to others within a [`SPELL`] are many.
const MANY: u32 = 4;
const SPELL: Duration = Duration::from_millis(2);

/// Nobody is taken to wait for the reactor after so long without a word.
const CALM: Duration = Duration::from_millis(20);

/// Written by the reactor's thread only but for `disturbed`.
pub(super) struct Doze {
    epoch: Instant,
    /// Sets left to others since `since`, microseconds from the epoch.
    left: AtomicU32,
    since: AtomicU64,
    /// Somebody waits for what the reactor does.
    disturbed: AtomicBool,
    /// When that was last found, microseconds from the epoch.
    disturbed_at: AtomicU64,
    due: AtomicBool,
}

impl Default for Doze {
    fn default() -> Self {
        Self {
            epoch: Instant::now(),
            left: AtomicU32::new(0),
            since: AtomicU64::new(0),
            disturbed: AtomicBool::new(true),
            disturbed_at: AtomicU64::new(0),
            due: AtomicBool::new(false),
        }
    }
}

impl Doze {
    /// A set was left to others: whether that is one of many, for which the reactor
    /// looks away when it has done what else there is.
    pub(super) fn begin(&self, now: impl FnOnce() -> Instant) -> bool {
        if self.due.load(Ordering::Relaxed) {
            return true;
        }
        let now = now().saturating_duration_since(self.epoch).as_micros() as u64;
        if now - self.since.load(Ordering::Relaxed) > SPELL.as_micros() as u64 {
            self.since.store(now, Ordering::Relaxed);
            self.left.store(0, Ordering::Relaxed);
        }
        let left = self.left.load(Ordering::Relaxed);
        if left < MANY {
            self.left.store(left + 1, Ordering::Relaxed);
            return false;
        }
        if self.disturbed.load(Ordering::Relaxed) {
            self.disturbed.store(false, Ordering::Relaxed);
            self.disturbed_at.store(now, Ordering::Relaxed);
        }
        if now - self.disturbed_at.load(Ordering::Relaxed) < CALM.as_micros() as u64 {
            return false;
        }
        self.due.store(true, Ordering::Relaxed);
        true
    }

    /// Whether it is time to look away, once.
    pub(super) fn take(&self) -> bool {
        self.due.load(Ordering::Relaxed) && self.due.swap(false, Ordering::Relaxed)
    }

    /// Somebody waits for what the reactor does.
    pub(super) fn disturb(&self) {
        if !self.disturbed.load(Ordering::Relaxed) {
            self.disturbed.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `sets` at one moment it looks away for.
    fn away(doze: &Doze, sets: u32, at: Instant) -> usize {
        let away = (0..sets).filter(|_| doze.begin(|| at)).count();
        doze.take();
        away
    }

    #[test]
    fn looks_away_from_many_sets_only() {
        let doze = Doze::default();
        let start = doze.epoch;
        // From the start on somebody may wait.
        let mut at = start + CALM / 2;
        assert_eq!(away(&doze, 2 * MANY, at), 0);
        at += 2 * CALM;
        assert_eq!(away(&doze, MANY, at), 0);
        assert_eq!(away(&doze, MANY, at + SPELL / 2), MANY as usize);
        at += 2 * SPELL;
        assert_eq!(away(&doze, MANY, at), 0);
        assert_eq!(away(&doze, 1, at), 1);
        assert!(!doze.take());
    }

    #[test]
    fn looks_at_all_while_somebody_waits() {
        let doze = Doze::default();
        let mut at = doze.epoch;
        for _ in 0..10 {
            at += 2 * CALM;
            doze.disturb();
            assert_eq!(away(&doze, 2 * MANY, at), 0);
            assert_eq!(away(&doze, 2 * MANY, at + CALM / 2), 0);
        }
        at += 2 * CALM;
        assert_eq!(away(&doze, 2 * MANY, at), MANY as usize);
    }
}
