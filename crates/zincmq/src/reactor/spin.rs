//! How long a waiting thread looks again before it sleeps. On one machine a
//! sleep and a wake-up cost ten times what the answer itself takes, so a
//! thread that is likely to be answered at once does better not to sleep.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::undivided;

/// Waits that end within this are worth spinning for.
const SPIN: Duration = Duration::from_micros(20);

/// Once in a while a longer look, which spans the time a sleeping peer needs
/// to wake: two sides that both sleep would otherwise never find out that
/// neither needs to.
const PROBE: Duration = Duration::from_micros(120);

const MISSES_TO_COOL: u32 = 4;
const LONGEST_PAUSE: u32 = 64;

/// Decides by how the last waits ended.
#[derive(Debug, Default)]
pub(crate) struct Spin {
    /// Spins in a row that found nothing.
    misses: AtomicU32,
    /// Waits to let pass before the next probe.
    pause: AtomicU32,
}

impl Spin {
    /// How long to look before sleeping this time.
    pub(crate) fn limit(&self) -> Option<Duration> {
        if single_core() {
            return None;
        }
        let misses = self.misses.load(Ordering::Relaxed);
        if misses < MISSES_TO_COOL {
            return Some(SPIN);
        }
        let pause = self.pause.load(Ordering::Relaxed);
        if pause > 0 {
            self.pause.store(pause - 1, Ordering::Relaxed);
            return None;
        }
        Some(PROBE)
    }

    pub(crate) fn hit(&self) {
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
