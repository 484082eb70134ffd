//! The greeting: finding out which version both ends speak.
//!
//! It goes out in stages, as libzmq does it, each only when the peer has shown that
//! it will understand: 10 bytes that a 1.0 peer reads as the header of a long frame,
//! then the version, then what that version calls for.

use crate::Version;
use crate::frame::Framing;

/// The states of an incoming greeting, each left when its bytes are there.
#[derive(Debug)]
pub(crate) enum Greeting {
    /// 10 bytes: `FF`, 8 of no meaning, and one with its lowest bit set.
    Signature,
    /// 1 byte: the major version.
    Major,
    /// 1 byte: the socket type of a peer from before 3.0.
    OldType { version: Version, framing: Framing },
    /// 53 bytes: the minor version, the mechanism, the as-server byte, filler.
    Rest { major: u8 },
}

/// What our own greeting says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ours<'a> {
    pub(crate) socket_type: u8,
    pub(crate) mechanism: &'a str,
    pub(crate) as_server: bool,
}

/// What the bytes at hand led to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// That many bytes are missing.
    Missing(usize),
    /// That many bytes are consumed; the greeting goes on.
    Next(usize, Greeting),
    /// That many bytes are consumed; the greeting is over.
    Done(usize, Found),
}

/// Who greeted us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A 1.0 peer that knows no greeting: what came is its routing-id frame.
    Unversioned,
    /// A peer from before 3.0, by its greeting.
    Old {
        version: Version,
        framing: Framing,
        socket_type: u8,
    },
    /// A peer of 3.0 or later. The name fills 20 bytes, with zeros after it.
    Modern {
        version: Version,
        mechanism: [u8; 20],
    },
}

impl Greeting {
    /// Appends the first stage of ours.
    pub(crate) fn start(routing_id_len: usize, out: &mut Vec<u8>) -> Self {
        out.push(0xff);
        out.extend_from_slice(&(routing_id_len as u64 + 1).to_be_bytes());
        out.push(0x7f);
        Self::Signature
    }

    /// Reads on, and appends what of our greeting may go out after that.
    pub(crate) fn step(&self, input: &[u8], ours: Ours<'_>, out: &mut Vec<u8>) -> Outcome {
        match *self {
            Self::Signature => {
                match input {
                    [] => return Outcome::Missing(1),
                    [0xff, ..] if input.len() < 10 => return Outcome::Missing(10 - input.len()),
                    [0xff, _, _, _, _, _, _, _, _, last, ..] if last & 1 == 1 => {}
                    _ => return Outcome::Done(0, Found::Unversioned),
                }
                out.push(3);
                Outcome::Next(10, Self::Major)
            }
            Self::Major => {
                let Some(&major) = input.first() else {
                    return Outcome::Missing(1);
                };
                let (version, framing) = match major {
                    0 => (Version::V1_0, Framing::V1),
                    1 => (Version::V2_0, Framing::V2),
                    _ => {
                        ours.put_rest(out);
                        return Outcome::Next(1, Self::Rest { major });
                    }
                };
                out.push(ours.socket_type);
                Outcome::Next(1, Self::OldType { version, framing })
            }
            Self::OldType { version, framing } => match input.first() {
                None => Outcome::Missing(1),
                Some(&socket_type) => Outcome::Done(
                    1,
                    Found::Old {
                        version,
                        framing,
                        socket_type,
                    },
                ),
            },
            // The as-server byte and the filler are not looked at: libzmq sends zeros
            // whatever its role.
            Self::Rest { major } => match input {
                [minor, rest @ ..] if input.len() >= REST => {
                    let mut mechanism = [0; 20];
                    mechanism.copy_from_slice(&rest[..20]);
                    let version = match (major, *minor) {
                        (3, 0) => Version::V3_0,
                        _ => Version::V3_1,
                    };
                    Outcome::Done(REST, Found::Modern { version, mechanism })
                }
                _ => Outcome::Missing(REST - input.len()),
            },
        }
    }
}

/// Bytes of a 3.x greeting after the major version.
const REST: usize = 53;

