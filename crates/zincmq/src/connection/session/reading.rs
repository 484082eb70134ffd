//! From the stream into the pipe to the socket.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{Inner, Session, TURNS};
use crate::connection::Ending;
use crate::connection::wire::{Decoded, Filled};
use crate::reactor::{Driver, Interest};

impl Session {
    pub(super) fn read(&self, inner: &mut Inner, by: Driver) -> Result<(), Ending> {
        let mut progress = false;
        let result = self.read_some(inner, by, &mut progress);
        if progress {
            self.direct_sends.store(0, Ordering::Relaxed);
        }
        if let Some(inn) = &mut inner.inn
            && inn.publish()
        {
            self.port.readable(self.key);
        }
        let full = result?;
        inner.full = full;
        if let Some(wire) = &mut inner.wire {
            // Only who finds the pipe still full turns the poller off: one
            // who has just filled it will find it empty before long.
            let Interest { read, write } = wire.interest();
            if read && full && !progress {
                wire.want(Interest { read: false, write })?;
            } else if !read && !full {
                wire.want(Interest { read: true, write })?;
            }
        }
        Ok(())
    }

    /// Reads and decodes for as long as there is something and it is this
    /// driver's turn. True if it ended at the pipe's high-water mark, or the
    /// peer waits to be let in and has said much meanwhile.
    fn read_some(
        &self,
        inner: &mut Inner,
        by: Driver,
        progress: &mut bool,
    ) -> Result<bool, Ending> {
        let mut turns = 0;
        let mut had_all = false;
        loop {
            let Some(wire) = &mut inner.wire else {
                return Ok(false);
            };
            let before = wire.items();
            let decoded = wire.decode(inner.inn.as_mut(), Instant::now());
            if wire.items() > before
                && let Some(inn) = &mut inner.inn
            {
                *progress = true;
                if inn.publish() {
                    self.port.readable(self.key);
                }
            }
            match decoded? {
                Decoded::Ready => {
                    self.handshake_done(inner);
                    continue;
                }
                Decoded::Asks(claim) => {
                    self.ask(inner, claim);
                    continue;
                }
                Decoded::Full => return Ok(true),
                // Whether the peer hangs up meanwhile shows in reading only.
                Decoded::Paused if wire.is_crowded() => return Ok(true),
                Decoded::Paused | Decoded::NeedsInput => {}
            }
            // What comes meanwhile the poller tells of.
            if had_all || turns == TURNS || (*progress && by == Driver::Application) {
                return Ok(false);
            }
            turns += 1;
            match wire.fill()? {
                Filled::Nothing => return Ok(false),
                Filled::Rest => had_all = true,
                Filled::Some => {}
            }
        }
    }

    /// Nothing more can be written. What the peer sent before is still wanted,
    /// unless the socket is closed; at its end the connection is over.
    pub(super) fn read_to_the_end(&self, inner: &mut Inner) -> Result<(), Ending> {
        let Some(wire) = &mut inner.wire else {
            return Ok(());
        };
        if inner.closing {
            return Err(wire.take_break());
        }
        let read = wire.interest().read;
        wire.want(Interest { read, write: false })?;
        Ok(())
    }
}
