//! What subscribers send to publishers (RFC 29).

use bytes::Bytes;

use crate::message::{Item, Message, Multipart};

/// A subscription, its end, or a user's message on its way to a publisher.
#[derive(Debug)]
pub(super) enum Upstream {
    Subscribe(Message),
    Cancel(Message),
    User(Multipart),
}

/// First byte of a part that subscribes to what follows it.
pub(super) const SUBSCRIBE: u8 = 1;
/// First byte of a part that ends the subscription to what follows it.
pub(super) const CANCEL: u8 = 0;

/// Takes `item` apart. Parts of a user's message that begin with 1 or 0 are
/// (un)subscriptions: each of them, or with `only_first` at most the first
/// (ZMQ_ONLY_FIRST_SUBSCRIBE). The other parts stay together.
pub(super) fn take_apart(item: Item, only_first: bool, mut each: impl FnMut(Upstream)) {
    let message = match item {
        Item::Subscribe(topic) => return each(Upstream::Subscribe(topic)),
        Item::Cancel(topic) => return each(Upstream::Cancel(topic)),
        Item::Data(message) => message,
        // Of groups only a RADIO knows, and runs are for connections.
        Item::Join(_) | Item::Leave(_) | Item::Run(_) => return,
    };
    let mut others: Option<Multipart> = None;
    for (at, part) in message.into_iter().enumerate() {
        match part.first() {
            Some(&SUBSCRIBE) if at == 0 || !only_first => each(Upstream::Subscribe(behind(part))),
            Some(&CANCEL) if at == 0 || !only_first => each(Upstream::Cancel(behind(part))),
            _ => match &mut others {
                Some(others) => others.push(part),
                None => others = Some(part.into()),
            },
        }
    }
    if let Some(others) = others {
        each(Upstream::User(others));
    }
}

/// The part that says `what` about `topic`.
pub(super) fn spelled(what: u8, topic: &[u8]) -> Message {
    let mut part = Vec::with_capacity(1 + topic.len());
    part.push(what);
    part.extend_from_slice(topic);
    part.into()
}

fn behind(part: Message) -> Message {
    let bytes: Bytes = part.into_bytes();
    bytes.slice(1..).into()
}
