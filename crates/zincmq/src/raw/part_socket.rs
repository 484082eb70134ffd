//! A socket as C and Python programs have it.

use std::fmt;

use super::errno::{Outcome, code};
use super::events;
use super::exchange::is_thread_safe;
use super::turns::Turns;
use super::watch::Watch;
use crate::error::UnbindError;
use crate::options::OptionValue;
use crate::{Readiness, Socket, SocketType};

const RCVMORE: i32 = 13;
const FD: i32 = 14;
const EVENTS: i32 = 15;
const THREAD_SAFE: i32 = 81;

/// A socket whose messages go part by part.
pub struct PartSocket {
    /// The engine's.
    pub engine: Socket,
    /// Messages that the program is in the middle of.
    pub turns: Turns,
    /// What monitors it.
    pub watch: Watch,
}

impl fmt::Debug for PartSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PartSocket").field(&self.engine).finish()
    }
}

impl PartSocket {
    /// One that has sent and received nothing yet.
    #[must_use]
    pub fn new(engine: Socket) -> Self {
        Self {
            engine,
            turns: Turns::default(),
            watch: Watch::default(),
        }
    }

    /// What to ask the engine of, and what is known without, as to what the
    /// socket is ready for of what is `asked`: half a message that is to be
    /// gone on with is one the engine knows nothing of.
    #[must_use]
    #[inline]
    pub fn halfway(&self, asked: Readiness) -> (Readiness, Readiness) {
        let (sending, receiving) = self.turns.state();
        if !receiving && !sending {
            return (asked, Readiness::NONE);
        }
        let strict = matches!(self.engine.socket_type(), SocketType::Req | SocketType::Rep);
        let (mut ask, mut known) = (Readiness::NONE, Readiness::NONE);
        for (way, half, other) in [
            (Readiness::READABLE, receiving, sending),
            (Readiness::WRITABLE, sending, receiving),
        ] {
            match asked.contains(way) {
                true if half => known |= way,
                true if !(strict && other) => ask |= way,
                _ => {}
            }
        }
        (ask, known)
    }

    /// What the program is told of an option, where that differs from what Rust
    /// is.
    ///
    /// # Errors
    ///
    /// As zmq_getsockopt(3).
    pub fn option(&self, number: i32) -> Outcome<OptionValue> {
        let thread_safe = is_thread_safe(self.engine.socket_type());
        let value = match number {
            FD if thread_safe => return Err(libc::EINVAL),
            THREAD_SAFE => OptionValue::Int(i32::from(thread_safe)),
            _ => self.engine.option_by_number(number).map_err(code)?,
        };
        Ok(match (number, value) {
            (RCVMORE, _) => OptionValue::Int(i32::from(self.turns.has_more())),
            (EVENTS, OptionValue::Int(events)) => {
                let (ask, known) = self.halfway(Readiness::READABLE | Readiness::WRITABLE);
                let known = i32::from(events::numbers(known));
                OptionValue::Int(events & i32::from(events::numbers(ask)) | known)
            }
            (_, value) => value,
        })
    }

    /// Stops listening at an endpoint; where the socket does not, ends the
    /// connection to it.
    ///
    /// # Errors
    ///
    /// As zmq_unbind(3).
    pub fn unbind(&self, endpoint: &str) -> Outcome<()> {
        check_named(endpoint)?;
        match self.engine.unbind(endpoint) {
            Err(UnbindError::Unknown(_)) => self.engine.disconnect(endpoint),
            ended => ended,
        }
        .map_err(code)
    }

    /// Ends the connection to an endpoint; where there is none, stops listening
    /// at it.
    ///
    /// # Errors
    ///
    /// As zmq_disconnect(3).
    pub fn disconnect(&self, endpoint: &str) -> Outcome<()> {
        match self.engine.disconnect(endpoint) {
            Err(UnbindError::Unknown(_)) => {
                check_named(endpoint)?;
                self.engine.unbind(endpoint)
            }
            ended => ended,
        }
        .map_err(code)
    }
}

/// What a wildcard stood for is known by its real name only.
fn check_named(endpoint: &str) -> Outcome<()> {
    let tcp = endpoint.strip_prefix("tcp://");
    match endpoint == "ipc://*" || tcp.is_some_and(|address| address.ends_with(":*")) {
        true => Err(libc::ENOENT),
        false => Ok(()),
    }
}
