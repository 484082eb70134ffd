//! The outgoing half of the engine.

use super::Engine;
#[cfg(doc)]
use super::Event;
use crate::frame::{Flags, Framing, Header, put_header};
use crate::mechanism::Seal;
use crate::{Error, Version};

impl Engine {
    /// Appends the bytes the protocol itself has to send: greeting, handshake, ERROR,
    /// PING, PONG. They may go between any two frames, not into the middle of one.
    pub fn transmit(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.outgoing);
        if self.control.is_empty() {
            return;
        }
        let Some(seal) = &mut self.seal else {
            out.append(&mut self.control);
            return;
        };
        let mut rest = self.control.as_slice();
        let mut sealed = Ok(());
        while let Ok(Ok(header)) = Header::parse(Framing::V2, rest)
            && sealed.is_ok()
        {
            let end = header.len + header.payload as usize;
            let Some(payload) = rest.get(header.len..end) else {
                break;
            };
            sealed = put_sealed(seal.as_mut(), header.flags, &[payload], out);
            rest = &rest[end..];
        }
        self.control.clear();
        if let Err(error) = sealed {
            self.fail(error);
        }
    }

    /// Whether `transmit` has anything to append.
    #[inline]
    pub fn has_output(&self) -> bool {
        !(self.outgoing.is_empty() && self.control.is_empty())
    }

    /// Appends one whole frame, sealed if the mechanism seals. Only after
    /// [`Event::Ready`]: before, it is not known what the peer understands.
    /// Nothing is appended after 2^64 sealed frames; the next `step` says so.
    #[inline(always)]
    pub fn encode_frame(&mut self, payload: &[u8], more: bool, out: &mut Vec<u8>) {
        if self.fast
            && let Ok(size) = u8::try_from(payload.len())
        {
            out.reserve(2 + payload.len());
            out.extend_from_slice(&[u8::from(more), size]);
            out.extend_from_slice(payload);
            return;
        }
        self.put(Flags::message(more), &[payload], out);
    }

    /// Whether payloads go to the wire as they are. Then `encode_header` may be used,
    /// and the caller writes the payload itself.
    #[inline]
    pub fn is_transparent(&self) -> bool {
        self.seal.is_none()
    }

    /// Whether frames of messages go to the wire as [`put_frame`](crate::put_frame)
    /// makes them.
    #[inline]
    pub fn takes_frames(&self) -> bool {
        self.fast
    }

    /// Appends the header of a frame of `len` payload bytes. Only after
    /// [`Event::Ready`], and only on a [transparent](Self::is_transparent) engine.
    #[inline]
    pub fn encode_header(&mut self, len: u64, more: bool, out: &mut Vec<u8>) {
        put_header(self.framing, Flags::message(more), len, out);
    }

    /// Appends a subscription to the topic, in the form the peer's version knows.
    pub fn encode_subscribe(&mut self, topic: &[u8], out: &mut Vec<u8>) {
        self.put_subscription(b"\x09SUBSCRIBE", 1, topic, out);
    }

    /// Appends the end of a subscription to the topic, in the form the peer's version
    /// knows.
    pub fn encode_cancel(&mut self, topic: &[u8], out: &mut Vec<u8>) {
        self.put_subscription(b"\x06CANCEL", 0, topic, out);
    }

    /// Appends a DISH's joining of the group (RFC 48). Nothing if the peer's version
    /// has no commands.
    pub fn encode_join(&mut self, group: &[u8], out: &mut Vec<u8>) {
        self.put_command(&[b"\x04JOIN", group], out);
    }

    /// Appends a DISH's leaving of the group (RFC 48). Nothing if the peer's version
    /// has no commands.
    pub fn encode_leave(&mut self, group: &[u8], out: &mut Vec<u8>) {
        self.put_command(&[b"\x05LEAVE", group], out);
    }

    fn put_subscription(&mut self, name: &[u8], mark: u8, topic: &[u8], out: &mut Vec<u8>) {
        if self.version() >= Version::V3_1 {
            self.put_command(&[name, topic], out);
        } else {
            self.put(Flags::NONE, &[&[mark], topic], out);
        }
    }

    fn put_command(&mut self, parts: &[&[u8]], out: &mut Vec<u8>) {
        if self.version() >= Version::V2_0 {
            self.put(Flags::COMMAND, parts, out);
        }
    }

    /// Appends a frame whose payload is the parts taken together.
    #[inline(never)]
    fn put(&mut self, flags: Flags, parts: &[&[u8]], out: &mut Vec<u8>) {
        if let Some(seal) = &mut self.seal {
            if let Err(error) = put_sealed(seal.as_mut(), flags, parts, out) {
                self.fail(error);
            }
            return;
        }
        let len: usize = parts.iter().map(|part| part.len()).sum();
        out.reserve(10 + len);
        put_header(self.framing, flags, len as u64, out);
        for part in parts {
            out.extend_from_slice(part);
        }
    }

    fn version(&self) -> Version {
        self.peer
            .as_ref()
            .map_or(Version::V3_1, |peer| peer.version)
    }
}

/// Appends one frame, sealed, or nothing.
fn put_sealed(
    seal: &mut dyn Seal,
    flags: Flags,
    parts: &[&[u8]],
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let start = out.len();
    let len: usize = parts.iter().map(|part| part.len()).sum();
    // As libzmq does, the outer flags say nothing: MORE and COMMAND are sealed.
    put_header(Framing::V2, Flags::NONE, seal.sealed_len(len as u64), out);
    let sealed = seal.seal(flags, parts, out);
    if sealed.is_err() {
        out.truncate(start);
    }
    sealed
}
