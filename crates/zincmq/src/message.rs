//! What travels: a [`Message`] is one frame, a [`Multipart`] is what one send
//! hands over and one receive returns.

mod block;
mod c_texts;
mod inline;
mod long;
mod multipart;
mod origin;
mod peer_info;
mod run;

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::str::Utf8Error;
use std::sync::{Arc, Weak};

use bytes::Bytes;

use self::block::Block;
pub(crate) use self::block::LONGEST as LONGEST_BLOCK;
pub use self::inline::INLINE_CAPACITY;
use self::inline::Inline;
pub(crate) use self::long::Home;
use self::long::Long;
pub use self::multipart::{Multipart, Parts};
pub(crate) use self::origin::{Origin, Origins};
pub use self::peer_info::PeerInfo;
pub(crate) use self::run::{Gathering, Run};

/// One frame: an owned, immutable run of bytes.
///
/// Up to [`INLINE_CAPACITY`] bytes are stored in place, more in a
/// reference-counted block that clones share. Building one from a `Vec<u8>`,
/// `String` or [`Bytes`] does not copy long payloads.
///
/// ```
/// use zincmq::Message;
///
/// let short = Message::from("hello");
/// let long = Message::from(vec![0u8; 1_000_000]);
/// assert_eq!(&short[..], b"hello");
/// assert_eq!(long.clone().len(), 1_000_000);
/// ```
#[derive(Clone)]
pub struct Message {
    repr: Repr,
    peer: Option<Origin>,
}

#[derive(Clone)]
enum Repr {
    Inline(Inline),
    Block(Block),
    Long(Long),
    Shared(Bytes),
}

