//! Messages that go to several peers one after the other, encoded once for all.

use std::fmt;

use bytes::Bytes;
use zmtp::{put_frame, take_frame};

use super::{Message, Multipart};

/// So many messages are as many as a run has.
const MOST_MESSAGES: usize = 512;
/// With so many bytes it is long enough, too.
const MOST_BYTES: usize = 64 * 1024;
/// Longer messages are in no run: they are not copied for each peer anyway.
const LONGEST: usize = 8 * 1024;

/// One message or more, as peers of ZMTP 2.0 onwards get them in the open.
pub(crate) struct Run {
    frames: Bytes,
    /// Where each message ends.
    ends: Vec<u32>,
    size: u64,
}

impl Run {
    /// How many messages it is.
    pub(crate) fn len(&self) -> u16 {
        // A gathering ends long before.
        u16::try_from(self.ends.len()).unwrap_or(u16::MAX)
    }

    /// Bytes of all their parts, without framing.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn frames(&self) -> &Bytes {
        &self.frames
    }

    pub(crate) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The messages one by one, for a peer that needs them in another form.
    pub(crate) fn messages(&self) -> impl Iterator<Item = Multipart> + '_ {
        let mut frames = &self.frames[..];
        std::iter::from_fn(move || {
            let mut parts: Option<Multipart> = None;
            while let Some((more, payload)) = take_frame(&mut frames) {
                let part = Message::copy_from_slice(payload);
                match &mut parts {
                    Some(parts) => parts.push(part),
                    None => parts = Some(part.into()),
                }
                if !more {
                    break;
                }
            }
            parts
        })
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Run({} messages, {} bytes)", self.len(), self.size)
    }
}

/// A run in the making.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    frames: Vec<u8>,
    ends: Vec<u32>,
    size: u64,
}

impl Gathering {
    /// Whether `message` may be part of a run.
    #[inline]
    pub(crate) fn takes(message: &Multipart) -> bool {
        message.size() <= LONGEST
    }

    /// Appends `message`, which it takes.
    #[inline]
    pub(crate) fn add(&mut self, message: &Multipart) {
        if self.frames.capacity() == 0 {
            self.frames.reserve(MOST_BYTES + LONGEST);
        }
        let mut left = message.len();
        for part in message {
            left -= 1;
            put_frame(part, left > 0, &mut self.frames);
            self.size += part.len() as u64;
        }
        // Messages of many empty parts alone could be longer than a run is:
        // not by so much.
        self.ends.push(self.frames.len() as u32);
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it is long enough to be sent.
    #[inline]
    pub(crate) fn is_long(&self) -> bool {
        self.frames.len() >= MOST_BYTES || self.ends.len() >= MOST_MESSAGES
    }

    /// All that was added since the last time.
    pub(crate) fn finish(&mut self) -> Run {
        let Self {
            mut frames,
            mut ends,
            size,
        } = std::mem::take(self);
        // A slow peer may have very many of them waiting.
        if frames.len() < frames.capacity() / 2 {
            frames.shrink_to_fit();
            ends.shrink_to_fit();
        }
        Run {
            frames: frames.into(),
            ends,
            size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_the_messages_it_was_made_of() {
        let messages: Vec<Multipart> = vec![
            Multipart::from("one"),
            Multipart::from(["topic", "", "body"]),
            Multipart::from(""),
            Multipart::from(vec![7; LONGEST]),
        ];
        let mut gathering = Gathering::default();
        for message in &messages {
            assert!(Gathering::takes(message));
            gathering.add(message);
        }
        let run = gathering.finish();
        assert_eq!(gathering.len(), 0);
        assert_eq!(usize::from(run.len()), messages.len());
        assert_eq!(run.messages().collect::<Vec<_>>(), messages);
        let size: usize = messages.iter().map(Multipart::size).sum();
        assert_eq!(run.size(), size as u64);
        assert_eq!(run.ends().last(), Some(&(run.frames().len() as u32)));
        assert_eq!(run.ends()[0], 5);
        assert!(!Gathering::takes(&Multipart::from(vec![7; LONGEST + 1])));
    }

    #[test]
    fn a_run_ends() {
        let mut gathering = Gathering::default();
        for _ in 0..MOST_MESSAGES {
            assert!(!gathering.is_long());
            gathering.add(&Multipart::from("x"));
        }
        assert!(gathering.is_long());
        let _ = gathering.finish();
        let message = Multipart::from(vec![0; LONGEST]);
        while !gathering.is_long() {
            gathering.add(&message);
        }
        assert_eq!(gathering.len(), MOST_BYTES / LONGEST);
    }
}
