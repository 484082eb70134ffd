//! An attempt to connect.

use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use crate::reactor::{Interest, Watch};
use crate::transport::{Dialing, Progress};

/// One attempt to connect.
pub(super) struct Attempt {
    pub(super) dialing: Dialing,
    /// Not before it was told that the outcome is open.
    pub(super) watch: Option<Watch>,
    /// When CONNECT_TIMEOUT ends it.
    pub(super) give_up: Option<Instant>,
    /// The address is connected, and is a proxy's.
    pub(super) with_proxy: bool,
}

impl Attempt {
    /// Goes on, and watches for what it then needs. Whether it is done.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        let needs = match self.dialing.advance()? {
            Progress::Done => return Ok(true),
            Progress::NeedsRead => Interest::READ,
            Progress::NeedsWrite => Interest::WRITE,
        };
        if let Some(watch) = &self.watch {
            watch.modify(self.dialing.as_fd(), needs)?;
        }
        Ok(false)
    }

    /// Unwatches the descriptor, so that it may be closed.
    pub(super) fn unwatched(self) -> Dialing {
        if let Some(watch) = self.watch {
            watch.stop(self.dialing.as_fd());
        }
        self.dialing
    }
}