impl Message {
    /// A frame of no bytes, as used for delimiters.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            repr: Repr::Inline(Inline::zeroed(0)),
            peer: None,
        }
    }

    /// Copies `payload`: in place if it is short, else into one new block.
    #[must_use]
    #[inline]
    pub fn copy_from_slice(payload: &[u8]) -> Self {
        Self::copied_from(payload, None)
    }

    /// The same, from `peer`.
    #[inline]
    pub(crate) fn copied_from(payload: &[u8], peer: Option<Origin>) -> Self {
        let repr = if payload.len() <= INLINE_CAPACITY {
            let mut inline = Inline::zeroed(payload.len());
            inline.bytes_mut().copy_from_slice(payload);
            Repr::Inline(inline)
        } else if payload.len() <= block::LONGEST {
            Repr::Block(Block::copy_from(payload))
        } else {
            Repr::Shared(Bytes::copy_from_slice(payload))
        };
        Self { repr, peer }
    }

    /// A frame of `len` bytes written in place by `fill`, without a copy and
    /// mostly without an allocation: memory of up to 256 KiB is that of earlier
    /// messages. So what `fill` finds there, and leaves, is zeros or bytes of
    /// those.
    ///
    /// ```
    /// use zincmq::Message;
    ///
    /// let squares = Message::build(256, |bytes| {
    ///     for (n, byte) in bytes.iter_mut().enumerate() {
    ///         *byte = (n * n) as u8;
    ///     }
    /// });
    /// assert_eq!(squares[15], 225);
    /// ```
    #[must_use]
    #[inline]
    pub fn build(len: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let Some(mut message) = Self::with_len(len) else {
            // Fails as a vector does.
            let mut payload = vec![0; len];
            fill(&mut payload);
            return Self::from(payload);
        };
        if let Some(payload) = message.unique() {
            fill(payload);
        }
        message
    }

    /// The peer this message came from, if it was received over a connection.
    #[must_use]
    pub fn peer(&self) -> Option<&PeerInfo> {
        self.peer.as_ref().map(Origin::info)
    }

    /// The payload as [`Bytes`]; shares a long one, copies a short one.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.repr {
            Repr::Inline(inline) => Bytes::copy_from_slice(inline.bytes()),
            Repr::Block(block) => Bytes::from_owner(block),
            Repr::Long(long) => long.into_vec().map_or_else(Bytes::from_owner, Bytes::from),
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The payload as text, if it is UTF-8.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] tells where it is not.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(self)
    }

    /// The payload as text, with what is not UTF-8 replaced.
    #[must_use]
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(self).into_owned()
    }

    /// A payload of `len` bytes to be filled through [`Message::data`], or
    /// `None` if there is no memory for it.
    #[inline]
    pub(crate) fn with_len(len: usize) -> Option<Self> {
        let repr = if len <= INLINE_CAPACITY {
            Repr::Inline(Inline::zeroed(len))
        } else {
            Repr::Block(Block::with_len(len)?)
        };
        Some(Self { repr, peer: None })
    }

    /// A payload that stays where it is, however short, until the last share
    /// of it is dropped.
    pub(crate) fn owning(owner: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self {
            repr: Repr::Shared(Bytes::from_owner(owner)),
            peer: None,
        }
    }

    /// A long payload, whose memory goes `home` with the last share of it.
    pub(crate) fn long(payload: Vec<u8>, home: Weak<dyn Home>) -> Self {
        Self {
            repr: Repr::Long(Long::new(payload, home)),
            peer: None,
        }
    }

    /// Another share in the payload, at less cost than a clone to those who can
    /// change this one.
    #[inline]
    pub(crate) fn share(&mut self) -> Self {
        let repr = match &mut self.repr {
            Repr::Block(block) => Repr::Block(block.share()),
            other => other.clone(),
        };
        Self {
            repr,
            peer: self.peer.clone(),
        }
    }

    /// Where the payload is.
    #[inline]
    pub(crate) fn data(&mut self) -> *mut u8 {
        match &mut self.repr {
            Repr::Inline(inline) => inline.data(),
            Repr::Block(block) => block.data(),
            Repr::Long(long) => long.data(),
            Repr::Shared(bytes) => bytes.as_ptr().cast_mut(),
        }
    }

    /// A message of the same bytes without a share in these. For what the
    /// library keeps: C programs may write to what they receive.
    #[inline]
    pub(crate) fn unshared(&self) -> Self {
        match &self.repr {
            Repr::Inline(inline) => Self {
                repr: Repr::Inline(*inline),
                peer: None,
            },
            _ => Self::copy_from_slice(self),
        }
    }

    /// The payload, to be changed, if it is of [`Message::with_len`] and nobody else has a
    /// share in it.
    pub(crate) fn unique(&mut self) -> Option<&mut [u8]> {
        match &mut self.repr {
            Repr::Inline(inline) => Some(inline.bytes_mut()),
            Repr::Block(block) => block.unique(),
            Repr::Long(_) | Repr::Shared(_) => None,
        }
    }

    /// Whether other messages have a share in the payload.
    pub(crate) fn is_shared(&self) -> bool {
        match &self.repr {
            Repr::Inline(_) => false,
            Repr::Block(block) => block.is_shared(),
            Repr::Long(long) => long.is_shared(),
            Repr::Shared(bytes) => !bytes.is_unique(),
        }
    }

    /// Has the processor bring the payload near, if it lies elsewhere.
    #[inline]
    pub(crate) fn prefetch(&self) {
        if let Repr::Block(block) = &self.repr {
            block.prefetch();
        }
    }

    #[inline]
    pub(crate) fn set_peer(&mut self, peer: Option<Origin>) {
        self.peer = peer;
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Message {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.repr {
            Repr::Inline(inline) => inline.bytes(),
            Repr::Block(block) => block,
            Repr::Long(long) => long,
            Repr::Shared(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 64;
        write!(f, "Message({} bytes, \"", self.len())?;
        write!(f, "{}", self[..self.len().min(SHOWN)].escape_ascii())?;
        f.write_str(if self.len() > SHOWN { "…\")" } else { "\")" })
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Message {}

impl PartialOrd for Message {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Message {
    fn cmp(&self, other: &Self) -> Ordering {
        self[..].cmp(&other[..])
    }
}

impl Hash for Message {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self[..].hash(state);
    }
}

/// A map with messages for keys, such as routing ids, can be asked for bytes.
impl Borrow<[u8]> for Message {
    fn borrow(&self) -> &[u8] {
        self
    }
}

/// A message equals whatever has the same bytes.
macro_rules! equal_by_bytes {
    ($([$($generics:tt)*] $other:ty),* $(,)?) => {$(
        impl<$($generics)*> PartialEq<$other> for Message {
            fn eq(&self, other: &$other) -> bool {
                let other: &[u8] = other.as_ref();
                self[..] == *other
            }
        }
    )*};
}

equal_by_bytes!(
    [] [u8],
    ['a] &'a [u8],
    [const N: usize] [u8; N],
    ['a, const N: usize] &'a [u8; N],
    [] str,
    ['a] &'a str,
    [] String,
    [] Vec<u8>,
    [] Bytes,
);

impl From<&[u8]> for Message {
    fn from(payload: &[u8]) -> Self {
        Self::copy_from_slice(payload)
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(payload: &[u8; N]) -> Self {
        Self::copy_from_slice(payload)
    }
}

impl<const N: usize> From<[u8; N]> for Message {
    fn from(payload: [u8; N]) -> Self {
        Self::copy_from_slice(&payload)
    }
}

impl From<&str> for Message {
    fn from(payload: &str) -> Self {
        Self::copy_from_slice(payload.as_bytes())
    }
}

impl From<String> for Message {
    fn from(payload: String) -> Self {
        Self::from(payload.into_bytes())
    }
}

impl From<Vec<u8>> for Message {
    fn from(payload: Vec<u8>) -> Self {
        if payload.len() <= INLINE_CAPACITY {
            return Self::copy_from_slice(&payload);
        }
        Self {
            repr: Repr::Shared(Bytes::from(payload)),
            peer: None,
        }
    }
}

impl From<Bytes> for Message {
    fn from(payload: Bytes) -> Self {
        if payload.len() <= INLINE_CAPACITY {
            return Self::copy_from_slice(&payload);
        }
        Self {
            repr: Repr::Shared(payload),
            peer: None,
        }
    }
}

impl From<&String> for Message {
    fn from(payload: &String) -> Self {
        Self::copy_from_slice(payload.as_bytes())
    }
}

impl From<&Vec<u8>> for Message {
    fn from(payload: &Vec<u8>) -> Self {
        Self::copy_from_slice(payload)
    }
}

impl From<Message> for Bytes {
    /// As [`Message::into_bytes`].
    fn from(message: Message) -> Self {
        message.into_bytes()
    }
}

impl From<Message> for Vec<u8> {
    /// Copies, unless the payload is long and nobody else has a share in it.
    fn from(message: Message) -> Self {
        match message.repr {
            Repr::Shared(bytes) => bytes.into(),
            Repr::Long(long) => long.into_vec().unwrap_or_else(|long| long.to_vec()),
            _ => message.to_vec(),
        }
    }
}

impl From<&Message> for Message {
    fn from(message: &Message) -> Self {
        message.clone()
    }
}

/// What a pipe carries.
#[derive(Debug)]
pub(crate) enum Item {
    /// A user's message.
    Data(Multipart),
    /// Several of them, to a connection. In its pipe they count as so many.
    Run(Arc<Run>),
    /// A subscription on its way to the publisher, without prefix byte.
    Subscribe(Message),
    /// Its end.
    Cancel(Message),
    /// A group that a DISH joins, on its way to the RADIO.
    Join(Message),
    /// A group that it leaves.
    Leave(Message),
}

const _: () = {
    assert!(size_of::<Message>() <= 56);
    assert!(size_of::<Multipart>() <= 64);
    assert!(size_of::<Item>() <= 64);
};
