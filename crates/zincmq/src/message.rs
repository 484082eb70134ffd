//! What travels: a [`Message`] is one frame, a [`Multipart`] is what one send
//! hands over and one receive returns.

mod block;
mod origin;

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::str::Utf8Error;

use bytes::Bytes;
use thin_vec::ThinVec;

use self::block::Block;
pub(crate) use self::origin::{Origin, Origins};
use crate::SocketType;

/// Payloads up to this many bytes live inside the [`Message`] itself.
pub const INLINE_CAPACITY: usize = 39;

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
    Shared(Bytes),
}

/// Aligned like the other variants, so that moving a message is moving words:
/// copies at odd offsets stall on the stores before them.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Inline {
    bytes: [u8; INLINE_CAPACITY],
    len: u8,
}

impl Inline {
    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Message {
    /// A frame of no bytes, as used for delimiters.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            repr: Repr::Inline(Inline {
                bytes: [0; INLINE_CAPACITY],
                len: 0,
            }),
            peer: None,
        }
    }

    /// Copies `payload`: in place if it is short, else into one new block.
    #[must_use]
    #[inline]
    pub fn copy_from_slice(payload: &[u8]) -> Self {
        let repr = if payload.len() <= INLINE_CAPACITY {
            let mut bytes = [0; INLINE_CAPACITY];
            bytes[..payload.len()].copy_from_slice(payload);
            Repr::Inline(Inline {
                bytes,
                len: payload.len() as u8,
            })
        } else if payload.len() <= block::LONGEST {
            Repr::Block(Block::copy_from(payload))
        } else {
            Repr::Shared(Bytes::copy_from_slice(payload))
        };
        Self { repr, peer: None }
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
            _ => message.to_vec(),
        }
    }
}

impl From<&Message> for Message {
    fn from(message: &Message) -> Self {
        message.clone()
    }
}

/// One or more frames that travel as a unit: all of them arrive, or none.
///
/// There is always at least one. Made from whatever makes a [`Message`], and
/// from an array or a `Vec` of those; other sequences of messages are collected.
///
/// ```
/// use zincmq::{Message, Multipart};
///
/// let one = Multipart::from("hello");
/// let three = Multipart::from(["id", "", "body"]);
/// assert_eq!(one.len(), 1);
/// assert_eq!(three[2], "body");
///
/// let words: Multipart = "one part each".split(' ').map(Message::from).collect();
/// for part in &words {
///     println!("{}", part.to_text());
/// }
/// assert_eq!(words, ["one", "part", "each"]);
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Multipart {
    first: Message,
    rest: ThinVec<Message>,
}

impl Multipart {
    /// Appends `part` behind the last one.
    pub fn push(&mut self, part: impl Into<Message>) {
        self.rest.push(part.into());
    }

    /// Puts `part` before the first one.
    pub fn push_front(&mut self, part: impl Into<Message>) {
        let old = std::mem::replace(&mut self.first, part.into());
        self.rest.insert(0, old);
    }

    /// Takes the first part off, unless it is the only one.
    pub fn pop_front(&mut self) -> Option<Message> {
        if self.rest.is_empty() {
            return None;
        }
        let next = self.rest.remove(0);
        Some(std::mem::replace(&mut self.first, next))
    }

    /// The first part, and what is left without it: the parts behind it, or
    /// one empty part if there were none, as a message has at least one.
    ///
    /// ```
    /// use zincmq::Multipart;
    ///
    /// let (id, rest) = Multipart::from(["id", "", "body"]).split_first();
    /// assert_eq!(id, "id");
    /// assert_eq!(rest, ["", "body"]);
    ///
    /// let (id, rest) = Multipart::from("alone").split_first();
    /// assert_eq!(id, "alone");
    /// assert_eq!(rest, [""]);
    /// ```
    #[must_use]
    pub fn split_first(mut self) -> (Message, Self) {
        match self.pop_front() {
            Some(first) => (first, self),
            None => (self.first, Self::default()),
        }
    }

    /// How many parts there are, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    #[inline]
    pub fn len(&self) -> usize {
        1 + self.rest.len()
    }

    /// The part at `index`.
    #[must_use]
    #[inline]
    pub fn part(&self, index: usize) -> Option<&Message> {
        match index {
            0 => Some(&self.first),
            n => self.rest.get(n - 1),
        }
    }

    /// The first part.
    #[must_use]
    #[inline]
    pub fn first(&self) -> &Message {
        &self.first
    }

    /// The last part, which in most patterns is the body.
    #[must_use]
    pub fn last(&self) -> &Message {
        self.rest.last().unwrap_or(&self.first)
    }

    /// The parts in order.
    #[inline]
    pub fn iter(&self) -> Parts<'_> {
        Parts {
            first: Some(&self.first),
            rest: self.rest.iter(),
        }
    }

    /// Bytes in all parts together, without framing.
    #[must_use]
    #[inline]
    pub fn size(&self) -> usize {
        self.first.len() + self.rest.iter().map(|part| part.len()).sum::<usize>()
    }

    /// The first part alone, if there is just one; else all of it back.
    pub fn into_single(self) -> Result<Message, Self> {
        if self.rest.is_empty() {
            Ok(self.first)
        } else {
            Err(self)
        }
    }

    /// The peer this message came from, if it was received over a connection.
    #[must_use]
    pub fn peer(&self) -> Option<&PeerInfo> {
        self.first.peer()
    }

    /// Marks every part as received from the peer of `origins`.
    #[inline]
    pub(crate) fn set_peer(&mut self, origins: &mut Origins) {
        for part in &mut self.rest {
            part.set_peer(Some(origins.next()));
        }
        self.first.set_peer(Some(origins.next()));
    }
}

