//! When a socket's threads last wrote, to any of its connections.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Told of each write that says something about the next.
#[derive(Debug)]
pub(crate) struct Pace {
    began: Instant,
    /// Nanoseconds from there; of several threads, one's.
    last: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            last: AtomicU64::new(0),
        }
    }
}

impl Pace {
    /// A thread has written, or left it to the reactor.
    pub(crate) fn note(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// Whether that was no longer ago than `moment`.
    pub(crate) fn is_within(&self, moment: Duration) -> bool {
        let since = self.now().saturating_sub(self.last.load(Ordering::Relaxed));
        u128::from(since) < moment.as_nanos()
    }

    fn now(&self) -> u64 {
        // 584 years of nanoseconds fit.
        self.began.elapsed().as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_moment_from_a_long_time() {
        let pace = Pace::default();
        pace.note();
        assert!(pace.is_within(Duration::from_secs(3600)));
        std::thread::sleep(Duration::from_millis(2));
        assert!(!pace.is_within(Duration::from_millis(1)));
        pace.note();
        assert!(pace.is_within(Duration::from_secs(3600)));
    }
}
