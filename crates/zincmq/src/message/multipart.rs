//! Several frames that travel as one message.

use std::fmt;

use bytes::Bytes;
use thin_vec::ThinVec;

use super::{Message, PeerInfo};

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

    /// The parts in order, to be changed.
    #[inline]
    pub(crate) fn parts_mut(&mut self) -> impl Iterator<Item = &mut Message> {
        std::iter::once(&mut self.first).chain(&mut self.rest)
    }

    /// Bytes in all parts together, without framing.
    #[must_use]
    #[inline]
    pub fn size(&self) -> usize {
        self.first.len() + self.rest.iter().map(|part| part.len()).sum::<usize>()
    }

    /// The first part alone, if there is just one; else all of it back.
    #[inline]
    pub fn into_single(self) -> Result<Message, Self> {
        let Self { first, rest } = self;
        match rest.is_empty() {
            true => Ok(first),
            false => Err(Self { first, rest }),
        }
    }

    /// The peer this message came from, if it was received over a connection.
    #[must_use]
    pub fn peer(&self) -> Option<&PeerInfo> {
        self.first.peer()
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