/// The parts of a [`Multipart`], in order.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    first: Option<&'a Message>,
    rest: std::slice::Iter<'a, Message>,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a Message;

    #[inline]
    fn next(&mut self) -> Option<&'a Message> {
        self.first.take().or_else(|| self.rest.next())
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = usize::from(self.first.is_some()) + self.rest.len();
        (n, Some(n))
    }
}

impl DoubleEndedIterator for Parts<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.rest.next_back().or_else(|| self.first.take())
    }
}

impl ExactSizeIterator for Parts<'_> {}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl std::ops::Index<usize> for Multipart {
    type Output = Message;

    /// # Panics
    ///
    /// If there is no such part; [`Multipart::part`] returns an `Option`.
    fn index(&self, index: usize) -> &Message {
        match index {
            0 => &self.first,
            n => &self.rest[n - 1],
        }
    }
}

/// What makes one part makes a message of one part, and an array or a `Vec`
/// of it one of several. Not a blanket `impl`, as bytes are an array, too.
macro_rules! parts {
    ($([$($generics:tt)*] $part:ty),* $(,)?) => {$(
        impl<$($generics)*> From<$part> for Multipart {
            #[inline]
            fn from(part: $part) -> Self {
                Self {
                    first: part.into(),
                    rest: ThinVec::new(),
                }
            }
        }
    )*};
}

macro_rules! vectors {
    ($([$($generics:tt)*] $part:ty),* $(,)?) => {$(
        impl<$($generics)*> From<Vec<$part>> for Multipart {
            /// The elements are the parts; of none comes one empty part.
            fn from(parts: Vec<$part>) -> Self {
                parts.into_iter().map(Message::from).collect()
            }
        }
    )*};
}

macro_rules! arrays {
    ($([$($generics:tt)*] $part:ty),* $(,)?) => {$(
        impl<$($generics)* const PARTS: usize> From<[$part; PARTS]> for Multipart {
            /// The elements are the parts; of none comes one empty part.
            fn from(parts: [$part; PARTS]) -> Self {
                parts.into_iter().map(Message::from).collect()
            }
        }
    )*};
}

parts!(
    [] Message,
    ['a] &'a Message,
    ['a] &'a [u8],
    ['a, const N: usize] &'a [u8; N],
    [const N: usize] [u8; N],
    ['a] &'a str,
    ['a] &'a String,
    ['a] &'a Vec<u8>,
    [] String,
    [] Vec<u8>,
    [] Bytes,
);

vectors!(
    ['a] &'a [u8],
    ['a] &'a str,
    [] String,
    [] Vec<u8>,
    [] Bytes,
);

arrays!(
    [] Message,
    ['a,] &'a Message,
    ['a,] &'a [u8],
    ['a, const N: usize,] &'a [u8; N],
    ['a,] &'a str,
    ['a,] &'a String,
    ['a,] &'a Vec<u8>,
    [] String,
    [] Vec<u8>,
    [] Bytes,
);

impl FromIterator<Message> for Multipart {
    /// Collects the parts; of no parts makes one empty part.
    fn from_iter<I: IntoIterator<Item = Message>>(parts: I) -> Self {
        let mut parts = parts.into_iter();
        Self {
            first: parts.next().unwrap_or_default(),
            rest: parts.collect(),
        }
    }
}

impl From<Vec<Message>> for Multipart {
    /// The elements are the parts; of none comes one empty part.
    fn from(parts: Vec<Message>) -> Self {
        parts.into_iter().collect()
    }
}

impl Extend<Message> for Multipart {
    fn extend<I: IntoIterator<Item = Message>>(&mut self, parts: I) {
        self.rest.extend(parts);
    }
}

impl<P, const PARTS: usize> PartialEq<[P; PARTS]> for Multipart
where
    Message: PartialEq<P>,
{
    /// Whether the parts are these.
    fn eq(&self, other: &[P; PARTS]) -> bool {
        self.len() == PARTS && self.iter().zip(other).all(|(part, other)| part == other)
    }
}

impl<'a> IntoIterator for &'a Multipart {
    type Item = &'a Message;
    type IntoIter = Parts<'a>;

    fn into_iter(self) -> Parts<'a> {
        self.iter()
    }
}

impl IntoIterator for Multipart {
    type Item = Message;
    type IntoIter = std::iter::Chain<std::iter::Once<Message>, thin_vec::IntoIter<Message>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.first).chain(self.rest)
    }
}

/// What is known of a peer: shared by all messages that came from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Its address as ZeroMQ's `Peer-Address` has it: over tcp the numeric
    /// address without port, over ipc `localhost:uid:gid:pid`, over inproc
    /// nothing. The port is in the event
    /// [`Accepted`](crate::monitor::EventKind::Accepted).
    pub address: String,
    /// The socket type it announced, if its protocol announces one.
    pub socket_type: Option<SocketType>,
    /// The routing id it announced, empty if none.
    pub routing_id: Bytes,
    /// All metadata of its handshake, in order, names as sent.
    pub properties: Vec<(String, Bytes)>,
}

impl PeerInfo {
    /// The handshake property `name`, compared without regard to case (RFC 37).
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Bytes> {
        self.properties
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// What a pipe carries.
#[derive(Debug)]
pub(crate) enum Item {
    /// A user's message.
    Data(Multipart),
    /// A subscription on its way to the publisher, without prefix byte.
    Subscribe(Message),
    /// Its end.
    Cancel(Message),
}

const _: () = {
    assert!(size_of::<Message>() <= 56);
    assert!(size_of::<Multipart>() <= 64);
    assert!(size_of::<Item>() <= 64);
};
