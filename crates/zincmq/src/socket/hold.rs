//! Seeing to it that what a socket holds back is not so for long.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::core::Core;
use crate::reactor::Source;

impl Core {
    /// Something is held back, and nobody has an eye on it.
    #[cold]
    pub(super) fn watch_hold(&self) {
        let Some(set) = self.waiting.set() else {
            return;
        };
        if self.hold.watch() {
            set.reactor().nap(Arc::new(Watchman {
                core: Weak::clone(&self.me),
                seen: self.hold.number(),
            }));
        }
    }

    /// Has it handed over: by whoever is at work on the socket, else here.
    fn release(&self) {
        self.has_notes.store(true, Ordering::SeqCst);
        self.settle_again();
    }
}

/// Comes by after each nap while something is held back, and has that handed
/// over which was there the last time, too. While messages stream that is done
/// by the sender before long.
struct Watchman {
    core: Weak<Core>,
    seen: u64,
}

impl Source for Watchman {
    fn run(&self) {
        let Some(core) = self.core.upgrade() else {
            return;
        };
        let held = core.hold.number();
        if held == 0 && !core.hold.stop_watching() {
            return;
        }
        if held != 0 && held == self.seen {
            core.release();
        }
        if let Some(set) = core.waiting.set() {
            set.reactor().nap(Arc::new(Self {
                core: Weak::clone(&self.core),
                seen: held,
            }));
        }
    }
}
