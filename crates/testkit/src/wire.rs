//! ZMTP as bytes, written from the RFCs (13, 15, 23, 37) and not from the
//! library that is tested with it.

/// Which ZMTP a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.0 as the first peers spoke it: no greeting, a routing id and go.
    V1Unversioned,
    /// 1.0 framing behind a greeting with revision 0.
    V1Revision0,
    /// 2.0 (RFC 15).
    V2_0,
    /// 3.0 (RFC 23).
    V3_0,
    /// 3.1 (RFC 37).
    V3_1,
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V1Unversioned,
        Self::V1Revision0,
        Self::V2_0,
        Self::V3_0,
        Self::V3_1,
    ];

    /// Whether frames begin with their size and not with their flags.
    #[must_use]
    pub fn has_old_framing(self) -> bool {
        self < Self::V2_0
    }

    /// Whether there is a READY handshake.
    #[must_use]
    pub fn has_handshake(self) -> bool {
        self >= Self::V3_0
    }
}

/// One frame as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whether more frames of the message follow.
    pub more: bool,
    /// Whether it is a command.
    pub command: bool,
    /// What it carries; of a command, with its name.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A command's name and data; of a frame that is none, nothing.
    #[must_use]
    pub fn as_command(&self) -> Option<(&[u8], &[u8])> {
        let (len, rest) = self.payload.split_first().filter(|_| self.command)?;
        rest.split_at_checked(usize::from(*len))
    }
}

/// The signature, as a peer with a routing id of `routing_id_len` bytes sends it.
#[must_use]
pub fn signature(routing_id_len: usize) -> Vec<u8> {
    let mut bytes = vec![0xff];
    bytes.extend_from_slice(&(routing_id_len as u64 + 1).to_be_bytes());
    bytes.push(0x7f);
    bytes
}

/// The 64-byte greeting of 3.`minor`.
#[must_use]
pub fn greeting(minor: u8, mechanism: &str, as_server: bool) -> Vec<u8> {
    let mut bytes = signature(0);
    bytes.extend_from_slice(&[3, minor]);
    let mut name = [0; 20];
    name[..mechanism.len()].copy_from_slice(mechanism.as_bytes());
    bytes.extend_from_slice(&name);
    bytes.push(u8::from(as_server));
    bytes.extend_from_slice(&[0; 31]);
    bytes
}

/// The greeting of a peer from before 3.0: revision 0 (1.0) or 1 (2.0).
#[must_use]
pub fn old_greeting(revision: u8, socket_type: u8) -> Vec<u8> {
    let mut bytes = signature(0);
    bytes.extend_from_slice(&[revision, socket_type]);
    bytes
}

/// A message frame in the framing of `version`.
#[must_use]
pub fn frame(version: Version, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(version, more, payload.len() as u64);
    bytes.extend_from_slice(payload);
    bytes
}

/// The header of a message frame whose payload is said to have `len` bytes.
#[must_use]
pub fn header(version: Version, more: bool, len: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let flags = u8::from(more);
    if version.has_old_framing() {
        match u8::try_from(len + 1) {
            Ok(short) if short < 0xff => bytes.push(short),
            _ => {
                bytes.push(0xff);
                bytes.extend_from_slice(&(len + 1).to_be_bytes());
            }
        }
        bytes.push(flags);
    } else {
        put_header(flags, len, &mut bytes);
    }
    bytes
}

/// A whole message.
#[must_use]
pub fn message(version: Version, parts: &[&[u8]]) -> Vec<u8> {
    let last = parts.len().saturating_sub(1);
    parts
        .iter()
        .enumerate()
        .flat_map(|(index, part)| frame(version, index < last, part))
        .collect()
}

/// A command frame, in the framing of 2.0 and later.
#[must_use]
pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = vec![name.len() as u8];
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    let mut bytes = Vec::new();
    put_header(4, body.len() as u64, &mut bytes);
    bytes.extend_from_slice(&body);
    bytes
}

/// Metadata, property by property.
#[must_use]
pub fn metadata(properties: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in properties {
        bytes.push(name.len() as u8);
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&(value.len() as u32).to_be_bytes());
        bytes.extend_from_slice(value);
    }
    bytes
}

/// READY of a peer of this type with this routing id.
#[must_use]
pub fn ready(socket_type: &str, routing_id: &[u8]) -> Vec<u8> {
    let properties = [
        ("Socket-Type", socket_type.as_bytes()),
        ("Identity", routing_id),
    ];
    command("READY", &metadata(&properties))
}

/// ERROR with its reason.
#[must_use]
pub fn error(reason: &str) -> Vec<u8> {
    let mut data = vec![reason.len() as u8];
    data.extend_from_slice(reason.as_bytes());
    command("ERROR", &data)
}

/// PING with its time to live in tenths of a second.
#[must_use]
pub fn ping(ttl: u16, context: &[u8]) -> Vec<u8> {
    command("PING", &[&ttl.to_be_bytes(), context].concat())
}

/// A subscription in the form that `version` has for it.
#[must_use]
pub fn subscribe(version: Version, topic: &[u8]) -> Vec<u8> {
    if version >= Version::V3_1 {
        command("SUBSCRIBE", topic)
    } else {
        frame(version, false, &[&[1], topic].concat())
    }
}

/// The end of a subscription in the form that `version` has for it.
#[must_use]
pub fn cancel(version: Version, topic: &[u8]) -> Vec<u8> {
    if version >= Version::V3_1 {
        command("CANCEL", topic)
    } else {
        frame(version, false, &[&[0], topic].concat())
    }
}

/// The number of a socket type in `zmq.h` and in greetings before 3.0.
///
/// # Panics
///
/// For a name that is none of the types.
#[must_use]
pub fn type_number(socket_type: &str) -> u8 {
    const NAMES: [&str; 21] = [
        "PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB",
        "STREAM", "SERVER", "CLIENT", "RADIO", "DISH", "GATHER", "SCATTER", "DGRAM", "PEER",
        "CHANNEL",
    ];
    NAMES
        .iter()
        .position(|name| *name == socket_type)
        .map(|index| index as u8)
        .expect("one of the socket types")
}

fn put_header(flags: u8, len: u64, bytes: &mut Vec<u8>) {
    match u8::try_from(len) {
        Ok(short) => bytes.extend_from_slice(&[flags, short]),
        Err(_) => {
            bytes.push(flags | 2);
            bytes.extend_from_slice(&len.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_both_framings() {
        assert_eq!(frame(Version::V1Unversioned, true, b"ab"), b"\x03\x01ab");
        assert_eq!(frame(Version::V3_1, true, b"ab"), b"\x01\x02ab");
        let longest = frame(Version::V1Revision0, false, &[7; 253]);
        assert_eq!(longest[..2], [254, 0]);
        let long = frame(Version::V1Revision0, false, &[7; 254]);
        assert_eq!(long[..10], [255, 0, 0, 0, 0, 0, 0, 0, 255, 0]);
        let long = frame(Version::V2_0, false, &[7; 256]);
        assert_eq!(long[..9], [2, 0, 0, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn the_example_of_the_rfc() {
        let expected = b"\x04\x26\x05READY\x0bSocket-Type\0\0\0\x03REQ\x08Identity\0\0\0\0";
        assert_eq!(ready("REQ", b""), expected);
        assert_eq!(greeting(1, "NULL", false).len(), 64);
        assert_eq!(ping(25, b"x"), b"\x04\x08\x04PING\x00\x19x");
    }
}
