//! Metadata: the properties that peers tell each other in the handshake.

use crate::error::printable;
use crate::{Config, Error, SocketType};

/// The peer's metadata, read and checked against our socket type.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) socket_type: Option<SocketType>,
    pub(crate) routing_id: Vec<u8>,
    pub(crate) properties: Vec<(String, Vec<u8>)>,
}

/// The properties in `bytes`, in order, written as in a handshake; `None` if they are
/// malformed. Handlers of ZAP write theirs so (RFC 27).
pub fn read_properties(bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut properties = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() && properties.len() < MAX_PROPERTIES {
        let (name, value, after) = first_property(rest).ok()?;
        properties.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
        rest = after;
    }
    rest.is_empty().then_some(properties)
}

/// A property's name and value, and what is behind it.
type First<'a> = (&'a [u8], &'a [u8], &'a [u8]);

fn first_property(bytes: &[u8]) -> Result<First<'_>, &'static str> {
    let (name, after) = bytes
        .split_first()
        .and_then(|(len, rest)| rest.split_at_checked(usize::from(*len)))
        .ok_or("it ends within a name")?;
    if name.is_empty() {
        return Err("a name is empty");
    }
    let (value, after) = after
        .split_first_chunk()
        .and_then(|(len, rest)| {
            let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
            rest.split_at_checked(len)
        })
        .ok_or("it ends within a value")?;
    Ok((name, value, after))
}

impl Metadata {
    /// Reads the peer's metadata; `ours` is the type that must get on with it. Names
    /// compare without case (RFC 37); of two values of a name the first counts, but
    /// every socket type given must suit.
    pub(crate) fn parse(bytes: &[u8], ours: SocketType) -> Result<Self, Error> {
        let mut read = Self::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let offset = bytes.len() - rest.len();
            let malformed = |reason| Error::MalformedMetadata { offset, reason };
            if read.properties.len() == MAX_PROPERTIES {
                return Err(malformed("there are over 256 properties"));
            }
            let (name, value, after) = first_property(rest).map_err(malformed)?;
            read.take(name, value, ours)?;
            rest = after;
        }
        Ok(read)
    }

    fn take(&mut self, name: &[u8], value: &[u8], ours: SocketType) -> Result<(), Error> {
        if name.eq_ignore_ascii_case(SOCKET_TYPE) {
            let theirs = SocketType::from_name(value).ok_or_else(|| Error::UnknownSocketType {
                ours,
                theirs: printable(value),
            })?;
            if !ours.accepts(theirs) {
                return Err(Error::IncompatiblePeer { ours, theirs });
            }
            self.socket_type.get_or_insert(theirs);
        } else if name.eq_ignore_ascii_case(IDENTITY)
            && !self
                .properties
                .iter()
                .any(|(each, _)| each.as_bytes().eq_ignore_ascii_case(IDENTITY))
        {
            self.routing_id = value.to_vec();
        }
        let name = String::from_utf8_lossy(name).into_owned();
        self.properties.push((name, value.to_vec()));
        Ok(())
    }
}

/// Our own metadata, as it goes to the wire.
pub(crate) fn encode(config: &Config) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    put(SOCKET_TYPE, config.socket_type.name().as_bytes(), &mut out);
    if config.socket_type.tells_routing_id() {
        put(IDENTITY, &config.routing_id, &mut out);
    }
    for (name, value) in &config.properties {
        check(name, value).map_err(|reason| Error::InvalidProperty {
            name: name.clone(),
            reason,
        })?;
        put(name.as_bytes(), value, &mut out);
    }
    Ok(out)
}

const SOCKET_TYPE: &[u8] = b"Socket-Type";
const IDENTITY: &[u8] = b"Identity";

/// No peer has cause to send more, and each costs us more than it costs the peer.
const MAX_PROPERTIES: usize = 256;

fn check(name: &str, value: &[u8]) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > 255 {
        return Err("a name has 1 to 255 bytes");
    }
    if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b))
    {
        return Err("a name is made of letters, digits and -_.+");
    }
    if [SOCKET_TYPE, IDENTITY]
        .iter()
        .any(|own| name.as_bytes().eq_ignore_ascii_case(own))
    {
        return Err("the protocol sets this one itself");
    }
    if u32::try_from(value.len()).is_err() {
        return Err("a value has less than 4 GiB");
    }
    Ok(())
}

