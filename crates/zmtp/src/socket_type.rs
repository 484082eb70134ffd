//! The 21 socket types: their names, numbers and which of them talk.

use std::fmt;

/// A ZeroMQ socket type; the numbers are those of `zmq.h` and of ZMTP 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SocketType {
    /// Exclusive pair (RFC 31).
    Pair = 0,
    /// Publisher (RFC 29).
    Pub = 1,
    /// Subscriber (RFC 29).
    Sub = 2,
    /// Request (RFC 28).
    Req = 3,
    /// Reply (RFC 28).
    Rep = 4,
    /// Asynchronous request (RFC 28).
    Dealer = 5,
    /// Asynchronous reply, addressed by routing id (RFC 28).
    Router = 6,
    /// Pipeline, receiving end (RFC 30).
    Pull = 7,
    /// Pipeline, sending end (RFC 30).
    Push = 8,
    /// Publisher that sees subscriptions (RFC 29).
    Xpub = 9,
    /// Subscriber that sends its subscriptions as messages (RFC 29).
    Xsub = 10,
    /// Raw TCP; never speaks ZMTP.
    Stream = 11,
    /// Asynchronous reply, addressed by a number (RFC 41).
    Server = 12,
    /// Asynchronous request, single-part (RFC 41).
    Client = 13,
    /// Publisher to groups (RFC 48).
    Radio = 14,
    /// Member of groups (RFC 48).
    Dish = 15,
    /// Pipeline, receiving end, single-part (RFC 49).
    Gather = 16,
    /// Pipeline, sending end, single-part (RFC 49).
    Scatter = 17,
    /// Datagrams over UDP.
    Dgram = 18,
    /// Peer to peer, addressed by a number (RFC 51).
    Peer = 19,
    /// Exclusive pair, single-part (RFC 52).
    Channel = 20,
}

impl SocketType {
    /// Every type, in the order of its number.
    pub const ALL: [Self; 21] = [
        Self::Pair,
        Self::Pub,
        Self::Sub,
        Self::Req,
        Self::Rep,
        Self::Dealer,
        Self::Router,
        Self::Pull,
        Self::Push,
        Self::Xpub,
        Self::Xsub,
        Self::Stream,
        Self::Server,
        Self::Client,
        Self::Radio,
        Self::Dish,
        Self::Gather,
        Self::Scatter,
        Self::Dgram,
        Self::Peer,
        Self::Channel,
    ];

    /// The name on the wire, as in `Socket-Type` of RFC 37.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pair => "PAIR",
            Self::Pub => "PUB",
            Self::Sub => "SUB",
            Self::Req => "REQ",
            Self::Rep => "REP",
            Self::Dealer => "DEALER",
            Self::Router => "ROUTER",
            Self::Pull => "PULL",
            Self::Push => "PUSH",
            Self::Xpub => "XPUB",
            Self::Xsub => "XSUB",
            Self::Stream => "STREAM",
            Self::Server => "SERVER",
            Self::Client => "CLIENT",
            Self::Radio => "RADIO",
            Self::Dish => "DISH",
            Self::Gather => "GATHER",
            Self::Scatter => "SCATTER",
            Self::Dgram => "DGRAM",
            Self::Peer => "PEER",
            Self::Channel => "CHANNEL",
        }
    }

    /// The type of that wire name; names are upper case only.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|each| each.name().as_bytes() == name)
    }

    /// The number in `zmq.h`, and in the greeting of ZMTP 2.0 (RFC 15).
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The type of that number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether a socket of this type may talk to a peer of type `peer`.
    pub fn accepts(self, peer: Self) -> bool {
        use SocketType::*;
        match self {
            Pair => peer == Pair,
            Pub | Xpub => matches!(peer, Sub | Xsub),
            Sub | Xsub => matches!(peer, Pub | Xpub),
            Req => matches!(peer, Rep | Router),
            Rep => matches!(peer, Req | Dealer),
            Dealer => matches!(peer, Rep | Dealer | Router),
            Router => matches!(peer, Req | Dealer | Router),
            Pull => peer == Push,
            Push => peer == Pull,
            Stream => false,
            Server => peer == Client,
            Client => peer == Server,
            Radio => peer == Dish,
            Dish => peer == Radio,
            Gather => peer == Scatter,
            Scatter => peer == Gather,
            Dgram => peer == Dgram,
            Peer => peer == Peer,
            Channel => peer == Channel,
        }
    }

    /// Whether the type tells its routing id in the `Identity` property.
    pub(crate) fn tells_routing_id(self) -> bool {
        matches!(self, Self::Req | Self::Dealer | Self::Router)
    }

    /// Whether the type publishes to subscribers.
    pub(crate) fn publishes(self) -> bool {
        matches!(self, Self::Pub | Self::Xpub)
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for (number, each) in SocketType::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(each.number()), number);
            assert_eq!(SocketType::from_number(each.number()), Some(each));
            assert_eq!(SocketType::from_name(each.name().as_bytes()), Some(each));
        }
        assert_eq!(SocketType::from_number(21), None);
        assert_eq!(SocketType::from_name(b"pub"), None);
        assert_eq!(SocketType::from_name(b""), None);
    }

    #[test]
    fn who_talks_is_mutual() {
        let mut pairs = 0;
        for a in SocketType::ALL {
            for b in SocketType::ALL {
                assert_eq!(a.accepts(b), b.accepts(a), "{a} {b}");
                pairs += usize::from(a.accepts(b));
            }
        }
        // 12 unordered pairs of two types, 6 types that meet their own kind.
        assert_eq!(pairs, 12 * 2 + 6);
    }

    #[test]
    fn stream_meets_nobody() {
        assert!(
            SocketType::ALL
                .into_iter()
                .all(|peer| !SocketType::Stream.accepts(peer))
        );
    }
}
