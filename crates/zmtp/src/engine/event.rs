//! What a piece of input meant.

#[cfg(doc)]
use super::Engine;
#[cfg(doc)]
use crate::Config;
use crate::Credentials;

/// What a piece of input meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// The input does not hold the next thing whole. Nothing was consumed.
    NeedMore {
        /// How many further bytes are needed, at least 1. The peer's word, not to be
        /// allocated on trust: it can go up to [`Engine::MAX_FRAME`] if the settings
        /// have no limit.
        hint: usize,
    },
    /// The input, if only its absence, moved the protocol on: the caller should
    /// `transmit` and step again. No bytes may be consumed with it, but never twice
    /// in a row.
    Progress,
    /// The peer asks to be let in. Whether it may, [`Engine::verdict`] tells, now or
    /// later; until then the engine takes no input and answers
    /// [`Paused`](Self::Paused). Comes from servers, once in a handshake, and with
    /// [`Config::authenticate_null`] from both ends.
    Authenticate(Credentials<'a>),
    /// The [verdict](Engine::verdict) on the peer is still to come. Nothing was
    /// consumed; there is no use in reading more.
    Paused,
    /// The handshake is over; [`Engine::peer`] tells with whom. What `transmit` has now
    /// must go out before the first frame of the caller's own.
    Ready,
    /// One whole frame of a message.
    Frame {
        /// Whether further frames of the same message follow.
        more: bool,
        /// What it carries.
        payload: &'a [u8],
    },
    /// A frame whose payload the caller takes out of its input itself, perhaps
    /// straight into its place: only the header is consumed. `step` goes on with what
    /// comes after the payload. Only for payloads of at least
    /// [`Config::direct_payload`] bytes that are not wholly in the input, and only
    /// from a [transparent](Engine::is_transparent) engine. While they arrive,
    /// [`Engine::note_traffic`] keeps the heartbeat going.
    LargeFrame {
        /// Whether further frames of the same message follow.
        more: bool,
        /// Payload bytes that follow.
        len: u64,
    },
    /// A sealed frame that the caller takes out of its input itself: only the frame's
    /// header is consumed. `head` bytes follow, and then the sealed payload of `len`, both
    /// of which go to [`Engine::open_frame`] once they are there; only then `step` may be
    /// called again. For all payloads of at least [`Config::direct_payload`] bytes, also
    /// those that are wholly in the input, from an engine that is not
    /// [transparent](Engine::is_transparent).
    SealedFrame {
        /// Bytes before the payload, no more than 64.
        head: usize,
        /// Payload bytes that follow those.
        len: u64,
    },
    /// The peer subscribes to the topic, by command. (Peers before 3.1 do it in a
    /// [`Frame`](Self::Frame) of byte 1 and the topic, and any peer may.)
    Subscribe(&'a [u8]),
    /// The peer cancels one subscription to the topic, by command (or in a frame of
    /// byte 0 and the topic).
    Cancel(&'a [u8]),
    /// The peer, a DISH, joins the group (RFC 48).
    Join(&'a [u8]),
    /// The peer, a DISH, leaves the group (RFC 48).
    Leave(&'a [u8]),
}
