//! What the handshake told us about the peer.

use std::fmt;

use crate::{Grant, SocketType};

/// The other end of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The version the two ends speak with each other.
    pub version: Version,
    /// The peer's type; `None` if it did not say (unversioned peers cannot).
    pub socket_type: Option<SocketType>,
    /// The routing id the peer asks for; empty if it leaves the choice to us.
    pub routing_id: Vec<u8>,
    /// All metadata, known and unknown, in the order the peer sent it.
    pub properties: Vec<(String, Vec<u8>)>,
    /// What we were told when the peer was let in, if it had to ask.
    pub grant: Option<Grant>,
}

impl Peer {
    /// The value of the first property of that name that the peer tells of itself; case
    /// does not matter (RFC 37).
    pub fn property(&self, name: &str) -> Option<&[u8]> {
        self.properties
            .iter()
            .find(|(each, _)| each.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }
}

/// A version of ZMTP; a later version is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// RFC 13, and revision 0 of RFC 15's greeting.
    V1_0,
    /// RFC 15.
    V2_0,
    /// RFC 23.
    V3_0,
    /// RFC 37.
    V3_1,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_0 => "ZMTP 1.0",
            Self::V2_0 => "ZMTP 2.0",
            Self::V3_0 => "ZMTP 3.0",
            Self::V3_1 => "ZMTP 3.1",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered() {
        assert!(Version::V1_0 < Version::V2_0);
        assert!(Version::V2_0 < Version::V3_0);
        assert!(Version::V3_0 < Version::V3_1);
    }

    #[test]
    fn property_names_ignore_case_and_the_first_wins() {
        let peer = Peer {
            version: Version::V3_1,
            socket_type: None,
            routing_id: Vec::new(),
            properties: vec![
                ("X-Color".into(), b"red".to_vec()),
                ("x-color".into(), b"blue".to_vec()),
            ],
            grant: None,
        };
        assert_eq!(peer.property("X-COLOR"), Some(&b"red"[..]));
        assert_eq!(peer.property("X-Size"), None);
    }
}
