//! Messages and commands, once the handshake is over.

use std::mem;
use std::ops::Range;
use std::time::Instant;

use super::receive::{Meaning, PROGRESS, Source, Stepped, What, need_more};
use super::{Engine, Event, Phase};
use crate::command::{self, Traffic};
use crate::frame::{Flags, Header};
use crate::{Error, Version};

/// Commands up to this size pass any limit.
const SHORT: u64 = 255;

/// Bytes of answers to PINGs that may wait for `transmit`.
const MAX_CONTROL: usize = 4096;

/// A buffer for opened frames that is larger than this is not kept for the next.
const KEPT_OPENED: usize = 256 * 1024;

impl Engine {
    pub(super) fn traffic(&mut self, input: &[u8], now: Instant) -> Stepped {
        if mem::take(&mut self.phantom) {
            return Ok((0, Meaning::Plain(Event::Subscribe(b""))));
        }
        let header = match Header::parse(self.framing, input)? {
            Ok(header) => header,
            Err(hint) => return need_more(hint),
        };
        self.check_size(header)?;
        // Both fit: see `MAX_FRAME`.
        let end = header.len + header.payload as usize;
        if let Some(seal) = &self.seal {
            let head = seal.sealed_len(0);
            if let Some(len) = header.payload.checked_sub(head)
                && len >= self.direct_payload
            {
                self.pulse.note(now);
                let head = head as usize;
                let event = Event::SealedFrame { head, len };
                return Ok((header.len, Meaning::Plain(event)));
            }
        }
        let Some(body) = input.get(header.len..end) else {
            let direct = header.payload >= self.direct_payload;
            if direct && self.seal.is_none() && !header.flags.command() {
                self.pulse.note(now);
                let event = Event::LargeFrame {
                    more: header.flags.more(),
                    len: header.payload,
                };
                return Ok((header.len, Meaning::Plain(event)));
            }
            return need_more(end - input.len());
        };
        self.pulse.note(now);

        let Some(seal) = &mut self.seal else {
            let meaning = match self.payload(header.flags, body, now)? {
                None => PROGRESS,
                Some((what, range)) => {
                    let range = header.len + range.start..header.len + range.end;
                    Meaning::Bytes(what, Source::Input, range)
                }
            };
            return Ok((end, meaning));
        };
        let mut opened = mem::take(&mut self.opened);
        if opened.capacity() > KEPT_OPENED {
            opened = Vec::new();
        }
        let (flags, start) = seal.open(body, &mut opened)?;
        let payload = opened.get(start..).unwrap_or_default();
        self.check_opened(flags, payload)?;
        let meaning = match self.payload(flags, payload, now)? {
            None => PROGRESS,
            Some((what, range)) => {
                Meaning::Bytes(what, Source::Opened, start + range.start..start + range.end)
            }
        };
        self.opened = opened;
        Ok((end, meaning))
    }

    /// `open_frame`.
    pub(super) fn open_any<'a>(
        &'a mut self,
        head: &mut [u8],
        payload: &'a mut [u8],
        now: Instant,
    ) -> Result<Event<'a>, Error> {
        if let Phase::Failed(error) = &self.phase {
            return Err(error.clone());
        }
        let Some(seal) = &mut self.seal else {
            return Ok(Event::Progress);
        };
        self.pulse.note(now);
        let opened = seal
            .open_in_place(head, payload)
            .and_then(|flags| self.check_opened(flags, payload).map(|()| flags))
            .and_then(|flags| self.payload(flags, payload, now));
        match opened {
            Ok(Some((what, range))) => Ok(what.event(&payload[range])),
            Ok(None) => Ok(Event::Progress),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// What a payload means, and where in it the bytes that matter are; none if it was
    /// for the engine.
    fn payload(
        &mut self,
        flags: Flags,
        payload: &[u8],
        now: Instant,
    ) -> Result<Option<(What, Range<usize>)>, Error> {
        if !flags.command() {
            let more = flags.more();
            return Ok(Some((What::Frame { more }, 0..payload.len())));
        }
        // RFC 37 asks senders to keep MORE off commands and says nothing of receivers.
        let (what, data) = match Traffic::parse(payload)? {
            Traffic::Subscribe(topic) => (What::Subscribe, topic),
            Traffic::Cancel(topic) => (What::Cancel, topic),
            Traffic::Join(group) => (What::Join, group),
            Traffic::Leave(group) => (What::Leave, group),
            Traffic::Ping { ttl, context } => {
                let version = self.peer.as_ref().map(|peer| peer.version);
                if version >= Some(Version::V3_0) {
                    self.pulse.pinged(ttl, now);
                    // A peer that pings on and reads nothing goes without its answers.
                    if self.control.len() < MAX_CONTROL {
                        command::put_frame(command::PONG, context, &mut self.control);
                    }
                }
                return Ok(None);
            }
            Traffic::Pong | Traffic::Unknown => return Ok(None),
        };
        Ok(Some((what, payload.len() - data.len()..payload.len())))
    }

    /// Holds what was in a sealed frame against the size limit.
    fn check_opened(&self, flags: Flags, payload: &[u8]) -> Result<(), Error> {
        let size = payload.len() as u64;
        if size > self.limit && !(flags.command() && size <= SHORT) {
            let limit = self.limit;
            return Err(Error::FrameTooLarge { size, limit });
        }
        Ok(())
    }

    /// Holds a header against the size limit, from the header alone.
    fn check_size(&self, header: Header) -> Result<(), Error> {
        let allowed = match &self.seal {
            // What is inside is measured once it is open.
            Some(seal) => seal.sealed_len(self.limit.max(SHORT)),
            None if header.flags.command() => self.limit.max(SHORT),
            None => self.limit,
        };
        if header.payload > allowed {
            return Err(Error::FrameTooLarge {
                size: header.payload,
                limit: self.limit,
            });
        }
        Ok(())
    }
}
