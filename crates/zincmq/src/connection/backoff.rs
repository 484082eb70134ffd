//! How long to wait between attempts to connect.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The delays between attempts to connect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    /// Before the first new attempt.
    pub(crate) first: Duration,
    /// Where doubling stops; zero keeps the first delay for ever.
    pub(crate) longest: Duration,
}

/// The delay before the next attempt, without its jitter.
#[derive(Default)]
pub(super) struct Delay(Option<Duration>);

impl Delay {
    /// How long to wait now; the next one is twice as long.
    pub(super) fn next(&mut self, backoff: Backoff) -> Duration {
        let delay = self.0.unwrap_or(backoff.first);
        let doubled = (delay * 2).min(backoff.longest);
        self.0 = Some(doubled.max(delay));
        delay + jitter(backoff.first)
    }

    /// Starts with the first one again.
    pub(super) fn reset(&mut self) {
        self.0 = None;
    }
}

/// Somewhere between nothing and `span`.
fn jitter(span: Duration) -> Duration {
    let random = RandomState::new().hash_one(0);
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(random % nanos.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);

    #[track_caller]
    fn expect(delay: &mut Delay, longest: u64, times: &[u32]) {
        let backoff = Backoff {
            first: FIRST,
            longest: Duration::from_millis(longest),
        };
        for time in times {
            let found = delay.next(backoff);
            let least = FIRST * *time;
            assert!((least..least + FIRST).contains(&found), "{found:?}");
        }
    }

    #[test]
    fn delays_double_up_to_the_longest() {
        let mut delay = Delay::default();
        expect(&mut delay, 500, &[1, 2, 4, 5, 5]);
        delay.reset();
        expect(&mut delay, 500, &[1, 2]);
    }

    #[test]
    fn without_a_longest_the_first_stays() {
        expect(&mut Delay::default(), 0, &[1, 1, 1]);
    }
}
