//! Who a message came from, as users see it.

use bytes::Bytes;

use super::c_texts::CTexts;
use crate::SocketType;

/// What is known of a peer: shared by all messages that came from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Its address as ZeroMQ's `Peer-Address` has it: over tcp the numeric
    /// address without port, which is a SOCKS5 proxy's if one is between, and for who came over
    /// IPv4 `::ffff:192.0.2.7` where the socket takes both IPv4 and IPv6; over
    /// ipc `localhost:uid:gid:pid`, over inproc nothing. The port is in the event
    /// [`Accepted`](crate::monitor::EventKind::Accepted).
    pub address: String,
    /// The socket type it announced, if its protocol announces one.
    pub socket_type: Option<SocketType>,
    /// The routing id it announced, empty if none.
    pub routing_id: Bytes,
    /// Who it was let in as, if an [`Authenticator`] was asked
    /// (`User-Id`, RFC 27); empty for nobody in particular.
    ///
    /// [`Authenticator`]: crate::security::Authenticator
    pub user_id: Option<Bytes>,
    /// What the authenticator said of it further, in order. Unlike
    /// `properties` it can be relied on; [`granted_property`](Self::granted_property)
    /// looks something up in it.
    pub granted: Vec<(String, Bytes)>,
    /// All metadata of its handshake, in order, names as sent: what it says of
    /// itself.
    pub properties: Vec<(String, Bytes)>,
    /// The connection's descriptor, which may be another's once it is closed.
    pub(crate) fd: Option<i32>,
    /// This side's end of the connection; empty if there is none yet.
    pub(crate) local: String,
    /// The peer's end of it, or the endpoint that was connected to.
    pub(crate) remote: String,
    pub(crate) texts: CTexts,
}

impl PeerInfo {
    /// The property `name`, compared without regard to case (RFC 37): what the
    /// authenticator said of the peer, or else what the peer says of itself.
    /// `User-Id` is the authenticator's alone, and a `Peer-Address` that the peer
    /// says is none: see [`address`](Self::address).
    ///
    /// Not for who somebody is: where the authenticator said nothing, a peer
    /// may call itself what it likes. [`granted_property`](Self::granted_property)
    /// is for that.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Bytes> {
        let own = match is_user_id(name) || name.eq_ignore_ascii_case("Peer-Address") {
            true => None,
            false => find(&self.properties, name),
        };
        self.granted_property(name).or(own)
    }

    /// What the authenticator said of the peer under `name`, compared without
    /// regard to case, such as what a client's certificate notes about it;
    /// `User-Id` is [`user_id`](Self::user_id). Nothing that the peer says of itself.
    #[must_use]
    pub fn granted_property(&self, name: &str) -> Option<&Bytes> {
        match is_user_id(name) {
            true => self.user_id.as_ref(),
            false => find(&self.granted, name),
        }
    }
}

fn is_user_id(name: &str) -> bool {
    name.eq_ignore_ascii_case("User-Id")
}

fn find<'a>(properties: &'a [(String, Bytes)], name: &str) -> Option<&'a Bytes> {
    let mut found = properties.iter();
    let found = found.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}
