//! The incoming half of the engine: one step, and what it can come to.

use std::ops::Range;
use std::time::Instant;

use super::{Engine, Event, Phase};
use crate::Error;
use crate::command;

/// An [`Event`] that does not borrow its bytes yet, so that the engine can change
/// (or fail) until the very end of the step.
pub(super) enum Meaning {
    Plain(Event<'static>),
    /// [`Event::Authenticate`], with the claim in the phase.
    Ask,
    Bytes(What, Source, Range<usize>),
}

pub(super) enum What {
    Frame { more: bool },
    Subscribe,
    Cancel,
    Join,
    Leave,
}

pub(super) enum Source {
    Input,
    Opened,
}

pub(super) type Stepped = Result<(usize, Meaning), Error>;

pub(super) const PROGRESS: Meaning = Meaning::Plain(Event::Progress);

pub(super) fn need_more(hint: usize) -> Stepped {
    Ok((0, Meaning::Plain(Event::NeedMore { hint })))
}

impl Engine {
    /// `step` without its short cut.
    pub(super) fn step_any<'a>(
        &'a mut self,
        input: &'a [u8],
        now: Instant,
    ) -> Result<(usize, Event<'a>), Error> {
        // A long message frame, whole.
        if self.fast
            && let [flags @ (2 | 3), rest @ ..] = input
            && let Some((size, rest)) = rest.split_first_chunk()
            && let size = u64::from_be_bytes(*size)
            && size <= self.limit
            && let Some(payload) = rest.get(..size as usize)
        {
            self.pulse.note(now);
            let more = *flags == 3;
            return Ok((9 + payload.len(), Event::Frame { more, payload }));
        }
        if let Phase::Failed(error) = &self.phase {
            return Err(error.clone());
        }
        let stepped = match self.phase {
            Phase::Traffic => self.traffic(input, now),
            _ => self.handshake(input, now),
        };
        let (used, meaning) = match stepped {
            Ok(stepped) => stepped,
            Err(error) => return Err(self.fail(error)),
        };
        let event = match meaning {
            Meaning::Plain(event) => event,
            Meaning::Ask => match &self.phase {
                Phase::Verdict { claim, .. } => Event::Authenticate(claim.credentials()),
                _ => Event::Progress,
            },
            Meaning::Bytes(what, source, range) => {
                let bytes = match source {
                    Source::Input => input,
                    Source::Opened => self.opened.as_slice(),
                };
                what.event(&bytes[range])
            }
        };
        Ok((used, event))
    }

    /// Ends the conversation, with a last word to the peer if it should know why.
    pub(super) fn fail(&mut self, error: Error) -> Error {
        if let Some(reason) = error.reason_for_peer(self.local.explains) {
            let len = reason.len().min(255);
            let mut data = vec![len as u8];
            data.extend_from_slice(&reason.as_bytes()[..len]);
            command::put_frame(command::ERROR, &data, &mut self.outgoing);
        }
        self.fast = false;
        self.phase = Phase::Failed(error.clone());
        error
    }
}

impl What {
    pub(super) fn event(self, bytes: &[u8]) -> Event<'_> {
        match self {
            Self::Frame { more } => Event::Frame {
                more,
                payload: bytes,
            },
            Self::Subscribe => Event::Subscribe(bytes),
            Self::Cancel => Event::Cancel(bytes),
            Self::Join => Event::Join(bytes),
            Self::Leave => Event::Leave(bytes),
        }
    }
}
