//! How scripted peers begin.

use arbitrary::Arbitrary;

/// The version a scripted peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Kind {
    Unversioned,
    Revision0,
    V2_0,
    V3_0,
    V3_1,
}

impl Kind {
    /// The peer's handshake, for any socket type on our side.
    pub fn opening(self) -> Vec<u8> {
        let modern = |minor| {
            let mut script = greeting(minor, "NULL");
            script.extend_from_slice(b"\x04\x06\x05READY");
            script
        };
        match self {
            Self::Unversioned => b"\x01\x00".to_vec(),
            Self::Revision0 => b"\xff\0\0\0\0\0\0\0\x01\x7f\x00\x00\x01\x00".to_vec(),
            Self::V2_0 => b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x00\x00\x00".to_vec(),
            Self::V3_0 => modern(0),
            Self::V3_1 => modern(1),
        }
    }

    /// Whether the peer knows mechanisms.
    pub fn is_modern(self) -> bool {
        matches!(self, Self::V3_0 | Self::V3_1)
    }
}

/// The greeting of a peer that speaks 3.x.
pub fn greeting(minor: u8, mechanism: &str) -> Vec<u8> {
    let mut greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03".to_vec();
    greeting.push(minor);
    greeting.extend_from_slice(mechanism.as_bytes());
    greeting.resize(64, 0);
    greeting
}

/// A command's frame.
pub fn command(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![6];
    frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}
