//! From the pipe to the stream, and who does it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{ABORT, Inner, READ, Session, TURNS, WRITE};
use crate::connection::Ending;
use crate::peer::Far;
use crate::reactor::{Driver, Interest};

/// Sends in a row that the application writes itself before the reactor
/// takes over.
const DIRECT_SENDS: u32 = 2;
/// After this long without a send, to this peer or another of the socket's, the
/// application writes itself again.
const QUIET: Duration = Duration::from_micros(20);
/// Messages written since the reactor's last turn that make it expect more.
const STREAMING: u64 = 8;

impl Session {
    pub(super) fn write(&self, inner: &mut Inner) -> Result<(), Ending> {
        let mut turns = 0;
        loop {
            let Some(wire) = &mut inner.wire else {
                return Ok(());
            };
            if wire.is_broken() {
                return self.read_to_the_end(inner);
            }
            // What the protocol has to say goes first: our READY may wait there.
            wire.transmit();
            if wire.is_ready()
                && let Some(out) = &mut inner.out
            {
                inner.streamed += wire.encode_from(out, inner.napping);
                if out.release() {
                    self.port.writable(self.key);
                }
            }
            if !wire.has_unwritten() {
                break;
            }
            match wire.flush() {
                Ok(true) => {}
                Ok(false) => {
                    let read = wire.interest().read;
                    wire.want(Interest { read, write: true })?;
                    return Ok(());
                }
                Err(error) if wire.is_ready() => {
                    wire.break_off(error);
                    return self.read_to_the_end(inner);
                }
                Err(error) => return Err(error.into()),
            }
            turns += 1;
            if turns == TURNS {
                self.schedule();
                return Ok(());
            }
        }
        if let Some(wire) = &mut inner.wire
            && wire.interest().write
        {
            let read = wire.interest().read;
            wire.want(Interest { read, write: false })?;
        }
        if self.nothing_left(inner) {
            return Err(Ending::Drained);
        }
        Ok(())
    }

    /// The reactor's turn: writes what gathered since the last one. While that
    /// is a stream it comes back after a nap, and senders need not wake
    /// anybody; else it goes to sleep.
    pub(super) fn take_turn(&self, inner: &mut Inner) -> Result<(), Ending> {
        inner.napping = true;
        self.write(inner)?;
        let stream = inner.streamed >= STREAMING && !inner.closing;
        inner.streamed = 0;
        if stream && !self.scheduled.swap(true, Ordering::SeqCst) {
            if let Some(out) = &mut inner.out {
                out.attend();
            }
            if let Some(me) = self.me.upgrade() {
                self.set.reactor().nap(me);
            }
            return Ok(());
        }
        inner.napping = false;
        self.direct_sends.store(0, Ordering::Relaxed);
        self.write(inner)
    }

    /// Whether the socket has closed its end and all it sent has gone.
    pub(super) fn nothing_left(&self, inner: &mut Inner) -> bool {
        match &mut inner.out {
            Some(out) => out.is_finished(),
            None => inner.closing,
        }
    }

    fn schedule(&self) {
        if self.scheduled.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Some(me) = self.me.upgrade() {
            self.set.reactor().schedule(me);
        }
    }
}

impl Far for Session {
    fn data(&self) {
        let pace = self.set.pace();
        let sends = self.direct_sends.fetch_add(1, Ordering::Relaxed) + 1;
        if sends < DIRECT_SENDS {
            self.drive(WRITE, Driver::Application);
            return;
        }
        if sends > DIRECT_SENDS {
            if pace.is_within(QUIET) {
                pace.note();
                return self.schedule();
            }
            self.direct_sends.store(1, Ordering::Relaxed);
        }
        self.drive(WRITE, Driver::Application);
        // What was sent to many is written to many: the time that takes is no
        // quiet.
        pace.note();
    }

    fn batch(&self) {
        self.drive(WRITE, Driver::Application);
    }

    fn room(&self) {
        self.drive(READ, Driver::Application);
    }

    fn hang_up(&self) {
        self.drive(ABORT, Driver::Application);
    }
}