impl Ours<'_> {
    fn put_rest(self, out: &mut Vec<u8>) {
        let mut rest = [0; REST];
        rest[0] = 1;
        let name = self.mechanism.as_bytes();
        let len = name.len().min(20);
        rest[1..=len].copy_from_slice(&name[..len]);
        rest[21] = u8::from(self.as_server);
        out.extend_from_slice(&rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Ours<'_> = Ours {
        socket_type: 4,
        mechanism: "NULL",
        as_server: false,
    };

    /// Feeds `input` one byte more at a time; what was found, what was left over,
    /// and what we sent after how many bytes.
    fn drip(input: &[u8]) -> (Found, usize, Vec<(usize, usize)>) {
        let mut out = Vec::new();
        let mut sent = Vec::new();
        let mut greeting = Greeting::start(0, &mut out);
        let (mut from, mut to) = (0, 0);
        loop {
            let before = out.len();
            let outcome = greeting.step(&input[from..to], OURS, &mut out);
            if out.len() > before {
                sent.push((to, out.len() - before));
            }
            match outcome {
                Outcome::Missing(hint) => {
                    assert!(hint >= 1);
                    assert!(to < input.len(), "wants more than there is");
                    to += 1;
                }
                Outcome::Next(used, next) => {
                    from += used;
                    greeting = next;
                }
                Outcome::Done(used, found) => return (found, from + used, sent),
            }
        }
    }

    fn modern(major: u8, minor: u8) -> Vec<u8> {
        let mut input = b"\xff\0\0\0\0\0\0\0\x01\x7f".to_vec();
        input.extend_from_slice(&[major, minor]);
        input.extend_from_slice(b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        input.extend_from_slice(&[0xee; 32]);
        input
    }

    #[test]
    fn stages_follow_what_the_peer_has_shown() {
        let (found, used, sent) = drip(&modern(3, 1));
        assert_eq!(used, 64);
        assert_eq!(sent, [(10, 1), (11, 53)]);
        let Found::Modern { version, mechanism } = found else {
            panic!("{found:?}");
        };
        assert_eq!(version, Version::V3_1);
        assert_eq!(&mechanism[..5], b"NULL\0");
    }

    #[test]
    fn versions_are_sorted_as_libzmq_sorts_them() {
        for (major, minor, expected) in [
            (3, 0, Version::V3_0),
            (3, 1, Version::V3_1),
            (3, 200, Version::V3_1),
            (2, 0, Version::V3_1),
            (4, 0, Version::V3_1),
            (255, 255, Version::V3_1),
        ] {
            let (found, ..) = drip(&modern(major, minor));
            assert!(
                matches!(found, Found::Modern { version, .. } if version == expected),
                "{major}.{minor}: {found:?}"
            );
        }
    }

    #[test]
    fn old_greetings_get_our_type() {
        for (revision, version, framing) in [
            (0, Version::V1_0, Framing::V1),
            (1, Version::V2_0, Framing::V2),
        ] {
            let input = [&b"\xff\0\0\0\0\0\0\0\x01\x7f"[..], &[revision, 3]].concat();
            let (found, used, sent) = drip(&input);
            let socket_type = 3;
            assert_eq!(
                found,
                Found::Old {
                    version,
                    framing,
                    socket_type
                }
            );
            assert_eq!(used, 12);
            assert_eq!(sent, [(10, 1), (11, 1)]);
        }
    }

    #[test]
    fn no_greeting_is_left_to_the_framing() {
        for input in [&b"\x01\0"[..], b"G", b"\xff\0\0\0\0\0\0\x01\x05\x00"] {
            let (found, used, sent) = drip(input);
            assert_eq!(found, Found::Unversioned);
            assert_eq!(used, 0);
            assert_eq!(sent, []);
        }
    }

    #[test]
    fn our_greeting_has_64_bytes() {
        let mut out = Vec::new();
        let greeting = Greeting::start(5, &mut out);
        assert_eq!(out, b"\xff\0\0\0\0\0\0\0\x06\x7f");
        let ours = Ours {
            as_server: true,
            ..OURS
        };
        let input = modern(3, 1);
        let Outcome::Next(10, greeting) = greeting.step(&input, ours, &mut out) else {
            panic!("the signature is whole");
        };
        let Outcome::Next(1, _) = greeting.step(&input[10..], ours, &mut out) else {
            panic!("the version is there");
        };
        assert_eq!(out.len(), 64);
        assert_eq!(&out[10..17], b"\x03\x01NULL\0");
        assert_eq!(out[32], 1);
        assert!(out[33..].iter().all(|byte| *byte == 0));
    }
}