/// `name` and `value` fit their length fields: see [`check`].
fn put(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.push(name.len() as u8);
    out.extend_from_slice(name);
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(properties: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in properties {
            put(name.as_bytes(), value, &mut out);
        }
        out
    }

    fn parse(properties: &[(&str, &[u8])]) -> Result<Metadata, Error> {
        Metadata::parse(&bytes(properties), SocketType::Dealer)
    }

    #[test]
    fn names_have_no_case_and_unknown_ones_are_kept() {
        let read = parse(&[
            ("SOCKET-type", b"ROUTER"),
            ("identity", b"me"),
            ("X-Any", b"\0\xff"),
        ])
        .unwrap();
        assert_eq!(read.socket_type, Some(SocketType::Router));
        assert_eq!(read.routing_id, b"me");
        assert_eq!(read.properties[2], ("X-Any".into(), b"\0\xff".to_vec()));
    }

    #[test]
    fn the_first_routing_id_counts_even_if_empty() {
        let read = parse(&[("Identity", b""), ("Identity", b"later")]).unwrap();
        assert_eq!(read.routing_id, b"");
        assert_eq!(read.properties.len(), 2);
    }

    #[test]
    fn every_socket_type_given_must_suit() {
        assert_eq!(
            parse(&[("Socket-Type", b"REP"), ("Socket-Type", b"PUB")]),
            Err(Error::IncompatiblePeer {
                ours: SocketType::Dealer,
                theirs: SocketType::Pub
            })
        );
        assert_eq!(
            parse(&[("Socket-Type", b"DEALER\0")]),
            Err(Error::UnknownSocketType {
                ours: SocketType::Dealer,
                theirs: "DEALER\u{fffd}".into()
            })
        );
    }

    #[test]
    fn truncation_anywhere_is_malformed() {
        let whole = bytes(&[("Socket-Type", b"ROUTER"), ("X-Any", b"value")]);
        let first = bytes(&[("Socket-Type", b"ROUTER")]).len();
        for cut in 1..whole.len() {
            let read = Metadata::parse(&whole[..cut], SocketType::Dealer);
            if cut == first {
                assert!(read.is_ok());
                continue;
            }
            let Err(Error::MalformedMetadata { offset, .. }) = read else {
                panic!("cut at {cut}: {read:?}");
            };
            assert_eq!(offset, if cut < first { 0 } else { first });
        }
    }

    #[test]
    fn empty_names_and_floods_are_malformed() {
        assert!(parse(&[("", b"")]).is_err());
        let one: (&str, &[u8]) = ("X", b"");
        assert!(parse(&vec![one; MAX_PROPERTIES]).is_ok());
        assert!(parse(&vec![one; MAX_PROPERTIES + 1]).is_err());
    }

    #[test]
    fn our_own_properties_are_checked() {
        for name in ["", "X Y", "X\0", "identity", &"x".repeat(256)] {
            let mut config = Config::new(SocketType::Pub);
            config.properties.push((name.into(), Vec::new()));
            let Err(Error::InvalidProperty { name: culprit, .. }) = encode(&config) else {
                panic!("{name:?} was taken");
            };
            assert_eq!(culprit, name);
        }
    }

    #[test]
    fn the_routing_id_is_told_even_when_empty_by_three_types() {
        let told = |socket_type| encode(&Config::new(socket_type)).unwrap();
        assert_eq!(
            told(SocketType::Router),
            b"\x0bSocket-Type\0\0\0\x06ROUTER\x08Identity\0\0\0\0"
        );
        assert_eq!(told(SocketType::Rep), b"\x0bSocket-Type\0\0\0\x03REP");
    }

    proptest! {
        #[test]
        fn our_metadata_reads_back(
            id in proptest::collection::vec(any::<u8>(), 0..=255),
            values in proptest::collection::vec(
                ("X-[A-Za-z0-9._+-]{0,20}", proptest::collection::vec(any::<u8>(), 0..50)),
                0..20,
            ),
        ) {
            let mut config = Config::new(SocketType::Dealer);
            config.routing_id = id.clone();
            config.properties = values.clone();
            let read = Metadata::parse(&encode(&config).unwrap(), SocketType::Router).unwrap();
            prop_assert_eq!(read.routing_id, id);
            prop_assert_eq!(read.socket_type, Some(SocketType::Dealer));
            prop_assert_eq!(&read.properties[2..], &values[..]);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Metadata::parse(&bytes, SocketType::Pub);
        }
    }
}
