//! How long a waiting thread looks again before it sleeps. On one machine a
//! sleep and a wake-up cost ten times what the answer itself takes, so a
//! thread that is likely to be answered at once does better not to sleep.

use std::ops::RangeInclusive;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::undivided;

/// Waits that end within this are worth spinning for, where no socket says
/// otherwise.
pub(crate) const SPIN: Duration = Duration::from_micros(20);

/// Once in a while a look that is so many times as long, which spans the time a
/// sleeping peer needs to wake: two sides that both sleep would otherwise never
/// find out that neither needs to.
const PROBE: u32 = 6;

/// No look takes longer, whatever a socket says: while it goes on the thread
/// heeds no signals.
const LONGEST_LOOK: Duration = Duration::from_millis(10);

const MISSES_TO_COOL: u32 = 4;
const LONGEST_PAUSE: u32 = 64;

/// Sleeps that a probe may save, microseconds. What is over sooner was handed
/// over by one who shares the processor, as two do on a busy machine, and would
/// wait for it; what takes longer, a probe does not see the end of.
const WORTH_PROBING: RangeInclusive<u128> = 30..=250;
/// So many of them in a row, as one may be by chance.
const IN_A_ROW: u32 = 4;
/// So many waits after the last probe there is another all the same: who shares
/// a processor may not have to any more.
const LONGEST_REST: u32 = 2048;

/// What is over sooner was there before.
const SHORTEST_SLEEP: Duration = Duration::from_micros(4);

/// Decides by how the last waits ended.
#[derive(Debug, Default)]
pub(crate) struct Spin {
    /// Spins in a row that found nothing.
    misses: AtomicU32,
    /// Waits to let pass before the next probe.
    pause: AtomicU32,
    /// Waits since then without one, as sleeps were not worth it.
    rest: AtomicU32,
    /// The last sleeps that were worth it, in a row.
    worthy: AtomicU32,
    /// The last wait was a sleep.
    asleep: AtomicBool,
}

impl Spin {
    /// How long to look before sleeping this time, where `longest` is worth it.
    pub(crate) fn limit(&self, longest: Duration) -> Option<Duration> {
        if longest.is_zero() || single_core() {
            return None;
        }
        let misses = self.misses.load(Ordering::Relaxed);
        if misses < MISSES_TO_COOL {
            return Some(longest.min(LONGEST_LOOK));
        }
        let pause = self.pause.load(Ordering::Relaxed);
        if pause > 0 {
            self.pause.store(pause - 1, Ordering::Relaxed);
            return None;
        }
        let worthy = self.worthy.load(Ordering::Relaxed);
        let rest = self.rest.load(Ordering::Relaxed);
        if worthy < IN_A_ROW && rest < LONGEST_REST {
            self.rest.store(rest + 1, Ordering::Relaxed);
            return None;
        }
        self.rest.store(0, Ordering::Relaxed);
        Some(longest.saturating_mul(PROBE).min(LONGEST_LOOK))
    }

    /// A wait that slept took so long in all.
    pub(crate) fn slept(&self, wait: Duration) {
        let worthy = match WORTH_PROBING.contains(&wait.as_micros()) {
            true => self.worthy.load(Ordering::Relaxed).saturating_add(1),
            false => 0,
        };
        self.worthy.store(worthy, Ordering::Relaxed);
        self.asleep.store(wait >= SHORTEST_SLEEP, Ordering::Relaxed);
    }

    /// Whether the last wait was a sleep.
    pub(crate) fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Relaxed)
    }

    /// A wait was none: what it was for was there.
    pub(crate) fn wake(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    pub(crate) fn hit(&self) {
        self.wake();
        self.misses.store(0, Ordering::Relaxed);
    }

    pub(crate) fn miss(&self) {
        let misses = self.misses.load(Ordering::Relaxed).saturating_add(1);
        self.misses.store(misses, Ordering::Relaxed);
        if misses >= MISSES_TO_COOL {
            let steps = (misses - MISSES_TO_COOL).min(8);
            let pause = (2 << steps).min(LONGEST_PAUSE);
            self.pause.store(pause, Ordering::Relaxed);
        }
    }
}

fn single_core() -> bool {
    static SINGLE: OnceLock<bool> = OnceLock::new();
    let count = || std::thread::available_parallelism().is_ok_and(|n| n.get() == 1);
    match SINGLE.get() {
        Some(single) => *single,
        None => undivided(|| *SINGLE.get_or_init(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, ContextOptions, SocketType};

    #[test]
    fn with_zero_it_never_spins() {
        let spin = Spin::default();
        for _ in 0..100 {
            assert_eq!(spin.limit(Duration::ZERO), None);
            spin.hit();
        }
    }

    #[test]
    fn misses_stop_it_and_a_hit_has_it_go_on() {
        if single_core() {
            return;
        }
        let spin = Spin::default();
        for _ in 0..MISSES_TO_COOL {
            assert_eq!(spin.limit(SPIN), Some(SPIN));
            spin.miss();
        }
        let looks: Vec<_> = (0..1000)
            .map(|_| {
                spin.slept(Duration::from_micros(100));
                spin.limit(SPIN)
            })
            .collect();
        assert!(looks.contains(&None) && !looks.contains(&Some(SPIN)));
        spin.hit();
        assert_eq!(spin.limit(SPIN), Some(SPIN));
    }

    #[test]
    fn it_probes_seldom_where_sleeps_are_short_or_long() {
        if single_core() {
            return;
        }
        let probes = |slept: u64| {
            let spin = Spin::default();
            let mut probes = 0;
            for _ in 0..10_000 {
                match spin.limit(SPIN) {
                    Some(limit) => {
                        probes += u32::from(limit > SPIN);
                        spin.miss();
                    }
                    None => spin.slept(Duration::from_micros(slept)),
                }
            }
            probes
        };
        for unworthy in [0, 10, 1000, 10_000_000_000] {
            assert!((1..=10).contains(&probes(unworthy)), "{unworthy}");
        }
        assert!(probes(100) > 50);
    }

    #[test]
    fn new_sockets_have_what_their_context_says() {
        let spin_of = |context: &Context| {
            let socket = context.socket(SocketType::Pull).unwrap();
            socket.inner().waiting().longest_spin()
        };
        let context = Context::new();
        assert_eq!(spin_of(&context), SPIN);
        context.set_by_name("SPIN", "0").unwrap();
        assert_eq!(spin_of(&context), Duration::ZERO);
        let options = ContextOptions::default().spin(Duration::from_micros(7));
        assert_eq!(spin_of(&Context::with_options(options)).as_micros(), 7);
    }
}
