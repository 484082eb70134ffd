//! What a handler of ZAP replies: who is let in by it, and as whom.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zmtp::{Verdict, VerdictFault, zap};

/// A part as it should be, or not.
#[derive(Debug, Arbitrary)]
enum Part<'a> {
    Right,
    Longer(&'a [u8]),
    Other(&'a [u8]),
}

impl Part<'_> {
    fn bytes(&self, right: &[u8]) -> Vec<u8> {
        match self {
            Self::Right => right.to_vec(),
            Self::Longer(more) => [right, more].concat(),
            Self::Other(bytes) => bytes.to_vec(),
        }
    }
}

#[derive(Debug, Arbitrary)]
struct Property<'a> {
    name: &'a [u8],
    value: &'a [u8],
    /// Taken from the length of the value.
    less: u8,
}

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    version: Part<'a>,
    id: Part<'a>,
    status: Part<'a>,
    denied: u8,
    reason: &'a [u8],
    user_id: &'a [u8],
    properties: Vec<Property<'a>>,
    metadata: Part<'a>,
    fewer: u8,
    more: Vec<&'a [u8]>,
}

fuzz_target!(|input: Input<'_>| {
    let statuses = [b"200", b"300", b"400", b"500"];
    let right_status = statuses[usize::from(input.denied) % statuses.len()];
    let mut written = Vec::new();
    for property in &input.properties {
        let name = &property.name[..property.name.len().min(255)];
        let len = property.value.len() as u32;
        written.push(name.len() as u8);
        written.extend_from_slice(name);
        written.extend(len.wrapping_sub(property.less.into()).to_be_bytes());
        written.extend_from_slice(property.value);
    }
    let version = input.version.bytes(b"1.0");
    let id = input.id.bytes(b"42");
    let status = input.status.bytes(right_status);
    let metadata = input.metadata.bytes(&written);
    let mut parts = vec![
        &version[..],
        &id,
        &status,
        input.reason,
        input.user_id,
        &metadata,
    ];
    parts.truncate(parts.len() - usize::from(input.fewer).min(parts.len()));
    parts.extend(&input.more);

    let expected = match parts.as_slice() {
        [version, _, _, _, _, _] if *version != b"1.0" => Err(VerdictFault::BadVersion),
        [_, id, _, _, _, _] if *id != b"42" => Err(VerdictFault::BadRequestId),
        [_, _, b"200", _, _, metadata] => match properties(metadata) {
            Some(_) => Ok(None),
            None => Err(VerdictFault::InvalidMetadata),
        },
        [_, _, b"300", _, _, _] => Ok(Some(300)),
        [_, _, b"400", _, _, _] => Ok(Some(400)),
        [_, _, b"500", _, _, _] => Ok(Some(500)),
        [_, _, _, _, _, _] => Err(VerdictFault::InvalidStatusCode),
        _ => Err(VerdictFault::MalformedReply),
    };
    match zap::read_reply(&parts, b"42") {
        Ok(Verdict::Accept(grant)) => {
            assert_eq!(expected, Ok(None), "let in without cause");
            assert_eq!(grant.user_id, parts[4]);
            let theirs = properties(parts[5]).expect("they were found good");
            assert!(
                theirs
                    .iter()
                    .map(|(_, value)| value)
                    .eq(grant.metadata.iter().map(|(_, value)| value))
            );
            for ((theirs, _), (name, _)) in theirs.iter().zip(&grant.metadata) {
                assert_eq!(String::from_utf8_lossy(theirs), *name);
            }
        }
        Ok(Verdict::Deny { status, reason }) => {
            assert_eq!(expected, Ok(Some(status.code())));
            assert_eq!(reason, String::from_utf8_lossy(parts[3]));
        }
        Ok(Verdict::Fail(fault)) => panic!("{fault}"),
        Err(fault) => assert_eq!(expected, Err(fault)),
    }
});

/// The names and values, up to 256.
fn properties(mut bytes: &[u8]) -> Option<Vec<(&[u8], Vec<u8>)>> {
    let mut found = Vec::new();
    while let [name_len, rest @ ..] = bytes
        && *name_len > 0
    {
        let name_len = usize::from(*name_len);
        let name = rest.get(..name_len)?;
        let len: [u8; 4] = rest.get(name_len..name_len + 4)?.try_into().ok()?;
        let len = u32::from_be_bytes(len) as usize;
        let value = rest.get(name_len + 4..name_len + 4 + len)?;
        found.push((name, value.to_vec()));
        bytes = &rest[name_len + 4 + len..];
    }
    (bytes.is_empty() && found.len() <= 256).then_some(found)
}
